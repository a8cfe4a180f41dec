//! What the court charges for evaluating a record is at least the time that it takes, in the runtime's own wasm.
//!
//! A challenge's own weight was measured with an evaluation of 250 nodes that do nothing in it, which is more than
//! the fixed costs of any evaluation; so that part counts here too.
//!
//! The machine that runs this need not be the one on which the weights were measured: times are divided by how
//! much slower it is at one layer of known weight, in the same run.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "a test"
)]

use oda_benchmarks::wasm::{Chain, model};
use oda_evaluator::{
	Graph,
	testing::{networks, random_case},
};
use oda_runtime::{Runtime, configs::protocol::EvaluationWeight, weights::pallet_training as weights};
use pallet_training::WeightInfo;
use polkadot_sdk::sp_runtime::traits::Convert;
use std::time::Duration;

/// Random graphs that are timed.
const GRAPHS: usize = 150;
/// Each is timed so often, and the least time taken: what comes on top is the machine's.
const REPEATS: usize = 15;

/// What scoring a record of this graph weighs, and how long it takes.
fn measure(chain: &mut Chain, graph: Graph, weights: &[u8], input: &[u8]) -> (Duration, Duration) {
	let (spec, record) = model(graph, input).expect("a graph with an output");
	let weight = EvaluationWeight::convert(spec.validate().expect("a valid model"));
	let weight = weight.saturating_add(weights::WeightInfo::<Runtime>::evaluate_nodes(250));
	let model = chain.insert(spec);
	let took = chain.time(model, weights, &record, REPEATS).expect("the runtime evaluates");
	(Duration::from_nanos(weight.ref_time() / 1_000), took)
}

#[test]
fn the_court_should_charge_at_least_the_time_that_it_takes() {
	let mut chain = Chain::default();
	let mut network = |graph: Graph| {
		let (weights, input) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		measure(&mut chain, graph, &weights, &input)
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
		let (charged, took) = measure(&mut chain, case.graph, &case.weights, &case.inputs[..len]);
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
