//! Messages that somebody signs off chain and the chain reads.
//!
//! A message starts with the string that fixes what it says and its version, then the hash of block 0, so that
//! a signature never passes for another purpose or on another chain. The worker and the runtime build its bytes
//! here and nowhere else.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use crate::{DealId, RangeProof, RoundNumber, TaskId};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

/// What a verifier found after re-running all records of a submission.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Verdict {
	/// Every record scores what was claimed.
	#[codec(index = 0)]
	Valid,
	/// The record of this index scores something else: the first one found. A challenge has to follow.
	#[codec(index = 1)]
	Wrong(u32),
	/// The weights or the data could not be had.
	#[codec(index = 2)]
	Unavailable,
}

/// What a verifier signs to commit to what it found of `task`: the bytes of `oda/answer/1`, then
/// SCALE(genesis, task, claim, asked, commitment).
///
/// `genesis` is the hash of block 0, `claim` that of what was claimed, [`crate::hash::claim`] of a submission: on a
/// fork where the task is about something else, the signature is worth nothing. `asked` is how often the task's members
/// have been asked: what was signed before is worth nothing when they are asked again. `commitment` is
/// [`Finding::commitment`](crate::hash::Finding::commitment).
pub fn answer(
	genesis: &[u8; 32],
	task: TaskId,
	claim: &[u8; 32],
	asked: u32,
	commitment: &[u8; 32],
) -> Vec<u8> {
	(*b"oda/answer/1", genesis, task, claim, asked, commitment).encode()
}

/// What a peer's ed25519 key signs to be bound to `account`: the bytes of `oda/peer/1`, then
/// SCALE(genesis, account).
///
/// `genesis` is the hash of block 0.
pub fn peer_binding<AccountId: Encode>(genesis: &[u8; 32], account: &AccountId) -> Vec<u8> {
	(*b"oda/peer/1", genesis, account).encode()
}

/// What a keeper signs to answer a storage challenge: the bytes of `oda/storage/1`, then
/// SCALE(genesis, deal, round, blake2_256(SCALE(proof))).
///
/// `genesis` is the hash of block 0.
pub fn storage_proof(genesis: &[u8; 32], deal: DealId, round: RoundNumber, proof: &RangeProof) -> Vec<u8> {
	(*b"oda/storage/1", genesis, deal, round, proof.using_encoded(blake2_256)).encode()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn answer_bytes_are_pinned() {
		let bytes = answer(&[7; 32], TaskId::Submission(0x0102), &[8; 32], 1, &[9; 32]);
		let mut expected = b"oda/answer/1".to_vec();
		expected.extend([7; 32]);
		expected.extend([0, 2, 1, 0, 0, 0, 0, 0, 0]);
		expected.extend([8; 32]);
		expected.extend([1, 0, 0, 0]);
		expected.extend([9; 32]);
		assert_eq!(bytes, expected);
	}

	#[test]
	fn peer_binding_bytes_are_pinned() {
		let mut expected = b"oda/peer/1".to_vec();
		expected.extend([7; 32]);
		expected.extend([9; 32]);
		assert_eq!(peer_binding(&[7; 32], &[9u8; 32]), expected);
	}

	#[test]
	fn storage_proof_bytes_are_pinned() {
		let proof = RangeProof { start: 1, len: 2, chunks: [3].to_vec(), siblings: [[4; 32]].to_vec() };
		let mut encoded = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 3, 4].to_vec();
		encoded.extend([4; 32]);
		let mut expected = b"oda/storage/1".to_vec();
		expected.extend([7; 32]);
		expected.extend([2, 1, 0, 0, 0, 0, 0, 0]);
		expected.extend([5, 0, 0, 0]);
		expected.extend(blake2_256(&encoded));
		assert_eq!(storage_proof(&[7; 32], 0x0102, 5, &proof), expected);
	}

	#[test]
	fn answers_differ_in_every_field() {
		let task = TaskId::Submission(1);
		let base = answer(&[0; 32], task, &[0; 32], 1, &[0; 32]);
		assert_ne!(base, answer(&[1; 32], task, &[0; 32], 1, &[0; 32]));
		assert_ne!(base, answer(&[0; 32], TaskId::Submission(2), &[0; 32], 1, &[0; 32]));
		assert_ne!(base, answer(&[0; 32], TaskId::Audit(1), &[0; 32], 1, &[0; 32]));
		assert_ne!(base, answer(&[0; 32], task, &[1; 32], 1, &[0; 32]));
		assert_ne!(base, answer(&[0; 32], task, &[0; 32], 2, &[0; 32]));
		assert_ne!(base, answer(&[0; 32], task, &[0; 32], 1, &[1; 32]));
	}
}
