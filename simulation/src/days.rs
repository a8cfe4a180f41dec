//! What happens day by day, told to the pallet; and whose votes, seats and income come of it.

use crate::{
	Balance, UNIT, parameters as p,
	population::{Account, HIGHEST, ROUNDS, Setup, ShareOf, Strategy, chance, exponential, population},
	runtime::{Bonds, Now, Reputation, Runtime, RuntimeOrigin, genesis},
};
use oda_pallet_traits::{Deed, Evidence as _, Role, Tiers as _};
use oda_primitives::{Payment, TaskId};
use pallet_reputation::{Entries, Ladder, decay::decayed};
use polkadot_sdk::sp_runtime::Perbill;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Submissions of honest trainers a day, for each thousand accounts.
pub const TASKS: f64 = 300.0;
/// The votes of a committee.
pub const COMMITTEE: usize = 10;
/// How many of them make a quorum: more than two thirds.
pub const QUORUM: u32 = 7;
/// What a task pays its verifiers, in planck.
pub const FEE: Balance = 2 * UNIT;
/// The part of it that is burned.
pub const FEE_BURN: Perbill = Perbill::from_percent(20);
/// The part of what is burned that the emission mints at most, for verifiers as for trainers.
pub const MINTED: Perbill = Perbill::from_percent(50);
/// What a vote for a falsehood costs.
pub const VERIFIER_SLASH: Balance = 300 * UNIT;
/// What a wrong output costs.
pub const RECEIPT_SLASH: Balance = 50 * UNIT;
/// Parts of a fee for inference: the provider's, the trainer's with the royalty, what is burned. The rest is
/// others'.
pub const PROVIDER_SHARE: Perbill = Perbill::from_percent(70);
/// The trainer's, with the royalty of a model that descends from none.
pub const TRAINER_SHARE: Perbill = Perbill::from_percent(18);
/// What goes back to who keeps the model.
pub const STORAGE_SHARE: Perbill = Perbill::from_percent(3);
/// What is burned.
pub const INFERENCE_BURN: Perbill = Perbill::from_percent(5);
/// Honest users, for each thousand accounts. They are no accounts of these, and each pays one provider a day.
pub const USERS: f64 = 800.0;
/// What a user pays a day beyond an ODA, in ODA: the mean, before it is rounded down.
pub const MEAN_PAYMENT: f64 = 3.0;
/// How likely an honest verifier misses a task.
pub const ABSENCE: f64 = 0.005;
/// How likely a submission becomes a head.
pub const ACCEPTED: f64 = 0.5;
/// How likely an honest trainer's claim falls, since it was not there to show its weights.
pub const WITHHELD: f64 = 0.0005;
/// How likely a keeper is gone on a day, and for how many rounds.
pub const OUTAGE: f64 = 0.01;
/// The rounds that it misses.
pub const OUTAGE_ROUNDS: u32 = 3;
/// Days from a referendum to the next.
pub const REFERENDUM: u64 = 7;
/// How likely an account votes.
pub const TURNOUT: f64 = 0.6;
/// How likely a user finds out that an answer was wrong.
pub const CHECKED: f64 = 0.25;
/// Tasks of a ring's own a day, as a part of those of the honest.
pub const RING_TASKS: f64 = 0.1;
/// Users have numbers from here on.
const USERS_FROM: u64 = 1_000_000;
/// The signs of life of an account that works, a day: as many as count.
const BLOCKS: u32 = 600;
/// The malicious ones' own payers have numbers from here on.
const SHAM_USERS_FROM: u64 = 2_000_000;

/// What the tier is worth in the draw of seats: an assumption, since the chain draws by stake alone so far. A
/// verifier weighs its stake times this: a sixth without a tier, all of it with the highest.
pub fn seat_factor(tier: usize) -> f64 {
	(1.0 + tier as f64) / (1.0 + HIGHEST as f64)
}

/// The malicious accounts' share of everything on a day, from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sample {
	/// Of votes: tiers.
	pub votes: f64,
	/// Of votes by stake: what is locked up.
	pub stake: f64,
	/// Of the seats that were drawn.
	pub seats: f64,
	/// Of seats by stake alone: of those who verify.
	pub seats_by_stake: f64,
	/// Of the income of that day, of seats, inference and training.
	pub income: f64,
	/// Of the income if seats were drawn by stake alone.
	pub income_by_stake: f64,
	/// Their votes.
	pub theirs: u64,
	/// The votes of the others.
	pub others: u64,
}

/// What an attack cost, in planck.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Costs {
	/// What was burned of what they paid themselves.
	pub burned: Balance,
	/// What was minted for them in return.
	pub minted: Balance,
	/// What of it went to others.
	pub to_others: Balance,
	/// What they lost for lies.
	pub slashed: Balance,
}

impl Costs {
	/// All that does not come back.
	pub fn net(&self) -> Balance {
		(self.burned + self.to_others + self.slashed).saturating_sub(self.minted)
	}
}

/// What came of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
	/// How it was set up.
	pub setup: Setup,
	/// A sample a day.
	pub samples: Vec<Sample>,
	/// What it cost the malicious.
	pub costs: Costs,
	/// How many malicious accounts there were in the end.
	pub malicious: usize,
	/// What they had locked up, before they lost any of it.
	pub locked: Balance,
	/// How often they were suspended or banned, by the end.
	pub suspended: u32,
	/// How often honest accounts were.
	pub honest_suspended: u32,
	/// Committees that could decide without their honest members and did.
	pub captured: u64,
	/// Honest votes that counted as absent for that.
	pub silenced: u64,
	/// Votes for falsehoods.
	pub lies: u64,
	/// How many accounts have each tier, from 0, on each day.
	pub tiers: Vec<[u32; HIGHEST + 1]>,
}

impl Outcome {
	/// The last day's sample.
	pub fn last(&self) -> Sample {
		self.samples.last().copied().unwrap_or_default()
	}

	/// A number of the samples, by weeks: the mean of each.
	pub fn weekly(&self, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
		let mean = |week: &[Sample]| week.iter().map(&of).sum::<f64>() / week.len() as f64;
		self.samples.chunks_exact(7).map(mean).collect()
	}

	/// The most that it came to in a week.
	pub fn most(&self, of: impl Fn(&Sample) -> f64) -> f64 {
		self.weekly(of).into_iter().fold(0.0, f64::max)
	}

	/// What it came to in the last week.
	pub fn at_end(&self, of: impl Fn(&Sample) -> f64) -> f64 {
		self.weekly(of).last().copied().unwrap_or_default()
	}

	/// The mean over the days on which there were malicious accounts.
	pub fn mean(&self, of: impl Fn(&Sample) -> f64) -> f64 {
		let there = || self.samples.iter().filter(|sample| sample.stake > 0.0);
		there().map(of).sum::<f64>() / there().count().max(1) as f64
	}

	/// What it was so many days after the [turn](Setup::turn), on which it was as before.
	pub fn after_turn(&self, days: u64) -> Sample {
		self.samples.get((self.setup.turn() + days) as usize).copied().unwrap_or_default()
	}

	/// The most votes that the malicious had.
	pub fn most_votes(&self) -> u64 {
		self.samples.iter().map(|sample| sample.theirs).max().unwrap_or_default()
	}
}

/// Runs it, on a chain of its own.
pub fn simulate(setup: &Setup) -> Outcome {
	genesis().execute_with(|| {
		let mut simulation = Simulation::new(setup);
		for day in 0..setup.days {
			simulation.day(day);
		}
		simulation.outcome()
	})
}

/// What an account did in a day's tasks, by the vote.
#[derive(Clone, Copy, Default)]
struct Answers {
	right: u32,
	absent: u32,
	lies: u32,
}

/// A fault that is found out the day after.
struct Found {
	index: usize,
	deed: Deed,
	times: u32,
	role: Role,
	slash: Balance,
}

/// What accounts earned on a day, in planck.
#[derive(Clone, Copy, Default)]
struct Income {
	/// All seats' together.
	seats: Balance,
	/// The malicious ones' of that.
	seats_theirs: Balance,
	/// Of inference and training.
	work: Balance,
	/// The malicious ones' of that.
	work_theirs: Balance,
}

struct Simulation {
	setup: Setup,
	accounts: Vec<Account>,
	chance: ChaCha8Rng,
	/// As they were when the day began.
	tiers: Vec<usize>,
	/// Who may not take part.
	out: Vec<bool>,
	/// Who the pallet was told of today, so that it is settled.
	told: Vec<bool>,
	found: Vec<Found>,
	income: Income,
	ladder: Ladder,
	outcome: Outcome,
}

impl Simulation {
	fn new(setup: &Setup) -> Self {
		let accounts = population(setup);
		for account in &accounts {
			account.tell();
		}
		let count = accounts.len();
		Self {
			setup: *setup,
			chance: chance(setup.seed, 1),
			tiers: vec![0; count],
			out: vec![false; count],
			told: vec![false; count],
			found: Vec::new(),
			income: Income::default(),
			ladder: Ladder { thresholds: p::THRESHOLDS.to_vec(), hysteresis: p::HYSTERESIS },
			outcome: Outcome {
				setup: *setup,
				samples: Vec::new(),
				costs: Costs::default(),
				malicious: 0,
				locked: accounts
					.iter()
					.filter(|account| account.malicious)
					.map(|account| account.stake)
					.sum(),
				suspended: 0,
				honest_suspended: 0,
				captured: 0,
				silenced: 0,
				lies: 0,
				tiers: Vec::new(),
			},
			accounts,
		}
	}

	/// So many of something a day for the accounts that there are.
	fn scaled(&self, per_thousand: f64) -> usize {
		(per_thousand * self.setup.accounts as f64 / 1_000.0).round() as usize
	}

	/// Whether an account takes part on this day as it does for a living.
	fn works(&self, index: usize, day: u64) -> bool {
		let awake = self.setup.strategy != Strategy::Sleepers || day <= self.setup.turn();
		!self.out[index] && (awake || !self.accounts[index].malicious)
	}

	fn day(&mut self, day: u64) {
		Now::set(day * p::PERIOD);
		self.told.fill(false);
		self.income = Income::default();
		self.find();
		if self.setup.strategy == Strategy::Bought && day == self.setup.turn() {
			self.sell();
		}
		let seats = self.verify(day);
		self.serve(day);
		self.train(day);
		self.keep(day);
		self.live(day);
		if self.setup.strategy.pays_itself() {
			self.pay_themselves();
		}
		self.settle();
		self.sample(seats);
	}

	fn tell(&mut self, index: usize, deed: Deed, times: u32) {
		if times > 0 {
			Reputation::saw_times(&self.accounts[index].id, deed, times);
			self.told[index] = true;
		}
	}

	/// Punishes what was done yesterday.
	fn find(&mut self) {
		for Found { index, deed, times, role, slash } in core::mem::take(&mut self.found) {
			self.tell(index, deed, times);
			let account = &mut self.accounts[index];
			self.outcome.costs.slashed += account.slash(role, slash);
			account.tell();
		}
	}

	/// Honest accounts are sold: of so many those with the highest tiers, and of these the cheapest; of so
	/// much stake those with most votes for it.
	fn sell(&mut self) {
		let mut order: Vec<usize> = (0..self.accounts.len()).filter(|index| self.tiers[*index] > 0).collect();
		order.sort_by_key(|index| {
			let (tier, stake) = (self.tiers[*index], self.accounts[*index].stake);
			match self.setup.of {
				ShareOf::Accounts => (HIGHEST - tier, stake),
				ShareOf::Stake => (0, stake / tier as Balance),
			}
		});
		let count = (self.setup.accounts as f64 * self.setup.share).round() as usize;
		let all: Balance = self.accounts.iter().map(|account| account.stake).sum();
		let whole = (all as f64 * self.setup.share) as Balance;
		let mut sold = 0;
		for (number, index) in order.into_iter().enumerate() {
			let account = &mut self.accounts[index];
			let fits = match self.setup.of {
				ShareOf::Accounts => number < count,
				ShareOf::Stake => sold + account.stake <= whole,
			};
			if fits {
				account.malicious = true;
				sold += account.stake;
			}
		}
		self.outcome.locked = sold;
	}

	/// Draws the committees of a day and tells of their answers; how many seats there were, and how many of
	/// them were the malicious ones'.
	fn verify(&mut self, day: u64) -> (u64, u64) {
		let mut ends = Vec::new();
		let mut whole = 0.0;
		for index in 0..self.accounts.len() {
			let active = self.accounts[index].active();
			if active > 0 && self.works(index, day) {
				whole += active as f64 / UNIT as f64 * seat_factor(self.tiers[index]);
				ends.push((whole, index));
			}
		}
		if ends.is_empty() {
			return (0, 0);
		}
		let honest_tasks = self.scaled(TASKS);
		let ring = self.setup.strategy == Strategy::Ring && self.setup.share > 0.0;
		let own_tasks = if ring { (honest_tasks as f64 * RING_TASKS).round() as usize } else { 0 };
		let mut answers = vec![Answers::default(); self.accounts.len()];
		let (mut seats, mut theirs) = (0, 0);
		for task in 0..honest_tasks + own_tasks {
			let own = task >= honest_tasks;
			// Each vote falls somewhere in its part of all stakes, as the chain draws them.
			let mut committee: Vec<(usize, u32)> = Vec::with_capacity(COMMITTEE);
			for vote in 0..COMMITTEE {
				let at = (vote as f64 + self.chance.r#gen::<f64>()) / COMMITTEE as f64 * whole;
				let place = ends.partition_point(|(end, _)| *end <= at).min(ends.len() - 1);
				let index = ends[place].1;
				match committee.last_mut() {
					Some((last, votes)) if *last == index => *votes += 1,
					_ => committee.push((index, 1)),
				}
			}
			let malicious = |index: &usize| self.accounts[*index].malicious;
			let ours: u32 =
				committee.iter().filter(|(index, _)| malicious(index)).map(|(_, votes)| votes).sum();
			seats += COMMITTEE as u64;
			theirs += u64::from(ours);
			let captured = own && ours >= QUORUM;
			self.outcome.captured += u64::from(captured);
			self.decide(day, own, captured, &committee, &mut answers);
		}
		for (index, answer) in answers.into_iter().enumerate() {
			self.tell(index, Deed::Verified(TaskId::Submission(day)), answer.right);
			self.tell(index, Deed::Absent(TaskId::Submission(day)), answer.absent);
			if answer.lies > 0 {
				self.outcome.lies += u64::from(answer.lies);
				self.found.push(Found {
					index,
					deed: Deed::Misverified(TaskId::Submission(day)),
					times: answer.lies,
					role: Role::Verifier,
					slash: VERIFIER_SLASH * Balance::from(answer.lies),
				});
			}
		}
		(seats, theirs)
	}

	/// What the members of a committee answer, and what the task pays them.
	fn decide(
		&mut self,
		day: u64,
		own: bool,
		captured: bool,
		committee: &[(usize, u32)],
		answers: &mut [Answers],
	) {
		let mut right: Vec<(usize, u32)> = Vec::with_capacity(committee.len());
		for (index, votes) in committee {
			let malicious = self.accounts[*index].malicious;
			let answer = &mut answers[*index];
			if captured && !malicious {
				answer.absent += votes;
				self.outcome.silenced += u64::from(*votes);
			} else if malicious && self.lies(day, *index, answer.lies + votes) {
				answer.lies += votes;
			} else if self.chance.gen_bool(ABSENCE) {
				answer.absent += votes;
			} else {
				answer.right += votes;
				right.push((*index, *votes));
			}
		}
		let votes: u32 = right.iter().map(|(_, votes)| votes).sum();
		if votes == 0 {
			return;
		}
		let burned = FEE_BURN.mul_floor(FEE);
		let minted = MINTED.mul_floor(burned);
		let pay = |votes: u32, amount: Balance, of: u32| amount * Balance::from(votes) / Balance::from(of);
		let mut theirs = 0;
		for (index, these) in right {
			self.income.seats += pay(these, FEE - burned + minted, votes);
			if self.accounts[index].malicious {
				self.income.seats_theirs += pay(these, FEE - burned + minted, votes);
				theirs += these;
			}
		}
		if own {
			let costs = &mut self.outcome.costs;
			costs.burned += burned;
			costs.minted += pay(theirs, minted, votes);
			costs.to_others += FEE - burned - pay(theirs, FEE - burned, votes);
		}
	}

	/// Whether a malicious verifier lies in a task, if it comes to so many votes for falsehoods on this day.
	fn lies(&self, day: u64, index: usize, votes: u32) -> bool {
		match self.setup.strategy {
			Strategy::Sleepers => day == self.setup.turn(),
			Strategy::Bought => {
				let faults = Entries::<Runtime>::get(self.accounts[index].id).map_or(0, |entry| {
					let periods = day.saturating_sub(entry.period);
					decayed(entry.faults, p::FAULT_DECAY, periods)
				});
				// An absence more should not suspend it either, nor a lie cost it its seat.
				let room = p::SUSPEND_AT - p::WORTHS.faults.misverified / 2;
				let bond = Bonds::least(Role::Verifier) + VERIFIER_SLASH * Balance::from(votes);
				faults + p::WORTHS.faults.misverified * u64::from(votes) <= room
					&& self.accounts[index].verifier >= bond
			}
			Strategy::Farm | Strategy::SelfDealing | Strategy::Ring => false,
		}
	}

	/// One of some, by how much each weighs.
	fn choose(&mut self, weights: &[(f64, usize)]) -> Option<usize> {
		let whole = weights.last()?.0;
		let at = self.chance.r#gen::<f64>() * whole;
		weights.get(weights.partition_point(|(end, _)| *end <= at)).map(|(_, index)| *index)
	}

	/// Those who do something, with the ends of their weights laid side by side.
	fn weighed(&self, day: u64, weight: impl Fn(&Account) -> f64) -> Vec<(f64, usize)> {
		let mut end = 0.0;
		let mut weights = Vec::new();
		for (index, account) in self.accounts.iter().enumerate() {
			let weight = weight(account);
			if weight > 0.0 && self.works(index, day) {
				end += weight;
				weights.push((end, index));
			}
		}
		weights
	}

	/// Honest users pay for inference.
	fn serve(&mut self, day: u64) {
		let served = |account: &Account| if account.provider > 0 { account.appeal } else { 0.0 };
		let providers = self.weighed(day, served);
		let trainers = self.weighed(day, |account| f64::from(u8::from(account.trains)));
		for user in 0..self.scaled(USERS) as u64 {
			let fee = (1.0 + exponential(&mut self.chance, MEAN_PAYMENT)).floor() as Balance * UNIT;
			let (Some(provider), Some(trainer)) = (self.choose(&providers), self.choose(&trainers)) else {
				continue;
			};
			let burned = INFERENCE_BURN.mul_floor(fee);
			Reputation::earned(&self.accounts[provider].id, &(USERS_FROM + user), burned);
			self.earn(provider, PROVIDER_SHARE.mul_floor(fee));
			self.earn(trainer, TRAINER_SHARE.mul_floor(fee) + MINTED.mul_floor(burned));
			let lies = self.accounts[provider].malicious
				&& self.setup.strategy == Strategy::Sleepers
				&& day == self.setup.turn();
			if lies && self.chance.gen_bool(CHECKED) {
				self.found.push(Found {
					index: provider,
					deed: Deed::Misserved(Payment::OneShot(user)),
					times: 1,
					role: Role::Provider,
					slash: RECEIPT_SLASH,
				});
			}
		}
	}

	/// Pays an account for inference or training.
	fn earn(&mut self, index: usize, amount: Balance) {
		self.income.work += amount;
		if self.accounts[index].malicious {
			self.income.work_theirs += amount;
		}
	}

	/// Submissions become heads, or not.
	fn train(&mut self, day: u64) {
		let trainers = self.weighed(day, |account| f64::from(u8::from(account.trains)));
		for submission in 0..self.scaled(TASKS) as u64 {
			let Some(trainer) = self.choose(&trainers) else { break };
			if self.chance.gen_bool(WITHHELD) {
				self.tell(trainer, Deed::Overturned(submission), 1);
			} else if self.chance.gen_bool(ACCEPTED) {
				self.tell(trainer, Deed::Accepted(submission), 1);
			}
		}
		if self.setup.strategy == Strategy::Ring {
			let ring = self.weighed(day, |account| f64::from(u8::from(account.malicious)));
			let own = (self.scaled(TASKS) as f64 * RING_TASKS).round() as u64;
			for submission in 0..own {
				let Some(trainer) = self.choose(&ring) else { break };
				self.tell(trainer, Deed::Accepted(submission), 1);
			}
		}
	}

	/// Rounds of storage are proved, or missed.
	fn keep(&mut self, day: u64) {
		for index in 0..self.accounts.len() {
			let replicas = self.accounts[index].replicas;
			if replicas == 0 || !self.works(index, day) {
				continue;
			}
			let missed = if self.chance.gen_bool(OUTAGE) { OUTAGE_ROUNDS } else { 0 };
			self.tell(index, Deed::Missed(0, missed * replicas), u32::from(missed > 0));
			self.tell(index, Deed::Kept(0), (ROUNDS - missed) * replicas);
		}
	}

	/// Signs of life, and votes in referenda.
	fn live(&mut self, day: u64) {
		for index in 0..self.accounts.len() {
			if !self.works(index, day) {
				continue;
			}
			self.tell(index, Deed::Heartbeat, BLOCKS);
			if day.is_multiple_of(REFERENDUM) && self.tiers[index] > 0 && self.chance.gen_bool(TURNOUT) {
				self.tell(index, Deed::Voted(day as u32), 1);
			}
		}
	}

	/// Each of the malicious pays itself so much for inference that it reaches the highest tier that its bond
	/// allows, as fast as caps let it, and then no more than keeps it.
	fn pay_themselves(&mut self) {
		let mut payer = SHAM_USERS_FROM;
		for index in 0..self.accounts.len() {
			let account = &self.accounts[index];
			let highest = account.units().min(HIGHEST as u64) as usize;
			if !account.malicious || self.out[index] || highest == 0 {
				continue;
			}
			let threshold = p::THRESHOLDS[highest - 1];
			// What tomorrow leaves should still keep the tier.
			let parts = u64::from(Perbill::one().deconstruct());
			let kept = self.ladder.floor(threshold) * parts / (parts - u64::from(p::DECAY.deconstruct())) + 5;
			let goal = if self.tiers[index] >= highest { kept } else { threshold };
			let has = Entries::<Runtime>::get(account.id).map_or(0, |entry| {
				let periods = (Now::get() / p::PERIOD).saturating_sub(entry.period);
				let (costly, free) =
					(decayed(entry.costly, p::DECAY, periods), decayed(entry.free, p::DECAY, periods));
				costly + free.min(p::FREE_SHARE.mul_floor(costly))
			});
			let cap = p::CAPS.served * account.units();
			let id = account.id;
			let mut units = goal.saturating_sub(has).min(cap).div_ceil(p::WORTHS.points.served);
			// One payer gives so many at most.
			let most = p::PAYER_CAP / p::WORTHS.points.served;
			while units > 0 {
				let these = units.min(most);
				units -= these;
				payer += 1;
				let burned = p::WORTHS.served_unit * Balance::from(these);
				Reputation::earned(&id, &payer, burned);
				self.told[index] = true;
				// What of a fee is burned says what the fee was: 5 %.
				let fee = burned * 20;
				let back = PROVIDER_SHARE + TRAINER_SHARE + STORAGE_SHARE;
				let costs = &mut self.outcome.costs;
				costs.burned += burned;
				costs.minted += MINTED.mul_floor(burned);
				costs.to_others += fee - burned - back.mul_floor(fee);
			}
		}
	}

	/// Settles whom the pallet was not told of today, as anybody may for nothing.
	fn settle(&mut self) {
		for index in 0..self.accounts.len() {
			let id = self.accounts[index].id;
			if !self.told[index] {
				// Who has no entry has no tier.
				let _ = Reputation::bump(RuntimeOrigin::signed(id), id);
			}
			self.tiers[index] = usize::from(Reputation::tier(&id));
			// Who is suspended has no tier.
			self.out[index] = self.tiers[index] == 0 && Reputation::is_suspended(&id);
		}
	}

	fn sample(&mut self, (seats, seats_theirs): (u64, u64)) {
		let mut sample = Sample::default();
		let (mut stake, mut stake_theirs, mut active, mut active_theirs) = (0.0, 0.0, 0.0, 0.0);
		let mut tiers = [0u32; HIGHEST + 1];
		for (account, tier) in self.accounts.iter().zip(&self.tiers) {
			tiers[*tier] += 1;
			let (all, seat) = (account.stake as f64, account.active() as f64);
			stake += all;
			active += seat;
			if account.malicious {
				sample.theirs += *tier as u64;
				stake_theirs += all;
				active_theirs += seat;
			} else {
				sample.others += *tier as u64;
			}
		}
		let Income { seats: paid, seats_theirs: paid_theirs, work, work_theirs } = self.income;
		let (paid, work, work_theirs) = (paid as f64, work as f64, work_theirs as f64);
		sample.votes = share(sample.theirs as f64, (sample.theirs + sample.others) as f64);
		sample.stake = share(stake_theirs, stake);
		sample.seats = share(seats_theirs as f64, seats as f64);
		sample.seats_by_stake = share(active_theirs, active);
		sample.income = share(paid_theirs as f64 + work_theirs, paid + work);
		sample.income_by_stake = share(paid * sample.seats_by_stake + work_theirs, paid + work);
		self.outcome.samples.push(sample);
		self.outcome.tiers.push(tiers);
	}

	fn outcome(mut self) -> Outcome {
		for account in &self.accounts {
			let times = Entries::<Runtime>::get(account.id).map_or(0, |entry| entry.suspensions);
			if account.malicious {
				self.outcome.malicious += 1;
				self.outcome.suspended += times;
			} else {
				self.outcome.honest_suspended += times;
			}
		}
		self.outcome
	}
}

/// A part of a whole; of nothing, nothing.
fn share(part: f64, whole: f64) -> f64 {
	if whole > 0.0 { part / whole } else { 0.0 }
}
