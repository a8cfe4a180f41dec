//! The chain as of its last final block.
//!
//! Whoever believes that a channel is open after it was closed works for nothing. So whatever is read of the chain belongs to
//! one final block, a [`Snapshot`], and is forgotten with it; the age of the last block is bounded; and a block before one that
//! was seen is never believed again.

use crate::{
	chain::{Away, Chain, Channel, Head, Model, Offer, Reply},
	config::Times,
	inputs,
};
use oda_cards::Card;
use oda_inference::api::{self, MAX_ANSWER, MAX_MODELS, MAX_REQUEST};
use oda_primitives::{ChannelId, ModelId, inference::Price};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError},
	time::SystemTime,
};
use tokio::{sync::watch, time::timeout};

/// Channels that are remembered of one block. Beyond, each is asked about again.
const REMEMBERED: usize = 65_536;

/// What base64 and its quotes add to an input in a request.
const QUOTED: u64 = 32;

/// What the list of models has beside them, at most.
const OTHER: usize = 4_096;

/// What an answer has beside its outputs and inputs: the receipt and all names.
const RECEIPT: u64 = 4_096;

/// A model that the provider offers.
pub(crate) struct Offered {
	pub(crate) id: ModelId,
	pub(crate) model: Model,
	/// The price of channels that are opened now.
	pub(crate) price: Price,
	pub(crate) card: Option<Card>,
	/// Maximum number of inputs in one request.
	pub(crate) max_count: u32,
	/// What `GET /v1/models` says of it.
	pub(crate) listed: api::ServedModel,
}

/// What is known of one final block.
pub(crate) struct Snapshot {
	pub(crate) head: Head,
	pub(crate) offer: Option<Offer>,
	pub(crate) models: Vec<Arc<Offered>>,
	channels: Mutex<HashMap<ChannelId, Option<Arc<Channel>>>>,
}

impl Snapshot {
	/// A model that is offered.
	pub(crate) fn model(&self, id: &ModelId) -> Option<&Arc<Offered>> {
		self.models.iter().find(|offered| offered.id == *id)
	}
}

/// The chain as of its last final block.
pub(crate) struct View {
	chain: Arc<dyn Chain>,
	pub(crate) genesis: [u8; 32],
	times: Times,
	/// Maximum number of bytes of a request.
	body: u64,
	latest: watch::Sender<Option<Arc<Snapshot>>>,
}

impl View {
	pub(crate) fn new(chain: Arc<dyn Chain>, times: Times, body: usize) -> Self {
		let genesis = chain.genesis();
		let body = u64::try_from(body.min(MAX_REQUEST)).unwrap_or(u64::MAX);
		Self { chain, genesis, times, body, latest: watch::Sender::new(None) }
	}

	/// What is known now.
	///
	/// # Errors
	///
	/// Nothing is known yet, or the last final block is too old.
	pub(crate) fn now(&self) -> Result<Arc<Snapshot>, Away> {
		let snapshot = self.latest.borrow().clone();
		let snapshot = snapshot.ok_or_else(|| Away("it has not answered yet".to_owned()))?;
		// A block of the future, by a clock that is wrong, is new.
		let age = SystemTime::now().duration_since(snapshot.head.made).unwrap_or_default();
		if age > self.times.age {
			return Err(Away(format!("its last final block is {} s old", age.as_secs())));
		}
		Ok(snapshot)
	}

	/// The last final block, however old.
	pub(crate) fn head(&self) -> Option<Head> {
		self.latest.borrow().as_ref().map(|snapshot| snapshot.head)
	}

	/// A channel at the block of a snapshot.
	pub(crate) async fn channel(
		&self,
		snapshot: &Snapshot,
		id: ChannelId,
	) -> Result<Option<Arc<Channel>>, Away> {
		let known = |channels: &Mutex<HashMap<_, _>>| {
			channels.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
		};
		if let Some(channel) = known(&snapshot.channels) {
			return Ok(channel);
		}
		let channel = self.ask(self.chain.channel(snapshot.head.hash, id)).await?.map(Arc::new);
		let mut channels = snapshot.channels.lock().unwrap_or_else(PoisonError::into_inner);
		if channels.len() < REMEMBERED {
			channels.insert(id, channel.clone());
		}
		Ok(channel)
	}

	/// Whether a channel that is in no final block is in the best one.
	pub(crate) async fn is_coming(&self, id: ChannelId) -> Result<bool, Away> {
		self.ask(self.chain.is_coming(id)).await
	}

	/// Looks for a new final block; says what is known of it.
	pub(crate) async fn advance(&self) -> Result<Option<Arc<Snapshot>>, Away> {
		let head = self.ask(self.chain.head()).await?;
		let known = self.head();
		if known.is_some_and(|known| known.hash == head.hash || head.number <= known.number) {
			return Ok(None);
		}
		let offer = self.ask(self.chain.offer(head.hash)).await?;
		let mut models = Vec::new();
		let mut bytes = 0usize;
		for (id, price) in offer.iter().flat_map(|offer| &offer.models) {
			let Some(model) = self.ask(self.chain.model(head.hash, *id)).await? else { continue };
			let max_count = offer.as_ref().map_or(0, |offer| offer.max_count);
			let offered = self.offered(*id, model, *price, max_count);
			// The answer to who asks for the models is bounded too.
			bytes = bytes
				.saturating_add(serde_json::to_vec(&offered.listed).map_or(usize::MAX, |json| json.len()));
			if offered.max_count > 0 && bytes <= MAX_MODELS.saturating_sub(OTHER) {
				models.push(Arc::new(offered));
			} else {
				tracing::warn!(model = hex::encode(id), "too large to be served over HTTP");
			}
		}
		let snapshot = Arc::new(Snapshot { head, offer, models, channels: Mutex::default() });
		self.latest.send_replace(Some(snapshot.clone()));
		Ok(Some(snapshot))
	}

	/// An answer of the node, if it comes in time.
	async fn ask<T>(&self, reply: Reply<'_, T>) -> Result<T, Away> {
		let late = || Away("it does not answer".to_owned());
		timeout(self.times.node, reply).await.unwrap_or_else(|_| Err(late()))
	}

	fn offered(&self, id: ModelId, model: Model, price: Price, max_count: u32) -> Offered {
		let (card, json) = self.card(&id, &model).unzip();
		let max_count = max_count.min(self.fitting(&model));
		let outputs = inputs::outputs(&model.graph);
		let listed = api::ServedModel {
			model: id,
			version: model.version,
			weights: model.weights,
			score: model.score,
			price,
			macs: model.macs,
			inputs: model.graph.inputs.iter().map(api::Tensor::from).collect(),
			outputs: outputs.into_iter().map(api::Tensor::from).collect(),
			card: json,
			limits: api::Limits { max_count, max_body: self.body },
		};
		Offered { id, model, price, card, max_count, listed }
	}

	/// The model's card, if it is one.
	fn card(&self, id: &ModelId, model: &Model) -> Option<(Card, serde_json::Value)> {
		let bytes = model.card.as_deref()?;
		let card = Card::parse(bytes).map_err(|error| error.to_string());
		let card = card.and_then(|card| {
			card.check(&model.graph).map_err(|error| error.to_string())?;
			let json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
			Ok((card, json))
		});
		card.inspect_err(|error| {
			tracing::warn!(model = hex::encode(id), error, "the model's card is not used");
		})
		.ok()
	}

	/// How many inputs have room in a request and in its answer.
	fn fitting(&self, model: &Model) -> u32 {
		let (input, output) = (model.graph.input_bytes(), model.graph.output_bytes());
		let base64 = |bytes: u64| bytes.saturating_add(2).saturating_mul(4) / 3;
		let asked = base64(input).saturating_add(QUOTED);
		// Each integer has up to eleven characters and a comma; a label up to 100 characters of up to six bytes.
		let written = inputs::MAX_SCORES.saturating_mul(12).saturating_add(1_024);
		let answered = base64(input).saturating_add(base64(output)).saturating_add(written);
		let most = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX).saturating_sub(RECEIPT);
		let body = self.body.saturating_sub(RECEIPT);
		let count = body.checked_div(asked).unwrap_or(0).min(most.checked_div(answered).unwrap_or(0));
		u32::try_from(count).unwrap_or(u32::MAX)
	}
}
