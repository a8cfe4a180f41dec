//! What the chain keeps, as plain data.

use crate::AccountId;
use oda_evaluator::Cost;
use oda_primitives::{BlobRef, ModelId, SubmissionId, Tick, Verdict, VersionId, hexadecimal};
use serde::Serialize;
use std::fmt;

/// An amount of the smallest unit; 10¹² of them are one ODA.
pub type Balance = u128;

/// Numbers of bounties.
pub type BountyId = u64;

fn hex_option<S: serde::Serializer>(bytes: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
	match bytes {
		Some(bytes) => hexadecimal::serialize(bytes, serializer),
		None => serializer.serialize_none(),
	}
}

/// Where a model is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStatus {
	/// Registered; version 0 has not been accepted yet.
	Pending,
	/// It has a head that anyone may improve on.
	Active,
	/// Closed to new submissions.
	Retired,
}

/// A registered model, without its specification and its versions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Model {
	/// Its name.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub id: ModelId,
	/// Who registered it.
	pub registrar: AccountId,
	/// Where it is in its life.
	pub status: ModelStatus,
	/// The model that its registrar says it descends from.
	#[serde(serialize_with = "hex_option")]
	pub parent: Option<ModelId>,
	/// The version that is used and has to be beaten.
	pub head: Option<VersionId>,
	/// How many submissions to it have entered and not ended.
	pub live: u32,
	/// What evaluating one record costs.
	pub cost: Cost,
	/// How many records the data has.
	pub records: u32,
	/// When it was registered.
	pub registered_at: Tick,
	/// From when on anybody may abandon it, as long as it is pending.
	pub free_at: Tick,
}

/// An announcement of a model that is going to be registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Announcement {
	/// The hash that hides the model.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub commitment: [u8; 32],
	/// The first tick at which the model can be registered.
	pub opens_at: Tick,
	/// The first tick at which the announcement is worth nothing.
	pub closes_at: Tick,
}

/// A set of weights that the network accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Version {
	/// Its number.
	pub number: VersionId,
	/// Who submitted it.
	pub trainer: AccountId,
	/// The weights.
	pub weights: BlobRef,
	/// The sum of its per-record scores.
	pub score: i64,
	/// The submission that brought it.
	pub submission: SubmissionId,
	/// When it became the head.
	pub accepted_at: Tick,
	/// The head that it replaced, which comes back should its own weights be withheld.
	pub replaced: Option<VersionId>,
}

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
		/// The end of the time in which verifiers answer.
		answers_until: Tick,
		/// It is not accepted before this.
		held_until: Tick,
		/// Ticks between the last needed answer and the acceptance.
		challenge_window: Tick,
		/// Whether the weights have been posted on a demand.
		shown: bool,
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

/// One submission's records, to be re-run by all members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Task {
	/// The submission.
	pub id: SubmissionId,
	/// Who may and should answer.
	pub members: Vec<AccountId>,
	/// How many have to say `Valid`.
	pub quorum: u32,
	/// How often its members have been asked.
	pub asked: u32,
	/// When it was opened.
	pub opened_at: Tick,
	/// The first tick at which answers are refused.
	pub until: Tick,
	/// The answers, in the order in which they came.
	pub answers: Vec<(AccountId, Verdict)>,
	/// When the quorum was reached.
	pub passed_at: Option<Tick>,
}

impl Task {
	/// Whether `who` may answer and has not.
	pub fn awaits(&self, who: &AccountId) -> bool {
		self.members.contains(who) && self.answers.iter().all(|(member, _)| member != who)
	}

	/// Whether more than half of the members said `Unavailable`, and it has not passed.
	pub fn is_unavailable(&self) -> bool {
		let unavailable = self.answers.iter().filter(|(_, verdict)| *verdict == Verdict::Unavailable).count();
		self.passed_at.is_none() && unavailable * 2 > self.members.len()
	}
}

/// A bonded verifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verifier {
	/// Who.
	pub account: AccountId,
	/// What is held of its funds, and left after slashes.
	pub bond: Balance,
	/// Open tasks that it is a member of.
	pub open: u32,
}

/// An account's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Account {
	/// Whose.
	pub account: AccountId,
	/// How many transactions it has sent.
	pub nonce: u32,
	/// What it can spend, but for what must stay.
	pub free: Balance,
	/// What is on hold, in all.
	pub held: Balance,
	/// What is on hold for what.
	pub holds: Vec<Hold>,
}

/// An amount on hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Hold {
	/// For what, as `Pallet(Reason)`.
	pub reason: String,
	/// How much.
	pub amount: Balance,
}

/// What a call weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Weight {
	/// Picoseconds on the reference machine.
	pub ref_time: u64,
	/// Bytes of proof.
	pub proof_size: u64,
}

impl Weight {
	/// The time in milliseconds on the reference machine.
	pub fn milliseconds(&self) -> f64 {
		self.ref_time as f64 / 1e9
	}
}
