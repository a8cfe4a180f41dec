//! What the court charges for evaluating a record is at least the time that it takes, in the runtime's own wasm.
//!
//! A challenge's own weight was measured with an evaluation of 250 nodes that do nothing in it, which is more than
//! the fixed costs of any evaluation; so that part counts here too.
//!
//! The machine that runs this need not be the one on which the weights were measured: times are divided by how
//! much slower it is at one layer of known weight, in the same run.

#![cfg(not(any(feature = "runtime-benchmarks", feature = "try-runtime")))]
#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "a test"
)]

use codec::{Decode, Encode};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
	testing::{networks, random_case},
};
use oda_primitives::{BlobRef, ModelId};
use oda_runtime::{
	Runtime, WASM_BINARY, configs::protocol::EvaluationWeight, weights::pallet_training as weights,
};
use pallet_training::WeightInfo;
use polkadot_sdk::{
	sc_executor::WasmExecutor,
	sp_core::{
		Hasher,
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
	},
	sp_io::{SubstrateHostFunctions, TestExternalities},
	sp_runtime::traits::{BlakeTwo256, Convert},
};
use std::time::{Duration, Instant};

/// Random graphs that are timed.
const GRAPHS: usize = 150;
/// Each is timed so often, and the least time taken: what comes on top is the machine's.
const REPEATS: usize = 15;

/// A chain that knows models, and the executor of a node.
struct Chain {
	executor: WasmExecutor<SubstrateHostFunctions>,
	state: TestExternalities,
}

impl Chain {
	fn new() -> Self {
		Self { executor: WasmExecutor::builder().build(), state: TestExternalities::default() }
	}

	fn score(&mut self, model: ModelId, weights: &[u8], record: &[u8]) -> (Option<i32>, Duration) {
		let wasm = WASM_BINARY.expect("the wasm was built");
		let code = RuntimeCode {
			code_fetcher: &WrappedRuntimeCode(wasm.into()),
			heap_pages: None,
			hash: BlakeTwo256::hash(wasm).encode(),
		};
		let call = (model, weights, record).encode();
		let mut ext = self.state.ext();
		let begun = Instant::now();
		let context = CallContext::Onchain { import: false };
		let (result, _) = self.executor.call(&mut ext, &code, "OdaApi_score", &call, context);
		let took = begun.elapsed();
		let score = Option::decode(&mut &result.expect("the call succeeds")[..]).expect("a score");
		(score, took)
	}

	/// What scoring a record of this graph weighs, and how long it takes beyond reading call and model.
	fn measure(&mut self, graph: Graph, weights: &[u8], input: &[u8]) -> (Duration, Duration) {
		let output = graph.value_type(graph.outputs[0].into()).expect("a valid graph").clone();
		let target = TargetSpec { tensor: TensorType::new(DType::I8, output.shape), ignore: None };
		let mut record = input.to_vec();
		record.resize(input.len() + target.tensor.bytes() as usize, 0);
		let blob = BlobRef { root: [0; 32], len: record.len() as u64 };
		let spec = ModelSpec {
			graph,
			objective: Objective {
				metric: Metric::SquaredError,
				target,
				min_improvement: 1,
				confidence: None,
			},
			data: DataSource::Fixed(DatasetRef { blob, records: 1 }),
		};
		let weight = EvaluationWeight::convert(spec.validate().expect("a valid model"));
		let model = spec.id();
		self.state.execute_with(|| pallet_model_registry::Specs::<Runtime>::insert(model, spec));
		let (mut with, mut without) = (Duration::MAX, Duration::MAX);
		for _ in 0..REPEATS {
			let (score, took) = self.score(model, weights, &record);
			assert!(score.is_some());
			with = with.min(took);
			// Refused for its length, when everything has been read.
			let (score, took) = self.score(model, weights, &record[1..]);
			assert!(score.is_none());
			without = without.min(took);
		}
		let weight = weight.saturating_add(weights::WeightInfo::<Runtime>::evaluate_nodes(250));
		(Duration::from_nanos(weight.ref_time() / 1_000), with.saturating_sub(without))
	}
}

#[test]
fn the_court_should_charge_at_least_the_time_that_it_takes() {
	let mut chain = Chain::new();
	let mut network = |graph: Graph| {
		let (weights, input) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		chain.measure(graph, &weights, &input)
	};
	let layers = networks::layers();
	let known = layers.iter().find(|(name, _)| *name == "dense, 1,024 products").expect("it is among them");
	let (charged, took) = network(known.1.clone());
	let slower = took.as_secs_f64() / charged.as_secs_f64();
	println!("this machine takes {slower:.2} of what one layer of 1,024 products is charged");
	let slower = slower.max(1.0);

	let mut measured: Vec<(String, Duration, Duration)> = Vec::new();
	let networks = [("ResNet-20", networks::resnet20()), ("perceptron", networks::perceptron())];
	for (name, graph) in layers.into_iter().chain(networks) {
		let (charged, took) = network(graph);
		measured.push((name.into(), charged, took));
	}
	let random = (0..).map(random_case).filter(|case| case.graph.outputs.len() == 1).take(GRAPHS);
	for (i, case) in random.enumerate() {
		let len = case.inputs.len() / case.count;
		let (charged, took) = chain.measure(case.graph, &case.weights, &case.inputs[..len]);
		measured.push((format!("random graph {i}"), charged, took));
	}

	let ratio = |(_, charged, took): &(String, Duration, Duration)| {
		charged.as_secs_f64() * slower / took.as_secs_f64().max(1e-9)
	};
	measured.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
	for case in measured.iter().filter(|case| !case.0.starts_with("random") || ratio(case) < 2.0) {
		println!("{:8.2}  {}: charged {:?}, took {:?}", ratio(case), case.0, case.1, case.2);
	}
	let at = |part: usize| ratio(&measured[(measured.len() - 1) * part / 100]);
	println!("charged / took over {} cases:", measured.len());
	println!("  least {:.2}, 5 % {:.2}, half {:.2}, 95 % {:.2}", at(0), at(5), at(50), at(95));
	let under = measured.iter().filter(|case| ratio(case) < 1.0).count();
	assert_eq!(under, 0, "cases are charged less than the time that they take");
}
