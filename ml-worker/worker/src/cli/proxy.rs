//! A local HTTP server that pays.

use super::{DepositArgs, Global, address};
use clap::Args;
use oda_inference::{Proxy, ProxySettings, SpendingLimits};
use oda_roles::{
	amount::{Amount, oda},
	payer,
};
use serde_json::json;
use std::{net::SocketAddr, str::FromStr, sync::Arc, time::Duration};

/// How often channels whose time has come are finished.
const TIDY: Duration = Duration::from_secs(600);

/// What `proxy` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file my.key proxy --day 0.5 --total 5\n  \
	ml-worker --key-file my.key proxy --address 127.0.0.1:9000 --origin http://localhost:5173")]
pub struct ProxyArgs {
	/// Where it listens.
	#[arg(long, value_parser = address, default_value = "127.0.0.1:8402", value_name = "ADDRESS:PORT")]
	pub address: SocketAddr,
	/// Listen also where other machines can reach it, whose users then spend from this wallet: there is no password.
	#[arg(long)]
	pub remote: bool,
	/// A name under which it is reached, beside those of this machine; may be given several times.
	#[arg(long, value_name = "NAME")]
	pub host: Vec<String>,
	/// The origin of a web page that may ask, as http://localhost:5173; may be given several times.
	#[arg(long, value_name = "URL")]
	pub origin: Vec<String>,
	/// The most that a request may cost, in ODA.
	#[arg(long, value_parser = Amount::from_str, default_value = "0.1", value_name = "ODA")]
	pub limit: Amount,
	/// The most that is spent in a day, which begins at midnight UTC, in ODA.
	#[arg(long, value_parser = Amount::from_str, default_value = "1", value_name = "ODA")]
	pub day: Amount,
	/// The most that is spent in all, by proxies of this wallet now and before, in ODA.
	#[arg(long, value_parser = Amount::from_str, default_value = "10", value_name = "ODA")]
	pub total: Amount,
	/// What is put into channels.
	#[command(flatten)]
	pub deposits: DepositArgs,
}

impl ProxyArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let key = global.signer(context).await?;
		let account = key.account();
		// Models' cards come from there.
		context.peers().await?;
		let payer = Arc::new(payer::open(context, key, self.deposits.into()).await?);
		let limits = SpendingLimits { request: self.limit.0, day: self.day.0, total: self.total.0 };
		let settings = ProxySettings {
			address: self.address,
			remote: self.remote,
			hosts: self.host,
			origins: self.origin,
			limits,
		};
		let proxy = Proxy::start(Arc::clone(&payer), settings).await?;
		context.output().event(
			"paying",
			format!(
				"http://{} pays for {account}: at most {} a request, {} a day, {} in all",
				proxy.address(),
				oda(limits.request),
				oda(limits.day),
				oda(limits.total)
			),
			json!({ "address": proxy.address(), "account": account }),
		);
		loop {
			// What cannot be done now can be later; the proxy goes on.
			if let Err(error) = payer.tidy().await {
				tracing::warn!(%error, "channels whose time has come are not finished");
			}
			if let Err(error) = payer.chain().observe_payments().await {
				tracing::warn!(error = format!("{error:#}"), "what channels have paid is not noted");
			}
			tokio::time::sleep(TIDY).await;
		}
	}
}
