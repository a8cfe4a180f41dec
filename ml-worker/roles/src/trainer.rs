//! Trains from a model's head and submits what is better, once or again and again.

use crate::{
	context::Context,
	demand,
	submission::{self, Ended, NotBetter},
	training,
};
use anyhow::{Context as _, bail};
use oda_client::{Chain, Key, ModelStatus};
use oda_engine::TrainConfig;
use oda_primitives::{BlobRef, ModelId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a trainer works.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
	/// The model, in hexadecimal.
	#[serde(with = "oda_primitives::hexadecimal")]
	pub model: ModelId,
	/// The root of the data to train on, in hexadecimal. What the model is scored on is never trained on.
	#[serde(with = "oda_primitives::hexadecimal")]
	pub data: [u8; 32],
	/// Ends after the first submission that was accepted.
	#[serde(default)]
	pub once: bool,
	/// Seconds between two rounds.
	#[serde(default = "interval")]
	pub interval: u64,
	/// How to train. The seed of each round is the one here plus the round's number.
	#[serde(default)]
	pub train: TrainConfig,
}

fn interval() -> u64 {
	30
}

/// Trains and submits.
pub async fn run(context: Context, key: Key, config: TrainerConfig) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	demand::beside(&context, &key, rounds(&context, &chain, &key, &config)).await
}

async fn rounds(context: &Context, chain: &Chain, key: &Key, config: &TrainerConfig) -> anyhow::Result<()> {
	for name in submission::unfinished(context, chain, key)? {
		if let Some(held) = context.journal().hold(&name)? {
			let ended = submission::drive(context, key, held).await?;
			say(context, &ended)?;
		}
	}
	for round in 0u64.. {
		if round_of(context, chain, key, config, round).await? && config.once {
			break;
		}
		tokio::time::sleep(Duration::from_secs(config.interval)).await;
	}
	Ok(())
}

/// One round: train, compare, submit; whether it was accepted.
async fn round_of(
	context: &Context,
	chain: &Chain,
	key: &Key,
	config: &TrainerConfig,
	round: u64,
) -> anyhow::Result<bool> {
	let view = chain.finalised().await?;
	context.observe_balance(&view, &key.account()).await;
	let model = view.model(config.model).await?.context("there is no such model")?;
	if model.status == ModelStatus::Retired {
		bail!("the model is retired");
	}
	let spec = view.spec(config.model).await?.context("the model has no specification")?;
	let data = context.locate(&config.data).await?;
	let data = data.context("the training data is neither in the store nor named by the chain")?;
	let head = view.head(&model).await?;
	let from = match &head {
		Some(head) => training::From::Weights(head.weights),
		None => bail!("the model has no head yet: its registrar submits version 0"),
	};
	let held_out: BlobRef = spec.data.dataset().blob;
	let mut train = config.train.clone();
	train.seed = train.seed.wrapping_add(round);
	let trained = training::train(context, &spec, from, data, held_out, train).await?;
	let weights = trained.weights;
	context.output().event(
		"trained",
		format!("round {round}: score {}, weights {}", trained.score, hex::encode(weights.root)),
		serde_json::to_value(&trained)?,
	);
	let evaluated = submission::evaluate(context, &spec, &weights).await?;
	let view = chain.finalised().await?;
	match submission::compare(&view, config.model, &spec, &evaluated).await {
		Ok(_) => {}
		Err(error) if error.is::<NotBetter>() => {
			context.output().event("not_better", error.to_string(), serde_json::json!({ "round": round }));
			return Ok(false);
		}
		Err(error) => return Err(error),
	}
	let held = submission::prepare(context, key, config.model, weights, &evaluated).await?;
	let ended = submission::drive(context, key, held).await?;
	let accepted = ended.accepted;
	say(context, &ended)?;
	Ok(accepted)
}

/// Says how a submission ended.
fn say(context: &Context, ended: &Ended) -> anyhow::Result<()> {
	let what = ended.detail.as_ref().map_or_else(|| ended.outcome.clone(), submission::describe);
	context.output().event("ended", format!("submission ended: {what}"), serde_json::to_value(ended)?);
	Ok(())
}
