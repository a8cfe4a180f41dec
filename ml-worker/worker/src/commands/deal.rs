//! Having blobs kept by others, and leaving the keepers.

use crate::cli::{DealCommand, Global};
use oda_network::peer_of;
use oda_roles::{amount::oda, context::Context};
use serde_json::json;

pub(super) async fn run(context: &Context, global: &Global, command: DealCommand) -> anyhow::Result<()> {
	let (chain, output) = (context.chain().await?, context.output());
	let key = || super::key(global);
	match command {
		DealCommand::Offer { blob, replicas, rounds, price, max_price } => {
			let blob = context.blob(&blob).await?;
			let most = max_price.unwrap_or(price).0;
			let (deal, receipt) = chain.offer_deal(&key()?, blob, replicas, rounds, price.0, most).await?;
			output.result(
				format!("deal {deal}: {replicas} replicas of {} for {rounds} rounds", hex::encode(blob.root)),
				&json!({ "deal": deal, "blob": blob, "receipt": receipt }),
			);
		}
		DealCommand::Cancel { deal } => {
			let receipt = chain.cancel_deal(&key()?, deal).await?;
			output.result(format!("deal {deal} cancelled in block {}", receipt.block), &receipt);
		}
		DealCommand::Quit { deal } => {
			let receipt = chain.quit_deal(&key()?, deal).await?;
			output.result(format!("leaving deal {deal}, announced in block {}", receipt.block), &receipt);
		}
		DealCommand::Stay { deal } => {
			let receipt = chain.stay_in_deal(&key()?, deal).await?;
			output.result(format!("staying in deal {deal}, agreed in block {}", receipt.block), &receipt);
		}
		DealCommand::Retire => {
			let receipt = chain.retire_keeper(&key()?).await?;
			output.result(format!("retiring, announced in block {}", receipt.block), &receipt);
		}
		DealCommand::Withdraw => {
			let receipt = chain.withdraw_keeper(&key()?).await?;
			output.result(format!("left the keepers in block {}", receipt.block), &receipt);
		}
		DealCommand::List => {
			for deal in chain.finalised().await?.deals().await? {
				let kept = deal.slots.iter().filter(|slot| slot.replica().is_some()).count();
				let text = format!(
					"{}: {} of {} replicas of {} ({} bytes) until round {}, {} to {} a round",
					deal.id,
					kept,
					deal.slots.len(),
					hex::encode(deal.blob.root),
					deal.blob.len,
					deal.until,
					oda(deal.price),
					oda(deal.max_price)
				);
				output.result(text, &deal);
			}
		}
		DealCommand::Keepers => {
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
	}
	Ok(())
}
