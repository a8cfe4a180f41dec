//! Several records at once give what each gives alone.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::unwrap_used,
	clippy::indexing_slicing,
	missing_docs,
	reason = "tests"
)]

use oda_evaluator::{
	EvalError, Evaluator,
	testing::{networks, random_case},
};

#[test]
fn a_batch_is_its_records_one_after_the_other() {
	for seed in 0..500 {
		let case = random_case(seed);
		let evaluator = Evaluator::new(&case.graph, &case.weights).unwrap();
		let inputs: Vec<&[u8]> = case.inputs.chunks_exact(case.graph.input_bytes() as usize).collect();
		let batch = evaluator.run_batch(&inputs).unwrap();
		for (i, input) in inputs.iter().enumerate() {
			let alone = evaluator.run(input).unwrap();
			for (output, alone) in batch.iter().zip(alone) {
				assert_eq!(
					output.split(output.len() / inputs.len()).get(i),
					Some(&alone),
					"seed {seed}, record {i}"
				);
			}
		}
	}
}

#[test]
fn a_block_of_patches_may_go_from_one_image_to_the_next() {
	for (name, graph) in networks::layers() {
		let (weights, inputs) = (networks::weights(&graph, 1), networks::inputs(&graph, 3, 2));
		let evaluator = Evaluator::new(&graph, &weights).unwrap();
		let inputs: Vec<&[u8]> = inputs.chunks_exact(graph.input_bytes() as usize).collect();
		let batch = evaluator.run_batch(&inputs).unwrap();
		let alone: Vec<_> = inputs.iter().map(|input| evaluator.run(input).unwrap().remove(0)).collect();
		assert_eq!(batch[0].split(batch[0].len() / 3), alone, "{name}");
	}
}

#[test]
fn a_batch_of_nothing_is_empty() {
	let case = random_case(7);
	let evaluator = Evaluator::new(&case.graph, &case.weights).unwrap();
	let outputs = evaluator.run_batch(&[]).unwrap();
	assert_eq!(outputs.len(), case.graph.outputs.len());
	assert!(outputs.iter().all(|output| output.is_empty()));
}

#[test]
fn one_input_of_another_length_refuses_the_batch() {
	let case = random_case(7);
	let evaluator = Evaluator::new(&case.graph, &case.weights).unwrap();
	let len = case.graph.input_bytes() as usize;
	let (whole, short) = (vec![0; len], vec![0; len - 1]);
	assert_eq!(evaluator.run_batch(&[&whole, &short, &whole]), Err(EvalError::InputLength));
}
