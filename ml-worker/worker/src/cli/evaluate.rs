//! Scoring weights without submitting them.

use super::{Global, ModelName, Named, blob, named};
use crate::out_file;
use clap::Args;
use oda_roles::submission;
use serde_json::json;
use std::path::PathBuf;

/// What `evaluate` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker evaluate --spec digits.json --weights <ROOT>\n  \
	ml-worker evaluate --model <ID> --weights weights.bin --scores scores.bin")]
pub struct EvaluateArgs {
	/// A registered model's id.
	#[arg(long, value_name = "ID", required_unless_present = "spec", conflicts_with = "spec")]
	pub model: Option<ModelName>,
	/// A specification file.
	#[arg(long, value_name = "FILE")]
	pub spec: Option<PathBuf>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: String,
	/// Also write the score of every record to a file, packed as the chain wants them.
	#[arg(long, value_name = "FILE")]
	pub scores: Option<PathBuf>,
}

impl EvaluateArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let Named { spec, registered, .. } =
			named(context, args.spec.as_deref(), args.model.as_ref()).await?;
		let weights = blob(context, &args.weights).await?;
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
}
