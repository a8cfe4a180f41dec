//! What the provider needs to know of the chain.

use futures::future::BoxFuture;
use oda_client::AccountId;
use oda_evaluator::Graph;
use oda_inference::api::Terms;
use oda_primitives::{ChannelId, ModelId, Tick, VersionId, inference::Price};
use std::{sync::Arc, time::SystemTime};

/// A final block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
	/// Its hash.
	pub hash: [u8; 32],
	/// Its number.
	pub number: u64,
	/// Its tick.
	pub tick: Tick,
	/// When it was made, as it says itself.
	pub made: SystemTime,
}

/// What the provider offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
	/// The provider's account.
	pub provider: AccountId,
	/// Where it says that it is reached, a URL.
	pub endpoint: String,
	/// The key that signs the receipts of channels that are opened now.
	pub key: AccountId,
	/// The models, and what each costs in channels that are opened now.
	pub models: Vec<(ModelId, Price)>,
	/// The terms of channels that are opened now.
	pub terms: Terms,
	/// Maximum number of inputs in one request.
	pub max_count: u32,
}

/// A model's head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
	/// The graph.
	pub graph: Arc<Graph>,
	/// Multiply-accumulates of one input.
	pub macs: u64,
	/// The version.
	pub version: VersionId,
	/// The root of its weights.
	pub weights: [u8; 32],
	/// Its score: the sum over all records.
	pub score: i64,
	/// The bytes of the model's card; `None` if it has none, or if it is not at hand.
	pub card: Option<Arc<[u8]>>,
}

/// A payment channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Channel {
	/// Its provider.
	pub provider: AccountId,
	/// The model that it pays for.
	pub model: ModelId,
	/// The key that signs its vouchers.
	pub key: AccountId,
	/// The key that signs its receipts.
	pub receipt_key: AccountId,
	/// What a request costs.
	pub price: Price,
	/// Everything put into it, in planck.
	pub deposit: u128,
	/// What was claimed of that, in planck.
	pub claimed: u128,
	/// Time for which a receipt has to be evidence, in ticks.
	pub receipts: Tick,
	/// The tick at which it ends.
	pub expires_at: Tick,
	/// How far it has come.
	pub state: ChannelState,
}

/// How far a channel has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelState {
	/// Vouchers are taken.
	Open,
	/// Its user wants it to end.
	Closing {
		/// The tick from which it can be ended.
		at: Tick,
	},
	/// It is settled.
	Closed {
		/// The tick until which its receipts can be disputed.
		until: Tick,
	},
}

/// The chain cannot be asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the node is away: {0}")]
pub struct Away(pub String);

/// What an answer of the chain takes.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, Away>>;

/// The chain, as a provider needs it. Everything but [`is_coming`](Self::is_coming) is read at a final block.
///
/// Dropping a future before it is ready loses nothing.
pub trait Chain: Send + Sync {
	/// The hash of block 0.
	fn genesis(&self) -> [u8; 32];

	/// The last final block. Asked about once a second.
	fn head(&self) -> Reply<'_, Head>;

	/// What the provider offers at a block; `None` if it offers nothing.
	fn offer(&self, at: [u8; 32]) -> Reply<'_, Option<Offer>>;

	/// A model's head at a block; `None` if it has none, or if it is unknown or frozen.
	fn model(&self, at: [u8; 32], model: ModelId) -> Reply<'_, Option<Model>>;

	/// A channel at a block, whoever's it is; `None` if there is none.
	fn channel(&self, at: [u8; 32], channel: ChannelId) -> Reply<'_, Option<Channel>>;

	/// Whether the best block has a channel.
	fn is_coming(&self, channel: ChannelId) -> Reply<'_, bool>;
}
