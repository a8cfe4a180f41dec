//! The connection to the node: one that waits.
//!
//! Every request that the network fails is made again once the node is back; waiting is said in the log. All
//! requests are either reads or submissions of a signed transaction, so making one twice does no harm.

use crate::error::AWAY;
use std::{
	sync::{Arc, OnceLock},
	time::{Duration, Instant},
};
use subxt::rpcs::{
	self, RpcClient,
	client::{RawRpcFuture, RawRpcSubscription, RawValue, RpcClientT, rpc_params},
};
use tokio::sync::Mutex;

/// The first pause between two attempts to connect; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: time that a node which is back goes on without whoever has to answer in time.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Who is told how a connection fares. Each method is called often, and must not wait.
pub trait Observer: Send + Sync {
	/// The node answers: at first, and whenever it is back.
	fn connected(&self) {}
	/// The connection broke; it is being made again.
	fn disconnected(&self) {}
	/// The node says that the block of this number is final.
	fn finalised(&self, _number: u64) {}
}

/// Nobody.
impl Observer for () {}

/// A connection that is made again whenever it breaks.
#[derive(Clone)]
pub(crate) struct Link {
	inner: Arc<Inner>,
}

struct Inner {
	url: String,
	patience: Option<Duration>,
	observer: Arc<dyn Observer>,
	genesis: OnceLock<String>,
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
		Self {
			inner: Arc::new(Inner {
				url: url.to_owned(),
				patience,
				observer,
				genesis: OnceLock::new(),
				current: Mutex::default(),
			}),
		}
	}

	/// The error for a failure that the caller does not want to wait out.
	fn away(&self, since: Instant, reason: String) -> rpcs::Error {
		let url = &self.inner.url;
		let waited = since.elapsed().as_secs();
		rpcs::Error::Client(format!("{AWAY} at {url} after {waited} s: {reason}").into())
	}

	/// Connects once, and makes sure that it is still the same chain.
	async fn connect(&self) -> Result<RpcClient, String> {
		let client = RpcClient::from_insecure_url(&self.inner.url).await.map_err(|e| reason(&e))?;
		let genesis: String =
			client.request("chain_getBlockHash", rpc_params![0]).await.map_err(|e| reason(&e))?;
		if *self.inner.genesis.get_or_init(|| genesis.clone()) != genesis {
			return Err(format!("another chain answers there, of genesis {genesis}"));
		}
		Ok(client)
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
				Err(reason) => {
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
		let mut current = self.inner.current.lock().await;
		if current.number == number && current.client.take().is_some() {
			self.inner.observer.disconnected();
		}
	}
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
			let since = Instant::now();
			loop {
				let (number, client) = self.client().await?;
				match client.request_raw(method, params.clone()).await {
					Err(rpcs::Error::Client(error)) => {
						let reason = error.to_string();
						// Also before giving up: the next request shall not find what is dead.
						self.drop_client(number).await;
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
		let (_server, address) = node("127.0.0.1:0", "0x01").await;
		assert_eq!(ask(&link(&address, None)).await.unwrap(), "test");
	}

	#[tokio::test]
	async fn a_request_waits_for_a_node_that_restarts() {
		let (server, address) = node("127.0.0.1:0", "0x01").await;
		let link = link(&address, None);
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		let waiting = tokio::spawn(async move { ask(&link).await });
		tokio::time::sleep(Duration::from_millis(600)).await;
		assert!(!waiting.is_finished());
		let (_server, _) = node(&address, "0x01").await;
		assert_eq!(waiting.await.unwrap().unwrap(), "test");
	}

	#[tokio::test]
	async fn an_observer_is_told_of_each_connection_and_each_break() {
		let (server, address) = node("127.0.0.1:0", "0x01").await;
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
		let (_server, _) = node(&address, "0x01").await;
		for answer in waiting {
			answer.await.unwrap().unwrap();
		}
		assert_eq!(*diary.0.lock().unwrap(), ["connected", "disconnected", "connected"]);
	}

	#[tokio::test]
	async fn another_chain_at_the_same_address_is_not_taken() {
		let (server, address) = node("127.0.0.1:0", "0x01").await;
		let link = link(&address, Some(Duration::from_secs(1)));
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		let (_server, _) = node(&address, "0x02").await;
		let error = ask(&link).await.unwrap_err().to_string();
		assert!(error.contains("another chain") && error.contains(AWAY), "{error}");
	}

	#[tokio::test]
	async fn who_gave_up_connects_again_when_asked_again() {
		let (server, address) = node("127.0.0.1:0", "0x01").await;
		let diary = Arc::new(Diary::default());
		let link = observed(&address, Some(Duration::ZERO), diary.clone());
		ask(&link).await.unwrap();
		server.stop().unwrap();
		server.stopped().await;
		let error = ask(&link).await.unwrap_err().to_string();
		assert!(error.contains(AWAY), "{error}");
		let (_server, _) = node(&address, "0x01").await;
		assert_eq!(ask(&link).await.unwrap(), "test");
		assert_eq!(*diary.0.lock().unwrap(), ["connected", "disconnected", "connected"]);
	}

	#[tokio::test]
	async fn patience_ends() {
		// Nobody listens on the discard port.
		let error = ask(&link("127.0.0.1:9", Some(Duration::from_millis(500)))).await.unwrap_err();
		assert!(error.to_string().contains(AWAY), "{error}");
	}
}
