//! Having blobs kept by others.

use super::{Global, blob as named_blob};
use clap::Subcommand;
use oda_roles::{
	amount::{Amount, oda},
	people,
};
use serde_json::json;
use std::str::FromStr;

/// Have blobs kept by others.
#[derive(Debug, Subcommand)]
pub enum DealCommand {
	/// Offer a deal.
	///
	/// All that it can cost is on hold until it ends. Prints the deal's number. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key deal offer <ROOT> --rounds 100 --price 0.01 --max-price 0.02")]
	Offer {
		/// The blob: a file, or the root of a blob.
		#[arg(value_name = "FILE|ROOT")]
		blob: String,
		/// How many keepers are to have it.
		#[arg(long, default_value_t = 3)]
		replicas: u8,
		/// For how many rounds.
		#[arg(long)]
		rounds: u32,
		/// What a keeper gets for a round to begin with, in ODA.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		price: Amount,
		/// What it rises to while nobody takes a replica; the price if not given.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		max_price: Option<Amount>,
	},
	/// End a deal early, some rounds from now.
	///
	/// What is left goes back at its end. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key deal cancel 7")]
	Cancel {
		/// The deal's number.
		deal: u64,
	},
	/// All deals, and who keeps what.
	///
	/// At the last final block, a line a deal.
	#[command(after_help = "Example:\n  \
		ml-worker deal list")]
	List,
}

impl DealCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let (chain, output) = (context.chain().await?, context.output());
		match self {
			Self::Offer { blob, replicas, rounds, price, max_price } => {
				let blob = named_blob(context, &blob).await?;
				let most = max_price.unwrap_or(price).0;
				let (deal, receipt) = chain
					.offer_deal(&global.signer(context).await?, blob, replicas, rounds, price.0, most)
					.await?;
				output.result(
					format!(
						"deal {deal}: {replicas} replicas of {} for {rounds} rounds",
						hex::encode(blob.root)
					),
					&json!({ "deal": deal, "blob": blob, "receipt": receipt }),
				);
			}
			Self::Cancel { deal } => {
				let receipt = chain.cancel_deal(&global.signer(context).await?, deal).await?;
				output.result(format!("deal {deal} cancelled in block {}", receipt.block), &receipt);
			}
			Self::List => {
				for deal in chain.finalised().await?.deals().await? {
					let kept = deal.slots.iter().filter(|slot| slot.replica().is_some()).count();
					let text = format!(
						"{}: {} of {} replicas of {} ({} bytes) until round {}, {} to {} a round",
						deal.id,
						kept,
						deal.slots.len(),
						people::digits(&deal.blob.root),
						deal.blob.len,
						deal.until,
						oda(deal.price),
						oda(deal.max_price)
					);
					output.result(text, &deal);
				}
			}
		}
		Ok(())
	}
}
