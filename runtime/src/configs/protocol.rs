//! The protocol's own pallets: what bonds are worth, how long windows are, what the court may cost.

use crate::*;
use frame_support::{
	PalletId, parameter_types,
	traits::{ConstU32, ConstU64, Get, LinearStoragePrice, Randomness, fungible::HoldConsideration},
	weights::Weight,
};
use oda_evaluator::Cost;
use oda_primitives::Tick;
use sp_runtime::{
	Perbill,
	traits::{Convert, Hash as _},
};

/// A window of the protocol, in ticks, as genesis chose it.
macro_rules! window {
	($(#[$doc:meta])* $name:ident => $field:ident) => {
		$(#[$doc])*
		pub struct $name;
		impl Get<Tick> for $name {
			fn get() -> Tick {
				tempo::ProtocolWindows::<Runtime>::get().$field
			}
		}
	};
}

window!(
	/// Ticks that a commitment must have aged before it is opened.
	MinCommitAge => min_commit_age
);
window!(
	/// Ticks after the commitment from which on it can no longer be opened.
	RevealWindow => reveal
);
window!(
	/// Ticks that every task can be answered for, before those that follow its cost.
	AttestBase => attest_base
);
window!(
	/// Ticks that must pass between the last needed answer and the acceptance.
	ChallengeWindow => challenge
);
window!(
	/// Ticks that a note must have aged before its challenge.
	MinNoteAge => min_note_age
);
window!(
	/// Ticks for which a note holds the window open.
	NoteLifetime => note_lifetime
);
window!(
	/// Ticks for which demanded weights can be posted.
	DemandWindow => demand
);
window!(
	/// Ticks that a submission waits for judges, when there are none.
	JudgePatience => judge_patience
);
window!(
	/// Ticks for which a pending model belongs to its registrar alone.
	PendingWindow => pending
);

window!(
	/// Ticks that a round of storage challenges lasts.
	StorageRound => storage_round
);
window!(
	/// Ticks between a keeper's retirement and the return of its bond.
	Unbonding => unbonding
);

/// What the chain charges for keeping bytes: 0.1 ODA an item and a thousandth of an ODA a byte.
const ITEM_DEPOSIT: Balance = UNIT / 10;
const BYTE_DEPOSIT: Balance = MILLI_UNIT;

parameter_types! {
	/// The deposit for an item.
	pub const ItemDeposit: Balance = ITEM_DEPOSIT;
	/// The deposit for a byte.
	pub const ByteDeposit: Balance = BYTE_DEPOSIT;

	/// What the registrar's deposit is held for.
	pub const ModelHold: RuntimeHoldReason =
		RuntimeHoldReason::ModelRegistry(pallet_model_registry::HoldReason::Model);
	/// What the deposit for an announced model is held for.
	pub const AnnouncementHold: RuntimeHoldReason =
		RuntimeHoldReason::ModelRegistry(pallet_model_registry::HoldReason::Announcement);
	/// What the deposit for a score list is held for.
	pub const ScoreHold: RuntimeHoldReason =
		RuntimeHoldReason::Training(pallet_training::HoldReason::ScoreList);
	/// What the deposit for a record of known weights is held for.
	pub const WeightsHold: RuntimeHoldReason =
		RuntimeHoldReason::Training(pallet_training::HoldReason::KnownWeights);

	/// What the deposit for a bound peer is held for.
	pub const PeerHold: RuntimeHoldReason =
		RuntimeHoldReason::Storage(pallet_storage::HoldReason::PeerDeposit);
	/// What the deposit for a storage deal is held for.
	pub const DealHold: RuntimeHoldReason =
		RuntimeHoldReason::Storage(pallet_storage::HoldReason::DealDeposit);

	/// The most that the court's evaluation of one record may weigh: half of what a block has.
	pub MaxEvaluationWeight: Weight = super::system::MAXIMUM_BLOCK_WEIGHT.saturating_div(2);

	/// What a trainer puts on hold for a submission.
	pub const TrainerBond: Balance = UNIT.saturating_mul(100);
	/// What a challenger puts on hold for a note.
	pub const ChallengeBond: Balance = UNIT.saturating_mul(10);
	/// What demanding weights puts on hold, however short they are.
	pub const DemandBase: Balance = UNIT.saturating_mul(2);
	/// The part of the fee that every task has.
	pub const FeeBase: Balance = UNIT;
	/// The least bounty.
	pub const MinBounty: Balance = UNIT;

	/// More than two thirds of a task's members.
	pub const Quorum: Perbill = Perbill::from_parts(666_666_667);
	/// The bond below which a verifier gets no new tasks.
	pub const MinVerifierBond: Balance = UNIT.saturating_mul(500);
	/// What signing `Valid` for a wrong score costs. Half of it is burned, and that half of a single verifier
	/// exceeds the trainer's bond: buying a quorum costs more than lying can bring.
	pub const VerifierSlash: Balance = UNIT.saturating_mul(300);
	/// What accusing accepted weights costs.
	pub const AccusationSlash: Balance = UNIT.saturating_mul(50);
	/// What not answering costs.
	pub const AbsenceSlash: Balance = UNIT.saturating_mul(5);

	/// The name of the account that pays for keeping heads.
	pub const PotId: PalletId = PalletId(*b"oda/head");
	/// The least bond of a keeper.
	pub const MinKeeperBond: Balance = UNIT.saturating_mul(100);
	/// A keeper's bond for each mebibyte of capacity, and its stake for each of a replica: 102.4 ODA a gibibyte.
	pub const BondPerMib: Balance = UNIT / 10;
	/// The least stake of a replica.
	pub const MinStake: Balance = UNIT;
	/// The least pay for a proved round.
	pub const MinPrice: Balance = MICRO_UNIT;
	/// What the pot begins to offer for keeping a mebibyte for a round; it pays twice as much at most.
	pub const HeadPricePerMib: Balance = MILLI_UNIT;
}

/// What evaluating one record weighs, from the coefficients that were measured for each component of its cost.
pub struct EvaluationWeight;
impl Convert<Cost, Weight> for EvaluationWeight {
	fn convert(cost: Cost) -> Weight {
		pallet_training::weights::evaluation::<weights::pallet_training::WeightInfo<Runtime>>(&cost)
	}
}

/// What evaluating `records` records of this cost weighs, as computing time in picoseconds.
fn task_time((cost, records): (Cost, u32)) -> u64 {
	EvaluationWeight::convert(cost).ref_time().saturating_mul(records.into())
}

/// A second of the judges' computing costs an ODA, as it does in a transaction.
pub struct VerificationFee;
impl Convert<(Cost, u32), Balance> for VerificationFee {
	fn convert(task: (Cost, u32)) -> Balance {
		task_time(task).into()
	}
}

/// What demanding weights puts on hold: twice the fee for their length, and a base that exceeds the rest of what
/// posting them costs.
pub struct DemandBond;
impl Convert<u64, Balance> for DemandBond {
	fn convert(len: u64) -> Balance {
		let fee = super::tokens::TransactionByteFee::get().saturating_mul(len.into());
		DemandBase::get().saturating_add(fee.saturating_mul(2))
	}
}

/// The window of a task: the base, and the time that a judge needs who computes at a quarter of the speed of
/// the chain's reference machine.
pub struct AttestWindow;
impl Convert<(Cost, u32), Tick> for AttestWindow {
	fn convert(task: (Cost, u32)) -> Tick {
		let tick = tempo::SlotMillis::<Runtime>::get().saturating_mul(1_000_000_000);
		let ticks = task_time(task).saturating_mul(4).checked_div(tick).unwrap_or(u64::MAX);
		AttestBase::get().saturating_add(ticks).saturating_add(1)
	}
}

impl pallet_clock::Config for Runtime {
	type WeightInfo = weights::pallet_clock::WeightInfo<Runtime>;
}

impl pallet_model_registry::Config for Runtime {
	type AnnouncementDeposit = HoldConsideration<
		AccountId,
		Balances,
		AnnouncementHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	// As long as a commitment to weights can be opened.
	type AnnouncementLifetime = RevealWindow;
	type Clock = Clock;
	type Deposit = HoldConsideration<
		AccountId,
		Balances,
		ModelHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type EvaluationWeight = EvaluationWeight;
	type MaxAnnouncements = ConstU32<4>;
	type MaxChallengeBytes = ConstU64<{ super::system::OPERATIONAL_ROOM as u64 }>;
	type MaxEvaluationWeight = MaxEvaluationWeight;
	type MaxWeightsBytes = ConstU64<{ pallet_training::types::MAX_WEIGHT_BYTES as u64 }>;
	type MinAnnouncementAge = MinCommitAge;
	type PendingWindow = PendingWindow;
	type WeightInfo = weights::pallet_model_registry::WeightInfo<Runtime>;
}

/// What storage challenges are drawn from: the parent block's VRF output, which nobody but its author knows
/// before, over the epoch's randomness, for blocks without one. An author may withhold a block to draw again,
/// at the price of the block.
pub struct RoundRandomness;
impl Randomness<Hash, BlockNumber> for RoundRandomness {
	fn random(subject: &[u8]) -> (Hash, BlockNumber) {
		let (epoch, since) = pallet_babe::RandomnessFromOneEpochAgo::<Runtime>::random(subject);
		let (block, _) = pallet_babe::ParentBlockRandomness::<Runtime>::random(subject);
		(BlakeTwo256::hash_of(&(epoch, block)), since)
	}
}

impl pallet_storage::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_storage::Sr25519Helper<benchmarks::Helper>;
	type BondPerMib = BondPerMib;
	type Clock = Clock;
	type Currency = Balances;
	type DealDeposit = HoldConsideration<
		AccountId,
		Balances,
		DealHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type FreeMisses = ConstU32<1>;
	type HeadMaxLen = ConstU64<{ 1 << 30 }>;
	type HeadPricePerMib = HeadPricePerMib;
	type HeadReplicas = ConstU32<3>;
	// A week of rounds of an hour.
	type HeadRounds = ConstU32<168>;
	type MaxMisses = ConstU32<3>;
	type MaxReplicas = ConstU32<16>;
	// Over a year of them.
	type MaxRounds = ConstU32<10_000>;
	type MinBond = MinKeeperBond;
	type MinPrice = MinPrice;
	type MinStake = MinStake;
	type PeerDeposit = HoldConsideration<
		AccountId,
		Balances,
		PeerHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type PotId = PotId;
	type ProvePriority = ConstU64<{ u64::MAX / 4 }>;
	type QuitRounds = ConstU32<6>;
	type RaiseRounds = ConstU32<24>;
	type Randomness = RoundRandomness;
	type RoundLength = StorageRound;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type SweepDeals = ConstU32<16>;
	type UnbondingPeriod = Unbonding;
	type WeightInfo = weights::pallet_storage::WeightInfo<Runtime>;
}

impl pallet_training::Config for Runtime {
	type AttestWindow = AttestWindow;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type ChallengeBond = ChallengeBond;
	type ChallengeWindow = ChallengeWindow;
	type Clock = Clock;
	type Currency = Balances;
	type DemandBond = DemandBond;
	type DemandWindow = DemandWindow;
	type EvaluationWeight = EvaluationWeight;
	type FeeBase = FeeBase;
	type Heads = Storage;
	type JudgePatience = JudgePatience;
	type Judges = Verification;
	// A year of 3 s ticks.
	type MaxBountyTerm = ConstU64<10_512_000>;
	type MaxBounties = ConstU32<8>;
	type MaxLive = ConstU32<8>;
	type MaxNotes = ConstU32<16>;
	type MaxQueue = ConstU32<16>;
	type MinBounty = MinBounty;
	type MinCommitAge = MinCommitAge;
	type MinNoteAge = MinNoteAge;
	type Models = ModelRegistry;
	type NoteLifetime = NoteLifetime;
	type RevealWindow = RevealWindow;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ScoreDeposit = HoldConsideration<
		AccountId,
		Balances,
		ScoreHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type TrainerBond = TrainerBond;
	type VerificationFee = VerificationFee;
	type WeightInfo = weights::pallet_training::WeightInfo<Runtime>;
	type WeightsDeposit = HoldConsideration<
		AccountId,
		Balances,
		WeightsHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
}

impl pallet_verification::Config for Runtime {
	type AbsenceSlash = AbsenceSlash;
	type AccusationSlash = AccusationSlash;
	type AttestPriority = ConstU64<{ u64::MAX / 2 }>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_verification::Sr25519Helper;
	type Clock = Clock;
	type Currency = Balances;
	type MaxVerifiers = ConstU32<32>;
	type MinBond = MinVerifierBond;
	type Quorum = Quorum;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type VerifierSlash = VerifierSlash;
	type WeightInfo = weights::pallet_verification::WeightInfo<Runtime>;
}
