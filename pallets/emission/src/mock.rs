//! A runtime with balances and the emission, small numbers, and pools that are accounts.

use crate as pallet_emission;
use crate::{CreditOf, Pot, Shares};
use oda_pallet_traits::{Rewards, Role};
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{
		PalletId, derive_impl,
		migrations::MultiStepMigrator,
		parameter_types,
		traits::{
			ConstU32, ConstU64, Imbalance, OnPoll,
			fungible::{Balanced, Inspect, Mutate},
			tokens::{Fortitude, Precision, Preservation},
		},
		weights::{Weight, WeightMeter},
	},
	frame_system,
	pallet_authorship::EventHandler,
	pallet_balances, sp_io,
	sp_runtime::{BuildStorage, Perbill, Percent},
};

type Block = frame_system::mocking::MockBlock<Test>;

#[polkadot_sdk::frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances::Pallet<Test>;
	#[runtime::pallet_index(2)]
	pub type Emission = pallet_emission::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
	type MultiBlockMigrator = Migrator;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<ED>;
}

parameter_types! {
	pub storage Now: Tick = 0;
	pub storage Migrating: bool = false;
	/// Who is no candidate.
	pub storage Refused: Vec<u64> = Vec::new();
	/// Whose pools cannot take anything.
	pub storage HalfRefused: Vec<u64> = Vec::new();
	pub storage TestShares: Shares = SHARES;
	pub storage Ratio: Perbill = Perbill::from_percent(50);
	pub storage Treasury: u64 = TREASURY;
	pub const TestPalletId: PalletId = PalletId(*b"oda/emis");
}

impl pallet_emission::Config for Test {
	type Currency = Balances;
	type Rewards = Pools;
	type Clock = Now;
	type PalletId = TestPalletId;
	type Treasury = Treasury;
	type MaxMinted = ConstU64<CAP>;
	type HalvingInterval = ConstU64<HALVING>;
	type Period = ConstU64<PERIOD>;
	type CarryOver = ConstU32<CARRY>;
	type Shares = TestShares;
	type VerifiersRatio = Ratio;
	type MaxVerifiers = ConstU32<MAX_VERIFIERS>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Pools;
}

/// A migration that runs as long as a test says.
pub struct Migrator;
impl MultiStepMigrator for Migrator {
	fn ongoing() -> bool {
		Migrating::get()
	}
	fn step() -> Weight {
		Weight::zero()
	}
}

/// A tenth of a reward is the candidate's commission, the rest goes to its pool's account.
pub struct Pools;
impl Rewards<u64, CreditOf<Test>> for Pools {
	fn reward(role: Role, who: &u64, credit: CreditOf<Test>) -> Result<(), CreditOf<Test>> {
		if Refused::get().contains(who) {
			return Err(credit);
		}
		let commission = Percent::from_percent(10).mul_floor(credit.peek());
		let (commission, rest) = credit.split(commission);
		if let Err(commission) = Balances::resolve(who, commission) {
			return Err(commission.merge(rest));
		}
		if HalfRefused::get().contains(who) { Err(rest) } else { Balances::resolve(&pool(role, *who), rest) }
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_emission::BenchmarkHelper<u64> for Pools {
	fn set_tick(tick: Tick) {
		Now::set(&tick);
	}
	fn candidate(role: Role, who: &u64) {
		for account in [*who, pool(role, *who)] {
			Balances::set_balance(&account, ENDOWMENT);
		}
	}
}

/// A task has ended that these verifiers had a vote each in.
pub(crate) fn settled(verifiers: &[u64], burned: u64) {
	let votes: Vec<_> = verifiers.iter().map(|who| (*who, 1)).collect();
	<Emission as oda_pallet_traits::Payments<_, _>>::task_settled(&votes, burned);
}

/// The account of what answers for a candidate.
pub(crate) fn pool(role: Role, who: u64) -> u64 {
	who.wrapping_mul(10).wrapping_add(1_000).wrapping_add(role as u64)
}

pub(crate) const ED: u64 = 10;
pub(crate) const CAP: u64 = 1_000_000;
pub(crate) const HALVING: Tick = 100;
pub(crate) const PERIOD: Tick = 10;
pub(crate) const CARRY: u32 = 3;
pub(crate) const MAX_VERIFIERS: u32 = 5;
/// What the first period issues.
pub(crate) const DUE: u64 = CAP / 2 / HALVING * PERIOD;
pub(crate) const SHARES: Shares = Shares {
	authors: Perbill::from_percent(40),
	verifiers: Perbill::from_percent(30),
	trainers: Perbill::from_percent(20),
	treasury: Perbill::from_percent(10),
};
pub(crate) const AUTHOR: u64 = 1;
pub(crate) const VERIFIERS: [u64; 3] = [11, 12, 13];
pub(crate) const TRAINER: u64 = 21;
pub(crate) const USER: u64 = 31;
pub(crate) const TREASURY: u64 = 41;
/// Has no account.
pub(crate) const NOBODY: u64 = 99;
/// What everybody starts with, pools too.
pub(crate) const ENDOWMENT: u64 = 1_000_000;

/// The chain at genesis, whose emission starts at `start`.
pub(crate) fn ext_from(start: Tick) -> sp_io::TestExternalities {
	let mut balances = vec![(TRAINER, ENDOWMENT), (USER, ENDOWMENT), (TREASURY, ENDOWMENT)];
	for (role, who) in
		VERIFIERS.map(|who| (Role::Verifier, who)).into_iter().chain([(Role::Validator, AUTHOR)])
	{
		balances.extend([(who, ENDOWMENT), (pool(role, who), ENDOWMENT)]);
	}
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		emission: pallet_emission::GenesisConfig { start, ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// The chain at genesis.
pub(crate) fn ext() -> sp_io::TestExternalities {
	ext_from(0)
}

/// Runs `test` on it; in the end the invariants hold, and all that was minted and not burned is somebody's.
pub(crate) fn run(test: impl FnOnce()) {
	ext().execute_with(|| {
		test();
		check();
	});
}

/// What holds always, as long as nobody sends anything to the pots' account.
pub(crate) fn check() {
	Emission::do_try_state().unwrap();
	assert_eq!(Balances::total_balance(&Emission::account()), pots(), "the account has what the pots have");
	assert!(u128::from(Emission::minted()) <= Emission::schedule().issued(Now::get()), "no more than is due");
}

/// A block without an author's pay: a tick, and a poll.
pub(crate) fn tick() {
	Now::set(&(Now::get() + 1));
	poll();
}

pub(crate) fn poll() {
	System::set_block_number(System::block_number() + 1);
	Emission::on_poll(System::block_number(), &mut WeightMeter::new());
}

/// A whole block by `author`.
pub(crate) fn block(author: u64) {
	<Emission as EventHandler<u64, u64>>::note_author(author);
	tick();
}

/// Lets `ticks` pass in blocks without authors.
pub(crate) fn pass(ticks: Tick) {
	(0..ticks).for_each(|_| tick());
}

/// Lets a period pass.
pub(crate) fn period() {
	pass(PERIOD);
}

pub(crate) fn pot(pot: Pot) -> u64 {
	crate::Pots::<Test>::get(pot)
}

/// What is in the pots together.
pub(crate) fn pots() -> u64 {
	Pot::ALL.into_iter().map(pot).sum()
}

pub(crate) fn balance(who: u64) -> u64 {
	Balances::total_balance(&who)
}

/// What a candidate and its pool have.
pub(crate) fn wealth(role: Role, who: u64) -> u64 {
	balance(who) + balance(pool(role, who))
}

/// Burns what somebody has.
pub(crate) fn burn(who: u64, amount: u64) {
	Balances::burn_from(&who, amount, Preservation::Preserve, Precision::Exact, Fortitude::Polite).unwrap();
}

/// Whether it happened.
pub(crate) fn happened(event: crate::Event<Test>) -> bool {
	System::events().into_iter().any(|record| record.event == RuntimeEvent::Emission(event.clone()))
}
