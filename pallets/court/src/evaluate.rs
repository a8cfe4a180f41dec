//! One record, or one input, evaluated.

use alloc::vec::Vec;
use oda_evaluator::{EvalError, Evaluator, Graph, ModelSpec, Tensor};
use oda_primitives::{BlobRef, ProofError, RangeProof};

/// Weights, record or input have not the lengths that the graph needs. Of a registered graph, which is valid, nothing else
/// can be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotEvaluated;

impl From<EvalError> for NotEvaluated {
	fn from(_: EvalError) -> Self {
		Self
	}
}

/// The bytes of record `index` of the model's data, if the proof shows them.
pub fn record<'a>(spec: &ModelSpec, index: u32, proof: &'a RangeProof) -> Result<&'a [u8], ProofError> {
	let range = spec.record_range(index).ok_or(ProofError::OutOfRange)?;
	proof.verify(&spec.data.dataset().blob, range)
}

/// What these weights score on a record.
pub fn score(spec: &ModelSpec, weights: &[u8], record: &[u8]) -> Result<i32, NotEvaluated> {
	let evaluator = Evaluator::new(&spec.graph, weights)?;
	Ok(spec.score_record(&evaluator, record)?)
}

/// What one evaluation of a record says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
	/// What it scores.
	pub score: i32,
	/// The [`output_root`] of its input.
	pub output: [u8; 32],
}

/// What these weights score on a record, and the root of what they make of its input, from one evaluation. It weighs what
/// [`score`] weighs, and [`OutputPrice`](crate::OutputPrice).
pub fn find(spec: &ModelSpec, weights: &[u8], record: &[u8]) -> Result<Finding, NotEvaluated> {
	let (input, target) = spec.split_record(record)?;
	let outputs = Evaluator::new(&spec.graph, weights)?.run(input)?;
	Ok(Finding { score: spec.score_outputs(&outputs, target)?, output: root(&outputs) })
}

/// What these weights make of an input: the outputs' bytes, one after the other, as a provider hands them out. It weighs what
/// [`score`] weighs, and [`OutputPrice`](crate::OutputPrice).
pub fn makes(graph: &Graph, weights: &[u8], input: &[u8]) -> Result<Vec<u8>, NotEvaluated> {
	Ok(bytes(&Evaluator::new(graph, weights)?.run(input)?))
}

/// The root of what these weights make of an input: of the outputs' bytes, one after the other, as a receipt names it.
pub fn output_root(graph: &Graph, weights: &[u8], input: &[u8]) -> Result<[u8; 32], NotEvaluated> {
	Ok(root(&Evaluator::new(graph, weights)?.run(input)?))
}

/// The root of these outputs.
pub(crate) fn root(outputs: &[Tensor]) -> [u8; 32] {
	BlobRef::of(&bytes(outputs)).root
}

/// The bytes of these outputs, one after the other. A single one, which is what every model has that is scored, is copied
/// once.
fn bytes(outputs: &[Tensor]) -> Vec<u8> {
	let mut outputs = outputs.iter().map(Tensor::to_le_bytes);
	let mut bytes = outputs.next().unwrap_or_default();
	outputs.for_each(|output| bytes.extend(output));
	bytes
}
