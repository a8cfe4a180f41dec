//! Several roles in one process.

use super::{Global, Monitoring, check, endpoint, secrets::Passwords};
use crate::config;
use anyhow::Context as _;
use clap::Args;
use oda_roles::{context::Context, service};
use std::path::PathBuf;
use tokio::task::JoinSet;

/// What `run` needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
	ml-worker run --config /etc/oda/worker.toml\n\n\
	Such a file:\n\n  \
	node = \"ws://127.0.0.1:9944\"\n  \
	base_path = \"/var/lib/oda-worker\"\n  \
	prometheus = \"127.0.0.1:9616\"\n\n  \
	[engine]\n  \
	threads = 4\n\n  \
	[[role]]\n  \
	kind = \"verifier\"\n  \
	key_file = \"/etc/oda/verifier.key\"\n\n  \
	[[role]]\n  \
	kind = \"watcher\"\n  \
	key_file = \"/etc/oda/watcher.key\"\n\n  \
	[[role]]\n  \
	kind = \"trainer\"\n  \
	key_file = \"/etc/oda/trainer.key\"\n  \
	model = \"<ID>\"\n  \
	data = \"<ROOT>\"\n  \
	[role.train]\n  \
	epochs = 5")]
pub struct RunArgs {
	/// The file.
	#[arg(long, value_name = "FILE")]
	pub config: PathBuf,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

impl RunArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let config = config::read(&self.config)?;
		let mut settings = global.settings()?;
		settings.limits = config.limits;
		if let Some(node) = config.node {
			settings.node = node;
		}
		if let Some(base_path) = config.base_path {
			settings.base_path = base_path;
		}
		if let Some(engine) = config.engine {
			settings.engine = engine;
		}
		if let (Some(config), true) = (config.network, settings.network.is_some()) {
			settings.network = Some(config);
		}
		// All keys are read before anything starts.
		let passwords = Passwords::new(global);
		let mut roles = Vec::new();
		for role in &config.roles {
			let key = match &role.key_file {
				Some(file) => passwords.key(file, role.password_file.as_deref()).map(Some),
				None => global.key_with(&passwords),
			};
			roles.push((role.configured()?, key.with_context(|| format!("the {}'s key", role.kind))?));
		}
		settings.prometheus = config.prometheus.or(self.monitoring.prometheus);
		let context = Context::open(settings)?;
		let _endpoint = endpoint(&context).await?;
		for key in roles.iter().filter_map(|(_, key)| key.as_ref()) {
			check(key, &context).await?;
		}
		context.peers().await?;
		let mut running = JoinSet::new();
		for (role, key) in roles {
			let context = context.clone();
			running.spawn(async move {
				let metrics = context.metrics();
				service::keep_running(role.name, metrics, || role.run(context.clone(), key.clone())).await?;
				tracing::info!(role = role.name, "done");
				anyhow::Ok(())
			});
		}
		while let Some(ended) = running.join_next().await {
			match ended {
				Ok(Ok(())) => {}
				// The chain is another one: the others end too.
				Ok(Err(error)) => return Err(error),
				Err(error) => tracing::error!(%error, "a role crashed"),
			}
		}
		Ok(())
	}
}
