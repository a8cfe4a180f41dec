//! Making graphs from layers.
//!
//! ```
//! use oda_engine::builder::{Conv, GraphBuilder};
//! use oda_evaluator::graph::DType;
//!
//! let mut b = GraphBuilder::new();
//! let x = b.input(DType::I8, [8, 8, 1]);
//! let x = b.conv2d(x, Conv { kernel: [3, 3], ..Conv::same(16, 3) }, DType::I8)?;
//! let x = b.relu(x)?;
//! let x = b.max_pool(x, [2, 2], [2, 2])?;
//! let x = b.flatten(x)?;
//! let logits = b.dense(x, 10, DType::I16)?;
//! let built = b.build([logits])?;
//! assert_eq!(built.graph.param_bytes(), 16 * 9 + 16 * 9 + 10 * 256 + 10 * 9);
//! # Ok::<(), oda_evaluator::GraphError>(())
//! ```

use crate::float::{Table, Tables};
use oda_evaluator::{
	Graph, GraphError,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
};

/// A value of the graph being built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value(u16);

/// A valid graph, and what is in its lookup tables: the first weights need to be told.
#[derive(Clone, Debug)]
pub struct Built {
	/// The graph.
	pub graph: Graph,
	/// Its tables.
	pub tables: Tables,
}

/// A convolution's shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conv {
	/// Output channels.
	pub channels: u32,
	/// Window: height, width.
	pub kernel: [u16; 2],
	/// Steps between windows: down, across.
	pub stride: [u16; 2],
	/// Zeros around the image.
	pub padding: Padding,
	/// Into how many groups the channels are cut.
	pub groups: u32,
}

impl Conv {
	/// `size` × `size` windows, one step, padded so that an odd size keeps the image's extent.
	pub fn same(channels: u32, size: u16) -> Self {
		let (low, high) = (size.saturating_sub(1) / 2, size / 2);
		let padding = Padding { top: low, bottom: high, left: low, right: high };
		Self { channels, kernel: [size, size], stride: [1, 1], padding, groups: 1 }
	}

	/// The same with another stride.
	pub fn stride(self, stride: u16) -> Self {
		Self { stride: [stride, stride], ..self }
	}

	/// The same with groups.
	pub fn groups(self, groups: u32) -> Self {
		Self { groups, ..self }
	}
}

/// Adds layers one after the other. Parameters are made as they are needed; a layer that does not fit its
/// input is refused at once, everything else by [`build`](Self::build).
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
	inputs: Vec<TensorType>,
	params: Vec<TensorType>,
	nodes: Vec<Node>,
	tables: Tables,
	late_input: bool,
}

impl GraphBuilder {
	/// An empty graph.
	pub fn new() -> Self {
		Self::default()
	}

	/// An input. All inputs come before the first layer: a later one would rename every layer's value, so it
	/// makes [`build`](Self::build) fail with [`GraphError::InputCount`].
	pub fn input(&mut self, dtype: DType, shape: impl Into<Vec<u32>>) -> Value {
		self.late_input |= !self.nodes.is_empty();
		self.inputs.push(TensorType::new(dtype, shape));
		Value((self.inputs.len() - 1) as u16)
	}

	/// The type of a value.
	pub fn value_type(&self, value: Value) -> Option<&TensorType> {
		let index = usize::from(value.0);
		match index.checked_sub(self.inputs.len()) {
			None => self.inputs.get(index),
			Some(node) => self.nodes.get(node).map(|n| &n.output),
		}
	}

	fn of(&self, value: Value) -> Result<TensorType, GraphError> {
		self.value_type(value).cloned().ok_or(GraphError::UnknownValue)
	}

	fn param(&mut self, dtype: DType, shape: impl Into<Vec<u32>>) -> u16 {
		self.params.push(TensorType::new(dtype, shape));
		(self.params.len() - 1) as u16
	}

	fn requant(&mut self, channels: u32) -> Requant {
		Requant {
			bias: self.param(DType::I32, [channels]),
			mult: self.param(DType::I32, [channels]),
			shift: self.param(DType::U8, [channels]),
		}
	}

	fn node(&mut self, op: Op, inputs: &[Value], output: TensorType) -> Value {
		self.nodes.push(Node { op, inputs: inputs.iter().map(|v| v.0).collect(), output });
		Value((self.inputs.len() + self.nodes.len() - 1) as u16)
	}

	/// A fully connected layer over the last axis: `[.., k]` → `[.., n]`.
	pub fn dense(&mut self, x: Value, n: u32, output: DType) -> Result<Value, GraphError> {
		let k = *self.of(x)?.shape.last().ok_or(GraphError::Rank)?;
		let weight = self.param(DType::I8, [n, k]);
		self.dense_with(x, weight, n, output)
	}

	fn dense_with(&mut self, x: Value, weight: u16, n: u32, output: DType) -> Result<Value, GraphError> {
		let mut t = self.of(x)?;
		*t.shape.last_mut().ok_or(GraphError::Rank)? = n;
		let requant = self.requant(n);
		Ok(self.node(Op::Dense { weight, requant }, &[x], TensorType::new(output, t.shape)))
	}

	/// A layer with the weight of the dense layer or convolution that made `like`, and requantisation of its
	/// own.
	pub fn with_weight_of(&mut self, like: Value, x: Value, output: DType) -> Result<Value, GraphError> {
		let node = usize::from(like.0).checked_sub(self.inputs.len()).and_then(|n| self.nodes.get(n));
		match node.map(|n| n.op.clone()) {
			Some(Op::Dense { weight, .. }) => {
				let n = *self.params[usize::from(weight)].shape.first().ok_or(GraphError::ParamType)?;
				self.dense_with(x, weight, n, output)
			}
			Some(Op::Conv2d { weight, stride, padding, groups, .. }) => {
				let [channels, kh, kw, _] = self.params[usize::from(weight)].shape[..] else {
					return Err(GraphError::ParamType);
				};
				let kernel = [kh as u16, kw as u16];
				self.conv_with(x, weight, Conv { channels, kernel, stride, padding, groups }, output)
			}
			_ => Err(GraphError::UnknownParam),
		}
	}

	/// A convolution: `[h, w, c]` → `[h', w', channels]`.
	pub fn conv2d(&mut self, x: Value, conv: Conv, output: DType) -> Result<Value, GraphError> {
		let [_, _, c] = self.of(x)?.shape[..] else { return Err(GraphError::InputShape) };
		let each = c.checked_div(conv.groups).ok_or(GraphError::Groups)?;
		let [kh, kw] = conv.kernel.map(u32::from);
		let weight = self.param(DType::I8, [conv.channels, kh, kw, each]);
		self.conv_with(x, weight, conv, output)
	}

	fn conv_with(&mut self, x: Value, weight: u16, conv: Conv, output: DType) -> Result<Value, GraphError> {
		let t = self.of(x)?;
		let Conv { channels, kernel, stride, padding, groups } = conv;
		let [oh, ow] = positions(&t, kernel, stride, &padding)?;
		let requant = self.requant(channels);
		let op = Op::Conv2d { weight, requant, stride, padding, groups };
		Ok(self.node(op, &[x], TensorType::new(output, [oh, ow, channels])))
	}

	/// The greatest of each window, without padding.
	pub fn max_pool(&mut self, x: Value, kernel: [u16; 2], stride: [u16; 2]) -> Result<Value, GraphError> {
		self.max_pool_padded(x, kernel, stride, Padding::default())
	}

	/// The greatest of each window.
	pub fn max_pool_padded(
		&mut self,
		x: Value,
		kernel: [u16; 2],
		stride: [u16; 2],
		padding: Padding,
	) -> Result<Value, GraphError> {
		let t = self.of(x)?;
		let [oh, ow] = positions(&t, kernel, stride, &padding)?;
		let output = TensorType::new(t.dtype, [oh, ow, t.shape[2]]);
		Ok(self.node(Op::MaxPool2d { kernel, stride, padding }, &[x], output))
	}

	/// The mean of each window.
	pub fn avg_pool(&mut self, x: Value, kernel: [u16; 2], stride: [u16; 2]) -> Result<Value, GraphError> {
		let t = self.of(x)?;
		let [oh, ow] = positions(&t, kernel, stride, &Padding::default())?;
		let output = TensorType::new(t.dtype, [oh, ow, t.shape[2]]);
		Ok(self.node(Op::AvgPool2d { kernel, stride }, &[x], output))
	}

	/// The sum of two values of one shape, each in its own scale.
	pub fn add(&mut self, lhs: Value, rhs: Value, output: DType) -> Result<Value, GraphError> {
		let shape = self.of(lhs)?.shape;
		let op = Op::Add {
			lhs_mult: self.param(DType::I32, [1]),
			rhs_mult: self.param(DType::I32, [1]),
			shift: self.param(DType::U8, [1]),
		};
		Ok(self.node(op, &[lhs, rhs], TensorType::new(output, shape)))
	}

	/// The same elements in another shape.
	pub fn reshape(&mut self, x: Value, shape: impl Into<Vec<u32>>) -> Result<Value, GraphError> {
		let output = TensorType::new(self.of(x)?.dtype, shape);
		Ok(self.node(Op::Reshape, &[x], output))
	}

	/// All elements in one axis.
	pub fn flatten(&mut self, x: Value) -> Result<Value, GraphError> {
		let n = u32::try_from(self.of(x)?.elements()).map_err(|_| GraphError::TensorTooLarge)?;
		self.reshape(x, [n])
	}

	/// Any function of 8 bit values, by table: `function` takes and gives reals, under these scales.
	pub fn lookup(
		&mut self,
		x: Value,
		function: impl Fn(f64) -> f64,
		input_scale: f64,
		output: DType,
		output_scale: f64,
	) -> Result<Value, GraphError> {
		let t = self.of(x)?;
		let table = self.param(output, [256]);
		self.tables.insert(table, Table::of(function, t.dtype, input_scale, output, output_scale));
		Ok(self.node(Op::Lookup { table }, &[x], TensorType::new(output, t.shape)))
	}

	/// Each element confined to `min..=max`.
	pub fn clamp(&mut self, x: Value, min: i32, max: i32) -> Result<Value, GraphError> {
		let t = self.of(x)?;
		Ok(self.node(Op::Clamp { min, max }, &[x], t))
	}

	/// Nothing below 0.
	pub fn relu(&mut self, x: Value) -> Result<Value, GraphError> {
		let max = self.of(x)?.dtype.max();
		self.clamp(x, 0, max)
	}

	/// The graph with these outputs, if it is valid.
	pub fn build(self, outputs: impl IntoIterator<Item = Value>) -> Result<Built, GraphError> {
		if self.late_input {
			return Err(GraphError::InputCount);
		}
		let graph = Graph {
			version: VERSION,
			inputs: self.inputs,
			params: self.params,
			nodes: self.nodes,
			outputs: outputs.into_iter().map(|v| v.0).collect(),
		};
		graph.validate()?;
		Ok(Built { graph, tables: self.tables })
	}
}

/// How many positions a window has: down, across.
fn positions(
	t: &TensorType,
	kernel: [u16; 2],
	stride: [u16; 2],
	padding: &Padding,
) -> Result<[u32; 2], GraphError> {
	let [h, w, _] = t.shape[..] else { return Err(GraphError::InputShape) };
	let along = |extent: u32, before: u16, after: u16, k: u16, s: u16| {
		extent
			.checked_add(before.into())
			.and_then(|n| n.checked_add(after.into()))
			.and_then(|n| n.checked_sub(k.into()))
			.and_then(|n| n.checked_div(s.into()))
			.map(|n| n + 1)
			.ok_or(GraphError::Window)
	};
	Ok([
		along(h, padding.top, padding.bottom, kernel[0], stride[0])?,
		along(w, padding.left, padding.right, kernel[1], stride[1])?,
	])
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_residual_network_builds() {
		let mut b = GraphBuilder::new();
		let x = b.input(DType::I8, [8, 8, 4]);
		let y = b.conv2d(x, Conv::same(4, 3), DType::I8).unwrap();
		let y = b.add(x, y, DType::I8).unwrap();
		let y = b.avg_pool(y, [8, 8], [1, 1]).unwrap();
		let y = b.flatten(y).unwrap();
		let y = b.dense(y, 3, DType::I32).unwrap();
		let built = b.build([y]).unwrap();
		assert_eq!(built.graph.value_type(5).unwrap().shape, [3]);
	}

	#[test]
	fn a_layer_that_does_not_fit_is_refused() {
		let mut b = GraphBuilder::new();
		let x = b.input(DType::I8, [8]);
		assert_eq!(b.conv2d(x, Conv::same(4, 3), DType::I8), Err(GraphError::InputShape));
		let mut b = GraphBuilder::new();
		let x = b.input(DType::I8, [2, 2, 1]);
		assert_eq!(b.max_pool(x, [3, 3], [1, 1]), Err(GraphError::Window));
	}

	#[test]
	fn an_input_after_a_layer_is_refused() {
		let mut b = GraphBuilder::new();
		let x = b.input(DType::I8, [4]);
		let y = b.relu(x).unwrap();
		b.input(DType::I8, [4]);
		assert_eq!(b.build([y]).unwrap_err(), GraphError::InputCount);
	}

	#[test]
	fn a_weight_can_be_shared() {
		let mut b = GraphBuilder::new();
		let x = b.input(DType::I8, [6]);
		let y = b.dense(x, 6, DType::I8).unwrap();
		let z = b.with_weight_of(y, y, DType::I8).unwrap();
		let graph = b.build([z]).unwrap().graph;
		assert_eq!(graph.params.iter().filter(|t| t.shape.len() == 2).count(), 1);
	}
}
