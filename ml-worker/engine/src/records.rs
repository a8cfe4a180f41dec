//! Data: fixed-size records, each input bytes and then a target.

use crate::EngineError;
use oda_evaluator::{
	Graph, Objective,
	graph::{DType, TensorType},
};

/// A checked view of a blob of records.
#[derive(Clone, Debug)]
pub struct Records<'a> {
	bytes: &'a [u8],
	input: usize,
	record: usize,
	output_type: TensorType,
}

impl<'a> Records<'a> {
	/// The records of `bytes`: the inputs of `graph`, then the target of `objective`.
	///
	/// # Errors
	///
	/// [`EngineError::RecordsLength`] if `bytes` is no whole number of records.
	pub fn of(graph: &Graph, objective: &Objective, bytes: &'a [u8]) -> Result<Self, EngineError> {
		Self::cut(graph, objective.target.tensor.bytes(), bytes)
	}

	/// Records without a target.
	///
	/// # Errors
	///
	/// [`EngineError::RecordsLength`] if `bytes` is no whole number of inputs.
	pub fn inputs_only(graph: &Graph, bytes: &'a [u8]) -> Result<Self, EngineError> {
		Self::cut(graph, 0, bytes)
	}

	fn cut(graph: &Graph, target: u64, bytes: &'a [u8]) -> Result<Self, EngineError> {
		graph.validate()?;
		let (len, record) = (bytes.len() as u64, graph.input_bytes().saturating_add(target));
		if record == 0 || len % record != 0 {
			return Err(EngineError::RecordsLength { len, record });
		}
		let output_type = graph
			.outputs
			.first()
			.and_then(|&v| graph.value_type(v.into()))
			.cloned()
			.unwrap_or_else(|| TensorType::new(DType::I8, [1]));
		// A record of more bytes than a usize holds would not divide a slice's length, unless that is 0.
		let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
		Ok(Self { bytes, input: size(graph.input_bytes()), record: size(record), output_type })
	}

	/// How many records.
	pub fn len(&self) -> usize {
		self.bytes.len() / self.record
	}

	/// Whether there are none.
	pub fn is_empty(&self) -> bool {
		self.bytes.is_empty()
	}

	/// Bytes of a record.
	pub fn record_len(&self) -> usize {
		self.record
	}

	/// The whole of record `index`, which must exist.
	pub fn record(&self, index: usize) -> &'a [u8] {
		&self.bytes[index * self.record..][..self.record]
	}

	/// The input bytes of record `index`, which must exist.
	pub fn input(&self, index: usize) -> &'a [u8] {
		&self.record(index)[..self.input]
	}

	/// The target's bytes of record `index`, which must exist.
	pub fn target(&self, index: usize) -> &'a [u8] {
		&self.record(index)[self.input..]
	}

	/// The bytes of record `start` and all after it.
	pub fn from(&self, start: usize) -> &'a [u8] {
		&self.bytes[start * self.record..]
	}

	/// The type of the graph's first output, which is what is scored.
	pub fn output_type(&self) -> &TensorType {
		&self.output_type
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::testing::random_case;

	#[test]
	fn half_a_record_is_refused() {
		let case = random_case(0);
		let bytes = &case.inputs[..case.inputs.len() - 1];
		let refused = Records::inputs_only(&case.graph, bytes);
		assert!(case.graph.input_bytes() == 1 || matches!(refused, Err(EngineError::RecordsLength { .. })));
	}

	#[test]
	fn no_bytes_are_no_records() {
		assert!(Records::inputs_only(&random_case(0).graph, &[]).unwrap().is_empty());
	}
}
