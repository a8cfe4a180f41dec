//! What no court could judge is refused at registration.
//!
//! Whoever finds a wrong score shows the runtime the weights and the record, with its proof, in one extrinsic, and the
//! runtime evaluates it. So the extrinsic has to fit a block, its weight half of one, and the evaluation the memory that a
//! node gives the runtime. These are rules of registration; no encoding and no id depends on them.

use crate::{pallet::*, *};

/// Bytes that a challenge takes beside weights, record and proof: the signature, what is signed with it, the task, the
/// salt, the record's index, the price, and the lengths of all these. They are 400 at most.
pub(crate) const CHALLENGE_OVERHEAD: u64 = 1_024;

/// Bytes of a chaining value in a range proof.
const SIBLING_LEN: u64 = 32;

impl<T: Config> Pallet<T> {
	/// Everything about a specification that can be said without the data and the chain's state: it is valid,
	/// and the court could judge it. Returns what a record costs.
	pub fn check_spec(spec: &ModelSpec) -> Result<Cost, Error<T>> {
		ensure!(spec.encoded_size() <= ModelSpec::max_encoded_len(), Error::<T>::SpecTooLarge);
		let cost = spec.validate().map_err(|reason| Error::<T>::InvalidSpec(SpecRefusal(reason)))?;
		ensure!(spec.graph.param_bytes() <= T::MaxWeightsBytes::get(), Error::<T>::WeightsTooLarge);
		ensure!(challenge_bytes(spec) <= T::MaxChallengeBytes::get(), Error::<T>::ChallengeTooLong);
		ensure!(
			T::EvaluationWeight::convert(cost).all_lte(T::MaxEvaluationWeight::get()),
			Error::<T>::RecordTooExpensive
		);
		ensure!(spec.heap().fits(), Error::<T>::RecordTakesTooMuchMemory);
		Ok(cost)
	}
}

/// The length of the longest challenge of a model, in bytes.
pub(crate) fn challenge_bytes(spec: &ModelSpec) -> u64 {
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
