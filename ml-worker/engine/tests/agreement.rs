//! Every backend gives the reference's bits on random graphs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::cast_possible_truncation, missing_docs, reason = "tests")]

#[path = "../../../tests/src/skipped.rs"]
mod skipped;

use oda_engine::{CpuKernel, exact::ExactModel};
use oda_evaluator::Evaluator;
use oda_evaluator::testing::random_case;
use std::borrow::Cow;
use tch::Device;

/// How many of these cases differ.
fn compare(seeds: std::ops::Range<u64>, device: Device) {
	for seed in seeds {
		let case = random_case(seed);
		let stride = case.graph.input_bytes() as usize;
		let model = ExactModel::new(&case.graph, &case.weights, device, 1 << 30).unwrap();
		let fast = model.run(&case.inputs, stride, case.count).unwrap();
		let reference = Evaluator::new(&case.graph, &case.weights).unwrap();
		for (i, outputs) in fast.iter().enumerate() {
			let input = &case.inputs[i * stride..][..stride];
			assert_eq!(reference.run(input).unwrap(), *outputs, "seed {seed}, record {i}: {:?}", case.graph);
		}
	}
}

#[test]
fn two_thousand_random_graphs_agree_in_libtorch_on_the_cpu() {
	compare(1_000..3_000, Device::Cpu);
}

#[test]
fn two_thousand_random_graphs_agree_with_every_set_of_instructions() {
	for seed in 1_000..3_000 {
		let case = random_case(seed);
		let reference = Evaluator::new(&case.graph, &case.weights).unwrap();
		let inputs: Vec<&[u8]> = case.inputs.chunks_exact(case.graph.input_bytes() as usize).collect();
		// Together, so that batches are seen too.
		let expected = reference.run_batch(&inputs).unwrap();
		for kernel in CpuKernel::all() {
			let fast = Evaluator::with_kernel(kernel, Cow::Borrowed(&case.graph), &case.weights).unwrap();
			assert_eq!(fast.run_batch(&inputs).unwrap(), expected, "seed {seed}, {}", kernel.name());
		}
	}
}

#[test]
fn random_graphs_agree_on_cuda() {
	if !tch::Cuda::is_available() {
		skipped::skipped("random_graphs_agree_on_cuda", "no CUDA device");
		return;
	}
	compare(3_000..4_200, Device::Cuda(0));
}

#[test]
fn a_batch_cut_by_memory_agrees() {
	for seed in 0..50 {
		let case = random_case(seed);
		let stride = case.graph.input_bytes() as usize;
		let inputs = case.inputs.repeat(7);
		let count = case.count * 7;
		let whole = ExactModel::new(&case.graph, &case.weights, Device::Cpu, 1 << 30).unwrap();
		// The least memory that one record fits in.
		let needed = match ExactModel::new(&case.graph, &case.weights, Device::Cpu, 0) {
			Err(oda_engine::EngineError::MemoryBudget { needed, .. }) => needed,
			_ => panic!("nothing fits in no memory"),
		};
		let cut = ExactModel::new(&case.graph, &case.weights, Device::Cpu, needed).unwrap();
		assert_eq!(cut.batch(), 1);
		assert_eq!(cut.run(&inputs, stride, count).unwrap(), whole.run(&inputs, stride, count).unwrap());
	}
}

#[test]
fn fewer_bytes_than_records_are_refused() {
	let case = random_case(5);
	let stride = case.graph.input_bytes() as usize;
	let model = ExactModel::new(&case.graph, &case.weights, Device::Cpu, 1 << 30).unwrap();
	assert!(model.run(&case.inputs, stride, case.count + 1).is_err());
}
