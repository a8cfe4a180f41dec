//! One behaviour a test.

use crate::{
	Finding, Limits, NotEvaluated, OutputPrice, Price, Unfit, WeightInfo, challenge_bytes, find, makes,
	output_root, record, score,
};
use oda_evaluator::{
	Cost, DataSource, DatasetRef, Evaluator, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
	testing::networks,
};
use oda_primitives::{BlobRef, ProofError, RangeProof};
use polkadot_sdk::{
	frame_support::weights::Weight,
	sp_runtime::{Perbill, traits::Convert},
};

const RECORDS: u32 = 3;

/// A model of a small perceptron, its weights and its data.
fn model() -> (ModelSpec, Vec<u8>, Vec<u8>) {
	let graph = networks::perceptron();
	let weights = networks::weights(&graph, 1);
	let inputs = networks::inputs(&graph, RECORDS as usize, 2);
	let mut data = Vec::new();
	for (class, input) in inputs.chunks(graph.input_bytes() as usize).enumerate() {
		data.extend_from_slice(input);
		data.push(class as u8);
	}
	let output = graph.value_type(graph.outputs[0].into()).unwrap();
	let positions = &output.shape.as_slice()[..output.shape.as_slice().len() - 1];
	let spec = ModelSpec {
		objective: Objective {
			metric: Metric::CrossEntropy { logit_scale_log2: 4 },
			target: TargetSpec { tensor: TensorType::new(DType::U8, positions), ignore: None },
			min_improvement: 1,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data), records: RECORDS }),
		graph,
	};
	spec.validate().unwrap();
	(spec, weights, data)
}

#[test]
fn a_record_is_taken_from_its_proof() {
	let (spec, _, data) = model();
	for index in 0..RECORDS {
		let range = spec.record_range(index).unwrap();
		let proof = RangeProof::new(&data, range.clone()).unwrap();
		let bytes = &data[range.start as usize..range.end as usize];
		assert_eq!(record(&spec, index, &proof), Ok(bytes));
	}
}

#[test]
fn the_proof_of_another_record_is_refused() {
	let (spec, _, data) = model();
	let proof = RangeProof::new(&data, spec.record_range(1).unwrap()).unwrap();
	assert_eq!(record(&spec, 0, &proof), Err(ProofError::OtherRange));
}

#[test]
fn a_record_that_there_is_not_is_refused() {
	let (spec, _, data) = model();
	let proof = RangeProof::new(&data, spec.record_range(0).unwrap()).unwrap();
	assert_eq!(record(&spec, RECORDS, &proof), Err(ProofError::OutOfRange));
}

#[test]
fn a_record_scores_what_the_evaluator_says() {
	let (spec, weights, data) = model();
	let evaluator = Evaluator::new(&spec.graph, &weights).unwrap();
	for bytes in data.chunks(spec.record_bytes() as usize) {
		let expected = spec.score_record(&evaluator, bytes).unwrap();
		assert_eq!(score(&spec, &weights, bytes), Ok(expected));
	}
}

#[test]
fn an_output_hashes_to_what_the_evaluator_says() {
	let (spec, weights, data) = model();
	let input = &data[..spec.graph.input_bytes() as usize];
	let outputs = Evaluator::new(&spec.graph, &weights).unwrap().run(input).unwrap();
	let bytes: Vec<u8> = outputs.iter().flat_map(|output| output.to_le_bytes()).collect();
	assert_eq!(makes(&spec.graph, &weights, input).as_ref(), Ok(&bytes));
	assert!(
		BlobRef { root: output_root(&spec.graph, &weights, input).unwrap(), len: bytes.len() as u64 }
			.is_of(&bytes)
	);
}

#[test]
fn one_evaluation_finds_the_score_and_the_output() {
	let (spec, weights, data) = model();
	for bytes in data.chunks(spec.record_bytes() as usize) {
		let (input, _) = spec.split_record(bytes).unwrap();
		let score = score(&spec, &weights, bytes).unwrap();
		let output = output_root(&spec.graph, &weights, input).unwrap();
		assert_eq!(find(&spec, &weights, bytes), Ok(Finding { score, output }));
	}
}

#[test]
fn other_lengths_are_not_evaluated() {
	let (spec, weights, data) = model();
	let (bytes, input) = (&data[..spec.record_bytes() as usize], &data[..spec.graph.input_bytes() as usize]);
	assert_eq!(score(&spec, &weights[1..], bytes), Err(NotEvaluated));
	assert_eq!(score(&spec, &weights, &bytes[1..]), Err(NotEvaluated));
	assert_eq!(find(&spec, &weights[1..], bytes), Err(NotEvaluated));
	assert_eq!(find(&spec, &weights, &bytes[1..]), Err(NotEvaluated));
	assert_eq!(makes(&spec.graph, &weights[1..], input), Err(NotEvaluated));
	assert_eq!(output_root(&spec.graph, &weights[1..], input), Err(NotEvaluated));
	assert_eq!(output_root(&spec.graph, &weights, &input[1..]), Err(NotEvaluated));
}

/// A limit that the model just meets.
fn limits(spec: &ModelSpec) -> Limits {
	Limits {
		weights: spec.graph.param_bytes(),
		challenge: challenge_bytes(spec),
		evaluation: Weight::from_parts(10, 0),
	}
}

#[test]
fn what_just_fits_the_limits_can_be_judged() {
	let (spec, ..) = model();
	assert_eq!(limits(&spec).check(&spec, Weight::from_parts(10, 0)), Ok(()));
}

#[test]
fn one_byte_of_weights_too_many_cannot() {
	let (spec, ..) = model();
	let limits = Limits { weights: spec.graph.param_bytes() - 1, ..limits(&spec) };
	assert_eq!(limits.check(&spec, Weight::zero()), Err(Unfit::WeightsTooLarge));
}

#[test]
fn a_challenge_of_one_byte_too_many_cannot() {
	let (spec, ..) = model();
	let limits = Limits { challenge: challenge_bytes(&spec) - 1, ..limits(&spec) };
	assert_eq!(limits.check(&spec, Weight::zero()), Err(Unfit::ChallengeTooLong));
}

#[test]
fn a_record_that_weighs_too_much_cannot() {
	let (spec, ..) = model();
	for weight in [Weight::from_parts(11, 0), Weight::from_parts(0, 1)] {
		assert_eq!(limits(&spec).check(&spec, weight), Err(Unfit::RecordTooExpensive));
	}
}

/// A coefficient for each component, and a base.
struct Coefficients;
impl WeightInfo for Coefficients {
	fn evaluate_macs(n: u32) -> Weight {
		Weight::from_parts(7, 0) + Weight::from_parts(1, 0) * u64::from(n)
	}
	fn evaluate_rows(n: u32) -> Weight {
		Weight::from_parts(2, 0) * u64::from(n)
	}
	fn evaluate_patch_lines(n: u32) -> Weight {
		Weight::from_parts(3, 0) * u64::from(n)
	}
	fn evaluate_patch_elements(n: u32) -> Weight {
		Weight::from_parts(4, 0) * u64::from(n)
	}
	fn evaluate_requants(n: u32) -> Weight {
		Weight::from_parts(5, 0) * u64::from(n)
	}
	fn evaluate_element_ops(n: u32) -> Weight {
		Weight::from_parts(6, 0) * u64::from(n)
	}
	fn evaluate_param_bytes(n: u32) -> Weight {
		Weight::from_parts(7, 0) * u64::from(n)
	}
	fn evaluate_activation_bytes(n: u32) -> Weight {
		Weight::from_parts(8, 0) * u64::from(n)
	}
	fn evaluate_nodes(n: u32) -> Weight {
		Weight::from_parts(1_000, 0) + Weight::from_parts(9, 0) * u64::from(n)
	}
	fn output_root(n: u32) -> Weight {
		Weight::from_parts(50, 3) + Weight::from_parts(10, 0) * u64::from(n)
	}
}

struct Half;
impl polkadot_sdk::frame_support::traits::Get<Perbill> for Half {
	fn get() -> Perbill {
		Perbill::from_percent(50)
	}
}

type TestPrice = Price<Coefficients, Half>;

#[test]
fn each_component_has_its_coefficient_above_one_base_and_a_margin() {
	let cost = Cost {
		macs: 1,
		rows: 1,
		patch_lines: 1,
		patch_elements: 1,
		requants: 1,
		element_ops: 1,
		param_bytes: 1,
		activation_bytes: 1,
		nodes: 1,
		..Default::default()
	};
	let measured = 1_000 + (1..=9).sum::<u64>();
	assert_eq!(TestPrice::convert(cost), Weight::from_parts(measured + measured.div_ceil(2), 0));
}

#[test]
fn a_component_beyond_what_a_coefficient_takes_weighs_more_than_any_block() {
	let cost = Cost { macs: u64::from(u32::MAX) + 1, ..Default::default() };
	assert_eq!(TestPrice::convert(cost), Weight::MAX);
}

#[test]
fn an_outputs_hash_is_priced_by_its_bytes_with_the_same_margin() {
	type TestOutputPrice = OutputPrice<Coefficients, Half>;
	assert_eq!(TestOutputPrice::convert(5), Weight::from_parts(150, 3));
	assert_eq!(TestOutputPrice::convert(u64::from(u32::MAX) + 1), Weight::MAX);
}
