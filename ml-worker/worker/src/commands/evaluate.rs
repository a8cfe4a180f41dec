//! Scoring weights without submitting them.

use super::{Named, named};
use crate::{cli::EvaluateArgs, out_file};
use oda_roles::{context::Context, submission};
use serde_json::json;

pub(super) async fn run(context: &Context, args: EvaluateArgs) -> anyhow::Result<()> {
	let Named { spec, registered, .. } = named(context, args.spec.as_deref(), args.model.as_ref()).await?;
	let weights = context.blob(&args.weights).await?;
	let evaluated = submission::evaluate(context, &spec, &weights).await?;
	if let Some(path) = &args.scores {
		out_file::write(path, &evaluated.packed[..])?;
	}
	// Whether the chain would take them is a result too, not a failure.
	let (better, why) = match &registered {
		Some((view, model)) => match submission::compare(view, model.id, &spec, &evaluated).await {
			Ok(None) => (None, "the model has no head".to_owned()),
			Ok(Some(found)) => (Some(true), format!("better than the head by {}", found.gain)),
			Err(error) => (Some(false), error.downcast::<submission::NotBetter>()?.to_string()),
		},
		None => (None, "not compared with a head".to_owned()),
	};
	context.output().result(
		format!(
			"weights {}\n  score {} on {} records; {why}",
			hex::encode(weights.root),
			evaluated.score,
			evaluated.records
		),
		&json!({
			"weights": weights,
			"score": evaluated.score,
			"records": evaluated.records,
			"better": better,
			"why": why,
		}),
	);
	Ok(())
}
