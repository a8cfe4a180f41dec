//! A runtime with balances and reputation, small numbers, and bonds that are a table.

use crate as pallet_reputation;
use crate::{Caps, Entry, PerFault, PerSource, Worths};
use oda_pallet_traits::{
	AmountOf, Deed, Evidence as _, OwnStakes, RewardOf, Role, StakeWatcher as _, Stakes, Tier, TierWatcher,
	Tiers as _,
};
use oda_primitives::{BlobRef, TaskId, Tick};
use polkadot_sdk::{
	frame_support::{
		BoundedVec, derive_impl,
		dispatch::PostDispatchInfo,
		parameter_types,
		traits::{ConstU32, ConstU64},
	},
	frame_system::{self, EnsureRoot},
	pallet_balances, sp_io,
	sp_runtime::{BuildStorage, DispatchError, DispatchResult, Perbill},
};
use std::collections::BTreeMap;

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
	pub type Reputation = pallet_reputation::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	pub static Now: Tick = 0;
	/// What accounts have bonded themselves.
	pub static Bonds: BTreeMap<(Role, u64), u64> = BTreeMap::new();
	/// The tiers that the watcher was told of.
	pub static Told: Vec<(u64, Tier, Tier)> = Vec::new();
	pub static ToHold: u64 = DEPOSIT;
	pub static Cap: Caps = CAPS;
	pub static Steps: Vec<u64> = THRESHOLDS.to_vec();
	pub static Slack: Perbill = HYSTERESIS;
	pub const Loses: Perbill = DECAY;
	pub const Forgives: Perbill = FAULT_DECAY;
	pub const Worth: Worths = WORTHS;
	pub const Share: Perbill = Perbill::from_percent(25);
}

/// The thresholds as they are set.
pub struct Needs;
impl polkadot_sdk::frame_support::traits::Get<BoundedVec<u64, ConstU32<MAX_TIERS>>> for Needs {
	fn get() -> BoundedVec<u64, ConstU32<MAX_TIERS>> {
		Steps::get().try_into().unwrap()
	}
}

impl pallet_reputation::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Stakes = Table;
	type Watcher = Table;
	type Clock = Now;
	type Period = ConstU64<PERIOD>;
	type Decay = Loses;
	type FaultDecay = Forgives;
	type Worths = Worth;
	type Caps = Cap;
	type PayerCap = ConstU64<PAYER_CAP>;
	type FreeShare = Share;
	type MaxTiers = ConstU32<MAX_TIERS>;
	type Thresholds = Needs;
	type Hysteresis = Slack;
	type BondPerTier = ConstU64<UNIT>;
	type SuspendAt = ConstU64<SUSPEND_AT>;
	type SuspensionTerm = ConstU64<TERM>;
	type BanAfter = ConstU32<BAN_AFTER>;
	type AppealDeposit = ToHold;
	type AppealTerm = ConstU64<APPEAL_TERM>;
	type AppealOrigin = EnsureRoot<u64>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Table;
}

/// The bonds, and who listens.
pub struct Table;

impl Stakes<u64> for Table {
	type Currency = Balances;

	fn active(role: Role, who: &u64) -> u64 {
		Self::own(role, who)
	}

	fn reserve(_: Role, _: &u64, _: u64, _: u64) -> DispatchResult {
		unreachable!("reputation reserves nothing")
	}

	fn release(_: Role, _: &u64, _: u64) {
		unreachable!("reputation reserves nothing")
	}

	fn slash(_: Role, _: &u64, _: u64) -> (AmountOf<u64, Self>, RewardOf<u64, Self>) {
		unreachable!("reputation slashes nobody")
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn bond_for_benchmark(role: Role, who: &u64, amount: u64) {
		Bonds::mutate(|bonds| bonds.insert((role, *who), amount));
	}
}

impl OwnStakes<u64> for Table {
	fn own(role: Role, who: &u64) -> u64 {
		Bonds::get().get(&(role, *who)).copied().unwrap_or_default()
	}

	fn slash_own(_: Role, _: &u64, _: u64) -> (AmountOf<u64, Self>, RewardOf<u64, Self>) {
		unreachable!("reputation slashes nobody")
	}
}

impl TierWatcher<u64> for Table {
	fn tier_changed(who: &u64, from: Tier, to: Tier) {
		assert_eq!(Reputation::tier(who), to, "what it is told is so already");
		Told::mutate(|told| told.push((*who, from, to)));
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_reputation::BenchmarkHelper<u64> for Table {
	fn set_tick(tick: Tick) {
		Now::set(tick);
	}
	fn endow(who: &u64) {
		use polkadot_sdk::frame_support::traits::fungible::Mutate;
		Balances::set_balance(who, ENDOWMENT);
	}
}

pub(crate) const PERIOD: Tick = 10;
pub(crate) const DECAY: Perbill = Perbill::from_percent(10);
pub(crate) const FAULT_DECAY: Perbill = Perbill::from_percent(5);
pub(crate) const HYSTERESIS: Perbill = Perbill::from_percent(10);
pub(crate) const MAX_TIERS: u32 = 5;
pub(crate) const THRESHOLDS: [u64; 5] = [1_000, 1_800, 2_500, 3_100, 3_600];
pub(crate) const UNIT: u64 = 100;
pub(crate) const PAYER_CAP: u64 = 250;
pub(crate) const SUSPEND_AT: u64 = 1_000;
pub(crate) const TERM: Tick = 50;
pub(crate) const BAN_AFTER: u32 = 3;
pub(crate) const DEPOSIT: u64 = 70;
pub(crate) const APPEAL_TERM: Tick = 30;
pub(crate) const ENDOWMENT: u64 = 1_000;
pub(crate) const CAPS: Caps = PerSource {
	verified: 400,
	accepted: 500,
	challenged: 400,
	kept: 200,
	served: 300,
	heartbeat: 60,
	voted: 100,
	audited: 100,
};
pub(crate) const WORTHS: Worths = Worths {
	points: PerSource {
		verified: 100,
		accepted: 400,
		challenged: 200,
		kept: 20,
		served: 10,
		heartbeat: 5,
		voted: 10,
		audited: 30,
	},
	served_unit: 7,
	faults: PerFault {
		misverified: 500,
		overturned: 400,
		absent: 60,
		challenge_failed: 200,
		missed: 20,
		misserved: 600,
		dispute_failed: 100,
	},
};
pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
/// Pay for inference.
pub(crate) const PAYERS: [u64; 3] = [31, 32, 33];
pub(crate) const TASK: TaskId = TaskId::Submission(7);
pub(crate) const REASON: BlobRef = BlobRef { root: [9; 32], len: 9 };

/// The chain at genesis, with these seeds.
pub(crate) fn ext_with(seeds: Vec<(u64, u64)>) -> sp_io::TestExternalities {
	Now::set(0);
	Told::take();
	ToHold::set(DEPOSIT);
	Cap::set(CAPS);
	Steps::set(THRESHOLDS.to_vec());
	Slack::set(HYSTERESIS);
	let balances = vec![(ALICE, ENDOWMENT), (BOB, ENDOWMENT)];
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		reputation: pallet_reputation::GenesisConfig { seeds },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// The chain at genesis.
pub(crate) fn ext() -> sp_io::TestExternalities {
	Bonds::take();
	ext_with(Vec::new())
}

/// Runs `test` on it; in the end the invariants hold.
pub(crate) fn run(test: impl FnOnce()) {
	ext().execute_with(|| {
		test();
		Reputation::do_try_state().unwrap();
	});
}

/// Makes an account's own bond for a role this, and tells.
pub(crate) fn bond_as(role: Role, who: u64, amount: u64) {
	Bonds::mutate(|bonds| bonds.insert((role, who), amount));
	Reputation::changed(role, &who, amount);
}

/// Makes a verifier's own bond so many units.
pub(crate) fn bond(who: u64, units: u64) {
	bond_as(Role::Verifier, who, units * UNIT);
}

/// Lets periods pass.
pub(crate) fn pass(periods: u64) {
	Now::set((Now::get() / PERIOD + periods) * PERIOD);
}

pub(crate) fn saw(who: u64, deed: Deed) {
	Reputation::saw(&who, deed);
}

pub(crate) fn verified(who: u64, votes: u32) {
	Reputation::saw_times(&who, Deed::Verified(TASK), votes);
}

pub(crate) fn bump(who: u64) -> Result<PostDispatchInfo, DispatchError> {
	Reputation::bump(RuntimeOrigin::signed(99), who).map_err(|refused| refused.error)
}

/// Gives an account points out of nothing, and a tier for them.
pub(crate) fn endow(who: u64, points: u64) {
	let mut entry = entry(who).unwrap_or_else(|| Entry { period: Now::get() / PERIOD, ..Default::default() });
	entry.costly += points;
	crate::Entries::<Test>::insert(who, entry);
	bump(who).unwrap();
}

/// Suspends an account by faults; it must not be suspended already.
pub(crate) fn suspend(who: u64) {
	saw(who, Deed::Misserved(oda_primitives::Payment::OneShot(1)));
	saw(who, Deed::Misserved(oda_primitives::Payment::OneShot(2)));
}

pub(crate) fn entry(who: u64) -> Option<Entry> {
	crate::Entries::<Test>::get(who)
}

/// The points of an account that count, as they were settled last.
pub(crate) fn points(who: u64) -> u64 {
	entry(who).map_or(0, |entry| Reputation::points(&entry))
}

pub(crate) fn tier(who: u64) -> Tier {
	Reputation::tier(&who)
}

pub(crate) fn free_balance(who: u64) -> u64 {
	Balances::free_balance(who)
}

/// Whether it happened.
pub(crate) fn happened(event: crate::Event<Test>) -> bool {
	System::events().into_iter().any(|record| record.event == RuntimeEvent::Reputation(event.clone()))
}
