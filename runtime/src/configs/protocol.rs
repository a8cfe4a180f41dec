//! The protocol's own pallets: their limits, and what the court may cost. Windows and amounts are parameters, see
//! [`crate::parameters`].

use crate::{
	governance::{
		origins::{Changers, Decided},
		tracks,
	},
	parameters::{
		changes::EnsureChecked,
		governed::{inference, model_registry, storage_deals, training, verification},
	},
	*,
};
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

/// What the chain charges for keeping bytes: 0.1 ODA an item and a thousandth of an ODA a byte.
const ITEM_DEPOSIT: Balance = UNIT / 10;
const BYTE_DEPOSIT: Balance = MILLI_UNIT;

/// The deposit for so many items of so many bytes together.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	(items as Balance)
		.saturating_mul(ITEM_DEPOSIT)
		.saturating_add((bytes as Balance).saturating_mul(BYTE_DEPOSIT))
}

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
	/// What the deposit for a model's card is held for.
	pub const CardHold: RuntimeHoldReason =
		RuntimeHoldReason::ModelRegistry(pallet_model_registry::HoldReason::Card);
	/// What the deposit for a score list is held for.
	pub const ScoreHold: RuntimeHoldReason =
		RuntimeHoldReason::Training(pallet_training::HoldReason::ScoreList);
	/// What the deposit for a record of known weights is held for.
	pub const WeightsHold: RuntimeHoldReason =
		RuntimeHoldReason::Training(pallet_training::HoldReason::KnownWeights);

	/// What the deposit for a verifier's entries is held for.
	pub const VerifierHold: RuntimeHoldReason =
		RuntimeHoldReason::Verification(pallet_verification::HoldReason::VerifierDeposit);

	/// What the deposit for a bound peer is held for.
	pub const PeerHold: RuntimeHoldReason =
		RuntimeHoldReason::Peers(pallet_peers::HoldReason::PeerDeposit);

	/// What the deposit for an offer is held for.
	pub const OfferHold: RuntimeHoldReason =
		RuntimeHoldReason::Inference(pallet_inference::HoldReason::OfferDeposit);
	/// What the deposit for a channel is held for.
	pub const ChannelHold: RuntimeHoldReason =
		RuntimeHoldReason::Inference(pallet_inference::HoldReason::ChannelDeposit);
	/// What the deposit for a one-shot request is held for.
	pub const RequestHold: RuntimeHoldReason =
		RuntimeHoldReason::Inference(pallet_inference::HoldReason::RequestDeposit);

	/// The most that the court's evaluation of one record may weigh: half of what a block has.
	pub MaxEvaluationWeight: Weight = super::system::MAXIMUM_BLOCK_WEIGHT.saturating_div(2);
}

/// The deposit for what the chain keeps, by its items and bytes.
pub type StoragePrice = LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>;

parameter_types! {
	/// What the court charges above the time that was measured, as a part of it. The coefficients are those of one
	/// machine, when it was quiet: the other that was measured takes up to a third more for some shapes, and a busy
	/// neighbour, which it shares caches and memory with, takes as much again.
	pub const CourtMargin: Perbill = Perbill::from_percent(75);
}

/// What evaluating one record weighs.
pub type EvaluationWeight =
	oda_pallet_court::Price<weights::oda_pallet_court::WeightInfo<Runtime>, CourtMargin>;

/// What hashing an output weighs above that.
pub type OutputWeight =
	oda_pallet_court::OutputPrice<weights::oda_pallet_court::WeightInfo<Runtime>, CourtMargin>;

/// Picoseconds that fetching a mebibyte takes on the chain's reference line: 16 MiB a second.
const MIB_TIME: u64 = WEIGHT_REF_TIME_PER_SECOND / 16;

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
		let fetching = training::FeePerMib::get().saturating_mul(mebibytes(&work).into());
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
		training::AttestBase::get().saturating_add(ticks).saturating_add(1)
	}
}

impl pallet_parameters::Config for Runtime {
	type AdminOrigin = EnsureChecked;
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = parameters::RuntimeParameters;
	type WeightInfo = ();
}

impl parameters::changes::Config for Runtime {
	type ChangeOrigin = Changers;
}

impl pallet_clock::Config for Runtime {
	type WeightInfo = weights::pallet_clock::WeightInfo<Runtime>;
}

impl pallet_model_registry::Config for Runtime {
	type AnnouncementDeposit = HoldConsideration<AccountId, Balances, AnnouncementHold, StoragePrice>;
	// As long as a commitment to weights can be opened.
	type AnnouncementLifetime = training::RevealWindow;
	type CardDeposit = HoldConsideration<AccountId, Balances, CardHold, StoragePrice>;
	type Clock = Clock;
	type Deposit = HoldConsideration<AccountId, Balances, ModelHold, StoragePrice>;
	type EvaluationWeight = EvaluationWeight;
	type FreezeOrigin = Decided<{ tracks::MODEL_FREEZE }>;
	type MaxAnnouncements = ConstU32<4>;
	type MaxCardBytes = ConstU64<{ oda_primitives::MAX_CARD_LEN }>;
	type MaxChallengeBytes = ConstU64<{ super::system::OPERATIONAL_ROOM as u64 }>;
	type MaxEvaluationWeight = MaxEvaluationWeight;
	type MaxWeightsBytes = ConstU64<{ pallet_training::types::MAX_WEIGHT_BYTES as u64 }>;
	type MinAnnouncementAge = training::MinCommitAge;
	type OutputWeight = OutputWeight;
	type PendingWindow = model_registry::PendingWindow;
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
	type PeerDeposit = HoldConsideration<AccountId, Balances, PeerHold, StoragePrice>;
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
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_storage_deals::Sr25519Helper<benchmarks::Helper>;
	type BondPerMib = storage_deals::BondPerMib;
	type Clock = Clock;
	type Currency = Balances;
	type DealDeposit = StoragePrice;
	type Evidence = Reputation;
	type FreeMisses = ConstU32<1>;
	type HeadMaxLen = ConstU64<{ 1 << 30 }>;
	type HeadPricePerMib = storage_deals::HeadPricePerMib;
	type HeadReplicas = ConstU32<3>;
	// A week of rounds of an hour.
	type HeadRounds = ConstU32<168>;
	type MaxMisses = ConstU32<3>;
	type MaxReplicas = ConstU32<16>;
	// Over a year of them.
	type MaxRounds = ConstU32<10_000>;
	type MinBond = storage_deals::MinBond;
	type MinPrice = storage_deals::MinPrice;
	type MinStake = storage_deals::MinStake;
	type ModelAccount = ModelAccount;
	type Models = ModelRegistry;
	type Peers = Peers;
	type ProvePriority = ConstU64<{ u64::MAX / 4 }>;
	type QuitRounds = ConstU32<6>;
	type RaiseRounds = ConstU32<24>;
	type Randomness = RoundRandomness;
	type RoundLength = storage_deals::RoundLength;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type SweepDeals = ConstU32<16>;
	type Tiers = Reputation;
	type UnbondingPeriod = storage_deals::UnbondingPeriod;
	type WeightInfo = weights::pallet_storage_deals::WeightInfo<Runtime>;
}

impl pallet_training::Config for Runtime {
	type AttestWindow = AttestWindow;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type ChallengeBond = training::ChallengeBond;
	type ChallengeWindow = training::ChallengeWindow;
	type Clock = Clock;
	type Currency = Balances;
	type DemandBond = training::DemandBond;
	type DefencePriority = ConstU64<{ u64::MAX }>;
	type DemandWindow = training::DemandWindow;
	type EvaluationWeight = EvaluationWeight;
	type Evidence = Reputation;
	type FeeBase = training::FeeBase;
	type FeeBurn = training::FeeBurn;
	type Heads = StorageDeals;
	type Committees = Verification;
	// A year of 3 s ticks.
	type MaxBountyTerm = ConstU64<10_512_000>;
	type MaxBounties = ConstU32<8>;
	type MaxLive = ConstU32<8>;
	type MaxChallengers = ConstU32<16>;
	type MaxQueue = ConstU32<32>;
	type MinBounty = training::MinBounty;
	type MinCommitAge = training::MinCommitAge;
	type MinChallengeAge = training::MinChallengeAge;
	type Models = ModelRegistry;
	type OutputWeight = OutputWeight;
	type ChallengeLifetime = training::ChallengeLifetime;
	type Payments = Emission;
	type PostPrice = PostPrice;
	type RevealWindow = training::RevealWindow;
	type Rewards = Staking;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ScoreDeposit = HoldConsideration<AccountId, Balances, ScoreHold, StoragePrice>;
	type SettlePriority = ConstU64<{ u64::MAX / 2 }>;
	type Tiers = Reputation;
	type TrainerBond = training::TrainerBond;
	type VerificationFee = VerificationFee;
	type WeightInfo = weights::pallet_training::WeightInfo<Runtime>;
	type WeightsDeposit = HoldConsideration<AccountId, Balances, WeightsHold, StoragePrice>;
}

/// The number of the session that runs, which grows by one with each renewal of the randomness.
pub struct SessionNow;
impl Get<u32> for SessionNow {
	fn get() -> u32 {
		Session::current_index()
	}
}

/// The least capacity of a verifier.
pub struct MinCapacity;
impl Get<pallet_verification::Load> for MinCapacity {
	fn get() -> pallet_verification::Load {
		pallet_verification::Load { time: verification::MinTime::get(), bytes: verification::MinBytes::get() }
	}
}

impl pallet_verification::Config for Runtime {
	type AbleShare = verification::AbleShare;
	type AbsenceCap = verification::AbsenceCap;
	type AbsenceSlash = verification::AbsenceSlash;
	type AccusationSlash = verification::AccusationSlash;
	type AnswerPriority = ConstU64<{ u64::MAX / 2 }>;
	type AwayEpochs = verification::AwayEpochs;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_verification::Sr25519Helper<benchmarks::Helper>;
	type Clock = Clock;
	type Committee = verification::Committee;
	type DisputeWindow = verification::DisputeWindow;
	type Epoch = SessionNow;
	type Evidence = Reputation;
	type FreshRandomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type MaxAbsences = verification::MaxAbsences;
	type MaxAdvances = ConstU32<4>;
	type MaxCommittee = verification::MaxCommittee;
	type MaxDraws = ConstU32<2>;
	type MaxMembers = ConstU32<64>;
	type MaxSamples = ConstU32<256>;
	type MaxWanted = ConstU32<16>;
	type MinCapacity = MinCapacity;
	type MinCommittee = verification::MinCommittee;
	type MinStake = verification::MinStake;
	type OpenWindow = verification::OpenWindow;
	type Patience = verification::Patience;
	type Price = EvaluationWeight;
	type Quorum = verification::Quorum;
	type Randomness = pallet_babe::RandomnessFromOneEpochAgo<Runtime>;
	type Samples = verification::Samples;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type Stakes = Staking;
	type UnopenedSlash = verification::UnopenedSlash;
	type VerifierDeposit = HoldConsideration<
		AccountId,
		Balances,
		VerifierHold,
		LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>,
	>;
	type VerifierSlash = verification::VerifierSlash;
	type Wanted = verification::Wanted;
	type WeightInfo = weights::pallet_verification::WeightInfo<Runtime>;
}

parameter_types! {
	/// How fees for inference are shared.
	pub FeeSplit: pallet_inference::Split = pallet_inference::Split {
		provider: inference::ProviderShare::get(),
		trainer: inference::TrainerShare::get(),
		royalty: inference::RoyaltyShare::get(),
		author: inference::AuthorShare::get(),
		treasury: inference::TreasuryShare::get(),
		storage: inference::StorageShare::get(),
	};
}

/// The author of the block.
pub struct BlockAuthor;
impl Get<Option<AccountId>> for BlockAuthor {
	fn get() -> Option<AccountId> {
		Authorship::author()
	}
}

impl pallet_inference::Config for Runtime {
	type AnswerDispute = inference::AnswerDispute;
	type Author = BlockAuthor;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_inference::Sr25519Helper<benchmarks::Helper>;
	type ChannelDeposit = HoldConsideration<AccountId, Balances, ChannelHold, StoragePrice>;
	type Clock = Clock;
	type Currency = Balances;
	type DisputeBond = inference::DisputeBond;
	type DisputeFee = inference::DisputeFee;
	type EvaluationWeight = EvaluationWeight;
	type Evidence = Reputation;
	type Lineage = ModelRegistry;
	type MaxAncestors = ConstU32<4>;
	type MaxClaims = ConstU32<64>;
	type MaxDisputeBytes = ConstU64<{ super::system::NORMAL_ROOM as u64 }>;
	// A day of 3 s ticks.
	type MaxGrace = ConstU64<28_800>;
	type MaxModels = ConstU32<16>;
	// A year of them.
	type MaxTerm = ConstU64<10_512_000>;
	type MinDeposit = inference::MinDeposit;
	type MinGrace = inference::MinGrace;
	type ModelAccount = ModelAccount;
	type Models = ModelRegistry;
	type OfferDeposit = HoldConsideration<AccountId, Balances, OfferHold, StoragePrice>;
	type OutputWeight = OutputWeight;
	type Payments = Emission;
	type ReceiptLife = inference::ReceiptLife;
	type ReceiptSlash = inference::ReceiptSlash;
	type RefundRatio = inference::RefundRatio;
	type RequestDeposit = HoldConsideration<AccountId, Balances, RequestHold, StoragePrice>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type Split = FeeSplit;
	type Stakes = Staking;
	type Treasury = super::stakes::TreasuryAccount;
	type WeightInfo = weights::pallet_inference::WeightInfo<Runtime>;
}
