//! Rewards for better weights.

use super::{Global, ModelName};
use clap::Subcommand;
use oda_roles::{
	amount::{Amount, oda},
	people,
};
use std::str::FromStr;

/// Promise and take back rewards.
#[derive(Debug, Subcommand)]
pub enum BountyCommand {
	/// Promise a reward for weights of at least some score.
	///
	/// The amount is on hold until it is paid or taken back. Costs a fee. Prints the bounty's number.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key bounty post --model <ID> --threshold 350 --amount 10 --ticks 10000")]
	Post {
		/// The model's id.
		#[arg(long, value_name = "ID")]
		model: ModelName,
		/// The least sum of scores that earns it.
		#[arg(long, allow_negative_numbers = true)]
		threshold: i64,
		/// How much, in ODA.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
		/// For how many ticks from now.
		#[arg(long)]
		ticks: u64,
	},
	/// Take a bounty back.
	///
	/// Once its time is over, or the model takes no new head any more, and no submission can earn it. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key bounty withdraw --model <ID> --bounty 0")]
	Withdraw {
		/// The model's id.
		#[arg(long, value_name = "ID")]
		model: ModelName,
		/// The bounty's number.
		#[arg(long)]
		bounty: u64,
	},
	/// The bounties on a model.
	///
	/// At the last final block, a line a bounty.
	#[command(after_help = "Example:\n  \
		ml-worker bounty list --model <ID>")]
	List {
		/// The model's id.
		#[arg(long, value_name = "ID")]
		model: ModelName,
	},
}

impl BountyCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let (chain, output) = (context.chain().await?, context.output());
		match self {
			Self::Post { model, threshold, amount, ticks } => {
				let model = model.id(context).await?;
				let clock = chain.finalised().await?.clock().await?;
				let until = clock.now.saturating_add(ticks);
				let key = global.signer(context).await?;
				let (bounty, receipt) = chain.post_bounty(&key, model, threshold, amount.0, until).await?;
				output.result(
					format!(
						"bounty {bounty}: {} for a score of {threshold}, until {}",
						oda(amount.0),
						clock.at(until)
					),
					&serde_json::json!({ "bounty": bounty, "until": until, "receipt": receipt }),
				);
			}
			Self::Withdraw { model, bounty } => {
				let model = model.id(context).await?;
				let receipt = chain.withdraw_bounty(&global.signer(context).await?, model, bounty).await?;
				output.result(format!("bounty {bounty} withdrawn in block {}", receipt.block), &receipt);
			}
			Self::List { model } => {
				let model = model.id(context).await?;
				let view = chain.finalised().await?;
				let clock = view.clock().await?;
				for bounty in view.bounties(model).await? {
					let text = format!(
						"{}: {} for a score of {}, until {}, by {}",
						bounty.id,
						oda(bounty.amount),
						bounty.threshold,
						clock.at(bounty.until),
						people::account(&bounty.poster)
					);
					output.result(text, &bounty);
				}
			}
		}
		Ok(())
	}
}
