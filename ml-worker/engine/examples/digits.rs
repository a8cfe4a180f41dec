//! Trains the digits network: random weights, a first training that stops near 90 %, then five seeds to the
//! end, in floats and in integers. `cargo run -p oda-engine --example digits`.

use oda_engine::{
	Engine, EngineConfig, Records, TrainConfig,
	evaluate::DeviceChoice,
	float::Tables,
	quantise::random_weights,
	train::{Measure, Start, Task, train},
};
use oda_evaluator::ModelSpec;
use std::{ops::ControlFlow, path::Path, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits");
	let spec: ModelSpec = serde_json::from_slice(&std::fs::read(folder.join("model.json"))?)?;
	let training = std::fs::read(folder.join("train.bin"))?;
	let held_out = std::fs::read(folder.join("validation.bin"))?;
	let tables = Tables::new();

	let begun = Instant::now();
	let engine = Engine::start(&EngineConfig { device: DeviceChoice::Cpu, ..Default::default() });
	println!("engine: {:?}, self-check {:.2?}", engine.backend(), begun.elapsed());

	let weights = random_weights(&spec.graph, &spec.objective, 1, &tables, &training)?;
	let records = Records::of(&spec.graph, &spec.objective, &held_out)?;
	let begun = Instant::now();
	let v0 = Measure::of_integers(&engine.load(&spec.graph, &weights)?, &spec.objective, &records)?;
	println!("version 0: {}/{} ({:.2?} to score)", v0.correct, v0.counted, begun.elapsed());

	let base = TrainConfig { device: DeviceChoice::Cpu, ..Default::default() };
	let first =
		TrainConfig { stop_at: Some(0.9), check_every: 1, quantise_from: 0.0, seed: 1, ..base.clone() };
	let begun = Instant::now();
	let task =
		Task { graph: &spec.graph, objective: &spec.objective, training: &training, held_out: &held_out };
	let run =
		|start, config: &TrainConfig| train(&engine, &task, start, config, |_| ControlFlow::Continue(()));
	let version1 = run(Start::Weights(&weights), &first)?;
	println!(
		"version 1: {}/{} after {:.2?}, {:?}",
		version1.integer.correct,
		version1.integer.counted,
		begun.elapsed(),
		version1.stop
	);

	let begun = Instant::now();
	let version2 = run(Start::Weights(&version1.weights), &TrainConfig { seed: 2, ..base.clone() })?;
	println!(
		"version 2, from version 1: {}/{}, float {} ({:.2?})",
		version2.integer.correct,
		version2.integer.counted,
		version2.float.correct,
		begun.elapsed()
	);

	let mut lost = Vec::new();
	for seed in 0..5 {
		let begun = Instant::now();
		let trained = run(Start::Seed(&tables), &TrainConfig { seed, ..base.clone() })?;
		let (integer, float) = (trained.integer, trained.float);
		println!(
			"seed {seed}: integer {}/{} ({:.2} %), float {} ({:.2} %), {:.2?}",
			integer.correct,
			integer.counted,
			100.0 * integer.accuracy().unwrap_or_default(),
			float.correct,
			100.0 * float.accuracy().unwrap_or_default(),
			begun.elapsed()
		);
		lost.push(float.correct.saturating_sub(integer.correct));
	}
	lost.sort_unstable();
	println!("records lost by quantisation, median of 5: {}", lost.get(2).copied().unwrap_or_default());
	Ok(())
}
