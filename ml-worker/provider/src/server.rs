//! Starting and stopping.

use crate::{
	Config, Metrics,
	chain::{Chain, Head},
	claims::Claim,
	connection::Acceptor,
	engine::Engine,
	http,
	ledger::{Ledger, LedgerError},
	provider::Provider,
	tls::{self, TlsError},
	view::View,
};
use oda_primitives::{ModelId, VersionId};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
	net::{TcpListener, TcpSocket},
	sync::watch,
	task::{JoinError, JoinHandle},
	time::{sleep, timeout},
};

/// Why a provider cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
	/// The ledger.
	#[error("the ledger: {0}")]
	Ledger(#[from] LedgerError),
	/// The certificate.
	#[error(transparent)]
	Tls(#[from] TlsError),
	/// Nothing can listen there, such as when another process does.
	#[error("cannot serve at {address}: {source}")]
	Listen {
		/// Where.
		address: SocketAddr,
		/// Why.
		source: io::Error,
	},
}

/// A provider's server.
#[derive(Debug)]
pub struct Server;

impl Server {
	/// Serves inference until the handle is stopped or dropped.
	///
	/// # Errors
	///
	/// [`StartError`]. A chain that cannot be asked is none: until it can, requests are refused.
	pub async fn start(
		config: Config,
		chain: Arc<dyn Chain>,
		engine: Arc<dyn Engine>,
	) -> Result<Handle, StartError> {
		let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
		let view = View::new(chain, config.times, config.limits.body);
		let ledger = Ledger::open(&config.folder, &view.genesis)?;
		let listen = || {
			let listener = listen(config.listen, config.limits.connections)?;
			io::Result::Ok((listener.local_addr()?, listener))
		};
		let failed = |source| StartError::Listen { address: config.listen, source };
		let (address, listener) = listen().map_err(failed)?;
		let secure = tls.is_some();
		let (limits, times) = (config.limits, config.times);
		let provider = Arc::new(Provider::new(config, view, ledger, engine));
		let stop = watch::Sender::new(false);
		let acceptor = Acceptor {
			listener,
			tls,
			router: http::router(provider.clone()),
			limits,
			times,
			metrics: provider.metrics.clone(),
			stop: stop.subscribe(),
		};
		tracing::info!(%address, secure, "inference is served");
		Ok(Handle {
			address,
			stop,
			follower: tokio::spawn(follow(provider.clone())),
			server: tokio::spawn(acceptor.serve()),
			provider,
		})
	}
}

/// Listens. As many connections as there may be can wait to be accepted, for the system resets those beyond.
fn listen(address: SocketAddr, waiting: usize) -> io::Result<TcpListener> {
	let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
	#[cfg(unix)]
	socket.set_reuseaddr(true)?;
	socket.bind(address)?;
	socket.listen(u32::try_from(waiting).unwrap_or(u32::MAX))
}

/// Follows the chain.
async fn follow(provider: Arc<Provider>) {
	let mut away = false;
	loop {
		match provider.view.advance().await {
			Ok(snapshot) => {
				if std::mem::take(&mut away) {
					tracing::info!("the node answers again");
				}
				if let Some(snapshot) = snapshot {
					provider.review(&snapshot).await;
				}
			}
			Err(error) if !away => {
				away = true;
				tracing::warn!(%error, "no new final blocks; requests are refused once the last one is too old");
			}
			Err(_) => {}
		}
		sleep(provider.config.times.poll).await;
	}
}

/// A provider's server that runs. When it is dropped, it ends at once; what was promised something for is still on disk.
pub struct Handle {
	address: SocketAddr,
	stop: watch::Sender<bool>,
	follower: JoinHandle<()>,
	server: JoinHandle<()>,
	provider: Arc<Provider>,
}

impl Handle {
	/// Where it listens.
	pub fn address(&self) -> SocketAddr {
		self.address
	}

	/// The final block that requests are judged by; `None` until the chain has answered.
	pub fn head(&self) -> Option<Head> {
		self.provider.view.head()
	}

	/// What is to be claimed now, the most urgent first. It changes with final blocks.
	pub fn claims(&self) -> watch::Receiver<Vec<Claim>> {
		self.provider.claims.subscribe()
	}

	/// Whether requests wait for a version of a model: it has to stay loaded as long as they do, even if another one is the
	/// head.
	pub fn is_under_way(&self, model: &ModelId, version: VersionId) -> bool {
		self.provider.under_way.has(&(*model, version))
	}

	/// What it counts.
	pub fn metrics(&self) -> &Metrics {
		&self.provider.metrics
	}

	/// Takes no more requests, finishes those under way, and ends. What takes longer than is allowed is cut off; if it was
	/// promised something for, an equal voucher gets the answer after the next start.
	///
	/// # Errors
	///
	/// The server has panicked.
	pub async fn stop(mut self) -> Result<(), JoinError> {
		self.stop.send_replace(true);
		let served = (&mut self.server).await;
		if timeout(self.provider.config.times.stop, self.provider.finish()).await.is_err() {
			tracing::warn!("requests that were promised something for are not answered yet");
		}
		served
	}
}

impl Drop for Handle {
	fn drop(&mut self) {
		self.follower.abort();
		self.server.abort();
	}
}
