//! A runtime with balances and the registry.

use crate as pallet_model_registry;
use oda_evaluator::Cost;
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{ConstU32, ConstU64, LinearStoragePrice, fungible::HoldConsideration},
		weights::Weight,
	},
	frame_system::{self, EnsureRoot},
	pallet_balances, sp_io,
	sp_runtime::{BuildStorage, traits::Convert},
};

type Block = frame_system::mocking::MockBlock<Test>;

/// The registrar of most tests.
pub(crate) const ALICE: u64 = 1;
/// Somebody else.
pub(crate) const BOB: u64 = 2;
/// Has less than a deposit.
pub(crate) const POOR: u64 = 3;
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 1_000_000;

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
	pub type Registry = pallet_model_registry::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
}

parameter_types! {
	/// What time it is.
	pub static Time: Tick = 100;
	/// The court's limit in picoseconds.
	pub static CourtLimit: u64 = 1_000_000;
	pub MaxEvaluationWeight: Weight = Weight::from_parts(CourtLimit::get(), u64::MAX);
	/// Picoseconds of hashing a byte of an output.
	pub static OutputByte: u64 = 0;
	/// What an evaluation weighs at least.
	pub static BaseWeight: u64 = 0;
	pub static MaxWeightsBytes: u64 = 2 * 1024 * 1024;
	/// The longest challenge.
	pub static MaxChallengeBytes: u64 = 5 * 1024 * 1024 - 64 * 1024;
	/// For how long a pending model is its registrar's.
	pub static PendingWindow: Tick = 50;
	/// How old an announcement must be.
	pub static MinAnnouncementAge: Tick = 5;
	/// How old it may become.
	pub static AnnouncementLifetime: Tick = 40;
	/// What naming a card takes beside its bytes.
	pub static CardBase: u64 = 20;
	pub const AnnouncementHold: RuntimeHoldReason =
		RuntimeHoldReason::Registry(pallet_model_registry::HoldReason::Announcement);
	pub const CardHold: RuntimeHoldReason = RuntimeHoldReason::Registry(pallet_model_registry::HoldReason::Card);
	pub const ModelHold: RuntimeHoldReason = RuntimeHoldReason::Registry(pallet_model_registry::HoldReason::Model);
}

/// A picosecond for everything counted.
pub struct EvaluationWeight;
impl Convert<Cost, Weight> for EvaluationWeight {
	fn convert(cost: Cost) -> Weight {
		Weight::from_parts(BaseWeight::get() + cost.macs + cost.element_ops, 0)
	}
}

/// [`OutputByte`] for each.
pub struct OutputWeight;
impl Convert<u64, Weight> for OutputWeight {
	fn convert(bytes: u64) -> Weight {
		Weight::from_parts(OutputByte::get() * bytes, 0)
	}
}

impl pallet_model_registry::Config for Test {
	type AnnouncementDeposit = HoldConsideration<
		u64,
		Balances,
		AnnouncementHold,
		LinearStoragePrice<ConstU64<10>, ConstU64<1>, u64>,
	>;
	type AnnouncementLifetime = AnnouncementLifetime;
	type CardDeposit =
		HoldConsideration<u64, Balances, CardHold, LinearStoragePrice<CardBase, ConstU64<1>, u64>>;
	type Clock = Time;
	type Deposit =
		HoldConsideration<u64, Balances, ModelHold, LinearStoragePrice<ConstU64<100>, ConstU64<2>, u64>>;
	type EvaluationWeight = EvaluationWeight;
	type MaxAnnouncements = ConstU32<3>;
	type MaxCardBytes = ConstU64<{ oda_primitives::MAX_CARD_LEN }>;
	type MaxChallengeBytes = MaxChallengeBytes;
	type MaxEvaluationWeight = MaxEvaluationWeight;
	type MaxWeightsBytes = MaxWeightsBytes;
	type MinAnnouncementAge = MinAnnouncementAge;
	type OutputWeight = OutputWeight;
	type PendingWindow = PendingWindow;
	type WeightInfo = ();
	type FreezeOrigin = EnsureRoot<u64>;
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let balances = vec![(ALICE, ENDOWMENT), (BOB, ENDOWMENT), (POOR, 200)];
	let mut ext: sp_io::TestExternalities = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}
