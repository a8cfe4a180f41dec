//! Stakes: being a candidate, delegating with one, and leaving.

use super::{Global, account::parse, costs};
use anyhow::{Context as _, ensure};
use clap::{Subcommand, ValueEnum};
use oda_client::{
	AccountId, Balance, Clock, Key, Leaving, Raise, Receipt, StakePool, StakePosition, StakeRole, StakeTerms,
	View, Withdrawn,
};
use oda_roles::{
	amount::{Amount, oda},
	context::Context,
	rewards::{self, Earned},
};
use serde::Serialize;
use std::str::FromStr;

/// What is bonded for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum BondFor {
	/// Making and finalising blocks.
	Validator,
	/// Re-running what trainers claim.
	Verifier,
	/// Answering inference.
	Provider,
}

impl From<BondFor> for StakeRole {
	fn from(role: BondFor) -> Self {
		match role {
			BondFor::Validator => Self::Validator,
			BondFor::Verifier => Self::Verifier,
			BondFor::Provider => Self::Provider,
		}
	}
}

/// A part of each reward, in billionths; written in percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commission(u32);

/// Digits after the point of a percentage.
const DECIMALS: usize = 7;
/// A percent, in billionths.
const PERCENT: u32 = 10_000_000;

impl FromStr for Commission {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let error = || format!("a percentage up to 100, with at most {DECIMALS} digits after the point");
		let number = text.strip_suffix('%').unwrap_or(text);
		let (whole, part) = number.split_once('.').unwrap_or((number, ""));
		let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
		if whole.is_empty() || part.len() > DECIMALS || !digits(whole) || !digits(part) {
			return Err(error());
		}
		let parts = format!("{whole}{part:0<DECIMALS$}").parse().map_err(|_| error())?;
		if parts > 100 * PERCENT { Err(error()) } else { Ok(Self(parts)) }
	}
}

/// Billionths, in percent.
pub(super) fn percent(parts: u32) -> String {
	let part = format!("{:0DECIMALS$}", parts % PERCENT);
	match part.trim_end_matches('0') {
		"" => format!("{} %", parts / PERCENT),
		part => format!("{}.{part} %", parts / PERCENT),
	}
}

/// Bond, delegate, and take out what is at stake.
#[derive(Debug, Subcommand)]
pub enum StakeCommand {
	/// Become a candidate for a role, with a bond of one's own.
	///
	/// Shows what can be lost and what it takes, and asks. The bond is at stake until it is taken out (stake unbond) and the
	/// time in which it still answers is over. It answers for this role only; others can delegate with the candidate, and share
	/// what it earns and loses.
	///
	/// That alone does nothing: a validator registers its keys (validator keys), a verifier joins (verifier join). Costs a fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key stake bond verifier 500 --commission 5\n  \
		ml-worker --key-file my.key stake bond validator 1000 --commission 2.5 --yes")]
	Bond {
		/// What is bonded for.
		role: BondFor,
		/// The own bond, in ODA.
		#[arg(value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
		/// The candidate's own part of each reward, before the rest is shared with who delegated; in percent.
		#[arg(long, value_parser = Commission::from_str, default_value = "0", value_name = "PERCENT")]
		commission: Commission,
		/// Go on without asking.
		#[arg(long, short)]
		yes: bool,
	},
	/// Raise the own bond.
	///
	/// Shows what can be lost, and asks. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake more verifier 100")]
	More {
		/// What is bonded for.
		role: BondFor,
		/// How much more, in ODA.
		#[arg(value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
		/// Go on without asking.
		#[arg(long, short)]
		yes: bool,
	},
	/// Delegate with another candidate.
	///
	/// What the candidate earns is shared after its commission, and so is what it loses. Shows both, and asks. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake delegate validator <ACCOUNT> 50")]
	Delegate {
		/// What the candidate is bonded for.
		role: BondFor,
		/// The candidate's account, in SS58.
		operator: String,
		/// How much, in ODA.
		#[arg(value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
		/// Go on without asking.
		#[arg(long, short)]
		yes: bool,
	},
	/// Take out what is bonded or delegated: the first step.
	///
	/// It leaves for some time, in which it earns nothing and answers like the rest; then it is had by stake withdraw. Prints
	/// when that is. Where too little would stay, all of it leaves. A candidate whose own bond leaves counts no more. Costs a
	/// fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key stake unbond verifier 100\n  \
		ml-worker --key-file my.key stake unbond validator --all --from <ACCOUNT>")]
	Unbond {
		/// What the candidate is bonded for.
		role: BondFor,
		/// How much, in ODA.
		#[arg(
			value_parser = Amount::from_str,
			value_name = "ODA",
			required_unless_present = "all",
			conflicts_with = "all"
		)]
		amount: Option<Amount>,
		/// Take out all of it.
		#[arg(long)]
		all: bool,
		/// The candidate with whom it is, in SS58; the account itself if not given.
		#[arg(long, value_name = "ACCOUNT")]
		from: Option<String>,
	},
	/// Take out what is bonded or delegated, to be delegated with another candidate.
	///
	/// As with stake unbond it leaves for some time, earns nothing in it, and answers for the first candidate alone; then stake
	/// withdraw delegates it with the other, or pays it out if the other cannot have it. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake redelegate verifier 50 --to <ACCOUNT>")]
	Redelegate {
		/// What both candidates are bonded for.
		role: BondFor,
		/// How much, in ODA.
		#[arg(
			value_parser = Amount::from_str,
			value_name = "ODA",
			required_unless_present = "all",
			conflicts_with = "all"
		)]
		amount: Option<Amount>,
		/// Take out all of it.
		#[arg(long)]
		all: bool,
		/// The candidate with whom it is, in SS58; the account itself if not given.
		#[arg(long, value_name = "ACCOUNT")]
		from: Option<String>,
		/// The candidate with whom it is to be, in SS58.
		#[arg(long, value_name = "ACCOUNT")]
		to: String,
	},
	/// Have what is out: the second step.
	///
	/// Pays out, or delegates as was ordered, what has left for long enough. Anybody can do it for anybody. Costs a fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key stake withdraw verifier\n  \
		ml-worker --key-file my.key stake withdraw validator --from <ACCOUNT>")]
	Withdraw {
		/// What the candidate is bonded for.
		role: BondFor,
		/// The candidate with whom it was, in SS58; whoever is paid if not given.
		#[arg(long, value_name = "ACCOUNT")]
		from: Option<String>,
		/// The account that is paid, in SS58; the key's own if not given.
		#[arg(long = "for", value_name = "ACCOUNT")]
		who: Option<String>,
	},
	/// Change one's commission.
	///
	/// A lower one counts at once, a higher one after some time, so that who delegated can leave before. Prints when. Costs a
	/// fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake commission verifier 7.5")]
	Commission {
		/// What is bonded for.
		role: BondFor,
		/// The candidate's own part of each reward, in percent.
		#[arg(value_parser = Commission::from_str, value_name = "PERCENT")]
		commission: Commission,
	},
	/// Count no more for a role; the stake stays, and answers.
	///
	/// A chilled validator is not elected any more, a chilled verifier not drawn. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake chill validator")]
	Chill {
		/// What is bonded for.
		role: BondFor,
	},
	/// Count again after being chilled.
	///
	/// Whatever chilled it: the own bond has to be as large as for a new candidate. Who equivocated has to wait for a later
	/// session. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key stake resume validator")]
	Resume {
		/// What is bonded for.
		role: BondFor,
	},
	/// The candidates for a role, those with most stake that counts first.
	///
	/// At the last final block, a line a candidate: what it has bonded, what is delegated with it and what is leaving, its
	/// commission, and a higher one that it has announced.
	#[command(after_help = "Example:\n  \
		ml-worker stake list validator")]
	List {
		/// What is bonded for.
		role: BondFor,
	},
	/// What an account's stakes have earned.
	///
	/// Rewards raise a stake by themselves, and a candidate is paid its commission at once: nothing waits to be claimed. A
	/// line a candidate, from a block on to the last final one: what the stake rose by beyond what was put in, less what
	/// slashes took; the commission; and what has left and can be withdrawn. The node has to have the states of these blocks.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key stake rewards\n  \
		ml-worker stake rewards 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --since 120000")]
	Rewards {
		/// The account, in SS58; the key's own if not named.
		account: Option<String>,
		/// The block after which it is counted [default: 200 blocks ago]
		#[arg(long, value_name = "BLOCK")]
		since: Option<u64>,
	},
	/// What an account has bonded and delegated, and what is leaving.
	///
	/// At the last final block: with whom, what it is worth now, and when what is leaving is out.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key stake show\n  \
		ml-worker stake show 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Show {
		/// The account, in SS58; the key's own if not named.
		account: Option<String>,
	},
}

/// A candidate, for machines.
#[derive(Serialize)]
struct Candidate<'a> {
	operator: &'a AccountId,
	#[serde(flatten)]
	pool: &'a StakePool,
}

/// What was earned with a candidate, for machines.
#[derive(Serialize)]
struct Gained<'a> {
	since: u64,
	until: u64,
	#[serde(flatten)]
	earned: &'a Earned,
}

/// What is on its way out now, for machines.
#[derive(Serialize)]
struct Left<'a> {
	#[serde(flatten)]
	leaving: &'a Leaving,
	receipt: &'a Receipt,
}

/// What has been taken out, for machines.
#[derive(Serialize)]
struct Out<'a> {
	#[serde(flatten)]
	withdrawn: &'a Withdrawn,
	receipt: &'a Receipt,
}

/// A changed commission, for machines.
#[derive(Serialize)]
struct Changed<'a> {
	/// The tick at which it counts, if it is a raise.
	at: Option<u64>,
	receipt: &'a Receipt,
}

impl StakeCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		match self {
			Self::Bond { role, amount, commission, yes } => {
				bond(global, context, role.into(), amount.0, commission, yes).await
			}
			Self::More { role, amount, yes } => more(global, context, role.into(), amount.0, yes).await,
			Self::Delegate { role, operator, amount, yes } => {
				delegate(global, context, role.into(), parse(&operator)?, amount.0, yes).await
			}
			Self::Unbond { role, amount, all: _, from } => {
				let key = &global.signer(context).await?;
				let (role, from) = (role.into(), operator(from.as_deref(), key)?);
				let chain = context.chain().await?;
				let (leaving, receipt) = chain.unbond(key, role, from, whole(amount)).await?;
				left(context, &leaving, &receipt).await
			}
			Self::Redelegate { role, amount, all: _, from, to } => {
				let key = &global.signer(context).await?;
				let (role, from, to) = (role.into(), operator(from.as_deref(), key)?, parse(&to)?);
				let chain = context.chain().await?;
				let (leaving, receipt) = chain.redelegate(key, role, from, to, whole(amount)).await?;
				left(context, &leaving, &receipt).await
			}
			Self::Withdraw { role, from, who } => {
				let key = &global.signer(context).await?;
				let who = operator(who.as_deref(), key)?;
				let from = from.as_deref().map_or(Ok(who), parse)?;
				let chain = context.chain().await?;
				let (withdrawn, receipt) = chain.withdraw_stake(key, role.into(), from, who).await?;
				let text = format!("{} in block {}", taken(&withdrawn), receipt.block);
				context.output().result(text, &Out { withdrawn: &withdrawn, receipt: &receipt });
				Ok(())
			}
			Self::Commission { role, commission } => {
				let key = &global.signer(context).await?;
				let chain = context.chain().await?;
				let (at, receipt) = chain.set_commission(key, role.into(), commission.0).await?;
				let clock = chain.finalised().await?.clock().await?;
				let from = at.map_or_else(|| "from now on".to_owned(), |at| format!("from {}", clock.at(at)));
				let text = format!("commission {} {from}", percent(commission.0));
				context.output().result(text, &Changed { at, receipt: &receipt });
				Ok(())
			}
			Self::Chill { role } => {
				let key = global.signer(context).await?;
				let receipt = context.chain().await?.chill(&key, role.into()).await?;
				let text =
					format!("no {} any more from block {} on", StakeRole::from(role).name(), receipt.block);
				context.output().result(text, &receipt);
				Ok(())
			}
			Self::Resume { role } => {
				let key = global.signer(context).await?;
				let receipt = context.chain().await?.resume(&key, role.into()).await?;
				let text = format!(
					"counts as a {} again from block {} on",
					StakeRole::from(role).name(),
					receipt.block
				);
				context.output().result(text, &receipt);
				Ok(())
			}
			Self::List { role } => list(context, role.into()).await,
			Self::Rewards { account, since } => rewards(global, context, account, since).await,
			Self::Show { account } => show(global, context, account).await,
		}
	}
}

/// An account that somebody names, or that of the key.
fn operator(named: Option<&str>, key: &Key) -> anyhow::Result<AccountId> {
	named.map_or_else(|| Ok(key.account()), parse)
}

/// An amount, or more than anybody has.
fn whole(amount: Option<Amount>) -> Balance {
	amount.map_or(Balance::MAX, |amount| amount.0)
}

async fn bond(
	global: &Global,
	context: &Context,
	role: StakeRole,
	amount: Balance,
	commission: Commission,
	yes: bool,
) -> anyhow::Result<()> {
	let key = &global.signer(context).await?;
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let terms = view.stake_terms().await?;
	let (name, least) = (role.name(), terms.min_bond(role));
	ensure!(amount >= least, "nothing was sent: a {name} bonds at least {}", oda(least));
	let highest = terms.max_commission;
	ensure!(commission.0 <= highest, "nothing was sent: the highest commission is {}", percent(highest));
	let pool = view.stake_pool(role, &key.account()).await?;
	ensure!(
		pool.is_none(),
		"nothing was sent: the account has a bond as a {name} already, which `ml-worker stake more {name}` raises and \
		 `ml-worker stake resume {name}` makes count again"
	);
	warn(context, &view, role, &terms).await?;
	let items = [
		costs::Item::new("bond", amount, "bond, until it is taken out and its time is over"),
		costs::Item::new("pool", terms.pool_deposit, "deposit for the pool, until nobody has a stake in it"),
	];
	costs::agree(context, &items, yes)?;
	let receipt = chain.bond(key, role, amount, commission.0).await?;
	let next = match role {
		StakeRole::Validator => "; it is elected once its keys are registered (ml-worker validator keys)",
		StakeRole::Verifier => "; it is drawn once it has joined (ml-worker verifier join)",
		StakeRole::Provider => "",
	};
	let text = format!("candidate for {name} with {} in block {}{next}", oda(amount), receipt.block);
	context.output().result(text, &receipt);
	Ok(())
}

async fn more(
	global: &Global,
	context: &Context,
	role: StakeRole,
	amount: Balance,
	yes: bool,
) -> anyhow::Result<()> {
	let key = &global.signer(context).await?;
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let terms = view.stake_terms().await?;
	let name = role.name();
	let pool = view.stake_pool(role, &key.account()).await?;
	ensure!(
		pool.is_some(),
		"nothing was sent: the account has no bond as a {name} (ml-worker stake bond {name})"
	);
	warn(context, &view, role, &terms).await?;
	let items = [costs::Item::new("bond", amount, "bond, until it is taken out and its time is over")];
	costs::agree(context, &items, yes)?;
	let receipt = chain.bond_more(key, role, amount).await?;
	context.output().result(format!("{} more in block {}", oda(amount), receipt.block), &receipt);
	Ok(())
}

async fn delegate(
	global: &Global,
	context: &Context,
	role: StakeRole,
	operator: AccountId,
	amount: Balance,
	yes: bool,
) -> anyhow::Result<()> {
	let key = &global.signer(context).await?;
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let terms = view.stake_terms().await?;
	let name = role.name();
	ensure!(
		operator != key.account(),
		"nothing was sent: that is the account itself, whose bond `ml-worker stake more {name}` raises"
	);
	let pool = view.stake_pool(role, &operator).await?;
	let pool = pool.with_context(|| format!("nothing was sent: {operator} is no candidate for {name}"))?;
	ensure!(
		pool.counted > 0,
		"nothing was sent: the candidate does not count now, so nothing would be earned with it"
	);
	let clock = view.clock().await?;
	context.output().event(
		"candidate",
		described(&operator, &pool, &clock),
		serde_json::json!({
			"operator": operator,
			"commission": pool.commission,
			"raise": pool.raise,
		}),
	);
	warn(context, &view, role, &terms).await?;
	let what = "delegated, until it is taken out and its time is over";
	costs::agree(context, &[costs::Item::new("delegation", amount, what)], yes)?;
	let receipt = chain.delegate(key, role, operator, amount).await?;
	let text = format!("{} with {operator} in block {}", oda(amount), receipt.block);
	context.output().result(text, &receipt);
	Ok(())
}

/// Says what may be lost, and for how long what is taken out still answers.
async fn warn(context: &Context, view: &View, role: StakeRole, terms: &StakeTerms) -> anyhow::Result<()> {
	let clock = view.clock().await?;
	let out = clock.now.saturating_add(terms.bonding);
	let text = format!(
		"{}\nwhat is taken out earns nothing and answers for {} ticks: taken out now, until {}",
		risk(role, terms),
		terms.bonding,
		clock.at(out)
	);
	context.output().event("at_stake", text, serde_json::json!({ "bonding": terms.bonding }));
	Ok(())
}

/// What a stake can lose.
fn risk(role: StakeRole, terms: &StakeTerms) -> String {
	match role {
		StakeRole::Validator => "what can be lost: up to all of it, if the validator signs two blocks or two votes \
		                         where it may sign one, the more of it the more validators do so in a session; and a \
		                         little for each session in which it does not respond together with many others"
			.to_owned(),
		StakeRole::Verifier => format!(
			"what can be lost: {} of the pool for each `valid` that the verifier says of a wrong claim, and each output \
			 that it shows and the court finds to be another; {} for each task that it does not answer",
			oda(terms.verifier_slash),
			oda(terms.absence_slash)
		),
		StakeRole::Provider => {
			"what can be lost: nothing yet, and nothing can be earned: this chain has no use for providers so far"
				.to_owned()
		}
	}
}

/// Says what is on its way out, and until when.
async fn left(context: &Context, leaving: &Leaving, receipt: &Receipt) -> anyhow::Result<()> {
	let clock = context.chain().await?.finalised().await?.clock().await?;
	context.output().result(going(leaving, &clock), &Left { leaving, receipt });
	Ok(())
}

async fn list(context: &Context, role: StakeRole) -> anyhow::Result<()> {
	let view = context.chain().await?.finalised().await?;
	let clock = view.clock().await?;
	let candidates = view.candidates(role).await?;
	if candidates.is_empty() {
		context.output().note(format!("nobody is a candidate for {}", role.name()));
	}
	for (operator, pool) in &candidates {
		context.output().result(described(operator, pool, &clock), &Candidate { operator, pool });
	}
	Ok(())
}

/// An account that somebody names, or that of the key, if there is one.
fn named(global: &Global, account: Option<String>) -> anyhow::Result<AccountId> {
	match account {
		Some(text) => parse(&text),
		None => Ok(global.key()?.context("name an account, or give a key")?.account()),
	}
}

async fn rewards(
	global: &Global,
	context: &Context,
	account: Option<String>,
	since: Option<u64>,
) -> anyhow::Result<()> {
	let account = named(global, account)?;
	let chain = context.chain().await?;
	let found = rewards::of(&chain, &account, since).await?;
	let clock = chain.finalised().await?.clock().await?;
	let (since, until) = (found.since, found.until);
	if found.earned.is_empty() {
		context.output().note(format!("{account} had nothing at stake in blocks {} to {until}", since + 1));
	}
	for earned in &found.earned {
		let text = format!("{}, in blocks {} to {until}", gained(&account, earned, &clock), since + 1);
		context.output().result(text, &Gained { since, until, earned });
	}
	Ok(())
}

/// What was earned with a candidate, in a line.
fn gained(account: &AccountId, earned: &Earned, clock: &Clock) -> String {
	let place = match earned.operator == *account {
		true => "bonded".to_owned(),
		false => format!("delegated with {}", earned.operator),
	};
	let what = if earned.earned < 0 { "lost" } else { "earned" };
	let mut text = format!(
		"{}: {what} {} with {} {place}",
		earned.role.name(),
		oda(earned.earned.unsigned_abs()),
		oda(earned.worth)
	);
	if earned.commission > 0 {
		text += &format!(", and was paid {} of commission", oda(earned.commission));
	}
	let out = earned.leaving.iter().filter(|leaving| leaving.until <= clock.now);
	let out = out.fold(0, |sum: Balance, leaving| sum.saturating_add(leaving.amount));
	if out > 0 {
		text += &format!("; {} is out: ml-worker stake withdraw", oda(out));
	}
	text
}

async fn show(global: &Global, context: &Context, account: Option<String>) -> anyhow::Result<()> {
	let account = named(global, account)?;
	let view = context.chain().await?.finalised().await?;
	let clock = view.clock().await?;
	let positions = view.stake_positions(&account).await?;
	if positions.is_empty() {
		context.output().note(format!("{account} has nothing at stake"));
	}
	for position in &positions {
		context.output().result(held(&account, position, &clock), position);
	}
	Ok(())
}

/// A candidate, in a line.
fn described(operator: &AccountId, pool: &StakePool, clock: &Clock) -> String {
	let mut text = format!(
		"{operator}: own {}, delegated {}, leaving {}, commission {}",
		oda(pool.own),
		oda(pool.delegated),
		oda(pool.leaving),
		percent(pool.commission)
	);
	if let Some(Raise { to, at }) = pool.raise {
		text += &format!(", {} from {}", percent(to), clock.at(at));
	}
	match counting(pool) {
		Some(why) => text + "; does not count: " + &why,
		None => text,
	}
}

/// Why a candidate does not count, if it does not.
fn counting(pool: &StakePool) -> Option<String> {
	let small = || format!("its own bond is below {}", oda(pool.min_bond));
	match (pool.chilled, pool.own < pool.min_bond) {
		(true, _) => Some("chilled".to_owned()),
		(false, true) => Some(small()),
		(false, false) => None,
	}
}

/// What an account has in a pool, and what of it is leaving.
fn held(account: &AccountId, position: &StakePosition, clock: &Clock) -> String {
	let name = position.role.name();
	let mut text = if position.operator == *account {
		format!("{name}: {} bonded", oda(position.worth))
	} else {
		format!("{name}: {} delegated with {}", oda(position.worth), position.operator)
	};
	for leaving in &position.leaving {
		text += "\n  ";
		text += &going(leaving, clock);
	}
	text
}

/// A part that is on its way out, or is out.
fn going(leaving: &Leaving, clock: &Clock) -> String {
	let amount = oda(leaving.amount);
	let then = leaving.to.as_ref().map_or_else(String::new, |to| format!(", then delegated with {to}"));
	match leaving.until <= clock.now {
		true => format!("{amount} is out: ml-worker stake withdraw{then}"),
		false => format!("{amount} leaves, until {}{then}", clock.at(leaving.until)),
	}
}

/// What has been taken out, in words.
fn taken(withdrawn: &Withdrawn) -> String {
	let parts = [
		(withdrawn.paid, "paid out"),
		(withdrawn.redelegated, "delegated anew"),
		(withdrawn.burned, "burned, too little for the account to hold"),
		(withdrawn.deposit.unwrap_or_default(), "of the pool's deposit back"),
	];
	let all: Vec<String> = parts
		.iter()
		.filter(|(amount, _)| *amount > 0)
		.map(|(amount, what)| format!("{} {what}", oda(*amount)))
		.collect();
	// What a slash has left worthless is removed, too.
	if all.is_empty() { "what was worthless is removed".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cli::{Cli, Command};
	use clap::Parser as _;

	const UNIT: Balance = 1_000_000_000_000;
	const CLOCK: Clock = Clock { now: 100, tick_millis: 3_000 };

	fn account(byte: u8) -> AccountId {
		AccountId([byte; 32])
	}

	fn pool() -> StakePool {
		StakePool {
			own: 1_000 * UNIT,
			delegated: 250 * UNIT,
			leaving: 0,
			reserved: 0,
			counted: 1_250 * UNIT,
			min_bond: 500 * UNIT,
			commission: 5 * PERCENT,
			raise: None,
			chilled: false,
			offences: 0,
			members: 2,
		}
	}

	fn terms() -> StakeTerms {
		StakeTerms {
			min_validator_bond: 1_000 * UNIT,
			min_verifier_bond: 500 * UNIT,
			min_provider_bond: 100 * UNIT,
			min_delegation: UNIT,
			max_commission: 50 * PERCENT,
			commission_notice: 28_800,
			bonding: 403_200,
			verifier_slash: 300 * UNIT,
			absence_slash: 5 * UNIT,
			max_absences: 4,
			pool_deposit: UNIT / 100,
			key_deposit: UNIT,
		}
	}

	#[test]
	fn commissions_are_read_and_shown_exactly() {
		for (text, parts, shown) in [
			("0", 0, "0 %"),
			("5", 50_000_000, "5 %"),
			("12.5%", 125_000_000, "12.5 %"),
			("0.0000001", 1, "0.0000001 %"),
			("100", 1_000_000_000, "100 %"),
		] {
			assert_eq!(text.parse(), Ok(Commission(parts)), "{text}");
			assert_eq!(percent(parts), shown);
		}
		for bad in ["", "%", "-1", "100.0000001", "101", "0.00000001", "5 %", "1e1", "1.2.3", "99999999999"] {
			assert!(bad.parse::<Commission>().is_err(), "{bad:?}");
		}
	}

	#[test]
	fn a_candidate_is_told_with_what_is_announced_and_why_it_does_not_count() {
		let line = described(&account(1), &pool(), &CLOCK);
		let who = account(1).to_string();
		assert_eq!(line, format!("{who}: own 1,000 ODA, delegated 250 ODA, leaving 0 ODA, commission 5 %"));
		let raised = StakePool { raise: Some(Raise { to: 7 * PERCENT, at: 300 }), ..pool() };
		let line = described(&account(1), &raised, &CLOCK);
		assert!(line.ends_with("commission 5 %, 7 % from tick 300, in about 10 min"), "{line}");
		let chilled = StakePool { chilled: true, counted: 0, own: 0, ..pool() };
		let line = described(&account(1), &chilled, &CLOCK);
		assert!(line.ends_with("; does not count: chilled"), "{line}");
		let small = StakePool { own: 499 * UNIT, counted: 0, ..pool() };
		let line = described(&account(1), &small, &CLOCK);
		assert!(line.ends_with("; does not count: its own bond is below 500 ODA"), "{line}");
	}

	#[test]
	fn a_position_says_what_leaves_until_when_and_where_to() {
		let leaving = vec![
			Leaving { amount: 2 * UNIT, until: 100, to: None },
			Leaving { amount: 3 * UNIT, until: 120, to: Some(account(3)) },
		];
		let position =
			StakePosition { role: StakeRole::Verifier, operator: account(2), worth: 10 * UNIT, leaving };
		let shown = held(&account(1), &position, &CLOCK);
		let lines: Vec<&str> = shown.lines().collect();
		assert_eq!(lines[0], format!("verifier: 10 ODA delegated with {}", account(2)));
		assert_eq!(lines[1], "  2 ODA is out: ml-worker stake withdraw");
		assert_eq!(
			lines[2],
			format!("  3 ODA leaves, until tick 120, in about 60 s, then delegated with {}", account(3))
		);
		assert_eq!(held(&account(2), &position, &CLOCK).lines().next(), Some("verifier: 10 ODA bonded"));
	}

	#[test]
	fn what_was_earned_is_told_with_what_was_paid_and_what_can_be_withdrawn() {
		let leaving = vec![
			Leaving { amount: 2 * UNIT, until: 100, to: None },
			Leaving { amount: 3 * UNIT, until: 120, to: None },
		];
		let earned = Earned {
			role: StakeRole::Validator,
			operator: account(2),
			worth: 100 * UNIT,
			put_in: 0,
			taken_out: 5 * UNIT,
			earned: 7,
			commission: UNIT,
			leaving,
		};
		assert_eq!(
			gained(&account(2), &earned, &CLOCK),
			"validator: earned 0.000000000007 ODA with 100 ODA bonded, and was paid 1 ODA of commission; 2 ODA is out: \
			 ml-worker stake withdraw"
		);
		let lost = Earned { earned: -300_000_000_000_000, commission: 0, leaving: Vec::new(), ..earned };
		let line = gained(&account(1), &lost, &CLOCK);
		assert_eq!(line, format!("validator: lost 300 ODA with 100 ODA delegated with {}", account(2)));
		let much = Earned { earned: -i128::from(u64::MAX) * 2, ..lost };
		let line = serde_json::to_string(&Gained { since: 1, until: 2, earned: &much }).unwrap();
		assert!(line.contains("\"earned\":-36893488147419103230"), "{line}");
	}

	#[test]
	fn what_can_be_lost_is_said_with_the_chain_s_own_amounts() {
		let verifier = risk(StakeRole::Verifier, &terms());
		assert!(verifier.contains("300 ODA") && verifier.contains("5 ODA"), "{verifier}");
		assert!(risk(StakeRole::Validator, &terms()).contains("up to all of it"));
	}

	#[test]
	fn what_was_taken_out_is_told_part_by_part() {
		let withdrawn = Withdrawn { paid: 3 * UNIT, redelegated: 0, burned: 0, deposit: Some(UNIT / 100) };
		assert_eq!(taken(&withdrawn), "3 ODA paid out, 0.01 ODA of the pool's deposit back");
		assert_eq!(taken(&Withdrawn::default()), "what was worthless is removed");
	}

	#[test]
	fn an_amount_for_machines_has_all_its_digits() {
		let pool = StakePool { own: Balance::from(u64::MAX) * 2, ..pool() };
		let line = serde_json::to_string(&Candidate { operator: &account(1), pool: &pool }).unwrap();
		assert!(line.contains("\"own\":36893488147419103230"), "{line}");
		let leaving = Leaving { amount: Balance::MAX, until: 1, to: None };
		assert!(serde_json::to_string(&leaving).unwrap().contains(&Balance::MAX.to_string()));
	}

	fn parsed(words: &str) -> Result<StakeCommand, clap::Error> {
		let words = ["ml-worker", "stake"].into_iter().chain(words.split_whitespace());
		Cli::try_parse_from(words).map(|cli| match cli.command {
			Command::Stake(command) => command,
			other => panic!("{other:?}"),
		})
	}

	#[test]
	fn what_leaves_is_an_amount_or_all() {
		assert!(matches!(
			parsed("unbond verifier 1.5").unwrap(),
			StakeCommand::Unbond { amount: Some(Amount(1_500_000_000_000)), all: false, .. }
		));
		assert!(matches!(
			parsed("unbond verifier --all").unwrap(),
			StakeCommand::Unbond { amount: None, all: true, .. }
		));
		for bad in ["unbond verifier", "unbond verifier 1 --all", "redelegate verifier 1", "unbond keeper 1"]
		{
			assert!(parsed(bad).is_err(), "{bad}");
		}
		assert_eq!(whole(None), Balance::MAX);
		assert_eq!(whole(Some(Amount(7))), 7);
	}

	#[test]
	fn whoever_names_no_candidate_means_the_account_itself() {
		let key = Key::from_uri("//Alice").unwrap();
		assert_eq!(operator(None, &key).unwrap(), key.account());
		let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
		assert_eq!(operator(Some(bob), &key).unwrap().to_string(), bob);
		assert!(operator(Some("5FHneW46…"), &key).is_err());
	}
}
