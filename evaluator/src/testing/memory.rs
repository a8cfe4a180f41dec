//! Graphs that take much of the runtime's heap for what they are.

use crate::graph::{DType, Graph, Node, Op, TensorType, VERSION};
use alloc::{vec, vec::Vec};

/// A graph of one phase for each of `held`, whose tensors have 2²¹ + 2 bytes in the first phase and half of the 2²¹ in
/// each that follows: just more than a block of the allocator has. A phase makes so many tensors of its first one, then adds
/// them up: two more than `held` live at once. 240 nodes of it took more than a wasm heap has.
pub fn shrinking(held: &[usize]) -> Graph {
	let value = |nodes: &Vec<Node>| nodes.len() as u16;
	let image = |phase: usize| TensorType::new(DType::I16, [1, (1 << (20 - phase)) + 1, 1]);
	let mut nodes: Vec<Node> = vec![];
	for (phase, &held) in held.iter().enumerate() {
		if phase > 0 {
			let op = Op::AvgPool2d { kernel: [1, 1], stride: [1, 2] };
			let inputs = vec![value(&nodes)];
			nodes.push(Node { op, inputs, output: image(phase) });
		}
		let first = value(&nodes);
		for _ in 0..held {
			let op = Op::Clamp { min: -128, max: 127 };
			let inputs = vec![value(&nodes)];
			nodes.push(Node { op, inputs, output: image(phase) });
		}
		for other in 1..=held as u16 {
			let sum = if other == 1 { first } else { value(&nodes) };
			let op = Op::Add { lhs_mult: 0, rhs_mult: 1, shift: 2 };
			nodes.push(Node { op, inputs: vec![sum, first + other], output: image(phase) });
		}
	}
	let multiplier = TensorType::new(DType::I32, [1]);
	Graph {
		version: VERSION,
		inputs: vec![image(0)],
		params: vec![multiplier.clone(), multiplier, TensorType::new(DType::U8, [1])],
		outputs: vec![value(&nodes)],
		nodes,
	}
}
