//! What makes a graph valid, and what it costs. Nothing here allocates.

use crate::{
	cost::Cost,
	graph::{DType, Graph, Node, Op, Padding, Requant, TensorType, VERSION, elements_of},
	limits::*,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Why a graph is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum GraphError {
	/// The version is not one that this evaluator knows.
	#[codec(index = 0)]
	UnknownVersion,
	/// The encoded graph exceeds [`MAX_GRAPH_BYTES`].
	#[codec(index = 1)]
	TooLarge,
	/// No inputs, or more than [`MAX_INPUTS`].
	#[codec(index = 2)]
	InputCount,
	/// More than [`MAX_PARAMS`] parameters.
	#[codec(index = 3)]
	ParamCount,
	/// No nodes, or more than [`MAX_NODES`].
	#[codec(index = 4)]
	NodeCount,
	/// No outputs, or more than [`MAX_OUTPUTS`].
	#[codec(index = 5)]
	OutputCount,
	/// A tensor has no axes or more than [`MAX_RANK`].
	#[codec(index = 6)]
	Rank,
	/// An axis has extent 0.
	#[codec(index = 7)]
	EmptyAxis,
	/// A tensor exceeds [`MAX_TENSOR_BYTES`].
	#[codec(index = 8)]
	TensorTooLarge,
	/// The activations alive at once exceed [`MAX_LIVE_BYTES`].
	#[codec(index = 9)]
	LiveTooLarge,
	/// A node reads a value that does not come before it, or an output names none.
	#[codec(index = 10)]
	UnknownValue,
	/// A node names a parameter that does not exist.
	#[codec(index = 11)]
	UnknownParam,
	/// A node has the wrong number of inputs for its operator.
	#[codec(index = 12)]
	Arity,
	/// An operator cannot read an input of this type.
	#[codec(index = 13)]
	InputType,
	/// An operator cannot read an input of this shape.
	#[codec(index = 14)]
	InputShape,
	/// A parameter has not the type or shape that its operator needs.
	#[codec(index = 15)]
	ParamType,
	/// A node's stated output is not what its operator makes.
	#[codec(index = 16)]
	OutputType,
	/// A stride or window extent is 0, or a window exceeds the padded image.
	#[codec(index = 17)]
	Window,
	/// Padding of at least the window's extent.
	#[codec(index = 18)]
	Padding,
	/// Groups that do not divide the channels.
	#[codec(index = 19)]
	Groups,
	/// More than [`MAX_ACCUMULATION`] products in one accumulator.
	#[codec(index = 20)]
	Accumulation,
	/// A clamp whose bounds are out of order or outside the type.
	#[codec(index = 21)]
	ClampBounds,
	/// An input or a node's output that nothing reads and that is no output of the graph.
	#[codec(index = 22)]
	DeadValue,
	/// A parameter that no node reads.
	#[codec(index = 23)]
	DeadParam,
	/// An output that is named twice, or that is an input.
	#[codec(index = 24)]
	OutputRepeated,
}

impl fmt::Display for GraphError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::UnknownVersion => "unknown graph version",
			Self::TooLarge => "the encoded graph is too large",
			Self::InputCount => "no inputs, or too many",
			Self::ParamCount => "too many parameters",
			Self::NodeCount => "no nodes, or too many",
			Self::OutputCount => "no outputs, or too many",
			Self::Rank => "a tensor has no axes, or too many",
			Self::EmptyAxis => "an axis has extent 0",
			Self::TensorTooLarge => "a tensor is too large",
			Self::LiveTooLarge => "the activations alive at once are too large",
			Self::UnknownValue => "a value is read that does not come before its reader",
			Self::UnknownParam => "a node names a parameter that does not exist",
			Self::Arity => "a node has the wrong number of inputs",
			Self::InputType => "an operator cannot read an input of this type",
			Self::InputShape => "an operator cannot read an input of this shape",
			Self::ParamType => "a parameter has not the type or shape its operator needs",
			Self::OutputType => "a node's stated output is not what its operator makes",
			Self::Window => "a window or stride is 0, or a window exceeds the padded image",
			Self::Padding => "padding of at least the window's extent",
			Self::Groups => "groups do not divide the channels",
			Self::Accumulation => "too many products in one accumulator",
			Self::ClampBounds => "clamp bounds are out of order or outside the type",
			Self::DeadValue => "a value that nothing reads",
			Self::DeadParam => "a parameter that nothing reads",
			Self::OutputRepeated => "an output is named twice, or is an input",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for GraphError {}

/// Height, width and channels of an image tensor.
pub(crate) fn image(t: &TensorType) -> Option<[u32; 3]> {
	t.shape.as_slice().try_into().ok()
}

/// How many positions a window takes along an axis.
fn positions(extent: u32, before: u16, after: u16, window: u32, stride: u16) -> Result<u32, GraphError> {
	if window == 0 || stride == 0 {
		return Err(GraphError::Window);
	}
	if u32::from(before) >= window || u32::from(after) >= window {
		return Err(GraphError::Padding);
	}
	extent
		.checked_add(before.into())
		.and_then(|n| n.checked_add(after.into()))
		.and_then(|n| n.checked_sub(window))
		.and_then(|n| n.checked_div(stride.into()))
		.and_then(|n| n.checked_add(1))
		.ok_or(GraphError::Window)
}

fn check_tensor(t: &TensorType) -> Result<(), GraphError> {
	if t.shape.is_empty() || t.shape.len() > MAX_RANK {
		return Err(GraphError::Rank);
	}
	if t.shape.contains(&0) {
		return Err(GraphError::EmptyAxis);
	}
	if t.bytes() > MAX_TENSOR_BYTES {
		return Err(GraphError::TensorTooLarge);
	}
	Ok(())
}

fn ensure(condition: bool, error: GraphError) -> Result<(), GraphError> {
	if condition { Ok(()) } else { Err(error) }
}

impl Graph {
	/// Checks everything that evaluation relies on, and counts what one record costs.
	///
	/// Linear in the graph, allocates nothing; safe on any decoded graph.
	pub fn validate(&self) -> Result<Cost, GraphError> {
		ensure(self.version == VERSION, GraphError::UnknownVersion)?;
		ensure((1..=MAX_INPUTS).contains(&self.inputs.len()), GraphError::InputCount)?;
		ensure(self.params.len() <= MAX_PARAMS, GraphError::ParamCount)?;
		ensure((1..=MAX_NODES).contains(&self.nodes.len()), GraphError::NodeCount)?;
		ensure((1..=MAX_OUTPUTS).contains(&self.outputs.len()), GraphError::OutputCount)?;
		ensure(self.encoded_size() <= MAX_GRAPH_BYTES, GraphError::TooLarge)?;
		for t in self.inputs.iter().chain(&self.params) {
			check_tensor(t)?;
		}
		let mut cost = Cost {
			param_bytes: self.param_bytes(),
			activation_bytes: self.input_bytes(),
			nodes: self.nodes.len() as u64,
			..Cost::default()
		};
		let mut used_params = [false; MAX_PARAMS];
		for (index, node) in self.nodes.iter().enumerate() {
			check_tensor(&node.output)?;
			let own = self.inputs.len().saturating_add(index);
			ensure(node.inputs.iter().all(|&v| usize::from(v) < own), GraphError::UnknownValue)?;
			self.check_node(node, &mut cost, &mut used_params)?;
			cost.activation_bytes = cost.activation_bytes.saturating_add(node.output.bytes());
		}
		ensure(used_params.iter().take(self.params.len()).all(|&used| used), GraphError::DeadParam)?;
		cost.live_bytes = self.live_bytes()?;
		ensure(cost.live_bytes <= MAX_LIVE_BYTES, GraphError::LiveTooLarge)?;
		Ok(cost)
	}

	/// The most bytes of activations alive at once, a node's inputs and its output together; along the way,
	/// that no value is dead and that the outputs exist.
	fn live_bytes(&self) -> Result<u64, GraphError> {
		let last_reads = self.last_reads()?;
		let mut live = self.input_bytes();
		let mut most = live;
		for (index, node) in self.nodes.iter().enumerate() {
			live = live.saturating_add(node.output.bytes());
			most = most.max(live);
			for (at, &value) in node.inputs.iter().enumerate() {
				let value = usize::from(value);
				let again = node.inputs.iter().take(at).any(|&v| usize::from(v) == value);
				if last_reads.get(value) == Some(&LastRead::Node(index)) && !again {
					live = live.saturating_sub(self.value_type(value).map_or(0, TensorType::bytes));
				}
			}
		}
		Ok(most)
	}

	/// Until when each value is needed.
	pub(crate) fn last_reads(&self) -> Result<[LastRead; MAX_INPUTS + MAX_NODES], GraphError> {
		let mut last = [LastRead::Never; MAX_INPUTS + MAX_NODES];
		for (index, node) in self.nodes.iter().enumerate() {
			for &value in &node.inputs {
				*last.get_mut(usize::from(value)).ok_or(GraphError::UnknownValue)? = LastRead::Node(index);
			}
		}
		let values = self.inputs.len().saturating_add(self.nodes.len());
		for &value in &self.outputs {
			let value = usize::from(value);
			ensure(value < values, GraphError::UnknownValue)?;
			let slot = last.get_mut(value).ok_or(GraphError::UnknownValue)?;
			ensure(value >= self.inputs.len() && *slot != LastRead::Output, GraphError::OutputRepeated)?;
			*slot = LastRead::Output;
		}
		ensure(!last.iter().take(values).any(|r| *r == LastRead::Never), GraphError::DeadValue)?;
		Ok(last)
	}

	/// Parameter `index`, which from now on counts as used.
	fn param<'a>(&'a self, index: u16, used: &mut [bool; MAX_PARAMS]) -> Result<&'a TensorType, GraphError> {
		let spec = self.params.get(usize::from(index)).ok_or(GraphError::UnknownParam)?;
		*used.get_mut(usize::from(index)).ok_or(GraphError::UnknownParam)? = true;
		Ok(spec)
	}

	fn check_vector(
		&self,
		index: u16,
		dtype: DType,
		len: u32,
		used: &mut [bool; MAX_PARAMS],
	) -> Result<(), GraphError> {
		let spec = self.param(index, used)?;
		ensure(spec.dtype == dtype && spec.shape == [len], GraphError::ParamType)
	}

	fn check_requant(
		&self,
		requant: &Requant,
		channels: u32,
		used: &mut [bool; MAX_PARAMS],
	) -> Result<(), GraphError> {
		self.check_vector(requant.bias, DType::I32, channels, used)?;
		self.check_vector(requant.mult, DType::I32, channels, used)?;
		self.check_vector(requant.shift, DType::U8, channels, used)
	}

	/// That `node` fits its inputs, parameters and stated output; adds its work to `cost`.
	fn check_node(
		&self,
		node: &Node,
		cost: &mut Cost,
		used: &mut [bool; MAX_PARAMS],
	) -> Result<(), GraphError> {
		let input = |at: usize| {
			let value = node.inputs.get(at).ok_or(GraphError::Arity)?;
			self.value_type(usize::from(*value)).ok_or(GraphError::UnknownValue)
		};
		let arity = if matches!(node.op, Op::Add { .. }) { 2 } else { 1 };
		ensure(node.inputs.len() == arity, GraphError::Arity)?;
		let x = input(0)?;
		let y = &node.output;
		let elements = y.elements();
		match &node.op {
			Op::Dense { weight, requant } => {
				ensure(x.dtype == DType::I8, GraphError::InputType)?;
				let weight = self.param(*weight, used)?;
				let (Some((&k, leading)), [n, wk]) = (x.shape.split_last(), weight.shape.as_slice()) else {
					return Err(GraphError::ParamType);
				};
				ensure(weight.dtype == DType::I8 && *wk == k, GraphError::ParamType)?;
				ensure(u64::from(k) <= MAX_ACCUMULATION, GraphError::Accumulation)?;
				self.check_requant(requant, *n, used)?;
				let (last, y_leading) = y.shape.split_last().ok_or(GraphError::Rank)?;
				ensure(last == n && y_leading == leading, GraphError::OutputType)?;
				cost.macs = cost.macs.saturating_add(elements.saturating_mul(k.into()));
				cost.rows = cost.rows.saturating_add(elements_of(leading));
				cost.requants = cost.requants.saturating_add(elements);
			}
			Op::Conv2d { weight, requant, stride, padding, groups } => {
				ensure(x.dtype == DType::I8, GraphError::InputType)?;
				let [h, w, c] = image(x).ok_or(GraphError::InputShape)?;
				let weight = self.param(*weight, used)?;
				let [o, kh, kw, cg] = weight.shape.as_slice() else {
					return Err(GraphError::ParamType);
				};
				ensure(weight.dtype == DType::I8, GraphError::ParamType)?;
				let per_group = c.checked_rem(*groups).zip(o.checked_rem(*groups));
				ensure(per_group == Some((0, 0)), GraphError::Groups)?;
				ensure(c.checked_div(*groups) == Some(*cg), GraphError::ParamType)?;
				let k = u64::from(*kh).saturating_mul((*kw).into()).saturating_mul((*cg).into());
				ensure(k <= MAX_ACCUMULATION, GraphError::Accumulation)?;
				self.check_requant(requant, *o, used)?;
				let Padding { top, bottom, left, right } = *padding;
				let oh = positions(h, top, bottom, *kh, stride[0])?;
				let ow = positions(w, left, right, *kw, stride[1])?;
				ensure(y.shape == [oh, ow, *o], GraphError::OutputType)?;
				let patches = u64::from(oh).saturating_mul(ow.into()).saturating_mul((*groups).into());
				cost.macs = cost.macs.saturating_add(elements.saturating_mul(k));
				cost.rows = cost.rows.saturating_add(patches);
				cost.patch_lines = cost.patch_lines.saturating_add(patches.saturating_mul((*kh).into()));
				cost.patch_elements = cost.patch_elements.saturating_add(patches.saturating_mul(k));
				cost.requants = cost.requants.saturating_add(elements);
			}
			Op::MaxPool2d { kernel, stride, padding } => {
				let [h, w, c] = image(x).ok_or(GraphError::InputShape)?;
				let Padding { top, bottom, left, right } = *padding;
				let oh = positions(h, top, bottom, kernel[0].into(), stride[0])?;
				let ow = positions(w, left, right, kernel[1].into(), stride[1])?;
				ensure(y.dtype == x.dtype && y.shape == [oh, ow, c], GraphError::OutputType)?;
				let window = u64::from(kernel[0]).saturating_mul(kernel[1].into());
				cost.element_ops = cost.element_ops.saturating_add(elements.saturating_mul(window));
				cost.rows = cost.rows.saturating_add(oh.into());
			}
			Op::AvgPool2d { kernel, stride } => {
				let [h, w, c] = image(x).ok_or(GraphError::InputShape)?;
				let oh = positions(h, 0, 0, kernel[0].into(), stride[0])?;
				let ow = positions(w, 0, 0, kernel[1].into(), stride[1])?;
				ensure(y.dtype == x.dtype && y.shape == [oh, ow, c], GraphError::OutputType)?;
				let window = u64::from(kernel[0]).saturating_mul(kernel[1].into());
				cost.element_ops = cost.element_ops.saturating_add(elements.saturating_mul(window));
				cost.rows = cost.rows.saturating_add(oh.into());
			}
			Op::Add { lhs_mult, rhs_mult, shift } => {
				let rhs = input(1)?;
				ensure(x.dtype != DType::I32 && rhs.dtype != DType::I32, GraphError::InputType)?;
				ensure(x.shape == rhs.shape, GraphError::InputShape)?;
				self.check_vector(*lhs_mult, DType::I32, 1, used)?;
				self.check_vector(*rhs_mult, DType::I32, 1, used)?;
				self.check_vector(*shift, DType::U8, 1, used)?;
				ensure(y.shape == x.shape, GraphError::OutputType)?;
				cost.requants = cost.requants.saturating_add(elements);
			}
			Op::Reshape => {
				ensure(y.dtype == x.dtype && elements == x.elements(), GraphError::OutputType)?;
				cost.element_ops = cost.element_ops.saturating_add(elements);
			}
			Op::Lookup { table } => {
				ensure(x.dtype.size() == 1, GraphError::InputType)?;
				let table = self.param(*table, used)?;
				ensure(table.shape == [256], GraphError::ParamType)?;
				ensure(y.dtype == table.dtype && y.shape == x.shape, GraphError::OutputType)?;
				cost.element_ops = cost.element_ops.saturating_add(elements);
			}
			Op::Clamp { min, max } => {
				let bounds = x.dtype.min()..=x.dtype.max();
				ensure(min <= max && bounds.contains(min) && bounds.contains(max), GraphError::ClampBounds)?;
				ensure(y == x, GraphError::OutputType)?;
				cost.element_ops = cost.element_ops.saturating_add(elements);
			}
		}
		Ok(())
	}
}

/// Until when a value is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LastRead {
	/// Nothing reads it.
	Never,
	/// The node of this index is the last to read it.
	Node(usize),
	/// It is a result.
	Output,
}
