//! Training: it learns, it resumes, it refuses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	reason = "tests"
)]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

mod common;

use common::*;
use oda_engine::{
	EngineError, TrainConfig, Trained,
	builder::GraphBuilder,
	float::Tables,
	rng::Rng,
	train::{Augment, Keep, OptimiserConfig, Progress, Schedule, Start, Stop, Task, train},
};
use oda_evaluator::{graph::DType, model::Metric};
use std::{cell::Cell, ops::ControlFlow};

fn run(output: DType, metric: Metric, config: &TrainConfig) -> Result<Trained, EngineError> {
	run_until(output, metric, config, u32::MAX)
}

/// Stops after `epochs` of this run.
fn run_until(
	output: DType,
	metric: Metric,
	config: &TrainConfig,
	epochs: u32,
) -> Result<Trained, EngineError> {
	let built = every_operator(output);
	let o = objective(metric, DType::U8, &[]);
	let (training, held_out) = (patterns(600, 10), patterns(200, 11));
	let done = Cell::new(0);
	let task = Task { graph: &built.graph, objective: &o, training: &training, held_out: &held_out };
	train(&engine(), &task, Start::Seed(&built.tables), config, |progress| {
		done.set(done.get() + u32::from(matches!(progress, Progress::Epoch(_))));
		if done.get() < epochs { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
	})
}

#[test]
fn every_operator_learns() {
	let trained = run(DType::I16, Metric::Accuracy, &config(30)).unwrap();
	assert!(trained.integer.accuracy().unwrap() > 0.95, "{:?}", trained.history);
	assert!(trained.integer.correct + 4 >= trained.float.correct);
}

#[test]
fn cross_entropy_learns_in_its_own_units() {
	let metric = Metric::CrossEntropy { logit_scale_log2: 8 };
	let trained = run(DType::I16, metric, &config(30)).unwrap();
	// Bits × 2¹⁶ a record: random is log2 3 = 1.58 bits.
	let bits = -(trained.integer.score as f64) / 65_536.0 / 200.0;
	assert!(bits < 0.3, "{bits} bits");
	assert!((bits - trained.float.loss / core::f64::consts::LN_2).abs() < 0.05);
}

#[test]
fn squared_error_learns_in_the_targets_units() {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [4]);
	let x = b.dense(x, 16, DType::I8).unwrap();
	let x = b.relu(x).unwrap();
	let y = b.dense(x, 1, DType::I16).unwrap();
	let graph = b.build([y]).unwrap().graph;
	let o = objective(Metric::SquaredError, DType::I16, &[1]);
	let data = |seed| {
		let mut rng = Rng::new(seed);
		let mut data = Vec::new();
		for _ in 0..500 {
			let x: Vec<i64> = (0..4).map(|_| rng.range(-100, 100)).collect();
			data.extend(x.iter().map(|&v| v as u8));
			data.extend(((x[0] * 3 - x[1] * 2 + x[2].abs()) as i16).to_le_bytes());
		}
		data
	};
	let tables = Tables::new();
	let config = TrainConfig { optimiser: OptimiserConfig::adam_w(1e-2, 0.0), ..config(30) };
	let (training, held_out) = (data(1), data(2));
	let task = Task { graph: &graph, objective: &o, training: &training, held_out: &held_out };
	let trained =
		train(&engine(), &task, Start::Seed(&tables), &config, |_| ControlFlow::Continue(())).unwrap();
	// The targets' root mean square is about 210.
	let error = (-(trained.integer.score as f64) / 500.0).sqrt();
	assert!(error < 25.0, "root mean square error {error}");
}

#[test]
fn the_same_seed_trains_the_same_weights() {
	let config = TrainConfig { augment: Augment::Shift(1), ..config(2) };
	let a = run(DType::I16, Metric::Accuracy, &config).unwrap();
	let b = run(DType::I16, Metric::Accuracy, &config).unwrap();
	assert_eq!(a.weights, b.weights);
	let other = run(DType::I16, Metric::Accuracy, &TrainConfig { seed: 1, ..config }).unwrap();
	assert_ne!(a.weights, other.weights);
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.safetensors");
	let whole = TrainConfig { keep: Keep::Best, ..config(5) };
	let kept = TrainConfig { checkpoint: Some(path.clone()), ..whole.clone() };
	let uninterrupted = run(DType::I16, Metric::Accuracy, &whole).unwrap();
	for _ in 0..2 {
		let stopped = run_until(DType::I16, Metric::Accuracy, &kept, 2).unwrap();
		assert_eq!(stopped.stop, Stop::Cancelled);
	}
	let resumed = run(DType::I16, Metric::Accuracy, &kept).unwrap();
	assert_eq!(resumed.weights, uninterrupted.weights);
	assert_eq!(resumed.history.len(), 5);
	let losses = |t: &Trained| t.history.iter().map(|e| e.loss).collect::<Vec<_>>();
	assert_eq!(losses(&resumed), losses(&uninterrupted));
}

#[test]
fn a_complete_run_returns_at_once() {
	let folder = tempfile::tempdir().unwrap();
	let kept = TrainConfig { checkpoint: Some(folder.path().join("run")), ..config(1) };
	let first = run(DType::I16, Metric::Accuracy, &kept).unwrap();
	let again = run_until(DType::I16, Metric::Accuracy, &kept, 0).unwrap();
	assert_eq!((again.stop, again.weights), (Stop::Done, first.weights));
}

#[test]
fn more_epochs_go_on_from_the_checkpoint_of_fewer() {
	let folder = tempfile::tempdir().unwrap();
	let kept = TrainConfig { checkpoint: Some(folder.path().join("run")), ..config(2) };
	let first = run(DType::I16, Metric::Accuracy, &kept).unwrap();
	// Nor is it another run that ends elsewhere, takes other weights, or writes more rarely.
	let more = TrainConfig { epochs: 4, keep: Keep::Best, checkpoint_every: 3, stop_at: Some(1.0), ..kept };
	let begun = Cell::new(None);
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let (training, held_out) = (patterns(600, 10), patterns(200, 11));
	let task = Task { graph: &built.graph, objective: &o, training: &training, held_out: &held_out };
	let second = train(&engine(), &task, Start::Seed(&built.tables), &more, |progress| {
		if let Progress::Step { epoch, .. } = progress {
			begun.set(begun.get().or(Some(epoch)));
		}
		ControlFlow::Continue(())
	})
	.unwrap();
	assert_eq!(begun.get(), Some(2));
	assert_eq!(second.history[..2], first.history[..]);
	assert!(second.history.len() > 2);
}

/// The run that [`run`] makes, stopped when `when` says so.
fn stopped(
	config: &TrainConfig,
	when: impl Fn(&Progress<'_>) -> bool,
) -> (Result<Trained, EngineError>, Vec<Vec<u8>>) {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let (training, held_out) = (patterns(600, 10), patterns(200, 11));
	let task = Task { graph: &built.graph, objective: &o, training: &training, held_out: &held_out };
	let trained = train(&engine(), &task, Start::Seed(&built.tables), config, |progress| {
		if when(&progress) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
	});
	// What each number of epochs gives by itself.
	let whole = (1..3).map(|epochs| {
		let config = TrainConfig { keep: Keep::Best, checkpoint: None, ..config.clone() };
		run_until(DType::I16, Metric::Accuracy, &config, epochs).unwrap().weights
	});
	(trained, whole.collect())
}

#[test]
fn a_run_stopped_within_an_epoch_gives_the_best_weights_so_far() {
	let config = TrainConfig { keep: Keep::Last, ..config(5) };
	let at = |progress: &Progress<'_>| matches!(progress, Progress::Step { epoch: 2, done: 3, .. });
	let (trained, best) = stopped(&config, at);
	let trained = trained.unwrap();
	assert_eq!((trained.stop, trained.history.len()), (Stop::Cancelled, 2));
	assert_eq!(trained.weights, best[1]);
}

#[test]
fn a_run_stopped_while_it_measures_gives_the_best_weights_so_far() {
	let measured = Cell::new(0);
	let at = |progress: &Progress<'_>| {
		measured.set(measured.get() + u32::from(matches!(progress, Progress::Epoch(_))));
		measured.get() == 1 && *progress == Progress::Measuring
	};
	let (trained, best) = stopped(&config(5), at);
	let trained = trained.unwrap();
	assert_eq!((trained.stop, trained.history.len()), (Stop::Cancelled, 1));
	assert_eq!(trained.weights, best[0]);
}

#[test]
fn a_run_stopped_before_an_epoch_is_over_has_no_weights() {
	let (trained, _) = stopped(&config(5), |progress| matches!(progress, Progress::Step { done: 2, .. }));
	assert!(matches!(trained, Err(EngineError::Cancelled)));
}

#[test]
fn a_run_stopped_within_an_epoch_resumes_to_the_weights_of_one_that_was_not() {
	let folder = tempfile::tempdir().unwrap();
	let kept = TrainConfig { checkpoint: Some(folder.path().join("run")), ..config(4) };
	let (cut, _) = stopped(&kept, |progress| matches!(progress, Progress::Step { epoch: 2, done: 5, .. }));
	assert_eq!(cut.unwrap().stop, Stop::Cancelled);
	let resumed = run(DType::I16, Metric::Accuracy, &kept).unwrap();
	let whole = run(DType::I16, Metric::Accuracy, &config(4)).unwrap();
	assert_eq!((resumed.stop, resumed.weights), (Stop::Done, whole.weights));
}

#[test]
fn an_accuracy_to_stop_at_is_refused_where_there_is_none() {
	let bad = TrainConfig { stop_at: Some(0.5), ..config(1) };
	let refused = run(DType::I16, Metric::SquaredError, &bad);
	assert!(matches!(refused, Err(EngineError::Config(why)) if why.contains("stop_at")));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
	let folder = tempfile::tempdir().unwrap();
	let kept = TrainConfig { checkpoint: Some(folder.path().join("run")), ..config(1) };
	run(DType::I16, Metric::Accuracy, &kept).unwrap();
	let refusal = |output, config: &TrainConfig| match run(output, Metric::Accuracy, config) {
		Err(EngineError::OtherRun { path, what }) => {
			assert_eq!(Some(path), kept.checkpoint);
			what
		}
		other => panic!("{:?}", other.map(|trained| trained.stop)),
	};
	let other = TrainConfig { seed: 9, batch: 16, ..kept.clone() };
	assert_eq!(refusal(DType::I16, &other), "batch is 32 there and 16 here; seed is 0 there and 9 here");
	let other = TrainConfig { optimiser: OptimiserConfig::sgd(0.1, 0.0), ..kept.clone() };
	assert!(refusal(DType::I16, &other).starts_with("optimiser is {"));
	assert!(refusal(DType::I32, &kept).starts_with("the graph differs"));
}

#[test]
fn a_damaged_checkpoint_is_refused() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run");
	std::fs::write(&path, b"half a file").unwrap();
	let kept = TrainConfig { checkpoint: Some(path), ..config(1) };
	assert!(matches!(run(DType::I16, Metric::Accuracy, &kept), Err(EngineError::Safetensors(_))));
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_reported() {
	let kept = TrainConfig { checkpoint: Some("/nonexistent/folder/run".into()), ..config(1) };
	assert!(matches!(run(DType::I16, Metric::Accuracy, &kept), Err(EngineError::Io { .. })));
}

#[test]
fn training_stops_at_the_accuracy_asked_for() {
	let config = TrainConfig { stop_at: Some(0.7), check_every: 1, quantise_from: 0.0, ..config(10) };
	let trained = run(DType::I16, Metric::Accuracy, &config).unwrap();
	assert_eq!(trained.stop, Stop::Target);
	let accuracy = trained.integer.accuracy().unwrap();
	assert!((0.7..0.95).contains(&accuracy), "{accuracy}");
}

#[test]
fn fine_tuning_goes_on_from_where_the_head_is() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let (training, held_out) = (patterns(600, 10), patterns(200, 11));
	let head = run(DType::I16, Metric::Accuracy, &TrainConfig { keep: Keep::Last, ..config(6) }).unwrap();
	let gentle = TrainConfig {
		optimiser: OptimiserConfig::sgd(1e-4, 0.0),
		schedule: Schedule::Constant,
		quantise_from: 0.0,
		..config(1)
	};
	let start = Start::Weights(&head.weights);
	let task = Task { graph: &built.graph, objective: &o, training: &training, held_out: &held_out };
	let tuned = train(&engine(), &task, start, &gentle, |_| ControlFlow::Continue(())).unwrap();
	assert!(tuned.integer.correct + 4 >= head.integer.correct, "{:?}", tuned.integer);
}

#[test]
fn a_rate_far_too_high_is_reported_or_survived() {
	let config = TrainConfig { optimiser: OptimiserConfig::sgd(1e30, 0.0), ..config(3) };
	match run(DType::I16, Metric::Accuracy, &config) {
		Ok(_) | Err(EngineError::Diverged { .. }) => {}
		Err(other) => panic!("{other}"),
	}
}

#[test]
fn no_training_data_is_refused() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let held_out = patterns(10, 1);
	let start = Start::Seed(&built.tables);
	let task = Task { graph: &built.graph, objective: &o, training: &[], held_out: &held_out };
	let refused = train(&engine(), &task, start, &config(1), |_| ControlFlow::Continue(()));
	assert!(matches!(refused, Err(EngineError::NoRecords)));
}

#[test]
fn half_a_record_is_refused() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(10, 1);
	let start = Start::Seed(&built.tables);
	let task = Task { graph: &built.graph, objective: &o, training: &data[1..], held_out: &data };
	let refused = train(&engine(), &task, start, &config(1), |_| ControlFlow::Continue(()));
	assert!(matches!(refused, Err(EngineError::RecordsLength { .. })));
}

#[test]
fn settings_out_of_range_are_refused() {
	for bad in [
		TrainConfig { epochs: 0, ..config(1) },
		TrainConfig { batch: 0, ..config(1) },
		TrainConfig { momentum: 1.0, ..config(1) },
		TrainConfig { stop_at: Some(1.5), ..config(1) },
		TrainConfig { optimiser: OptimiserConfig::sgd(f64::NAN, 0.0), ..config(1) },
	] {
		assert!(matches!(run(DType::I16, Metric::Accuracy, &bad), Err(EngineError::Config(_))));
	}
}
