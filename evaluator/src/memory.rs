//! The heap that evaluating one record takes in the runtime's wasm, computed without allocating.
//!
//! A node gives the runtime an allocator (`freeing_bump` of `sc-allocator`) that rounds every allocation up to a power
//! of two, puts 8 bytes before it, gives a freed block only to allocations of the same power, and joins none. So the heap
//! that an evaluation takes is, summed over the powers, the most blocks of each that live at once. A tensor of 2ᵏ + 1 bytes
//! takes 2ᵏ⁺¹, and a graph whose tensors shrink step by step takes new heap at each step.
//!
//! The bounds are rules of registration, not of the evaluator's semantics: see [`Heap::fits`].

use crate::{
	graph::{Graph, Node, Op},
	limits::{MAX_INPUTS, MAX_NODES},
	model::ModelSpec,
	ops,
	validate::{LastRead, image},
};

/// The least block, as a power of two.
const LEAST: usize = 3;
/// The greatest block, 32 MiB, as a power of two.
const GREATEST: usize = 25;
/// Bytes that the allocator puts before every block.
const HEADER: u64 = 8;
/// Bytes of a value's entry in a list of tensors, in wasm.
const ENTRY: u64 = 16;
/// Bytes of an entry in the list of last reads, in wasm.
const LAST_READ: u64 = 8;

/// What an evaluation may take of the heap, in bytes: half of the least heap that a node gives the runtime, 128 MiB. The
/// other half is for the call's own bytes, their decoded copies, and what the runtime does beside.
pub const MAX_HEAP_BYTES: u64 = 64 << 20;

/// What an evaluation may take of the heap in blocks of one power of two, in bytes. Whatever evaluations follow each other
/// in one call of the runtime, as they do when a block is imported, they take this much of each power at most: less than
/// the 256 MiB that a node gives to an import.
pub const MAX_POWER_BYTES: u64 = 17 << 20;

/// Blocks of the wasm heap that one computation takes, by their power of two.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Heap {
	/// Blocks that live now.
	live: [u64; GREATEST + 1],
	/// The most blocks that ever lived at once.
	most: [u64; GREATEST + 1],
	/// Whether an allocation was larger than the greatest block.
	beyond: bool,
}

/// The power of two of the block for `bytes` bytes; `None` if there is none so large.
fn power(bytes: u64) -> Option<usize> {
	let power = usize::try_from(bytes.checked_next_power_of_two()?.trailing_zeros()).ok()?.max(LEAST);
	(power <= GREATEST).then_some(power)
}

impl Heap {
	/// Allocates `bytes` bytes; nothing for none.
	fn take(&mut self, bytes: u64) {
		if bytes == 0 {
			return;
		}
		let slots = power(bytes).and_then(|power| self.live.get_mut(power).zip(self.most.get_mut(power)));
		let Some((live, most)) = slots else {
			self.beyond = true;
			return;
		};
		*live = live.saturating_add(1);
		*most = (*live).max(*most);
	}

	/// Frees what [`take`](Self::take) allocated for `bytes` bytes.
	fn give(&mut self, bytes: u64) {
		if bytes > 0
			&& let Some(live) = power(bytes).and_then(|power| self.live.get_mut(power))
		{
			*live = live.saturating_sub(1);
		}
	}

	/// Bytes of the heap in blocks of each power of two.
	fn powers(&self) -> impl Iterator<Item = u64> + '_ {
		self.most.iter().enumerate().map(|(power, &most)| {
			let power = u32::try_from(power).unwrap_or(u32::MAX);
			1u64.checked_shl(power).unwrap_or(u64::MAX).saturating_add(HEADER).saturating_mul(most)
		})
	}

	/// Bytes of the heap that are taken; `u64::MAX` if an allocation is larger than any block.
	pub fn bytes(&self) -> u64 {
		if self.beyond { u64::MAX } else { self.powers().fold(0, u64::saturating_add) }
	}

	/// Bytes of the heap that are taken in blocks of one power of two, at most.
	pub fn power_bytes(&self) -> u64 {
		if self.beyond { u64::MAX } else { self.powers().max().unwrap_or_default() }
	}

	/// Whether this is within [`MAX_HEAP_BYTES`], and each power within [`MAX_POWER_BYTES`].
	pub fn fits(&self) -> bool {
		self.bytes() <= MAX_HEAP_BYTES && self.power_bytes() <= MAX_POWER_BYTES
	}
}

/// Bytes of `elements` elements of 32 bits.
fn words(elements: u64) -> u64 {
	elements.saturating_mul(4)
}

/// An extent as a number of elements.
fn wide(extent: usize) -> u64 {
	u64::try_from(extent).unwrap_or(u64::MAX)
}

impl Graph {
	/// Bytes of the blocks that running `node` allocates and frees again, beside the tensor it makes; none for a node
	/// that is not valid.
	fn scratch(&self, node: &Node) -> [u64; 3] {
		let scratch = || {
			let elements = node.output.elements();
			Some(match &node.op {
				Op::Dense { .. } => {
					let n = ops::index(*node.output.shape.last()?).max(1);
					let rows = usize::try_from(elements).ok()?.checked_div(n)?;
					[words(wide(ops::dense_block(n, rows)?.checked_mul(n)?)), 0, 0]
				}
				Op::Conv2d { weight, groups, .. } => {
					let [o, window @ ..] = self.params.get(usize::from(*weight))?.shape.as_slice() else {
						return None;
					};
					let o = ops::index(*o).max(1);
					let k = window.iter().try_fold(1usize, |k, &extent| k.checked_mul(ops::index(extent)))?;
					let positions = usize::try_from(elements).ok()?.checked_div(o)?;
					let block = wide(ops::conv_block(k.max(1), o, positions)?);
					let n = o.checked_div(ops::index(*groups).max(1))?.max(1);
					let part = if *groups > 1 { words(block.saturating_mul(wide(n))) } else { 0 };
					[block.saturating_mul(wide(k.max(1))), words(block.saturating_mul(wide(o))), part]
				}
				Op::MaxPool2d { .. } | Op::AvgPool2d { .. } => {
					let [_, w, c] = image(&node.output)?;
					let line = u64::from(w).saturating_mul(c.into());
					let accumulator = if matches!(node.op, Op::MaxPool2d { .. }) { 4 } else { 8 };
					[words(elements), line.saturating_mul(accumulator), 0]
				}
				Op::Add { .. } | Op::Reshape | Op::Lookup { .. } | Op::Clamp { .. } => [0; 3],
			})
		};
		scratch().unwrap_or_default()
	}

	/// What evaluating one record of a valid graph takes of the wasm heap.
	fn run(&self, heap: &mut Heap) {
		let values = wide(self.inputs.len().saturating_add(self.nodes.len()));
		heap.take(wide(self.params.len()).saturating_mul(ENTRY));
		for param in &self.params {
			heap.take(param.bytes());
		}
		heap.take(wide(MAX_INPUTS.saturating_add(MAX_NODES)).saturating_mul(LAST_READ));
		heap.take(values.saturating_mul(ENTRY));
		for input in &self.inputs {
			heap.take(input.bytes());
		}
		// An invalid graph is never evaluated.
		let Ok(last_reads) = self.last_reads() else { return };
		for (index, node) in self.nodes.iter().enumerate() {
			let scratch = self.scratch(node);
			// Which of them comes first is not relied on.
			heap.take(node.output.bytes());
			scratch.iter().for_each(|&bytes| heap.take(bytes));
			scratch.iter().for_each(|&bytes| heap.give(bytes));
			for (at, &value) in node.inputs.iter().enumerate() {
				let value = usize::from(value);
				let again = node.inputs.iter().take(at).any(|&v| usize::from(v) == value);
				if last_reads.get(value) == Some(&LastRead::Node(index)) && !again {
					heap.give(self.value_type(value).map_or(0, |t| t.bytes()));
				}
			}
		}
	}
}

impl ModelSpec {
	/// What evaluating and scoring one record, and copying the output to hash it, takes of the runtime's wasm heap, if the
	/// specification is valid. Linear in the graph, allocates nothing.
	pub fn heap(&self) -> Heap {
		let mut heap = Heap::default();
		self.graph.run(&mut heap);
		heap.take(self.graph.output_bytes());
		heap.take(self.objective.target.tensor.bytes());
		heap
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		graph::{DType, Requant, TensorType, VERSION},
		model::{DataSource, DatasetRef, Metric, Objective, TargetSpec},
	};
	use oda_primitives::BlobRef;

	/// Whose output of 1,000 bytes is made with parameters of as many, all of which live in the end.
	fn spec() -> ModelSpec {
		let graph = Graph {
			version: VERSION,
			inputs: alloc::vec![TensorType::new(DType::I8, [1])],
			params: alloc::vec![
				TensorType::new(DType::I8, [1_000, 1]),
				TensorType::new(DType::I32, [1_000]),
				TensorType::new(DType::I32, [1_000]),
				TensorType::new(DType::U8, [1_000]),
			],
			nodes: alloc::vec![Node {
				op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
				inputs: alloc::vec![0],
				output: TensorType::new(DType::I8, [1_000]),
			}],
			outputs: alloc::vec![1],
		};
		let blob = BlobRef { root: [0; 32], len: 2 };
		let spec = ModelSpec {
			graph,
			objective: Objective {
				metric: Metric::Accuracy,
				target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
				min_improvement: 1,
				confidence: None,
			},
			data: DataSource::Fixed(DatasetRef { blob, records: 1 }),
		};
		spec.validate().unwrap();
		spec
	}

	#[test]
	fn a_models_heap_has_room_for_a_copy_of_its_output() {
		let spec = spec();
		assert_eq!(spec.graph.output_bytes(), 1_000);
		let mut run = Heap::default();
		spec.graph.run(&mut run);
		// The target's block is the one that the input had.
		assert_eq!(spec.heap().bytes(), run.bytes() + 1_024 + HEADER);
	}
}
