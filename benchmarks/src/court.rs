//! Records that the court evaluates, in shapes as awkward as we could think of: what it charges for each, beside what it
//! does.

use crate::wasm::{Chain, model};
use anyhow::{Context, Result};
use oda_evaluator::{
	Graph, ModelSpec,
	graph::{DType, Node, Op},
	model::Metric,
	testing::{networks, random_case},
};
use oda_runtime::configs::protocol::EvaluationWeight;
use polkadot_sdk::{sp_io::hashing::blake2_256, sp_runtime::traits::Convert};
use std::time::{Duration, Instant};

/// Instructions of the runtime's wasm, as wasmtime counts them, that the chain's reference machine executes in a
/// microsecond where it only computes. Most are loads, stores and sums of a loop, of which a processor does several at
/// once.
pub const INSTRUCTIONS_PER_MICROSECOND: u128 = 16_000;
/// Picoseconds that a [distant](Case::distant) byte takes on that machine, beside the instructions.
pub const DISTANT_BYTE: u128 = 2_000;

/// Random graphs beside the others.
const GRAPHS: usize = 150;
/// Outputs that are scored by each metric, as `[positions, classes]`.
const SCORED: [[u32; 2]; 3] = [[262_144, 1], [16_384, 16], [1, 262_144]];
/// Bytes in a line of a processor's caches.
const LINE: u32 = 64;
/// Bytes that are hashed to say how fast a machine is.
const HASHED: usize = 16 << 20;
/// The case that shows what a challenge weighs beside its evaluation: its own weight was measured with 250 such nodes.
const IDLE: &str = "clamp of one element, 200 times";

/// A record, and the model that it is evaluated with.
pub struct Case {
	/// What is awkward about it.
	pub name: String,
	/// What the court charges for its evaluation.
	pub charged: Duration,
	/// Bytes that its convolutions gather out of pixels that fill a cache line or more, of each less than a line: they
	/// lie far apart, and the processor's caches help little.
	pub distant: u64,
	/// Whether it is what a challenge is charged for in any case.
	pub idle: bool,
	spec: ModelSpec,
	weights: Vec<u8>,
	record: Vec<u8>,
}

impl Case {
	fn new(
		name: impl Into<String>,
		graph: Graph,
		metric: Metric,
		weights: Vec<u8>,
		input: &[u8],
	) -> Result<Self> {
		let (name, distant) = (name.into(), distant(&graph));
		let (spec, record) = model(graph, metric, input)?;
		let weight = EvaluationWeight::convert(spec.validate().context("a valid model")?);
		let charged = Duration::from_nanos(weight.ref_time() / 1_000);
		Ok(Self { idle: name == IDLE, name, charged, distant, spec, weights, record })
	}

	/// The instructions of the runtime's wasm that it takes.
	///
	/// # Errors
	///
	/// A runtime that does not evaluate it.
	pub fn count(&self, chain: &mut Chain) -> Result<u64> {
		let model = chain.insert(self.spec.clone());
		chain.count(model, &self.weights, &self.record).with_context(|| self.name.clone())
	}

	/// The least time of so many that it takes here.
	///
	/// # Errors
	///
	/// A runtime that does not evaluate it.
	pub fn time(&self, chain: &mut Chain, repeats: usize) -> Result<Duration> {
		let model = chain.insert(self.spec.clone());
		chain.time(model, &self.weights, &self.record, repeats).with_context(|| self.name.clone())
	}
}

/// Layers and networks, outputs that are scored by each metric, random graphs.
///
/// # Errors
///
/// A graph that is not valid.
pub fn cases() -> Result<Vec<Case>> {
	let network = |name: String, graph: Graph, metric| {
		let (weights, input) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		Case::new(name, graph, metric, weights, &input)
	};
	let mut cases = Vec::new();
	let networks = [("ResNet-20", networks::resnet20()), ("perceptron", networks::perceptron())];
	for (name, graph) in networks::layers().into_iter().chain(networks) {
		cases.push(network(name.into(), graph, Metric::SquaredError)?);
	}
	let metrics = [Metric::Accuracy, Metric::CrossEntropy { logit_scale_log2: 7 }, Metric::SquaredError];
	for metric in metrics {
		for dtype in [DType::I8, DType::I32] {
			for [positions, classes] in SCORED {
				let name = format!("{metric:?} of {dtype:?} [{positions}, {classes}]");
				cases.push(network(name, networks::scored(dtype, positions, classes), metric)?);
			}
		}
	}
	let random = (0..).map(random_case).filter(|case| case.graph.outputs.len() == 1).take(GRAPHS);
	for (i, case) in random.enumerate() {
		let len = case.inputs.len().checked_div(case.count).context("a case has records")?;
		let input = case.inputs.get(..len).context("of the graph's length")?;
		let name = format!("random graph {i}");
		cases.push(Case::new(name, case.graph, Metric::SquaredError, case.weights, input)?);
	}
	Ok(cases)
}

/// The least time of so many that hashing 16 MiB by BLAKE2b takes here.
pub fn hashing(repeats: usize) -> Duration {
	let bytes = vec![1; HASHED];
	let took = (0..repeats).map(|_| {
		let began = Instant::now();
		std::hint::black_box(blake2_256(std::hint::black_box(&bytes)));
		began.elapsed()
	});
	took.min().unwrap_or_default()
}

/// The [distant](Case::distant) bytes of a graph.
fn distant(graph: &Graph) -> u64 {
	let of_node = |node: &Node| {
		let Op::Conv2d { weight, groups, .. } = &node.op else { return None };
		let value = usize::from(*node.inputs.first()?);
		let channels = *graph.value_type(value)?.shape.last()?;
		let weight = graph.params.get(usize::from(*weight))?;
		let [_, height, width, depth] = weight.shape.as_slice() else { return None };
		if channels < LINE || *depth >= LINE {
			return None;
		}
		let [rows, columns, _] = node.output.shape.as_slice() else { return None };
		[*rows, *columns, *groups, *height, *width, *depth]
			.into_iter()
			.try_fold(1u64, |product, extent| product.checked_mul(extent.into()))
	};
	graph.nodes.iter().filter_map(of_node).sum()
}
