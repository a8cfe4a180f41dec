//! What no court could judge is refused at registration.
//!
//! Whoever finds a wrong score shows the runtime the weights and the record, with its proof, in one extrinsic, and the
//! runtime evaluates it. So the extrinsic has to fit a block, its weight half of one, and the evaluation the memory that a
//! node gives the runtime. These are rules of registration; no encoding and no id depends on them.

use oda_evaluator::ModelSpec;
use oda_primitives::CHUNK_LEN;
use polkadot_sdk::frame_support::{ensure, weights::Weight};

/// Bytes that a challenge takes beside weights, record and proof: the signature, what is signed with it, the task, the
/// salt, the record's index, the price, and the lengths of all these. They are 400 at most.
pub const CHALLENGE_OVERHEAD: u64 = 1_024;

/// Bytes of a chaining value in a range proof.
const SIBLING_LEN: u64 = 32;

/// What a chain can judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// The most bytes of weights.
	pub weights: u64,
	/// The most bytes of a challenge: of weights, a record and its proof together.
	pub challenge: u64,
	/// The most that evaluating one record, and hashing its output, may weigh.
	pub evaluation: Weight,
}

/// Why a model cannot be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
	/// Its weights are too long.
	WeightsTooLarge,
	/// Weights, record and proof together are too long.
	ChallengeTooLong,
	/// Evaluating a record, and hashing its output, weighs too much.
	RecordTooExpensive,
	/// Evaluating a record takes more memory than the runtime has.
	RecordTakesTooMuchMemory,
}

impl Limits {
	/// Whether a valid model can be judged of which a record weighs this much, its output's hash included.
	pub fn check(&self, spec: &ModelSpec, evaluation: Weight) -> Result<(), Unfit> {
		ensure!(spec.graph.param_bytes() <= self.weights, Unfit::WeightsTooLarge);
		ensure!(challenge_bytes(spec) <= self.challenge, Unfit::ChallengeTooLong);
		ensure!(evaluation.all_lte(self.evaluation), Unfit::RecordTooExpensive);
		ensure!(spec.heap().fits(), Unfit::RecordTakesTooMuchMemory);
		Ok(())
	}
}

/// The length of the longest challenge of a model, in bytes.
pub fn challenge_bytes(spec: &ModelSpec) -> u64 {
	let data = spec.data.dataset().blob.len;
	let chunks = data.div_ceil(CHUNK_LEN);
	// A record lies in the chunks that it touches, whole: at its worst place it begins with the last byte of one.
	let record = spec.record_bytes().saturating_sub(1).div_ceil(CHUNK_LEN).saturating_add(1);
	// On each level a range has at most one sibling on either side.
	let levels = u64::from(chunks.checked_next_power_of_two().map_or(u64::BITS, u64::trailing_zeros));
	spec.graph
		.param_bytes()
		.saturating_add(record.min(chunks).saturating_mul(CHUNK_LEN).min(data))
		.saturating_add(levels.saturating_mul(SIBLING_LEN).saturating_mul(2))
		.saturating_add(CHALLENGE_OVERHEAD)
}
