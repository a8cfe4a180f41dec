//! Networks of known size, to measure with.

use super::{Rng, extreme_bytes};
use crate::graph::{DType, Graph, Node, Op, Padding, Requant, TensorType, VERSION};
use alloc::{vec, vec::Vec};

/// A graph that grows a node at a time.
struct Builder(Graph);

impl Builder {
	fn new(input: &[u32]) -> Self {
		Self(Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, input)],
			params: Vec::new(),
			nodes: Vec::new(),
			outputs: Vec::new(),
		})
	}

	fn param(&mut self, dtype: DType, shape: &[u32]) -> u16 {
		self.0.params.push(TensorType::new(dtype, shape));
		self.0.params.len() as u16 - 1
	}

	fn requant(&mut self, channels: u32) -> Requant {
		Requant {
			bias: self.param(DType::I32, &[channels]),
			mult: self.param(DType::I32, &[channels]),
			shift: self.param(DType::U8, &[channels]),
		}
	}

	fn shape(&self, value: u16) -> &[u32] {
		self.0.value_type(value.into()).map_or(&[], |t| &t.shape)
	}

	fn node(&mut self, op: Op, inputs: &[u16], dtype: DType, shape: &[u32]) -> u16 {
		self.0.nodes.push(Node { op, inputs: inputs.to_vec(), output: TensorType::new(dtype, shape) });
		(self.0.inputs.len() + self.0.nodes.len()) as u16 - 1
	}

	/// A square kernel, padded so that only the stride makes the image smaller.
	fn conv(&mut self, x: u16, kernel: u32, stride: u16, channels: u32) -> u16 {
		let (h, w, c) = (self.shape(x)[0], self.shape(x)[1], self.shape(x)[2]);
		let weight = self.param(DType::I8, &[channels, kernel, kernel, c]);
		let requant = self.requant(channels);
		let pad = (kernel / 2) as u16;
		let padding = Padding { top: pad, bottom: pad, left: pad, right: pad };
		let stride_of = |extent: u32| extent.div_ceil(u32::from(stride));
		let shape = [stride_of(h), stride_of(w), channels];
		let op = Op::Conv2d { weight, requant, stride: [stride; 2], padding, groups: 1 };
		self.node(op, &[x], DType::I8, &shape)
	}

	fn relu(&mut self, x: u16) -> u16 {
		let shape = self.shape(x).to_vec();
		self.node(Op::Clamp { min: 0, max: 127 }, &[x], DType::I8, &shape)
	}

	fn add(&mut self, a: u16, b: u16) -> u16 {
		let shape = self.shape(a).to_vec();
		let [lhs_mult, rhs_mult] = [0; 2].map(|_| self.param(DType::I32, &[1]));
		let shift = self.param(DType::U8, &[1]);
		self.node(Op::Add { lhs_mult, rhs_mult, shift }, &[a, b], DType::I8, &shape)
	}

	fn dense(&mut self, x: u16, outputs: u32, dtype: DType) -> u16 {
		let mut shape = self.shape(x).to_vec();
		let inputs = shape.pop().unwrap_or(1);
		shape.push(outputs);
		let weight = self.param(DType::I8, &[outputs, inputs]);
		let requant = self.requant(outputs);
		self.node(Op::Dense { weight, requant }, &[x], dtype, &shape)
	}

	fn lookup(&mut self, x: u16, dtype: DType, shape: &[u32]) -> u16 {
		let table = self.param(dtype, &[256]);
		self.node(Op::Lookup { table }, &[x], dtype, shape)
	}

	fn output(mut self, value: u16) -> Graph {
		self.0.outputs.push(value);
		self.0
	}
}

/// A residual network for images of 32 × 32 × 3 (He et al. 2015, section 4.2), with projections where the
/// extent halves: three stages of so many blocks of two layers, the first with so many channels, each other
/// with twice those of the one before.
fn resnet(blocks: u32, channels: u32) -> Graph {
	let mut b = Builder::new(&[32, 32, 3]);
	let mut x = b.conv(0, 3, 1, channels);
	x = b.relu(x);
	for (stage, channels) in [channels, 2 * channels, 4 * channels].into_iter().enumerate() {
		for block in 0..blocks {
			let stride = if stage > 0 && block == 0 { 2 } else { 1 };
			let inner = b.conv(x, 3, stride, channels);
			let inner = b.relu(inner);
			let residual = b.conv(inner, 3, 1, channels);
			let shortcut = if stride == 2 { b.conv(x, 1, 2, channels) } else { x };
			let sum = b.add(residual, shortcut);
			x = b.relu(sum);
		}
	}
	let pool = Op::AvgPool2d { kernel: [8; 2], stride: [1; 2] };
	x = b.node(pool, &[x], DType::I8, &[1, 1, 4 * channels]);
	x = b.node(Op::Reshape, &[x], DType::I8, &[4 * channels]);
	x = b.dense(x, 10, DType::I16);
	b.output(x)
}

/// ResNet-20: 41 million multiply-accumulates.
pub fn resnet20() -> Graph {
	resnet(3, 16)
}

/// A ResNet of 14 layers, eight times as wide (Zagoruyko and Komodakis 2016): 1.7 thousand million
/// multiply-accumulates.
pub fn wide_resnet() -> Graph {
	resnet(2, 128)
}

/// A perceptron of 784, 128 and 10 units: 0.1 million multiply-accumulates.
pub fn perceptron() -> Graph {
	let mut b = Builder::new(&[784]);
	let x = b.dense(0, 128, DType::I8);
	let x = b.relu(x);
	let x = b.dense(x, 10, DType::I16);
	b.output(x)
}

/// A convolution by itself: groups and kernel as given, strides of 1, no padding.
fn grouped(image: [u32; 3], kernel: [u32; 2], groups: u32, outputs: u32) -> Graph {
	let mut b = Builder::new(&image);
	let [h, w, c] = image;
	let weight = b.param(DType::I8, &[outputs, kernel[0], kernel[1], c / groups]);
	let requant = b.requant(outputs);
	let op = Op::Conv2d { weight, requant, stride: [1; 2], padding: Padding::default(), groups };
	let y = b.node(op, &[0], DType::I8, &[h + 1 - kernel[0], w + 1 - kernel[1], outputs]);
	b.output(y)
}

/// So many nodes in a graph that has next to nothing to do in each: nearly as many as fit in one.
const TINY_NODES: usize = 200;

/// Many nodes, each with next to nothing to do.
fn tiny(input: &[u32], node: impl Fn(&mut Builder, u16) -> u16) -> Graph {
	let mut b = Builder::new(input);
	let x = (0..TINY_NODES).fold(0, |x, _| node(&mut b, x));
	b.output(x)
}

/// Numbers that are scored as they came in: nothing but a reshape.
pub fn scored(dtype: DType, positions: u32, classes: u32) -> Graph {
	let mut b = Builder::new(&[positions * classes]);
	b.0.inputs[0].dtype = dtype;
	let y = b.node(Op::Reshape, &[0], dtype, &[positions, classes]);
	b.output(y)
}

/// One layer each, in shapes that give its operator little to do at once. Weights, record and a target of the output's
/// shape fit a challenge together.
pub fn layers() -> Vec<(&'static str, Graph)> {
	let image = |dtype, shape: [u32; 3]| {
		let mut b = Builder::new(&shape);
		b.0.inputs[0].dtype = dtype;
		b
	};
	let pool = |dtype, mean: bool| {
		let mut b = image(dtype, [66, 66, 16]);
		let (kernel, stride, padding) = ([3; 2], [1; 2], Padding::default());
		let op =
			if mean { Op::AvgPool2d { kernel, stride } } else { Op::MaxPool2d { kernel, stride, padding } };
		let y = b.node(op, &[0], dtype, &[64, 64, 16]);
		b.output(y)
	};
	let dense = |rows, k, n| {
		let mut b = Builder::new(&[rows, k]);
		let y = b.dense(0, n, DType::I8);
		b.output(y)
	};
	let conv = |channels, kernel, outputs| {
		let mut b = image(DType::I8, [32, 32, channels]);
		let y = b.conv(0, kernel, 1, outputs);
		b.output(y)
	};
	let add = |dtype| {
		let mut b = image(dtype, [64, 64, 16]);
		let y = b.add(0, 0);
		b.output(y)
	};
	let clamp = |dtype| {
		let mut b = image(dtype, [64, 64, 16]);
		let y = b.node(Op::Clamp { min: 0, max: 9 }, &[0], dtype, &[64, 64, 16]);
		b.output(y)
	};
	let reshape = {
		let mut b = image(DType::I8, [512, 256, 16]);
		let y = b.node(Op::Reshape, &[0], DType::I8, &[2_097_152]);
		b.output(y)
	};
	let lookup = {
		let mut b = image(DType::U8, [64, 64, 16]);
		let y = b.lookup(0, DType::I32, &[64, 64, 16]);
		b.output(y)
	};
	let idle = Op::Clamp { min: -128, max: 127 };
	let mean = Op::AvgPool2d { kernel: [1; 2], stride: [1; 2] };
	let one = |rows, pixels, channels, dtype, mean: bool| {
		let shape = [rows, pixels, channels];
		let mut b = image(dtype, shape);
		let (kernel, stride, padding) = ([1; 2], [1; 2], Padding::default());
		let op =
			if mean { Op::AvgPool2d { kernel, stride } } else { Op::MaxPool2d { kernel, stride, padding } };
		let y = b.node(op, &[0], dtype, &shape);
		b.output(y)
	};
	vec![
		("dense, 1 product", dense(1_024, 1, 16)),
		("dense, 3 products", dense(1_024, 3, 16)),
		("dense, 17 products", dense(1_024, 17, 16)),
		("dense, 1,024 products", dense(1, 1_024, 256)),
		("dense, 65,536 products", dense(1, 65_536, 8)),
		("dense, 1 product, 159 outputs", dense(16_384, 1, 159)),
		("dense, 1 product, 1 output", dense(16_384, 1, 1)),
		("dense, 1 product, 3 outputs", dense(16_384, 1, 3)),
		("dense, 7 products, 3 outputs", dense(16_384, 7, 3)),
		("dense, 15 products, 7 outputs", dense(4_096, 15, 7)),
		("dense, 31 products, 1 output", dense(8_192, 31, 1)),
		("dense, 4,096 products, 1 output", dense(64, 4_096, 1)),
		("convolution 1 × 1, 1 channel to 16", conv(1, 1, 16)),
		("convolution 3 × 3, 1 channel to 16", conv(1, 3, 16)),
		("convolution 3 × 3, 1 channel to 1", conv(1, 3, 1)),
		("convolution 3 × 3, 16 channels to 16", conv(16, 3, 16)),
		("convolution 1 × 1, 64 channels to 64", conv(64, 1, 64)),
		("convolution 1 × 1, 1 channel to 1, a column", grouped([16_384, 1, 1], [1, 1], 1, 1)),
		("convolution 9 × 1, 1 channel to 1, a column", grouped([8_192, 1, 1], [9, 1], 1, 1)),
		("convolution 9 × 1, 1 channel to 3, an image", grouped([64, 64, 1], [9, 1], 1, 3)),
		("convolution 1 × 9, 1 channel to 1, a line", grouped([1, 8_192, 1], [1, 9], 1, 1)),
		("convolution 63 × 63, 1 channel to 1", grouped([80, 80, 1], [63, 63], 1, 1)),
		("convolution 1 × 1, 4 channels to 4,096", grouped([4, 4, 4], [1, 1], 1, 4_096)),
		("depthwise 3 × 3, 16 channels", grouped([34, 34, 16], [3, 3], 16, 16)),
		("depthwise 3 × 3, 16 channels to 48", grouped([34, 34, 16], [3, 3], 16, 48)),
		("depthwise 9 × 1, 16 channels", grouped([40, 32, 16], [9, 1], 16, 16)),
		("depthwise 1 × 1, 16,384 channels, one position", grouped([1, 1, 16_384], [1, 1], 16_384, 16_384)),
		("depthwise 1 × 1, 16,384 channels, a column", grouped([4, 1, 16_384], [1, 1], 16_384, 16_384)),
		("depthwise 3 × 3, 8,192 channels, one position", grouped([3, 3, 8_192], [3, 3], 8_192, 8_192)),
		("depthwise 1 × 117, 16,384 channels", grouped([1, 118, 16_384], [1, 117], 16_384, 16_384)),
		("depthwise 1 × 23, 65,536 channels", grouped([1, 24, 65_536], [1, 23], 65_536, 65_536)),
		("depthwise 1 × 2,039, 1,024 channels", grouped([1, 2_040, 1_024], [1, 2_039], 1_024, 1_024)),
		("depthwise 1 × 503, 4,096 channels", grouped([1, 504, 4_096], [1, 503], 4_096, 4_096)),
		("groups of 7 channels, 1 × 63", grouped([1, 64, 7_168], [1, 63], 1_024, 1_024)),
		("groups of 8 channels, 1 × 63", grouped([1, 64, 8_192], [1, 63], 1_024, 1_024)),
		("groups of 2 channels, 1 × 1", grouped([32, 32, 32], [1, 1], 16, 16)),
		("groups of 2 channels, 3 × 3", grouped([34, 34, 16], [3, 3], 8, 16)),
		("groups of 2 channels, 3 × 3, one position", grouped([3, 3, 8_192], [3, 3], 4_096, 4_096)),
		("groups of 16 channels, 255 × 1", grouped([255, 1, 7_168], [255, 1], 448, 448)),
		("2 groups, 1 channel to 2,048 each", grouped([32, 32, 2], [1, 1], 2, 4_096)),
		("groups of 17 channels, 3 × 3", grouped([18, 18, 68], [3, 3], 4, 4)),
		("greatest of 3 × 3, I8", pool(DType::I8, false)),
		("greatest of 3 × 3, I32", pool(DType::I32, false)),
		("mean of 3 × 3, I8", pool(DType::I8, true)),
		("mean of 3 × 3, I32", pool(DType::I32, true)),
		("mean of 1, a column, I8", one(262_144, 1, 1, DType::I8, true)),
		("mean of 1, a column, I32", one(262_144, 1, 1, DType::I32, true)),
		("mean of 1, two columns, I8", one(131_072, 2, 1, DType::I8, true)),
		("mean of 1, four columns, I8", one(65_536, 4, 1, DType::I8, true)),
		("mean of 1, a column of two channels, I8", one(131_072, 1, 2, DType::I8, true)),
		("mean of 1, a line, I8", one(1, 262_144, 1, DType::I8, true)),
		("greatest of 1, a column, I32", one(262_144, 1, 1, DType::I32, false)),
		("add, I8", add(DType::I8)),
		("add, I16", add(DType::I16)),
		("lookup", lookup),
		("reshape of 2 MiB", reshape),
		("clamp, I8", clamp(DType::I8)),
		("clamp, I32", clamp(DType::I32)),
		("clamp of one element, 200 times", tiny(&[1], |b, x| b.node(idle.clone(), &[x], DType::I8, &[1]))),
		("dense of one element, 200 times", tiny(&[1], |b, x| b.dense(x, 1, DType::I8))),
		("convolution of one element, 200 times", tiny(&[1; 3], |b, x| b.conv(x, 1, 1, 1))),
		("addition of one element, 200 times", tiny(&[1], |b, x| b.add(x, x))),
		("lookup of one element, 200 times", tiny(&[1], |b, x| b.lookup(x, DType::I8, &[1]))),
		(
			"mean of one element, 200 times",
			tiny(&[1; 3], |b, x| b.node(mean.clone(), &[x], DType::I8, &[1; 3])),
		),
	]
}

/// Weights of the graph's length, of a size that keeps the activations apart from zero and from the bounds.
pub fn weights(graph: &Graph, seed: u64) -> Vec<u8> {
	let mut rng = Rng(seed);
	let mut bytes = Vec::new();
	for param in &graph.params {
		let len = param.elements() as usize;
		match param.dtype {
			DType::I32 => bytes.extend((0..len).flat_map(|_| (1i32 << 30).to_le_bytes())),
			DType::U8 => bytes.extend((0..len).map(|_| 40u8)),
			_ => bytes.extend((0..param.bytes()).map(|_| rng.next() as u8)),
		}
	}
	bytes
}

/// The inputs of `count` records.
pub fn inputs(graph: &Graph, count: usize, seed: u64) -> Vec<u8> {
	let len: u64 = graph.inputs.iter().map(TensorType::bytes).sum();
	extreme_bytes(&mut Rng(seed), len as usize * count)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn networks_should_have_the_size_they_are_known_for() {
		let resnet = resnet20().validate().unwrap();
		assert!((40_500_000..41_500_000).contains(&resnet.macs), "{resnet:?}");
		assert_eq!(perceptron().validate().unwrap().macs, 784 * 128 + 128 * 10);
	}

	#[test]
	fn layers_should_be_valid() {
		for (name, graph) in layers() {
			assert!(graph.validate().is_ok(), "{name}");
		}
	}
}
