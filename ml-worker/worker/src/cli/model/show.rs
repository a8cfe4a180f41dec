//! What is known of registered models.

use crate::{
	cli::{Global, ModelName, card::Shown},
	spec_file::{self, SpecFile},
};
use anyhow::Context as _;
use clap::Args;
use oda_client::{Model, View, storage_account};
use oda_engine::float::Tables;
use oda_evaluator::ModelSpec;
use oda_roles::{amount::oda, context::Context, people};
use serde_json::json;
use std::path::PathBuf;

/// What `model show` needs.
#[derive(Debug, Args)]
pub struct ModelShowArgs {
	/// The model's id.
	#[arg(value_name = "ID")]
	pub model: ModelName,
	/// Also write its specification to a file.
	#[arg(long, value_name = "FILE")]
	pub spec: Option<PathBuf>,
}

pub(super) async fn list(context: &Context) -> anyhow::Result<()> {
	let view = context.chain().await?.finalised().await?;
	let mut cards = Shown::all(context, view.cards().await?).await;
	for model in view.models().await? {
		let head = view.head(&model).await?;
		let card = cards.remove(&model.id);
		let text = format!(
			"{} {:8} {}{}",
			people::digits(&model.id),
			format!("{:?}", model.status).to_lowercase(),
			head.as_ref().map_or_else(
				|| "no head".to_owned(),
				|head| format!(
					"version {} with score {} of {} records",
					head.number, head.score, model.records
				)
			),
			card.as_ref().map_or_else(String::new, |card| format!(", {}", card.line())),
		);
		context.output().result(text, &json!({ "model": model, "head": head, "card": card }));
	}
	Ok(())
}

impl ModelShowArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let view = context.chain().await?.finalised().await?;
		let id = args.model.id(context).await?;
		let model = view.model(id).await?.context("there is no such model")?;
		let spec = view.spec(id).await?.context("the model has no specification")?;
		if let Some(path) = &args.spec {
			spec_file::write(path, &SpecFile::new(&spec, Tables::new()))?;
		}
		let mut versions = Vec::new();
		for number in 0..=model.head.unwrap_or_default() {
			versions.extend(view.version(id, number).await?);
		}
		let mut submissions = view.submissions().await?;
		submissions.retain(|submission| submission.model == id);
		let bounties = view.bounties(id).await?;
		let storage = view.storage_balance(id).await?;
		let data = spec.data.dataset();
		let named = view.card(id).await?.map(|card| (id, card));
		let card = Shown::all(context, named.into_iter().collect()).await.remove(&id);
		let card = card.map(|card| card.of(&spec.graph));
		let value = json!({
			"model": model,
			"card": card,
			"objective": spec.objective,
			"data": { "root": format!("0x{}", hex::encode(data.blob.root)), "len": data.blob.len, "records": data.records },
			"weights_bytes": spec.graph.param_bytes(),
			"nodes": spec.graph.nodes.len(),
			"versions": versions,
			"submissions": submissions,
			"bounties": bounties,
			"storage": { "account": storage_account(&id), "balance": storage },
			"verifying": view.verifying(id).await?,
			"queue": view.queue(id).await?,
		});
		let mut text = described(&model, &spec);
		if let Some(card) = &card {
			text += &format!("\n  card: {}", card.line());
		}
		for version in &versions {
			text += &format!(
				"\n  version {}: score {}, weights {}, by {}",
				version.number,
				version.score,
				people::digits(&version.weights.root),
				people::account(&version.trainer)
			);
		}
		for submission in &submissions {
			text += &format!("\n  submission {}: {}", submission.id, phase(&view, submission).await?);
		}
		for bounty in &bounties {
			text += &format!(
				"\n  bounty {}: {} for a score of {}",
				bounty.id,
				oda(bounty.amount),
				bounty.threshold
			);
		}
		text += &format!("\n  storage account {} has {}", storage_account(&id), oda(storage));
		context.output().result(text, &value);
		Ok(())
	}
}

fn described(model: &Model, spec: &ModelSpec) -> String {
	let data = spec.data.dataset();
	format!(
		"model 0x{}\n  {:?}, registered by {} at tick {}\n  {} nodes, {} bytes of weights, {} multiply-accumulates \
		 a record\n  metric {:?}, at least {} better{}\n  scored on {} records, data {}",
		hex::encode(model.id),
		model.status,
		model.registrar,
		model.registered_at,
		spec.graph.nodes.len(),
		spec.graph.param_bytes(),
		model.cost.macs,
		spec.objective.metric,
		spec.objective.min_improvement,
		if spec.objective.confidence.is_some() { " and more than chance" } else { "" },
		model.records,
		hex::encode(data.blob.root),
	)
}

async fn phase(view: &View, submission: &oda_client::Submission) -> anyhow::Result<String> {
	use oda_client::Phase;
	Ok(match &submission.phase {
		Phase::Committed => {
			format!("committed, to be revealed before {}", view.clock().await?.at(submission.closes_at))
		}
		Phase::Queued { claim } => format!("waits for its turn, score {}", claim.score),
		Phase::Verifying { claim, open_until, .. } => {
			let (members, answers) = match view.task(submission.id).await? {
				Some(task) => (task.members.len(), task.opened),
				None => (0, 0),
			};
			format!(
				"is being verified until {} at least, score {}, {answers} answers of {members} verifiers",
				view.clock().await?.at(*open_until),
				claim.score
			)
		}
	})
}
