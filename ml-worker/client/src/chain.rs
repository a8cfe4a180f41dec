//! The chain: connecting, and following its finalised blocks.

use crate::{
	AccountId, ChainError, View,
	error::{node, rpc},
	link::{Link, Observer},
};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};
use subxt::{
	OnlineClient, SubstrateConfig,
	backend::LegacyBackend,
	config::RpcConfigFor,
	rpcs::{LegacyRpcMethods, RpcClient},
};

/// How often the node is asked whether another block is final.
const POLL: Duration = Duration::from_millis(500);

/// Whose turn it is to give a transaction its number, by account.
type Turns = Arc<Mutex<HashMap<[u8; 32], Arc<tokio::sync::Mutex<()>>>>>;

/// A chain, as a node shows it; cheap to clone. Only finalised state is ever looked at.
#[derive(Clone)]
pub struct Chain {
	pub(crate) client: OnlineClient<SubstrateConfig>,
	pub(crate) rpc: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
	pub(crate) link: RpcClient,
	turns: Turns,
	observer: Arc<dyn Observer>,
}

impl Chain {
	/// Connects to the node at `url` (`ws://…`). While it is away, now or later, every call waits for it and
	/// says so in the log: for ever, or no longer than `patience`.
	pub async fn connect(url: &str, patience: Option<Duration>) -> Result<Self, ChainError> {
		Self::connect_observed(url, patience, Arc::new(())).await
	}

	/// Connects as [`connect`](Self::connect) does; `observer` is told how the connection fares.
	pub async fn connect_observed(
		url: &str,
		patience: Option<Duration>,
		observer: Arc<dyn Observer>,
	) -> Result<Self, ChainError> {
		let link = RpcClient::new(Link::new(url, patience, Arc::clone(&observer)));
		let backend = LegacyBackend::builder().build(link.clone());
		let client = OnlineClient::from_backend(Arc::new(backend)).await.map_err(node)?;
		let rpc = LegacyRpcMethods::new(link.clone());
		let chain = Self { client, rpc, link, turns: Turns::default(), observer };
		// Reads one value, so that a chain of another kind is found out now.
		chain.finalised().await?.tick().await?;
		Ok(chain)
	}

	/// The hash of block 0, which every signed or committed message holds.
	pub fn genesis(&self) -> [u8; 32] {
		self.client.genesis_hash().0
	}

	/// The state at the last finalised block.
	pub async fn finalised(&self) -> Result<View, ChainError> {
		let view = View::new(self.client.at_current_block().await.map_err(node)?);
		self.observer.finalised(view.number());
		Ok(view)
	}

	/// The state at the last finalised block, once that is after block `after`.
	pub async fn finalised_after(&self, after: u64) -> Result<View, ChainError> {
		loop {
			let head = self.rpc.chain_get_finalized_head().await.map_err(rpc)?;
			let header = self.rpc.chain_get_header(Some(head)).await.map_err(rpc)?;
			if let Some(header) = header
				&& header.number > after
			{
				self.observer.finalised(header.number);
				let at = self.client.at_block(head).await.map_err(node)?;
				return Ok(View::new(at));
			}
			tokio::time::sleep(POLL).await;
		}
	}

	/// The state at a finalised block of this number; `None` if there is none yet.
	pub async fn at(&self, number: u64) -> Result<Option<View>, ChainError> {
		let head = self.rpc.chain_get_finalized_head().await.map_err(rpc)?;
		let header = self.rpc.chain_get_header(Some(head)).await.map_err(rpc)?;
		if header.is_none_or(|header| header.number < number) {
			return Ok(None);
		}
		Ok(Some(View::new(self.client.at_block(number).await.map_err(node)?)))
	}

	/// The lock under which an account's transactions are given their numbers.
	pub(crate) fn turn(&self, account: &AccountId) -> Arc<tokio::sync::Mutex<()>> {
		let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
		Arc::clone(turns.entry(account.0).or_default())
	}
}
