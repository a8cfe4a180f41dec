//! Models and their versions.

use crate::{
	AccountId, Call, Chain, ChainError, Key, View, Weight,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use oda_evaluator::{Cost, ModelSpec};
use oda_primitives::{BlobRef, ModelId, RangeProof, SubmissionId, Tick, VersionId, hexadecimal};
use serde::Serialize;
use std::collections::HashMap;

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
	/// Closed by a decision, which another one can undo.
	Frozen,
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

/// The blob that is a model's card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NamedCard {
	/// The card, of at most [`oda_primitives::MAX_CARD_LEN`] bytes; nobody has proved its length.
	pub blob: BlobRef,
	/// Who set it, and has a deposit for it.
	pub owner: AccountId,
}

impl View {
	/// A model.
	pub async fn model(&self, id: ModelId) -> Result<Option<Model>, ChainError> {
		Ok(get!(self, runtime::storage().model_registry().models(), id).map(|model| model_from(id, model)))
	}

	/// All models.
	pub async fn models(&self) -> Result<Vec<Model>, ChainError> {
		let address = runtime::storage().model_registry().models();
		let mut models = entries!(self, address, |key, value| model_from(key.0, value));
		models.sort_by_key(|model| (model.registered_at, model.id));
		Ok(models)
	}

	/// The announcements of an account.
	pub async fn announcements(&self, who: &AccountId) -> Result<Vec<Announcement>, ChainError> {
		let list = get!(self, runtime::storage().model_registry().announcements(), *who);
		let made = list.map(|list| list.0).unwrap_or_default();
		Ok(made
			.into_iter()
			.map(|announcement| Announcement {
				commitment: announcement.commitment,
				opens_at: announcement.opens_at,
				closes_at: announcement.closes_at,
			})
			.collect())
	}

	/// A model's card, if it has one.
	pub async fn card(&self, id: ModelId) -> Result<Option<NamedCard>, ChainError> {
		Ok(get!(self, runtime::storage().model_registry().cards(), id).map(card_from))
	}

	/// The cards of all models that have one.
	pub async fn cards(&self) -> Result<HashMap<ModelId, NamedCard>, ChainError> {
		let address = runtime::storage().model_registry().cards();
		Ok(entries!(self, address, |key, value| (key.0, card_from(value))).into_iter().collect())
	}

	/// What a model computes, is verified by and is verified on.
	pub async fn spec(&self, id: ModelId) -> Result<Option<ModelSpec>, ChainError> {
		Ok(get!(self, runtime::storage().model_registry().specs(), id).map(|spec| spec.0))
	}

	/// A version of a model.
	pub async fn version(&self, id: ModelId, number: VersionId) -> Result<Option<Version>, ChainError> {
		let version = get!(self, runtime::storage().model_registry().versions(), id, number);
		Ok(version.map(|version| Version {
			number,
			trainer: version.trainer,
			weights: version.weights.0,
			score: version.score,
			submission: version.submission,
			accepted_at: version.accepted_at,
			replaced: version.replaced,
		}))
	}

	/// A model's head.
	pub async fn head(&self, model: &Model) -> Result<Option<Version>, ChainError> {
		match model.head {
			Some(number) => self.version(model.id, number).await,
			None => Ok(None),
		}
	}

	/// What the court's evaluation of one record of a model weighs, exactly; `None` if there is no such model.
	pub async fn court_price(&self, model: ModelId) -> Result<Option<Weight>, ChainError> {
		let overview = self
			.at
			.runtime_apis()
			.call(runtime::runtime_apis().oda_api().model(model))
			.await
			.map_err(node)?;
		let weight = overview.map(|model| model.evaluation_weight);
		Ok(weight.map(|weight| Weight { ref_time: weight.ref_time, proof_size: weight.proof_size }))
	}
}

impl Chain {
	/// Announces a model that is going to be registered: `commitment` hides it.
	pub fn announce(&self, key: &Key, commitment: [u8; 32]) -> Call {
		self.submit(key, runtime::transactions().model_registry().announce(commitment))
	}

	/// Removes an announcement of this account's.
	pub fn remove_announcement(&self, key: &Key, commitment: [u8; 32]) -> Call {
		let call = runtime::transactions().model_registry().remove_announcement(key.account(), commitment);
		self.submit(key, call)
	}

	/// Registers a model that was announced under `salt`.
	pub fn register(
		&self,
		key: &Key,
		spec: &ModelSpec,
		length_proof: RangeProof,
		parent: Option<ModelId>,
		salt: [u8; 32],
	) -> Call {
		let call = runtime::transactions().model_registry().register(
			spec.clone().into(),
			length_proof.into(),
			parent,
			salt,
		);
		self.submit(key, call)
	}

	/// Closes a model to new submissions.
	pub fn retire(&self, key: &Key, model: ModelId) -> Call {
		self.submit(key, runtime::transactions().model_registry().retire(model))
	}

	/// Names a model's card, in the place of the one that it has, or removes it.
	pub fn set_card(&self, key: &Key, model: ModelId, card: Option<BlobRef>) -> Call {
		self.submit(key, runtime::transactions().model_registry().set_card(model, card.map(Into::into)))
	}

	/// Deletes a pending model that nobody has submitted to.
	pub fn abandon(&self, key: &Key, model: ModelId) -> Call {
		self.submit(key, runtime::transactions().model_registry().abandon(model))
	}
}

fn card_from<Ticket>(card: generated::pallet_model_registry::types::Card<AccountId, Ticket>) -> NamedCard {
	NamedCard { blob: card.blob.0, owner: card.owner }
}

fn model_from<Ticket>(
	id: ModelId,
	model: generated::pallet_model_registry::types::Model<AccountId, Ticket>,
) -> Model {
	use generated::oda_pallet_traits::models::ModelStatus as Status;
	Model {
		id,
		registrar: model.registrar,
		status: match model.status {
			Status::Pending => ModelStatus::Pending,
			Status::Active => ModelStatus::Active,
			Status::Retired => ModelStatus::Retired,
			Status::Frozen => ModelStatus::Frozen,
		},
		parent: model.parent,
		head: model.head,
		live: model.live,
		cost: model.cost.0,
		records: model.records,
		registered_at: model.registered_at,
		free_at: model.free_at,
	}
}
