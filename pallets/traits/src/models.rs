//! The border between whoever keeps the models and whoever submits weights to them, or has them paid for.

use crate::Work;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_evaluator::ModelSpec;
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
	/// Closed to new submissions, offers and users by a decision, which another one can undo.
	#[codec(index = 3)]
	Frozen,
}

/// A set of weights that the network accepted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Version<AccountId> {
	/// The account that submitted it.
	pub trainer: AccountId,
	/// The weights.
	pub weights: BlobRef,
	/// The sum of its per-record scores, in the objective's unit.
	pub score: i64,
	/// The submission that brought it.
	pub submission: SubmissionId,
	/// The tick at which it became the head.
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
	/// What verifying a claim about it takes.
	pub work: Work,
}

/// What `training` and `inference` need of whoever keeps the models.
///
/// ```
/// use oda_pallet_traits::Models;
/// use oda_primitives::ModelId;
///
/// /// Who earns from a model, and what has to be beaten.
/// fn head<M: Models<u64>>(model: &ModelId) -> Option<(u64, i64)> {
///     M::head(model).map(|version| (version.trainer, version.score))
/// }
/// ```
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
