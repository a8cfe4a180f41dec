//! Who takes part: the accounts, their stakes and what they do for a living; and who of them is malicious.

use crate::{Balance, UNIT, parameters as p, runtime::Bonds};
use oda_pallet_traits::Role;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The exponent of the Pareto distribution of stakes: the one of which a fifth owns four fifths.
pub const PARETO: f64 = 1.16;
/// The least stake, in ODA: what a provider bonds at least.
pub const LEAST_STAKE: f64 = 100.0;
/// The most that one account has, in ODA, so that no single one decides what a run shows.
pub const MOST_STAKE: f64 = 20_000.0;
/// The part of accounts that answer inference. Who has too little to verify and nothing else to do does so
/// too.
pub const PROVIDERS: f64 = 0.5;
/// How often a provider is chosen at least, next to others, of which the mean is about 1.
pub const LEAST_APPEAL: f64 = 0.05;
/// The part of accounts that train.
pub const TRAINERS: f64 = 0.1;
/// The part of accounts that keep blobs.
pub const KEEPERS: f64 = 0.3;
/// The most replicas that a keeper keeps; it keeps a tenth of that at least.
pub const MOST_REPLICAS: u32 = 600;
/// The least stake of a replica, which a farm locks up beside its bonds.
pub const REPLICA_STAKE: Balance = UNIT;
/// The least bond of a keeper, in ODA.
pub const KEEPER_BOND: Balance = 100 * UNIT;
/// Rounds of storage in a day.
pub const ROUNDS: u32 = 24;

/// What the malicious do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
	/// One stake over many accounts, which do what costs nothing: signs of life, votes, and rounds of their
	/// own deals.
	Farm,
	/// They verify like the honest, and pay themselves for inference, as much as the next tier needs.
	SelfDealing,
	/// They work like the honest until they are trusted, then all lie on one day.
	Sleepers,
	/// They deal with themselves, and have tasks of their own, of which they show the weights to honest
	/// members of a committee only if these could decide without them.
	Ring,
	/// They buy honest accounts with their tiers and bonds, and lie as often as it does not suspend them.
	Bought,
}

impl Strategy {
	/// Every strategy.
	pub const ALL: [Self; 5] = [Self::Farm, Self::SelfDealing, Self::Sleepers, Self::Ring, Self::Bought];

	/// What it is called.
	pub fn name(self) -> &'static str {
		match self {
			Self::Farm => "sybil farm",
			Self::SelfDealing => "self-dealing",
			Self::Sleepers => "sleepers",
			Self::Ring => "collusion ring",
			Self::Bought => "bought tiers",
		}
	}

	/// The stake of an account of an attacker who chooses: what the highest tier needs, or a verifier that
	/// answers inference, and no more.
	pub fn best_size(self) -> Balance {
		match self {
			Self::Farm => KEEPER_BOND + HIGHEST as Balance * farm_unit(),
			_ => Bonds::least(Role::Verifier) + Bonds::least(Role::Provider),
		}
	}

	/// Whether they pay themselves for inference.
	pub fn pays_itself(self) -> bool {
		matches!(self, Self::SelfDealing | Self::Ring)
	}
}

/// The highest tier.
pub const HIGHEST: usize = p::THRESHOLDS.len();

/// The replicas of its own deals that fill the cap of a unit of bond.
pub fn farm_replicas() -> u32 {
	p::CAPS.kept.div_ceil(u64::from(ROUNDS) * p::WORTHS.points.kept) as u32
}

/// What a farm locks up for a unit of bond: the unit, and the replicas that fill its cap.
pub fn farm_unit() -> Balance {
	p::BOND_PER_TIER + Balance::from(farm_replicas()) * REPLICA_STAKE
}

/// What the malicious have a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShareOf {
	/// So many of the accounts, drawn by chance, with the stakes that they happen to have.
	Accounts,
	/// So much of all stake, in accounts that are as large as suits the attacker.
	Stake,
}

/// A run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Setup {
	/// What the malicious do.
	pub strategy: Strategy,
	/// The malicious share, from 0 to less than 1.
	pub share: f64,
	/// What it is a share of.
	pub of: ShareOf,
	/// All accounts; with a share of stake, those of which the honest are the honest part.
	pub accounts: usize,
	/// Periods of the pallet.
	pub days: u64,
	/// What all chance follows from.
	pub seed: u64,
	/// The accounts over which a farm spreads its stake: as many as pay best, or so many.
	pub farm_of: Option<usize>,
}

impl Setup {
	/// A year, a thousand accounts, and nobody malicious.
	pub fn new(strategy: Strategy, of: ShareOf) -> Self {
		Self { strategy, share: 0.0, of, accounts: 1_000, days: 365, seed: 1, farm_of: None }
	}

	/// The day on which sleepers lie, or accounts are sold.
	pub fn turn(&self) -> u64 {
		self.days * 2 / 3
	}
}

/// An account, and what it does for a living.
#[derive(Clone, Debug)]
pub struct Account {
	/// Its number, by which the pallet knows it.
	pub id: u64,
	/// All that it has locked up, in planck: what stake-only weighting would count.
	pub stake: Balance,
	/// What of it is bonded as a verifier.
	pub verifier: Balance,
	/// What of it is bonded as a provider. Who answers no inference may have that too: points need a bond.
	pub provider: Balance,
	/// Whether it does what the strategy says.
	pub malicious: bool,
	/// How often users choose it, next to others; who serves nobody has 0.
	pub appeal: f64,
	/// Whether it trains.
	pub trains: bool,
	/// The replicas that it keeps.
	pub replicas: u32,
}

impl Account {
	/// Bonds what it has: as a verifier if that is enough, and the least as a provider if it serves.
	fn bond(&mut self, amount: Balance) {
		let (least, served) = (Bonds::least(Role::Verifier), Bonds::least(Role::Provider));
		let beside = if self.appeal > 0.0 { served } else { 0 };
		(self.verifier, self.provider) =
			if amount >= least + beside { (amount - beside, beside) } else { (0, amount) };
	}

	/// Tells the pallet what is bonded.
	pub fn tell(&self) {
		Bonds::set(Role::Verifier, self.id, self.verifier);
		Bonds::set(Role::Provider, self.id, self.provider);
	}

	/// The units of its bond.
	pub fn units(&self) -> u64 {
		((self.verifier + self.provider) / p::BOND_PER_TIER) as u64
	}

	/// The stake with which it is drawn.
	pub fn active(&self) -> Balance {
		if self.verifier < Bonds::least(Role::Verifier) { 0 } else { self.verifier }
	}

	/// Takes so much of what is bonded for a role, or as much as there is; how much that was.
	pub fn slash(&mut self, role: Role, amount: Balance) -> Balance {
		let bonded = if role == Role::Verifier { &mut self.verifier } else { &mut self.provider };
		let taken = amount.min(*bonded);
		*bonded -= taken;
		self.stake -= taken;
		taken
	}
}

/// A chance that follows from the seed, and is another for another purpose.
pub fn chance(seed: u64, purpose: u64) -> ChaCha8Rng {
	let mut chance = ChaCha8Rng::seed_from_u64(seed);
	chance.set_stream(purpose);
	chance
}

/// An exponential value with this mean.
pub fn exponential(chance: &mut impl Rng, mean: f64) -> f64 {
	-(1.0 - chance.r#gen::<f64>()).ln() * mean
}

/// A stake, in whole ODA.
fn stake(chance: &mut impl Rng) -> Balance {
	let bounded = 1.0 - (LEAST_STAKE / MOST_STAKE).powf(PARETO);
	let oda = LEAST_STAKE / (1.0 - chance.r#gen::<f64>() * bounded).powf(1.0 / PARETO);
	oda.floor() as Balance * UNIT
}

/// An honest account.
fn honest(id: u64, stake: Balance, chance: &mut impl Rng) -> Account {
	let trains = chance.gen_bool(TRAINERS);
	let keeps = chance.gen_bool(KEEPERS);
	let replicas = if keeps { chance.gen_range(MOST_REPLICAS / 10..=MOST_REPLICAS) } else { 0 };
	let idle = !trains && !keeps && stake < Bonds::least(Role::Verifier);
	let serves = chance.gen_bool(PROVIDERS) || idle;
	let appeal = if serves { exponential(chance, 1.0).max(LEAST_APPEAL) } else { 0.0 };
	let mut account =
		Account { id, stake, verifier: 0, provider: 0, malicious: false, appeal, trains, replicas };
	account.bond(stake);
	account
}

/// The accounts of a run. Who sells an account is not known yet: nobody is malicious then.
pub fn population(setup: &Setup) -> Vec<Account> {
	let chance = &mut chance(setup.seed, 0);
	let mut accounts = Vec::with_capacity(setup.accounts);
	for id in 0..setup.accounts as u64 {
		let stake = stake(chance);
		accounts.push(honest(id, stake, chance));
	}
	let count = (setup.accounts as f64 * setup.share).round() as usize;
	if setup.strategy == Strategy::Bought || count == 0 {
		return accounts;
	}
	match setup.of {
		ShareOf::Accounts => {
			let mut order: Vec<usize> = (0..accounts.len()).collect();
			order.shuffle(chance);
			for index in order.into_iter().take(count) {
				accounts[index].malicious = true;
			}
		}
		ShareOf::Stake => {
			accounts.truncate(setup.accounts - count);
			let theirs: Balance = accounts.iter().map(|account| account.stake).sum();
			let whole = (theirs as f64 * setup.share / (1.0 - setup.share)) as Balance;
			let size = setup.strategy.best_size();
			let count = (whole / size).max(1);
			for id in (setup.accounts as u64..).take(count as usize) {
				let mut account = honest(id, whole / count, chance);
				account.malicious = true;
				accounts.push(account);
			}
			// Or they would lie side by side in the draw.
			accounts.shuffle(chance);
		}
	}
	if setup.strategy == Strategy::Farm {
		farm(&mut accounts, setup);
	}
	// Who pays itself has to offer inference.
	for account in accounts.iter_mut().filter(|account| account.malicious && setup.strategy.pays_itself()) {
		account.appeal = account.appeal.max(LEAST_APPEAL);
		account.bond(account.stake);
	}
	accounts
}

/// Spreads the malicious accounts' stake anew: over so many of them as get most tiers for it, or as the setup
/// says. The others have nothing.
fn farm(accounts: &mut [Account], setup: &Setup) {
	let theirs = || accounts.iter().filter(|account| account.malicious);
	let (most, whole) = (theirs().count(), theirs().map(|account| account.stake).sum::<Balance>());
	let best = ((whole / Strategy::Farm.best_size()) as usize).clamp(1, most);
	let count = setup.farm_of.map_or(best, |count| count.clamp(1, most));
	let mut left = count;
	for account in accounts.iter_mut().filter(|account| account.malicious) {
		account.stake = if left > 0 { whole / count as Balance } else { 0 };
		left = left.saturating_sub(1);
		let units = account.stake.saturating_sub(KEEPER_BOND) / farm_unit();
		(account.appeal, account.trains) = (0.0, false);
		(account.verifier, account.provider) = (0, units * p::BOND_PER_TIER);
		account.replicas = units as u32 * farm_replicas();
	}
}
