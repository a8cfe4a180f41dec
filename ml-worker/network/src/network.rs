//! Starting the network, and what can be asked of it.

use crate::{
	Ban, FaultRecord, FetchError, FetchState, Identity, NetworkConfig, NetworkError, Progress, Registered,
	Report, behaviour,
	book::Book,
	download::{Download, State},
	limit::Throttle,
	protocol::BLOBS,
	serve::Server,
	shared::{Command, Counters, Shared, lock},
	swarm::Driver,
};
use libp2p::{Multiaddr, PeerId, Swarm, kad};
use oda_blobs::{BlobRef, Store};
use std::{
	path::Path,
	sync::{Arc, Mutex, atomic::Ordering},
	time::Duration,
};
use tokio::{
	sync::{broadcast, mpsc, watch},
	task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Requests to the task that owns the connections that may wait.
const COMMANDS: usize = 256;

/// How long starting waits for the addresses that are listened on.
const LISTEN: Duration = Duration::from_secs(2);

/// A network that runs as long as this is not dropped.
///
/// It is a [`NetworkHandle`]; clones of the handle do not keep it running.
pub struct Network {
	handle: NetworkHandle,
	tasks: Vec<JoinHandle<()>>,
}

/// What can be asked of a network. Cheap to clone; after the network has ended, everything fails with
/// `ShutDown`.
#[derive(Clone)]
pub struct NetworkHandle {
	shared: Arc<Shared>,
}

/// A blob that is wanted, and on which terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Want {
	/// Which blob.
	pub blob: BlobRef,
	/// Peers that may have it; they are asked besides those that are found.
	pub peers: Vec<PeerId>,
	/// The most bytes that the blob may have; `None`: as long as it is.
	pub limit: Option<u64>,
	/// Whether to go on looking when nobody has it, until the future is dropped.
	pub waits: bool,
}

impl Want {
	/// The blob from whoever has it, however long it is, if it is found at once.
	pub fn new(blob: BlobRef) -> Self {
		Self { blob, peers: Vec::new(), limit: None, waits: false }
	}
}

/// What is known of a peer.
#[derive(Clone, Debug)]
pub struct PeerInfo {
	/// Its id.
	pub peer: PeerId,
	/// Where it was last found, most recent first; those it is connected at before all others.
	pub addresses: Vec<Multiaddr>,
	/// Whether it is connected.
	pub connected: bool,
	/// What it did wrong, oldest first.
	pub faults: Vec<FaultRecord>,
	/// Whether, and until when, it is banned.
	pub ban: Option<Ban>,
}

/// Counters since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
	/// Bytes of slices sent.
	pub bytes_up: u64,
	/// Bytes of slices received, wrong ones too.
	pub bytes_down: u64,
	/// Bytes received that were wrong.
	pub bytes_wasted: u64,
	/// Requests answered with a slice.
	pub served: u64,
	/// Requests turned away because of a limit.
	pub turned_away: u64,
	/// Peers connected now.
	pub peers: usize,
	/// Blobs being fetched now.
	pub downloads: usize,
}

impl std::ops::Deref for Network {
	type Target = NetworkHandle;

	fn deref(&self) -> &NetworkHandle {
		&self.handle
	}
}

impl Drop for Network {
	fn drop(&mut self) {
		self.handle.shared.end.cancel();
	}
}

impl Network {
	/// Starts listening, finding peers and serving what is in `store`. What is known of peers lies beside the
	/// store, in `<base>/network/peers.json`.
	///
	/// # Errors
	///
	/// [`NetworkError::Listen`], if none of the addresses can be listened on; [`NetworkError::BadSetting`];
	/// [`NetworkError::Setup`].
	pub async fn start(
		config: NetworkConfig,
		identity: Identity,
		store: Store,
		registered: Arc<dyn Registered>,
	) -> Result<Self, NetworkError> {
		config.check()?;
		let base = store.dir().parent().unwrap_or(Path::new("."));
		let peers = base.join("network").join("peers.json");
		let ban = Duration::from_secs(config.ban_minutes.saturating_mul(60));
		let book = Book::open(&peers, !identity.is_ephemeral(), ban)?;
		let copied = Arc::default();
		let mut swarm = behaviour::swarm(&identity, &config, &copied)?;
		let listening = listen(&mut swarm, &config.listen)?;
		for address in &config.external {
			swarm.add_external_address(address.clone());
		}
		// Who listens is taken to be reachable until it turns out that it is not.
		let mode = if config.listen.is_empty() { kad::Mode::Client } else { kad::Mode::Server };
		swarm.behaviour_mut().kad.set_mode(Some(mode));
		let mut control = swarm.behaviour().streams.new_control();
		let incoming = control
			.accept(BLOBS)
			.map_err(|error| NetworkError::Setup { what: "the protocol", reason: error.to_string() })?;
		let (commands, receiver) = mpsc::channel(COMMANDS);
		let shared = Arc::new(Shared {
			me: identity.peer_id(),
			upload: Throttle::new(config.upload_limit),
			download: Throttle::new(config.download_limit),
			detours: broadcast::channel(64).0,
			store,
			registered,
			book: Mutex::new(book),
			connected: Mutex::default(),
			listening: Mutex::default(),
			downloads: Mutex::default(),
			failures: Mutex::default(),
			missed: Mutex::default(),
			counters: Counters::default(),
			commands,
			control,
			arrivals: broadcast::channel(COMMANDS).0,
			again: watch::Sender::new(()),
			copied,
			end: CancellationToken::new(),
			config,
		});
		let tasks = vec![
			tokio::spawn(Driver::new(swarm, shared.clone(), receiver).run()),
			tokio::spawn(Server::new(shared.clone()).run(incoming)),
		];
		let network = Self { handle: NetworkHandle { shared }, tasks };
		network.listening(listening).await;
		Ok(network)
	}

	/// Waits until there is an address for each that is listened on.
	async fn listening(&self, wanted: usize) {
		let all = async {
			while lock(&self.shared.listening).len() < wanted {
				tokio::time::sleep(Duration::from_millis(5)).await;
			}
		};
		if tokio::time::timeout(LISTEN, all).await.is_err() {
			tracing::debug!(wanted, "not all addresses are listened on yet");
		}
	}

	/// A handle that can be cloned and passed on.
	pub fn handle(&self) -> NetworkHandle {
		self.handle.clone()
	}

	/// Ends everything in good order: connections are closed, what is known of peers is written.
	pub async fn shutdown(mut self) {
		self.shared.end.cancel();
		for task in self.tasks.drain(..) {
			drop(task.await);
		}
	}
}

/// Listens on those addresses that can be listened on: how many. A machine may have no IPv6.
fn listen(swarm: &mut Swarm<behaviour::Behaviour>, addresses: &[Multiaddr]) -> Result<usize, NetworkError> {
	let mut failed = Vec::new();
	for address in addresses {
		if let Err(error) = swarm.listen_on(address.clone()) {
			failed.push((address, error.to_string()));
		}
	}
	match failed.first() {
		Some((address, reason)) if failed.len() == addresses.len() => {
			Err(NetworkError::Listen { address: address.to_string(), reason: reason.clone() })
		}
		_ => {
			for (address, error) in &failed {
				tracing::warn!(%address, error, "cannot be listened on; the others are");
			}
			Ok(addresses.len() - failed.len())
		}
	}
}

impl NetworkHandle {
	/// This peer's id.
	pub fn peer_id(&self) -> PeerId {
		self.shared.me
	}

	/// The addresses that are listened on, without the peer's id.
	pub fn listen_addrs(&self) -> Vec<Multiaddr> {
		lock(&self.shared.listening).clone()
	}

	/// Takes note of where a peer is.
	pub async fn add_address(&self, peer: PeerId, address: Multiaddr) -> Result<(), NetworkError> {
		self.shared.command(Command::Learn(peer, address)).await
	}

	/// Fetches a blob into the store, from whoever has it, and goes on where it was left. `progress` is told
	/// several times a second. May be dropped at any time; what was verified stays.
	///
	/// # Errors
	///
	/// [`FetchError::NoSource`], as soon as everybody has been asked; [`FetchError::NotRegistered`];
	/// [`FetchError::Store`].
	pub async fn fetch(&self, blob: &BlobRef, progress: impl FnMut(&Progress)) -> Result<Report, FetchError> {
		self.obtain(&Want::new(*blob), progress).await
	}

	/// As [`fetch`](Self::fetch), and asks these peers too.
	pub async fn fetch_from(
		&self,
		blob: &BlobRef,
		peers: &[PeerId],
		progress: impl FnMut(&Progress),
	) -> Result<Report, FetchError> {
		self.obtain(&Want { peers: peers.to_vec(), ..Want::new(*blob) }, progress).await
	}

	/// As [`fetch`](Self::fetch), but goes on looking when nobody has it, until dropped. That nobody has it is
	/// told as [`FetchState::NoSource`].
	pub async fn fetch_waiting(
		&self,
		blob: &BlobRef,
		progress: impl FnMut(&Progress),
	) -> Result<Report, FetchError> {
		self.obtain(&Want { waits: true, ..Want::new(*blob) }, progress).await
	}

	/// Fetches what is wanted, as [`fetch`](Self::fetch) does. All who want the same blob share one download, which ends
	/// when the last of them has dropped this future.
	///
	/// What all who answered refused, or had with another length, is tried again after a pause only, from one second to
	/// a minute; until then the answer is the same at once, unless another peer is named, or any has connected, or
	/// [`ask_again`](Self::ask_again) was called.
	///
	/// # Errors
	///
	/// As [`fetch`](Self::fetch), and [`FetchError::TooLong`] before anybody is asked.
	pub async fn obtain(
		&self,
		want: &Want,
		mut progress: impl FnMut(&Progress),
	) -> Result<Report, FetchError> {
		let blob = want.blob;
		if !self.shared.allowed(&blob.root) {
			return Err(FetchError::NotRegistered(blob.root));
		}
		if blob.len == 0 && blob != BlobRef::of(b"") {
			return Err(FetchError::NotEmpty(blob.root));
		}
		if let Some(limit) = want.limit.filter(|limit| blob.len > *limit) {
			return Err(FetchError::TooLong { blob, limit });
		}
		let connected: Vec<_> = lock(&self.shared.connected).keys().copied().collect();
		let others = want.peers.iter().copied().chain(connected);
		let failure = lock(&self.shared.failures).of(&blob, others);
		if let Some((until, error)) = failure {
			if !want.waits {
				return Err(error);
			}
			let mut again = self.shared.again.subscribe();
			tokio::select! {
				() = tokio::time::sleep_until(until.into()) => {}
				_ = again.changed() => {}
				() = self.shared.end.cancelled() => return Err(FetchError::ShutDown),
			}
		}
		let download = Download::of(&self.shared, blob);
		for peer in &want.peers {
			let _ = download.hints.send(*peer);
		}
		let mut state = download.state.clone();
		loop {
			let State { progress: now, asked, said, result } = state.borrow_and_update().clone();
			progress(&now);
			if let Some(result) = result {
				return result;
			}
			if !want.waits && now.doing == FetchState::NoSource {
				let said = said.to_vec();
				let error = FetchError::NoSource { blob, peers: asked, verified: now.verified, said };
				lock(&self.shared.failures).note(&blob, &error);
				return Err(error);
			}
			if state.changed().await.is_err() {
				return Err(FetchError::ShutDown);
			}
		}
	}

	/// Asks at once for all that is wanted, whatever peers have said before, unless they were at fault: something has
	/// happened by which they may answer otherwise, as when the chain names blobs that it did not name.
	pub fn ask_again(&self) {
		lock(&self.shared.failures).clear();
		self.shared.again.send_replace(());
	}

	/// Announces a blob that is in the store. All that are there are announced from time to time anyhow.
	///
	/// # Errors
	///
	/// [`NetworkError::NotRegistered`].
	pub async fn provide(&self, root: &[u8; 32]) -> Result<(), NetworkError> {
		if !self.shared.allowed(root) {
			return Err(NetworkError::NotRegistered(*root));
		}
		self.shared.command(Command::Provide(*root)).await
	}

	/// Announces a blob no longer; for one that was removed from the store.
	pub async fn withdraw(&self, root: &[u8; 32]) -> Result<(), NetworkError> {
		self.shared.command(Command::Withdraw(*root)).await
	}

	/// Who announces that it has a blob. Takes as long as the look-up does, at most some twenty seconds.
	pub async fn providers(&self, root: &[u8; 32]) -> Result<Vec<PeerId>, NetworkError> {
		let (sender, mut receiver) = mpsc::channel(64);
		self.shared.command(Command::Providers(*root, sender)).await?;
		let mut providers = Vec::new();
		while let Some(peer) = receiver.recv().await {
			if !providers.contains(&peer) {
				providers.push(peer);
			}
		}
		Ok(providers)
	}

	/// All peers that are known or connected.
	pub fn peers(&self) -> Vec<PeerInfo> {
		let mut connected = lock(&self.shared.connected).clone();
		let book = lock(&self.shared.book);
		let mut peers: Vec<_> = book
			.all()
			.map(|(peer, known, faults, ban)| {
				let live = connected.remove(&peer);
				let is_connected = live.is_some();
				let mut addresses = live.unwrap_or_default();
				addresses.extend(known.iter().cloned());
				let mut seen = std::collections::HashSet::new();
				addresses.retain(|address| seen.insert(address.clone()));
				PeerInfo { peer, addresses, connected: is_connected, faults: faults.to_vec(), ban }
			})
			.collect();
		peers.extend(connected.into_iter().map(|(peer, addresses)| PeerInfo {
			peer,
			addresses,
			connected: true,
			faults: Vec::new(),
			ban: None,
		}));
		peers
	}

	/// All faults of all peers.
	pub fn faults(&self) -> Vec<(PeerId, FaultRecord)> {
		let book = lock(&self.shared.book);
		book.all()
			.flat_map(|(peer, _, faults, _)| faults.iter().map(move |fault| (peer, fault.clone())))
			.collect()
	}

	/// Has nothing to do with a peer any more, until it is unbanned.
	pub fn ban(&self, peer: PeerId) {
		self.shared.ban(peer, Some(Ban::Forever));
	}

	/// Ends a ban.
	pub fn unban(&self, peer: PeerId) {
		self.shared.ban(peer, None);
	}

	/// Closes all connections to a peer; it may connect again.
	pub async fn disconnect(&self, peer: PeerId) -> Result<(), NetworkError> {
		self.shared.command(Command::Disconnect(peer)).await
	}

	/// Counters since the start.
	pub fn stats(&self) -> Stats {
		let counters = &self.shared.counters;
		let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
		Stats {
			bytes_up: read(&counters.up),
			bytes_down: read(&counters.down),
			bytes_wasted: read(&counters.wasted),
			served: read(&counters.served),
			turned_away: read(&counters.turned_away),
			peers: lock(&self.shared.connected).len(),
			downloads: lock(&self.shared.downloads).values().filter(|d| d.strong_count() > 0).count(),
		}
	}

	/// The store that blobs are served from and fetched into.
	pub fn store(&self) -> &Store {
		&self.shared.store
	}
}
