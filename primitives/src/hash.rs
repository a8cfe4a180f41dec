//! Domain-separated hashes: `blake2_256("oda/<thing>/1" ‖ SCALE(fields))`.
//!
//! The string fixes what is hashed and its version; the genesis hash, where a message could be carried to
//! another chain, fixes the chain.

use crate::{BlobRef, DealId, ModelId, RoundNumber, SubmissionId, TaskId, Verdict};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

/// `blake2_256(domain ‖ SCALE(value))`.
pub fn tagged(domain: &'static str, value: impl Encode) -> [u8; 32] {
	let mut bytes = domain.as_bytes().to_vec();
	value.encode_to(&mut bytes);
	blake2_256(&bytes)
}

/// What a trainer commits to before revealing: domain `oda/commit/1`.
///
/// `genesis` is the hash of block 0, `salt` 32 secret random bytes without which the commitment says
/// nothing about the weights.
pub fn commitment<AccountId: Encode>(
	genesis: &[u8; 32],
	model: &ModelId,
	trainer: &AccountId,
	weights: &BlobRef,
	salt: &[u8; 32],
) -> [u8; 32] {
	tagged("oda/commit/1", (genesis, model, trainer, weights, salt))
}

/// A trainer's claim, which verifiers sign: domain `oda/claim/1`.
///
/// `scores` is the packed list of per-record scores that these weights are said to have.
pub fn claim(model: &ModelId, weights: &BlobRef, scores: &[u8]) -> [u8; 32] {
	tagged("oda/claim/1", (model, weights, scores))
}

/// What a registrar announces before registering a model: domain `oda/registration/1`.
///
/// `salt` is 32 secret random bytes, without which the announcement says nothing about the model.
pub fn registration<AccountId: Encode>(
	genesis: &[u8; 32],
	registrar: &AccountId,
	model: &ModelId,
	salt: &[u8; 32],
) -> [u8; 32] {
	tagged("oda/registration/1", (genesis, registrar, model, salt))
}

/// What a challenger commits to on chain before showing the evidence: domain `oda/challenge/1`.
///
/// The evidence is the submission and the index of the record whose score was claimed wrongly; everything
/// else about it is public.
pub fn challenge_commitment<AccountId: Encode>(
	genesis: &[u8; 32],
	submission: SubmissionId,
	record: u32,
	challenger: &AccountId,
	salt: &[u8; 32],
) -> [u8; 32] {
	tagged("oda/challenge/1", (genesis, submission, record, challenger, salt))
}

/// What a verifier found, as a member of a task's committee commits to it before anybody shows anything: domain
/// `oda/attest/1`.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Finding {
	/// The root of the verifier's [`OutputTree`](crate::OutputTree); anything if the verdict is `Unavailable`.
	pub root: [u8; 32],
	/// What the verifier says of the claim.
	pub verdict: Verdict,
	/// 32 secret random bytes, without which the commitment says nothing about the verdict.
	pub salt: [u8; 32],
}

impl Finding {
	/// The commitment of `verifier` to this finding.
	///
	/// `genesis` is the hash of block 0, `claim` that of what was claimed ([`claim`] of a submission), `asked` how often
	/// the task's members have been asked: what is committed to in one round opens in no other.
	pub fn commitment<AccountId: Encode>(
		&self,
		genesis: &[u8; 32],
		task: TaskId,
		claim: &[u8; 32],
		asked: u32,
		verifier: &AccountId,
	) -> [u8; 32] {
		let Self { root, verdict, salt } = self;
		tagged("oda/attest/1", (genesis, task, claim, asked, verifier, root, verdict, salt))
	}
}

/// What the committee of a task is drawn from: domain `oda/draw/1`.
///
/// `randomness` is the chain's of the epoch in which it is drawn, `asked` how often the task's members have been asked
/// before, and once more.
pub fn draw_seed(randomness: impl Encode, task: TaskId, asked: u32) -> [u8; 32] {
	tagged("oda/draw/1", (randomness, task, asked))
}

/// What the records are drawn from whose outputs the members of a task show: domain `oda/records/1`.
///
/// `entropy` is the chain's after the last commitment.
pub fn records_seed(entropy: &[u8; 32], task: TaskId, asked: u32) -> [u8; 32] {
	tagged("oda/records/1", (entropy, task, asked))
}

/// The chain's entropy after one block more, of which `fresh` is the randomness: domain `oda/entropy/1`.
pub fn stirred(entropy: &[u8; 32], fresh: impl Encode) -> [u8; 32] {
	tagged("oda/entropy/1", (entropy, fresh))
}

/// The number of this index that follows from a seed, between 0 and 2^128 − 1: domain `oda/number/1`.
pub fn number(seed: &[u8; 32], index: u32) -> u128 {
	let [low, ..] = *tagged("oda/number/1", (seed, index)).as_chunks::<16>().0 else { return 0 };
	u128::from_le_bytes(low)
}

/// What the challenges of a storage round are drawn from: domain `oda/round/1`.
///
/// `randomness` is the chain's when the round started.
pub fn round_seed(round: RoundNumber, randomness: impl Encode) -> [u8; 32] {
	tagged("oda/round/1", (round, randomness))
}

/// Where the challenges of a deal's keepers begin in a round: domain `oda/chunk/1`.
///
/// `seed` is [`round_seed`].
pub fn challenge_base(seed: &[u8; 32], deal: DealId, round: RoundNumber) -> [u8; 32] {
	tagged("oda/chunk/1", (seed, deal, round))
}

/// What the account is called from which the blobs of a model's head are kept: domain `oda/model-account/1`.
///
/// Nobody has a key of it.
pub fn model_account(model: &ModelId) -> [u8; 32] {
	tagged("oda/model-account/1", model)
}

/// What the account is called in which the stake of a candidate's pool lies: domain `oda/pool/1`.
///
/// `role` is what the `operator` bonds for, in one byte. Nobody has a key of it.
pub fn pool_account<AccountId: Encode>(role: u8, operator: &AccountId) -> [u8; 32] {
	tagged("oda/pool/1", (role, operator))
}

#[cfg(test)]
mod tests {
	use super::*;

	const TASK: TaskId = TaskId::Submission(0x0102);

	fn finding(verdict: Verdict) -> Finding {
		Finding { root: [3; 32], verdict, salt: [4; 32] }
	}

	/// Computed once from the definition, with another implementation of BLAKE2b.
	#[test]
	fn the_hashes_of_verification_are_pinned() {
		let commitment = finding(Verdict::Wrong(5)).commitment(&[7; 32], TASK, &[8; 32], 2, &[9u8; 32]);
		assert_eq!(hex::encode(commitment), COMMITMENT);
		assert_eq!(hex::encode(draw_seed([1u8; 32], TASK, 1)), DRAW);
		assert_eq!(hex::encode(records_seed(&[1; 32], TASK, 1)), RECORDS);
		assert_eq!(number(&[1; 32], 6), NUMBER);
	}

	const COMMITMENT: &str = "7d011638a94844cf8c16cec3b13e2612f1dd45d01e5f32a48dd87a94c7cae1aa";
	const DRAW: &str = "2f8c7601b469b1d062a9484b1f6807f1d5a1bff9f957c653d85440b8095492e4";
	const RECORDS: &str = "cd8cda0440ab50d89859a48253aa1a09e8fc0ab7d40625070fb68d4abc4c6881";
	const NUMBER: u128 = 12835763268297755187362990118978341420;

	#[test]
	fn commitments_differ_in_every_field() {
		let valid = finding(Verdict::Valid);
		let base = valid.commitment(&[0; 32], TASK, &[0; 32], 1, &[0u8; 32]);
		let others = [
			valid.commitment(&[1; 32], TASK, &[0; 32], 1, &[0u8; 32]),
			valid.commitment(&[0; 32], TaskId::Audit(0x0102), &[0; 32], 1, &[0u8; 32]),
			valid.commitment(&[0; 32], TASK, &[1; 32], 1, &[0u8; 32]),
			valid.commitment(&[0; 32], TASK, &[0; 32], 2, &[0u8; 32]),
			valid.commitment(&[0; 32], TASK, &[0; 32], 1, &[1u8; 32]),
			finding(Verdict::Unavailable).commitment(&[0; 32], TASK, &[0; 32], 1, &[0u8; 32]),
			Finding { root: [1; 32], ..valid }.commitment(&[0; 32], TASK, &[0; 32], 1, &[0u8; 32]),
			Finding { salt: [1; 32], ..valid }.commitment(&[0; 32], TASK, &[0; 32], 1, &[0u8; 32]),
		];
		assert!(others.iter().all(|other| *other != base));
	}
}
