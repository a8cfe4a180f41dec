//! A model that gets better by steps which are known beforehand: its weights choose which records they get right.

use anyhow::{Context, Result};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
};
use oda_primitives::BlobRef;

/// Records of a ladder.
const RECORDS: u32 = 256;
/// Inputs beside one a record: they hold the ladder's number, so that no two have the same data.
const NUMBER: u32 = 8;
/// Biases that keep logits within 16 bits.
const BIASES: u64 = 32_000;
/// Records that each step gets right beyond the step before.
const RISE: u32 = 16;

/// A model, and the data that it is verified on.
pub(crate) struct Ladder {
	number: u64,
	/// Its specification.
	pub(crate) spec: ModelSpec,
	/// The records: in each the input of its own number is 1, and the class is 1.
	pub(crate) data: Vec<u8>,
}

impl Ladder {
	/// The ladder of this number.
	pub(crate) fn new(number: u64) -> Result<Self> {
		let inputs = RECORDS + NUMBER;
		let mut data = Vec::new();
		for record in 0..RECORDS {
			data.extend((0..RECORDS).map(|input| u8::from(input == record)));
			data.extend(number.to_le_bytes());
			data.push(1);
		}
		let graph = Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [inputs])],
			params: vec![
				TensorType::new(DType::I8, [2, inputs]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::U8, [2]),
			],
			nodes: vec![Node {
				op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
				inputs: vec![0],
				output: TensorType::new(DType::I16, [2]),
			}],
			outputs: vec![1],
		};
		let objective = Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
			min_improvement: 1,
			confidence: None,
		};
		let dataset = DatasetRef { blob: BlobRef::of(&data), records: RECORDS };
		let spec = ModelSpec { graph, objective, data: DataSource::Fixed(dataset) };
		spec.validate().ok().context("the ladder is no valid model")?;
		Ok(Self { number, spec, data })
	}

	/// The specification as `ml-worker` reads it.
	pub(crate) fn file(&self) -> String {
		let ModelSpec { graph, objective, data } = &self.spec;
		serde_json::json!({ "graph": graph, "objective": objective, "data": data }).to_string()
	}

	/// The weights of a step, from 0 on: the logit of class 1 is greater where they get a record right, and else that of
	/// class 0 is the same, and of equals the lower wins. Both are beyond a bias that no other of many ladders has.
	pub(crate) fn weights(&self, step: u32) -> Vec<u8> {
		let right = RISE * (step + 1);
		let class = |row: u32| (0..RECORDS + NUMBER).map(move |input| u8::from(row == 1 && input < right));
		let mut weights: Vec<u8> = class(0).chain(class(1)).collect();
		let bias = i32::try_from(self.number % BIASES).unwrap_or_default();
		for each in [bias, 1] {
			weights.extend([each, each].iter().flat_map(|value| value.to_le_bytes()));
		}
		weights.extend([0, 0]);
		weights
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::Evaluator;

	#[test]
	fn each_step_gets_more_records_right_than_the_one_before() {
		let ladder = Ladder::new(0x0102_0304_0506_0708).unwrap();
		let size = usize::try_from(ladder.spec.record_bytes()).unwrap();
		for step in [0, 1, 7] {
			let weights = ladder.weights(step);
			let evaluator = Evaluator::new(&ladder.spec.graph, &weights).unwrap();
			let scores = ladder
				.data
				.chunks_exact(size)
				.map(|record| ladder.spec.score_record(&evaluator, record).unwrap());
			assert_eq!(scores.sum::<i32>(), 16 * (step as i32 + 1));
		}
	}

	#[test]
	fn no_two_have_the_same_model_or_weights() {
		let (one, two) = (Ladder::new(1).unwrap(), Ladder::new(2).unwrap());
		assert_ne!(one.spec.id(), two.spec.id());
		assert_ne!(one.weights(0), two.weights(0));
	}
}
