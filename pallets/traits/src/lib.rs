//! The borders between the pallets.
//!
//! A pallet knows another only through one of these traits in its `Config`: it says what it needs, not who
//! gives it. Protocol time is not among them, because `Get<Tick>` already says it.
//!
//! * [`Models`]: what `training` needs of whoever keeps the models (`model-registry`);
//! * [`Judges`]: what `training` needs of whoever re-runs objectives (`verification`);
//! * [`Heads`]: what `training` needs of whoever keeps heads available (`storage-deals`);
//! * [`OpenModels`]: what `storage-deals` needs of whoever keeps the models (`model-registry`);
//! * [`Peers`]: what `storage-deals` needs of whoever binds peers to accounts (`peers`).

#![cfg_attr(not(feature = "std"), no_std)]
#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

extern crate alloc;

mod heads;
mod peers;

pub use heads::{Heads, OpenModels};
pub use peers::{PeerKey, Peers};

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_evaluator::{Cost, ModelSpec};
use oda_primitives::{BlobRef, ModelId, SubmissionId, Tick, VersionId};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult};
use scale_info::TypeInfo;

/// Where a model is in its life.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ModelStatus {
	/// Registered; the registrar's version 0 has not been accepted yet.
	#[codec(index = 0)]
	Pending,
	/// It has had a version; anyone may bring the next.
	#[codec(index = 1)]
	Active,
	/// Closed to new submissions.
	#[codec(index = 2)]
	Retired,
}

/// A set of weights that the network accepted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Version<AccountId> {
	/// Who submitted it, and earns while it is the head.
	pub trainer: AccountId,
	/// The weights.
	pub weights: BlobRef,
	/// The sum of its per-record scores, in the objective's unit.
	pub score: i64,
	/// The submission that brought it.
	pub submission: SubmissionId,
	/// When it became the head.
	pub accepted_at: Tick,
	/// The head that it replaced, which comes back should its own weights be withheld. The keeper of the
	/// models knows it: what [`Models::accept`] is given here does not matter.
	pub replaced: Option<VersionId>,
}

/// What a submission needs to know of its model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing<AccountId> {
	/// Where the model is in its life.
	pub status: ModelStatus,
	/// Who registered it.
	pub registrar: AccountId,
	/// The number of the head, if there is one.
	pub head: Option<VersionId>,
	/// What evaluating one record costs.
	pub cost: Cost,
	/// How many records the data has.
	pub records: u32,
}

/// What `training` needs of whoever keeps the models.
pub trait Models<AccountId> {
	/// The model's graph, objective and data; `None` if there is no such model.
	fn spec(model: &ModelId) -> Option<ModelSpec>;

	/// The model's standing; `None` if there is no such model.
	fn standing(model: &ModelId) -> Option<Standing<AccountId>>;

	/// A submission by `trainer` begins. Refused, with the keeper's own error, if the model is unknown or
	/// retired, or pending and `trainer` not its registrar.
	fn enter(model: &ModelId, trainer: &AccountId) -> DispatchResult;

	/// A submission that entered has ended. A pending model that no submission is left for may be freed.
	fn leave(model: &ModelId);

	/// The model's head; `None` if it has none.
	fn head(model: &ModelId) -> Option<Version<AccountId>>;

	/// `version` becomes the head.
	fn accept(model: &ModelId, version: Version<AccountId>) -> Result<VersionId, DispatchError>;

	/// The head falls: the one that it replaced is the head again, if there was one. Returns the number of the
	/// fallen, and of what is the head now. Refused if there is no head.
	fn revert(model: &ModelId) -> Result<(VersionId, Option<VersionId>), DispatchError>;

	/// Makes a model that `trainer` can submit to, with a data blob of `records` records: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(spec: ModelSpec, registrar: &AccountId) -> ModelId;
}

/// How far the judgement of a task has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Judgement {
	/// Too few have answered.
	#[codec(index = 0)]
	Open,
	/// Enough said `Valid`, the last needed at this tick.
	#[codec(index = 1)]
	Passed(Tick),
	/// The window closed without a quorum.
	#[codec(index = 2)]
	Lapsed,
}

/// How a task ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending<AccountId> {
	/// The submission became the head: who accused it was wrong.
	Accepted,
	/// `challenger` proved on chain that a score was wrong: who signed `Valid` pays, half to the challenger,
	/// half burned.
	Overturned {
		/// Who proved it.
		challenger: AccountId,
	},
	/// Not enough answers came in time.
	Lapsed,
	/// Nobody is to blame, for instance because the head moved meanwhile.
	Void,
}

/// What `training` needs of whoever re-runs objectives.
pub trait Judges<AccountId> {
	/// Opens a task that can be answered for `window` ticks from now. Refused if nobody could answer.
	fn open(task: SubmissionId, window: Tick) -> DispatchResult;

	/// How far the judgement has come; `None` if there is no such task.
	fn judgement(task: SubmissionId) -> Option<Judgement>;

	/// Whether `who` has answered the task: nobody who did is paid for overturning it.
	fn answered(task: SubmissionId, who: &AccountId) -> bool;

	/// Closes the task, applies what `ending` means for those who answered or stayed away, and returns who
	/// answered, whatever they said: they share the fee, unless they were found guilty.
	fn close(task: SubmissionId, ending: Ending<AccountId>) -> Vec<AccountId>;

	/// The most accounts that can answer one task.
	fn max_members() -> u32;

	/// Makes as many judges available as there can be: for benchmarks, before `open`.
	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {}

	/// Makes enough judges answer `Valid` that the task has passed: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn pass_for_benchmark(task: SubmissionId);
}
