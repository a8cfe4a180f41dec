//! The evaluator: validates once, then runs records through the graph, node by node.

use crate::{
	cost::Cost,
	graph::{Graph, Node, Op, Requant, TensorType},
	kernel::{Kernel, Loops, Requantise},
	ops,
	tensor::Tensor,
	validate::{GraphError, LastRead, image},
};
use alloc::{borrow::Cow, collections::BTreeMap, vec::Vec};
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
pub struct Evaluator<'a, K: Kernel = Loops> {
	graph: Cow<'a, Graph>,
	cost: Cost,
	params: Vec<Tensor>,
	last_reads: Vec<LastRead>,
	kernel: K,
	/// What the kernel made of each weight, by its index and the number of groups: one for each group.
	prepared: BTreeMap<(u16, u32), Vec<K::Prepared>>,
}

impl<'a> Evaluator<'a> {
	/// Validates `graph` and splits `weights` into its parameters; runs the reference.
	pub fn new(graph: &'a Graph, weights: &[u8]) -> Result<Self, EvalError> {
		Self::with_kernel(Loops, Cow::Borrowed(graph), weights)
	}
}

impl<'a, K: Kernel> Evaluator<'a, K> {
	/// As [`new`](Evaluator::new), with another kernel, and a graph that it may own.
	pub fn with_kernel(kernel: K, graph: Cow<'a, Graph>, weights: &[u8]) -> Result<Self, EvalError> {
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
		let mut evaluator = Self { graph, cost, params, last_reads, kernel, prepared: BTreeMap::new() };
		for node in &evaluator.graph.nodes {
			let key = match &node.op {
				Op::Dense { weight, .. } => (*weight, 1),
				Op::Conv2d { weight, groups, .. } => (*weight, *groups),
				_ => continue,
			};
			if !evaluator.prepared.contains_key(&key) {
				let prepared = evaluator.prepare(key.0, key.1).ok_or(EvalError::Inconsistent)?;
				evaluator.prepared.insert(key, prepared);
			}
		}
		Ok(evaluator)
	}

	/// What the kernel makes of the parameter `weight`, a group at a time.
	fn prepare(&self, weight: u16, groups: u32) -> Option<Vec<K::Prepared>> {
		let [n, axes @ ..] = self.spec(weight)?.shape.as_slice() else { return None };
		let k = axes.iter().try_fold(1usize, |k, &axis| k.checked_mul(ops::index(axis)))?;
		let group = ops::index(n.checked_div(groups)?).checked_mul(k)?;
		Some(self.bytes(weight)?.chunks_exact(group.max(1)).map(|w| self.kernel.prepare(w, k)).collect())
	}

	/// The graph.
	pub fn graph(&self) -> &Graph {
		&self.graph
	}

	/// The kernel.
	pub fn kernel(&self) -> &K {
		&self.kernel
	}

	/// What one record costs.
	pub fn cost(&self) -> &Cost {
		&self.cost
	}

	/// Evaluates one record's input bytes (the graph's inputs, one after the other) to the graph's outputs.
	pub fn run(&self, input: &[u8]) -> Result<Vec<Tensor>, EvalError> {
		self.run_batch(&[input])
	}

	/// Evaluates several records' input bytes at once; each output holds all records', one after the other. See
	/// [`Tensor::split`]. It takes [`Cost::live_bytes`] for each of them.
	///
	/// # Errors
	///
	/// [`EvalError::InputLength`] if one of them has another length than the graph's inputs.
	pub fn run_batch(&self, inputs: &[&[u8]]) -> Result<Vec<Tensor>, EvalError> {
		if inputs.iter().any(|input| input.len() as u64 != self.graph.input_bytes()) {
			return Err(EvalError::InputLength);
		}
		let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.last_reads.len());
		let mut start = 0usize;
		for t in &self.graph.inputs {
			let len = usize::try_from(t.bytes()).map_err(|_| EvalError::InputLength)?;
			let end = start.checked_add(len).ok_or(EvalError::InputLength)?;
			let parts = inputs.iter().filter_map(|input| input.get(start..end));
			values.push(Some(Tensor::from_records(t.dtype, parts)));
			start = end;
		}
		let records = inputs.len() as u64;
		for (index, node) in self.graph.nodes.iter().enumerate() {
			let made = self.step(node, &values).ok_or(EvalError::Inconsistent)?;
			let expected = node.output.elements().checked_mul(records);
			if Some(made.len() as u64) != expected || made.dtype() != node.output.dtype {
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

	fn requantise(&self, requant: &Requant) -> Option<Requantise<'_>> {
		Some(Requantise {
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
				let requantise = self.requantise(requant)?;
				let prepared = self.prepared.get(&(*weight, 1))?.first()?;
				ops::dense(&self.kernel, x, self.bytes(*weight)?, prepared, k, &requantise, y.dtype)
			}
			Op::Conv2d { weight, requant, stride, padding, groups } => {
				let Tensor::I8(x) = x else { return None };
				let conv = ops::Conv2d {
					image: image(x_type)?,
					weight: &self.spec(*weight)?.shape,
					stride: *stride,
					padding,
					groups: *groups,
					out: image(y)?,
				};
				let requantise = self.requantise(requant)?;
				let prepared = self.prepared.get(&(*weight, *groups))?;
				ops::conv2d(&self.kernel, x, self.bytes(*weight)?, prepared, &conv, &requantise, y.dtype)
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
