//! Graphs that make one component of the cost large and the others small, at the component's worst shape: what
//! the coefficients of the court's evaluation are measured with.

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

/// `rows` × 16 dense accumulators of `k` products.
pub(crate) fn dense(rows: u32, k: u32) -> Graph {
	let node = (Op::Dense { weight: 0, requant: REQUANT }, TensorType::new(DType::I8, [rows, 16]));
	chain(TensorType::new(DType::I8, [rows, k]), weighted([1, 1, 16, k], 2, 16), vec![node])
}

fn conv2d(groups: u32) -> Op {
	Op::Conv2d { weight: 0, requant: REQUANT, stride: [1, 1], padding: Padding::default(), groups }
}

/// `rows` × 16 positions of a 1 × 1 convolution from 16 channels to 16.
pub(crate) fn pointwise(rows: u32) -> Graph {
	let image = TensorType::new(DType::I8, [rows, 16, 16]);
	chain(image.clone(), weighted([16, 1, 1, 16], 4, 16), vec![(conv2d(1), image)])
}

/// `rows` × 16 positions of a 3 × 3 convolution of 16 channels, each by itself.
pub(crate) fn depthwise(rows: u32) -> Graph {
	let image = TensorType::new(DType::I8, [rows + 2, 18, 16]);
	let output = TensorType::new(DType::I8, [rows, 16, 16]);
	chain(image, weighted([16, 3, 3, 1], 4, 16), vec![(conv2d(16), output)])
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

/// `n` nodes on one element.
pub(crate) fn nodes(n: u32) -> Graph {
	let t = TensorType::new(DType::I8, [1]);
	chain(t.clone(), vec![], vec![(Op::Clamp { min: -1, max: 1 }, t); n as usize])
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
