//! The settings of a training run.

use super::{Augment, OptimiserConfig, Schedule};
use crate::{EngineError, float::Observer};
use oda_evaluator::{Objective, model::Metric};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Which epoch's weights are the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
	/// The last one's.
	Last,
	/// The one's with the best integer score on the held-out data; of equals, the last.
	Best,
}

/// How to train. Where, and on how many threads, is the [`Engine`](crate::Engine)'s.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
	/// Passes over the training data.
	pub epochs: u32,
	/// Records in a step.
	pub batch: usize,
	/// What turns gradients into steps.
	pub optimiser: OptimiserConfig,
	/// How the learning rate develops.
	pub schedule: Schedule,
	/// Steps over which the learning rate rises linearly to its full value.
	pub warm_up: u32,
	/// The seed of initial weights, order and augmentation.
	pub seed: u64,
	/// Part of the epochs (0 to 1) after which quantisation is simulated. Before, ranges are only observed.
	pub quantise_from: f64,
	/// Part of the epochs (0 to 1) after which the scales of activations stay as they are.
	pub freeze_from: f64,
	/// What counts as a tensor's range.
	pub observer: Observer,
	/// How much of an observed range is kept from one step to the next (0 to below 1).
	pub momentum: f64,
	/// Label smoothing of the cross-entropy (0 to below 1).
	pub label_smoothing: f64,
	/// Changes made to the training inputs.
	pub augment: Augment,
	/// Stops as soon as the integer accuracy on the held-out data reaches this (0 to 1).
	pub stop_at: Option<f64>,
	/// Steps between looks at `stop_at` within an epoch; 0 for the end of each epoch only.
	pub check_every: u32,
	/// Which epoch's weights are the result.
	pub keep: Keep,
	/// Where to keep a checkpoint, from which the same run resumes.
	pub checkpoint: Option<PathBuf>,
	/// Epochs between checkpoints.
	pub checkpoint_every: u32,
}

impl Default for TrainConfig {
	fn default() -> Self {
		Self {
			epochs: 30,
			batch: 64,
			optimiser: OptimiserConfig::default(),
			schedule: Schedule::Cosine,
			warm_up: 20,
			seed: 0,
			quantise_from: 0.4,
			freeze_from: 0.8,
			observer: Observer::Max,
			momentum: 0.95,
			label_smoothing: 0.0,
			augment: Augment::None,
			stop_at: None,
			check_every: 0,
			keep: Keep::Last,
			checkpoint: None,
			checkpoint_every: 1,
		}
	}
}

/// Settings that say when to end, what to take and what to write, and change no step: a checkpoint of another value is
/// gone on from. The schedule and the phases are parts of `epochs`, so with more of them they go on as the new number says.
const FREE: [&str; 6] = ["epochs", "stop_at", "check_every", "keep", "checkpoint", "checkpoint_every"];

impl TrainConfig {
	pub(crate) fn check(&self, objective: &Objective) -> Result<(), EngineError> {
		let part = 0.0..=1.0;
		let fine = |condition: bool, what: &'static str| match condition {
			true => Ok(()),
			false => Err(EngineError::Config(what)),
		};
		fine(self.epochs > 0, "epochs must not be 0")?;
		fine(self.batch > 0, "batch must not be 0")?;
		fine(part.contains(&self.quantise_from), "quantise_from must be in 0..=1")?;
		fine(part.contains(&self.freeze_from), "freeze_from must be in 0..=1")?;
		fine((0.0..1.0).contains(&self.momentum), "momentum must be in 0..1")?;
		fine((0.0..1.0).contains(&self.label_smoothing), "label_smoothing must be in 0..1")?;
		fine(self.stop_at.is_none_or(|s| part.contains(&s)), "stop_at must be in 0..=1")?;
		let measured = self.stop_at.is_none() || objective.metric != Metric::SquaredError;
		fine(measured, "stop_at is an accuracy, which a squared error has not")?;
		fine(self.checkpoint_every > 0, "checkpoint_every must not be 0")?;
		self.optimiser.check()
	}

	/// What has to be the same for a checkpoint to be resumed, by the settings' names.
	pub fn identity(&self) -> Map<String, Value> {
		let mut settings = match serde_json::to_value(self) {
			Ok(Value::Object(settings)) => settings,
			_ => Map::new(),
		};
		settings.retain(|name, _| !FREE.contains(&name.as_str()));
		settings
	}
}
