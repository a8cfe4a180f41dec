//! Submissions of better weights, from commitment to acceptance or slash.
//!
//! Whoever has better weights for a model **commits** to them with a bond, which shows nothing and fixes their
//! place in line, then **reveals** them with the score of every record. The chain sums the scores, compares
//! them with the head's and holds the trainer to them. Two lies are left: a wrong score of some record, which
//! anybody can prove by a **challenge**, in which the runtime evaluates this one record itself; and weights that
//! nobody else can get, which anybody can **demand**. Verifiers, who are behind [`Committees`], re-run all records
//! meanwhile; what they see differently, a **dispute**, the runtime settles by running that record. When enough of them
//! agree and the challenge window closes in silence, the weights become the model's head.
//!
//! ```text
//!            reveal                 its turn                 settle
//! Committed ────────► Queued ───────────────────► Verifying ───────────────► accepted
//!     │                  │                           │
//!     ├─ withdraw        ├─ outdated: the head       ├─ overturned by a challenge, refuted by a dispute, or withheld:
//!     └─ forfeited:      │  moved, all returned      │  demanded, and nobody showed it; the bond is slashed
//!        the bond burned └─ expired: no verifiers    └─ expired: too few verifiers, the bond returned
//! ```
//!
//! All times are ticks. Nothing runs by itself: whatever has become due is done by [`Pallet::settle`], which
//! anybody may call and which costs nothing when something was due.
//!
//! One file a behaviour: `admission` (calls that nobody signs), `commit` (commit, reveal, withdraw), `settle` (ends
//! submissions and starts the next), `challenge` (commitments to evidence, and challenges), `dispute` (records about which
//! verifiers differ), `demand` (weights that nobody shows), `bounty`, `fee` (what verifiers share), `audit` (the invariants).

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_possible_wrap,
		clippy::cast_sign_loss,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod admission;
mod audit;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod bounty;
mod challenge;
mod commit;
mod demand;
mod dispute;
mod fee;
#[cfg(test)]
mod mock;
mod settle;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_evaluator::Cost;
use oda_pallet_court as court;
use oda_pallet_funds::{self as funds, Funds};
use oda_pallet_traits::{Committees, Deed, Evidence, Heads, Models, Payments, Rewards, Tiers, Work};
use oda_primitives::{BlobRef, ModelId, RangeProof, SubmissionId, TaskId, Tick, VersionId, refusal};
use polkadot_sdk::{
	frame_support::{
		self,
		dispatch::WithPostDispatchInfo,
		pallet_prelude::*,
		traits::{Consideration, Footprint, fungible},
	},
	frame_system::{ensure_authorized, pallet_prelude::*},
	sp_runtime::{
		Perbill,
		traits::{Convert, Zero},
		transaction_validity::TransactionPriority,
	},
};

/// An amount.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<
	<T as polkadot_sdk::frame_system::Config>::AccountId,
>>::Balance;
type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// A part of a fee on its way to a verifier.
pub type CreditOf<T> = fungible::Credit<AccountIdOf<T>, <T as Config>::Currency>;
/// A stored submission.
pub type SubmissionOf<T> = Submission<AccountIdOf<T>, BalanceOf<T>>;
/// A stored challenge commitment.
pub type ChallengeCommitmentOf<T> = ChallengeCommitment<AccountIdOf<T>, BalanceOf<T>>;
/// A stored demand.
pub type DemandOf<T> = Demand<AccountIdOf<T>, BalanceOf<T>>;
/// A stored bounty.
pub type BountyOf<T> = Bounty<AccountIdOf<T>, BalanceOf<T>>;
/// A stored list of scores.
pub type ScoreListOf<T> = ScoreList<AccountIdOf<T>, <T as Config>::ScoreDeposit>;
/// A stored record of known weights.
pub type KnownOf<T> = Known<AccountIdOf<T>, <T as Config>::WeightsDeposit>;

/// What benchmarks need that the pallet otherwise has no power over.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
}

/// The pallet; see the crate's documentation.
// What the macros expand to counts variants and expects the genesis pallet info.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What submissions need of the chain around them.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The current tick.
		type Clock: Get<Tick>;

		/// Who keeps the models.
		type Models: Models<Self::AccountId>;

		/// Who keeps the blobs of heads available.
		type Heads: Heads;

		/// Who knows which accounts are suspended: they commit to nothing new.
		type Tiers: Tiers<Self::AccountId>;

		/// Who listens to what trainers and challengers do.
		type Evidence: Evidence<Self::AccountId>;

		/// Who re-runs the objective on a submission.
		type Committees: Committees<Self::AccountId>;

		/// The deposit for a stored score list, one item and its bytes; with [`HoldReason::ScoreList`].
		type ScoreDeposit: Consideration<Self::AccountId, Footprint>;

		/// The deposit for the record that certain weights were submitted; with
		/// [`HoldReason::KnownWeights`].
		type WeightsDeposit: Consideration<Self::AccountId, Footprint>;

		/// The part of the fee that follows a task's work: what is computed, and what is fetched for it.
		type VerificationFee: Convert<Work, BalanceOf<Self>>;

		/// The part of every task's fee that is burned when the rest is paid out. Whoever mints may give verifiers as much as
		/// this, in the end, and nobody gains by paying oneself.
		type FeeBurn: Get<Perbill>;

		/// Where the verifiers' fee goes: to them and the stakes that answer for them.
		type Rewards: Rewards<Self::AccountId, CreditOf<Self>>;

		/// Who is told what was paid to verifiers, and how much of it was burned.
		type Payments: Payments<Self::AccountId, BalanceOf<Self>>;

		/// For how many ticks a task can be answered, from when its verifiers are drawn, by its work.
		type AttestWindow: Convert<Work, Tick>;

		/// What evaluating one record of this cost weighs.
		type EvaluationWeight: Convert<Cost, Weight>;

		/// What hashing an output of so many bytes weighs above that.
		type OutputWeight: Convert<u64, Weight>;

		/// The price of the block space that weights of this many bytes take when they are posted.
		type PostPrice: Convert<u64, BalanceOf<Self>>;

		/// What a demand puts on hold beside the price of posting.
		type DemandBond: Get<BalanceOf<Self>>;

		/// The priority of challenges, disputed records and posted weights in the transaction pool: they come before all
		/// others, and each can be there once.
		#[pallet::constant]
		type DefencePriority: Get<TransactionPriority>;

		/// The priority of settlements in the transaction pool.
		#[pallet::constant]
		type SettlePriority: Get<TransactionPriority>;

		/// The part of the fee that every task has.
		type FeeBase: Get<BalanceOf<Self>>;

		/// What a trainer puts on hold for a submission.
		type TrainerBond: Get<BalanceOf<Self>>;

		/// What a challenger puts on hold for a commitment to evidence.
		type ChallengeBond: Get<BalanceOf<Self>>;

		/// The least amount of a bounty.
		type MinBounty: Get<BalanceOf<Self>>;

		/// Ticks that a commitment must have aged before it is opened, so that no reorganisation drops it
		/// after its weights have been seen.
		type MinCommitAge: Get<Tick>;

		/// Ticks after the commitment from which on it can no longer be opened.
		type RevealWindow: Get<Tick>;

		/// Ticks that must pass between the last needed answer and the acceptance.
		type ChallengeWindow: Get<Tick>;

		/// Ticks that a challenge commitment must have aged before its challenge, so that nobody who sees the
		/// evidence in the pool can still claim it.
		type MinChallengeAge: Get<Tick>;

		/// Ticks for which a challenge commitment holds the window open.
		type ChallengeLifetime: Get<Tick>;

		/// Ticks for which demanded weights can be posted.
		type DemandWindow: Get<Tick>;

		/// The furthest end of a bounty, in ticks from now.
		#[pallet::constant]
		type MaxBountyTerm: Get<Tick>;

		/// Live submissions of one trainer to one model.
		#[pallet::constant]
		type MaxLive: Get<u32>;

		/// Live submissions to one model: a commitment reserves a place in the queue.
		#[pallet::constant]
		type MaxQueue: Get<u32>;

		/// Live challenge commitments against one submission.
		#[pallet::constant]
		type MaxChallengers: Get<u32>;

		/// Bounties on one model.
		#[pallet::constant]
		type MaxBounties: Get<u32>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;

		/// What benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A trainer's bond: lost if the claim is wrong, or never made.
		#[codec(index = 0)]
		Submission,
		/// The verifiers' fee for a revealed submission.
		#[codec(index = 1)]
		VerificationFee,
		/// The deposit for a stored score list.
		#[codec(index = 2)]
		ScoreList,
		/// The deposit for the record that certain weights were submitted.
		#[codec(index = 3)]
		KnownWeights,
		/// A challenger's bond: lost if no challenge follows, or a false one.
		#[codec(index = 4)]
		Challenge,
		/// A bounty.
		#[codec(index = 5)]
		Bounty,
		/// A demander's bond: pays its part of the block space if the weights are posted.
		#[codec(index = 6)]
		Demand,
	}

	/// The number of the next submission.
	#[pallet::storage]
	pub type NextSubmission<T: Config> = StorageValue<_, SubmissionId, ValueQuery>;

	/// The live submissions.
	#[pallet::storage]
	pub type Submissions<T: Config> = StorageMap<_, Blake2_128Concat, SubmissionId, SubmissionOf<T>>;

	/// The live submissions of a model.
	#[pallet::storage]
	pub type Live<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Twox64Concat, SubmissionId, (), OptionQuery>;

	/// How many live submissions a model has.
	#[pallet::storage]
	pub type LiveOfModel<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, u32, ValueQuery>;

	/// How many live submissions to a model a trainer has.
	#[pallet::storage]
	pub type LiveOfTrainer<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// The claimed per-record scores of each revealed submission that is live.
	#[pallet::storage]
	pub type ClaimedScores<T: Config> = StorageMap<_, Blake2_128Concat, SubmissionId, ScoreListOf<T>>;

	/// The per-record scores of each model's head.
	#[pallet::storage]
	pub type HeadScores<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, ScoreListOf<T>>;

	/// The weights, by their root, of a model's versions and of its revealed submissions that are live.
	#[pallet::storage]
	pub type KnownWeights<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, [u8; 32], KnownOf<T>>;

	/// The submissions to a model that wait to be verified, in commit order.
	#[pallet::storage]
	pub type Queue<T: Config> =
		StorageMap<_, Blake2_128Concat, ModelId, BoundedVec<SubmissionId, T::MaxQueue>, ValueQuery>;

	/// The submission to a model that is being verified.
	#[pallet::storage]
	pub type Verifying<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, SubmissionId>;

	/// The challenge commitments against a submission that is being verified.
	#[pallet::storage]
	pub type ChallengeCommitments<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		SubmissionId,
		BoundedVec<ChallengeCommitmentOf<T>, T::MaxChallengers>,
		ValueQuery,
	>;

	/// The weights that are demanded.
	#[pallet::storage]
	pub type Demands<T: Config> = StorageMap<_, Blake2_128Concat, Target, DemandOf<T>>;

	/// The number of the next bounty.
	#[pallet::storage]
	pub type NextBounty<T: Config> = StorageValue<_, BountyId, ValueQuery>;

	/// The bounties on a model.
	#[pallet::storage]
	pub type Bounties<T: Config> =
		StorageMap<_, Blake2_128Concat, ModelId, BoundedVec<BountyOf<T>, T::MaxBounties>, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A trainer committed to weights.
		#[codec(index = 0)]
		Committed {
			/// The new submission.
			submission: SubmissionId,
			/// The model that it is for.
			model: ModelId,
			/// The account that submitted it.
			trainer: T::AccountId,
			/// What is on hold for it.
			bond: BalanceOf<T>,
		},
		/// A trainer revealed weights and scores.
		#[codec(index = 1)]
		Revealed {
			/// The revealed submission.
			submission: SubmissionId,
			/// The model that it is for.
			model: ModelId,
			/// The weights.
			weights: BlobRef,
			/// The sum of the claimed scores.
			score: i64,
			/// What the verifiers will share, and what is burned of it.
			fee: BalanceOf<T>,
		},
		/// A submission is being verified.
		#[codec(index = 2)]
		VerificationStarted {
			/// The submission that is verified.
			submission: SubmissionId,
			/// The model that it is for.
			model: ModelId,
			/// The first tick at which it can be settled. Its verifiers are yet to be drawn.
			open_until: Tick,
		},
		/// A trainer took a submission back.
		#[codec(index = 3)]
		Withdrawn {
			/// The withdrawn submission.
			submission: SubmissionId,
			/// The part of the bond that was burned: nothing, but for weights that somebody else revealed.
			burned: BalanceOf<T>,
		},
		/// A commitment was not opened in time.
		#[codec(index = 4)]
		Forfeited {
			/// The forfeited submission.
			submission: SubmissionId,
			/// The trainer's bond, all of which was burned.
			burned: BalanceOf<T>,
		},
		/// A submission became its model's head.
		#[codec(index = 5)]
		Accepted {
			/// The accepted submission.
			submission: SubmissionId,
			/// The model.
			model: ModelId,
			/// The number of the new version.
			version: VersionId,
			/// The account that submitted it.
			trainer: T::AccountId,
			/// The sum of its scores.
			score: i64,
		},
		/// A submission ended without becoming the head, and nobody is to blame; the bond was returned.
		#[codec(index = 6)]
		Expired {
			/// The expired submission.
			submission: SubmissionId,
			/// Why it expired.
			why: Expiry,
		},
		/// A submission's turn came, but it does not beat the head that there is now; all was returned.
		#[codec(index = 7)]
		Outdated {
			/// The outdated submission.
			submission: SubmissionId,
		},
		/// The verifiers' fee was paid.
		#[codec(index = 8)]
		FeePaid {
			/// The submission that the fee was for.
			submission: SubmissionId,
			/// The number of verifiers that were paid.
			verifiers: u32,
			/// The amount that each of their votes earned.
			each: BalanceOf<T>,
			/// The amount that went back to the trainer.
			returned: BalanceOf<T>,
			/// The amount that was burned.
			burned: BalanceOf<T>,
		},
		/// Somebody committed to evidence against a submission.
		#[codec(index = 9)]
		ChallengeCommitted {
			/// The submission that it is against.
			submission: SubmissionId,
			/// The challenger.
			who: T::AccountId,
			/// The first tick at which the commitment is worth nothing.
			expires_at: Tick,
		},
		/// No challenge followed a commitment to evidence.
		#[codec(index = 10)]
		ChallengeCommitmentExpired {
			/// The submission that it was against.
			submission: SubmissionId,
			/// The challenger.
			who: T::AccountId,
			/// The challenger's bond, all of which was burned.
			burned: BalanceOf<T>,
		},
		/// A claimed score was wrong.
		#[codec(index = 11)]
		Overturned {
			/// The challenged submission.
			submission: SubmissionId,
			/// The index of the challenged record.
			record: u32,
			/// The score that the trainer claimed.
			claimed: i32,
			/// The score that the runtime found.
			actual: i32,
			/// The challenger that proved it.
			challenger: T::AccountId,
			/// The amount that the trainer lost.
			slashed: BalanceOf<T>,
			/// The part of it that the challenger got; the rest was burned.
			paid: BalanceOf<T>,
		},
		/// A challenge found that a claimed score is right.
		#[codec(index = 12)]
		ChallengeFailed {
			/// The challenged submission.
			submission: SubmissionId,
			/// The index of the challenged record.
			record: u32,
			/// The score, as claimed.
			score: i32,
			/// The challenger that claimed otherwise.
			challenger: T::AccountId,
			/// The challenger's bond, all of which was burned.
			burned: BalanceOf<T>,
		},
		/// Somebody promised a bounty.
		#[codec(index = 13)]
		BountyPosted {
			/// The new bounty.
			bounty: BountyId,
			/// The model that the bounty is on.
			model: ModelId,
			/// The account that promised it.
			poster: T::AccountId,
			/// The least sum of scores that earns it.
			threshold: i64,
			/// The promised amount.
			amount: BalanceOf<T>,
			/// Only submissions committed before this tick earn it.
			until: Tick,
		},
		/// A bounty was taken back.
		#[codec(index = 14)]
		BountyWithdrawn {
			/// The withdrawn bounty.
			bounty: BountyId,
			/// The model that the bounty is on.
			model: ModelId,
			/// The amount that was returned.
			amount: BalanceOf<T>,
		},
		/// A bounty was earned.
		#[codec(index = 15)]
		BountyPaid {
			/// The bounty that was earned.
			bounty: BountyId,
			/// The model that the bounty is on.
			model: ModelId,
			/// The submission that earned it.
			submission: SubmissionId,
			/// The amount that was paid.
			amount: BalanceOf<T>,
		},
		/// The score list of a retired model's head was removed and its deposit returned.
		#[codec(index = 16)]
		ScoresDropped {
			/// The retired model.
			model: ModelId,
		},
		/// The record of a retired model's weights was removed and its deposit returned.
		#[codec(index = 17)]
		WeightsForgotten {
			/// The retired model.
			model: ModelId,
			/// The weights' root.
			root: [u8; 32],
		},
		/// Weights were demanded.
		#[codec(index = 18)]
		WeightsDemanded {
			/// The submission or head whose weights were demanded.
			target: Target,
			/// The demander; nobody if most verifiers could not get the weights.
			who: Option<T::AccountId>,
			/// The weights.
			weights: BlobRef,
			/// The first tick at which it is too late to post them.
			until: Tick,
		},
		/// Demanded weights were posted: they are in this block's body.
		#[codec(index = 19)]
		WeightsPosted {
			/// The submission or head whose weights they are.
			target: Target,
			/// The part of the block space's price that the demander paid; it was burned.
			by_demander: BalanceOf<T>,
			/// The part that the trainer paid; it was burned.
			by_trainer: BalanceOf<T>,
		},
		/// Nobody posted demanded weights in time: the submission fell, or the head.
		#[codec(index = 20)]
		Withheld {
			/// The submission or head that fell.
			target: Target,
			/// The demander, who has the bond back; nobody if most verifiers could not get the weights.
			demander: Option<T::AccountId>,
			/// The trainer's bond, all of which was burned; nothing for a head.
			burned: BalanceOf<T>,
		},
		/// A bounty gave way to a larger one and was returned.
		#[codec(index = 21)]
		BountyDisplaced {
			/// The displaced bounty.
			bounty: BountyId,
			/// The model that the bounty was on.
			model: ModelId,
			/// The amount that was returned.
			amount: BalanceOf<T>,
		},
		/// The runtime has run a record about which verifiers differed. If its score is not the claimed one, the submission
		/// can only fall.
		#[codec(index = 22)]
		DisputeResolved {
			/// The submission whose record it is.
			submission: SubmissionId,
			/// The index of the record.
			record: u32,
			/// The root of the record's output.
			output: [u8; 32],
			/// The score that the trainer claimed.
			claimed: i32,
			/// The score that the runtime found.
			actual: i32,
		},
		/// A submission fell because the runtime had found a wrong score when it resolved a dispute, and nobody was there who
		/// had committed to evidence before.
		#[codec(index = 23)]
		Refuted {
			/// The submission that fell.
			submission: SubmissionId,
			/// The trainer's bond, all of which was burned.
			burned: BalanceOf<T>,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// No live submission has this number.
		#[codec(index = 0)]
		UnknownSubmission,
		/// There is no such model.
		#[codec(index = 1)]
		UnknownModel,
		/// The model takes no new head any more.
		#[codec(index = 2)]
		ModelClosed,
		/// The trainer has as many live submissions to this model as allowed.
		#[codec(index = 3)]
		TooManyLive,
		/// The submission is somebody else's.
		#[codec(index = 4)]
		NotTrainer,
		/// The commitment is not old enough to be opened.
		#[codec(index = 5)]
		RevealTooEarly,
		/// The time in which the commitment could be opened is over.
		#[codec(index = 6)]
		RevealTooLate,
		/// The submission was revealed before.
		#[codec(index = 7)]
		AlreadyRevealed,
		/// Weights and salt are not what was committed to.
		#[codec(index = 8)]
		CommitmentMismatch,
		/// The weights do not have the length that the model's graph gives them.
		#[codec(index = 9)]
		WeightsLengthMismatch,
		/// The list does not hold exactly one score for each record.
		#[codec(index = 10)]
		ScoresLengthMismatch,
		/// A bit after the last record's score is set.
		#[codec(index = 11)]
		ScoresPaddingNotZero,
		/// The data has too many records for a score list.
		#[codec(index = 12)]
		ScoresTooLong,
		/// These weights are a version of this model already, or submitted and not settled yet.
		#[codec(index = 13)]
		WeightsAlreadySubmitted,
		/// The scores' sum does not exceed the head's by the model's step.
		#[codec(index = 14)]
		BelowMinImprovement,
		/// The records won and lost against the head leave too much to chance.
		#[codec(index = 15)]
		NotSignificant,
		/// All places in the model's queue are taken or reserved.
		#[codec(index = 16)]
		QueueFull,
		/// Nothing keeps the trainer from revealing: the head is the one that was to be beaten.
		#[codec(index = 17)]
		HeadUnchanged,
		/// Nothing is due for this submission, or this head.
		#[codec(index = 18)]
		NothingDue,
		/// The submission is not being verified.
		#[codec(index = 20)]
		NotVerifying,
		/// The challenger has a commitment against this submission already.
		#[codec(index = 21)]
		AlreadyChallenging,
		/// As many challenge commitments stand against this submission as allowed.
		#[codec(index = 22)]
		TooManyChallengers,
		/// The challenger has no commitment, or one to other evidence or with another salt.
		#[codec(index = 23)]
		NoChallengeCommitment,
		/// The challenge commitment is not old enough to be used.
		#[codec(index = 24)]
		ChallengeTooEarly,
		/// The challenge commitment has expired.
		#[codec(index = 25)]
		ChallengeCommitmentExpired,
		/// The data has no such record.
		#[codec(index = 26)]
		RecordOutOfRange,
		/// The stated cost is not the court's price for a record of this model.
		#[codec(index = 27)]
		WrongCost,
		/// The bytes are not the weights that were submitted.
		#[codec(index = 28)]
		WeightsMismatch,
		/// The evaluator refused weights of the right length, which is a fault of the chain.
		#[codec(index = 29)]
		EvaluationFailed,
		/// As many bounties stand on this model as allowed, and none that may give way is smaller.
		#[codec(index = 30)]
		TooManyBounties,
		/// The amount is below that of the least bounty.
		#[codec(index = 31)]
		BountyTooSmall,
		/// The bounty would end in the past.
		#[codec(index = 32)]
		BountyEndsTooEarly,
		/// The bounty would end too far in the future.
		#[codec(index = 33)]
		BountyEndsTooLate,
		/// The model has no such bounty.
		#[codec(index = 34)]
		UnknownBounty,
		/// The bounty is somebody else's.
		#[codec(index = 35)]
		NotPoster,
		/// The bounty has not ended.
		#[codec(index = 36)]
		BountyNotOver,
		/// Submissions that could earn the bounty have not been settled yet.
		#[codec(index = 37)]
		BountyPending,
		/// The model is not retired.
		#[codec(index = 38)]
		NotRetired,
		/// The model has no stored score list.
		#[codec(index = 39)]
		NoScores,
		/// No version of the model has these weights.
		#[codec(index = 40)]
		UnknownWeights,
		/// The submission that brought these weights has not been settled yet.
		#[codec(index = 41)]
		StillLive,
		/// The proof is for other bytes than this record's.
		#[codec(index = 42)]
		ProofForOtherRange,
		/// The proof's chunks are not exactly those that the record touches.
		#[codec(index = 43)]
		ProofChunksMismatch,
		/// The proof has too few or too many chaining values.
		#[codec(index = 44)]
		ProofSiblingsMismatch,
		/// The record's bytes are not those of the model's data.
		#[codec(index = 45)]
		ProofRootMismatch,
		/// The model has no head.
		#[codec(index = 46)]
		NoHead,
		/// These weights are demanded already.
		#[codec(index = 47)]
		AlreadyDemanded,
		/// The submission's weights have been posted once.
		#[codec(index = 48)]
		AlreadyShown,
		/// The submission's window has closed, or the court has found a score of it wrong: it only waits to be settled.
		#[codec(index = 49)]
		WindowClosed,
		/// Nobody demands these weights.
		#[codec(index = 50)]
		NoDemand,
		/// The time in which the weights could be posted is over.
		#[codec(index = 51)]
		DemandOver,
		/// The verifiers of this submission do not differ about this record.
		#[codec(index = 52)]
		NotDisputed,
		/// The account is suspended: it commits to nothing new until that is over.
		#[codec(index = 53)]
		Suspended,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MinCommitAge::get() < T::RevealWindow::get(),
				"a commitment must become old enough before its time is over"
			);
			assert!(
				T::MinChallengeAge::get() < T::ChallengeLifetime::get(),
				"a challenge commitment must become old enough before it expires"
			);
			// So that a test which shortens a demand's hold to a commitment's life shows it.
			let longest = T::ChallengeLifetime::get().saturating_add(T::MinChallengeAge::get());
			assert!(longest < T::DemandWindow::get(), "a demand must outlast challenge commitments");
			assert!(
				T::PostPrice::convert(u64::from(MAX_WEIGHT_BYTES)) <= T::TrainerBond::get(),
				"a trainer's bond must cover its part of posting"
			);
			assert!(
				!T::TrainerBond::get().is_zero() && !T::ChallengeBond::get().is_zero(),
				"claims and accusations must have something at stake"
			);
			assert!(T::FeeBurn::get() < Perbill::one(), "verifiers must be paid");
			assert!(T::MaxLive::get() > 0, "trainers must be able to submit");
			assert!(T::MaxQueue::get() > 0, "submissions must be able to wait");
			assert!(T::MaxChallengers::get() > 0, "challengers must be able to commit");
			assert!(T::Hash::default().as_ref().len() == 32, "messages name the genesis block by 32 bytes");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Commits to better weights for `model`, without showing them.
		///
		/// Puts [`Config::TrainerBond`] on hold and gives the submission its place in line.
		///
		/// - `model`: what the weights are for.
		/// - `commitment`: [`oda_primitives::hash::commitment`] of genesis hash, model, caller, weights and
		///   32 secret random bytes.
		///
		/// Event: `Committed`. Errors: `Suspended`, `TooManyLive`, `QueueFull`; those of [`Models::enter`];
		/// the bond cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, model: ModelId, commitment: [u8; 32]) -> DispatchResult {
			let trainer = ensure_signed(origin)?;
			Self::do_commit(trainer, model, commitment)
		}

		/// Opens a commitment and claims the score of every record.
		///
		/// From [`Config::MinCommitAge`] to [`Config::RevealWindow`] ticks after the commitment. Puts the
		/// verifiers' fee and the storage deposits on hold. The verification starts at once, or in its turn. If there is
		/// nobody who could verify then, the submission expires and all is returned.
		///
		/// - `submission`: the caller's.
		/// - `weights`: what was committed to.
		/// - `salt`: the 32 secret bytes.
		/// - `scores`: one score a record, packed; at most 64 KiB.
		///
		/// Events: `Revealed`, `VerificationStarted` or `Expired`. Errors: `UnknownSubmission`, `NotTrainer`,
		/// `AlreadyRevealed`, `RevealTooEarly`, `RevealTooLate`, `CommitmentMismatch`, `ModelClosed`,
		/// `WeightsLengthMismatch`, `ScoresLengthMismatch`, `ScoresPaddingNotZero`, `ScoresTooLong`,
		/// `WeightsAlreadySubmitted`, `BelowMinImprovement`, `NotSignificant`; fee or deposits cannot be held.
		#[pallet::call_index(1)]
		#[pallet::weight(Pallet::<T>::reveal_weight(scores.len()))]
		pub fn reveal(
			origin: OriginFor<T>,
			submission: SubmissionId,
			weights: BlobRef,
			salt: [u8; 32],
			scores: ScoreBytes,
		) -> DispatchResultWithPostInfo {
			let trainer = ensure_signed(origin)?;
			let weight = Self::do_reveal(trainer, submission, weights, salt, scores)?;
			Ok(Some(weight).into())
		}

		/// Opens a commitment that can no longer win through no fault of the trainer's, and takes the bond
		/// back.
		///
		/// Within the time for revealing, if the head has moved since the commitment, or the model takes no new
		/// head any more; or if somebody else has revealed the same weights since, which costs
		/// [`Config::FeeBase`].
		///
		/// - `submission`: the caller's.
		/// - `weights`: what was committed to.
		/// - `salt`: the 32 secret bytes.
		///
		/// Event: `Withdrawn`. Errors: `UnknownSubmission`, `NotTrainer`, `AlreadyRevealed`,
		/// `RevealTooEarly`, `RevealTooLate`, `CommitmentMismatch`, `HeadUnchanged`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(
			origin: OriginFor<T>,
			submission: SubmissionId,
			weights: BlobRef,
			salt: [u8; 32],
		) -> DispatchResult {
			let trainer = ensure_signed(origin)?;
			Self::do_withdraw(trainer, submission, weights, salt)
		}

		/// Does what has become due for a submission; anybody may.
		///
		/// Without a signature it is free, and refused by the pool and by blocks unless something is due. Signed, it
		/// costs nothing if something was due, and otherwise what asking that costs.
		///
		/// Not revealed in time: the bond is burned. Verified and the windows closed: it becomes the head, or expires, and the
		/// next one starts. The bonds of challenge commitments that have expired are burned on the way. Most verifiers say that
		/// the weights cannot be had: they are demanded. Weights demanded and not shown in time, or a score that the court
		/// found wrong when it resolved a dispute, and no live challenge commitment: the claim falls, and who signed it
		/// pays. While verifiers are drawn, deliberate or differ about a record, nothing else is due.
		///
		/// - `submission`: any.
		///
		/// Events: `Forfeited`, `Accepted`, `Expired`, `Outdated`, `WeightsDemanded`, `Withheld`, `Refuted`, `FeePaid`,
		/// `BountyPaid`, `ChallengeCommitmentExpired`, `VerificationStarted`. Errors: `UnknownSubmission`,
		/// `NothingDue`; from the pool, [`refusal::TRAINING`](oda_primitives::refusal::TRAINING) and the error's index.
		#[pallet::call_index(3)]
		#[pallet::weight(Pallet::<T>::settle_weight())]
		#[pallet::weight_of_authorize(Pallet::<T>::settle_weight())]
		#[pallet::authorize(Pallet::<T>::authorize_settle)]
		pub fn settle(origin: OriginFor<T>, submission: SubmissionId) -> DispatchResultWithPostInfo {
			Self::ensure_anybody(origin)?;
			match Self::do_settle(submission) {
				Ok(weight) => Ok((Some(weight), Pays::No).into()),
				Err(error) => Err(error.with_weight(T::WeightInfo::settle_nothing())),
			}
		}

		/// Commits to evidence against a submission that is being verified, without showing it.
		///
		/// Puts [`Config::ChallengeBond`] on hold. The commitment holds the window open until it expires,
		/// [`Config::ChallengeLifetime`] ticks from now; the bond is lost if no challenge follows by then. A
		/// commitment made after the window has closed, which is possible until somebody settles, holds nothing, and
		/// is returned when somebody does. Once the court has found a score wrong by itself, nobody can commit any more.
		///
		/// Blocks keep room for it that ordinary transactions cannot take.
		///
		/// - `submission`: one that is being verified.
		/// - `commitment`: [`oda_primitives::hash::challenge_commitment`] of genesis hash, submission, record, caller
		///   and 32 secret random bytes.
		///
		/// Events: `ChallengeCommitted`, `ChallengeCommitmentExpired`. Errors: `UnknownSubmission`,
		/// `NotVerifying`, `WindowClosed`, `AlreadyChallenging`, `TooManyChallengers`; the bond cannot be held.
		#[pallet::call_index(4)]
		#[pallet::weight((T::WeightInfo::commit_challenge(), DispatchClass::Operational))]
		pub fn commit_challenge(
			origin: OriginFor<T>,
			submission: SubmissionId,
			commitment: [u8; 32],
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_commit_challenge(who, submission, commitment)
		}

		/// Has the runtime evaluate one record: if it scores otherwise than claimed, the submission is
		/// overturned.
		///
		/// Then half of the trainer's bond is the challenger's, half is burned, and the challenger's bond is
		/// returned. If the score is as claimed, the challenger's bond is burned.
		///
		/// Free, and signed by nobody: the evidence authorises it, whoever sends it, and what it brings is the
		/// challenger's. The pool and blocks take it only if all is right that can be checked without evaluating.
		///
		/// - `submission`: one that is being verified.
		/// - `record`: the record's index, as committed to.
		/// - `challenger`: whose commitment it is, at least [`Config::MinChallengeAge`] ticks old.
		/// - `salt`: the 32 secret bytes of the commitment.
		/// - `proof`: the record's bytes and the proof that the data has them there.
		/// - `weights`: the submitted weights, whole; at most 2 MiB.
		/// - `cost`: exactly what evaluating a record of this model weighs.
		///
		/// Events: `Overturned`, `FeePaid`, `ChallengeCommitmentExpired`, and those of starting the next submission;
		/// or `ChallengeFailed`. Errors, from the pool as [`refusal::TRAINING`](oda_primitives::refusal::TRAINING) and the error's index: `UnknownSubmission`,
		/// `NotVerifying`, `NoChallengeCommitment`, `ChallengeTooEarly`, `ChallengeCommitmentExpired`, `WrongCost`,
		/// `RecordOutOfRange`, `WeightsMismatch`, `ProofForOtherRange`, `ProofChunksMismatch`,
		/// `ProofSiblingsMismatch`, `ProofRootMismatch`.
		#[pallet::call_index(5)]
		#[pallet::weight((Pallet::<T>::challenge_weight().saturating_add(*cost), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(
			Pallet::<T>::authorize_challenge_weight(weights.len(), proof.encoded_size())
		)]
		#[pallet::authorize(Pallet::<T>::authorize_challenge)]
		#[allow(clippy::too_many_arguments, reason = "what a challenge consists of")]
		pub fn challenge(
			origin: OriginFor<T>,
			submission: SubmissionId,
			record: u32,
			challenger: T::AccountId,
			// Checked by `authorize`.
			_salt: [u8; 32],
			proof: RangeProof,
			weights: WeightBytes,
			cost: Weight,
		) -> DispatchResultWithPostInfo {
			ensure_authorized(origin)?;
			let weight = Self::do_challenge(challenger, submission, record, &proof, &weights, cost)?;
			Ok(Some(weight).into())
		}

		/// Promises a reward for weights of at least some score.
		///
		/// Puts the amount on hold. It is paid to the trainer of the first accepted submission that was
		/// committed before `until` and scores `threshold` or more. Where there are as many as allowed, the smallest
		/// that no live submission can earn gives way to a larger one that lasts as long and is as easily earned, and is
		/// returned.
		///
		/// - `model`: any that is not retired.
		/// - `threshold`: the least sum of scores.
		/// - `amount`: how much, at least [`Config::MinBounty`].
		/// - `until`: a tick after now, at most [`Config::MaxBountyTerm`] away.
		///
		/// Events: `BountyPosted`, `BountyDisplaced`. Errors: `UnknownModel`, `ModelClosed`, `BountyTooSmall`,
		/// `BountyEndsTooEarly`, `BountyEndsTooLate`, `TooManyBounties`; the amount cannot be held.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::post_bounty())]
		pub fn post_bounty(
			origin: OriginFor<T>,
			model: ModelId,
			threshold: i64,
			amount: BalanceOf<T>,
			until: Tick,
		) -> DispatchResult {
			let poster = ensure_signed(origin)?;
			Self::do_post_bounty(poster, model, threshold, amount, until)
		}

		/// Takes a bounty back, after its end and when no submission can earn it any more.
		///
		/// Before its end only if the model takes no new head any more.
		///
		/// - `model`: the model that it is on.
		/// - `bounty`: the caller's.
		///
		/// Event: `BountyWithdrawn`. Errors: `UnknownBounty`, `NotPoster`, `BountyNotOver`,
		/// `BountyPending`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::withdraw_bounty())]
		pub fn withdraw_bounty(origin: OriginFor<T>, model: ModelId, bounty: BountyId) -> DispatchResult {
			let poster = ensure_signed(origin)?;
			Self::do_withdraw_bounty(poster, model, bounty)
		}

		/// Removes the score list of a retired model's head and returns its deposit; anybody may.
		///
		/// - `model`: a retired one.
		///
		/// Event: `ScoresDropped`. Errors: `UnknownModel`, `NotRetired`, `NoScores`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::drop_scores())]
		pub fn drop_scores(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_drop_scores(model)
		}

		/// Removes the record of a retired model's weights and returns its deposit; anybody may.
		///
		/// - `model`: a retired one.
		/// - `root`: the weights' root.
		///
		/// Event: `WeightsForgotten`. Errors: `UnknownModel`, `NotRetired`, `UnknownWeights`, `StillLive`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::forget_weights())]
		pub fn forget_weights(origin: OriginFor<T>, model: ModelId, root: [u8; 32]) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_forget_weights(model, root)
		}

		/// Demands that weights be shown, which the caller cannot get from anybody.
		///
		/// Puts [`Config::DemandBond`] and the price of the block space on hold. If somebody posts the weights within
		/// [`Config::DemandWindow`] ticks, half of that price is burned, and for a head all of it; the rest is
		/// returned. If nobody does, all is returned, and the submission falls with the bonds of all who signed it
		/// (by `settle`), or the head falls (by `revert`). A demand brings nobody anything.
		///
		/// For a submission, which has little time, blocks keep room that ordinary transactions cannot take.
		///
		/// - `target`: a submission whose window has not closed, once; or a model's head.
		///
		/// Event: `WeightsDemanded`. Errors: `AlreadyDemanded`, `UnknownSubmission`, `NotVerifying`,
		/// `AlreadyShown`, `WindowClosed`, `UnknownModel`, `NoHead`; the bond cannot be held.
		#[pallet::call_index(10)]
		#[pallet::weight((T::WeightInfo::demand(), target.class()))]
		pub fn demand(origin: OriginFor<T>, target: Target) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_demand(who, target)
		}

		/// Posts demanded weights. They stay in the block's body only.
		///
		/// Free, and signed by nobody: the weights authorise it, and it brings nobody anything. A submission is then
		/// not settled for another challenge window, so that who could not get them before can check them, and
		/// verifiers that could not are asked again.
		///
		/// - `target`: the submission or head that they are demanded of.
		/// - `weights`: the weights, whole; at most 2 MiB.
		///
		/// Event: `WeightsPosted`. Errors, from the pool as [`refusal::TRAINING`](oda_primitives::refusal::TRAINING) and the error's index: `NoDemand`,
		/// `DemandOver`, `WeightsMismatch`.
		#[pallet::call_index(11)]
		#[pallet::weight((T::WeightInfo::post_weights(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(
			T::WeightInfo::authorize_post_weights(u32::try_from(_weights.len()).unwrap_or(u32::MAX))
		)]
		#[pallet::authorize(Pallet::<T>::authorize_post_weights)]
		pub fn post_weights(origin: OriginFor<T>, target: Target, _weights: WeightBytes) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_post_weights(target)
		}

		/// Lets a head fall whose weights were demanded and not posted in time; anybody may.
		///
		/// Without a signature it is free, and refused by the pool and by blocks unless it is due. Signed, it
		/// costs nothing if it was due, and otherwise what asking that costs. The head that it had replaced, if any, is the
		/// head again, and new weights are compared with the sum of its scores.
		///
		/// - `model`: the model whose head falls.
		///
		/// Event: `Withheld`. Errors: `NoDemand`, `NothingDue`; from the pool, [`refusal::TRAINING`](oda_primitives::refusal::TRAINING) and the error's index.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::revert())]
		#[pallet::weight_of_authorize(T::WeightInfo::revert())]
		#[pallet::authorize(Pallet::<T>::authorize_revert)]
		pub fn revert(origin: OriginFor<T>, model: ModelId) -> DispatchResultWithPostInfo {
			Self::ensure_anybody(origin)?;
			match Self::do_revert(model) {
				Ok(()) => Ok(Pays::No.into()),
				Err(error) => Err(error.with_weight(T::WeightInfo::settle_nothing())),
			}
		}

		/// Has the runtime run a record about which a submission's verifiers differ, and tells them what its output is.
		///
		/// Those who said something else pay. If the record scores otherwise than claimed, the submission can only fall: by
		/// a challenge, if somebody had committed to evidence before; else by [`Pallet::settle`], to nobody's benefit.
		///
		/// Free, and signed by nobody: what it shows authorises it, and it brings nobody anything. It is worth the while of
		/// everybody for whom the submission stands still: its trainer, its verifiers, and the trainers behind it. The pool
		/// and blocks take it only if all is right that can be checked without evaluating.
		///
		/// - `submission`: one that is being verified.
		/// - `record`: the record about which its verifiers differ.
		/// - `proof`: the record's bytes and the proof that the data has them there.
		/// - `weights`: the submitted weights, whole; at most 2 MiB.
		/// - `cost`: exactly what evaluating a record of this model, and hashing its output, weighs.
		///
		/// Event: `DisputeResolved`. Errors, from the pool as [`refusal::TRAINING`](oda_primitives::refusal::TRAINING) and the error's index: `UnknownSubmission`,
		/// `NotVerifying`, `NotDisputed`, `WrongCost`, `RecordOutOfRange`, `WeightsMismatch`, `ProofForOtherRange`,
		/// `ProofChunksMismatch`, `ProofSiblingsMismatch`, `ProofRootMismatch`.
		#[pallet::call_index(13)]
		#[pallet::weight((T::WeightInfo::resolve_dispute().saturating_add(*cost), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(
			Pallet::<T>::authorize_resolve_weight(weights.len(), proof.encoded_size())
		)]
		#[pallet::authorize(Pallet::<T>::authorize_resolve_dispute)]
		pub fn resolve_dispute(
			origin: OriginFor<T>,
			submission: SubmissionId,
			record: u32,
			proof: RangeProof,
			weights: WeightBytes,
			cost: Weight,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_resolve_dispute(submission, record, &proof, &weights, cost)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A live submission.
		pub fn submission(submission: SubmissionId) -> Option<SubmissionOf<T>> {
			Submissions::<T>::get(submission)
		}

		/// The numbers of a model's live submissions, at most 1,024 of them, in commit order.
		pub fn submissions(model: ModelId) -> Vec<SubmissionId> {
			let mut live: Vec<_> = Live::<T>::iter_key_prefix(model).take(1_024).collect();
			live.sort_unstable();
			live
		}

		/// The per-record scores that a live submission claims, packed.
		pub fn claimed_scores(submission: SubmissionId) -> Option<ScoreBytes> {
			ClaimedScores::<T>::get(submission).map(|list| list.scores)
		}

		/// The submissions to a model that wait to be verified, in commit order.
		pub fn queue(model: ModelId) -> Vec<SubmissionId> {
			Queue::<T>::get(model).into_inner()
		}

		/// The submission to a model that is being verified.
		pub fn verifying(model: ModelId) -> Option<SubmissionId> {
			Verifying::<T>::get(model)
		}

		/// The challenge commitments against a submission that is being verified.
		pub fn challenge_commitments(submission: SubmissionId) -> Vec<ChallengeCommitmentOf<T>> {
			ChallengeCommitments::<T>::get(submission).into_inner()
		}

		/// The demand for a submission's or a head's weights.
		pub fn demand_for(target: Target) -> Option<DemandOf<T>> {
			Demands::<T>::get(target)
		}

		/// The bounties on a model.
		pub fn bounties(model: ModelId) -> Vec<BountyOf<T>> {
			Bounties::<T>::get(model).into_inner()
		}

		/// What a disputed record of a model costs to resolve: what `resolve_dispute` has to state.
		pub fn resolution_cost(model: ModelId) -> Option<Weight> {
			let work = T::Models::standing(&model)?.work;
			Some(Self::resolution_price(&T::Models::spec(&model)?, &work))
		}

		/// The per-record scores of a model's head, packed.
		pub fn head_scores(model: ModelId) -> Option<ScoreBytes> {
			HeadScores::<T>::get(model).map(|list| list.scores)
		}
	}
}
