//! Bringing weights to the chain.

use super::{Global, ModelName, Named, blob, costs, named};
use anyhow::{Context as _, bail};
use clap::Args;
use oda_roles::{
	context::Context,
	demand,
	submission::{self, Ended},
};

/// What `submit` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file my.key submit --model <ID> --weights <ROOT>\n  \
	ml-worker --key-file my.key submit --resume")]
pub struct SubmitArgs {
	/// The model's id.
	#[arg(long, value_name = "ID", required_unless_present = "resume")]
	pub model: Option<ModelName>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT", required_unless_present = "resume")]
	pub weights: Option<String>,
	/// Go on without asking.
	#[arg(long, short)]
	pub yes: bool,
	/// Finish the submissions that this account began and that have not ended.
	#[arg(long, conflicts_with_all = ["model", "weights"])]
	pub resume: bool,
}

/// Says how a submission ended; an error if it is not the head.
pub(super) fn report(context: &Context, ended: &Ended) -> anyhow::Result<()> {
	let what = ended
		.detail
		.as_ref()
		.map_or_else(|| ended.outcome.clone(), |happened| submission::describe(happened, None));
	let number = ended.submission.map_or_else(String::new, |id| format!(" {id}"));
	context.output().result(format!("submission{number}: {what}"), ended);
	if ended.accepted { Ok(()) } else { bail!("the submission was not accepted: {what}") }
}

impl SubmitArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let key = &global.signer(context).await?;
		context.peers().await?;
		let chain = context.chain().await?;
		if args.resume {
			let names = submission::unfinished(context, &chain, key)?;
			context.output().event(
				"resuming",
				format!("{} submissions to finish", names.len()),
				serde_json::json!({ "submissions": names.len() }),
			);
			let mut result = Ok(());
			for name in names {
				if let Some(held) = context.journal().hold(&name)? {
					let ended = demand::beside(context, key, submission::drive(context, key, held)).await?;
					result = result.and(report(context, &ended));
				}
			}
			return result;
		}
		let weights = blob(context, &args.weights.context("no --weights")?).await?;
		let Named { spec, registered, .. } = named(context, None, args.model.as_ref()).await?;
		let (view, model) = registered.context("no --model")?;
		// Whatever has become of the head since it was begun.
		if let Some(held) = submission::begun(context, &chain, key, model.id, &weights)? {
			let ended = demand::beside(context, key, submission::drive(context, key, held)).await?;
			return report(context, &ended);
		}
		if let Some(ended) = submission::accepted(&view, key, model.id, &weights).await? {
			return report(context, &ended);
		}
		let evaluated = submission::evaluate(context, &spec, &weights).await?;
		let comparison = submission::compare(&view, model.id, &spec, &evaluated).await?;
		let text = match comparison {
			Some(c) => format!(
				"score {} of {} records, {} more than the head: {} won, {} lost",
				evaluated.score, evaluated.records, c.gain, c.won, c.lost
			),
			None => {
				format!("score {} of {} records; the model has no head", evaluated.score, evaluated.records)
			}
		};
		context.output().event(
			"evaluated",
			text,
			serde_json::json!({
				"score": evaluated.score,
				"records": evaluated.records,
				"gain": comparison.map(|c| c.gain),
				"won": comparison.map(|c| c.won),
				"lost": comparison.map(|c| c.lost),
			}),
		);
		let costs = costs::ask_chain(&view, &spec).await?;
		costs::agree(context, &costs::submission(&costs), args.yes)?;
		let held = submission::prepare(context, key, model.id, weights, &evaluated).await?;
		let ended = demand::beside(context, key, submission::drive(context, key, held)).await?;
		report(context, &ended)
	}
}
