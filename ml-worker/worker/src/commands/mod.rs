//! What the commands do.

mod account;
mod blobs;
mod bounty;
mod deal;
mod demand;
mod evaluate;
mod manual;
mod model;
mod run;
mod submit;
mod train;

use crate::cli::{Cli, Command, Global, Id, LogFormat};
use anyhow::Context as _;
use oda_client::{Key, Model, View};
use oda_engine::{EngineConfig, float::Tables};
use oda_evaluator::ModelSpec;
use oda_network::NetworkConfig;
use oda_roles::{
	context::{self, Context, Settings},
	evaluation::Limits,
	keeper::KeeperConfig,
	metrics::Endpoint,
	output::Output,
	verifier::VerifierConfig,
	watcher::WatcherConfig,
};
use std::{
	io::IsTerminal,
	path::{Path, PathBuf},
	time::Duration,
};
use tracing_subscriber::EnvFilter;

/// Does what was asked.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
	let Cli { global, command } = cli;
	log(&global)?;
	// What shells and `man` ask for needs no store.
	let open = |prometheus| Context::open(Settings { prometheus, ..settings(&global)? });
	match command {
		Command::Run(args) => run::run(&global, &args).await,
		Command::Completions(args) => manual::completions(&args),
		Command::Man(args) => manual::man(&args, Output::new(global.json)),
		Command::Model(command) => model::run(&open(None)?, &global, command).await,
		Command::Train(args) => train::run(&open(None)?, args).await,
		Command::Evaluate(args) => evaluate::run(&open(None)?, args).await,
		Command::Submit(args) => {
			let context = open(None)?;
			context.peers().await?;
			submit::run(&context, &key(&global)?, args).await
		}
		Command::Verify(args) => {
			let context = open(args.monitoring.prometheus)?;
			let _endpoint = endpoint(&context).await?;
			context.peers().await?;
			let config = VerifierConfig { challenge: !args.no_challenge };
			oda_roles::verifier::run(context, key(&global)?, config, args.once).await
		}
		Command::Watch(args) => {
			let context = open(args.monitoring.prometheus)?;
			let _endpoint = endpoint(&context).await?;
			context.peers().await?;
			let key = match (&global.key_file, &global.suri) {
				(None, None) => None,
				_ => Some(key(&global)?),
			};
			let defaults = WatcherConfig::default();
			let config = WatcherConfig {
				challenge: !args.no_challenge && key.is_some(),
				demand: !args.no_demand && key.is_some(),
				settle: !args.no_settle && key.is_some(),
				..defaults
			};
			oda_roles::watcher::run(context, key, config, args.once).await
		}
		Command::Keep(args) => {
			let context = open(args.monitoring.prometheus)?;
			let _endpoint = endpoint(&context).await?;
			let config = KeeperConfig {
				capacity_mib: args.capacity_mib,
				min_price: args.min_price.unwrap_or_default(),
				take: !args.no_take,
			};
			oda_roles::keeper::run(context, key(&global)?, config).await
		}
		Command::Blobs(command) => blobs::run(&open(None)?, &global, command).await,
		Command::Deal(command) => deal::run(&open(None)?, &global, command).await,
		Command::Demand(command) => demand::run(&open(None)?, &global, command).await,
		Command::Bounty(command) => bounty::run(&open(None)?, &global, command).await,
		Command::Account(args) => account::show(&open(None)?, &global, args).await,
		Command::Transfer(args) => account::transfer(&open(None)?, &key(&global)?, args).await,
	}
}

/// Serves metrics, if that was asked for, until it is dropped.
async fn endpoint(context: &Context) -> anyhow::Result<Option<Endpoint>> {
	match context.settings().prometheus {
		Some(address) => Endpoint::start(context, address).await.map(Some),
		None => Ok(None),
	}
}

/// A model as somebody names it: by its specification file, or by its id on the chain.
struct Named {
	spec: ModelSpec,
	/// What training from scratch starts its lookup tables with.
	tables: Tables,
	/// The block in which it is registered, and what is known of it there.
	registered: Option<(View, Model)>,
}

async fn named(context: &Context, spec: Option<&Path>, model: Option<&Id>) -> anyhow::Result<Named> {
	if let Some(path) = spec {
		let file = crate::spec_file::read(path)?;
		return Ok(Named { spec: file.spec(), tables: file.tables, registered: None });
	}
	let id = model.context("neither --spec nor --model")?.0;
	let view = context.chain().await?.finalised().await?;
	let model = view.model(id).await?.with_context(|| format!("there is no model {}", hex::encode(id)))?;
	let spec = view.spec(id).await?.context("the model has no specification")?;
	Ok(Named { spec, tables: Tables::new(), registered: Some((view, model)) })
}

/// Waits until somebody asks this process to stop.
pub async fn stop_signal() -> anyhow::Result<()> {
	use tokio::signal::unix::{SignalKind, signal};
	let mut terminate = signal(SignalKind::terminate())?;
	tokio::select! {
		_ = terminate.recv() => {},
		result = tokio::signal::ctrl_c() => result?,
	}
	tracing::info!("stopping; what was begun is in the journal");
	Ok(())
}

fn log(global: &Global) -> anyhow::Result<()> {
	let filter = EnvFilter::builder().parse(&global.log).context("--log")?;
	let builder = tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr)
		.with_ansi(std::io::stderr().is_terminal());
	match global.log_format {
		LogFormat::Text => builder.with_target(false).compact().try_init(),
		LogFormat::Json => builder.json().flatten_event(true).try_init(),
	}
	.map_err(|error| anyhow::anyhow!("logging: {error}"))
}

fn default_base_path() -> anyhow::Result<PathBuf> {
	if let Some(data) = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
		return Ok(PathBuf::from(data).join("oda-worker"));
	}
	let home = std::env::var_os("HOME").context("--base-path is needed where there is no HOME")?;
	Ok(PathBuf::from(home).join(".local/share/oda-worker"))
}

fn settings(global: &Global) -> anyhow::Result<Settings> {
	Ok(Settings {
		node: global.node.clone(),
		node_timeout: global.node_timeout.map(Duration::from_secs),
		base_path: global.base_path.clone().map_or_else(default_base_path, Ok)?,
		engine: EngineConfig {
			device: global.device,
			threads: global.threads,
			reference: global.reference,
			..EngineConfig::default()
		},
		limits: Limits::default(),
		network: network(global)?,
		prometheus: None,
		output: Output::new(global.json),
	})
}

/// How blobs are had from peers, as the command line says.
fn network(global: &Global) -> anyhow::Result<Option<NetworkConfig>> {
	if global.no_network {
		return Ok(None);
	}
	// Who searches here searches again, so that a search need not last.
	let mut config = NetworkConfig { mdns: !global.no_mdns, search_seconds: 2, ..NetworkConfig::default() };
	config.allow_unregistered = global.allow_unregistered;
	if !global.listen.is_empty() {
		config.listen = global.listen.clone();
	}
	for address in global.bootstrap.iter().chain(&global.relay) {
		oda_network::parse_peer(&address.to_string())?;
	}
	config.bootstrap.clone_from(&global.bootstrap);
	config.relays.clone_from(&global.relay);
	config.relay_server = global.relay_server;
	Ok(Some(config))
}

fn key(global: &Global) -> anyhow::Result<Key> {
	context::key(global.key_file.as_ref(), global.suri.as_deref())
}
