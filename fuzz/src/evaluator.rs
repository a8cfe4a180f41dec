//! Any bytes as a graph, its weights and its inputs.

use codec::Decode;
use oda_evaluator::{Cost, Evaluator, Graph, Tensor};
use peak_alloc::PeakAlloc;

/// More work than this is not done: it would only be slow.
const MAX_WORK: u64 = 1 << 22;
/// What an evaluation may take beyond its tensors: vectors of vectors, a block of patches and their sums.
const SLACK: u64 = 64 << 10;

/// What came of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
	/// No graph.
	NotDecoded,
	/// A graph that breaks a rule.
	Invalid,
	/// A valid graph that would take long.
	TooMuch,
	/// A valid graph with its outputs.
	Evaluated,
}

fn work(cost: &Cost) -> u64 {
	cost.macs
		+ cost.patch_elements
		+ cost.requants
		+ cost.element_ops
		+ cost.activation_bytes
		+ cost.param_bytes
}

/// So many bytes of these, over and over.
fn cycled(bytes: &[u8], len: u64) -> Vec<u8> {
	if bytes.is_empty() {
		vec![0; len as usize]
	} else {
		bytes.iter().copied().cycle().take(len as usize).collect()
	}
}

/// Decodes, validates and evaluates; `memory` is the allocator, if it counts.
pub fn run(mut bytes: &[u8], memory: Option<&PeakAlloc>) -> Outcome {
	let Ok(graph) = Graph::decode(&mut bytes) else { return Outcome::NotDecoded };
	let Ok(cost) = graph.validate() else { return Outcome::Invalid };
	if work(&cost) > MAX_WORK {
		return Outcome::TooMuch;
	}
	let weights = cycled(bytes, cost.param_bytes);
	let input = cycled(bytes, graph.inputs.iter().map(|t| t.bytes()).sum());
	let evaluator =
		Evaluator::new(&graph, &weights).expect("the graph is valid and the weights have its length");

	let before = memory.map(|memory| {
		memory.reset_peak_usage();
		memory.current_usage() as u64
	});
	let outputs = evaluator.run(&input).expect("the input has the graph's length");
	if let (Some(memory), Some(before)) = (memory, before) {
		let peak = (memory.peak_usage() as u64).saturating_sub(before);
		// An accumulator for each output is a word, and a pool's for each of a row two; a patch is less than the
		// weights that it meets.
		let outputs = || graph.nodes.iter().map(|node| &node.output);
		let most = outputs().map(|t| t.elements()).max().unwrap_or_default();
		let row =
			outputs().map(|t| t.shape.iter().skip(1).map(|&n| u64::from(n)).product()).max().unwrap_or(0u64);
		let declared = cost.live_bytes + 4 * most + 8 * row + cost.param_bytes;
		assert!(peak <= declared + SLACK, "{peak} bytes were taken, {declared} declared");
	}

	assert_eq!(outputs.len(), graph.outputs.len());
	for (output, &value) in outputs.iter().zip(&graph.outputs) {
		let t = graph.value_type(value.into()).expect("the output exists");
		assert_eq!((output.dtype(), output.len() as u64), (t.dtype, t.elements()));
	}
	let again: Vec<Tensor> = evaluator.run(&input).expect("as before");
	assert_eq!(outputs, again, "evaluation depends on more than its input");
	Outcome::Evaluated
}
