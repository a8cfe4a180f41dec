//! Rewards for better weights.

use crate::cli::{BountyCommand, Global};
use oda_roles::{amount::oda, context::Context};

pub(super) async fn run(context: &Context, global: &Global, command: BountyCommand) -> anyhow::Result<()> {
	let (chain, output) = (context.chain().await?, context.output());
	match command {
		BountyCommand::Post { model, threshold, amount, ticks } => {
			let until = chain.finalised().await?.tick().await?.saturating_add(ticks);
			let key = super::key(global)?;
			let (bounty, receipt) = chain.post_bounty(&key, model.0, threshold, amount.0, until).await?;
			output.result(
				format!("bounty {bounty}: {} for a score of {threshold}, until tick {until}", oda(amount.0)),
				&serde_json::json!({ "bounty": bounty, "until": until, "receipt": receipt }),
			);
		}
		BountyCommand::Withdraw { model, bounty } => {
			let receipt = chain.withdraw_bounty(&super::key(global)?, model.0, bounty).await?;
			output.result(format!("bounty {bounty} withdrawn in block {}", receipt.block), &receipt);
		}
		BountyCommand::List { model } => {
			for bounty in chain.finalised().await?.bounties(model.0).await? {
				let text = format!(
					"{}: {} for a score of {}, until tick {}, by {}",
					bounty.id,
					oda(bounty.amount),
					bounty.threshold,
					bounty.until,
					bounty.poster
				);
				output.result(text, &bounty);
			}
		}
	}
	Ok(())
}
