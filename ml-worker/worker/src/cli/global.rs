//! What holds for all commands.

use super::{Monitoring, secrets::Passwords};
use anyhow::Context as _;
use clap::{ArgAction, Args, ValueEnum};
use oda_client::Key;
use oda_engine::{DeviceChoice, EngineConfig};
use oda_network::{Multiaddr, NetworkConfig};
use oda_roles::{
	context::{Context, Settings},
	evaluation::Limits,
	metrics::Endpoint,
	output::Output,
};
use std::{io::IsTerminal, path::PathBuf, time::Duration};
use tracing_subscriber::EnvFilter;

/// What holds for all commands.
#[derive(Clone, Debug, Args)]
pub struct Global {
	/// The node to talk to.
	#[arg(long, global = true, env = "ODA_NODE", default_value = "ws://127.0.0.1:9944", value_name = "URL")]
	pub node: String,
	/// Give up when the node does not answer for so many seconds, instead of waiting for ever.
	#[arg(long, global = true, value_name = "SECONDS")]
	pub node_timeout: Option<u64>,
	/// Where blobs and the journal of what was begun lie; several processes may share it.
	#[arg(long, global = true, env = "ODA_BASE_PATH", value_name = "DIR")]
	pub base_path: Option<PathBuf>,
	/// Do not enter the network of peers: blobs are had from the store only.
	#[arg(long, global = true, env = "ODA_NO_NETWORK")]
	pub no_network: bool,
	/// A peer to start from, as /ip4/192.0.2.1/tcp/4001/p2p/<PEER>; may be given several times, or with commas between.
	#[arg(long, global = true, env = "ODA_BOOTSTRAP", value_delimiter = ',', value_name = "ADDRESS")]
	pub bootstrap: Vec<Multiaddr>,
	/// A peer that relays, to be reached through it where nobody else can reach this one; written as for --bootstrap.
	#[arg(long, global = true, env = "ODA_RELAY", value_delimiter = ',', value_name = "ADDRESS")]
	pub relay: Vec<Multiaddr>,
	/// Relay for peers that cannot be reached themselves.
	#[arg(long, global = true, env = "ODA_RELAY_SERVER")]
	pub relay_server: bool,
	/// An address to be reached at by peers, as /ip4/0.0.0.0/udp/4001/quic-v1; any port of TCP and QUIC if not given.
	#[arg(long, global = true, env = "ODA_LISTEN", value_delimiter = ',', value_name = "ADDRESS")]
	pub listen: Vec<Multiaddr>,
	/// Do not look for peers in the local network.
	#[arg(long, global = true)]
	pub no_mdns: bool,
	/// Fetch and serve blobs that the chain does not name, too.
	#[arg(long, global = true)]
	pub allow_unregistered: bool,
	/// The key file of the account to act as: made with `key new`, exported by polkadot.js, or a secret URI in its first
	/// line. Its owner alone may read it.
	#[arg(long, global = true, env = "ODA_KEY_FILE", value_name = "FILE", conflicts_with = "suri")]
	pub key_file: Option<PathBuf>,
	/// A file whose first line is the password of the key file. If not given, it is asked for.
	#[arg(
		long,
		global = true,
		env = "ODA_PASSWORD_FILE",
		value_name = "FILE",
		conflicts_with = "password_fd"
	)]
	pub password_file: Option<PathBuf>,
	/// An open file descriptor whose first line is the password of the key file.
	#[arg(long, global = true, value_name = "NUMBER")]
	pub password_fd: Option<u32>,
	/// The development account to act as, like //Alice. Any secret URI can be given, but `ps` shows it to everyone on
	/// this machine.
	#[arg(long, global = true, env = "ODA_SURI", hide_env_values = true, value_name = "URI")]
	pub suri: Option<String>,
	/// Print results as JSON, one object a line, for machines.
	#[arg(long, global = true)]
	pub json: bool,
	/// Log more, to standard error; twice for still more.
	#[arg(long, short, global = true, action = ArgAction::Count)]
	pub verbose: u8,
	/// What is logged, to standard error: error, warn, info, debug, trace, or a filter like oda_client=debug. If not given,
	/// RUST_LOG, or what people should know and the warnings of libraries.
	#[arg(long, global = true, env = "ODA_LOG", value_name = "FILTER", conflicts_with = "verbose")]
	pub log: Option<String>,
	/// How it is logged.
	#[arg(
		long,
		global = true,
		env = "ODA_LOG_FORMAT",
		value_enum,
		default_value_t = LogFormat::Text,
		value_name = "FORMAT"
	)]
	pub log_format: LogFormat,
	/// Threads that evaluate and train; 0 for one a core.
	#[arg(long, global = true, default_value_t = 0, value_name = "N")]
	pub threads: usize,
	/// Where to evaluate and train: auto, cpu, cuda, or cuda:N. auto is CUDA if there is any; a device that does not give
	/// exact results is not evaluated on, but the CPU.
	#[arg(long, global = true, default_value = "auto", value_parser = device)]
	pub device: DeviceChoice,
	/// Evaluate with the reference evaluator only, which uses neither AVX nor CUDA: slow, to compare with.
	#[arg(long, global = true)]
	pub reference: bool,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
	match text {
		"auto" => Ok(DeviceChoice::Auto),
		"cpu" => Ok(DeviceChoice::Cpu),
		"cuda" => Ok(DeviceChoice::Cuda(0)),
		other => other
			.strip_prefix("cuda:")
			.and_then(|n| n.parse().ok())
			.map(DeviceChoice::Cuda)
			.ok_or_else(|| "auto, cpu, cuda or cuda:N".to_owned()),
	}
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
	/// Lines for people.
	Text,
	/// One JSON object a line.
	Json,
}

impl Global {
	/// Opens store and journal.
	pub(super) fn open(&self) -> anyhow::Result<Context> {
		Context::open(self.settings()?)
	}

	/// As [`open`](Self::open), for a service that is watched.
	pub(super) fn open_watched(&self, monitoring: &Monitoring) -> anyhow::Result<Context> {
		Context::open(Settings { prometheus: monitoring.prometheus, ..self.settings()? })
	}

	/// The key to act with, if one was given.
	pub(super) fn key(&self) -> anyhow::Result<Option<Key>> {
		self.key_with(&Passwords::new(self))
	}

	pub(super) fn key_with(&self, passwords: &Passwords<'_>) -> anyhow::Result<Option<Key>> {
		match (&self.key_file, &self.suri) {
			(Some(file), _) => passwords.key(file, None).map(Some),
			(None, Some(uri)) => {
				let key = Key::from_uri(uri)?;
				if !key.is_well_known() && std::env::var("ODA_SURI").as_ref() != Ok(uri) {
					tracing::warn!(
						"`ps` shows the secret of --suri to everyone on this machine; make a key file of it: ml-worker \
						 key import FILE"
					);
				}
				Ok(Some(key))
			}
			(None, None) => Ok(None),
		}
	}

	/// The key to sign with on the chain.
	///
	/// # Errors
	///
	/// None was given; it is one that everybody knows, and the chain is not for development.
	pub(super) async fn signer(&self, context: &Context) -> anyhow::Result<Key> {
		let key = self.signer_if_any(context).await?;
		key.context("this needs a key: --key-file FILE (ml-worker key new FILE makes one), or --suri //Alice on a development chain")
	}

	/// As [`signer`](Self::signer), where it can be done without.
	pub(super) async fn signer_if_any(&self, context: &Context) -> anyhow::Result<Option<Key>> {
		let key = self.key()?;
		if let Some(key) = &key {
			check(key, context).await?;
		}
		Ok(key)
	}

	/// How this process works, as the command line says.
	pub(super) fn settings(&self) -> anyhow::Result<Settings> {
		Ok(Settings {
			node: self.node.clone(),
			node_timeout: self.node_timeout.map(Duration::from_secs),
			base_path: self.base_path.clone().map_or_else(default_base_path, Ok)?,
			engine: EngineConfig {
				device: self.device,
				threads: self.threads,
				reference: self.reference,
				..EngineConfig::default()
			},
			limits: Limits::default(),
			network: self.network()?,
			prometheus: None,
			output: Output::new(self.json),
		})
	}

	/// How blobs are had from peers, as the command line says.
	fn network(&self) -> anyhow::Result<Option<NetworkConfig>> {
		if self.no_network {
			return Ok(None);
		}
		// Who searches here searches again, so that a search need not last.
		let mut config = NetworkConfig { mdns: !self.no_mdns, search_seconds: 2, ..NetworkConfig::default() };
		config.allow_unregistered = self.allow_unregistered;
		if !self.listen.is_empty() {
			config.listen = self.listen.clone();
		}
		for address in self.bootstrap.iter().chain(&self.relay) {
			oda_network::parse_peer(&address.to_string())?;
		}
		config.bootstrap.clone_from(&self.bootstrap);
		config.relays.clone_from(&self.relay);
		config.relay_server = self.relay_server;
		Ok(Some(config))
	}

	/// Starts logging.
	pub(super) fn log(&self) -> anyhow::Result<()> {
		let chosen =
			self.log.clone().or_else(|| std::env::var("RUST_LOG").ok().filter(|_| self.verbose == 0));
		let filter =
			EnvFilter::builder().parse(chosen.unwrap_or_else(|| usual(self.verbose))).context("--log")?;
		let builder = tracing_subscriber::fmt()
			.with_env_filter(filter)
			.with_writer(std::io::stderr)
			.with_ansi(std::io::stderr().is_terminal());
		match self.log_format {
			LogFormat::Text => builder.with_target(false).compact().try_init(),
			LogFormat::Json => builder.json().flatten_event(true).try_init(),
		}
		.map_err(|error| anyhow::anyhow!("logging: {error}"))
	}
}

/// What is logged: of libraries, and of this project's crates.
fn usual(verbose: u8) -> String {
	let (others, own) = match verbose {
		// The engine and the network say what they do to whoever asks.
		// Having no peers yet is what the search for peers warns of each time.
		0 => {
			return "warn,libp2p_kad=error,ml_worker=info,oda_roles=info,oda_provider=info,oda_inference=info,\
			        oda_client=info"
				.to_owned();
		}
		1 => ("warn", "debug"),
		_ => ("debug", "trace"),
	};
	let crates = [
		"ml_worker",
		"oda_roles",
		"oda_provider",
		"oda_inference",
		"oda_client",
		"oda_engine",
		"oda_network",
		"oda_blobs",
	];
	crates.iter().fold(others.to_owned(), |filter, name| format!("{filter},{name}={own}"))
}

/// Refuses a key that everybody knows where the chain is not for development.
pub(super) async fn check(key: &Key, context: &Context) -> anyhow::Result<()> {
	// Only then is it worth asking, and waiting for, the node.
	if key.is_well_known() {
		key.check_for(&context.chain().await?).await?;
	}
	Ok(())
}

/// Serves metrics, if that was asked for, until it is dropped.
pub(super) async fn endpoint(context: &Context) -> anyhow::Result<Option<Endpoint>> {
	match context.settings().prometheus {
		Some(address) => Endpoint::start(context, address).await.map(Some),
		None => Ok(None),
	}
}

fn default_base_path() -> anyhow::Result<PathBuf> {
	if let Some(data) = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
		return Ok(PathBuf::from(data).join("oda-worker"));
	}
	let home = std::env::var_os("HOME").context("--base-path is needed where there is no HOME")?;
	Ok(PathBuf::from(home).join(".local/share/oda-worker"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn devices_are_understood() {
		assert_eq!(device("cuda:1"), Ok(DeviceChoice::Cuda(1)));
		assert_eq!(device("cpu"), Ok(DeviceChoice::Cpu));
		assert!(device("gpu").is_err());
	}

	#[test]
	fn libraries_are_quiet_unless_they_are_asked() {
		for (verbose, libraries, own) in [(0, "warn", "info"), (1, "warn", "debug"), (2, "debug", "trace")] {
			let filter = usual(verbose);
			assert!(filter.starts_with(&format!("{libraries},")), "{filter}");
			assert!(filter.contains(&format!("oda_roles={own}")), "{filter}");
			assert!(EnvFilter::builder().parse(&filter).is_ok(), "{filter}");
		}
	}
}
