//! `oda_models`, `oda_offers`, `oda_channel`, `oda_submitRequest` and their like: paid inference, for those who speak
//! nothing but JSON-RPC.

mod answer;
mod json;

use self::{
	answer::{Final, outcome},
	json::{Channel, Model, Offer, Outcome, Submitted},
};
use crate::service::{Block, FullClient, FullPool};
use codec::Decode;
use futures::{StreamExt, future, stream};
use jsonrpsee::{
	PendingSubscriptionSink,
	core::{RpcResult, async_trait},
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use oda_primitives::inference::{ChannelId, RequestId};
use oda_runtime::{AccountId, Balance, Hash};
use oda_runtime_api::{OdaApi, OfferOverview, RequestEvent, RequestEvents, RequestState};
use polkadot_sdk::*;
use sc_client_api::{BlockBackend, BlockchainEvents, FinalityNotifications, HeaderBackend};
use sc_rpc::{
	SubscriptionTaskExecutor,
	utils::{BoundedVecDeque, PendingSubscription},
};
use sc_transaction_pool_api::{
	TransactionPool, TransactionSource, TransactionStatus,
	error::{Error as PoolError, IntoPoolError},
};
use sp_api::ProvideRuntimeApi;
use sp_core::Bytes;
use sp_runtime::traits::Block as BlockT;
use std::{fmt, sync::Arc};

/// Codes of these methods' errors follow this one.
const ERROR: i32 = 21_010;
/// Subscriptions at a time: each reads a state for every final block, and costs nothing.
const SUBSCRIPTIONS: usize = 256;
/// Models of a page, if nobody says how many.
const PAGE: u32 = 20;

/// Paid inference.
#[rpc(server)]
pub(crate) trait InferenceApi {
	/// Up to `limit` models (20 if not given, at most 100), in the order of their ids, after `after`.
	#[method(name = "oda_models", blocking)]
	fn models(&self, after: Option<Hash>, limit: Option<u32>, at: Option<Hash>) -> RpcResult<Vec<Model>>;

	/// A model.
	#[method(name = "oda_model", blocking)]
	fn model(&self, model: Hash, at: Option<Hash>) -> RpcResult<Option<Model>>;

	/// What providers offer for a model, the cheapest for one input first.
	#[method(name = "oda_offers", blocking)]
	fn offers(&self, model: Hash, at: Option<Hash>) -> RpcResult<Vec<Offer>>;

	/// A channel.
	#[method(name = "oda_channel", blocking)]
	fn channel(&self, channel: ChannelId, at: Option<Hash>) -> RpcResult<Option<Channel>>;

	/// Submits the signed extrinsic of a one-shot request; answers when it is in a final block.
	#[method(name = "oda_submitRequest")]
	async fn submit_request(&self, extrinsic: Bytes) -> RpcResult<Submitted>;

	/// What became of a one-shot request by the last final block; nothing while it waits for its answer.
	#[method(name = "oda_answer", blocking)]
	fn answer(&self, request: RequestId) -> RpcResult<Option<Outcome>>;

	/// What becomes of a one-shot request, once.
	#[subscription(
		name = "oda_subscribeAnswer" => "oda_answered",
		unsubscribe = "oda_unsubscribeAnswer",
		item = Outcome
	)]
	fn subscribe_answer(&self, request: RequestId);
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Refusal {
	/// The runtime does not say.
	Runtime(String),
	/// The extrinsic is none, or makes no one-shot request.
	NotARequest,
	/// The pool does not take the extrinsic, or gave it up.
	Pool(String),
	/// The extrinsic failed in its block.
	Failed(String),
	/// No such request was made by the last final block.
	UnknownRequest,
	/// What became of it happened before the first block whose state the node keeps.
	Forgotten,
	/// As many subscriptions wait as may.
	Busy,
}

impl Refusal {
	fn code(&self) -> i32 {
		ERROR.saturating_add(match self {
			Self::Runtime(_) => 1,
			Self::NotARequest => 2,
			Self::Pool(_) => 3,
			Self::Failed(_) => 4,
			Self::UnknownRequest => 5,
			Self::Forgotten => 6,
			Self::Busy => 7,
		})
	}
}

impl fmt::Display for Refusal {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Runtime(reason) => write!(f, "the runtime does not say: {reason}"),
			Self::NotARequest => f.write_str("this is no signed extrinsic that makes a one-shot request"),
			Self::Pool(reason) => write!(f, "the extrinsic was not taken: {reason}"),
			Self::Failed(error) => write!(f, "the request failed: {error}"),
			Self::UnknownRequest => f.write_str("no such request was made by the last final block"),
			Self::Busy => write!(f, "busy: {SUBSCRIPTIONS} subscriptions wait for their answers"),
			Self::Forgotten => f.write_str(
				"it ended before the first block whose state this node keeps; ask one that keeps more",
			),
		}
	}
}

impl From<Refusal> for ErrorObjectOwned {
	fn from(refusal: Refusal) -> Self {
		ErrorObject::owned(refusal.code(), refusal.to_string(), None::<()>)
	}
}

/// What the runtime does not say, and why.
fn silent(error: impl fmt::Display) -> Refusal {
	Refusal::Runtime(error.to_string())
}

/// Answers the methods.
pub(crate) struct Inference {
	client: Arc<FullClient>,
	pool: Arc<FullPool>,
	executor: SubscriptionTaskExecutor,
	/// Held by each subscription beside this.
	subscribed: Arc<()>,
}

impl Inference {
	/// By a node's chain and its pool; subscriptions run where `executor` says.
	pub(crate) fn new(
		client: Arc<FullClient>,
		pool: Arc<FullPool>,
		executor: SubscriptionTaskExecutor,
	) -> Self {
		Self { client, pool, executor, subscribed: Arc::default() }
	}

	/// This block, or the best one.
	fn at(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}

	/// Everything that is offered.
	fn all_offers(&self, at: Hash) -> Result<Vec<OfferOverview<AccountId>>, Refusal> {
		let api = self.client.runtime_api();
		let mut offers = Vec::new();
		loop {
			let after = offers.last().map(|offer: &OfferOverview<AccountId>| offer.provider.clone());
			let page = api.offers(at, after).map_err(silent)?;
			if page.is_empty() {
				return Ok(offers);
			}
			offers.extend(page);
		}
	}

	/// A transaction's way into a final block: that block, and its index there.
	async fn finalised(&self, extrinsic: <Block as BlockT>::Extrinsic) -> Result<(Hash, u32), Refusal> {
		let at = self.client.info().best_hash;
		let refused = |error: <FullPool as TransactionPool>::Error| {
			Refusal::Pool(
				error.into_pool_error().map_or_else(|error| error.to_string(), |e: PoolError| e.to_string()),
			)
		};
		let watched = self.pool.submit_and_watch(at, TransactionSource::External, extrinsic);
		let mut statuses = watched.await.map_err(refused)?;
		while let Some(status) = statuses.next().await {
			let lost = match status {
				TransactionStatus::Finalized((block, index)) => {
					return Ok((block, u32::try_from(index).map_err(silent)?));
				}
				TransactionStatus::Usurped(_) => "another one of the account took its place",
				TransactionStatus::Dropped => "the pool is full",
				TransactionStatus::Invalid => "it became invalid",
				TransactionStatus::FinalityTimeout(_) => "its block did not become final",
				TransactionStatus::Future
				| TransactionStatus::Ready
				| TransactionStatus::Broadcast(_)
				| TransactionStatus::InBlock(_)
				| TransactionStatus::Retracted(_) => continue,
			};
			return Err(Refusal::Pool(lost.into()));
		}
		Err(Refusal::Pool("the node ends".into()))
	}

	/// What submitting the extrinsic of a request comes to.
	async fn submit(&self, extrinsic: &[u8]) -> Result<Submitted, Refusal> {
		let extrinsic = <Block as BlockT>::Extrinsic::decode(&mut &*extrinsic);
		let extrinsic = extrinsic.map_err(|_| Refusal::NotARequest)?;
		let best = self.client.info().best_hash;
		// The runtime panics at what is no extrinsic of its own.
		if !self.client.runtime_api().is_request(best, extrinsic.clone()).unwrap_or(false) {
			return Err(Refusal::NotARequest);
		}
		let (block, index) = self.finalised(extrinsic).await?;
		let api = self.client.runtime_api();
		for (request, extrinsic, event) in api.request_events(block).map_err(silent)? {
			if let RequestEvent::Asked { provider, price, until, .. } = event
				&& extrinsic == Some(index)
			{
				return Ok(Submitted { request, block, provider, price, until });
			}
		}
		let error = api.failure(block, index).map_err(silent)?;
		let error =
			error.map_or_else(|| "without a reason".into(), |e| String::from_utf8_lossy(&e).into_owned());
		Err(Refusal::Failed(error))
	}
}

impl Final for Arc<FullClient> {
	fn last(&self) -> u32 {
		self.info().finalized_number
	}

	fn state(&self, block: u32, request: RequestId) -> Result<RequestState, Refusal> {
		let hash = self.block_hash(block).map_err(silent)?.ok_or_else(|| silent("the block is not there"))?;
		self.runtime_api().request_state(hash, request).map_err(silent)
	}

	fn events(&self, block: u32) -> Result<(Hash, RequestEvents<AccountId, Balance>), Refusal> {
		let hash = self.block_hash(block).map_err(silent)?.ok_or_else(|| silent("the block is not there"))?;
		Ok((hash, self.runtime_api().request_events(hash).map_err(silent)?))
	}
}

#[async_trait]
impl InferenceApiServer for Inference {
	fn models(&self, after: Option<Hash>, limit: Option<u32>, at: Option<Hash>) -> RpcResult<Vec<Model>> {
		let (at, api) = (self.at(at), self.client.runtime_api());
		let models = api.models(at, after.map(|id| id.0), limit.unwrap_or(PAGE)).map_err(silent)?;
		let offers = self.all_offers(at)?;
		let models = models.into_iter().map(|model| {
			let card = api.card(at, model.id).map_err(silent)?;
			Ok(Model::new(&model, card, &offers))
		});
		Ok(models.collect::<Result<_, Refusal>>()?)
	}

	fn model(&self, model: Hash, at: Option<Hash>) -> RpcResult<Option<Model>> {
		let (at, api) = (self.at(at), self.client.runtime_api());
		let Some(found) = api.model(at, model.0).map_err(silent)? else { return Ok(None) };
		let card = api.card(at, model.0).map_err(silent)?;
		Ok(Some(Model::new(&found, card, &self.all_offers(at)?)))
	}

	fn offers(&self, model: Hash, at: Option<Hash>) -> RpcResult<Vec<Offer>> {
		let at = self.at(at);
		let Some(found) = self.client.runtime_api().model(at, model.0).map_err(silent)? else {
			return Ok(Vec::new());
		};
		let offers = self.all_offers(at)?;
		let mut offers: Vec<_> = offers.iter().filter_map(|offer| Offer::new(&found, offer)).collect();
		offers.sort_by_key(|offer| offer.one);
		Ok(offers)
	}

	fn channel(&self, channel: ChannelId, at: Option<Hash>) -> RpcResult<Option<Channel>> {
		let found = self.client.runtime_api().channel(self.at(at), channel).map_err(silent)?;
		Ok(found.map(|found| Channel::new(channel, found)))
	}

	async fn submit_request(&self, extrinsic: Bytes) -> RpcResult<Submitted> {
		Ok(self.submit(&extrinsic).await?)
	}

	fn answer(&self, request: RequestId) -> RpcResult<Option<Outcome>> {
		Ok(outcome(&self.client, request)?)
	}

	fn subscribe_answer(&self, pending: PendingSubscriptionSink, request: RequestId) {
		let (client, place) = (self.client.clone(), place(&self.subscribed));
		sc_rpc::utils::spawn_subscription_task(&self.executor, async move {
			let Some(_place) = place else { return pending.reject(Refusal::Busy).await };
			// Before it is looked, so that no block comes in between.
			let finality = client.finality_notification_stream();
			let found = match outcome(&client, request) {
				Ok(found) => found,
				Err(refusal) => return pending.reject(refusal).await,
			};
			let outcome = stream::iter(found)
				.chain(stream::once(later(client, finality, request)).filter_map(future::ready));
			let once = Box::pin(outcome.take(1));
			PendingSubscription::from(pending).pipe_from_stream(once, BoundedVecDeque::default()).await;
		});
	}
}

/// A subscription's place, until it is dropped; nothing if all are taken.
fn place(all: &Arc<()>) -> Option<Arc<()>> {
	(Arc::strong_count(all) <= SUBSCRIPTIONS).then(|| all.clone())
}

/// What becomes of a request that waits, once a block is final in which it does not any more.
async fn later(
	client: Arc<FullClient>,
	mut finality: FinalityNotifications<Block>,
	request: RequestId,
) -> Option<Outcome> {
	loop {
		finality.next().await?;
		// A state that cannot be read is no end.
		if let Ok(Some(outcome)) = outcome(&client, request) {
			return Some(outcome);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn leak_subscriptions_beyond_a_number_should_be_refused() {
		let all = Arc::default();
		let mut places: Vec<_> = (0..SUBSCRIPTIONS).map(|_| place(&all)).collect();
		assert!(places.iter().all(Option::is_some));
		assert_eq!(place(&all), None);
		places.pop();
		assert!(place(&all).is_some(), "who has gone leaves a place");
	}
}
