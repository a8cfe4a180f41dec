//! A graph and its weights, prepared for libtorch.

use super::{
	convert::{batch_shape, from_bytes, to_records},
	elementwise,
	linear::{Conv, Dense},
	memory, pool,
	requant::Requantise,
};
use crate::{EngineError, weights::Params};
use oda_evaluator::{
	Graph, Tensor,
	graph::{Node, Op, Requant},
};
use tch::{Device, Tensor as Torch};

/// A node with its parameters on the device.
enum Step {
	Dense(Dense),
	Conv(Conv),
	MaxPool,
	AvgPool,
	Add { mults: [i32; 2], shift: u8 },
	Reshape,
	Lookup(Torch),
	Clamp,
}

/// A valid graph with its weights on a device, ready to evaluate batches.
///
/// Not `Sync`: libtorch tensors may move between threads, not be shared by them. [`Evaluate`] is what may be
/// shared.
///
/// [`Evaluate`]: crate::Evaluate
pub struct ExactModel {
	graph: Graph,
	steps: Vec<Step>,
	last_reads: Vec<usize>,
	device: Device,
	batch: usize,
}

impl ExactModel {
	/// Prepares `graph` with `weights` on `device`; batches are as large as `memory` bytes of scratch allow.
	///
	/// # Errors
	///
	/// An invalid graph, weights of another length, [`EngineError::MemoryBudget`] if not even one record fits,
	/// or a libtorch error.
	pub fn new(graph: &Graph, weights: &[u8], device: Device, memory: u64) -> Result<Self, EngineError> {
		let cost = graph.validate()?;
		let params = Params::split(graph, weights)?;
		let (fixed, each) = (memory::param_bytes(graph), memory::record_bytes(graph, &cost));
		let needed = fixed.saturating_add(each);
		if needed > memory {
			return Err(EngineError::MemoryBudget { needed, budget: memory });
		}
		let batch = usize::try_from((memory - fixed) / each.max(1)).unwrap_or(usize::MAX).clamp(1, MAX_BATCH);
		let steps =
			graph.nodes.iter().map(|node| prepare(graph, node, &params, device)).collect::<Result<_, _>>()?;
		let mut last_reads = vec![0; graph.inputs.len() + graph.nodes.len()];
		for (index, node) in graph.nodes.iter().enumerate() {
			for &value in &node.inputs {
				last_reads[usize::from(value)] = index;
			}
		}
		for &value in &graph.outputs {
			last_reads[usize::from(value)] = usize::MAX;
		}
		Ok(Self { graph: graph.clone(), steps, last_reads, device, batch })
	}

	/// How many records are evaluated at once at most.
	pub fn batch(&self) -> usize {
		self.batch
	}

	/// Evaluates `count` records, whose input parts start every `stride` bytes in `records`, to one list of
	/// outputs a record. Longer than [`batch`](Self::batch) is cut.
	pub fn run(&self, records: &[u8], stride: usize, count: usize) -> Result<Vec<Vec<Tensor>>, EngineError> {
		let input = usize::try_from(self.graph.input_bytes()).unwrap_or(usize::MAX);
		let needed = count.saturating_sub(1).saturating_mul(stride).saturating_add(input);
		if count > 0 && (stride < input || records.len() < needed) {
			return Err(EngineError::RecordsLength { len: records.len() as u64, record: input as u64 });
		}
		let mut results = Vec::with_capacity(count);
		let mut start = 0;
		while start < count {
			let n = self.batch.min(count - start);
			let _guard = tch::no_grad_guard();
			results.extend(self.run_batch(&records[start * stride..], stride, n)?);
			start += n;
		}
		Ok(results)
	}

	fn run_batch(&self, records: &[u8], stride: usize, n: usize) -> Result<Vec<Vec<Tensor>>, EngineError> {
		let batch = n as i64;
		let mut values: Vec<Option<Torch>> = Vec::with_capacity(self.last_reads.len());
		let mut offset = 0;
		for t in &self.graph.inputs {
			let len = t.bytes() as usize;
			let mut bytes = Vec::with_capacity(len * n);
			for i in 0..n {
				bytes.extend_from_slice(&records[i * stride + offset..][..len]);
			}
			offset += len;
			values.push(Some(from_bytes(t, batch, &bytes, self.device)?));
		}
		for (index, (node, step)) in self.graph.nodes.iter().zip(&self.steps).enumerate() {
			let made = self.step(node, step, &values, batch)?;
			for &value in &node.inputs {
				if self.last_reads[usize::from(value)] == index {
					values[usize::from(value)] = None;
				}
			}
			values.push(Some(made));
		}
		let mut results: Vec<Vec<Tensor>> = vec![Vec::new(); n];
		for &value in &self.graph.outputs {
			let value = usize::from(value);
			let (Some(tensor), Some(t)) = (&values[value], self.graph.value_type(value)) else {
				return Err(EngineError::Config("an output that was dropped"));
			};
			for (result, tensor) in results.iter_mut().zip(to_records(tensor, t.dtype, n)?) {
				result.push(tensor);
			}
		}
		Ok(results)
	}

	fn step(
		&self,
		node: &Node,
		step: &Step,
		values: &[Option<Torch>],
		batch: i64,
	) -> Result<Torch, EngineError> {
		let value = |at: usize| {
			values[usize::from(node.inputs[at])]
				.as_ref()
				.ok_or(EngineError::Config("a value that was dropped"))
		};
		let x = value(0)?;
		let from = self.graph.value_type(node.inputs[0].into()).map_or(node.output.dtype, |t| t.dtype);
		let dtype = node.output.dtype;
		let shape = batch_shape(batch, &node.output.shape);
		match (step, &node.op) {
			(Step::Dense(dense), _) => dense.apply(x, dtype, &shape),
			(Step::Conv(conv), _) => conv.apply(x, dtype, &shape),
			(Step::MaxPool, Op::MaxPool2d { kernel, stride, padding }) => {
				pool::max(x, dtype, &shape, *kernel, *stride, padding)
			}
			(Step::AvgPool, Op::AvgPool2d { kernel, stride }) => {
				pool::average(x, dtype, &shape, *kernel, *stride)
			}
			(Step::Add { mults, shift }, _) => elementwise::add(x, value(1)?, *mults, *shift, dtype),
			(Step::Reshape, _) => Ok(x.f_reshape(shape)?),
			(Step::Lookup(table), _) => elementwise::lookup(x, from, table),
			(Step::Clamp, Op::Clamp { min, max }) => elementwise::clamp(x, *min, *max),
			_ => Err(EngineError::Config("a step of another operator")),
		}
	}
}

/// More records at once gain nothing.
const MAX_BATCH: usize = 1_024;

fn prepare(graph: &Graph, node: &Node, params: &Params<'_>, device: Device) -> Result<Step, EngineError> {
	let requantise = |r: &Requant| {
		Requantise::new(&params.words(r.bias), &params.words(r.mult), params.bytes(r.shift), device)
	};
	Ok(match &node.op {
		Op::Dense { weight, requant } => {
			let shape = &graph.params[usize::from(*weight)].shape;
			Step::Dense(Dense::new(
				&params.signed(*weight),
				shape[0],
				shape[1],
				requantise(requant)?,
				device,
			)?)
		}
		Op::Conv2d { weight, requant, stride, padding, groups } => Step::Conv(Conv::new(
			&params.signed(*weight),
			&graph.params[usize::from(*weight)].shape,
			*stride,
			*padding,
			*groups,
			requantise(requant)?,
			device,
		)?),
		Op::MaxPool2d { .. } => Step::MaxPool,
		Op::AvgPool2d { .. } => Step::AvgPool,
		Op::Add { lhs_mult, rhs_mult, shift } => Step::Add {
			mults: [params.words(*lhs_mult)[0], params.words(*rhs_mult)[0]],
			shift: params.bytes(*shift)[0],
		},
		Op::Reshape => Step::Reshape,
		Op::Lookup { table } => {
			let t = &graph.params[usize::from(*table)];
			Step::Lookup(from_bytes(t, 1, params.bytes(*table), device)?.f_reshape([256])?)
		}
		Op::Clamp { .. } => Step::Clamp,
	})
}
