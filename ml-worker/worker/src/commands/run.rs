//! Several roles in one process.

use crate::{
	cli::{Global, RunArgs},
	config::{self, Role, RoleKind},
};
use anyhow::Context as _;
use oda_client::Key;
use oda_roles::{
	context::{self, Context},
	keeper, service, trainer, verifier, watcher,
};
use tokio::task::JoinSet;

pub(super) async fn run(global: &Global, args: &RunArgs) -> anyhow::Result<()> {
	let config = config::read(&args.config)?;
	let mut settings = super::settings(global)?;
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
	let roles = config
		.roles
		.into_iter()
		.map(|Role { key_file, kind }| {
			let name = kind.name();
			let key = match (&key_file, &global.key_file, &global.suri) {
				(None, None, None) => None,
				(file, general, uri) => Some(
					context::key(file.as_ref().or(general.as_ref()), uri.as_deref())
						.with_context(|| format!("the {name}'s key"))?,
				),
			};
			Ok((kind, key))
		})
		.collect::<anyhow::Result<Vec<_>>>()?;
	settings.prometheus = config.prometheus.or(args.monitoring.prometheus);
	let context = Context::open(settings)?;
	let _endpoint = super::endpoint(&context).await?;
	context.peers().await?;
	let mut running = JoinSet::new();
	for (kind, key) in roles {
		let context = context.clone();
		running.spawn(async move {
			let name = kind.name();
			service::keep_running(name, context.metrics(), || {
				one(context.clone(), kind.clone(), key.clone())
			})
			.await;
			tracing::info!(role = name, "done");
		});
	}
	while let Some(ended) = running.join_next().await {
		if let Err(error) = ended {
			tracing::error!(%error, "a role crashed");
		}
	}
	Ok(())
}

async fn one(context: Context, kind: RoleKind, key: Option<Key>) -> anyhow::Result<()> {
	let needed = || key.clone().with_context(|| format!("the {} needs a key", kind.name()));
	match kind.clone() {
		RoleKind::Verifier(config) => verifier::run(context, needed()?, config, false).await,
		RoleKind::Watcher(config) => watcher::run(context, key, config, false).await,
		RoleKind::Keeper(config) => keeper::run(context, needed()?, config).await,
		RoleKind::Trainer(config) => trainer::run(context, needed()?, *config).await,
	}
}
