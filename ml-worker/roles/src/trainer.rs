//! Trains from a model's head and submits what is better, once or again and again.

use crate::{
	context::Context,
	service::{self, Actor, Role, Step},
	submission::{self, Ended, NotBetter},
	training::{self, Stopper, Training},
};
use anyhow::{Context as _, bail};
use oda_client::{Key, ModelStatus, View};
use oda_engine::TrainConfig;
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, ModelId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
	fs, io,
	path::{Path, PathBuf},
	time::{Duration, Instant},
};
use tokio::task::JoinSet;

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
	/// How to train. The seed of each round is the one here plus the round's number; `checkpoint` names a folder, in which
	/// each round has a file of its own for as long as it lasts.
	#[serde(default)]
	pub train: TrainConfig,
}

fn interval() -> u64 {
	30
}

/// Trains and submits.
pub async fn run(context: Context, key: Key, config: TrainerConfig) -> anyhow::Result<()> {
	service::run::<Trainer>(context, Some(key), config, false).await
}

/// What came of a piece of a trainer's work.
enum Came {
	/// Weights became the head.
	Accepted,
	/// They did not, or there were none.
	NotAccepted,
	/// The model takes none any more.
	Closed,
}

/// The role: one piece of work at a time, what was begun before first, and a pause between rounds.
pub struct Trainer {
	agent: Agent,
	work: JoinSet<anyhow::Result<Came>>,
	/// Submissions from the journal that are to be seen through.
	begun: Vec<String>,
	round: u64,
	rest: Option<Instant>,
}

/// Where the run of one round is kept: each has a file of its own, for it fits no other. It begins from another head, or
/// has another seed.
struct Checkpoint {
	path: PathBuf,
	/// How the names of all this role's checkpoints begin.
	prefix: String,
}

impl Checkpoint {
	/// Of the run that begins at the weights of this root, if the settings name a folder.
	fn of(config: &TrainerConfig, head: Option<[u8; 32]>, train: &TrainConfig) -> Option<Self> {
		let folder = config.train.checkpoint.as_ref()?;
		let hash =
			|of: serde_json::Value| hex::encode(&blake3::hash(of.to_string().as_bytes()).as_bytes()[..8]);
		let role = |train: &TrainConfig| json!([config.model, config.data, train.identity()]);
		let prefix = format!("{}-", hash(role(&config.train)));
		let run = hash(json!([role(train), head]));
		Some(Self { path: folder.join(format!("{prefix}{run}.safetensors")), prefix })
	}

	/// Makes the folder, and deletes what is of other rounds in it: those will not be gone on with.
	fn make_room(&self) -> anyhow::Result<()> {
		let folder = self.path.parent().unwrap_or(Path::new("."));
		let said = || folder.display().to_string();
		fs::create_dir_all(folder).with_context(said)?;
		for entry in fs::read_dir(folder).with_context(said)? {
			let path = entry.with_context(said)?.path();
			let name = path.file_name().unwrap_or_default().to_string_lossy();
			if path != self.path && name.starts_with(&self.prefix) {
				fs::remove_file(&path).with_context(|| path.display().to_string())?;
			}
		}
		Ok(())
	}

	/// Deletes it: its weights are in the store.
	fn remove(&self) -> anyhow::Result<()> {
		match fs::remove_file(&self.path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => {
				Err(error).with_context(|| self.path.display().to_string())
			}
			_ => Ok(()),
		}
	}
}

#[derive(Clone)]
struct Agent {
	actor: Actor,
	key: Key,
	config: TrainerConfig,
}

impl Role for Trainer {
	const NAME: &'static str = "trainer";
	type Config = TrainerConfig;

	async fn start(actor: Actor, config: TrainerConfig) -> anyhow::Result<Self> {
		let key = actor.needed_key(Self::NAME)?;
		let agent = Agent { actor, key, config };
		Ok(Self { agent, work: JoinSet::new(), begun: Vec::new(), round: 0, rest: None })
	}

	async fn resume(&mut self, _view: &View) -> anyhow::Result<()> {
		self.begun =
			submission::unfinished(&self.agent.actor.context, &self.agent.actor.chain, &self.agent.key)?;
		Ok(())
	}

	async fn block(&mut self, _view: &View) -> anyhow::Result<Step> {
		while let Some(done) = self.work.try_join_next() {
			if let Some(step) = self.note(done.unwrap_or_else(|error| Err(error.into()))) {
				return Ok(step);
			}
		}
		if !self.work.is_empty() || self.rest.is_some_and(|until| Instant::now() < until) {
			return Ok(Step::GoOn);
		}
		let agent = self.agent.clone();
		if let Some(name) = self.begun.pop() {
			self.work.spawn(async move { agent.take_up(&name).await });
		} else {
			let round = self.round;
			self.round = round.wrapping_add(1);
			self.work.spawn(async move { agent.round(round).await });
		}
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		while let Some(done) = self.work.join_next().await {
			done??;
		}
		Ok(())
	}
}

impl Trainer {
	/// Takes note of what came of a piece of work; whether the role is at its end.
	fn note(&mut self, done: anyhow::Result<Came>) -> Option<Step> {
		self.rest = Some(Instant::now() + Duration::from_secs(self.agent.config.interval));
		match done {
			Ok(Came::Accepted) => self.agent.config.once.then_some(Step::Done),
			Ok(Came::NotAccepted) => None,
			Ok(Came::Closed) => {
				tracing::warn!(
					model = hex::encode(self.agent.config.model),
					"the model is retired; training has ended"
				);
				Some(Step::Done)
			}
			Err(error) => {
				self.agent.actor.context.metrics().failed(Self::NAME);
				tracing::error!(error = format!("{error:#}"), "a round failed; there will be another");
				None
			}
		}
	}
}

impl Agent {
	/// Sees a submission through that was begun before.
	async fn take_up(&self, name: &str) -> anyhow::Result<Came> {
		let Some(held) = self.actor.context.journal().hold(name)? else { return Ok(Came::NotAccepted) };
		let ended = submission::drive(&self.actor.context, &self.key, held).await?;
		self.say(&ended)?;
		// It counts as no round of this trainer's.
		Ok(Came::NotAccepted)
	}

	/// One round: train, compare, submit.
	async fn round(&self, round: u64) -> anyhow::Result<Came> {
		let (Actor { context, chain, .. }, config) = (&self.actor, &self.config);
		let view = chain.finalised().await?;
		let model = view.model(config.model).await?.context("there is no such model")?;
		if model.status == ModelStatus::Retired {
			return Ok(Came::Closed);
		}
		if model.status == ModelStatus::Frozen {
			tracing::warn!("the model is frozen; a decision may open it again");
			return Ok(Came::NotAccepted);
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
		let checkpoint = Checkpoint::of(config, head.as_ref().map(|head| head.weights.root), &train);
		if let Some(checkpoint) = &checkpoint {
			checkpoint.make_room()?;
			train.checkpoint = Some(checkpoint.path.clone());
		}
		let training = Training::prepare(context, &spec, from, data, held_out, train).await?;
		let trained = training.run(Stopper::default()).await?;
		let weights = trained.weights;
		context.output().event(
			"trained",
			format!("round {round}: score {}, weights {}", trained.score, hex::encode(weights.root)),
			serde_json::to_value(&trained)?,
		);
		let came = self.bring(round, &spec, weights).await;
		if let Some(checkpoint) = &checkpoint {
			checkpoint.remove()?;
		}
		came
	}

	/// Submits weights, if they are better than the head's; afterwards nothing of this role's needs them.
	async fn bring(&self, round: u64, spec: &ModelSpec, weights: BlobRef) -> anyhow::Result<Came> {
		let came = self.submit(round, spec, weights).await;
		// Before, nothing but this work, and for some of it the journal, knows that they are needed.
		self.actor.context.store().mark_passing(&weights.root)?;
		came
	}

	async fn submit(&self, round: u64, spec: &ModelSpec, weights: BlobRef) -> anyhow::Result<Came> {
		let (Actor { context, chain, .. }, config) = (&self.actor, &self.config);
		let evaluated = submission::evaluate(context, spec, &weights).await?;
		let view = chain.finalised().await?;
		match submission::compare(&view, config.model, spec, &evaluated).await {
			Ok(_) => {}
			Err(error) if error.is::<NotBetter>() => {
				context.output().event(
					"not_better",
					error.to_string(),
					serde_json::json!({ "round": round }),
				);
				return Ok(Came::NotAccepted);
			}
			Err(error) => return Err(error),
		}
		let held = submission::prepare(context, &self.key, config.model, weights, &evaluated).await?;
		let ended = submission::drive(context, &self.key, held).await?;
		self.say(&ended)?;
		Ok(if ended.accepted { Came::Accepted } else { Came::NotAccepted })
	}

	/// Says how a submission ended.
	fn say(&self, ended: &Ended) -> anyhow::Result<()> {
		let what = ended
			.detail
			.as_ref()
			.map_or_else(|| ended.outcome.clone(), |happened| submission::describe(happened, None));
		let value = serde_json::to_value(ended)?;
		self.actor.context.output().event("ended", format!("submission ended: {what}"), value);
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		evaluation,
		played::{Stage, end_of, head},
	};
	use oda_blobs::BlobSource;

	fn config(model: ModelId) -> TrainerConfig {
		TrainerConfig { model, data: [0; 32], once: false, interval: 0, train: TrainConfig::default() }
	}

	#[tokio::test]
	async fn weights_are_not_deleted_while_they_are_evaluated_and_are_once_that_has_shown_that_they_are_not_better()
	 {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let (context, chain) = (actor.context.clone(), actor.chain.clone());
		let (spec, weights) = evaluation::tests::case(context.store());
		stage.finalise(|block| {
			block.set_model(&spec, Some(&head(stage.me(), BlobRef { root: [8; 32], len: 0 }, 2)));
		});
		let agent = Agent { actor, key: stage.key.clone(), config: config(spec.id()) };
		let bench = context.bench().await.unwrap();
		let busy = bench.occupy().await;
		let work = tokio::spawn(async move { agent.bring(0, &spec, weights).await });
		for _ in 0..50 {
			tokio::time::sleep(Duration::from_millis(10)).await;
			service::tidy(&context, &chain).await.unwrap();
		}
		assert!(!work.is_finished() && context.store().has(&weights).unwrap());
		drop(busy);
		assert!(matches!(end_of("the round", work).await.unwrap().unwrap(), Came::NotAccepted));
		service::tidy(&context, &chain).await.unwrap();
		assert!(!context.store().has(&weights).unwrap());
	}

	#[test]
	fn each_round_has_a_checkpoint_of_its_own_which_a_restart_finds_again() {
		let base = tempfile::tempdir().unwrap();
		let folder = base.path().join("checkpoints");
		let mut config = config([1; 32]);
		assert!(Checkpoint::of(&config, None, &config.train).is_none());
		config.train.checkpoint = Some(folder.clone());
		let of = |head: u8, round: u64| {
			let train = TrainConfig { seed: config.train.seed.wrapping_add(round), ..config.train.clone() };
			Checkpoint::of(&config, Some([head; 32]), &train).unwrap()
		};
		let first = of(5, 0);
		assert_eq!(first.path, of(5, 0).path);
		assert!(first.path.starts_with(&folder));
		assert!(first.path != of(5, 1).path && first.path != of(6, 0).path);
		// What was left of another round is deleted, and nothing else.
		first.make_room().unwrap();
		fs::write(&first.path, "").unwrap();
		fs::write(folder.join("other"), "").unwrap();
		of(5, 0).make_room().unwrap();
		assert!(first.path.exists());
		of(6, 0).make_room().unwrap();
		assert!(!first.path.exists() && folder.join("other").exists());
		first.remove().unwrap();
	}
}
