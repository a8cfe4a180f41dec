//! Weights that nobody hands out.

use crate::cli::{DemandCommand, DemandTarget, Global};
use anyhow::Context as _;
use oda_blobs::BlobSource;
use oda_client::Target;
use oda_roles::{amount::oda, context::Context};

fn target(named: &DemandTarget) -> anyhow::Result<Target> {
	match (named.submission, &named.model) {
		(Some(id), _) => Ok(Target::Submission(id)),
		(None, Some(model)) => Ok(Target::Head(model.0)),
		(None, None) => anyhow::bail!("neither --submission nor --model"),
	}
}

pub(super) async fn run(context: &Context, global: &Global, command: DemandCommand) -> anyhow::Result<()> {
	let (chain, output) = (context.chain().await?, context.output());
	match command {
		DemandCommand::Make(named) => {
			let target = target(&named)?;
			let receipt = chain.demand(&super::key(global)?, target).await?;
			let demand = chain.finalised().await?.demand(target).await?;
			let until = demand.as_ref().map(|demand| demand.until);
			let text = match &demand {
				Some(demand) => {
					format!("demanded the weights of {target}, to be posted before tick {}", demand.until)
				}
				None => format!("demanded the weights of {target}"),
			};
			output.result(text, &serde_json::json!({ "target": target, "until": until, "receipt": receipt }));
		}
		DemandCommand::Answer(named) => {
			let target = target(&named)?;
			let demand = chain.finalised().await?.demand(target).await?;
			let demand = demand.with_context(|| format!("nobody demands the weights of {target}"))?;
			let weights = context.store().get(&demand.weights)?;
			let receipt = chain.post_weights(target, weights).await?;
			output.result(
				format!("posted the weights of {target} in block {}", receipt.block),
				&serde_json::json!({ "target": target, "receipt": receipt }),
			);
		}
		DemandCommand::Revert { model } => {
			let receipt = chain.revert(&super::key(global)?, model.0).await?;
			output.result(format!("the head fell in block {}", receipt.block), &receipt);
		}
		DemandCommand::List => {
			for demand in chain.finalised().await?.demands().await? {
				let text = format!(
					"{}: weights {}, to be posted before tick {}, at a price of {}, demanded by {}",
					demand.target,
					hex::encode(demand.weights.root),
					demand.until,
					oda(demand.price),
					demand.who.as_ref().map_or_else(|| "most verifiers".into(), ToString::to_string)
				);
				output.result(text, &demand);
			}
		}
	}
	Ok(())
}
