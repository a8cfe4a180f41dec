//! Where Prometheus reads the metrics: a small HTTP server.

use crate::context::Context;
use anyhow::Context as _;
use http_body_util::Full;
use hyper::{
	Method, Request, Response, StatusCode,
	body::{Bytes, Incoming},
	header::{ALLOW, CONTENT_TYPE},
	server::conn::http1,
	service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, time::Duration};
use tokio::{
	net::TcpListener,
	runtime::Handle,
	task::{JoinHandle, JoinSet},
	time::timeout,
};

/// What Prometheus is told that the text is.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections that are served at a time: who opens more waits.
const CONNECTIONS: usize = 16;

/// How long a connection, which is for one request, may take over sending it and reading the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `/metrics` until it is dropped.
#[derive(Debug)]
pub struct Endpoint {
	address: SocketAddr,
	server: JoinHandle<()>,
}

impl Endpoint {
	/// Serves a worker's metrics at `address`; port 0 stands for any that is free.
	///
	/// # Errors
	///
	/// If nothing can listen there, such as when another process does.
	pub async fn start(context: &Context, address: SocketAddr) -> anyhow::Result<Self> {
		let listen = async {
			let listener = TcpListener::bind(address).await?;
			Ok::<_, std::io::Error>((listener.local_addr()?, listener))
		};
		let (address, listener) =
			listen.await.with_context(|| format!("cannot serve metrics at {address}"))?;
		tracing::info!("metrics at http://{address}/metrics");
		Ok(Self { address, server: tokio::spawn(serve(listener, context.clone())) })
	}

	/// Where it listens.
	pub fn address(&self) -> SocketAddr {
		self.address
	}
}

impl Drop for Endpoint {
	fn drop(&mut self) {
		self.server.abort();
	}
}

async fn serve(listener: TcpListener, context: Context) {
	// They end with this: who holds it aborts them too.
	let mut connections = JoinSet::new();
	loop {
		if connections.len() == CONNECTIONS {
			connections.join_next().await;
		}
		let stream = match listener.accept().await {
			Ok((stream, _)) => stream,
			Err(error) => {
				// Out of files, perhaps: that passes.
				tracing::warn!(%error, "the metrics' server cannot take a connection");
				tokio::time::sleep(Duration::from_secs(1)).await;
				continue;
			}
		};
		let context = context.clone();
		connections.spawn(async move {
			let answer = service_fn(move |request| answer(context.clone(), request));
			let mut server = http1::Builder::new();
			let served = server.keep_alive(false).serve_connection(TokioIo::new(stream), answer);
			match timeout(PATIENCE, served).await {
				Ok(Ok(())) => {}
				Ok(Err(error)) => tracing::debug!(%error, "a connection to the metrics' server"),
				Err(_) => tracing::debug!("a connection to the metrics' server took too long"),
			}
		});
	}
}

type Answer = hyper::http::Result<Response<Full<Bytes>>>;

async fn answer(context: Context, request: Request<Incoming>) -> Answer {
	if request.uri().path() != "/metrics" {
		return Response::builder().status(StatusCode::NOT_FOUND).body("see /metrics\n".into());
	}
	if !matches!(*request.method(), Method::GET | Method::HEAD) {
		let refusal = Response::builder().status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD");
		return refusal.body(Full::default());
	}
	// Looks at the store, which is on disk.
	match tokio::task::spawn_blocking(move || text(&context)).await {
		Ok(Ok(text)) => Response::builder().header(CONTENT_TYPE, FORMAT).body(text.into()),
		failed => {
			tracing::error!(?failed, "the metrics cannot be written");
			Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(Full::default())
		}
	}
}

/// All metrics, those of the process, of the store and of the network as of now.
fn text(context: &Context) -> Result<String, std::fmt::Error> {
	context.metrics().async_tasks(Handle::current().metrics().num_alive_tasks());
	match context.store().list() {
		Ok(blobs) => {
			context.metrics().store(Some((blobs.len(), blobs.iter().map(|blob| blob.len).sum())));
		}
		Err(error) => {
			tracing::warn!(%error, "the store cannot be listed for the metrics");
			context.metrics().store(None);
		}
	}
	if let Some(Some(peers)) = context.peers_cell().get() {
		let network = peers.network();
		let faults = network.faults().into_iter().map(|(_, record)| record.fault);
		context.metrics().network(&network.stats(), faults);
	}
	context.metrics().text()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::context::tests::offline;
	use oda_client::Observer;
	use tokio::{
		io::{AsyncReadExt, AsyncWriteExt},
		net::TcpStream,
	};

	const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

	/// What an endpoint answers to a request line.
	async fn ask(address: SocketAddr, request: &str) -> String {
		let mut stream = TcpStream::connect(address).await.unwrap();
		let request = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
		stream.write_all(request.as_bytes()).await.unwrap();
		let mut answer = String::new();
		stream.read_to_string(&mut answer).await.unwrap();
		answer
	}

	#[tokio::test]
	async fn metrics_are_read_over_http() {
		let (_base, context) = offline();
		context.store().put(b"seven!!").unwrap();
		context.metrics().finalised(42);
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		let answer = ask(endpoint.address(), "GET /metrics").await;
		assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
		assert!(
			answer.to_lowercase().contains("\r\ncontent-type: application/openmetrics-text;"),
			"{answer}"
		);
		for line in [
			concat!("oda_worker_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
			"oda_worker_finalised_block 42",
			"oda_worker_store_blobs 1.0",
			"oda_worker_store_bytes 7.0",
			"oda_worker_challenge_commitments_total 0",
			"# TYPE oda_worker_evaluation_duration_seconds histogram",
		] {
			assert!(answer.lines().any(|l| l == line), "no line {line:?} in\n{answer}");
		}
		assert!(answer.ends_with("# EOF\n"), "{answer}");
	}

	#[tokio::test]
	async fn asynchronous_tasks_are_counted_while_they_live() {
		let (_base, context) = offline();
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		let count = async || -> usize {
			let answer = ask(endpoint.address(), "GET /metrics").await;
			let mut found = answer.lines().filter_map(|line| line.strip_prefix("oda_worker_async_tasks "));
			found.next().unwrap().parse().unwrap()
		};
		let before = count().await;
		let mut tasks: JoinSet<()> = (0..3).map(|_| std::future::pending()).collect();
		assert_eq!(count().await, before + 3);
		tasks.shutdown().await;
		assert_eq!(count().await, before);
	}

	#[tokio::test]
	async fn nothing_else_is_served() {
		let (_base, context) = offline();
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		assert!(ask(endpoint.address(), "GET /").await.starts_with("HTTP/1.1 404 "));
		assert!(ask(endpoint.address(), "POST /metrics").await.starts_with("HTTP/1.1 405 "));
	}

	#[tokio::test]
	async fn a_used_port_is_refused() {
		let (_base, context) = offline();
		let first = Endpoint::start(&context, ANY).await.unwrap();
		let error = format!("{:#}", Endpoint::start(&context, first.address()).await.unwrap_err());
		assert!(error.contains(&format!("cannot serve metrics at {}", first.address())), "{error}");
		assert!(error.contains("in use"), "{error}");
	}

	#[tokio::test]
	async fn nothing_is_served_once_it_is_dropped() {
		let (_base, context) = offline();
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		let address = endpoint.address();
		drop(endpoint);
		tokio::task::yield_now().await;
		assert!(TcpStream::connect(address).await.is_err());
	}

	#[tokio::test]
	async fn open_connections_end_with_it() {
		let (_base, context) = offline();
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		let mut silent = TcpStream::connect(endpoint.address()).await.unwrap();
		// Connections are taken in turn: once this is answered, the other is served too.
		ask(endpoint.address(), "GET /").await;
		// From now on a connection that ended for its silence would have the clock go ahead.
		tokio::time::pause();
		let began = tokio::time::Instant::now();
		drop(endpoint);
		assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
		assert!(began.elapsed() < PATIENCE, "it ended for its silence");
	}

	#[tokio::test(start_paused = true)]
	async fn who_sends_nothing_makes_room() {
		let (_base, context) = offline();
		let endpoint = Endpoint::start(&context, ANY).await.unwrap();
		let mut silent = Vec::new();
		// One more than are served at a time.
		for _ in 0..=CONNECTIONS {
			silent.push(TcpStream::connect(endpoint.address()).await.unwrap());
		}
		for mut stream in silent {
			assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
		}
	}
}
