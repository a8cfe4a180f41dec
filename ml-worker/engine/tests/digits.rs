//! The digits in `data/digits`: the files fit together, and the network learns them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "tests")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

mod common;

use common::engine;
use oda_engine::{
	CpuKernel, Engine, Records, TrainConfig,
	evaluate::Backend,
	float::Tables,
	quantise::random_weights,
	train::{Measure, Start, Task, train},
};
use oda_evaluator::{Evaluator, ModelSpec, scores};
use std::{ops::ControlFlow, path::PathBuf};

fn file(name: &str) -> Vec<u8> {
	let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/digits");
	std::fs::read(folder.join(name)).unwrap()
}

fn spec() -> ModelSpec {
	serde_json::from_slice(&file("model.json")).unwrap()
}

#[test]
fn the_model_is_valid_and_names_the_validation_data() {
	let spec = spec();
	spec.validate().unwrap();
	assert!(spec.data.dataset().blob.is_of(&file("validation.bin")));
	assert_eq!(spec.records(), 540);
	assert_eq!(file("train.bin").len(), 1_257 * 65);
}

#[test]
fn no_record_is_in_both_splits() {
	let (training, validation) = (file("train.bin"), file("validation.bin"));
	let training: std::collections::HashSet<&[u8]> = training.chunks(65).collect();
	assert!(validation.chunks(65).all(|record| !training.contains(record)));
}

#[test]
fn random_weights_guess() {
	let spec = spec();
	let weights =
		random_weights(&spec.graph, &spec.objective, 1, &Tables::new(), &file("train.bin")).unwrap();
	let validation = file("validation.bin");
	let records = Records::of(&spec.graph, &spec.objective, &validation).unwrap();
	let model = engine().load(&spec.graph, &weights).unwrap();
	let measure =
		Measure::of_integers(&model, &spec.objective, &records, || ControlFlow::Continue(())).unwrap();
	assert!((20..=110).contains(&measure.correct), "{measure:?}");
}

#[test]
fn the_network_learns_and_quantisation_costs_at_most_two_records() {
	let spec = spec();
	let (training, validation) = (file("train.bin"), file("validation.bin"));
	let config = TrainConfig::default();
	let engine = engine();
	assert_ne!(engine.backend(), Backend::Cpu(CpuKernel::REFERENCE));
	let tables = Tables::new();
	let start = Start::Seed(&tables);
	let task =
		Task { graph: &spec.graph, objective: &spec.objective, training: &training, held_out: &validation };
	let trained = train(&engine, &task, start, &config, |_| ControlFlow::Continue(())).unwrap();
	println!("integer {:?}, float {:?}", trained.integer, trained.float);
	assert!(trained.integer.accuracy().unwrap() >= 0.97);
	assert!(trained.integer.correct + 2 >= trained.float.correct);

	// What the engine says is what the court would say.
	let results = engine.load(&spec.graph, &trained.weights).unwrap();
	let results = results.evaluate(&spec, &validation, |_| ControlFlow::Continue(())).unwrap();
	let evaluator = Evaluator::new(&spec.graph, &trained.weights).unwrap();
	for (result, record) in results.iter().zip(validation.chunks(65)) {
		assert_eq!(spec.score_record(&evaluator, record).unwrap(), result.score);
		let output = evaluator.run(&record[..64]).unwrap()[0].to_le_bytes();
		assert_eq!(result.output_root, *blake3::hash(&output).as_bytes());
	}
	let reference = Engine::reference(2).load(&spec.graph, &trained.weights).unwrap();
	let scores = reference.scores(&spec, &validation).unwrap();
	assert_eq!(scores, results.iter().map(|r| r.score).collect::<Vec<_>>());
	let packed = scores::pack(spec.score_kind(), &scores).unwrap();
	assert_eq!(packed.iter().map(|b| u64::from(b.count_ones())).sum::<u64>(), trained.integer.correct);
}
