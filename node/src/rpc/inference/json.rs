//! What the methods answer, in JSON: amounts are strings of decimal digits, in planck; bytes are hexadecimal, accounts
//! SS58.

use oda_primitives::{
	BlobRef, Tick, VersionId,
	inference::{ChannelId, Price, Receipt, RequestId},
};
use oda_runtime::{AccountId, Balance, Hash};
use oda_runtime_api::{ChannelOverview, ChannelState, ModelOverview, ModelStatus, OfferOverview};
use polkadot_sdk::sp_core::Bytes;
use serde::Serialize;

/// A model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Model {
	id: Hash,
	status: &'static str,
	registrar: AccountId,
	parent: Option<Hash>,
	card: Option<BlobRef>,
	head: Option<Head>,
	/// How many records it is judged on.
	records: u32,
	/// Multiply-accumulates of an inference.
	macs: u64,
	/// The cheapest offer for one input.
	cheapest: Option<Offer>,
}

/// The version that answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Head {
	version: VersionId,
	weights: BlobRef,
	/// The sum of its records' scores, in decimal digits: it may be beyond what a JSON number holds.
	score: String,
	trainer: AccountId,
}

/// A provider's offer for one model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Offer {
	provider: AccountId,
	endpoint: String,
	receipt_key: AccountId,
	#[serde(flatten)]
	price: Price,
	/// What a request of one input costs.
	#[serde(with = "oda_primitives::decimal")]
	pub(super) one: u128,
	max_count: u32,
	grace: Tick,
	answer: Tick,
}

/// A channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Channel {
	channel: ChannelId,
	user: AccountId,
	provider: AccountId,
	model: Hash,
	voucher_key: AccountId,
	receipt_key: AccountId,
	#[serde(flatten)]
	price: Price,
	#[serde(with = "oda_primitives::decimal")]
	deposit: Balance,
	#[serde(with = "oda_primitives::decimal")]
	claimed: Balance,
	grace: Tick,
	expires_at: Tick,
	#[serde(flatten)]
	state: State,
}

/// How far a channel is on its way to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
	Open,
	Closing { at: Tick },
	Closed { until: Tick },
}

/// A one-shot request that is in a final block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Submitted {
	pub(super) request: RequestId,
	pub(super) block: Hash,
	pub(super) provider: AccountId,
	#[serde(with = "oda_primitives::decimal")]
	pub(super) price: Balance,
	pub(super) until: Tick,
}

/// What became of a one-shot request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Outcome {
	/// It was answered.
	Answered { block: Hash, version: VersionId, receipt: Receipt, signature: Bytes, output: Bytes },
	/// Its price went back, without a right answer.
	Returned {
		block: Hash,
		#[serde(with = "oda_primitives::decimal")]
		returned: Balance,
	},
}

impl Model {
	/// Of what the runtime says, and of everything that is offered.
	pub(super) fn new(
		model: &ModelOverview<AccountId, Balance>,
		card: Option<BlobRef>,
		offers: &[OfferOverview<AccountId>],
	) -> Self {
		let head = model.head.as_ref();
		Self {
			id: model.id.into(),
			status: match model.status {
				ModelStatus::Pending => "pending",
				ModelStatus::Active => "active",
				ModelStatus::Retired => "retired",
				ModelStatus::Frozen => "frozen",
			},
			registrar: model.registrar.clone(),
			parent: model.parent.map(Into::into),
			card,
			head: head.map(|(number, version)| Head {
				version: *number,
				weights: version.weights,
				score: version.score.to_string(),
				trainer: version.trainer.clone(),
			}),
			records: model.records,
			macs: model.cost.macs,
			cheapest: offers
				.iter()
				.filter_map(|offer| Offer::new(model, offer))
				.min_by_key(|offer| offer.one),
		}
	}
}

impl Offer {
	/// What a provider offers for a model, if it does.
	pub(super) fn new(
		model: &ModelOverview<AccountId, Balance>,
		offer: &OfferOverview<AccountId>,
	) -> Option<Self> {
		let (_, price) = offer.models.iter().find(|(id, _)| *id == model.id)?;
		Some(Self {
			provider: offer.provider.clone(),
			// The chain takes nothing else.
			endpoint: String::from_utf8_lossy(&offer.endpoint).into_owned(),
			receipt_key: offer.receipt_key.clone(),
			price: *price,
			one: price.of(model.cost.macs, 1),
			max_count: offer.max_count,
			grace: offer.grace,
			answer: offer.answer,
		})
	}
}

impl Channel {
	/// Of what the runtime says.
	pub(super) fn new(channel: ChannelId, found: ChannelOverview<AccountId, Balance>) -> Self {
		Self {
			channel,
			user: found.user,
			provider: found.provider,
			model: found.model.into(),
			voucher_key: found.voucher_key,
			receipt_key: found.receipt_key,
			price: found.price,
			deposit: found.deposit,
			claimed: found.claimed,
			grace: found.grace,
			expires_at: found.expires_at,
			state: match found.state {
				ChannelState::Open => State::Open,
				ChannelState::Closing { at } => State::Closing { at },
				ChannelState::Closed { until } => State::Closed { until },
			},
		}
	}
}
