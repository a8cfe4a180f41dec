//! The protocol's own pallets: what bonds are worth, how long windows are, what the court may cost.

use crate::*;
use frame_support::{
	parameter_types,
	traits::{ConstU32, ConstU64, Get, LinearStoragePrice, Randomness, fungible::HoldConsideration},
	weights::{Weight, constants::WEIGHT_REF_TIME_PER_SECOND},
};
use oda_pallet_traits::Work;
use oda_primitives::{ModelId, Tick, hash};
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
	/// Ticks that a challenge commitment must have aged before its challenge.
	MinChallengeAge => min_challenge_age
);
window!(
	/// Ticks for which a challenge commitment holds the window open.
	ChallengeLifetime => challenge_lifetime
);
window!(
	/// Ticks for which demanded weights can be posted.
	DemandWindow => demand
);
window!(
	/// Ticks that a submission waits for verifiers, when there are none.
	VerifierPatience => verifier_patience
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
		RuntimeHoldReason::Peers(pallet_peers::HoldReason::PeerDeposit);

	/// The most that the court's evaluation of one record may weigh: half of what a block has.
	pub MaxEvaluationWeight: Weight = super::system::MAXIMUM_BLOCK_WEIGHT.saturating_div(2);

	/// What a trainer puts on hold for a submission.
	pub const TrainerBond: Balance = UNIT.saturating_mul(100);
	/// What a challenger puts on hold for a commitment to evidence.
	pub const ChallengeBond: Balance = UNIT.saturating_mul(10);
	/// What demanding weights puts on hold beside the price of posting them.
	pub const DemandBond: Balance = UNIT;
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

	/// The least bond of a keeper.
	pub const MinKeeperBond: Balance = UNIT.saturating_mul(100);
	/// A keeper's bond for each mebibyte of capacity, and its stake for each of a replica: 102.4 ODA a gibibyte.
	pub const BondPerMib: Balance = UNIT / 10;
	/// The least stake of a replica.
	pub const MinStake: Balance = UNIT;
	/// The least pay for a proved round.
	pub const MinPrice: Balance = MICRO_UNIT;
	/// What a model's account begins to offer for keeping a mebibyte for a round; it pays twice as much at most.
	pub const HeadPricePerMib: Balance = MILLI_UNIT;
}

parameter_types! {
	/// What the court charges above the time that was measured, as a part of it. The coefficients are those of one
	/// machine, when it was quiet: another processor takes up to a tenth more for some shapes, and a busy neighbour,
	/// which it shares caches and memory with, up to four tenths more.
	pub const CourtMargin: Perbill = Perbill::from_percent(50);
}

/// What evaluating one record weighs.
pub type EvaluationWeight =
	oda_pallet_court::Price<weights::oda_pallet_court::WeightInfo<Runtime>, CourtMargin>;

/// Picoseconds that fetching a mebibyte takes on the chain's reference line: 16 MiB a second.
const MIB_TIME: u64 = WEIGHT_REF_TIME_PER_SECOND / 16;

/// What the verifiers are paid together for fetching a mebibyte: 10.24 ODA a gibibyte.
const MIB_FEE: Balance = UNIT / 100;

/// What evaluating all records of a task weighs, as computing time in picoseconds.
fn computing_time(work: &Work) -> u64 {
	EvaluationWeight::convert(work.cost).ref_time().saturating_mul(work.records.into())
}

/// What a task's bytes are counted by: mebibytes, the last one whole.
fn mebibytes(work: &Work) -> u64 {
	work.bytes.div_ceil(1 << 20)
}

/// A second of the verifiers' computing costs an ODA, as it does in a transaction; fetching has a price by the byte.
pub struct VerificationFee;
impl Convert<Work, Balance> for VerificationFee {
	fn convert(work: Work) -> Balance {
		let fetching = MIB_FEE.saturating_mul(mebibytes(&work).into());
		Balance::from(computing_time(&work)).saturating_add(fetching)
	}
}

/// The price of the block space that posted weights take: what a transaction of that length and weight would cost.
pub struct PostPrice;
impl Convert<u64, Balance> for PostPrice {
	fn convert(len: u64) -> Balance {
		use pallet_training::WeightInfo;
		type Weights = weights::pallet_training::WeightInfo<Runtime>;
		let bytes = u32::try_from(len).unwrap_or(u32::MAX);
		let weight = Weights::authorize_post_weights(bytes).saturating_add(Weights::post_weights());
		super::tokens::TransactionByteFee::get()
			.saturating_mul(len.into())
			.saturating_add(weight.ref_time().into())
	}
}

/// The window of a task: the base, and the time that a verifier needs who computes and fetches at a quarter of the
/// speed of the chain's reference machine and line.
pub struct AttestWindow;
impl Convert<Work, Tick> for AttestWindow {
	fn convert(work: Work) -> Tick {
		let tick = tempo::SlotMillis::<Runtime>::get().saturating_mul(1_000_000_000);
		let time = MIB_TIME.saturating_mul(mebibytes(&work)).saturating_add(computing_time(&work));
		let ticks = time.saturating_mul(4).checked_div(tick).unwrap_or(u64::MAX);
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

impl pallet_peers::Config for Runtime {
	type PeerDeposit = HoldConsideration<
		AccountId,
		Balances,
		PeerHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type WeightInfo = weights::pallet_peers::WeightInfo<Runtime>;
}

/// The storage account of a model: a hash with a domain of its own, so that nobody has a key of it.
pub struct ModelAccount;
impl Convert<ModelId, AccountId> for ModelAccount {
	fn convert(model: ModelId) -> AccountId {
		hash::model_account(&model).into()
	}
}

impl pallet_storage_deals::Config for Runtime {
	type Evidence = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_storage_deals::Sr25519Helper<benchmarks::Helper>;
	type BondPerMib = BondPerMib;
	type Clock = Clock;
	type Currency = Balances;
	type DealDeposit = LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>;
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
	type ModelAccount = ModelAccount;
	type Models = ModelRegistry;
	type Peers = Peers;
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
	type WeightInfo = weights::pallet_storage_deals::WeightInfo<Runtime>;
}

impl pallet_training::Config for Runtime {
	type Evidence = ();
	type AttestWindow = AttestWindow;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type ChallengeBond = ChallengeBond;
	type ChallengeWindow = ChallengeWindow;
	type Clock = Clock;
	type Currency = Balances;
	type DemandBond = DemandBond;
	type DefencePriority = ConstU64<{ u64::MAX }>;
	type DemandWindow = DemandWindow;
	type EvaluationWeight = EvaluationWeight;
	type FeeBase = FeeBase;
	type Heads = StorageDeals;
	type VerifierPatience = VerifierPatience;
	type Committees = Verification;
	// A year of 3 s ticks.
	type MaxBountyTerm = ConstU64<10_512_000>;
	type MaxBounties = ConstU32<8>;
	type MaxLive = ConstU32<8>;
	type MaxChallengers = ConstU32<16>;
	type MaxQueue = ConstU32<32>;
	type MinBounty = MinBounty;
	type MinCommitAge = MinCommitAge;
	type MinChallengeAge = MinChallengeAge;
	type Models = ModelRegistry;
	type ChallengeLifetime = ChallengeLifetime;
	type PostPrice = PostPrice;
	type RevealWindow = RevealWindow;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ScoreDeposit = HoldConsideration<
		AccountId,
		Balances,
		ScoreHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type SettlePriority = ConstU64<{ u64::MAX / 2 }>;
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
	type Evidence = ();
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
