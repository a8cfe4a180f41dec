//! The page: all runs, their tables and plots, and where reputation fails.

use crate::{
	Balance, UNIT,
	days::{self, Costs, Outcome, Sample, simulate},
	parameters as p, plot,
	population::{self, HIGHEST, Setup, ShareOf, Strategy, farm_replicas, farm_unit},
};
use anyhow::{Context, Result};
use pallet_reputation::{Source, decay::decayed};
use std::{fmt::Write, fs, path::Path, thread};

/// The malicious shares of the page.
pub const SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.33];
/// A share of all stake that stake alone would not withstand either.
pub const MAJORITY: f64 = 0.51;

/// All runs of the page.
pub struct Study {
	/// Nobody is malicious.
	pub honest: Outcome,
	/// Every strategy with a share of accounts, share by share.
	pub of_accounts: Vec<Outcome>,
	/// The same with a share of stake.
	pub of_stake: Vec<Outcome>,
	/// Self-dealing with most of the stake.
	pub majority: Outcome,
}

impl Study {
	/// Runs everything, on as many threads as there are cores; what comes of it does not depend on them.
	pub fn run(accounts: usize, days: u64, seed: u64) -> Result<Self> {
		let setup = |strategy, of, share| Setup { share, accounts, days, seed, ..Setup::new(strategy, of) };
		let mut setups = vec![setup(Strategy::SelfDealing, ShareOf::Accounts, 0.0)];
		for of in [ShareOf::Accounts, ShareOf::Stake] {
			for strategy in Strategy::ALL {
				setups.extend(SHARES.map(|share| setup(strategy, of, share)));
			}
		}
		setups.push(setup(Strategy::SelfDealing, ShareOf::Stake, MAJORITY));
		let threads = thread::available_parallelism().map_or(1, usize::from);
		let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
			let workers: Vec<_> = (0..threads)
				.map(|thread| {
					let mine = setups.iter().enumerate().skip(thread).step_by(threads);
					scope.spawn(move || {
						mine.map(|(number, setup)| (number, simulate(setup))).collect::<Vec<_>>()
					})
				})
				.collect();
			workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
		});
		anyhow::ensure!(outcomes.len() == setups.len(), "a run failed");
		outcomes.sort_by_key(|(number, _)| *number);
		let mut outcomes = outcomes.into_iter().map(|(_, outcome)| outcome);
		let count = SHARES.len() * Strategy::ALL.len();
		Ok(Self {
			honest: outcomes.next().context("there is a run")?,
			of_accounts: outcomes.by_ref().take(count).collect(),
			of_stake: outcomes.by_ref().take(count).collect(),
			majority: outcomes.next().context("there is a last run")?,
		})
	}

	/// A run of the study.
	fn of(&self, strategy: Strategy, of: ShareOf, share: f64) -> Result<&Outcome> {
		let runs = if of == ShareOf::Accounts { &self.of_accounts } else { &self.of_stake };
		runs.iter()
			.find(|run| run.setup.strategy == strategy && run.setup.share == share)
			.context("every strategy was run with every share")
	}

	/// Writes the page and its plots.
	pub fn write(&self, folder: &Path) -> Result<()> {
		let votes: fn(&Sample) -> f64 = |sample| sample.votes;
		let stake: fn(&Sample) -> f64 = |sample| sample.stake;
		let accounts: Vec<&Outcome> = self.of_accounts.iter().collect();
		let whole: Vec<&Outcome> = self.of_stake.iter().collect();
		let title = |what: &str| format!("The malicious accounts' share of {what}, by weeks");
		let plots = [
			("tiers", plot::tiers(&self.honest)?),
			("votes", plot::shares(&title("votes, of f of the accounts"), &accounts, votes, stake)?),
			("stake", plot::shares(&title("votes, with f of the stake"), &whole, votes, stake)?),
			(
				"seats",
				plot::shares(
					&title("seats"),
					&accounts,
					|sample| sample.seats,
					|sample| sample.seats_by_stake,
				)?,
			),
			(
				"income",
				plot::shares(
					&title("income"),
					&accounts,
					|sample| sample.income,
					|sample| sample.income_by_stake,
				)?,
			),
		];
		for (name, picture) in plots {
			let path = folder.join(format!("simulation-{name}.svg"));
			fs::write(&path, picture).with_context(|| format!("cannot write {}", path.display()))?;
		}
		let path = folder.join("simulation.md");
		fs::write(&path, self.page()?).with_context(|| format!("cannot write {}", path.display()))
	}

	/// The page.
	pub fn page(&self) -> Result<String> {
		use ShareOf::{Accounts, Stake};
		use Strategy::{Bought, Farm, Ring, SelfDealing, Sleepers};
		let setup = &self.honest.setup;
		let most = SHARES[SHARES.len() - 1];
		let least = SHARES[0];
		let votes = |sample: &Sample| sample.votes;
		let self_dealing = self.of(SelfDealing, Stake, most)?;
		let small = self.of(SelfDealing, Stake, least)?;
		let chosen = self.of(SelfDealing, Accounts, most)?;
		let (farm, farm_small) = (self.of(Farm, Stake, most)?, self.of(Farm, Stake, least)?);
		let (bought, bought_stake) = (self.of(Bought, Accounts, most)?, self.of(Bought, Stake, most)?);
		let (ring, ring_small) = (self.of(Ring, Stake, most)?, self.of(Ring, Stake, SHARES[1])?);
		let (sleepers, sleepers_stake) =
			(self.of(Sleepers, Accounts, most)?, self.of(Sleepers, Stake, most)?);
		let without = self.honest.tiers.last().map_or(0, |tiers| tiers[0]);
		let suspended: Vec<u32> = self.of_accounts.iter().map(|run| run.honest_suspended).collect();
		let own = (setup.accounts as f64 * days::TASKS / 1_000.0).round();
		let own = (own * days::RING_TASKS).round() * setup.days as f64;
		let paid = fees(setup);
		let fields = [
			("seed", setup.seed.to_string()),
			("accounts", grouped(setup.accounts.to_string())),
			("days", setup.days.to_string()),
			("turn", setup.turn().to_string()),
			("model", model()),
			("parameters", parameters()),
			("of_accounts", table(&self.of_accounts)),
			("of_stake", table(&self.of_stake)),
			("after", self.after()?),
			("most", exactly(most)),
			("least", exactly(least)),
			("dealt_end", percent(self_dealing.at_end(votes))),
			("dealt_small", percent(small.at_end(votes))),
			("dealt_vote", a_vote(self_dealing)),
			("dealt_cost", oda(self_dealing.costs.net())),
			("fees", oda(paid)),
			("dealt_part", percent(self_dealing.costs.net() as f64 / paid as f64)),
			("first_small", percent(small.most(votes))),
			("first_most", percent(self_dealing.most(votes))),
			("chosen_end", percent(chosen.at_end(votes))),
			("chosen_stake", percent(chosen.at_end(|sample| sample.stake))),
			("farm_end", percent(farm.at_end(votes))),
			("farm_small", percent(farm_small.at_end(votes))),
			("farm_locked", oda(farm.locked / Balance::from(farm.most_votes().max(1)))),
			("dealt_seats", percent(self_dealing.at_end(|sample| sample.seats))),
			("dealt_seats_by", percent(self_dealing.at_end(|sample| sample.seats_by_stake))),
			("bought_votes", percent(bought.most(votes))),
			("bought_stake", percent(bought.most(|sample| sample.stake))),
			("bought_end", percent(bought.at_end(votes))),
			("bought_lies", bought.lies.to_string()),
			("bought_suspended", bought.suspended.to_string()),
			("bought_by_stake", percent(bought_stake.most(votes))),
			("sleepers_before", percent(sleepers.after_turn(0).votes)),
			("sleepers_day", percent(sleepers.after_turn(1).votes)),
			("sleepers_month", percent(sleepers.after_turn(30).votes)),
			("asleep_day", percent(sleepers_stake.after_turn(1).votes)),
			("asleep_month", percent(sleepers_stake.after_turn(30).votes)),
			("captured", grouped(ring.captured.to_string())),
			("own_tasks", grouped(format!("{own:.0}"))),
			("silenced", grouped(ring.silenced.to_string())),
			("small_ring", exactly(SHARES[1])),
			("HIGHEST", HIGHEST.to_string()),
			("captured_small", ring_small.captured.to_string()),
			("without", without.to_string()),
			("suspended_least", suspended.iter().min().copied().unwrap_or_default().to_string()),
			("suspended_most", suspended.iter().max().copied().unwrap_or_default().to_string()),
			("majority", exactly(MAJORITY)),
			("majority_votes", percent(self.majority.at_end(votes))),
			("majority_seats", percent(self.majority.at_end(|sample| sample.seats))),
			("majority_seats_by", percent(self.majority.at_end(|sample| sample.seats_by_stake))),
		];
		let mut page = include_str!("page.md").to_owned();
		for (name, value) in fields {
			let name = format!("{{{name}}}");
			anyhow::ensure!(page.contains(&name), "the page does not say {name}");
			page = page.replace(&name, &value);
		}
		Ok(page)
	}

	/// What sleepers and bought accounts keep after they turned.
	fn after(&self) -> Result<String> {
		const AFTER: [u64; 6] = [0, 1, 7, 30, 60, 120];
		let mut table = "| strategy | f | of |".to_owned();
		for days in AFTER {
			write!(table, " {days} d |")?;
		}
		writeln!(table, "\n|---|---|---|{}", "---|".repeat(AFTER.len()))?;
		for strategy in [Strategy::Sleepers, Strategy::Bought] {
			for (of, name) in [(ShareOf::Accounts, "accounts"), (ShareOf::Stake, "stake")] {
				let run = self.of(strategy, of, SHARES[SHARES.len() - 1])?;
				write!(table, "| {} | {} | {name} |", strategy.name(), run.setup.share)?;
				for days in AFTER {
					write!(table, " {} |", percent(run.after_turn(days).votes))?;
				}
				table.push('\n');
			}
		}
		Ok(table.trim_end().to_owned())
	}
}

/// What honest users pay for inference and honest trainers for tasks in all, as it is expected.
fn fees(setup: &Setup) -> Balance {
	let scale = setup.accounts as f64 / 1_000.0;
	// Of an exponential value, rounded down, the mean is this.
	let payment = 1.0 + 1.0 / ((1.0 / days::MEAN_PAYMENT).exp() - 1.0);
	let task = days::FEE as f64 / UNIT as f64;
	let a_day = scale * (days::USERS * payment + days::TASKS * task);
	(a_day * setup.days as f64) as Balance * UNIT
}

/// A share in percent.
fn percent(share: f64) -> String {
	format!("{:.1} %", 100.0 * share)
}

/// A share that was given, in percent.
fn exactly(share: f64) -> String {
	// Two digits more than a percent has, without what floats add.
	format!("{} %", (share * 10_000.0).round() / 100.0)
}

/// An amount in whole ODA.
fn oda(amount: Balance) -> String {
	grouped(((amount + UNIT / 2) / UNIT).to_string())
}

/// A number with commas between thousands.
fn grouped(digits: String) -> String {
	let mut grouped = String::new();
	for (number, digit) in digits.chars().enumerate() {
		if number > 0 && (digits.len() - number).is_multiple_of(3) {
			grouped.push(',');
		}
		grouped.push(digit);
	}
	grouped
}

/// What the attack cost for each vote that it had at its most.
fn a_vote(run: &Outcome) -> String {
	match run.most_votes() {
		0 => "–".to_owned(),
		votes => format!("{:.1}", run.costs.net() as f64 / UNIT as f64 / votes as f64),
	}
}

/// A row a run.
fn table(runs: &[Outcome]) -> String {
	let mut table = "| strategy | f | accounts | locked | votes: most | at the end | by stake | seats: most | by stake | income | by stake | burned | to others | slashed | ODA a vote |\n".to_owned();
	table += "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
	for run in runs {
		let Costs { burned, minted, to_others, slashed } = run.costs;
		let cells = [
			run.setup.strategy.name().to_owned(),
			run.setup.share.to_string(),
			run.malicious.to_string(),
			oda(run.locked),
			percent(run.most(|sample| sample.votes)),
			percent(run.at_end(|sample| sample.votes)),
			percent(run.most(|sample| sample.stake)),
			percent(run.most(|sample| sample.seats)),
			percent(run.most(|sample| sample.seats_by_stake)),
			percent(run.mean(|sample| sample.income)),
			percent(run.mean(|sample| sample.income_by_stake)),
			oda(burned - minted),
			oda(to_others),
			oda(slashed),
			a_vote(run),
		];
		table += &format!("| {} |\n", cells.join(" | "));
	}
	table.trim_end().to_owned()
}

/// The days until a tier is reached with so many costly points a day, and an hourly heartbeat; nothing if
/// never.
pub fn days_to(tier: usize, costly_a_day: u64, units: u64) -> Option<u64> {
	let threshold = *p::THRESHOLDS.get(tier.checked_sub(1)?)?;
	let (mut costly, mut free) = (0u64, 0u64);
	for day in 1..=3_650 {
		costly = decayed(costly, p::DECAY, 1) + costly_a_day;
		free = decayed(free, p::DECAY, 1) + p::CAPS.heartbeat * units;
		if costly + free.min(p::FREE_SHARE.mul_floor(costly)) >= threshold {
			return Some(day);
		}
	}
	None
}

/// What tiers need, and how long they take, as a table.
pub fn parameters() -> String {
	let mut table = "| tier | points | bond | burned for good | anew each day | a verifier of 500 ODA with 20 votes a day | a provider with fees of 5 ODA a day | a keeper of as many replicas as count | everything at its cap |\n".to_owned();
	table += "|---|---|---|---|---|---|---|---|---|\n";
	let part = |points: u64| points as f64 / p::POINTS_PER_ODA as f64;
	let days = |days: Option<u64>| days.map_or("never".to_owned(), |days| format!("{days} days"));
	let all: u64 =
		Source::ALL.into_iter().filter(|source| !source.is_free()).map(|source| p::CAPS.of(source)).sum();
	for (tier, threshold) in (1..=HIGHEST).zip(p::THRESHOLDS) {
		let units = tier as u64;
		let decays = threshold - decayed(threshold, p::DECAY, 1);
		let five = HIGHEST as u64;
		let served = (p::WORTHS.points.served * 5).min(p::CAPS.served * units);
		let cells = [
			tier.to_string(),
			grouped(threshold.to_string()),
			format!("{} ODA", oda(p::BOND_PER_TIER * Balance::from(units))),
			format!("{:.1} ODA", part(threshold)),
			format!("{:.2} ODA", part(decays)),
			days(days_to(tier, (p::WORTHS.points.verified * 20).min(p::CAPS.verified * five), five)),
			days(days_to(tier, served, units)),
			days(days_to(tier, p::CAPS.kept * units, units)),
			days(days_to(tier, all * units, units)),
		];
		table += &format!("| {} |\n", cells.join(" | "));
	}
	table.trim_end().to_owned()
}

/// The assumptions, as they are in the code.
fn model() -> String {
	let whole = |share: f64| format!("{:.0} %", 100.0 * share);
	let rows = [
		(
			"stakes",
			format!(
				"Pareto, exponent {}, from {} to {} ODA; all of it own, none delegated",
				population::PARETO,
				population::LEAST_STAKE,
				population::MOST_STAKE
			),
		),
		(
			"honest work",
			format!(
				"who has 500 ODA verifies; {} serve, {} train, {} keep up to {} replicas; who would do nothing serves",
				whole(population::PROVIDERS),
				whole(population::TRAINERS),
				whole(population::KEEPERS),
				population::MOST_REPLICAS
			),
		),
		(
			"demand, for a thousand accounts",
			format!(
				"{} tasks a day of {} ODA; {} users who pay a provider 1 ODA a day and, on average, some {} more, settled daily",
				days::TASKS,
				days::FEE / UNIT,
				days::USERS,
				days::MEAN_PAYMENT
			),
		),
		(
			"seats",
			format!(
				"committees of {} votes, drawn by strata as the chain draws them, by stake × (1 + tier) / {}; the chain itself draws by stake alone so far",
				days::COMMITTEE,
				1 + HIGHEST
			),
		),
		(
			"honest failures",
			format!(
				"{} of seats are missed, {} of claims are withheld, keepers are gone for {} rounds on {} of days; {} of submissions become heads",
				exactly(days::ABSENCE),
				exactly(days::WITHHELD),
				days::OUTAGE_ROUNDS,
				whole(days::OUTAGE),
				whole(days::ACCEPTED)
			),
		),
		(
			"honest votes",
			format!("a referendum every {} days, in which {} vote", days::REFERENDUM, whole(days::TURNOUT)),
		),
		(
			"discovery",
			format!(
				"the day after: every vote for a falsehood, and a wrong answer with {}",
				whole(days::CHECKED)
			),
		),
		(
			"**sybil farm**",
			format!(
				"their stake goes to as many accounts as pay best: {} ODA for each unit of bond and the {} replicas of own deals that fill its cap, and {} ODA for the keeper's bond; heartbeats, votes; no seats, no fees",
				oda(farm_unit()),
				farm_replicas(),
				oda(population::KEEPER_BOND)
			),
		),
		(
			"**self-dealing**",
			"honest verification; besides, they pay themselves for inference, to the caps until they have the highest tier of their bond, then as little as keeps it; payers are new accounts, which cost nothing".to_owned(),
		),
		(
			"**sleepers**",
			"honest, until all of them lie in every seat and every answer of one day; then they do nothing more".to_owned(),
		),
		(
			"**collusion ring**",
			format!(
				"self-dealing, and {} as many tasks of its own as the honest have; where it has {} of {} votes it shows the weights to nobody else, whose `Unavailable` is an absence",
				whole(days::RING_TASKS),
				days::QUORUM,
				days::COMMITTEE
			),
		),
		(
			"**bought tiers**",
			"honest accounts are sold, bond and all: of a share of accounts those of the highest tiers, of a share of stake those with most votes for it; from then on they lie whenever it neither suspends them nor costs them their seat. What the sellers got is not known to the chain, and not in the costs".to_owned(),
		),
	];
	let mut table = String::new();
	for (name, text) in rows {
		table += &format!("| {name} | {text} |\n");
	}
	table.trim_end().to_owned()
}
