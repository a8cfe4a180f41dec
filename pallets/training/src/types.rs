//! What the pallet stores.

// What the derive of `Encode` expands to counts variants.
#![allow(clippy::cast_possible_truncation)]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_evaluator::limits::MAX_SCORE_BYTES;
use oda_primitives::{BlobRef, ModelId, SubmissionId, Tick, VersionId};
use polkadot_sdk::frame_support::{BoundedVec, dispatch::DispatchClass, traits::ConstU32};
use scale_info::TypeInfo;

/// Bytes of the longest packed score list, as a bound of a vector.
pub const MAX_SCORE_LIST: u32 = MAX_SCORE_BYTES as u32;

/// Bytes of the largest weights that can be shown to the chain: what it can hash and evaluate within a block.
/// A model with larger ones is refused at registration.
pub const MAX_WEIGHT_BYTES: u32 = 2 * 1024 * 1024;

/// Per-record scores, packed as [`oda_evaluator::scores::Scores`] reads them.
pub type ScoreBytes = BoundedVec<u8, ConstU32<MAX_SCORE_LIST>>;

/// A weights blob, shown whole.
pub type WeightBytes = BoundedVec<u8, ConstU32<MAX_WEIGHT_BYTES>>;

/// Bounties are numbered over all models; never reused.
pub type BountyId = u64;

/// A trainer's attempt to become a model's head, from commitment to its end.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Submission<AccountId, Balance> {
	/// The model that it is for.
	pub model: ModelId,
	/// The account that submitted it.
	pub trainer: AccountId,
	/// [`oda_primitives::hash::commitment`] of the weights.
	pub commitment: [u8; 32],
	/// The tick at which it was committed.
	pub committed_at: Tick,
	/// The first tick at which it can be revealed.
	pub opens_at: Tick,
	/// The first tick at which it can no longer be revealed.
	pub closes_at: Tick,
	/// The number of the head when it was committed.
	pub head_at_commit: Option<VersionId>,
	/// What the trainer has on hold for it, apart from the fee and the storage deposits: the bond of the commitment,
	/// less the trainer's part of the price of weights that had to be posted.
	pub bond: Balance,
	/// What was agreed when it was committed, whatever the parameters are later.
	pub terms: Terms<Balance>,
	/// How far it has come.
	pub phase: Phase,
}

/// What goes for a submission from its commitment to its end.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Terms<Balance> {
	/// What is put on hold for the verifiers when it is revealed.
	pub fee: Balance,
	/// The part of the fee that is burned, if anybody earns the rest.
	pub fee_burn: Balance,
	/// The part of the fee that every submission has: what withdrawing costs where it costs something.
	pub fee_base: Balance,
	/// For how many ticks verifiers can answer, once they are drawn; and how long the window for challenges is at least,
	/// from when its turn has come.
	pub answer_window: Tick,
	/// How many ticks pass at least between the last needed answer and the acceptance.
	pub challenge_window: Tick,
}

/// How far a submission has come.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Phase {
	/// Nobody knows the weights yet.
	#[codec(index = 0)]
	Committed,
	/// Revealed, waiting for its turn.
	#[codec(index = 1)]
	Queued(Claim),
	/// Revealed, being verified.
	#[codec(index = 2)]
	Verifying {
		/// What the trainer claims.
		claim: Claim,
		/// The tick at which its verification started: from then on it can be challenged.
		opened_at: Tick,
		/// The first tick at which it can be settled: whoever re-runs it without being asked has at least as long for it as
		/// the verifiers, from the start. Verifiers are drawn later, so it mostly is verified for longer.
		open_until: Tick,
		/// It is not settled before this: set when there was no room for another challenge commitment, and when
		/// weights were demanded or shown. It never falls.
		held_until: Tick,
		/// Whether the weights have been posted on a demand: nobody demands them again.
		shown: bool,
		/// Whether the court, when it resolved a dispute, found a score other than claimed: it can only fall.
		refuted: bool,
	},
}

impl Phase {
	/// What was claimed, once it was revealed.
	pub fn claim(&self) -> Option<&Claim> {
		match self {
			Phase::Committed => None,
			Phase::Queued(claim) | Phase::Verifying { claim, .. } => Some(claim),
		}
	}
}

/// What a trainer revealed; the per-record scores are kept apart.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Claim {
	/// The weights.
	pub weights: BlobRef,
	/// The sum of the claimed scores.
	pub score: i64,
	/// [`oda_primitives::hash::claim`] of model, weights and scores: what verifiers sign.
	pub hash: [u8; 32],
	/// The tick at which it was revealed.
	pub revealed_at: Tick,
}

/// A stored list of per-record scores.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ScoreList<AccountId, Ticket> {
	/// Who paid the deposit.
	pub owner: AccountId,
	/// The deposit.
	pub ticket: Ticket,
	/// The scores.
	pub scores: ScoreBytes,
}

/// A record that some weights were submitted already.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Known<AccountId, Ticket> {
	/// The submission that showed them.
	pub submission: SubmissionId,
	/// The tick at which they were revealed.
	pub revealed_at: Tick,
	/// Who paid the deposit.
	pub owner: AccountId,
	/// The deposit.
	pub ticket: Ticket,
}

/// A challenger's commitment to evidence against a submission, before it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ChallengeCommitment<AccountId, Balance> {
	/// The challenger.
	pub who: AccountId,
	/// [`oda_primitives::hash::challenge_commitment`] of the evidence.
	pub commitment: [u8; 32],
	/// What the challenger has on hold for it.
	pub bond: Balance,
	/// The first tick at which the challenge can follow.
	pub opens_at: Tick,
	/// The first tick at which it can no longer be used, and its bond is lost.
	pub expires_at: Tick,
	/// Whether it holds the window open: it was made before the window closed.
	pub holds: bool,
}

/// What weights can be demanded of.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Target {
	/// A submission that is being verified.
	#[codec(index = 0)]
	Submission(SubmissionId),
	/// A model's head.
	#[codec(index = 1)]
	Head(ModelId),
}

impl Target {
	/// The class of a demand: a submission's window closes soon, a head can wait.
	pub fn class(&self) -> DispatchClass {
		match self {
			Target::Submission(_) => DispatchClass::Operational,
			Target::Head(_) => DispatchClass::Normal,
		}
	}
}

/// A demand that weights be shown.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Demand<AccountId, Balance> {
	/// The demander; nobody if it opened by itself, because most verifiers could not get the weights.
	pub who: Option<AccountId>,
	/// What the demander has on hold for it.
	pub bond: Balance,
	/// The price of the block space that the weights take. If they are posted, half of it is burned of the demander's
	/// bond, if there is a demander, and half of the trainer's; for a head's weights all of it of the demander's.
	pub price: Balance,
	/// For how many ticks a submission is held open, once its weights were shown.
	pub challenge_window: Tick,
	/// The weights.
	pub weights: BlobRef,
	/// The first tick at which it is too late to post them.
	pub until: Tick,
}

/// A reward for weights of at least some score.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Bounty<AccountId, Balance> {
	/// Its number.
	pub id: BountyId,
	/// The account that has it on hold.
	pub poster: AccountId,
	/// The least sum of scores that earns it.
	pub threshold: i64,
	/// The promised amount.
	pub amount: Balance,
	/// Only submissions committed before this tick earn it.
	pub until: Tick,
	/// The number of live submissions that were committed before `until`: it cannot be withdrawn while there are any.
	pub pending: u32,
}

/// Why a submission ended without anybody being to blame.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Expiry {
	/// Too few verifiers answered.
	#[codec(index = 0)]
	Lapsed,
	/// There was nobody who could verify.
	#[codec(index = 1)]
	NoVerifiers,
	/// The model takes no new head any more.
	#[codec(index = 2)]
	ModelClosed,
}
