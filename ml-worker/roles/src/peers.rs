//! The network of peers: getting blobs that are not here, and giving those that are.
//!
//! The first process of a base path has its peer's key and serves what lies in the store; others beside it fetch
//! under keys of their own, and serve nothing. What is served and fetched is what the chain names, unless the
//! settings allow more.

use crate::{
	context::Context,
	wanted::{Wish, Wishes},
};
use anyhow::Context as _;
use oda_blobs::Store;
use oda_client::{Chain, NamedBlobs, View};
use oda_network::{
	FetchError, FetchState, Identity, Network, NetworkHandle, PeerId, Registered, Report, Want, peer_of,
};
use oda_primitives::BlobRef;
use std::{
	collections::{HashMap, HashSet},
	fs::{File, TryLockError},
	path::{Path, PathBuf},
	sync::{Arc, PoisonError, RwLock},
	time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// How often the chain is asked which blobs it names, and the store which are here, at most; where asking takes
/// long, it takes a twentieth of the time.
const REFRESH: Duration = Duration::from_secs(1);

/// The longest pause in between. Each new block takes its time to ask about, so that a pause that may grow
/// with that time makes the next one longer still, and what was registered meanwhile is refused for minutes.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Between two searches for a blob that nobody had.
const SEARCH_AGAIN: Duration = Duration::from_millis(500);

/// The blobs that the chain names: roots and lengths.
#[derive(Default)]
struct Named(RwLock<HashMap<[u8; 32], u64>>);

impl Named {
	fn add(&self, blob: &BlobRef) {
		let mut named = self.0.write().unwrap_or_else(PoisonError::into_inner);
		named.entry(blob.root).or_insert(blob.len);
	}

	fn set(&self, blobs: HashMap<[u8; 32], u64>) {
		*self.0.write().unwrap_or_else(PoisonError::into_inner) = blobs;
	}

	fn len_of(&self, root: &[u8; 32]) -> Option<u64> {
		self.0.read().unwrap_or_else(PoisonError::into_inner).get(root).copied()
	}
}

impl Registered for Named {
	fn registered(&self, root: &[u8; 32]) -> bool {
		self.len_of(root).is_some()
	}
}

/// A running network, and what is wished for from it.
pub struct Peers {
	network: Network,
	identity: Identity,
	store: Store,
	named: Arc<Named>,
	wishes: Wishes,
	/// What goes on beside it.
	tasks: Vec<JoinHandle<()>>,
	// Held for as long as this process has the peer's key.
	_lock: Option<File>,
}

impl Drop for Peers {
	fn drop(&mut self) {
		self.tasks.iter().for_each(JoinHandle::abort);
	}
}

/// The lock that goes with a base path's peer key; `None` if another process has it.
fn lock(base: &Path) -> anyhow::Result<Option<File>> {
	let folder = base.join("network");
	std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
	let path = folder.join("lock");
	let file = File::create(&path).with_context(|| path.display().to_string())?;
	match file.try_lock() {
		Ok(()) => Ok(Some(file)),
		Err(TryLockError::WouldBlock) => Ok(None),
		Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
	}
}

impl Peers {
	/// Starts it.
	pub(crate) async fn start(context: &Context) -> anyhow::Result<Option<Self>> {
		let Some(mut config) = context.settings().network.clone() else { return Ok(None) };
		let lock = lock(&context.settings().base_path)?;
		let identity = if lock.is_some() {
			Identity::open(&context.settings().base_path)?
		} else {
			// The addresses are taken.
			config.listen = Vec::new();
			Identity::ephemeral()?
		};
		let named = Arc::<Named>::default();
		let registered: Arc<dyn Registered> = Arc::clone(&named) as _;
		let network = Network::start(config, identity.clone(), context.store().clone(), registered).await?;
		tracing::info!(
			peer = %network.peer_id(),
			addresses = ?network.listen_addrs().iter().map(ToString::to_string).collect::<Vec<_>>(),
			"in the network of peers"
		);
		let mut tasks = vec![tokio::spawn(refresh(context.clone(), network.handle(), Arc::clone(&named)))];
		if lock.is_some() {
			tasks.push(tokio::spawn(unban(context.settings().base_path.clone(), network.handle())));
		}
		let store = context.store().clone();
		Ok(Some(Self { network, identity, store, named, wishes: Wishes::default(), tasks, _lock: lock }))
	}

	/// The network.
	pub fn network(&self) -> &Network {
		&self.network
	}

	/// This peer's key.
	pub fn identity(&self) -> &Identity {
		&self.identity
	}

	/// The length of a blob that the chain names.
	pub fn len_of(&self, root: &[u8; 32]) -> Option<u64> {
		self.named.len_of(root)
	}

	/// Gets a blob that the chain names into the store; waits for it, and says so when nobody has it.
	/// `progress` is told what is verified, and from how many peers it comes.
	pub(crate) async fn obtain(
		&self,
		chain: Option<&Chain>,
		blob: &BlobRef,
		progress: impl FnMut(u64, usize),
	) -> anyhow::Result<Report> {
		self.named.add(blob);
		obtain(&self.network.handle(), chain, blob, progress).await
	}

	/// Gets a blob in the background, for as long as what this returns is held.
	pub(crate) fn wish(&self, chain: Chain, blob: BlobRef) -> Arc<Wish> {
		self.named.add(&blob);
		let (network, store) = (self.network.handle(), self.store.clone());
		self.wishes.join(blob, |ended| {
			let fetch = async move {
				let fetched = obtain(&network, Some(&chain), &blob, |_, _| ()).await;
				match fetched.and_then(|report| Ok(store.mark_passing(&blob.root).map(|()| report)?)) {
					Ok(report) => tracing::info!(
						blob = hex::encode(blob.root),
						bytes = blob.len,
						peers = report.sources.len(),
						seconds = report.time.as_secs_f64(),
						"fetched"
					),
					Err(error) => {
						let (blob, error) = (hex::encode(blob.root), format!("{error:#}"));
						tracing::warn!(blob, error, "not fetched");
					}
				}
				ended.send_replace(true);
			};
			tokio::spawn(fetch).abort_handle()
		})
	}

	/// Whether anybody wishes for a blob.
	pub(crate) fn wishes(&self) -> &Wishes {
		&self.wishes
	}
}

/// The most keepers of a blob that are asked for it.
const MAX_KEEPERS: usize = 64;

/// The peers that the chain says keep a blob.
async fn keepers(view: &View, blob: &BlobRef) -> anyhow::Result<Vec<PeerId>> {
	let mut peers = Vec::new();
	for keeper in view.keepers_of(blob.root, MAX_KEEPERS).await? {
		peers.extend(view.peer_of(&keeper).await?.as_ref().and_then(peer_of));
	}
	Ok(peers)
}

async fn obtain(
	network: &NetworkHandle,
	chain: Option<&Chain>,
	blob: &BlobRef,
	mut progress: impl FnMut(u64, usize),
) -> anyhow::Result<Report> {
	let mut said = false;
	let mut known: Option<Vec<PeerId>> = None;
	loop {
		let peers = match chain {
			Some(chain) => keepers(&chain.finalised().await?, blob).await?,
			None => Vec::new(),
		};
		// A peer was bound to a keeper, or another keeper took a replica.
		if known.replace(peers.clone()).is_some_and(|known| known != peers) {
			network.ask_again();
		}
		let want = Want { peers, ..Want::new(*blob) };
		let fetched = network.obtain(&want, |now| {
			if now.doing != FetchState::Searching {
				progress(now.verified, now.sources);
			}
		});
		match fetched.await {
			Err(error @ FetchError::NoSource { .. }) => {
				if !std::mem::replace(&mut said, true) {
					tracing::warn!("{error}; waiting for it");
				}
				tokio::time::sleep(SEARCH_AGAIN).await;
			}
			done => return Ok(done?),
		}
	}
}

/// Where commands leave what the process that has the peer's key is to do: an empty file for each peer.
fn unban_folder(base: &Path) -> PathBuf {
	base.join("network").join("unban")
}

/// Asks the process that has a base path's peer key to unban a peer: it looks every second.
///
/// # Errors
///
/// With the path: it cannot be written.
pub fn ask_to_unban(base: &Path, peer: &PeerId) -> anyhow::Result<()> {
	let folder = unban_folder(base);
	std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
	let path = folder.join(peer.to_string());
	File::create(&path).with_context(|| path.display().to_string())?;
	Ok(())
}

/// The peers that are to be unbanned, each once.
fn asked_to_unban(base: &Path) -> Vec<PeerId> {
	let Ok(entries) = std::fs::read_dir(unban_folder(base)) else { return Vec::new() };
	let mut peers = Vec::new();
	for entry in entries.flatten() {
		peers.extend(entry.file_name().to_str().and_then(|name| name.parse::<PeerId>().ok()));
		if let Err(error) = std::fs::remove_file(entry.path()) {
			tracing::warn!(path = %entry.path().display(), %error, "cannot be removed");
		}
	}
	peers
}

/// Unbans whom it is asked to, for as long as this process has the peer's key.
async fn unban(base: PathBuf, network: NetworkHandle) {
	loop {
		for peer in asked_to_unban(&base) {
			tracing::info!(%peer, "unbanned");
			network.unban(peer);
		}
		tokio::time::sleep(REFRESH).await;
	}
}

/// Follows which blobs the chain names, and announces those that are here.
async fn refresh(context: Context, network: NetworkHandle, named: Arc<Named>) {
	let (mut announced, mut on_chain) = (HashSet::new(), NamedBlobs::new());
	loop {
		let started = Instant::now();
		let refreshed = refresh_once(&context, &network, &named, &mut on_chain, &mut announced).await;
		if let Err(error) = refreshed {
			tracing::warn!(error = format!("{error:#}"), "the blobs that the chain names are not known");
		}
		tokio::time::sleep(pause_after(started.elapsed())).await;
	}
}

/// How long the chain is not asked, once that took so long.
fn pause_after(took: Duration) -> Duration {
	(took * 20).clamp(REFRESH, LONGEST_PAUSE)
}

async fn refresh_once(
	context: &Context,
	network: &NetworkHandle,
	named: &Named,
	on_chain: &mut NamedBlobs,
	announced: &mut HashSet<[u8; 32]>,
) -> anyhow::Result<()> {
	if on_chain.follow(&context.chain().await?).await? {
		named.set(on_chain.blobs());
		// Others follow the chain too: what they refused they may serve now.
		network.ask_again();
	}
	let here = context.store().list()?;
	announced.retain(|root| here.iter().any(|blob| blob.root == *root));
	for blob in here {
		if named.registered(&blob.root) && announced.insert(blob.root) {
			network.provide(&blob.root).await?;
		}
	}
	Ok(())
}

impl Context {
	/// The network of peers, which is entered when first asked for; `None` if the settings say that there is
	/// none.
	pub async fn peers(&self) -> anyhow::Result<Option<&Peers>> {
		Ok(self.peers_cell().get_or_try_init(|| Peers::start(self)).await?.as_ref())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_slow_node_does_not_make_each_pause_longer_than_the_one_before() {
		// A block a second, each of which takes half a second to ask about.
		let took = |pause: Duration| pause / 2;
		let mut pause = Duration::from_secs(1);
		for _ in 0..10 {
			pause = pause_after(took(pause));
			assert!(pause <= LONGEST_PAUSE, "{pause:?}");
		}
		assert_eq!(pause_after(Duration::from_millis(1)), REFRESH);
	}

	#[test]
	fn what_is_asked_of_the_process_with_the_key_is_found_once() {
		let base = tempfile::tempdir().unwrap();
		assert!(asked_to_unban(base.path()).is_empty());
		let (one, other) = (PeerId::random(), PeerId::random());
		for peer in [one, other, one] {
			ask_to_unban(base.path(), &peer).unwrap();
		}
		std::fs::write(unban_folder(base.path()).join("nobody"), "").unwrap();
		let found: HashSet<PeerId> = asked_to_unban(base.path()).into_iter().collect();
		assert_eq!(found, HashSet::from([one, other]));
		assert!(asked_to_unban(base.path()).is_empty());
	}
}
