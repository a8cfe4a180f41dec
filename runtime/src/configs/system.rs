//! Blocks and their limits, timestamps, batches of calls.

use crate::*;
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	migrations::FreezeChainOnFailedMigration,
	parameter_types,
	traits::{ConstU16, ConstU32},
	weights::{
		Weight,
		constants::{BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
	},
};
use frame_system::limits;
use sp_runtime::Perbill;

/// The share of a block that ordinary transactions may fill; operational ones may use all of it.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// The share of a block that may be spent before the first transaction.
const INITIALIZE_RATIO: Perbill = Perbill::from_percent(10);

/// The weight that a block may have: 2 s of computing, the time that BABE gives the author of a 3 s slot.
///
/// The author of one of the development chain's 1 s slots has two thirds of a second, whatever weight is left; only after
/// slots without a block has it more. The proof size does not matter to a chain without a relay chain.
pub const MAXIMUM_BLOCK_WEIGHT: Weight =
	Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2), u64::MAX);

/// The length that a block may have, in bytes.
pub const MAXIMUM_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// The length that an operational transaction may have, in bytes: a block without its header and inherents, which take a
/// few hundred bytes, and what an author's digest may come to hold.
pub const OPERATIONAL_ROOM: u32 = MAXIMUM_BLOCK_LENGTH.saturating_sub(64 * 1024);

/// The length that an ordinary transaction may have, in bytes: their share of a block, without as much.
pub const NORMAL_ROOM: u32 = MAXIMUM_BLOCK_LENGTH / 4 * 3 - 64 * 1024;

/// What ordinary transactions may use of [`MAXIMUM_BLOCK_WEIGHT`].
fn normal_weight() -> Weight {
	Weight::from_parts(
		NORMAL_DISPATCH_RATIO.mul_floor(MAXIMUM_BLOCK_WEIGHT.ref_time()),
		NORMAL_DISPATCH_RATIO.mul_floor(MAXIMUM_BLOCK_WEIGHT.proof_size()),
	)
}

parameter_types! {
	/// The version of this runtime.
	pub const Version: RuntimeVersion = VERSION;
	/// How many block hashes the state remembers: the longest life of a mortal transaction.
	pub const BlockHashCount: BlockNumber = 4096;
	/// Limits on the weight of a block.
	pub RuntimeBlockWeights: limits::BlockWeights = limits::BlockWeights::builder()
		.base_block(BlockExecutionWeight::get())
		.for_class(DispatchClass::all(), |class| {
			class.base_extrinsic = ExtrinsicBaseWeight::get();
		})
		.for_class(DispatchClass::Normal, |class| {
			class.max_total = Some(normal_weight());
		})
		.for_class(DispatchClass::Operational, |class| {
			class.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
			// Kept free for operational transactions, even in a block full of ordinary ones.
			class.reserved = Some(MAXIMUM_BLOCK_WEIGHT.saturating_sub(normal_weight()));
		})
		.avg_block_initialization(INITIALIZE_RATIO)
		.build_or_panic();
	/// Limits on the length of a block.
	pub RuntimeBlockLength: limits::BlockLength = limits::BlockLength::builder()
		.max_length(MAXIMUM_BLOCK_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |length| {
			*length = NORMAL_DISPATCH_RATIO.mul_floor(MAXIMUM_BLOCK_LENGTH);
		})
		.build();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type BaseCallFilter = super::governance::Brakes;
	type Block = Block;
	type BlockHashCount = BlockHashCount;
	type BlockLength = RuntimeBlockLength;
	type BlockWeights = RuntimeBlockWeights;
	type DbWeight = ParityDbWeight;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type Hash = Hash;
	type MaxConsumers = ConstU32<16>;
	type MultiBlockMigrator = Migrations;
	type Nonce = Nonce;
	type SS58Prefix = ConstU16<42>;
	type SingleBlockMigrations = migrations::SingleBlock;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type Version = Version;
}

impl tempo::Config for Runtime {}

parameter_types! {
	/// What the steps of a migration may weigh in a block: the author of a short slot has time for half a block.
	pub MaxMigrationWeight: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(2);
}

impl pallet_migrations::Config for Runtime {
	type CursorMaxLen = ConstU32<65_536>;
	// A migration that fails half-way leaves a state of which nobody knows what it is worth, and transactions that go on
	// in it could give away what is held. So nothing but inherents runs until the state is mended: validators make
	// blocks and finalise them; the clock ticks in `on_poll`, which does not run, so no deadline passes and nobody loses a
	// bond meanwhile. To let transactions in would mend nothing either, for nobody is root; validators have to agree on a
	// repaired runtime outside the chain. `docs/upgrades.md` says how.
	type FailedMigrationHandler = FreezeChainOnFailedMigration;
	type IdentifierMaxLen = ConstU32<256>;
	type MaxServiceWeight = MaxMigrationWeight;
	type MigrationStatusHandler = ();
	type Migrations = migrations::MultiBlock;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_migrations::weights::SubstrateWeight<Runtime>;
}

impl pallet_timestamp::Config for Runtime {
	type MinimumPeriod = tempo::HalfSlotMillis<Runtime>;
	type Moment = u64;
	type OnTimestampSet = Babe;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
	type PalletsOrigin = OriginCaller;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}
