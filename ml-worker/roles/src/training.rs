//! Training, with a bar.

use crate::{context::Context, output::Unit};
use oda_engine::{
	TrainConfig,
	float::Tables,
	train::{Epoch, Start, Stop, Task},
};
use oda_evaluator::ModelSpec;
use oda_primitives::BlobRef;
use serde::Serialize;
use std::{
	ops::ControlFlow,
	sync::{
		Arc,
		atomic::{AtomicBool, Ordering},
	},
};

/// Where training starts.
#[derive(Clone, Debug)]
pub enum From {
	/// Random weights, with these lookup tables.
	Scratch(Tables),
	/// Weights in the store.
	Weights(BlobRef),
}

/// What training came to.
#[derive(Clone, Debug, Serialize)]
pub struct Result {
	/// The weights, in the store.
	pub weights: BlobRef,
	/// The sum of their scores on the held-out data.
	pub score: i64,
	/// The integer weights' accuracy on the held-out data, if the objective has one.
	pub integer_accuracy: Option<f64>,
	/// The float weights' accuracy on the same data.
	pub float_accuracy: Option<f64>,
	/// Epochs that ran.
	pub epochs: usize,
	/// Seconds that they took.
	pub seconds: f64,
	/// Why it ended.
	pub stop: Stop,
}

/// Stops the training of a future that is dropped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
	fn drop(&mut self) {
		self.0.store(true, Ordering::Relaxed);
	}
}

/// Trains, and stores the weights.
pub async fn train(
	context: &Context,
	spec: &ModelSpec,
	from: From,
	data: BlobRef,
	held_out: BlobRef,
	config: TrainConfig,
) -> anyhow::Result<Result> {
	use oda_blobs::BlobSource;
	let limit = context.settings().limits.data_mib.saturating_mul(1 << 20);
	for blob in [&data, &held_out] {
		anyhow::ensure!(blob.len <= limit, "the data has {} bytes, over the limit of {limit}", blob.len);
	}
	let weights = match &from {
		From::Scratch(_) => None,
		From::Weights(weights) => Some(weights),
	};
	for blob in [&data, &held_out].into_iter().chain(weights) {
		context.obtain(blob).await?;
	}
	let bench = context.bench().await?;
	let (store, spec, output) = (context.store().clone(), spec.clone(), context.output());
	let bar = output.bar(config.epochs.into(), "training", Unit::Steps);
	let stop = Arc::new(AtomicBool::new(false));
	let _stop = StopOnDrop(Arc::clone(&stop));
	let work = move || -> anyhow::Result<Result> {
		let training = store.get(&data)?;
		let held_out = store.get(&held_out)?;
		let weights;
		let start = match &from {
			From::Scratch(tables) => Start::Seed(tables),
			From::Weights(blob) => {
				weights = store.get(blob)?;
				Start::Weights(&weights)
			}
		};
		let progress = |epoch: &Epoch| {
			bar.set_position(u64::from(epoch.epoch) + 1);
			let accuracy = |m: &oda_engine::train::Measure| m.accuracy().map_or(f64::NAN, |a| a * 100.0);
			let text = format!(
				"epoch {}/{}: loss {:.4}, integer {:.2} %, float {:.2} %, {:.1} s",
				epoch.epoch + 1,
				epoch.epochs,
				epoch.loss,
				accuracy(&epoch.integer),
				accuracy(&epoch.float),
				epoch.seconds
			);
			if output.is_json() {
				output.event("epoch", text, serde_json::to_value(epoch).unwrap_or_default());
			} else if bar.is_hidden() {
				eprintln!("{text}");
			} else {
				bar.println(text);
			}
			if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
		};
		let task =
			Task { graph: &spec.graph, objective: &spec.objective, training: &training, held_out: &held_out };
		let trained = oda_engine::train(bench.engine(), &task, start, &config, progress)?;
		bar.finish_and_clear();
		Ok(Result {
			weights: store.put(&trained.weights)?,
			score: trained.integer.score,
			integer_accuracy: trained.integer.accuracy(),
			float_accuracy: trained.float.accuracy(),
			epochs: trained.history.len(),
			seconds: trained.history.iter().map(|epoch| epoch.seconds).sum(),
			stop: trained.stop,
		})
	};
	tokio::task::spawn_blocking(work).await?
}
