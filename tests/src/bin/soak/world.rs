//! The network and the workers that are looked at.

use crate::{
	events,
	sample::{Group, Watched},
};
use anyhow::{Context, Result, ensure};
use oda_blobs::{Holder, Store};
use oda_client::{AccountId, Chain, Key};
use oda_e2e::{Network, Node, Process, Worker, digits, network, node};
use serde_json::{Value, json};
use std::{
	fs,
	path::{Path, PathBuf},
	sync::{Mutex, PoisonError},
	time::Duration,
};
use subxt::{OnlineClient, SubstrateConfig, dynamic};

pub(crate) const ODA: u128 = 1_000_000_000_000;
/// What each account of the load owns.
const ENDOWMENT: u128 = 10_000_000 * ODA;
/// Slots of a second, five an epoch.
const TEMPO: (u64, u64) = (1_000, node::EPOCH_SLOTS);
/// Windows as short as they can be, so that much happens in a minute; but a round is long enough that its answer, made of
/// final state, comes in time where all these processes share two cores with others.
const WINDOWS: [(&str, u64); 13] = [
	("minCommitAge", 3),
	("reveal", 300),
	("attestBase", 20),
	("challenge", 8),
	("minChallengeAge", 2),
	("challengeLifetime", 20),
	("demand", 24),
	("verifierPatience", 60),
	("open", 10),
	("dispute", 24),
	("storageRound", 30),
	("unbonding", 20),
	("bonding", 60),
];
/// Blocks, and states, that a node keeps which does not keep all.
const KEPT: &str = "64";
/// So small that they are full soon, and nobody takes them for a leak.
const CACHES: [&str; 4] = ["--db-cache", "16", "--trie-cache-size", "8388608"];

/// The accounts of the load, each signing for one purpose alone.
const ACCOUNTS: [&str; 13] = [
	"registrar-0",
	"registrar-1",
	"liar-0",
	"liar-1",
	"trainer",
	"watcher",
	"keeper-0",
	"keeper-1",
	"payer",
	"verifier",
	"validator",
	"delegator",
	"sender",
];

/// The secret of an account of the load.
pub(crate) fn suri(name: &str) -> String {
	format!("//Soak//{name}")
}

/// The key of an account of the load.
pub(crate) fn key(name: &str) -> Result<Key> {
	Ok(Key::from_uri(&suri(name))?)
}

/// An account that everybody knows.
pub(crate) fn known(name: &str) -> Result<AccountId> {
	Ok(Key::from_uri(&format!("//{name}"))?.account())
}

/// What the load is brought about with.
pub(crate) struct Shared {
	base: PathBuf,
	/// A node that keeps all blocks.
	pub(crate) url: String,
	pub(crate) chain: Chain,
	client: OnlineClient<SubstrateConfig>,
	/// The node of the validator that comes and goes.
	pub(crate) validator: Chain,
	/// Where a peer is reached from which all others are.
	peer: String,
	failures: Mutex<Vec<String>>,
}

impl Shared {
	/// The validators of the running session.
	pub(crate) async fn validators(&self) -> Result<Vec<AccountId>> {
		let at = self.client.at_current_block().await?;
		let address = dynamic::storage::<(), Vec<AccountId>>("Session", "Validators");
		Ok(at.storage().fetch(address, ()).await?.decode()?)
	}

	/// Somebody whose blobs lie by themselves, and who is in the network of peers.
	pub(crate) fn worker(&self, base: &str, suri: &str) -> Worker {
		self.worker_at(&self.url, base, suri)
	}

	fn worker_at(&self, url: &str, base: &str, suri: &str) -> Worker {
		let options = ["--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", &self.peer, "--threads", "1"];
		Worker::new(url, &self.base.join(base), suri).with(&options)
	}

	/// Somebody who brings and serves blobs: with the store of the peer that all start from.
	pub(crate) fn publisher(&self, suri: &str) -> Worker {
		self.worker("publisher", suri)
	}

	/// The publisher's store.
	pub(crate) fn store(&self) -> Result<Store> {
		Ok(Store::open(self.base.join("publisher"))?)
	}

	/// Stores a blob of the publisher's that stays; its root in hexadecimal.
	pub(crate) fn publish(&self, bytes: &[u8]) -> Result<String> {
		let store = self.store()?;
		let root = oda_primitives::BlobRef::of(bytes).root;
		store.pin(Holder::User, &root)?;
		store.put(bytes)?;
		Ok(hex::encode(root))
	}

	/// Deletes a blob of the publisher's.
	pub(crate) fn unpublish(&self, root: &str) -> Result<()> {
		let (store, root) = (self.store()?, oda_blobs::parse_root(root)?);
		store.unpin(Holder::User, &root)?;
		store.remove(&root)?;
		Ok(())
	}

	/// A file of the run.
	pub(crate) fn file(&self, name: &str) -> PathBuf {
		self.base.join(name)
	}

	/// Something did not work.
	pub(crate) fn failed(&self, what: &str, error: &anyhow::Error) {
		eprintln!("{what}: {error:#}");
		let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
		failures.push(format!("{what}: {error:#}"));
	}

	/// What did not work.
	pub(crate) fn failures(&self) -> Vec<String> {
		self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
	}
}

/// A worker's process that lasts.
struct Service {
	watched: Watched,
	process: Process,
}

/// All processes that last.
pub(crate) struct Processes {
	nodes: Vec<(Node, u16, &'static str)>,
	services: Vec<Service>,
}

impl Processes {
	/// An error if one has ended.
	pub(crate) fn check_alive(&mut self) -> Result<()> {
		self.nodes.iter_mut().try_for_each(|(node, ..)| node.check_alive())?;
		self.services.iter_mut().try_for_each(|service| service.process.check_alive())
	}
}

/// The network, the workers, and those who bring about the load.
pub(crate) struct World {
	// Before the folder of the caller goes.
	pub(crate) processes: Processes,
	pub(crate) shared: Shared,
}

/// What a node has beside the usual.
fn options(metrics: u16, prunes: bool) -> Vec<String> {
	let port = metrics.to_string();
	let mut options = vec!["--prometheus-port", &port, "--detailed-log-output"];
	options.extend(CACHES);
	if prunes {
		options.extend(["--blocks-pruning", KEPT, "--state-pruning", KEPT]);
	}
	options.into_iter().map(str::to_owned).collect()
}

fn genesis(genesis: &mut Value) -> Result<()> {
	node::set_windows(genesis, &WINDOWS)?;
	let balances = genesis.pointer_mut("/balances/balances").and_then(Value::as_array_mut);
	let balances = balances.context("the specification has no balances")?;
	for name in ACCOUNTS {
		balances.push(json!([key(name)?.account().to_string(), ENDOWMENT]));
	}
	Ok(())
}

/// Waits until a service has printed an event; it.
pub(crate) async fn told(process: &mut Process, event: &str) -> Result<Value> {
	loop {
		process.check_alive()?;
		let output = process.output();
		let mut lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
		if let Some(found) = lines.find(|line| line.get("event").and_then(Value::as_str) == Some(event)) {
			return Ok(found);
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
}

impl World {
	/// Starts all of it under `base`: four validators and a fifth node, whose validator comes and goes; a model of digits
	/// and who improves it; and those who verify, watch and keep.
	pub(crate) async fn start(base: &Path) -> Result<Self> {
		let ports = (0..5).map(|_| node::free_port()).collect::<Result<Vec<_>>>()?;
		let port = |index: usize| ports.get(index).copied().context("there is a port for each node");
		// The last of the four keeps few blocks, to be compared.
		let more = |index| Ok(options(port(index)?, index == 3));
		let network = Network::start_with(base, 4, TEMPO, &[], more, genesis).await?;
		let fifth = port(4)?;
		let own = options(fifth, false);
		let secret = format!("{:064x}", 5);
		let mut all = vec!["--validator", "--node-key", &secret];
		all.extend(own.iter().map(String::as_str));
		let validator = network.join("fifth", &all).await?;
		for node in network.validators.iter().chain([&validator]) {
			network::until(node, "the network finalises", |_, finalised| finalised > 0).await?;
		}
		let urls: Vec<String> = network.validators.iter().map(Node::url).collect();
		let url = |index: usize| urls.get(index).cloned().context("there is a node of each number");
		let patience = Some(network::PATIENCE);
		let chain = Chain::connect(&url(0)?, patience).await?;
		let of_validator = Chain::connect(&validator.url(), patience).await?;

		let publisher = base.join("publisher");
		let serving =
			Worker::new(&url(0)?, &publisher, &suri("payer")).with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
		let mut serving = serving.service(&["blobs", "serve"], &base.join("publisher.log"))?;
		let told_of = told(&mut serving, "serving").await?;
		let peer = digits::text(&told_of, "/addresses/0")?;
		let shared = Shared {
			base: base.into(),
			url: url(0)?,
			chain,
			client: events::connect(&url(0)?).await?.1,
			validator: of_validator,
			peer,
			failures: Mutex::default(),
		};
		let mut services = vec![Service {
			watched: Watched {
				name: "publisher".into(),
				group: Group::Worker,
				id: serving.id().context("the publisher has ended")?,
				folder: publisher,
				metrics: None,
			},
			process: serving,
		}];
		let mut serve = |name: &str, suri: &str, node: usize, args: &[&str]| -> Result<()> {
			let metrics = node::free_port()?;
			let address = format!("127.0.0.1:{metrics}");
			let worker = shared.worker_at(&url(node)?, name, suri);
			let args: Vec<&str> = args.iter().copied().chain(["--prometheus", &address]).collect();
			let process = worker.service(&args, &base.join(format!("{name}.log")))?;
			let id = process.id().with_context(|| format!("the {name} has ended"))?;
			let (folder, group) = (worker.base().to_owned(), Group::Worker);
			let watched = Watched { name: name.into(), group, id, folder, metrics: Some(metrics) };
			services.push(Service { watched, process });
			Ok(())
		};
		// The verifiers of the known chain's genesis.
		for (node, name) in ["Charlie", "Dave", "Eve"].into_iter().enumerate() {
			serve(&format!("verifier-{node}"), &format!("//{name}"), node, &["verify"])?;
		}
		serve("watcher", &suri("watcher"), 1, &["watch"])?;
		serve("keeper", &suri("keeper-0"), 2, &["keeper", "run", "--capacity-mib", "64"])?;

		let registrar = shared.publisher("//Ferdie");
		let digits = digits::prepare(&registrar).await?;
		digits::register(&registrar, &digits, |_| ()).await.context("the digits")?;
		let trainer = shared.worker("trainer", &suri("trainer"));
		// The chain does not name it, so that peers do not hand it out.
		trainer.result(&["blobs", "add", &digits::file("train.bin")]).await?;
		let config = base.join("trainer.toml");
		fs::write(
			&config,
			format!(
				"[engine]\nthreads = 1\n[[role]]\nkind = \"trainer\"\nmodel = \"{}\"\ndata = \"{}\"\ninterval = 10\n\
				[role.train]\nepochs = 1\n",
				digits.model, digits.train_set
			),
		)?;
		let config = config.to_string_lossy().into_owned();
		// `run` takes the same option.
		serve("trainer", &suri("trainer"), 0, &["run", "--config", &config])?;

		let names = ["validator-0", "validator-1", "validator-2", "validator-3 (prunes)", "validator-4"];
		let nodes = network.validators.into_iter().chain([validator]);
		let nodes = nodes.zip(ports).zip(names).map(|((node, port), name)| (node, port, name)).collect();
		Ok(Self { processes: Processes { nodes, services }, shared })
	}

	/// The processes that are looked at.
	pub(crate) fn watched(&self) -> Result<Vec<Watched>> {
		let mut all = Vec::new();
		for (node, metrics, name) in &self.processes.nodes {
			all.push(Watched {
				name: (*name).into(),
				group: Group::Node,
				id: node.id().context("a node has ended")?,
				folder: node.base().join("chain"),
				metrics: Some(*metrics),
			});
		}
		all.extend(self.processes.services.iter().map(|service| service.watched.clone()));
		Ok(all)
	}

	/// The errors and panics in all logs.
	pub(crate) fn complaints(&self) -> Result<Vec<String>> {
		let mut found = Vec::new();
		let logs = fs::read_dir(&self.shared.base)?.map(|entry| Ok(entry?.path()));
		let mut logs: Vec<PathBuf> = logs.collect::<Result<_>>()?;
		logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
		logs.extend(self.processes.nodes.iter().map(|(node, ..)| node.base().join("node.log")));
		ensure!(logs.len() >= self.processes.nodes.len() + self.processes.services.len(), "a log is missing");
		for log in logs {
			let text = fs::read(&log)?;
			let text = String::from_utf8_lossy(&text);
			ensure!(!text.is_empty(), "{} is empty", log.display());
			let bad = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
			found.extend(text.lines().filter(bad).map(|line| format!("{}: {line}", log.display())));
		}
		Ok(found)
	}
}
