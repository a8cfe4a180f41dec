//! Bringing weights to the chain.

use super::{Named, named};
use crate::cli::SubmitArgs;
use anyhow::{Context as _, bail};
use oda_client::Key;
use oda_roles::{
	context::Context,
	demand,
	submission::{self, Ended},
};

/// Says how a submission ended; an error if it is not the head.
pub(super) fn report(context: &Context, ended: &Ended) -> anyhow::Result<()> {
	let what = ended.detail.as_ref().map_or_else(|| ended.outcome.clone(), submission::describe);
	let number = ended.submission.map_or_else(String::new, |id| format!(" {id}"));
	context.output().result(format!("submission{number}: {what}"), ended);
	if ended.accepted { Ok(()) } else { bail!("the submission was not accepted: {what}") }
}

pub(super) async fn run(context: &Context, key: &Key, args: SubmitArgs) -> anyhow::Result<()> {
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
	let weights = context.blob(&args.weights.context("no --weights")?).await?;
	let Named { spec, registered, .. } = named(context, None, args.model.as_ref()).await?;
	let (view, model) = registered.context("no --model")?;
	let evaluated = submission::evaluate(context, &spec, &weights).await?;
	let comparison = submission::compare(&view, model.id, &spec, &evaluated).await?;
	let text = match comparison {
		Some(c) => format!(
			"score {} of {} records, {} more than the head: {} won, {} lost",
			evaluated.score, evaluated.records, c.gain, c.won, c.lost
		),
		None => format!("score {} of {} records; the model has no head", evaluated.score, evaluated.records),
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
	let held = submission::prepare(context, key, model.id, weights, &evaluated).await?;
	let ended = demand::beside(context, key, submission::drive(context, key, held)).await?;
	report(context, &ended)
}
