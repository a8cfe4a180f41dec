//! Recomputing what others claim, and looking after payment channels.

use super::{Global, Monitoring, endpoint};
use clap::Args;
use oda_roles::watcher::{self, WatcherConfig};

/// What `watch` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker watch\n  \
	ml-worker --key-file my.key watch --prometheus 127.0.0.1:9617\n  \
	ml-worker --key-file provider.key watch --no-check")]
pub struct WatchArgs {
	/// Recompute what is being verified now, and end.
	#[arg(long)]
	pub once: bool,
	/// Recompute nothing: settle, and look after channels.
	#[arg(long)]
	pub no_check: bool,
	/// Report wrong claims without challenging them.
	#[arg(long)]
	pub no_challenge: bool,
	/// Do not demand weights that nobody hands out.
	#[arg(long)]
	pub no_demand: bool,
	/// Do not settle what has become due.
	#[arg(long)]
	pub no_settle: bool,
	/// Do not look after the account's payment channels: neither redeem what ends while `serve` does not run, nor take back what
	/// is left of deposits, nor see disputes through.
	#[arg(long)]
	pub no_channels: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

impl WatchArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open_watched(&self.monitoring)?;
		let _endpoint = endpoint(&context).await?;
		let key = global.signer_if_any(&context).await?;
		context.peers().await?;
		let config = WatcherConfig {
			check: !self.no_check,
			challenge: !self.no_challenge && key.is_some(),
			demand: !self.no_demand && key.is_some(),
			settle: !self.no_settle && key.is_some(),
			channels: !self.no_channels && key.is_some(),
			..WatcherConfig::default()
		};
		watcher::run(context, key, config, self.once).await
	}
}
