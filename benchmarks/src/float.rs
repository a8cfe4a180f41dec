//! A graph's network in float32, by libtorch's own kernels: what the exact evaluation is compared with.

use anyhow::{Context, Result, bail, ensure};
use oda_evaluator::{
	Graph,
	graph::{Node, Op},
};
use tch::{Device, Kind, Tensor};

/// How images lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
	/// `[batch, channels, height, width]`, PyTorch's default.
	ChannelsFirst,
	/// The same axes, channels fastest in memory.
	ChannelsLast,
}

/// What a node does, with random parameters: only the time matters.
enum Layer {
	Linear { weight: Tensor, bias: Tensor },
	Conv { weight: Tensor, bias: Tensor, stride: [i64; 2], padding: [i64; 2], groups: i64 },
	MaxPool { kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2] },
	AvgPool { kernel: [i64; 2], stride: [i64; 2] },
	Add,
	Relu,
	Reshape(Vec<i64>),
}

/// A network of one input and one output.
pub struct Float32 {
	layers: Vec<(Layer, Vec<usize>)>,
	input: Vec<i64>,
	layout: Layout,
}

impl Float32 {
	/// The graph's network.
	///
	/// # Errors
	///
	/// An operator that has no counterpart, or padding that libtorch has not.
	pub fn new(graph: &Graph, layout: Layout) -> Result<Self> {
		let layer = |node: &Node| -> Result<(Layer, Vec<usize>)> {
			let inputs = node.inputs.iter().map(|&value| value.into()).collect();
			Ok((Layer::new(graph, node, layout)?, inputs))
		};
		let layers = graph.nodes.iter().map(layer).collect::<Result<_>>()?;
		let input = graph.inputs.first().context("a graph has an input")?;
		Ok(Self { layers, input: input.shape.iter().map(|&extent| extent.into()).collect(), layout })
	}

	/// So many random records.
	pub fn records(&self, count: i64) -> Tensor {
		let shape: Vec<i64> = [count].iter().chain(&self.input).copied().collect();
		image(&Tensor::randn(shape, (Kind::Float, Device::Cpu)), self.layout)
	}

	/// The output for some records.
	///
	/// # Errors
	///
	/// libtorch's.
	pub fn run(&self, records: &Tensor) -> Result<Tensor> {
		let _guard = tch::no_grad_guard();
		let mut values = vec![records.shallow_clone()];
		for (layer, inputs) in &self.layers {
			let value = |at: usize| inputs.get(at).and_then(|&value| values.get(value)).context("a value");
			values.push(layer.run(value(0)?, || value(1))?);
		}
		values.pop().context("a graph has nodes")
	}
}

/// A tensor whose channels are its last axis, with the channels as second axis; others stay as they are.
fn image(x: &Tensor, layout: Layout) -> Tensor {
	if x.dim() != 4 {
		return x.shallow_clone();
	}
	let x = x.permute([0, 3, 1, 2]);
	if layout == Layout::ChannelsFirst { x.contiguous() } else { x }
}

impl Layer {
	fn new(graph: &Graph, node: &Node, layout: Layout) -> Result<Self> {
		let random = |index: u16| -> Result<(Tensor, Tensor)> {
			let param = graph.params.get(usize::from(index)).context("a parameter")?;
			let shape: Vec<i64> = param.shape.iter().map(|&extent| extent.into()).collect();
			let weight = Tensor::randn(&shape, (Kind::Float, Device::Cpu)) * 0.05;
			let bias = Tensor::randn(shape.get(..1).context("an axis")?, (Kind::Float, Device::Cpu));
			Ok((image(&weight, layout), bias))
		};
		let two = |pair: [u16; 2]| pair.map(i64::from);
		Ok(match &node.op {
			Op::Dense { weight, .. } => {
				let (weight, bias) = random(*weight)?;
				Self::Linear { weight, bias }
			}
			Op::Conv2d { weight, stride, padding, groups, .. } => {
				let (weight, bias) = random(*weight)?;
				ensure!(padding.top == padding.bottom && padding.left == padding.right, "uneven padding");
				let padding = two([padding.top, padding.left]);
				Self::Conv { weight, bias, stride: two(*stride), padding, groups: (*groups).into() }
			}
			Op::MaxPool2d { kernel, stride, padding } => {
				ensure!(padding.top == padding.bottom && padding.left == padding.right, "uneven padding");
				let padding = two([padding.top, padding.left]);
				Self::MaxPool { kernel: two(*kernel), stride: two(*stride), padding }
			}
			Op::AvgPool2d { kernel, stride } => Self::AvgPool { kernel: two(*kernel), stride: two(*stride) },
			Op::Add { .. } => Self::Add,
			Op::Clamp { min: 0, .. } => Self::Relu,
			Op::Reshape => {
				let shape = node.output.shape.iter().map(|&extent| i64::from(extent));
				Self::Reshape([-1].into_iter().chain(shape).collect())
			}
			other => bail!("no float32 counterpart of {other:?}"),
		})
	}

	fn run<'a>(&self, x: &Tensor, other: impl Fn() -> Result<&'a Tensor>) -> Result<Tensor> {
		Ok(match self {
			Self::Linear { weight, bias } => x.f_linear(weight, Some(bias))?,
			Self::Conv { weight, bias, stride, padding, groups } => {
				x.f_conv2d(weight, Some(bias), stride, padding, [1, 1], *groups)?
			}
			Self::MaxPool { kernel, stride, padding } => {
				x.f_max_pool2d(kernel, stride, padding, [1, 1], false)?
			}
			Self::AvgPool { kernel, stride } => {
				x.f_avg_pool2d(kernel, stride, [0, 0], false, true, None::<i64>)?
			}
			Self::Add => x.f_add(other()?)?,
			Self::Relu => x.f_relu()?,
			Self::Reshape(shape) => x.f_reshape(shape)?,
		})
	}
}
