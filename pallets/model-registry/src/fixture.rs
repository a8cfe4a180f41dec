//! A model to register, for tests and benchmarks.

use alloc::{vec, vec::Vec};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
};
use oda_primitives::BlobRef;

/// Bytes of a record: 1,023 inputs and a class index. So a record is a chunk.
pub(crate) const RECORD: usize = 1_024;

/// The bytes of `records` records.
pub(crate) fn data(records: u32) -> Vec<u8> {
	vec![1; RECORD.saturating_mul(records as usize)]
}

/// A classifier of two classes on [`data`]: one dense node, then `reshapes` nodes that change nothing.
pub(crate) fn spec(records: u32, reshapes: u16) -> ModelSpec {
	let output = TensorType::new(DType::I32, [2]);
	let dense = Node {
		op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
		inputs: vec![0],
		output: output.clone(),
	};
	let reshape = |at| Node { op: Op::Reshape, inputs: vec![at], output: output.clone() };
	ModelSpec {
		graph: Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [1_023])],
			params: vec![
				TensorType::new(DType::I8, [2, 1_023]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::U8, [2]),
			],
			nodes: core::iter::once(dense).chain((1..=reshapes).map(reshape)).collect(),
			outputs: vec![reshapes.saturating_add(1)],
		},
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
			min_improvement: 1,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data(records)), records }),
	}
}
