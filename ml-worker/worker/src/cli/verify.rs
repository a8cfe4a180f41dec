//! Answering tasks.

use super::{Global, Monitoring, endpoint};
use clap::Args;
use oda_roles::verifier::{self, VerifierConfig};

/// What `verify` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file verifier.key verify\n  \
	ml-worker --key-file verifier.key --log-format json verify --prometheus 127.0.0.1:9616")]
pub struct VerifyArgs {
	/// Answer the tasks that are open now, and end.
	#[arg(long)]
	pub once: bool,
	/// Say what is wrong without challenging it.
	#[arg(long)]
	pub no_challenge: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

impl VerifyArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open_watched(&self.monitoring)?;
		let _endpoint = endpoint(&context).await?;
		let key = global.signer(&context).await?;
		context.peers().await?;
		let config = VerifierConfig { challenge: !self.no_challenge };
		verifier::run(context, key, config, self.once).await
	}
}
