//! One record, or one input, evaluated.

use alloc::vec::Vec;
use oda_evaluator::{EvalError, Evaluator, Graph, ModelSpec};
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

/// The root of what these weights make of an input: of the outputs' bytes, one after the other, as a receipt names it.
pub fn output_root(graph: &Graph, weights: &[u8], input: &[u8]) -> Result<[u8; 32], NotEvaluated> {
	let outputs = Evaluator::new(graph, weights)?.run(input)?;
	let bytes: Vec<u8> = outputs.iter().flat_map(|output| output.to_le_bytes()).collect();
	Ok(BlobRef::of(&bytes).root)
}
