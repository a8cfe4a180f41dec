//! What a node may ask an ODA runtime: answers that are composed from several pallets.
//!
//! Reads of a single value are view functions of the pallet that stores it.

#![cfg_attr(not(feature = "std"), no_std)]
#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

extern crate alloc;

mod inference;

pub use inference::{
	ChannelOverview, ChannelState, OfferOverview, RequestEvent, RequestEvents, RequestState,
};
pub use oda_pallet_traits::ModelStatus;

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use oda_evaluator::{Cost, ModelSpec};
use oda_pallet_traits::Version;
use oda_primitives::{
	BlobRef, ModelId, SubmissionId, Tick, VersionId,
	inference::{ChannelId, RequestId},
};
use polkadot_sdk::{sp_api, sp_runtime::traits::Block as BlockT, sp_weights::Weight};
use scale_info::TypeInfo;

/// A model as somebody sees it who thinks of improving it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ModelOverview<AccountId, Balance> {
	/// Its id.
	pub id: ModelId,
	/// Who registered it.
	pub registrar: AccountId,
	/// The model that it is said to descend from.
	pub parent: Option<ModelId>,
	/// Where it is in its life.
	pub status: ModelStatus,
	/// The head and its number, if there is one.
	pub head: Option<(VersionId, Version<AccountId>)>,
	/// How many records it is verified on.
	pub records: u32,
	/// What evaluating one of them costs.
	pub cost: Cost,
	/// What that weighs on chain: what a challenger has to allow.
	pub evaluation_weight: Weight,
	/// What a trainer pays the verifiers.
	pub fee: Balance,
	/// For how many ticks verifiers can answer.
	pub attest_window: Tick,
	/// The submission that is being verified.
	pub verifying: Option<SubmissionId>,
	/// The submissions that wait for their turn, first to last.
	pub queue: Vec<SubmissionId>,
}

/// A submission as somebody sees it who waits for what comes of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct SubmissionOverview<AccountId> {
	/// The model.
	pub model: ModelId,
	/// Who submitted it.
	pub trainer: AccountId,
	/// How far it has come.
	pub stage: Stage,
}

/// How far a submission has come, and what the next tick is at which something can happen.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Stage {
	/// Committed.
	#[codec(index = 0)]
	Committed {
		/// From when on it can be revealed.
		opens_at: Tick,
		/// From when on it can no longer be.
		closes_at: Tick,
	},
	/// Revealed, waiting for its turn.
	#[codec(index = 1)]
	Queued {
		/// The weights.
		weights: BlobRef,
		/// The sum of the claimed scores.
		score: i64,
	},
	/// Being verified.
	#[codec(index = 2)]
	Verifying {
		/// The weights.
		weights: BlobRef,
		/// The sum of the claimed scores.
		score: i64,
		/// The first tick at which it can be settled.
		open_until: Tick,
		/// When the last needed `Valid` was opened.
		passed_at: Option<Tick>,
		/// How many members of the committee have opened their answers.
		answers: u32,
		/// The number of challengers that have committed to evidence.
		challengers: u32,
	},
}

/// What registering a model, and submitting weights to it, put on hold of the account that does it, by the amounts of
/// the block that is asked. Transactions' fees come on top.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Costs<Balance> {
	/// The deposit for the announcement, from then until the model is registered.
	pub announcement: Balance,
	/// The deposit for the model, from the registration on, for as long as the chain keeps it.
	pub model: Balance,
	/// The trainer's bond, from the commitment until the submission has ended.
	pub bond: Balance,
	/// The verifiers' fee, from the reveal until they are paid with it.
	pub fee: Balance,
	/// The deposit for the list of scores, from the reveal until another head's list takes its place, or the submission
	/// ends without becoming the head.
	pub scores: Balance,
	/// The deposit for the record that the weights were submitted, from the reveal for as long as they are a version, or
	/// until the submission ends without becoming one.
	pub weights: Balance,
}

sp_api::decl_runtime_apis! {
	/// Models, submissions and paid inference.
	#[api_version(3)]
	pub trait OdaApi<AccountId, Balance> where AccountId: Codec, Balance: Codec {
		/// Up to `limit` models (at most 100), in the order of their ids, after `after`.
		fn models(after: Option<ModelId>, limit: u32) -> Vec<ModelOverview<AccountId, Balance>>;

		/// A model.
		fn model(id: ModelId) -> Option<ModelOverview<AccountId, Balance>>;

		/// What a model computes, is judged by and is judged on. Also a view function of the registry; here for the node,
		/// which knows no pallet.
		fn spec(id: ModelId) -> Option<ModelSpec>;

		/// A model's versions from number `from` on, at most 100.
		fn versions(id: ModelId, from: VersionId, limit: u32) -> Vec<(VersionId, Version<AccountId>)>;

		/// A live submission; `None` once it has ended.
		fn submission(id: SubmissionId) -> Option<SubmissionOverview<AccountId>>;

		/// The live submissions to a model, in commit order.
		fn submissions(model: ModelId) -> Vec<(SubmissionId, SubmissionOverview<AccountId>)>;

		/// What registering a model of this specification, or submitting weights to it, puts on hold; `None` if the
		/// specification would be refused.
		fn costs(spec: ModelSpec) -> Option<Costs<Balance>>;

		/// The blob that is a model's card, if it has one.
		fn card(model: ModelId) -> Option<BlobRef>;

		/// What at most 100 providers offer, in the order of the storage, after `after`.
		fn offers(after: Option<AccountId>) -> Vec<OfferOverview<AccountId>>;

		/// A channel, until the chain has forgotten it.
		fn channel(channel: ChannelId) -> Option<ChannelOverview<AccountId, Balance>>;

		/// How far a one-shot request has come.
		fn request_state(request: RequestId) -> RequestState;

		/// What one-shot requests met in the block that is asked.
		fn request_events() -> RequestEvents<AccountId, Balance>;

		/// Whether an extrinsic makes a one-shot request.
		fn is_request(extrinsic: <Block as BlockT>::Extrinsic) -> bool;

		/// Why an extrinsic of the block that is asked failed, by its index, in words; `None` if it did not.
		fn failure(extrinsic: u32) -> Option<Vec<u8>>;
	}
}
