//! The training loop.

use super::{
	Epoch, Keep, Measure, Precision, Progress, Stop, TrainConfig, checkpoint, loss, optimiser::Optimiser,
};
use crate::{
	EngineError,
	batch::Batch,
	evaluate::Engine,
	float::{FloatModel, Mode, Tables},
	records::Records,
	rng::Rng,
	threads,
};
use oda_evaluator::{Graph, Objective};
use std::{ops::ControlFlow, time::Instant};

/// What is trained, for what, on what.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
	/// The graph.
	pub graph: &'a Graph,
	/// What it is verified by.
	pub objective: &'a Objective,
	/// The records to train on: input bytes, then target, as the objective's data has them.
	pub training: &'a [u8],
	/// The records to measure on; never trained on.
	pub held_out: &'a [u8],
}

/// Where training starts.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
	/// Random weights from the configuration's seed, with these lookup tables.
	Seed(&'a Tables),
	/// A weights blob: goes on from somebody's head.
	Weights(&'a [u8]),
}

/// A run's result.
pub struct Trained {
	/// The weights blob.
	pub weights: Vec<u8>,
	/// That blob on the held-out data.
	pub integer: Measure,
	/// The same network before quantisation, on the same data.
	pub float: Measure,
	/// Every epoch, the resumed ones included.
	pub history: Vec<Epoch>,
	/// Why it ended.
	pub stop: Stop,
	/// The float model as it was last: for [`Keep::Best`] it may be later than `weights`.
	pub model: FloatModel,
}

/// The state that a run carries from epoch to epoch.
pub(super) struct State {
	pub model: FloatModel,
	pub optimiser: Optimiser,
	pub history: Vec<Epoch>,
	/// The best epoch so far: integer weights, and both measures.
	pub best: Option<(Vec<u8>, Measure, Measure)>,
}

/// The rng purposes of an epoch: order and augmentation.
const ORDER: u64 = 0x6f72_6465_7200_0000;
const AUGMENT: u64 = 0x6175_676d_0000_0000;

/// Trains a task's graph from `start`, on `engine`'s device and threads; `engine` evaluates the integer weights.
/// `progress` is called after each step, while measuring, and after each epoch, and may stop the run, which then returns
/// the best epoch's weights whatever is configured: the epoch that was under way is lost.
///
/// With a checkpoint path, a run that was killed or stopped continues with the last checkpoint; the file remains when
/// the run ends. A run that is complete returns at once, and goes on if there are more epochs now.
///
/// # Errors
///
/// Data that is no whole number of records, or none; a graph that cannot be trained; a setting out of range;
/// a checkpoint of another run, or one that is damaged; [`EngineError::Diverged`]; [`EngineError::Cancelled`] if it was
/// stopped before an epoch was over; libtorch and file errors.
pub fn train(
	engine: &Engine,
	task: &Task<'_>,
	start: Start<'_>,
	config: &TrainConfig,
	mut progress: impl FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, EngineError> {
	let Task { graph, objective, training, held_out } = *task;
	config.check(objective)?;
	let macs = graph.validate()?.macs;
	// Forward, and twice as much backward.
	let step_macs = macs.saturating_mul(config.batch as u64).saturating_mul(3);
	threads::set_for(engine.threads(), step_macs);
	let identity = checkpoint::Identity::of(task, start, config);
	let training = Records::of(graph, objective, training)?;
	let held_out = Records::of(graph, objective, held_out)?;
	if training.is_empty() || held_out.is_empty() {
		return Err(EngineError::NoRecords);
	}
	let device = engine.training_device();
	let model = match start {
		Start::Seed(tables) => {
			FloatModel::from_seed(graph, objective, config.seed, tables, &training, device)?
		}
		Start::Weights(weights) => FloatModel::from_integers(graph, objective, weights, &training, device)?,
	};
	let optimiser = Optimiser::new(config.optimiser, &model.trainable(), device)?;
	let mut state = State { model, optimiser, history: Vec::new(), best: None };
	if let Some(path) = &config.checkpoint
		&& path.exists()
	{
		checkpoint::load(path, &identity, &mut state)?;
		tracing::info!(?path, epoch = state.history.len(), "training resumes");
	}
	let run = Run { engine, config, training, held_out, step_macs };
	let mut stop = run.finished(&state);
	while stop.is_none() {
		let (epoch, reached) = match run.epoch(&mut state, &mut progress) {
			Err(EngineError::Cancelled) => {
				stop = Some(Stop::Cancelled);
				break;
			}
			done => done?,
		};
		state.history.push(epoch);
		let due = (epoch.epoch + 1) % config.checkpoint_every == 0 || epoch.epoch + 1 == config.epochs;
		if let Some(path) = &config.checkpoint
			&& (due || reached)
		{
			checkpoint::save(path, &identity, &state)?;
		}
		let cancelled = progress(Progress::Epoch(&epoch)).is_break();
		stop = match reached {
			true => Some(Stop::Target),
			false => run.finished(&state),
		};
		if stop.is_none() && cancelled {
			stop = Some(Stop::Cancelled);
		}
	}
	let stop = stop.unwrap_or(Stop::Done);
	let (weights, integer, float) = run.result(&mut state, stop)?;
	Ok(Trained { weights, integer, float, stop, history: state.history, model: state.model })
}

struct Run<'a> {
	engine: &'a Engine,
	config: &'a TrainConfig,
	training: Records<'a>,
	held_out: Records<'a>,
	/// Multiply-accumulates of a step.
	step_macs: u64,
}

impl Run<'_> {
	/// Whether the history says that there is nothing left to do.
	fn finished(&self, state: &State) -> Option<Stop> {
		let last = state.history.last()?;
		if self.reached(&last.integer) {
			return Some(Stop::Target);
		}
		(last.epoch + 1 >= self.config.epochs).then_some(Stop::Done)
	}

	fn reached(&self, integer: &Measure) -> bool {
		self.config.stop_at.is_some_and(|target| integer.accuracy().is_some_and(|a| a >= target))
	}

	fn precision(&self, epoch: u32) -> Precision {
		let part = f64::from(epoch) / f64::from(self.config.epochs);
		if part < self.config.quantise_from {
			Precision::Float
		} else if part < self.config.freeze_from.max(self.config.quantise_from) {
			Precision::Quantised
		} else {
			Precision::Frozen
		}
	}

	/// The weights blob and how good it is.
	fn integers(
		&self,
		model: &FloatModel,
		each: impl FnMut() -> ControlFlow<()>,
	) -> Result<(Vec<u8>, Measure), EngineError> {
		let weights = model.quantise()?;
		let loaded = self.engine.load(model.graph(), &weights)?;
		let measure = Measure::of_integers(&loaded, model.objective(), &self.held_out, each)?;
		Ok((weights, measure))
	}

	/// One epoch; also whether the accuracy asked for was reached, which may be in its midst.
	fn epoch(
		&self,
		state: &mut State,
		progress: &mut impl FnMut(Progress<'_>) -> ControlFlow<()>,
	) -> Result<(Epoch, bool), EngineError> {
		let begun = Instant::now();
		let config = self.config;
		let epoch = state.history.len() as u32;
		let precision = self.precision(epoch);
		let mut order: Vec<usize> = (0..self.training.len()).collect();
		Rng::derive(config.seed, ORDER + u64::from(epoch)).shuffle(&mut order);
		let mut rng = Rng::derive(config.seed, AUGMENT + u64::from(epoch));
		let steps_each = self.training.len().div_ceil(config.batch) as u64;
		let steps = steps_each * u64::from(config.epochs);
		let (mut losses, mut rate, mut reached) = (0.0, 0.0, false);
		let mut seen = 0usize;
		for (number, indices) in order.chunks(config.batch).enumerate() {
			rate =
				config.schedule.factor(u64::from(epoch) * steps_each + number as u64, steps, config.warm_up);
			let loss = self.step(state, indices, precision, rate, &mut rng)?;
			if !loss.is_finite() {
				return Err(EngineError::Diverged { epoch });
			}
			losses += loss * indices.len() as f64;
			seen += indices.len();
			let done = Progress::Step { epoch, done: number as u64 + 1, steps: steps_each };
			if progress(done).is_break() {
				return Err(EngineError::Cancelled);
			}
			if config.stop_at.is_some()
				&& config.check_every > 0
				&& (number + 1).is_multiple_of(config.check_every as usize)
				&& self.reached(&self.integers(&state.model, || progress(Progress::Measuring))?.1)
			{
				reached = true;
				break;
			}
		}
		let (weights, integer) = self.integers(&state.model, || progress(Progress::Measuring))?;
		let float =
			Measure::of_float(&state.model, &self.held_out, Mode::Float, || progress(Progress::Measuring))?;
		if state.best.as_ref().is_none_or(|b| integer.score >= b.1.score) {
			state.best = Some((weights, integer, float));
		}
		let result = Epoch {
			epoch,
			epochs: config.epochs,
			precision,
			loss: losses / seen.max(1) as f64,
			rate,
			integer,
			float,
			seconds: begun.elapsed().as_secs_f64(),
		};
		Ok((result, reached || self.reached(&integer)))
	}

	/// One step; returns the loss.
	fn step(
		&self,
		state: &mut State,
		indices: &[usize],
		precision: Precision,
		rate: f64,
		rng: &mut Rng,
	) -> Result<f64, EngineError> {
		let config = self.config;
		// Evaluation in between may have changed it.
		threads::set_for(self.engine.threads(), self.step_macs);
		let model = &mut state.model;
		let inputs: Vec<Vec<u8>> = indices
			.iter()
			.map(|&i| config.augment.apply(&model.graph, self.training.input(i), rng))
			.collect();
		let (graph, objective, device) = (&model.graph, &model.objective, model.device);
		let batch = Batch::from_inputs(graph, objective, &self.training, indices, &inputs, device)?;
		let mode = if precision == Precision::Float { Mode::Float } else { Mode::Quantised };
		let (output, ranges) = match precision {
			Precision::Frozen => (model.forward(&batch.inputs, mode)?, None),
			_ => {
				let (output, ranges) = model.forward_observed(&batch.inputs, mode, config.observer)?;
				(output, Some(ranges))
			}
		};
		let scale = model.scales[model.output()];
		let loss = loss::loss(objective, &output, &batch.target, scale, config.label_smoothing)?;
		loss.f_backward()?;
		state.optimiser.step(&model.trainable(), rate)?;
		if let Some(ranges) = ranges {
			model.observe(&ranges, config.momentum);
		}
		Ok(loss.f_double_value(&[])?)
	}

	/// The weights that are the result, on the held-out data.
	fn result(&self, state: &mut State, stop: Stop) -> Result<(Vec<u8>, Measure, Measure), EngineError> {
		// What the model is in the midst of an epoch is no result.
		if self.config.keep == Keep::Best || stop == Stop::Cancelled {
			return state.best.take().ok_or(EngineError::Cancelled);
		}
		let go_on = || ControlFlow::Continue(());
		let (weights, integer) = self.integers(&state.model, go_on)?;
		let float = Measure::of_float(&state.model, &self.held_out, Mode::Float, go_on)?;
		Ok((weights, integer, float))
	}
}
