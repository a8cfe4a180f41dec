//! Records that the court evaluates, in shapes as awkward as we could think of: what it charges for each, beside what it
//! does.

use crate::wasm::{Chain, Hearing, Taken, charged, model};
use anyhow::{Context, Result};
use oda_evaluator::{
	Graph,
	graph::{DType, Node, Op},
	model::Metric,
	testing::{networks, random_case},
};
use oda_trials::Trial;
use polkadot_sdk::sp_io::hashing::blake2_256;
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
	/// What the court charges: for the whole challenge, and for its evaluation alone.
	pub charged: Taken<Duration>,
	/// Bytes that its convolutions gather out of pixels that fill a cache line or more, of each less than a line: they
	/// lie far apart, and the processor's caches help little.
	pub distant: u64,
	/// Whether it is what a challenge is charged for in any case.
	pub idle: bool,
	hearing: Hearing,
}

impl Case {
	fn new(
		chain: &Chain,
		name: impl Into<String>,
		graph: Graph,
		metric: Metric,
		weights: Vec<u8>,
		input: &[u8],
	) -> Result<Self> {
		let (name, distant) = (name.into(), distant(&graph));
		let (spec, data) = model(graph, metric, input)?;
		let trial = Trial::new(oda_trials::Case { spec, data, weights, record: 0 });
		let trial = trial.with_context(|| name.clone())?;
		let evaluation = Duration::from_nanos(trial.cost().ref_time() / 1_000);
		let charged = Taken { whole: charged(&trial)?, judging: evaluation };
		let hearing = chain.open(trial).with_context(|| name.clone())?;
		Ok(Self { idle: name == IDLE, name, charged, distant, hearing })
	}

	/// The instructions of the runtime's wasm that its challenge takes.
	///
	/// # Errors
	///
	/// A runtime that does not apply it.
	pub fn count(&mut self, chain: &mut Chain) -> Result<Taken<u64>> {
		chain.count(&mut self.hearing).with_context(|| self.name.clone())
	}

	/// The least time of so many that its challenge takes here.
	///
	/// # Errors
	///
	/// A runtime that does not apply it.
	pub fn time(&mut self, chain: &Chain, repeats: usize) -> Result<Taken<Duration>> {
		chain.time(&mut self.hearing, repeats).with_context(|| self.name.clone())
	}
}

/// Layers and networks, outputs that are scored by each metric, random graphs.
///
/// # Errors
///
/// A graph that registration does not admit.
pub fn cases(chain: &Chain) -> Result<Vec<Case>> {
	let network = |name: String, graph: Graph, metric| {
		let (weights, input) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		Case::new(chain, name, graph, metric, weights, &input)
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
		cases.push(Case::new(chain, name, case.graph, Metric::SquaredError, case.weights, input)?);
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
