//! A network of several validators: real `oda-node` processes that find each other.

use crate::{
	lan::Host,
	node::{self, Node, PEERS_PORT, Place, free_port},
	process::binary,
};
use anyhow::{Context, Result, bail, ensure};
use oda_client::Chain;
use serde_json::{Value, json};
use std::{
	path::{Path, PathBuf},
	process::Command,
	time::Duration,
};

/// Validators that sign with the well-known keys of these names, and their network's tempo.
pub struct Network {
	base: PathBuf,
	chain: String,
	boot_nodes: Vec<String>,
	/// Its validators.
	pub validators: Vec<Node>,
}

/// At most as many validators as there are well-known names.
const NAMES: [&str; 6] = ["alice", "bob", "charlie", "dave", "eve", "ferdie"];

/// For how long something is waited for that should happen. It only ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(250);

/// Runs a command of the node's; what it printed, both ways.
fn run(args: &[&str]) -> Result<(String, String)> {
	let output = Command::new(binary("oda-node")?).args(args).output().context("cannot run oda-node")?;
	let [out, errors] =
		[output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
	ensure!(output.status.success(), "oda-node {args:?}: {errors}");
	Ok((out, errors))
}

/// The public key of a well-known name, as an address.
fn public(scheme: &str, name: &str) -> Result<String> {
	let mut letters = name.chars();
	let first = letters.next().context("a name has letters")?.to_ascii_uppercase();
	let secret = format!("//{first}{}", letters.as_str());
	let (shown, _) = run(&["key", "inspect", "--scheme", scheme, "--output-type", "json", &secret])?;
	let shown: Value = serde_json::from_str(&shown)?;
	Ok(shown.get("ss58Address").and_then(Value::as_str).context("there is an address")?.to_owned())
}

impl Network {
	/// Makes a chain with so many validators, slots of so many milliseconds and epochs of so many slots, and starts it
	/// under `base`: on this machine, or each on a host of its own. Who is away for a while stays a validator.
	pub async fn start(base: &Path, count: usize, tempo: (u64, u64), hosts: &[Host]) -> Result<Self> {
		Self::start_with(base, count, tempo, hosts, |_| Ok(Vec::new()), |_| Ok(())).await
	}

	/// The same with more options for each validator, by its number, and what `change` does to the genesis.
	pub async fn start_with(
		base: &Path,
		count: usize,
		tempo: (u64, u64),
		hosts: &[Host],
		more: impl Fn(usize) -> Result<Vec<String>>,
		change: impl FnOnce(&mut Value) -> Result<()>,
	) -> Result<Self> {
		let names = NAMES.get(..count).context("there are not as many names")?;
		let (mut keys, mut accounts) = (Vec::new(), Vec::new());
		for name in names {
			let account = public("sr25519", name)?;
			let signs = json!({ "babe": account, "grandpa": public("ed25519", name)?, "im_online": account });
			keys.push(json!([account, account, signs]));
			accounts.push(account);
		}
		let (slot_millis, epoch_slots) = tempo;
		let chain = node::specification(base, "local", slot_millis, |genesis| {
			// Each with the bond of the known chain's first, and no commission.
			let bond = genesis.pointer("/staking/validators/0/1").context("the genesis has no validator")?;
			let bonds = accounts.iter().map(|account| json!([account, bond, 0])).collect();
			let places = [
				("/session/keys", Value::Array(keys)),
				("/staking/validators", Value::Array(bonds)),
				("/tempo/epochLength", Value::from(epoch_slots)),
			];
			node::set_windows(genesis, &[("minValidators", count as u64)])?;
			for (place, value) in places {
				*genesis.pointer_mut(place).with_context(|| format!("the genesis has no {place}"))? = value;
			}
			change(genesis)
		})?;

		for host in hosts {
			// As docs/operations.md says.
			host.set("net/ipv4/tcp_retries2", "6")?;
		}
		let mut network = Self { base: base.into(), chain, boot_nodes: Vec::new(), validators: Vec::new() };
		let mut options = Vec::new();
		for (index, name) in names.iter().enumerate() {
			let key = network.base.join(format!("{name}-key")).to_string_lossy().into_owned();
			let (_, peer) = run(&["key", "generate-node-key", "--file", &key])?;
			let (address, port) = match hosts.get(index) {
				Some(host) => (host.address.as_str(), PEERS_PORT),
				None => ("127.0.0.1", free_port()?),
			};
			let listen = format!("/ip4/{address}/tcp/{port}");
			network.boot_nodes.push(format!("{listen}/p2p/{}", peer.trim()));
			let name = format!("--{name}");
			let mut own = vec![name.as_str(), "--validator", "--node-key-file", &key];
			if hosts.is_empty() {
				own.extend(["--listen-addr", &listen]);
			}
			let mut own: Vec<_> = own.into_iter().map(str::to_owned).collect();
			own.extend(more(index)?);
			options.push(own);
		}
		// At the same time: who comes sessions later than the first is missed, and can lose of its stake.
		let mut starting = Vec::new();
		for (index, (own, name)) in options.into_iter().zip(names).enumerate() {
			let place = network.place(name, hosts.get(index).cloned(), own)?;
			starting.push(tokio::spawn(place.start()));
		}
		for node in starting {
			network.validators.push(node.await??);
		}
		Ok(network)
	}

	/// Where a node of this network is to run that has these options.
	fn place(&self, name: &str, host: Option<Host>, mut options: Vec<String>) -> Result<Place> {
		options.extend(["--chain".into(), self.chain.clone()]);
		for boot_node in &self.boot_nodes {
			options.extend(["--bootnodes".into(), boot_node.clone()]);
		}
		Place::new(self.base.join(name), host, options)
	}

	/// Starts another node of this network, which is no validator unless the options say so.
	pub async fn join(&self, name: &str, options: &[&str]) -> Result<Node> {
		self.place(name, None, options.iter().map(|&option| option.to_owned()).collect())?.start().await
	}

	/// Starts another node of this network that validates with the keys that it is made to have.
	pub async fn join_validator(&self, name: &str) -> Result<Node> {
		let place = self.place(name, None, vec!["--validator".into()])?;
		let folder = place.folder().to_string_lossy().into_owned();
		// As docs/join.md says.
		run(&["key", "generate-node-key", "--chain", &self.chain, "--base-path", &folder])?;
		place.start().await
	}
}

/// The numbers of the best and of the last final block of a node.
pub async fn heads(node: &Node) -> Result<(u64, u64)> {
	numbers(&Chain::connect(&node.url(), Some(PATIENCE)).await?).await
}

async fn numbers(chain: &Chain) -> Result<(u64, u64)> {
	Ok((chain.best().await?.number(), chain.finalised().await?.number()))
}

/// Waits until the best and the last final block of a node are as wanted; their numbers.
pub async fn until(node: &Node, what: &str, wanted: impl Fn(u64, u64) -> bool) -> Result<(u64, u64)> {
	let mut last = None;
	let waiting = async {
		let chain = Chain::connect(&node.url(), Some(PATIENCE)).await?;
		loop {
			// While a node warps it may not have the state of its own best block.
			let now = numbers(&chain).await;
			if let Ok((best, finalised)) = now
				&& wanted(best, finalised)
			{
				return anyhow::Ok((best, finalised));
			}
			last = Some(now);
			tokio::time::sleep(POLL).await;
		}
	};
	match tokio::time::timeout(PATIENCE, waiting).await {
		Ok(reached) => reached,
		Err(_) => bail!("{what}: at last it was at {last:?}:\n{}", crate::process::tail(&node.output(), 30)),
	}
}
