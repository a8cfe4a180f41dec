//! What the tasks of a network share.

use crate::{
	Answer, FetchError, NetworkConfig, NetworkError,
	book::{Ban, Book, Fault},
	download::{Download, Failures},
	limit::Throttle,
};
use libp2p::{Multiaddr, PeerId, Stream};
use oda_blobs::{BlobRef, Store};
use std::{
	collections::{BTreeMap, HashMap},
	sync::{
		Arc, Mutex, MutexGuard, PoisonError, Weak,
		atomic::{AtomicBool, AtomicU64, Ordering},
	},
	time::Duration,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How long connecting, and opening a stream, may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Says which blobs are exchanged: those that the chain knows. Asked often, so it answers from memory.
pub trait Registered: Send + Sync {
	/// Whether the chain knows this root.
	fn registered(&self, root: &[u8; 32]) -> bool;
}

/// Why a peer could not be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unreached {
	/// Somebody else is at its address.
	OtherPeer(PeerId),
	Failed(String),
}

impl From<Unreached> for Answer {
	fn from(unreached: Unreached) -> Self {
		match unreached {
			Unreached::OtherPeer(peer) => Self::OtherPeer(peer),
			Unreached::Failed(reason) => Self::Unreachable(reason),
		}
	}
}

/// What the task that owns the connections is asked to do.
pub(crate) enum Command {
	Connect(PeerId, oneshot::Sender<Result<(), Unreached>>),
	Disconnect(PeerId),
	Block(PeerId),
	Unblock(PeerId),
	Learn(PeerId, Multiaddr),
	Provide([u8; 32]),
	Withdraw([u8; 32]),
	Providers([u8; 32], mpsc::Sender<PeerId>),
}

/// Counters since the start.
#[derive(Default)]
pub(crate) struct Counters {
	pub(crate) up: AtomicU64,
	pub(crate) down: AtomicU64,
	pub(crate) served: AtomicU64,
	pub(crate) turned_away: AtomicU64,
	pub(crate) wasted: AtomicU64,
}

pub(crate) struct Shared {
	pub(crate) me: PeerId,
	pub(crate) config: NetworkConfig,
	pub(crate) store: Store,
	pub(crate) registered: Arc<dyn Registered>,
	pub(crate) book: Mutex<Book>,
	pub(crate) connected: Mutex<BTreeMap<PeerId, Vec<Multiaddr>>>,
	pub(crate) listening: Mutex<Vec<Multiaddr>>,
	pub(crate) downloads: Mutex<HashMap<BlobRef, Weak<Download>>>,
	pub(crate) failures: Mutex<Failures>,
	/// Bootstrap peers and relays that were called in vain, and why.
	pub(crate) missed: Mutex<BTreeMap<PeerId, Unreached>>,
	pub(crate) counters: Counters,
	pub(crate) upload: Throttle,
	pub(crate) download: Throttle,
	pub(crate) commands: mpsc::Sender<Command>,
	pub(crate) control: libp2p_stream::Control,
	/// Tells of peers that have just connected.
	pub(crate) arrivals: broadcast::Sender<PeerId>,
	/// Tells when all that is wanted is to be asked for again.
	pub(crate) again: watch::Sender<()>,
	/// Tells of peers to which a connection is about to be closed while another goes on.
	pub(crate) detours: broadcast::Sender<PeerId>,
	/// Whether another process with this peer's key was met.
	pub(crate) copied: Arc<AtomicBool>,
	/// Cancelled when the network ends.
	pub(crate) end: CancellationToken,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
	pub(crate) async fn command(&self, command: Command) -> Result<(), NetworkError> {
		self.commands.send(command).await.map_err(|_| NetworkError::ShutDown)
	}

	/// Whether a blob may be exchanged.
	pub(crate) fn allowed(&self, root: &[u8; 32]) -> bool {
		self.config.allow_unregistered || self.registered.registered(root)
	}

	/// The download of a blob that is under way.
	pub(crate) fn downloading(&self, blob: &BlobRef) -> Option<Arc<Download>> {
		lock(&self.downloads).get(blob).and_then(Weak::upgrade)
	}

	pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
		lock(&self.connected).contains_key(peer)
	}

	/// Waits, from now on, until a detour to a peer ends: what is under way to it may be on that connection, and nothing
	/// else would tell.
	pub(crate) fn detour_ends(&self, peer: PeerId) -> impl Future<Output = ()> + use<> {
		let mut detours = self.detours.subscribe();
		async move {
			loop {
				match detours.recv().await {
					Ok(ended) if ended == peer => return,
					Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
					Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
				}
			}
		}
	}

	/// Notes a fault, and bans the peer if that is due.
	pub(crate) fn fault(&self, peer: PeerId, fault: Fault, root: Option<&[u8; 32]>) {
		let banned = lock(&self.book).fault(peer, fault, root);
		tracing::warn!(%peer, %fault, banned, blob = root.map(hex::encode), "a peer is at fault");
		if banned && self.commands.try_send(Command::Block(peer)).is_err() {
			// The queue is full: the list is compared with the book every second.
			tracing::debug!(%peer, "to be disconnected later");
		}
	}

	pub(crate) fn ban(&self, peer: PeerId, ban: Option<Ban>) {
		lock(&self.book).ban(peer, ban);
		let command = if ban.is_some() { Command::Block(peer) } else { Command::Unblock(peer) };
		drop(self.commands.try_send(command));
	}

	/// A new stream to a peer, after connecting if need be.
	pub(crate) async fn open(&self, peer: PeerId) -> Result<Stream, Unreached> {
		let failed = |reason: &str| Unreached::Failed(reason.to_owned());
		let open = async {
			if !self.is_connected(&peer) {
				let (sender, receiver) = oneshot::channel();
				let sent = self.command(Command::Connect(peer, sender)).await;
				sent.map_err(|error| failed(&error.to_string()))?;
				receiver.await.map_err(|_| failed("the network has been shut down"))??;
			}
			let mut control = self.control.clone();
			let opened = control.open_stream(peer, crate::protocol::BLOBS).await;
			opened.map_err(|error| failed(&error.to_string()))
		};
		tokio::time::timeout(CONNECT, open).await.unwrap_or_else(|_| Err(failed("no answer")))
	}

	pub(crate) fn count(counter: &AtomicU64, n: u64) {
		counter.fetch_add(n, Ordering::Relaxed);
	}
}

impl From<NetworkError> for FetchError {
	fn from(_: NetworkError) -> Self {
		Self::ShutDown
	}
}
