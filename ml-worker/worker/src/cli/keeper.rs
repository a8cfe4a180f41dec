//! Keeping blobs for pay: the service, and leaving it.

use super::{Global, Monitoring, endpoint};
use clap::{Args, Subcommand};
use oda_network::peer_of;
use oda_roles::{
	amount::{Amount, oda},
	keeper::{self, KeeperConfig},
};
use serde_json::json;
use std::str::FromStr;

/// Keep blobs for pay.
#[derive(Debug, Subcommand)]
pub enum KeeperCommand {
	/// Take deals, answer challenges, repair; a service.
	///
	/// Binds this worker's peer to the account, becomes a keeper with a bond that follows the capacity, gets what deals
	/// are about, takes them, and proves in each round that it still has them, which is free and paid at once. What is
	/// kept is pinned. Rounds that are missed cost their pay, and several in a row the stake.
	///
	/// Runs until it is stopped; stopping it for longer than a round costs. To leave for good, quit the deals first
	/// (keeper quit), and retire (keeper retire).
	Run(KeeperRunArgs),
	/// All keepers, with their peers.
	///
	/// At the last final block, a line a keeper.
	#[command(after_help = "Example:\n  \
		ml-worker keeper list")]
	List,
	/// Leave a deal, some rounds from now.
	///
	/// Until then it has to be answered for. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key keeper quit 7")]
	Quit {
		/// The deal's number.
		deal: u64,
	},
	/// Stay in a deal, until its end as it is now.
	///
	/// After the deal of a model's head was renewed, which `keeper run` agrees to by itself; or after keeper quit, until
	/// the last round. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key keeper stay 7")]
	Stay {
		/// The deal's number.
		deal: u64,
	},
	/// Take no more deals: the first step of leaving.
	///
	/// Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key keeper retire")]
	Retire,
	/// Leave the keepers, with the bond: the second step.
	///
	/// When no replica is left and the time for it has come. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key keeper withdraw")]
	Withdraw,
}

/// What `keeper run` needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
	ml-worker --key-file keeper.key keeper run --capacity-mib 10240")]
pub struct KeeperRunArgs {
	/// How much is kept at most, in mebibytes; the bond follows it.
	#[arg(long, default_value_t = 1024, value_name = "MIB")]
	pub capacity_mib: u64,
	/// The least pay for a round for which a deal is taken, in ODA.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub min_price: Option<Amount>,
	/// Take no new deals.
	#[arg(long)]
	pub no_take: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

impl KeeperCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		if let Self::Run(args) = self {
			return args.run(global).await;
		}
		let context = &global.open()?;
		let (chain, output) = (context.chain().await?, context.output());
		match self {
			Self::Run(_) => {}
			Self::List => {
				let view = chain.finalised().await?;
				for keeper in view.keepers().await? {
					let peer = view.peer_of(&keeper.account).await?.as_ref().and_then(peer_of);
					let peer = peer.map(|peer| peer.to_string());
					let text = format!(
						"{}: {} of {} bytes in {} replicas, bond {}, peer {}",
						keeper.account,
						keeper.used,
						keeper.capacity,
						keeper.replicas,
						oda(keeper.bond),
						peer.as_deref().unwrap_or("none")
					);
					output.result(text, &json!({ "keeper": keeper, "peer": peer }));
				}
			}
			Self::Quit { deal } => {
				let receipt = chain.quit_deal(&global.signer(context).await?, deal).await?;
				output.result(format!("leaving deal {deal}, announced in block {}", receipt.block), &receipt);
			}
			Self::Stay { deal } => {
				let receipt = chain.stay_in_deal(&global.signer(context).await?, deal).await?;
				output.result(format!("staying in deal {deal}, agreed in block {}", receipt.block), &receipt);
			}
			Self::Retire => {
				let receipt = chain.retire_keeper(&global.signer(context).await?).await?;
				output.result(format!("retiring, announced in block {}", receipt.block), &receipt);
			}
			Self::Withdraw => {
				let receipt = chain.withdraw_keeper(&global.signer(context).await?).await?;
				output.result(format!("left the keepers in block {}", receipt.block), &receipt);
			}
		}
		Ok(())
	}
}

impl KeeperRunArgs {
	async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open_watched(&self.monitoring)?;
		let _endpoint = endpoint(&context).await?;
		let key = global.signer(&context).await?;
		let config = KeeperConfig {
			capacity_mib: self.capacity_mib,
			min_price: self.min_price.unwrap_or_default(),
			take: !self.no_take,
		};
		keeper::run(context, key, config).await
	}
}
