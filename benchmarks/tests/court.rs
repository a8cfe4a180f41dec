//! What the court charges for evaluating a record is at least the time that it takes, in the runtime's own wasm.
//!
//! A challenge's own weight was measured with an evaluation of 250 nodes that do nothing in it, which is more than
//! the fixed costs of any evaluation. So what 200 of them take counts here too.
//!
//! The machine that runs this need not be the one on which the weights were measured: times are divided by how
//! much slower it is at hashing, in the same run.

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
	graph::DType,
	model::Metric,
	testing::{networks, random_case},
};
use oda_runtime::configs::protocol::EvaluationWeight;
use polkadot_sdk::{sp_io::hashing::blake2_256, sp_runtime::traits::Convert};
use std::time::{Duration, Instant};

/// Random graphs that are timed.
const GRAPHS: usize = 150;
/// Each is timed so often, and the least time taken: what comes on top is the machine's.
const REPEATS: usize = 15;

/// Outputs that are scored by each metric, as `[positions, classes]`.
const SCORED: [[u32; 2]; 3] = [[262_144, 1], [16_384, 16], [1, 262_144]];

/// Hashing 16 MiB by BLAKE2b on the machine where the weights were measured.
const HASHING: Duration = Duration::from_micros(14_850);

/// How much slower than that machine this one is.
fn slower() -> f64 {
	let bytes = vec![1; 16 << 20];
	let took = (0..REPEATS).map(|_| {
		let begun = Instant::now();
		std::hint::black_box(blake2_256(std::hint::black_box(&bytes)));
		begun.elapsed()
	});
	let took = took.min().unwrap_or_default();
	println!("hashing takes {took:?}");
	took.div_duration_f64(HASHING).max(1.0)
}

/// What scoring a record of this graph weighs, and how long it takes.
fn measure(
	chain: &mut Chain,
	graph: Graph,
	metric: Metric,
	weights: &[u8],
	input: &[u8],
) -> (Duration, Duration) {
	let (spec, record) = model(graph, metric, input).expect("a graph with an output");
	let weight = EvaluationWeight::convert(spec.validate().expect("a valid model"));
	let model = chain.insert(spec);
	let took = chain.time(model, weights, &record, REPEATS).expect("the runtime evaluates");
	(Duration::from_nanos(weight.ref_time() / 1_000), took)
}

#[test]
fn the_court_should_charge_at_least_the_time_that_it_takes() {
	let mut chain = Chain::default();
	let mut network = |graph: Graph, metric| {
		let (weights, input) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		measure(&mut chain, graph, metric, &weights, &input)
	};
	let slower = slower();
	println!("this machine takes {slower:.2} of the time that the one took where the weights were measured");
	let mut measured: Vec<(String, Duration, Duration)> = Vec::new();
	let networks = [("ResNet-20", networks::resnet20()), ("perceptron", networks::perceptron())];
	for (name, graph) in networks::layers().into_iter().chain(networks) {
		let (charged, took) = network(graph, Metric::SquaredError);
		measured.push((name.into(), charged, took));
	}
	let metrics = [Metric::Accuracy, Metric::CrossEntropy { logit_scale_log2: 7 }, Metric::SquaredError];
	for (metric, dtype, [positions, classes]) in metrics
		.into_iter()
		.flat_map(|metric| [DType::I8, DType::I32].map(|dtype| (metric, dtype)))
		.flat_map(|(metric, dtype)| SCORED.map(|shape| (metric, dtype, shape)))
	{
		let (charged, took) = network(networks::scored(dtype, positions, classes), metric);
		measured.push((format!("{metric:?} of {dtype:?} [{positions}, {classes}]"), charged, took));
	}
	let random = (0..).map(random_case).filter(|case| case.graph.outputs.len() == 1).take(GRAPHS);
	for (i, case) in random.enumerate() {
		let len = case.inputs.len() / case.count;
		let (charged, took) =
			measure(&mut chain, case.graph, Metric::SquaredError, &case.weights, &case.inputs[..len]);
		measured.push((format!("random graph {i}"), charged, took));
	}

	let idle = measured.iter().find(|case| case.0 == "clamp of one element, 200 times").expect("a layer").2;
	println!("nodes that do nothing, which a challenge weighs in any case, take {idle:?}");
	let ratio = |(_, charged, took): &(String, Duration, Duration)| {
		(charged.mul_f64(slower) + idle).div_duration_f64((*took).max(Duration::from_micros(1)))
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
