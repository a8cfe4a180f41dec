//! A local chain: one `oda-node` process.

use crate::{
	lan::Host,
	process::{Process, binary},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
	net::TcpListener,
	path::{Path, PathBuf},
	sync::atomic::{AtomicU32, Ordering},
	time::Duration,
};
use subxt::rpcs::{RpcClient, client::rpc_params};
use tokio::process::Command;

/// A node, on a free port, in a folder of its own.
pub struct Node {
	place: Place,
	process: Process,
}

/// Where a node runs, and how: what remains of it while it is down.
pub struct Place {
	base: PathBuf,
	host: Option<Host>,
	port: u16,
	options: Vec<String>,
}

/// The port for peers of a node on a host of its own.
pub const PEERS_PORT: u16 = 30_333;

/// A port that nobody listens on, and that nobody is given while the node starts or is down: it lies below those that
/// the kernel hands out, and this process takes each once. Others begin elsewhere.
pub fn free_port() -> Result<u16> {
	static NEXT: AtomicU32 = AtomicU32::new(0);
	let first = std::process::id().wrapping_mul(97);
	for _ in 0..PORTS {
		let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
		let port = FIRST_PORT.saturating_add(u16::try_from(next % PORTS)?);
		if TcpListener::bind(("127.0.0.1", port)).is_ok() {
			return Ok(port);
		}
	}
	bail!("all ports are taken")
}

const FIRST_PORT: u16 = 20_000;
const PORTS: u32 = 10_000;

/// How many slots an epoch of a [`specification`] has: a committee is drawn two epochs after its task was opened, so they
/// are short. The first block of an epoch has no room for transactions.
pub const EPOCH_SLOTS: u64 = 5;

/// Writes a chain's specification into `folder`: that of a known one, `dev` or `local`, with slots of this length, short
/// epochs, and what `change` does to its genesis. Where it lies.
pub fn specification(
	folder: &Path,
	known: &str,
	slot_millis: u64,
	change: impl FnOnce(&mut Value) -> Result<()>,
) -> Result<String> {
	let path = folder.join("chain.json").to_string_lossy().into_owned();
	let output = std::process::Command::new(binary("oda-node")?)
		.args(["export-chain-spec", "--chain", known, "--output", &path])
		.output()
		.context("cannot run oda-node")?;
	ensure!(output.status.success(), "no specification: {}", String::from_utf8_lossy(&output.stderr));
	let mut spec: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
	let genesis =
		spec.pointer_mut("/genesis/runtimeGenesis/patch").context("the specification has no patch")?;
	let tempo = genesis.pointer_mut("/tempo").and_then(Value::as_object_mut);
	let tempo = tempo.context("the specification has no tempo")?;
	tempo.insert("slotDuration".into(), slot_millis.into());
	tempo.insert("epochLength".into(), EPOCH_SLOTS.into());
	change(genesis)?;
	std::fs::write(&path, serde_json::to_vec(&spec)?)?;
	Ok(path)
}

/// Sets windows of a genesis, by the names that specifications have for them.
pub fn set_windows(genesis: &mut Value, windows: &[(&str, u64)]) -> Result<()> {
	let all = genesis.pointer_mut("/protocolParameters/windows").and_then(Value::as_object_mut);
	let all = all.context("the specification has no windows")?;
	all.extend(windows.iter().map(|(name, ticks)| ((*name).to_owned(), (*ticks).into())));
	Ok(())
}

impl Place {
	/// A new one under `base`: here, on a free port, or on a host of its own.
	pub fn new(base: PathBuf, host: Option<Host>, options: Vec<String>) -> Result<Self> {
		std::fs::create_dir_all(&base)?;
		Ok(Self { base, host, port: free_port()?, options })
	}

	/// Where it keeps its chain, its network key and its session keys.
	pub(crate) fn folder(&self) -> PathBuf {
		self.base.join("chain")
	}

	/// The address of its JSON-RPC server.
	fn address(&self) -> &str {
		self.host.as_ref().map_or("127.0.0.1", |host| &host.address)
	}

	/// Starts the node and waits for its RPC server.
	pub async fn start(self) -> Result<Node> {
		let binary = binary("oda-node")?;
		let mut command = match &self.host {
			None => Command::new(binary),
			Some(host) => host.command(&binary),
		};
		command
			.args(&self.options)
			.args(["--no-telemetry", "--no-mdns", "--base-path"])
			.arg(self.base.join("chain"))
			.args(["--rpc-port", &self.port.to_string()]);
		if !self.options.iter().any(|option| option == "--prometheus-port") {
			command.arg("--no-prometheus");
		}
		if let Some(host) = &self.host {
			// Tests ask it from this machine, which is another host.
			command.args(["--unsafe-rpc-external", "--rpc-methods", "safe", "--rpc-cors", "all"]);
			command.args(["--listen-addr", &format!("/ip4/{}/tcp/{PEERS_PORT}", host.address)]);
		} else if !self.options.iter().any(|option| option == "--listen-addr") {
			command.args(["--listen-addr", "/ip4/127.0.0.1/tcp/0"]);
		}
		let process = Process::spawn("the node", command, &self.base.join("node.log"))?;
		let mut node = Node { place: self, process };
		node.wait_ready().await?;
		Ok(node)
	}
}

impl Node {
	/// Starts a fresh development chain under `base` and waits for its RPC server.
	pub async fn start(base: impl Into<PathBuf>) -> Result<Self> {
		Self::start_with(base, vec!["--dev".into()]).await
	}

	/// Starts a fresh chain under `base`, which one and how as `options` say, and waits for its RPC server.
	pub async fn start_with(base: impl Into<PathBuf>, options: Vec<String>) -> Result<Self> {
		Place::new(base.into(), None, options)?.start().await
	}

	async fn wait_ready(&mut self) -> Result<()> {
		for _ in 0..3_000 {
			self.process.check_alive()?;
			if tokio::net::TcpStream::connect((self.place.address(), self.place.port)).await.is_ok() {
				return Ok(());
			}
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
		bail!("the node's RPC server did not answer within five minutes");
	}

	/// Its process's number, while it runs.
	pub fn id(&self) -> Option<u32> {
		self.process.id()
	}

	/// The folder that its database, its keys and its log lie in.
	pub fn base(&self) -> &Path {
		&self.place.base
	}

	/// The port of its JSON-RPC server.
	pub fn port(&self) -> u16 {
		self.place.port
	}

	/// Where its JSON-RPC server listens.
	pub fn url(&self) -> String {
		format!("ws://{}:{}", self.place.address(), self.place.port)
	}

	/// The host that it runs on, if it has one of its own.
	pub fn host(&self) -> Option<&Host> {
		self.place.host.as_ref()
	}

	/// An error with the end of its output, if it has stopped by itself.
	pub fn check_alive(&mut self) -> Result<()> {
		self.process.check_alive()
	}

	/// What it has printed so far.
	pub fn output(&self) -> String {
		self.process.output()
	}

	/// Stops it where it is for so long, and lets it go on.
	pub async fn freeze(&self, pause: Duration) -> Result<()> {
		self.process.freeze(pause).await
	}

	/// Stops it where it is, until it is to go on.
	pub fn halt(&self) -> Result<()> {
		self.process.halt()
	}

	/// Lets it go on.
	pub fn go_on(&self) -> Result<()> {
		self.process.go_on()
	}

	/// The address at which other nodes of this machine reach it.
	pub async fn address(&self) -> Result<String> {
		let link = RpcClient::from_insecure_url(self.url()).await?;
		for _ in 0..600 {
			let all: Vec<String> = link.request("system_localListenAddresses", rpc_params![]).await?;
			if let Some(own) = all.into_iter().find(|address| address.starts_with("/ip4/127.0.0.1/")) {
				return Ok(own);
			}
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
		bail!("the node listens for no others");
	}

	/// Kills it as `kill -9` does; from where it was it can be started again, on the same chain and port.
	pub async fn kill(self) -> Result<Place> {
		self.process.kill().await?;
		Ok(self.place)
	}

	/// Kills it as `kill -9` does, and starts it again on the same chain and port after `pause`.
	pub async fn crash_and_restart(self, pause: Duration) -> Result<Self> {
		let place = self.kill().await?;
		tokio::time::sleep(pause).await;
		place.start().await
	}
}
