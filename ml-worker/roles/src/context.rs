//! What all commands and roles work with.

use crate::{
	evaluation::{Limits, Workbench},
	journal::Journal,
	metrics::Metrics,
	output::Output,
	peers::Peers,
};
use anyhow::{Context as _, bail};
use oda_blobs::{Removed, Store};
use oda_client::{AccountId, Chain, ChainError, View};
use oda_engine::{Engine, EngineConfig};
use oda_network::NetworkConfig;
use oda_primitives::BlobRef;
use std::{
	collections::HashSet,
	net::SocketAddr,
	path::PathBuf,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// For how long it is waited for the block by which a chain is recognised.
const RECOGNISE: Duration = Duration::from_secs(30);

/// Where the worker finds things, and how it works.
#[derive(Clone, Debug)]
pub struct Settings {
	/// The node's address.
	pub node: String,
	/// For how long it is waited for the node; for ever if not set.
	pub node_timeout: Option<Duration>,
	/// Where blobs and journal lie.
	pub base_path: PathBuf,
	/// How models are evaluated.
	pub engine: EngineConfig,
	/// What evaluating may take.
	pub limits: Limits,
	/// How blobs are had from peers; not at all if not set.
	pub network: Option<NetworkConfig>,
	/// Where metrics are served, if anywhere.
	pub prometheus: Option<SocketAddr>,
	/// Where results go.
	pub output: Output,
}

struct Inner {
	settings: Settings,
	store: Store,
	journal: Journal,
	metrics: Arc<Metrics>,
	chain: OnceCell<Chain>,
	bench: OnceCell<Arc<Workbench>>,
	peers: OnceCell<Option<Peers>>,
	/// The accounts for which demands for weights are answered.
	answering: Mutex<HashSet<[u8; 32]>>,
}

/// The worker's means: cheap to clone. The connection and the engine are made when first needed.
#[derive(Clone)]
pub struct Context {
	inner: Arc<Inner>,
}

impl Context {
	/// Opens the store and the journal.
	pub fn open(settings: Settings) -> anyhow::Result<Self> {
		let store = Store::open(&settings.base_path)?;
		let journal = Journal::open(&settings.base_path)?;
		let metrics = Arc::new(Metrics::new());
		let (chain, bench, peers) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
		let answering = Mutex::default();
		let inner = Inner { settings, store, journal, metrics, chain, bench, peers, answering };
		Ok(Self { inner: Arc::new(inner) })
	}

	/// How it was set up.
	pub fn settings(&self) -> &Settings {
		&self.inner.settings
	}

	/// Where results go.
	pub fn output(&self) -> Output {
		self.inner.settings.output
	}

	/// The blobs.
	pub fn store(&self) -> &Store {
		&self.inner.store
	}

	/// The journal.
	pub fn journal(&self) -> &Journal {
		&self.inner.journal
	}

	pub(crate) fn peers_cell(&self) -> &OnceCell<Option<Peers>> {
		&self.inner.peers
	}

	pub(crate) fn answering(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
		self.inner.answering.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// What is counted.
	pub fn metrics(&self) -> &Metrics {
		&self.inner.metrics
	}

	/// The chain; waits for the node.
	///
	/// # Errors
	///
	/// [`ChainError::AnotherChain`](oda_client::ChainError::AnotherChain) later, from whatever is asked, if a node of
	/// another chain answers at the address.
	pub async fn chain(&self) -> anyhow::Result<Chain> {
		let settings = &self.inner.settings;
		let connect = || async {
			let metrics = Arc::clone(&self.inner.metrics);
			let chain = Chain::connect_observed(&settings.node, settings.node_timeout, metrics).await?;
			self.recognise(&chain).await?;
			let outbox = self.inner.journal.outbox(&chain.genesis())?;
			anyhow::Ok(chain.with_outbox(Arc::new(outbox)))
		};
		let chain = self.inner.chain.get_or_try_init(connect).await;
		Ok(chain.with_context(|| format!("connecting to {}", settings.node))?.clone())
	}

	/// Finds out whether the journal is about this chain, or about one of the same genesis that is no more: a
	/// development chain that began anew. What was written about that is set aside.
	async fn recognise(&self, chain: &Chain) -> anyhow::Result<()> {
		let journal = self.journal();
		let Some(mark) = journal.mark(&chain.genesis())? else { return Ok(()) };
		let asked = Instant::now();
		loop {
			match chain.still_has(&mark).await {
				Ok(true) => return Ok(()),
				Ok(false) => {
					// The mark goes with the journal, so the wallets first.
					crate::payer::set_aside(&self.settings().base_path, &mark)?;
					let entries = journal.set_aside(&mark)?;
					tracing::warn!(
						entries,
						"this chain began anew: what the journal holds of its earlier life is set aside"
					);
					return Ok(());
				}
				Err(ChainError::Missing(_)) if asked.elapsed() < RECOGNISE => {
					tokio::time::sleep(Duration::from_millis(500)).await;
				}
				Err(ChainError::Missing(what)) => {
					tracing::warn!(
						block = mark.number,
						"whether the journal is about this chain is not known: {what}"
					);
					return Ok(());
				}
				Err(error) => return Err(error.into()),
			}
		}
	}

	/// Writes down by which block this chain is known, before the first entry about it.
	pub(crate) async fn mark_chain(&self, chain: &Chain) -> anyhow::Result<()> {
		if self.journal().mark(&chain.genesis())?.is_some() {
			return Ok(());
		}
		let mut mark = chain.identity().await?;
		while mark.number == 0 {
			// All chains of this genesis have that block.
			chain.finalised_after(0).await?;
			mark = chain.identity().await?;
		}
		Ok(self.journal().set_mark(&mark)?)
	}

	/// What evaluates; checks the device when first asked for.
	pub async fn bench(&self) -> anyhow::Result<Arc<Workbench>> {
		let start = || async {
			let config = self.inner.settings.engine.clone();
			let engine = tokio::task::spawn_blocking(move || Engine::start(&config)).await?;
			let (source, metrics) = (Arc::new(self.inner.store.clone()), Arc::clone(&self.inner.metrics));
			metrics.engine(&engine);
			anyhow::Ok(Arc::new(Workbench::new(engine, source, self.inner.settings.limits, metrics)))
		};
		self.inner.bench.get_or_try_init(start).await.cloned()
	}

	/// Reads what a role's account has for the metrics, if they are served. Should that fail, no work stops for it.
	pub(crate) async fn observe_balance(&self, view: &View, account: &AccountId) {
		if self.inner.settings.prometheus.is_some() {
			match view.account(account).await {
				Ok(account) => self.inner.metrics.balance(&account),
				Err(error) => tracing::warn!(%account, %error, "no balance for the metrics"),
			}
		}
	}

	/// Whether something of this worker's needs a blob: a pin, what the journal says is under way, or a role that waits
	/// for it.
	pub(crate) fn is_needed(&self, root: &[u8; 32]) -> anyhow::Result<bool> {
		let peers = self.inner.peers.get().and_then(Option::as_ref);
		let wished = peers.is_some_and(|peers| peers.wishes().holds(root));
		Ok(wished || self.store().is_pinned(root) || self.journal().needed()?.contains(root))
	}

	/// Deletes what is neither needed, nor named by the chain: of what services have brought here by themselves, or of
	/// everything.
	pub async fn tidy(&self, view: &View, what: Tidy) -> anyhow::Result<Removed> {
		let peers = self.inner.peers.get().and_then(Option::as_ref);
		let (named, needed) = (view.registered_blobs().await?, self.journal().needed()?);
		let stays = |root: &[u8; 32]| {
			let wished = peers.is_some_and(|peers| peers.wishes().holds(root));
			wished || needed.contains(root) || named.contains_key(root)
		};
		Ok(match what {
			Tidy::Passing => self.store().drop_passing(stays)?,
			Tidy::Everything => self.store().gc(stays)?,
		})
	}

	/// A blob that somebody names by its root, or by a file, which is then stored. If the chain names it, it is
	/// had from peers.
	pub async fn blob(&self, name: &str) -> anyhow::Result<BlobRef> {
		let path = PathBuf::from(name);
		if let Ok(root) = oda_blobs::parse_root(name)
			&& !path.exists()
		{
			let Some(blob) = self.locate(&root).await? else {
				bail!("there is no blob {} in {}", hex::encode(root), self.inner.store.dir().display())
			};
			self.obtain(&blob).await?;
			return Ok(blob);
		}
		let len = std::fs::metadata(&path).with_context(|| path.display().to_string())?.len();
		let bar = self.output().bar(len, "storing", crate::output::Unit::Bytes);
		let blob = self.inner.store.put_file(&path, |done| {
			bar.set_position(done);
			std::ops::ControlFlow::Continue(())
		})?;
		bar.finish_and_clear();
		Ok(blob)
	}
}

/// What is looked through for blobs that nobody needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tidy {
	/// What services have brought here by themselves.
	Passing,
	/// All that lies in the store.
	Everything,
}

/// 32 random bytes that nobody else knows.
pub fn salt() -> anyhow::Result<[u8; 32]> {
	let mut salt = [0; 32];
	getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
	Ok(salt)
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use crate::{
		journal::RegistrationEntry,
		played::{Stage, end_of, settings},
		service,
	};
	use oda_blobs::BlobSource;
	use std::net::Ipv4Addr;

	/// One without a node and without a network, on a base path of its own.
	pub(crate) fn offline() -> (tempfile::TempDir, Context) {
		let base = tempfile::tempdir().unwrap();
		// Nobody listens on the discard port.
		let settings = settings("ws://127.0.0.1:9", base.path());
		let settings = Settings { prometheus: Some((Ipv4Addr::LOCALHOST, 0).into()), ..settings };
		(base, Context::open(settings).unwrap())
	}

	#[tokio::test]
	async fn a_node_that_is_syncing_is_not_taken_for_a_chain_on_which_everything_is_gone() {
		let stage = Stage::set().await;
		let before = stage.actor().await;
		let store = before.context.store().clone();
		let (spec, _) = crate::evaluation::tests::case(&store);
		let data = spec.data.dataset().blob;
		store.mark_passing(&data.root).unwrap();
		stage.finalise(|block| block.set_model(&spec, None));
		before.context.mark_chain(&before.chain).await.unwrap();
		let entry = RegistrationEntry {
			genesis: before.chain.genesis(),
			registrar: "5Grw".to_owned(),
			model: spec.id(),
			salt: [1; 32],
			data: None,
		};
		drop(before.context.journal().begin(entry).unwrap());
		// The node begins with an empty database.
		let (blocks, finalised) = {
			let mut state = stage.node.state();
			state.syncing = true;
			let all = (state.blocks.clone(), state.finalised);
			state.blocks.truncate(3);
			state.finalised = 2;
			all
		};
		stage.node.cut();
		// One process goes on, and another begins.
		let going_on = tokio::spawn(async move { service::tidy(&before.context, &before.chain).await });
		let context = stage.context();
		let anew = context.clone();
		let beginning = tokio::spawn(async move { service::tidy(&anew, &anew.chain().await.unwrap()).await });
		tokio::time::sleep(Duration::from_secs(3)).await;
		let is_intact = || {
			store.has(&data).unwrap() && {
				let entries = context.journal().list::<RegistrationEntry>().unwrap();
				entries.len() == 1
			}
		};
		assert!(is_intact() && !going_on.is_finished() && !beginning.is_finished());
		{
			let mut state = stage.node.state();
			(state.blocks, state.finalised, state.syncing) = (blocks, finalised, false);
		}
		end_of("who went on", going_on).await.unwrap().unwrap();
		end_of("who began", beginning).await.unwrap().unwrap();
		assert!(is_intact());
		// It is not kept for ever, but for as long as the chain names it.
		stage.finalise(|block| block.storage.clear());
		service::tidy(&context, &context.chain().await.unwrap()).await.unwrap();
		assert!(!store.has(&data).unwrap());
	}
}
