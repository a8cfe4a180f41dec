//! The chain, as the server asks about it.

use crate::context::Context;
use futures::{FutureExt, future::try_join};
use oda_blobs::BlobSource;
use oda_client::{
	AccountId, Chain, ChainError, Channel, ChannelPhase, ModelStatus, NamedCard, Version, View,
};
use oda_evaluator::Graph;
use oda_inference::api::Terms;
use oda_primitives::{ChannelId, MAX_CARD_LEN, ModelId};
use oda_provider::chain::{self as seen, Away, Reply};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A model that has a head and takes submissions.
#[derive(Clone)]
pub(super) struct Headed {
	pub(super) model: ModelId,
	pub(super) graph: Arc<Graph>,
	pub(super) macs: u64,
	pub(super) head: Version,
	pub(super) card: Option<NamedCard>,
}

/// A card that was found, by its root.
type Known = ([u8; 32], Arc<[u8]>);

/// Reads at final blocks what the server asks for.
pub(super) struct Seen {
	context: Context,
	chain: Chain,
	provider: AccountId,
	last: Mutex<Option<(seen::Head, View)>>,
	/// A model's name is its specification's hash: neither changes.
	graphs: Mutex<HashMap<ModelId, Arc<Graph>>>,
	cards: Mutex<HashMap<ModelId, Known>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn away(error: ChainError) -> Away {
	Away(error.to_string())
}

/// A channel, as providers look at it.
pub(crate) fn as_seen(channel: &Channel) -> seen::Channel {
	seen::Channel {
		provider: channel.provider,
		model: channel.model,
		key: channel.key,
		receipt_key: channel.receipt_key,
		price: channel.price,
		deposit: channel.deposit,
		claimed: channel.claimed,
		receipts: channel.receipts,
		expires_at: channel.expires_at,
		state: match channel.phase {
			ChannelPhase::Open => seen::ChannelState::Open,
			ChannelPhase::Closing(at) => seen::ChannelState::Closing { at },
			ChannelPhase::Closed(until) => seen::ChannelState::Closed { until },
		},
	}
}

impl Seen {
	pub(super) fn new(context: Context, chain: Chain, provider: AccountId) -> Self {
		let (last, graphs, cards) = (Mutex::default(), Mutex::default(), Mutex::default());
		Self { context, chain, provider, last, graphs, cards }
	}

	/// The block that was looked at last, if it is this one.
	fn known(&self, hash: &[u8; 32]) -> Option<(seen::Head, View)> {
		lock(&self.last).clone().filter(|(head, _)| head.hash == *hash)
	}

	async fn view(&self, hash: [u8; 32]) -> Result<View, ChainError> {
		match self.known(&hash) {
			Some((_, view)) => Ok(view),
			None => self.chain.at_hash(hash).await,
		}
	}

	/// A model's head in a state; `None` if it has none, or is closed.
	pub(super) async fn headed(&self, view: &View, id: ModelId) -> Result<Option<Headed>, ChainError> {
		let Some(model) = view.model(id).await?.filter(|model| model.status == ModelStatus::Active) else {
			return Ok(None);
		};
		let Some(head) = view.head(&model).await? else { return Ok(None) };
		let Some(graph) = self.graph(view, id).await? else { return Ok(None) };
		let card = view.card(id).await?;
		Ok(Some(Headed { model: id, graph, macs: model.cost.macs, head, card }))
	}

	async fn graph(&self, view: &View, id: ModelId) -> Result<Option<Arc<Graph>>, ChainError> {
		let known = lock(&self.graphs).get(&id).cloned();
		if known.is_some() {
			return Ok(known);
		}
		let Some(spec) = view.spec(id).await? else { return Ok(None) };
		let graph = Arc::new(spec.graph);
		lock(&self.graphs).insert(id, Arc::clone(&graph));
		Ok(Some(graph))
	}

	/// The bytes of a card, if they are in the store.
	pub(super) fn card(&self, model: ModelId, card: &NamedCard) -> Option<Arc<[u8]>> {
		let known = lock(&self.cards).get(&model).filter(|(root, _)| *root == card.blob.root).cloned();
		if let Some((_, bytes)) = known {
			return Some(bytes);
		}
		if card.blob.len > MAX_CARD_LEN {
			return None;
		}
		let bytes: Arc<[u8]> = self.context.store().get(&card.blob).ok()?.into();
		lock(&self.cards).insert(model, (card.blob.root, Arc::clone(&bytes)));
		Some(bytes)
	}
}

impl seen::Chain for Seen {
	fn genesis(&self) -> [u8; 32] {
		self.chain.genesis()
	}

	fn head(&self) -> Reply<'_, seen::Head> {
		async move {
			let view = self.chain.finalised().await.map_err(away)?;
			let hash = view.hash().0;
			if let Some((head, _)) = self.known(&hash) {
				return Ok(head);
			}
			let (tick, made) = try_join(view.tick(), view.made()).await.map_err(away)?;
			let head = seen::Head { hash, number: view.number(), tick, made };
			*lock(&self.last) = Some((head, view));
			Ok(head)
		}
		.boxed()
	}

	fn offer(&self, at: [u8; 32]) -> Reply<'_, Option<seen::Offer>> {
		async move {
			let view = self.view(at).await.map_err(away)?;
			let offer = view.offer(&self.provider).await.map_err(away)?;
			Ok(offer.map(|offer| seen::Offer {
				provider: self.provider,
				endpoint: offer.endpoint,
				key: offer.key,
				models: offer.models.iter().map(|offered| (offered.model, offered.price)).collect(),
				terms: Terms { grace: offer.terms.grace, answer: offer.terms.answer },
				max_count: offer.max_count,
			}))
		}
		.boxed()
	}

	fn model(&self, at: [u8; 32], model: ModelId) -> Reply<'_, Option<seen::Model>> {
		async move {
			let view = self.view(at).await.map_err(away)?;
			let headed = self.headed(&view, model).await.map_err(away)?;
			Ok(headed.map(|headed| seen::Model {
				macs: headed.macs,
				version: headed.head.number,
				weights: headed.head.weights.root,
				score: headed.head.score,
				card: headed.card.as_ref().and_then(|card| self.card(model, card)),
				graph: headed.graph,
			}))
		}
		.boxed()
	}

	fn channel(&self, at: [u8; 32], channel: ChannelId) -> Reply<'_, Option<seen::Channel>> {
		async move {
			let view = self.view(at).await.map_err(away)?;
			Ok(view.channel(channel).await.map_err(away)?.as_ref().map(as_seen))
		}
		.boxed()
	}

	fn is_coming(&self, channel: ChannelId) -> Reply<'_, bool> {
		async move {
			let view = self.chain.best().await.map_err(away)?;
			Ok(view.channel(channel).await.map_err(away)?.is_some())
		}
		.boxed()
	}
}
