//! Weights that nobody hands out.

use super::{Global, ModelName};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use oda_blobs::BlobSource;
use oda_client::Target;
use oda_roles::{amount::oda, context::Context, people};

/// Demand and post weights.
#[derive(Debug, Subcommand)]
pub enum DemandCommand {
	/// Demand the weights of a submission that is being verified, or of a model's head.
	///
	/// The bond is an ODA and the price of the block space, about a millionth of an ODA for each byte. If the weights are
	/// posted, half of that price is burned, and all of it for a head; otherwise the bond comes back. A watcher does this
	/// by itself for what is being verified. Costs a fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key demand make --submission 7\n  \
		ml-worker --key-file my.key demand make --model <ID>")]
	Make(DemandTarget),
	/// Post weights that are demanded.
	///
	/// They have to be in the store. Costs nothing, and brings nothing but that they can be had. Verifiers, watchers,
	/// trainers and keepers do this by themselves.
	#[command(after_help = "Example:\n  \
		ml-worker demand answer --submission 7")]
	Answer(DemandTarget),
	/// Let a model's head fall whose weights nobody posted in time.
	///
	/// The version that it had replaced is the head again. A watcher does this by itself. Costs nothing when it was due.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key demand revert --model <ID>")]
	Revert {
		/// The model's id.
		#[arg(long, value_name = "ID")]
		model: ModelName,
	},
	/// The demands that nobody has answered.
	///
	/// At the last final block, a line a demand.
	#[command(after_help = "Example:\n  \
		ml-worker demand list")]
	List,
}

/// Whose weights are meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DemandTarget {
	/// A submission's number.
	#[arg(long, value_name = "NUMBER")]
	pub submission: Option<u64>,
	/// A model's id: its head's.
	#[arg(long, value_name = "ID")]
	pub model: Option<ModelName>,
}

impl DemandTarget {
	async fn target(&self, context: &Context) -> anyhow::Result<Target> {
		match (self.submission, &self.model) {
			(Some(id), _) => Ok(Target::Submission(id)),
			(None, Some(model)) => Ok(Target::Head(model.id(context).await?)),
			(None, None) => anyhow::bail!("neither --submission nor --model"),
		}
	}
}

impl DemandCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let (chain, output) = (context.chain().await?, context.output());
		match self {
			Self::Make(named) => {
				let target = named.target(context).await?;
				let receipt = chain.demand(&global.signer(context).await?, target).await?;
				let view = chain.finalised().await?;
				let (demand, clock) = (view.demand(target).await?, view.clock().await?);
				let until = demand.as_ref().map(|demand| demand.until);
				let text = match &demand {
					Some(demand) => {
						format!(
							"demanded the weights of {target}, to be posted before {}",
							clock.at(demand.until)
						)
					}
					None => format!("demanded the weights of {target}"),
				};
				output.result(
					text,
					&serde_json::json!({ "target": target, "until": until, "receipt": receipt }),
				);
			}
			Self::Answer(named) => {
				let target = named.target(context).await?;
				let demand = chain.finalised().await?.demand(target).await?;
				let demand = demand.with_context(|| format!("nobody demands the weights of {target}"))?;
				let weights = context.store().get(&demand.weights)?;
				let receipt = chain.post_weights(target, weights).await?;
				output.result(
					format!("posted the weights of {target} in block {}", receipt.block),
					&serde_json::json!({ "target": target, "receipt": receipt }),
				);
			}
			Self::Revert { model } => {
				let receipt = chain.revert(&global.signer(context).await?, model.id(context).await?).await?;
				output.result(format!("the head fell in block {}", receipt.block), &receipt);
			}
			Self::List => {
				let view = chain.finalised().await?;
				let clock = view.clock().await?;
				for demand in view.demands().await? {
					let text = format!(
						"{}: weights {}, to be posted before {}, at a price of {}, demanded by {}",
						demand.target,
						people::digits(&demand.weights.root),
						clock.at(demand.until),
						oda(demand.price),
						demand.who.as_ref().map_or_else(|| "most verifiers".into(), people::account)
					);
					output.result(text, &demand);
				}
			}
		}
		Ok(())
	}
}
