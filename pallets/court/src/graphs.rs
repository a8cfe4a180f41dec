//! Graphs that make one component of the cost large and the others small, at the component's worst shape: what the
//! coefficients of the price are measured with.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "for benchmarks only"
)]

use alloc::{vec, vec::Vec};
use oda_evaluator::{
	Evaluator, Graph,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
};

/// A graph of one input and these nodes, each reading the value before it.
fn chain(input: TensorType, params: Vec<TensorType>, nodes: Vec<(Op, TensorType)>) -> Graph {
	let outputs = vec![nodes.len() as u16];
	let nodes = nodes
		.into_iter()
		.enumerate()
		.map(|(i, (op, output))| Node { op, inputs: vec![i as u16], output })
		.collect();
	Graph { version: VERSION, inputs: vec![input], params, nodes, outputs }
}

fn weighted(weight: [u32; 4], rank: usize, channels: u32) -> Vec<TensorType> {
	vec![
		TensorType::new(DType::I8, &weight[4 - rank..]),
		TensorType::new(DType::I32, [channels]),
		TensorType::new(DType::I32, [channels]),
		TensorType::new(DType::U8, [channels]),
	]
}

const REQUANT: Requant = Requant { bias: 1, mult: 2, shift: 3 };

/// `rows` × `outputs` dense accumulators of `k` products.
pub(crate) fn dense(rows: u32, k: u32, outputs: u32) -> Graph {
	let node = (Op::Dense { weight: 0, requant: REQUANT }, TensorType::new(DType::I16, [rows, outputs]));
	chain(TensorType::new(DType::I8, [rows, k]), weighted([1, 1, outputs, k], 2, outputs), vec![node])
}

/// A convolution of an image `[h, w, c]` with a `kernel`, in so many groups of which each has one output.
fn conv2d([h, w, c]: [u32; 3], [kh, kw]: [u32; 2], groups: u32) -> Graph {
	let op = Op::Conv2d { weight: 0, requant: REQUANT, stride: [1, 1], padding: Padding::default(), groups };
	let output = TensorType::new(DType::I8, [h - kh + 1, w - kw + 1, groups]);
	let params = weighted([groups, kh, kw, c / groups], 4, groups);
	chain(TensorType::new(DType::I8, [h, w, c]), params, vec![(op, output)])
}

/// `n` positions of a convolution of 256 products with one output.
pub(crate) fn line(n: u32) -> Graph {
	conv2d([1, n + 255, 1], [1, 256], 1)
}

/// One position of a 1 × 1 convolution of `n` channels, each by itself.
pub(crate) fn depthwise(n: u32) -> Graph {
	conv2d([1, 1, n], [1, 1], n)
}

/// `n` positions of a 32 × 1 convolution of 2 groups of 2 channels.
pub(crate) fn column(n: u32) -> Graph {
	conv2d([n + 31, 1, 4], [32, 1], 2)
}

/// A convolution over the whole of a line of `n` pixels, of 4,096 channels that are each by themselves. Each channel is
/// gathered from as many cache lines as there are pixels, a page apart. In an image of the largest size they are gone
/// from the cache before the next channel, which lies in the same lines, is its turn.
pub(crate) fn apart(n: u32) -> Graph {
	conv2d([1, n, 4_096], [1, n], 4_096)
}

/// `rows` × 256 pools of one element.
pub(crate) fn pool(rows: u32) -> Graph {
	let image = TensorType::new(DType::I32, [rows, 256, 1]);
	let op = Op::AvgPool2d { kernel: [1, 1], stride: [1, 1] };
	chain(image.clone(), vec![], vec![(op, image)])
}

/// `n` elements, reshaped.
pub(crate) fn reshape(n: u32) -> Graph {
	chain(TensorType::new(DType::I8, [n]), vec![], vec![(Op::Reshape, TensorType::new(DType::I8, [1, n]))])
}

/// `n` convolutions of an element, each with parameters of its own.
pub(crate) fn nodes(n: u32) -> Graph {
	let one = conv2d([1, 1, 1], [1, 1], 1);
	let output = one.inputs[0].clone();
	let (mut nodes, mut params) = (vec![], vec![]);
	for x in 0..n as u16 {
		let first = params.len() as u16;
		let requant = Requant { bias: first + 1, mult: first + 2, shift: first + 3 };
		let op =
			Op::Conv2d { weight: first, requant, stride: [1, 1], padding: Padding::default(), groups: 1 };
		nodes.push(Node { op, inputs: vec![x], output: output.clone() });
		params.extend(one.params.iter().cloned());
	}
	Graph { params, nodes, outputs: vec![n as u16], ..one }
}

/// Bytes that no multiplication can skip.
fn bytes(len: u64) -> Vec<u8> {
	(0..len).map(|i| (i as u8).wrapping_mul(37) | 1).collect()
}

/// Weights and an input for a graph.
pub(crate) fn record(graph: &Graph) -> (Vec<u8>, Vec<u8>) {
	(bytes(graph.param_bytes()), bytes(graph.input_bytes()))
}

/// Splits the weights into parameters, as a challenge does first.
pub(crate) fn split(graph: &Graph, weights: &[u8]) {
	Evaluator::new(graph, weights).expect("the graph is valid");
}

/// Runs a graph on one record, as a challenge does.
pub(crate) fn run(graph: &Graph, weights: &[u8], input: &[u8]) {
	let evaluator = Evaluator::new(graph, weights).expect("the graph is valid");
	evaluator.run(input).expect("the input fits");
}
