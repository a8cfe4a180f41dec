//! Submissions, challenges, demands and bounties.

mod calls;
mod events;
mod reads;

pub use calls::{ChallengeOutcome, Resolved};
pub use events::{Happened, SubmissionEvent};

use crate::{AccountId, Balance, runtime::runtime_types as generated};
use oda_primitives::{BlobRef, ModelId, SubmissionId, Tick, VersionId, hexadecimal};
use serde::Serialize;
use std::fmt;

/// Numbers of bounties.
pub type BountyId = u64;

/// A trainer's attempt to become a model's head, while it lasts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Submission {
	/// Its number.
	pub id: SubmissionId,
	/// What it is for.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub model: ModelId,
	/// Whose it is.
	pub trainer: AccountId,
	/// What the trainer committed to.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub commitment: [u8; 32],
	/// When it was committed.
	pub committed_at: Tick,
	/// The first tick at which it can be revealed.
	pub opens_at: Tick,
	/// The first tick at which it can no longer be revealed.
	pub closes_at: Tick,
	/// The head that the trainer set out to beat.
	pub head_at_commit: Option<VersionId>,
	/// What the trainer has on hold for it, apart from the fee and the storage deposits.
	pub bond: Balance,
	/// How far it has come.
	pub phase: Phase,
}

impl Submission {
	/// What was claimed, once it was revealed.
	pub fn claim(&self) -> Option<&Claim> {
		match &self.phase {
			Phase::Committed => None,
			Phase::Queued { claim } | Phase::Verifying { claim, .. } => Some(claim),
		}
	}
}

/// How far a submission has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
	/// Nobody knows the weights yet.
	Committed,
	/// Revealed, waiting for its turn.
	Queued {
		/// What the trainer claims.
		claim: Claim,
	},
	/// Revealed, being verified.
	Verifying {
		/// What the trainer claims.
		claim: Claim,
		/// When its verification started.
		opened_at: Tick,
		/// The first tick at which it can be settled. Its verifiers are drawn later, so it mostly is verified for longer.
		open_until: Tick,
		/// It is not accepted before this.
		held_until: Tick,
		/// Ticks between the last needed answer and the acceptance.
		challenge_window: Tick,
		/// Whether the weights have been posted on a demand.
		shown: bool,
		/// Whether the court, when it resolved a dispute, found a score other than claimed: it can only fall.
		refuted: bool,
	},
}

/// What a trainer revealed; the per-record scores are kept apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Claim {
	/// The weights.
	pub weights: BlobRef,
	/// The sum of the claimed scores.
	pub score: i64,
	/// The hash of the claim, which verifiers sign.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub hash: [u8; 32],
	/// What the trainer has on hold for the verifiers.
	pub fee: Balance,
	/// When it was revealed.
	pub revealed_at: Tick,
}

/// A challenger's commitment to evidence against a submission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChallengeCommitment {
	/// The challenger.
	pub who: AccountId,
	/// The commitment.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub commitment: [u8; 32],
	/// What the challenger has on hold for it.
	pub bond: Balance,
	/// The first tick at which the challenge can follow.
	pub opens_at: Tick,
	/// The first tick at which it is worth nothing.
	pub expires_at: Tick,
}

/// What weights can be demanded of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
	/// A submission that is being verified.
	Submission(SubmissionId),
	/// A model's head.
	Head(#[serde(serialize_with = "hexadecimal::serialize")] ModelId),
}

impl fmt::Display for Target {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Submission(id) => write!(f, "submission {id}"),
			Self::Head(model) => write!(f, "the head of {}", hex::encode(model)),
		}
	}
}

impl From<Target> for generated::pallet_training::types::Target {
	fn from(target: Target) -> Self {
		match target {
			Target::Submission(id) => Self::Submission(id),
			Target::Head(model) => Self::Head(model),
		}
	}
}

impl From<generated::pallet_training::types::Target> for Target {
	fn from(target: generated::pallet_training::types::Target) -> Self {
		use generated::pallet_training::types::Target as Stored;
		match target {
			Stored::Submission(id) => Self::Submission(id),
			Stored::Head(model) => Self::Head(model),
		}
	}
}

/// Somebody's demand that weights be shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Demand {
	/// Of what.
	pub target: Target,
	/// The demander; nobody if most verifiers could not get the weights.
	pub who: Option<AccountId>,
	/// What the demander has on hold for it.
	pub bond: Balance,
	/// The price of the block space, which is burned if the weights are posted.
	pub price: Balance,
	/// The weights.
	pub weights: BlobRef,
	/// The first tick at which it is too late to post them.
	pub until: Tick,
}

/// A reward for weights of at least some score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Bounty {
	/// Its number.
	pub id: BountyId,
	/// Who has it on hold.
	pub poster: AccountId,
	/// The least sum of scores that earns it.
	pub threshold: i64,
	/// How much.
	pub amount: Balance,
	/// Only submissions committed before this earn it.
	pub until: Tick,
	/// How many live submissions can still earn it.
	pub pending: u32,
}
