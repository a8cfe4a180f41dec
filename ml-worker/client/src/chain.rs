//! The chain: connecting, and following its blocks.

use crate::{
	AccountId, ChainError, View,
	call::Content,
	error::{node, rpc},
	finality::{Finality, Said},
	link::{Head, Link, Observer},
	outbox::{Kept, Made, Outbox},
};
use oda_primitives::hexadecimal;
use serde::{Deserialize, Serialize};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};
use subxt::{
	OnlineClient, SubstrateConfig,
	backend::LegacyBackend,
	config::RpcConfigFor,
	rpcs::{LegacyRpcMethods, RpcClient, methods::legacy::NumberOrHex},
	utils::H256,
};

/// How often the node is asked whether another block is final.
const POLL: Duration = Duration::from_millis(500);
/// How often it is asked for its best block while none is.
const LOOK: Duration = Duration::from_secs(3);

/// Blocks by which finality may be behind the best block and still count as near.
pub const NEAR_FINALITY: u64 = 6;

/// Whose turn it is to give a transaction its number, by account.
type Turns = Arc<Mutex<HashMap<[u8; 32], Arc<tokio::sync::Mutex<()>>>>>;

/// A block that tells one chain from another of the same genesis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChainMark {
	/// The hash of block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The number of a final block: 1, as soon as that is final and the node has it.
	pub number: u64,
	/// The block's hash.
	#[serde(with = "hexadecimal")]
	pub hash: [u8; 32],
}

/// A chain, as a node shows it; cheap to clone.
#[derive(Clone)]
pub struct Chain {
	pub(crate) client: OnlineClient<SubstrateConfig>,
	pub(crate) rpc: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
	pub(crate) link: RpcClient,
	connection: Link,
	turns: Turns,
	open: Arc<Mutex<HashMap<Content, Made>>>,
	outbox: Option<Arc<dyn Outbox>>,
	finality: Arc<Mutex<Finality>>,
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
		let connection = Link::new(url, patience, Arc::clone(&observer));
		let link = RpcClient::new(connection.clone());
		let backend = LegacyBackend::builder().build(link.clone());
		let client = OnlineClient::from_backend(Arc::new(backend)).await.map_err(node)?;
		let rpc = LegacyRpcMethods::new(link.clone());
		let finality = Arc::new(Mutex::new(Finality::new(Instant::now())));
		let (turns, open) = (Turns::default(), Arc::default());
		let chain = Self { client, rpc, link, connection, turns, open, outbox: None, finality, observer };
		// Reads one value, so that a chain of another kind is found out now.
		chain.finalised().await?.tick().await?;
		Ok(chain)
	}

	/// The same chain, with an outbox: what is signed and not seen through outlives the process.
	#[must_use]
	pub fn with_outbox(self, outbox: Arc<dyn Outbox>) -> Self {
		Self { outbox: Some(outbox), ..self }
	}

	/// The hash of block 0, which every signed or committed message holds.
	pub fn genesis(&self) -> [u8; 32] {
		self.client.genesis_hash().0
	}

	/// What this chain is told from others by: a journal that keeps it can set aside what was written about
	/// another chain, such as a development chain that began anew.
	pub async fn identity(&self) -> Result<ChainMark, ChainError> {
		let head = self.finalised_head().await?;
		let Head { number, hash } = self.connection.first().unwrap_or(head);
		Ok(ChainMark { genesis: self.genesis(), number, hash: hash.0 })
	}

	/// Whether this is the chain of a mark.
	///
	/// # Errors
	///
	/// [`ChainError::Missing`]: the node lacks the mark's block, so it cannot tell; it may be syncing.
	pub async fn still_has(&self, mark: &ChainMark) -> Result<bool, ChainError> {
		if mark.genesis != self.genesis() {
			return Ok(false);
		}
		match self.hash_of(mark.number).await? {
			Some(hash) if hash.0 == mark.hash => Ok(true),
			// Before it is final, it may be of a fork.
			Some(_) if self.finalised_head().await?.number >= mark.number => Ok(false),
			_ => Err(ChainError::Missing("the block that the chain is known by")),
		}
	}

	/// The state at the last finalised block.
	pub async fn finalised(&self) -> Result<View, ChainError> {
		self.view(self.finalised_head().await?).await
	}

	/// The state at the last finalised block, once that is after block `after`. While none is, the log and the
	/// observer are told how far finality is behind.
	pub async fn finalised_after(&self, after: u64) -> Result<View, ChainError> {
		self.view(self.head_after(after).await?).await
	}

	/// The state at the best block, which another may replace.
	pub async fn best(&self) -> Result<View, ChainError> {
		Ok(View::new(self.client.at_block(self.best_hash().await?).await.map_err(node)?))
	}

	/// The state by which one defends: verifies, challenges, demands. The last finalised block's, or the best one's
	/// where finality is more than [`NEAR_FINALITY`] blocks behind: no deadline waits for finality, and a defence is
	/// worth nothing on a fork with other content.
	pub async fn defence_view(&self) -> Result<View, ChainError> {
		let (best, finalised) = (self.best().await?, self.finalised_head().await?);
		self.look(best.number(), finalised.number);
		if best.number().saturating_sub(finalised.number) > NEAR_FINALITY {
			return Ok(best);
		}
		self.view(finalised).await
	}

	/// The state at a finalised block of this number; `None` if there is none yet.
	pub async fn at(&self, number: u64) -> Result<Option<View>, ChainError> {
		if self.finalised_head().await?.number < number {
			return Ok(None);
		}
		Ok(Some(View::new(self.client.at_block(number).await.map_err(node)?)))
	}

	/// The state at a block of this hash, final or not.
	///
	/// # Errors
	///
	/// The node does not have it.
	pub async fn at_hash(&self, hash: [u8; 32]) -> Result<View, ChainError> {
		Ok(View::new(self.client.at_block(H256(hash)).await.map_err(node)?))
	}

	/// The last finalised block.
	pub(crate) async fn finalised_head(&self) -> Result<Head, ChainError> {
		loop {
			let hash = self.rpc.chain_get_finalized_head().await.map_err(rpc)?;
			// Another node may have answered the first question.
			let Some(header) = self.rpc.chain_get_header(Some(hash)).await.map_err(rpc)? else {
				tokio::time::sleep(POLL).await;
				continue;
			};
			let head = Head { number: header.number, hash };
			self.observer.finalised(head.number);
			self.connection.saw(head);
			if head.number > 1
				&& self.connection.first().is_none()
				&& let Some(hash) = self.hash_of(1).await?
			{
				self.connection.saw(Head { number: 1, hash });
			}
			return Ok(head);
		}
	}

	/// The last finalised block, once it is after block `after`.
	pub(crate) async fn head_after(&self, after: u64) -> Result<Head, ChainError> {
		let mut looked = Instant::now();
		loop {
			let head = self.finalised_head().await?;
			if head.number > after {
				return Ok(head);
			}
			if looked.elapsed() >= LOOK {
				looked = Instant::now();
				let best = self.rpc.chain_get_header(None).await.map_err(rpc)?;
				self.look(best.map_or(head.number, |best| best.number), head.number);
			}
			tokio::time::sleep(POLL).await;
		}
	}

	/// Notes how far finality is behind, and says so if that is news.
	fn look(&self, best: u64, finalised: u64) {
		self.observer.finality(best, finalised);
		let said = {
			let mut finality = self.finality.lock().unwrap_or_else(PoisonError::into_inner);
			finality.look(best, finalised, Instant::now())
		};
		match said {
			Some(Said::Behind) => {
				tracing::warn!(best, finalised, "blocks come, and none becomes final; waiting")
			}
			Some(Said::Still { seconds }) => {
				tracing::warn!(best, finalised, seconds, "no block comes; waiting")
			}
			Some(Said::Near) => tracing::info!(best, finalised, "blocks become final again"),
			None => {}
		}
	}

	/// The hash of the best block.
	pub(crate) async fn best_hash(&self) -> Result<H256, ChainError> {
		let hash = self.rpc.chain_get_block_hash(None).await.map_err(rpc)?;
		hash.ok_or(ChainError::Missing("a best block"))
	}

	/// The hash of the best chain's block of this number, if the node has it.
	pub(crate) async fn hash_of(&self, number: u64) -> Result<Option<H256>, ChainError> {
		self.rpc.chain_get_block_hash(Some(NumberOrHex::Number(number))).await.map_err(rpc)
	}

	/// The state at a block.
	pub(crate) async fn view(&self, head: Head) -> Result<View, ChainError> {
		let at = self.client.at_block_hash_and_number(head.hash, head.number).await;
		Ok(View::new(at.map_err(node)?))
	}

	/// How often the connection has broken.
	pub(crate) fn link_breaks(&self) -> u64 {
		self.connection.breaks()
	}

	/// The lock under which an account's transactions are given their numbers.
	pub(crate) fn turn(&self, account: &AccountId) -> Arc<tokio::sync::Mutex<()>> {
		let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
		Arc::clone(turns.entry(account.0).or_default())
	}

	/// Remembers a transaction of which it is not known what became of it.
	pub(crate) fn leave_open(&self, content: Content, made: Made) {
		self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(content, made);
	}

	/// Where a transaction of this content is kept. What nobody signs can be sent again at no cost.
	pub(crate) fn keep(&self, (account, call): &Content) -> Result<Kept, ChainError> {
		let (Some(outbox), Some(account)) = (&self.outbox, account) else { return Ok(Kept::nowhere()) };
		let mut hasher = blake3::Hasher::new();
		hasher.update(&self.genesis()).update(account).update(call);
		Kept::open(&**outbox, *hasher.finalize().as_bytes())
	}

	/// The transaction of this content, if it is not known what became of it.
	pub(crate) fn take_open(&self, content: &Content) -> Option<Made> {
		self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(content)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::Played;

	/// Writes down what it is told.
	#[derive(Default)]
	struct Diary(Mutex<Vec<String>>);

	impl Observer for Diary {
		fn finality(&self, best: u64, finalised: u64) {
			self.0.lock().unwrap().push(format!("{best} {finalised}"));
		}

		fn another_chain(&self, why: &str) {
			self.0.lock().unwrap().push(why.to_owned());
		}
	}

	async fn observed(node: &Played) -> (Chain, Arc<Diary>) {
		let diary = Arc::<Diary>::default();
		let patience = Some(Duration::from_secs(3));
		let observer = Arc::clone(&diary) as Arc<dyn Observer>;
		(Chain::connect_observed(&node.url, patience, observer).await.unwrap(), diary)
	}

	#[tokio::test]
	async fn a_chain_that_began_anew_from_the_same_genesis_is_another_one() {
		let node = Played::start().await;
		let (chain, diary) = observed(&node).await;
		node.state().chain = 2;
		node.cut();
		let error = chain.finalised().await.err().unwrap();
		assert!(matches!(error, ChainError::AnotherChain(_)), "{error}");
		assert!(error.to_string().contains("its block 1 is 0x02"), "{error}");
		assert_eq!(diary.0.lock().unwrap().len(), 1);
		// The right one is taken again.
		node.state().chain = 1;
		assert_eq!(chain.finalised().await.unwrap().number(), 5);
	}

	#[tokio::test]
	async fn a_chain_that_began_anew_is_another_one_as_soon_as_its_first_block_is_final() {
		let node = Played::start().await;
		let (chain, _) = observed(&node).await;
		{
			let mut state = node.state();
			state.chain = 2;
			state.blocks.truncate(2);
			state.finalised = 0;
		}
		node.cut();
		let error = chain.finalised().await.err().unwrap();
		assert!(matches!(error, ChainError::NodeAway(_)), "not certain yet: {error}");
		node.state().finalised = 1;
		let error = chain.finalised().await.err().unwrap();
		assert!(matches!(error, ChainError::AnotherChain(_)), "{error}");
	}

	#[tokio::test]
	async fn a_node_that_is_behind_is_the_same_chain_s_if_it_has_its_first_block() {
		let node = Played::start().await;
		let (chain, _) = observed(&node).await;
		{
			let mut state = node.state();
			state.blocks.truncate(3);
			state.finalised = 2;
		}
		node.cut();
		assert_eq!(chain.finalised().await.unwrap().number(), 2);
	}

	#[tokio::test]
	async fn a_node_that_syncs_is_waited_for() {
		let node = Played::start().await;
		node.state().lacks = 1..5;
		let (chain, _) = observed(&node).await;
		{
			let mut state = node.state();
			state.blocks.truncate(3);
			state.finalised = 2;
			state.syncing = true;
		}
		node.cut();
		let error = chain.finalised().await.err().unwrap();
		assert!(matches!(error, ChainError::NodeAway(_)), "{error}");
		assert!(error.to_string().contains("syncing"), "{error}");
		for _ in 0..3 {
			node.state().finalise();
		}
		assert_eq!(chain.finalised().await.unwrap().number(), 5);
	}

	#[tokio::test]
	async fn the_old_states_of_a_node_that_syncs_are_not_looked_at() {
		let node = Played::start().await;
		node.state().syncing = true;
		let connected = Chain::connect(&node.url, Some(Duration::from_secs(1))).await;
		assert!(matches!(connected, Err(ChainError::NodeAway(_))));
	}

	#[tokio::test]
	async fn a_mark_tells_a_chain_from_another_of_the_same_genesis() {
		let node = Played::start().await;
		let (chain, _) = observed(&node).await;
		let mark = chain.identity().await.unwrap();
		assert_eq!(mark.number, 1);
		let written = serde_json::to_string(&mark).unwrap();
		let mark: ChainMark = serde_json::from_str(&written).unwrap();
		assert!(chain.still_has(&mark).await.unwrap());
		assert!(!chain.still_has(&ChainMark { genesis: [1; 32], ..mark }).await.unwrap());
		assert!(!chain.still_has(&ChainMark { hash: [1; 32], ..mark }).await.unwrap());
		let future = chain.still_has(&ChainMark { number: 9, ..mark }).await.unwrap_err();
		assert!(matches!(future, ChainError::Missing(_)), "{future}");
		// What is not final proves nothing.
		node.state().seal();
		assert!(chain.still_has(&ChainMark { number: 6, ..mark }).await.is_err());
	}

	#[tokio::test]
	async fn whoever_waits_for_finality_has_its_observer_told_how_far_it_is_behind() {
		let node = Played::start().await;
		let (chain, diary) = observed(&node).await;
		for _ in 0..20 {
			node.state().seal();
		}
		let waiting = tokio::spawn(async move { chain.finalised_after(5).await.unwrap().number() });
		while diary.0.lock().unwrap().is_empty() {
			tokio::time::sleep(POLL).await;
		}
		assert_eq!(diary.0.lock().unwrap()[0], "25 5");
		assert!(!waiting.is_finished());
		node.state().finalise();
		assert_eq!(waiting.await.unwrap(), 26);
	}

	#[tokio::test]
	async fn one_defends_near_finality_and_on_the_best_chain_when_that_is_far() {
		let node = Played::start().await;
		let (chain, _) = observed(&node).await;
		for _ in 0..NEAR_FINALITY {
			node.state().seal();
		}
		assert_eq!(chain.defence_view().await.unwrap().number(), 5);
		node.state().seal();
		assert_eq!(chain.defence_view().await.unwrap().number(), 12);
		assert_eq!(chain.best().await.unwrap().number(), 12);
		assert_eq!(chain.finalised().await.unwrap().number(), 5);
	}
}
