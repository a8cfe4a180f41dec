//! Training, with a bar.

use crate::{context::Context, evaluation::Workbench, output::Unit};
use oda_engine::{
	TrainConfig,
	float::Tables,
	train::{Epoch, Progress, Start, Stop, Task},
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

/// Asks a training to stop, from anywhere; also when it is dropped.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
	/// After the step under way, it stops.
	pub fn stop(&self) {
		self.0.store(true, Ordering::Relaxed);
	}

	fn go_on(&self) -> ControlFlow<()> {
		if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
	}
}

/// Stops the training of a future that is dropped.
struct StopOnDrop(Stopper);

impl Drop for StopOnDrop {
	fn drop(&mut self) {
		self.0.stop();
	}
}

/// A training for which everything is there.
pub struct Training {
	context: Context,
	bench: Arc<Workbench>,
	spec: ModelSpec,
	from: From,
	data: BlobRef,
	held_out: BlobRef,
	config: TrainConfig,
}

impl Training {
	/// Gets what is needed, from peers if it is not in the store.
	///
	/// # Errors
	///
	/// Data over the limit; no network to get it from.
	pub async fn prepare(
		context: &Context,
		spec: &ModelSpec,
		from: From,
		data: BlobRef,
		held_out: BlobRef,
		config: TrainConfig,
	) -> anyhow::Result<Self> {
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
		let (context, bench, spec) = (context.clone(), context.bench().await?, spec.clone());
		Ok(Self { context, bench, spec, from, data, held_out, config })
	}

	/// Trains, and stores the weights. If it is stopped, those are the best epoch's.
	///
	/// # Errors
	///
	/// What [`oda_engine::train`] fails with; a store that cannot be read or written.
	pub async fn run(self, stopper: Stopper) -> anyhow::Result<Result> {
		let _stop = StopOnDrop(stopper.clone());
		tokio::task::spawn_blocking(move || self.work(&stopper)).await?
	}

	fn work(self, stopper: &Stopper) -> anyhow::Result<Result> {
		use oda_blobs::BlobSource;
		let Self { context, bench, spec, from, data, held_out, config } = self;
		let (store, output) = (context.store(), context.output());
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
		let bar = output.bar(0, "training", Unit::Steps);
		let progress = |progress: Progress<'_>| {
			match progress {
				Progress::Step { epoch, done, steps } => {
					bar.set_length(steps * u64::from(config.epochs));
					bar.set_position(steps * u64::from(epoch) + done);
				}
				Progress::Measuring => {}
				Progress::Epoch(epoch) => {
					let text = describe(epoch);
					if output.is_json() {
						output.event("epoch", text, serde_json::to_value(epoch).unwrap_or_default());
					} else if bar.is_hidden() {
						output.note(text);
					} else {
						bar.println(text);
					}
				}
			}
			stopper.go_on()
		};
		let task =
			Task { graph: &spec.graph, objective: &spec.objective, training: &training, held_out: &held_out };
		let trained = oda_engine::train(&bench.engine(), &task, start, &config, progress)?;
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
	}
}

/// An epoch for people: accuracies where the objective has one, otherwise score and loss.
fn describe(epoch: &Epoch) -> String {
	let measured = match (epoch.integer.accuracy(), epoch.float.accuracy()) {
		(Some(integer), Some(float)) => {
			format!("integer {:.2} %, float {:.2} %", integer * 100.0, float * 100.0)
		}
		_ => format!("integer score {}, float loss {:.4}", epoch.integer.score, epoch.float.loss),
	};
	let (number, of, loss, seconds) = (epoch.epoch + 1, epoch.epochs, epoch.loss, epoch.seconds);
	format!("epoch {number}/{of}: loss {loss:.4}, {measured}, {seconds:.1} s")
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_engine::train::{Measure, Precision};

	#[test]
	fn an_epoch_shows_no_accuracy_where_there_is_none() {
		let none = Measure { score: -5, loss: 0.25, ..Measure::default() };
		let some = Measure { correct: 3, counted: 4, ..Measure::default() };
		let (precision, loss, rate, seconds) = (Precision::Float, 0.5, 1.0, 2.0);
		let epoch = Epoch { epoch: 0, epochs: 3, precision, loss, rate, integer: none, float: none, seconds };
		assert_eq!(describe(&epoch), "epoch 1/3: loss 0.5000, integer score -5, float loss 0.2500, 2.0 s");
		let epoch = Epoch { integer: some, float: some, ..epoch };
		assert_eq!(describe(&epoch), "epoch 1/3: loss 0.5000, integer 75.00 %, float 75.00 %, 2.0 s");
	}
}
