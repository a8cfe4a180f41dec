//! Random valid graphs with weights and inputs, for comparing an evaluator with the reference: every
//! operator, every type where it is allowed, groups, padding, strides, several inputs and outputs, shared
//! parameters, sums on both sides of the 1,024 products at which `f32` stops being exact.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	clippy::indexing_slicing,
	reason = "never part of a chain"
)]

pub mod memory;
pub mod networks;

use crate::graph::{DType, Graph, Node, Op, Padding, Requant, TensorType, VERSION};
use alloc::{vec, vec::Vec};

/// A valid graph, weights of the right length, and some records' inputs.
#[derive(Clone, Debug)]
pub struct Case {
	/// The graph.
	pub graph: Graph,
	/// Its weights.
	pub weights: Vec<u8>,
	/// The inputs of `count` records, one after the other.
	pub inputs: Vec<u8>,
	/// How many records.
	pub count: usize,
}

const DTYPES: [DType; 5] = [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32];

/// The case of `seed`: the same for ever, different for different seeds.
pub fn random_case(seed: u64) -> Case {
	let mut rng = Rng(seed);
	let graph = Generator::new(&mut rng).graph();
	let mut weights = Vec::new();
	for t in &graph.params {
		weights.extend(param_bytes(&mut rng, t));
	}
	let count = rng.range(1, 4) as usize;
	let mut inputs = Vec::new();
	for _ in 0..count {
		for t in &graph.inputs {
			inputs.extend(extreme_bytes(&mut rng, t.bytes() as usize));
		}
	}
	Case { graph, weights, inputs, count }
}

/// Bytes of one of several temperaments: all of one extreme, a mix of extremes, small, or anything.
fn extreme_bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
	match rng.below(6) {
		0 => vec![*rng.pick(&[127u8, 128, 129, 255]); len],
		1 => (0..len).map(|_| *rng.pick(&[127u8, 128, 129])).collect(),
		2 => (0..len).map(|_| rng.range(-8, 8) as u8).collect(),
		_ => (0..len).map(|_| rng.next() as u8).collect(),
	}
}

fn param_bytes(rng: &mut Rng, t: &TensorType) -> Vec<u8> {
	let len = t.elements() as usize;
	let temper = rng.below(8);
	match t.dtype {
		DType::I32 => (0..len)
			.flat_map(|_| {
				match temper {
					0 => *rng.pick(&[i32::MIN, i32::MAX, -1, 0, 1]),
					1 => rng.next() as i32,
					2 | 3 => rng.range(-2_000, 2_000) as i32,
					4 => rng.range(-(1 << 24), 1 << 24) as i32,
					_ => rng.range(1 << 29, (1 << 31) - 1) as i32,
				}
				.to_le_bytes()
			})
			.collect(),
		DType::U8 => (0..len)
			.map(|_| match temper {
				0 => *rng.pick(&[0u8, 1, 61, 62, 63, 255]),
				1 => rng.next() as u8,
				_ => rng.range(28, 46) as u8,
			})
			.collect(),
		_ => extreme_bytes(rng, t.bytes() as usize),
	}
}

/// Kernel, stride, padding, and how many positions there are: down, across.
type Window = ([u16; 2], [u16; 2], Padding, [u32; 2]);

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
	/// The numbers of `seed`.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// Any number.
	#[allow(clippy::should_implement_trait, reason = "it never ends")]
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// A number below `n`.
	pub fn below(&mut self, n: u64) -> u64 {
		((u128::from(self.next()) * u128::from(n)) >> 64) as u64
	}

	/// A number in `low..=high`.
	pub fn range(&mut self, low: i64, high: i64) -> i64 {
		low.wrapping_add(self.below((high - low + 1) as u64) as i64)
	}

	/// True with probability `percent` / 100.
	pub fn chance(&mut self, percent: u64) -> bool {
		self.below(100) < percent
	}

	/// An element of `items`.
	pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
		&items[self.below(items.len() as u64) as usize]
	}
}

struct Generator<'a> {
	rng: &'a mut Rng,
	inputs: Vec<TensorType>,
	params: Vec<TensorType>,
	nodes: Vec<Node>,
}

impl<'a> Generator<'a> {
	fn new(rng: &'a mut Rng) -> Self {
		Self { rng, inputs: Vec::new(), params: Vec::new(), nodes: Vec::new() }
	}

	fn graph(mut self) -> Graph {
		for _ in 0..self.rng.range(1, 3) {
			let t = self.input();
			self.inputs.push(t);
		}
		let wanted = self.rng.range(1, 9) as usize;
		while self.nodes.len() < wanted {
			self.node();
		}
		let read = |value: usize, nodes: &[Node]| nodes.iter().any(|n| n.inputs.contains(&(value as u16)));
		// An input may not go unread, nor be an output.
		for value in 0..self.inputs.len() {
			if !read(value, &self.nodes) {
				self.clamp(value);
			}
		}
		let first = self.inputs.len();
		let outputs = (first..first + self.nodes.len())
			.filter(|&value| !read(value, &self.nodes) || self.rng.chance(10))
			.map(|value| value as u16)
			.collect();
		Graph { version: VERSION, inputs: self.inputs, params: self.params, nodes: self.nodes, outputs }
	}

	fn input(&mut self) -> TensorType {
		let dtype = if self.rng.chance(75) { DType::I8 } else { *self.rng.pick(&DTYPES) };
		let mut extent = |high| self.rng.range(1, high) as u32;
		let shape = match extent(10) {
			1 => vec![extent(3_000)],
			2 => vec![extent(5), extent(40)],
			3 => vec![extent(3), extent(4), extent(3), extent(6)],
			4 => vec![extent(4), extent(4), 8 * extent(20)],
			_ => vec![extent(10), extent(10), extent(8)],
		};
		TensorType::new(dtype, shape)
	}

	fn value_type(&self, value: usize) -> TensorType {
		match value.checked_sub(self.inputs.len()) {
			None => self.inputs[value].clone(),
			Some(node) => self.nodes[node].output.clone(),
		}
	}

	fn value(&mut self) -> usize {
		let n = self.inputs.len() + self.nodes.len();
		// Rather a late value than an early one, for depth.
		self.rng.below(n as u64).max(self.rng.below(n as u64)) as usize
	}

	/// A parameter of type `t`: sometimes one that is there already.
	fn param(&mut self, t: TensorType) -> u16 {
		let same: Vec<usize> = (0..self.params.len()).filter(|&i| self.params[i] == t).collect();
		if !same.is_empty() && self.rng.chance(25) {
			return *self.rng.pick(&same) as u16;
		}
		self.params.push(t);
		(self.params.len() - 1) as u16
	}

	fn requant(&mut self, channels: u32) -> Requant {
		Requant {
			bias: self.param(TensorType::new(DType::I32, [channels])),
			mult: self.param(TensorType::new(DType::I32, [channels])),
			shift: self.param(TensorType::new(DType::U8, [channels])),
		}
	}

	fn made_dtype(&mut self) -> DType {
		if self.rng.chance(60) { DType::I8 } else { *self.rng.pick(&DTYPES) }
	}

	fn push(&mut self, op: Op, inputs: &[usize], output: TensorType) {
		self.nodes.push(Node { op, inputs: inputs.iter().map(|&v| v as u16).collect(), output });
	}

	fn node(&mut self) {
		let value = self.value();
		match self.rng.below(10) {
			0 | 1 => self.dense(value),
			2..=4 => self.conv(value),
			5 => self.max_pool(value),
			6 => self.avg_pool(value),
			7 => self.add(value),
			8 => self.lookup_or_reshape(value),
			_ => self.clamp(value),
		}
	}

	fn dense(&mut self, value: usize) {
		let t = self.value_type(value);
		if t.dtype != DType::I8 {
			return;
		}
		let mut shape = t.shape;
		let (Some(last), n) = (shape.last_mut(), self.rng.range(1, 7) as u32) else { return };
		let k = core::mem::replace(last, n);
		let weight = self.param(TensorType::new(DType::I8, [n, k]));
		let requant = self.requant(n);
		let output = TensorType::new(self.made_dtype(), shape);
		self.push(Op::Dense { weight, requant }, &[value], output);
	}

	fn padding(&mut self, kernel: [u16; 2]) -> Padding {
		let mut side = |k: u16| if self.rng.chance(50) { 0 } else { self.rng.below(u64::from(k)) as u16 };
		Padding {
			top: side(kernel[0]),
			bottom: side(kernel[0]),
			left: side(kernel[1]),
			right: side(kernel[1]),
		}
	}

	/// A window on an image, and how many positions it has; `None` if it does not fit.
	fn window(&mut self, shape: &[u32], padded: bool) -> Option<Window> {
		let [h, w, _] = *shape else { return None };
		let kernel = [self.rng.range(1, 4) as u16, self.rng.range(1, 4) as u16];
		let stride = [self.rng.range(1, 3) as u16, self.rng.range(1, 3) as u16];
		let p = if padded { self.padding(kernel) } else { Padding::default() };
		let along = |extent: u32, before: u16, after: u16, k: u16, s: u16| {
			(extent + u32::from(before) + u32::from(after))
				.checked_sub(k.into())
				.map(|room| room / u32::from(s) + 1)
		};
		let high = along(h, p.top, p.bottom, kernel[0], stride[0])?;
		let wide = along(w, p.left, p.right, kernel[1], stride[1])?;
		Some((kernel, stride, p, [high, wide]))
	}

	fn conv(&mut self, value: usize) {
		let t = self.value_type(value);
		let Some((kernel, stride, padding, [oh, ow])) = self.window(&t.shape, true) else { return };
		if t.dtype != DType::I8 {
			return;
		}
		let c = t.shape[2];
		let groups: Vec<u32> = (1..=c).filter(|g| c.is_multiple_of(*g)).collect();
		let groups = if self.rng.chance(50) { 1 } else { *self.rng.pick(&groups) };
		let o = groups * self.rng.range(1, 3) as u32;
		let weight =
			self.param(TensorType::new(DType::I8, [o, kernel[0].into(), kernel[1].into(), c / groups]));
		let requant = self.requant(o);
		let output = TensorType::new(self.made_dtype(), [oh, ow, o]);
		self.push(Op::Conv2d { weight, requant, stride, padding, groups }, &[value], output);
	}

	fn max_pool(&mut self, value: usize) {
		let t = self.value_type(value);
		let Some((kernel, stride, padding, [oh, ow])) = self.window(&t.shape, true) else { return };
		let output = TensorType::new(t.dtype, [oh, ow, t.shape[2]]);
		self.push(Op::MaxPool2d { kernel, stride, padding }, &[value], output);
	}

	fn avg_pool(&mut self, value: usize) {
		let t = self.value_type(value);
		let Some((kernel, stride, _, [oh, ow])) = self.window(&t.shape, false) else { return };
		let output = TensorType::new(t.dtype, [oh, ow, t.shape[2]]);
		self.push(Op::AvgPool2d { kernel, stride }, &[value], output);
	}

	fn add(&mut self, lhs: usize) {
		let t = self.value_type(lhs);
		let partners: Vec<usize> = (0..self.inputs.len() + self.nodes.len())
			.filter(|&v| self.value_type(v).shape == t.shape && self.value_type(v).dtype != DType::I32)
			.collect();
		if t.dtype == DType::I32 || partners.is_empty() {
			return;
		}
		let rhs = *self.rng.pick(&partners);
		let op = Op::Add {
			lhs_mult: self.param(TensorType::new(DType::I32, [1])),
			rhs_mult: self.param(TensorType::new(DType::I32, [1])),
			shift: self.param(TensorType::new(DType::U8, [1])),
		};
		let output = TensorType::new(self.made_dtype(), t.shape);
		self.push(op, &[lhs, rhs], output);
	}

	fn lookup_or_reshape(&mut self, value: usize) {
		let t = self.value_type(value);
		if t.dtype.size() == 1 && self.rng.chance(70) {
			let dtype = self.made_dtype();
			let table = self.param(TensorType::new(dtype, [256]));
			let output = TensorType::new(dtype, t.shape);
			self.push(Op::Lookup { table }, &[value], output);
			return;
		}
		let n = t.elements() as u32;
		let shape = match t.shape.as_slice() {
			[a, rest @ ..] if !rest.is_empty() && self.rng.chance(50) => vec![rest.iter().product(), *a],
			_ => vec![n],
		};
		self.push(Op::Reshape, &[value], TensorType::new(t.dtype, shape));
	}

	fn clamp(&mut self, value: usize) {
		let t = self.value_type(value);
		let mut bound = || self.rng.range(t.dtype.min().into(), t.dtype.max().into()) as i32;
		let (a, b) = (bound(), bound());
		self.push(Op::Clamp { min: a.min(b), max: a.max(b) }, &[value], t);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_case_is_valid() {
		for seed in 0..2_000 {
			let case = random_case(seed);
			case.graph.validate().unwrap_or_else(|e| panic!("seed {seed}: {e}: {:?}", case.graph));
			assert_eq!(case.weights.len() as u64, case.graph.param_bytes());
		}
	}

	#[test]
	fn cases_cover_operators_types_sharing_and_long_sums() {
		let cases: Vec<Case> = (0..1_000).map(random_case).collect();
		let nodes = || cases.iter().flat_map(|c| c.graph.nodes.iter().map(move |n| (&c.graph, n)));
		for name in ["dense", "conv2d", "max_pool2d", "avg_pool2d", "add", "reshape", "lookup", "clamp"] {
			assert!(nodes().filter(|(_, n)| n.op.name() == name).count() > 50, "{name}");
		}
		for dtype in DTYPES {
			assert!(nodes().filter(|(_, n)| n.output.dtype == dtype).count() > 50, "{dtype:?}");
		}
		let long = |(g, n): &(&Graph, &Node)| match &n.op {
			Op::Dense { weight, .. } => g.params[usize::from(*weight)].shape[1] > 1_024,
			Op::Conv2d { weight, .. } => {
				g.params[usize::from(*weight)].shape.iter().skip(1).product::<u32>() > 1_024
			}
			_ => false,
		};
		assert!(nodes().filter(long).count() > 20, "{}", nodes().filter(long).count());
		let weights_of = |c: &Case| {
			let named = c.graph.nodes.iter().map(|n| match n.op {
				Op::Dense { .. } | Op::Conv2d { .. } => 4,
				Op::Add { .. } => 3,
				Op::Lookup { .. } => 1,
				_ => 0,
			});
			named.sum::<usize>()
		};
		assert!(cases.iter().filter(|c| weights_of(c) > c.graph.params.len()).count() > 50);
	}
}
