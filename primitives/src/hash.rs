//! Domain-separated hashes: `blake2_256("oda/<thing>/1" ‖ SCALE(fields))`.
//!
//! The string fixes what is hashed and its version; the genesis hash, where a message could be carried to
//! another chain, fixes the chain.

use crate::{BlobRef, DealId, ModelId, RoundNumber, SubmissionId};
use codec::Encode;
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
