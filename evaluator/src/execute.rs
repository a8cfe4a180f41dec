//! The reference evaluator: one record at a time, in plain integer loops.

use crate::{
	cost::Cost,
	graph::{Graph, Node, Op, Requant, TensorType},
	ops,
	tensor::Tensor,
	validate::{GraphError, LastRead, image},
};
use alloc::vec::Vec;
use core::fmt;

/// Why something could not be evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvalError {
	/// The graph is not valid.
	Graph(GraphError),
	/// The weights are not [`Graph::param_bytes`] long.
	WeightsLength,
	/// The input is not [`Graph::input_bytes`] long.
	InputLength,
	/// The record is not [`ModelSpec::record_bytes`](crate::ModelSpec::record_bytes) long.
	RecordLength,
	/// An operator met what validation excludes. Never seen; here so that nothing has to panic.
	Inconsistent,
}

impl From<GraphError> for EvalError {
	fn from(error: GraphError) -> Self {
		Self::Graph(error)
	}
}

impl fmt::Display for EvalError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Graph(error) => write!(f, "invalid graph: {error}"),
			Self::WeightsLength => f.write_str("the weights have not the length the graph's parameters need"),
			Self::InputLength => f.write_str("the input has not the length the graph's inputs need"),
			Self::RecordLength => f.write_str("the record has not the model's record length"),
			Self::Inconsistent => f.write_str("an operator met what validation excludes"),
		}
	}
}

#[cfg(feature = "std")]
impl std::error::Error for EvalError {}

/// A valid graph with its weights, ready to run.
pub struct Evaluator<'a> {
	graph: &'a Graph,
	cost: Cost,
	params: Vec<Tensor>,
	last_reads: Vec<LastRead>,
}

impl<'a> Evaluator<'a> {
	/// Validates `graph` and splits `weights` into its parameters.
	pub fn new(graph: &'a Graph, weights: &[u8]) -> Result<Self, EvalError> {
		let cost = graph.validate()?;
		if weights.len() as u64 != graph.param_bytes() {
			return Err(EvalError::WeightsLength);
		}
		let mut rest = weights;
		let mut params = Vec::with_capacity(graph.params.len());
		for spec in &graph.params {
			let len = usize::try_from(spec.bytes()).map_err(|_| EvalError::WeightsLength)?;
			let (bytes, after) = rest.split_at_checked(len).ok_or(EvalError::WeightsLength)?;
			params.push(Tensor::from_le_bytes(spec, bytes).ok_or(EvalError::WeightsLength)?);
			rest = after;
		}
		let last_reads = graph.last_reads()?.to_vec();
		Ok(Self { graph, cost, params, last_reads })
	}

	/// The graph.
	pub fn graph(&self) -> &'a Graph {
		self.graph
	}

	/// What one record costs.
	pub fn cost(&self) -> &Cost {
		&self.cost
	}

	/// Evaluates one record's input bytes (the graph's inputs, one after the other) to the graph's outputs.
	pub fn run(&self, input: &[u8]) -> Result<Vec<Tensor>, EvalError> {
		let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.last_reads.len());
		let mut rest = input;
		for t in &self.graph.inputs {
			let len = usize::try_from(t.bytes()).map_err(|_| EvalError::InputLength)?;
			let (bytes, after) = rest.split_at_checked(len).ok_or(EvalError::InputLength)?;
			values.push(Some(Tensor::from_le_bytes(t, bytes).ok_or(EvalError::InputLength)?));
			rest = after;
		}
		if !rest.is_empty() {
			return Err(EvalError::InputLength);
		}
		for (index, node) in self.graph.nodes.iter().enumerate() {
			let made = self.step(node, &values).ok_or(EvalError::Inconsistent)?;
			if made.len() as u64 != node.output.elements() || made.dtype() != node.output.dtype {
				return Err(EvalError::Inconsistent);
			}
			for &value in &node.inputs {
				if self.last_reads.get(usize::from(value)) == Some(&LastRead::Node(index))
					&& let Some(slot) = values.get_mut(usize::from(value))
				{
					*slot = None;
				}
			}
			values.push(Some(made));
		}
		let output = |&value: &u16| values.get_mut(usize::from(value)).and_then(Option::take);
		self.graph.outputs.iter().map(output).collect::<Option<_>>().ok_or(EvalError::Inconsistent)
	}

	fn param(&self, index: u16) -> Option<&Tensor> {
		self.params.get(usize::from(index))
	}

	fn bytes(&self, index: u16) -> Option<&[i8]> {
		match self.param(index)? {
			Tensor::I8(v) => Some(v),
			_ => None,
		}
	}

	fn words(&self, index: u16) -> Option<&[i32]> {
		match self.param(index)? {
			Tensor::I32(v) => Some(v),
			_ => None,
		}
	}

	fn shifts(&self, index: u16) -> Option<&[u8]> {
		match self.param(index)? {
			Tensor::U8(v) => Some(v),
			_ => None,
		}
	}

	fn requantise(&self, requant: &Requant) -> Option<ops::Requantise<'_>> {
		Some(ops::Requantise {
			bias: self.words(requant.bias)?,
			mult: self.words(requant.mult)?,
			shift: self.shifts(requant.shift)?,
		})
	}

	fn spec(&self, index: u16) -> Option<&TensorType> {
		self.graph.params.get(usize::from(index))
	}

	/// What `node` makes of the values before it.
	fn step(&self, node: &Node, values: &[Option<Tensor>]) -> Option<Tensor> {
		let value = |at: usize| values.get(usize::from(*node.inputs.get(at)?))?.as_ref();
		let x = value(0)?;
		let x_type = self.graph.value_type(usize::from(*node.inputs.first()?))?;
		let y = &node.output;
		match &node.op {
			Op::Dense { weight, requant } => {
				let Tensor::I8(x) = x else { return None };
				let k = *x_type.shape.last()?;
				ops::dense(x, self.bytes(*weight)?, k, &self.requantise(requant)?, y.dtype)
			}
			Op::Conv2d { weight, requant, stride, padding, groups } => {
				let Tensor::I8(x) = x else { return None };
				ops::conv2d(
					x,
					image(x_type)?,
					self.bytes(*weight)?,
					&self.spec(*weight)?.shape,
					*stride,
					padding,
					*groups,
					image(y)?,
					&self.requantise(requant)?,
					y.dtype,
				)
			}
			Op::MaxPool2d { kernel, stride, padding } => {
				ops::max_pool2d(x, image(x_type)?, image(y)?, *kernel, *stride, padding)
			}
			Op::AvgPool2d { kernel, stride } => {
				ops::avg_pool2d(x, image(x_type)?, image(y)?, *kernel, *stride)
			}
			Op::Add { lhs_mult, rhs_mult, shift } => {
				let mults = [*self.words(*lhs_mult)?.first()?, *self.words(*rhs_mult)?.first()?];
				ops::add(x, value(1)?, mults, *self.shifts(*shift)?.first()?, y.dtype)
			}
			Op::Reshape => Some(x.clone()),
			Op::Lookup { table } => ops::lookup(x, self.param(*table)?),
			Op::Clamp { min, max } => ops::clamp(x, *min, *max),
		}
	}
}
