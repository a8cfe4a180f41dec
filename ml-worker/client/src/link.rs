//! The connection to the node: one that waits, and that knows its chain again.
//!
//! Every request that the network fails is made again once the node is back; waiting is said in the log. All
//! requests are either reads or submissions of the same bytes, so making one twice does no harm.

use std::{
	error::Error,
	sync::{
		Arc, Mutex as Cell, OnceLock, PoisonError,
		atomic::{AtomicU64, Ordering},
	},
	time::{Duration, Instant},
};
use subxt::{
	SubstrateConfig,
	config::RpcConfigFor,
	ext::jsonrpsee::{
		client_transport::ws::{Url, WsError, WsTransportClientBuilder},
		core::client::{Client, Error as ClientError},
	},
	rpcs::{
		self, LegacyRpcMethods, RpcClient,
		client::{RawRpcFuture, RawRpcSubscription, RawValue, RpcClientT, rpc_params},
	},
	utils::H256,
};
use tokio::sync::Mutex;

/// The first pause between two attempts to connect; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: time that a node which is back goes on without whoever has to answer in time.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Bytes of the largest request and of the largest answer; a node answers with at most 15 MiB, unless told otherwise.
const LARGEST: u32 = 64 << 20;
/// How long a node that does not sync may lack all blocks that this program knows before it is another chain's.
const STRANGER: Duration = Duration::from_secs(60);
/// Notices that a subscription keeps for whoever does not read them at once.
const NOTICES: usize = 4096;

/// Who is told how a connection fares. Each method is called often, and must not wait.
pub trait Observer: Send + Sync {
	/// The node answers: at first, and whenever it is back.
	fn connected(&self) {}
	/// The connection broke; it is being made again.
	fn disconnected(&self) {}
	/// The node says that the block of this number is final.
	fn finalised(&self, _number: u64) {}
	/// The numbers of the best and of the last final block, now and then while finality is waited for.
	fn finality(&self, _best: u64, _finalised: u64) {}
	/// A node of another chain answers where the chain's node was; why it is another one.
	fn another_chain(&self, _why: &str) {}
}

/// Nobody.
impl Observer for () {}

/// Why the connection has no answer to a request.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum LinkError {
	#[error("gave up waiting for the node at {url} after {seconds} s: {reason}")]
	Away { url: String, seconds: u64, reason: String },
	#[error("the node at {url} is of another chain: {reason}")]
	AnotherChain { url: String, reason: String },
	#[error("{what} of {method} is larger than {limit} bytes")]
	TooLarge { what: &'static str, method: String, limit: u32 },
}

impl From<LinkError> for rpcs::Error {
	fn from(error: LinkError) -> Self {
		Self::Client(Box::new(error))
	}
}

/// Why there is no connection.
enum Failed {
	/// There may be one later.
	Away(String),
	/// Whoever answers is not whom this connection is to.
	AnotherChain(String),
}

impl From<rpcs::Error> for Failed {
	fn from(error: rpcs::Error) -> Self {
		Self::Away(reason(&error))
	}
}

/// A block, by its number and its hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
	pub(crate) number: u64,
	pub(crate) hash: H256,
}

/// Final blocks that a chain is known by.
#[derive(Clone, Copy, Default)]
struct Known {
	/// Block 1: what two chains of one genesis differ in first.
	first: Option<Head>,
	/// The last that was seen.
	last: Option<Head>,
	/// Since when the node has had neither.
	unknown_since: Option<Instant>,
}

/// A connection that is made again whenever it breaks.
#[derive(Clone)]
pub(crate) struct Link {
	inner: Arc<Inner>,
}

struct Inner {
	url: String,
	patience: Option<Duration>,
	largest: u32,
	observer: Arc<dyn Observer>,
	genesis: OnceLock<H256>,
	known: Cell<Known>,
	breaks: AtomicU64,
	current: Mutex<Current>,
}

/// The connection that there is, if any, and how many have been made: its number.
#[derive(Default)]
struct Current {
	number: u64,
	client: Option<RpcClient>,
}

impl Link {
	/// A connection to `url`, not made yet. Without `patience` it waits for ever.
	pub(crate) fn new(url: &str, patience: Option<Duration>, observer: Arc<dyn Observer>) -> Self {
		Self::with_limit(url, patience, observer, LARGEST)
	}

	fn with_limit(url: &str, patience: Option<Duration>, observer: Arc<dyn Observer>, largest: u32) -> Self {
		Self {
			inner: Arc::new(Inner {
				url: url.to_owned(),
				patience,
				largest,
				observer,
				genesis: OnceLock::new(),
				known: Cell::default(),
				breaks: AtomicU64::new(0),
				current: Mutex::default(),
			}),
		}
	}

	/// How often a connection has broken. A request between two equal answers was made once.
	pub(crate) fn breaks(&self) -> u64 {
		self.inner.breaks.load(Ordering::SeqCst)
	}

	/// Notes a final block of the chain.
	pub(crate) fn saw(&self, head: Head) {
		let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
		if known.last.is_none_or(|last| last.number < head.number) {
			known.last = Some(head);
		}
		if head.number == 1 {
			known.first = Some(head);
		}
	}

	/// Block 1, if it has been seen to be final.
	pub(crate) fn first(&self) -> Option<Head> {
		self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).first
	}

	/// The error for a failure that the caller does not want to wait out.
	fn away(&self, since: Instant, reason: String) -> rpcs::Error {
		let (url, seconds) = (self.inner.url.clone(), since.elapsed().as_secs());
		LinkError::Away { url, seconds, reason }.into()
	}

	/// The error for whoever answers in the node's place.
	fn stranger(&self, reason: String) -> rpcs::Error {
		self.inner.observer.another_chain(&reason);
		LinkError::AnotherChain { url: self.inner.url.clone(), reason }.into()
	}

	/// Connects once, and makes sure that it is still the same chain.
	async fn connect(&self) -> Result<RpcClient, Failed> {
		let url = Url::parse(&self.inner.url).map_err(|error| Failed::Away(error.to_string()))?;
		let transport = WsTransportClientBuilder::default()
			.max_request_size(self.inner.largest)
			.max_response_size(self.inner.largest);
		let (sender, receiver) =
			transport.build(url).await.map_err(|error| Failed::Away(error.to_string()))?;
		let client = Client::builder()
			.max_buffer_capacity_per_subscription(NOTICES)
			.build_with_tokio(sender, receiver);
		let client = RpcClient::new(client);
		self.recognise(&client).await?;
		Ok(client)
	}

	/// Makes sure that a node has the chain that this connection was made to first.
	async fn recognise(&self, client: &RpcClient) -> Result<(), Failed> {
		let hash_of = async |number: u64| -> Result<Option<H256>, Failed> {
			Ok(client.request("chain_getBlockHash", rpc_params![number]).await?)
		};
		let genesis = hash_of(0).await?.ok_or_else(|| Failed::Away("it has no genesis".to_owned()))?;
		if *self.inner.genesis.get_or_init(|| genesis) != genesis {
			return Err(Failed::AnotherChain(format!("its genesis is {genesis:?}")));
		}
		let known = *self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
		let recognised = || {
			self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).unknown_since = None;
			Ok(())
		};
		if let Some(last) = known.last
			&& hash_of(last.number).await? == Some(last.hash)
		{
			return recognised();
		}
		// The states of a node that is far behind are old: what they lack may only not have happened yet.
		let methods = LegacyRpcMethods::<RpcConfigFor<SubstrateConfig>>::new(client.clone());
		if methods.system_health().await.is_ok_and(|health| health.is_syncing) {
			return Err(Failed::Away("it is syncing".to_owned()));
		}
		let (Some(last), first) = (known.last, known.first) else { return recognised() };
		// What a node has at a number is certain once that is final.
		let head = methods.chain_get_finalized_head().await?;
		let finalised = methods.chain_get_header(Some(head)).await?.map_or(0, |header| header.number);
		// Block 1 decides if it is known: a node that crashed may have lost final blocks that few others have.
		for head in first.into_iter().chain([last]) {
			match hash_of(head.number).await? {
				Some(hash) if hash == head.hash => return recognised(),
				Some(hash) if head.number <= finalised => {
					let Head { number, hash: known } = head;
					return Err(Failed::AnotherChain(format!(
						"its block {number} is {hash:?}; this chain's is {known:?}"
					)));
				}
				_ => {}
			}
		}
		let since = {
			let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
			*known.unknown_since.get_or_insert_with(Instant::now)
		};
		if since.elapsed() > STRANGER {
			let reason = format!("it lacks block {}, and does not sync", last.number);
			return Err(Failed::AnotherChain(reason));
		}
		Err(Failed::Away(format!("it does not have block {}", last.number)))
	}

	/// The connection that there is, or a new one, and its number.
	async fn client(&self) -> Result<(u64, RpcClient), rpcs::Error> {
		// Held while connecting: others wait instead of connecting too.
		let mut current = self.inner.current.lock().await;
		if let Some(client) = &current.client {
			return Ok((current.number, client.clone()));
		}
		let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
		loop {
			match self.connect().await {
				Ok(client) => {
					if pause > FIRST_PAUSE {
						tracing::info!(url = %self.inner.url, "the node is back");
					}
					current.client = Some(client.clone());
					current.number += 1;
					self.inner.observer.connected();
					return Ok((current.number, client));
				}
				Err(Failed::AnotherChain(reason)) => return Err(self.stranger(reason)),
				Err(Failed::Away(reason)) => {
					if self.inner.patience.is_some_and(|patience| since.elapsed() + pause > patience) {
						return Err(self.away(since, reason));
					}
					tracing::warn!(
						url = %self.inner.url,
						%reason,
						next_attempt_ms = pause.as_millis(),
						"the node is away; waiting for it"
					);
				}
			}
			tokio::time::sleep(pause).await;
			pause = (pause * 2).min(LONGEST_PAUSE);
		}
	}

	/// Drops the connection of this number, so that the next request makes a new one. Others that failed with it
	/// may have seen to that already.
	async fn drop_client(&self, number: u64) {
		self.inner.breaks.fetch_add(1, Ordering::SeqCst);
		let mut current = self.inner.current.lock().await;
		if current.number == number && current.client.take().is_some() {
			self.inner.observer.disconnected();
		}
	}

	/// Makes a request on a connection of its own: an answer that is too large ends its connection, and all that
	/// wait on it. `None` if the connection broke for another reason.
	async fn alone(
		&self,
		method: &str,
		params: Option<Box<RawValue>>,
	) -> Result<Option<Box<RawValue>>, rpcs::Error> {
		let client = match self.connect().await {
			Ok(client) => client,
			Err(Failed::Away(_)) => return Ok(None),
			Err(Failed::AnotherChain(reason)) => return Err(self.stranger(reason)),
		};
		match client.request_raw(method, params).await {
			Err(rpcs::Error::Client(error)) if too_large(&*error) => {
				let (method, limit) = (method.to_owned(), self.inner.largest);
				Err(LinkError::TooLarge { what: "the answer", method, limit }.into())
			}
			Err(rpcs::Error::Client(_)) => Ok(None),
			answer => answer.map(Some),
		}
	}
}

/// Whether a connection broke because a message was larger than the limit.
fn too_large(error: &(dyn Error + Send + Sync + 'static)) -> bool {
	use soketto::{base, connection};
	let mut error = error.downcast_ref::<ClientError>();
	while let Some(ClientError::RestartNeeded(cause)) = error {
		error = Some(cause);
	}
	let Some(ClientError::Transport(cause)) = error else { return false };
	matches!(
		cause.downcast_ref::<WsError>(),
		Some(WsError::Connection(
			connection::Error::MessageTooLarge { .. }
				| connection::Error::Codec(base::Error::PayloadTooLarge { .. })
		))
	)
}

/// An error without the layers that it came through.
fn reason(error: &rpcs::Error) -> String {
	error.to_string().replace("RPC error: client error: ", "")
}

impl RpcClientT for Link {
	fn request_raw<'a>(
		&'a self,
		method: &'a str,
		params: Option<Box<RawValue>>,
	) -> RawRpcFuture<'a, Box<RawValue>> {
		Box::pin(async move {
			// Such a request would end the connection. The method and the frame take little beside the parameters.
			let limit = self.inner.largest;
			if params.as_ref().is_some_and(|params| params.get().len() + 1024 > limit as usize) {
				return Err(
					LinkError::TooLarge { what: "the request", method: method.to_owned(), limit }.into()
				);
			}
			let since = Instant::now();
			loop {
				let (number, client) = self.client().await?;
				match client.request_raw(method, params.clone()).await {
					Err(rpcs::Error::Client(error)) => {
						let reason = error.to_string();
						// Also before giving up: the next request shall not find what is dead.
						self.drop_client(number).await;
						if too_large(&*error)
							&& let Some(answer) = self.alone(method, params.clone()).await?
						{
							return Ok(answer);
						}
						if self.inner.patience.is_some_and(|patience| since.elapsed() > patience) {
							return Err(self.away(since, reason));
						}
						tracing::warn!(url = %self.inner.url, method, %reason, "the connection broke");
						tokio::time::sleep(FIRST_PAUSE).await;
					}
					other => return other,
				}
			}
		})
	}

	fn subscribe_raw<'a>(
		&'a self,
		sub: &'a str,
		params: Option<Box<RawValue>>,
		unsub: &'a str,
	) -> RawRpcFuture<'a, RawRpcSubscription> {
		Box::pin(async move { self.client().await?.1.subscribe_raw(sub, params, unsub).await })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use jsonrpsee::{
		RpcModule,
		server::{ServerBuilder, ServerHandle},
	};

	const GENESIS: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";

	/// A node that knows its genesis and its name.
	async fn node(address: &str, genesis: &'static str) -> (ServerHandle, String) {
		let server = loop {
			// The port of a node that has just stopped may need a moment.
			match ServerBuilder::default().build(address).await {
				Ok(server) => break server,
				Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
			}
		};
		let address = server.local_addr().unwrap().to_string();
		let mut module = RpcModule::new(());
		module.register_method("chain_getBlockHash", move |_, _, _| genesis).unwrap();
		module.register_method("system_chain", |_, _, _| "test").unwrap();
		module.register_method("large", |_, _, _| "x".repeat(20_000)).unwrap();
		(server.start(module), address)
	}

	async fn ask(link: &RpcClient) -> Result<String, rpcs::Error> {
		link.request("system_chain", rpc_params![]).await
	}

	fn link(address: &str, patience: Option<Duration>) -> RpcClient {
		observed(address, patience, Arc::new(()))
	}

	fn observed(address: &str, patience: Option<Duration>, observer: Arc<dyn Observer>) -> RpcClient {
		RpcClient::new(Link::new(&format!("ws://{address}"), patience, observer))
	}

	/// What the connection itself says.
	fn why(error: rpcs::Error) -> LinkError {
		let rpcs::Error::Client(error) = error else { panic!("{error}") };
		error.downcast_ref::<LinkError>().unwrap().clone()
	}

	/// Writes down what it is told.
	#[derive(Default)]
	struct Diary(std::sync::Mutex<Vec<&'static str>>);

	impl Observer for Diary {
		fn connected(&self) {
			self.0.lock().unwrap().push("connected");
		}

		fn disconnected(&self) {
			self.0.lock().unwrap().push("disconnected");
		}
	}

	#[tokio::test]
	async fn a_node_that_answers_is_heard() {
		let (_server, address) = node("127.0.0.1:0", GENESIS).await;
		assert_eq!(ask(&link(&address, None)).await.unwrap(), "test");
	}

	#[tokio::test]
	async fn a_request_waits_for_a_node_that_restarts() {
		let (server, address) = node("127.0.0.1:0", GENESIS).await;
		let link = link(&address, None);
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		let waiting = tokio::spawn(async move { ask(&link).await });
		tokio::time::sleep(Duration::from_millis(600)).await;
		assert!(!waiting.is_finished());
		let (_server, _) = node(&address, GENESIS).await;
		assert_eq!(waiting.await.unwrap().unwrap(), "test");
	}

	#[tokio::test]
	async fn an_observer_is_told_of_each_connection_and_each_break() {
		let (server, address) = node("127.0.0.1:0", GENESIS).await;
		let diary = Arc::new(Diary::default());
		let link = observed(&address, None, diary.clone());
		ask(&link).await.unwrap();
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		// All that wait fail together; that is one break, and one connection afterwards.
		let waiting: Vec<_> = (0..8)
			.map(|_| {
				let link = link.clone();
				tokio::spawn(async move { ask(&link).await })
			})
			.collect();
		let (_server, _) = node(&address, GENESIS).await;
		for answer in waiting {
			answer.await.unwrap().unwrap();
		}
		assert_eq!(*diary.0.lock().unwrap(), ["connected", "disconnected", "connected"]);
	}

	#[tokio::test]
	async fn another_chain_at_the_same_address_is_not_taken() {
		let (server, address) = node("127.0.0.1:0", GENESIS).await;
		let link = link(&address, Some(Duration::from_secs(1)));
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		let (_server, _) =
			node(&address, "0x0202020202020202020202020202020202020202020202020202020202020202").await;
		assert!(matches!(why(ask(&link).await.unwrap_err()), LinkError::AnotherChain { .. }));
	}

	#[tokio::test]
	async fn who_gave_up_connects_again_when_asked_again() {
		let (server, address) = node("127.0.0.1:0", GENESIS).await;
		let diary = Arc::new(Diary::default());
		let link = observed(&address, Some(Duration::ZERO), diary.clone());
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		assert!(matches!(why(ask(&link).await.unwrap_err()), LinkError::Away { .. }));
		let (_server, _) = node(&address, GENESIS).await;
		assert_eq!(ask(&link).await.unwrap(), "test");
		assert_eq!(*diary.0.lock().unwrap(), ["connected", "disconnected", "connected"]);
	}

	#[tokio::test]
	async fn patience_ends() {
		// Nobody listens on the discard port.
		let error = ask(&link("127.0.0.1:9", Some(Duration::from_millis(500)))).await.unwrap_err();
		assert!(matches!(why(error), LinkError::Away { .. }));
	}

	fn limited(address: &str) -> RpcClient {
		let url = format!("ws://{address}");
		RpcClient::new(Link::with_limit(&url, Some(Duration::from_secs(20)), Arc::new(()), 10_000))
	}

	#[tokio::test]
	async fn an_answer_that_is_too_large_is_an_error_of_its_request_alone() {
		let (_server, address) = node("127.0.0.1:0", GENESIS).await;
		let link = limited(&address);
		let others = (0..4).map(|_| {
			let link = link.clone();
			tokio::spawn(async move {
				for _ in 0..20 {
					assert_eq!(ask(&link).await.unwrap(), "test");
				}
			})
		});
		let others: Vec<_> = others.collect();
		let large = link.request::<String>("large", rpc_params![]).await.unwrap_err();
		assert!(matches!(why(large), LinkError::TooLarge { what: "the answer", .. }));
		for other in others {
			other.await.unwrap();
		}
		assert_eq!(ask(&link).await.unwrap(), "test");
	}

	#[tokio::test]
	async fn a_request_that_is_too_large_does_not_break_the_connection() {
		let (_server, address) = node("127.0.0.1:0", GENESIS).await;
		let link = limited(&address);
		ask(&link).await.unwrap();
		let params = rpc_params!["x".repeat(20_000)];
		let large = link.request::<String>("system_chain", params).await.unwrap_err();
		assert!(matches!(why(large), LinkError::TooLarge { what: "the request", .. }));
		assert_eq!(ask(&link).await.unwrap(), "test");
	}
}
