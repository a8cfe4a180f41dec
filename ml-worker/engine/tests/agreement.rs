//! Every backend gives the reference's bits on random graphs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::cast_possible_truncation, missing_docs, reason = "tests")]

#[path = "../../../tests/src/skipped.rs"]
mod skipped;

use oda_engine::{CpuKernel, Engine, EngineError, agreement::RandomModel, exact::ExactModel};
use oda_evaluator::{Evaluator, Tensor, testing::random_case};
use std::{borrow::Cow, ops::ControlFlow};
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

/// Every backend here, by name.
fn backends() -> Vec<(&'static str, Engine)> {
	let mut backends = vec![("libtorch on the CPU", Engine::libtorch(Device::Cpu, 1 << 30))];
	backends.extend(CpuKernel::all().into_iter().map(|kernel| (kernel.name(), Engine::cpu(kernel, 2))));
	if tch::Cuda::is_available() {
		backends.push(("libtorch on CUDA", Engine::libtorch(Device::Cuda(0), 1 << 30)));
	}
	backends
}

#[test]
fn every_backend_names_the_score_and_the_root_of_all_outputs_of_each_record() {
	let mut several = 0;
	for seed in 0..200 {
		let RandomModel { spec, weights, data } = RandomModel::new(seed, 40);
		several += usize::from(spec.graph.outputs.len() > 1);
		let reference = Evaluator::new(&spec.graph, &weights).unwrap();
		let input = spec.graph.input_bytes() as usize;
		for (name, engine) in backends() {
			let model = engine.load(&spec.graph, &weights).unwrap();
			let results = model.evaluate(&spec, &data, |_| ControlFlow::Continue(())).unwrap();
			assert_eq!((model.backend(), model.fallbacks()), (engine.backend(), 0));
			assert_eq!(results.len(), spec.records() as usize);
			for (i, record) in data.chunks_exact(spec.record_bytes() as usize).enumerate() {
				let bytes: Vec<u8> =
					reference.run(&record[..input]).unwrap().iter().flat_map(Tensor::to_le_bytes).collect();
				let context = format!("{name}, seed {seed}, record {i}");
				assert_eq!(results[i].output_root, *blake3::hash(&bytes).as_bytes(), "{context}");
				assert_eq!(results[i].score, spec.score_record(&reference, record).unwrap(), "{context}");
			}
		}
	}
	assert!(several > 20, "{several}");
}

#[test]
fn evaluating_tells_how_far_it_is_and_stops_when_told() {
	let RandomModel { spec, weights, data } =
		(0..).map(|seed| RandomModel::new(seed, u32::MAX)).find(|model| model.spec.records() > 600).unwrap();
	for (name, engine) in backends() {
		let model = engine.load(&spec.graph, &weights).unwrap();
		let mut steps = Vec::new();
		let stopped = model.evaluate(&spec, &data, |done| {
			steps.push(done);
			if steps.len() == 2 || done == spec.records() as usize {
				ControlFlow::Break(())
			} else {
				ControlFlow::Continue(())
			}
		});
		assert!(matches!(stopped, Err(EngineError::Cancelled)), "{name}");
		assert!(steps.is_sorted() && steps[0] > 0, "{name}: {steps:?}");
	}
}
