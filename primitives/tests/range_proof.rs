//! Range proofs against whole-file hashing, and against every single-bit change.

#![allow(
	missing_docs,
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used
)]

use oda_primitives::{BlobRef, CHUNK_LEN, MAX_BLOB_LEN, ProofError, RangeProof};
use proptest::prelude::*;

const CHUNK: usize = CHUNK_LEN as usize;

/// Bytes that differ in every chunk.
fn blob(len: usize) -> Vec<u8> {
	(0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Lengths around everything that changes the tree's shape.
fn boundaries() -> Vec<usize> {
	let mut lens = vec![0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 77];
	for k in 1..=6 {
		let chunks = 1 << k;
		for n in [chunks - 1, chunks, chunks + 1] {
			lens.extend([n * CHUNK - 1, n * CHUNK, n * CHUNK + 1]);
		}
	}
	lens
}

#[test]
fn the_reference_is_the_plain_hash_at_every_boundary() {
	for len in boundaries() {
		let bytes = blob(len);
		let reference = BlobRef::of(&bytes);
		assert_eq!(reference.root, *blake3::hash(&bytes).as_bytes());
		assert_eq!(reference.len, len as u64);
		assert!(reference.is_of(&bytes));
	}
}

#[test]
fn the_empty_blob_has_no_range() {
	let reference = BlobRef::of(&[]);
	assert_eq!(RangeProof::new(&[], 0..0).unwrap_err(), ProofError::OutOfRange);
	assert_eq!(RangeProof::of_end(&[]).unwrap_err(), ProofError::OutOfRange);
	let proof = RangeProof { start: 0, len: 0, chunks: vec![], siblings: vec![] };
	assert_eq!(proof.verify(&reference, 0..0).unwrap_err(), ProofError::OutOfRange);
}

#[test]
fn every_chunk_is_proved_at_every_boundary() {
	for len in boundaries().into_iter().filter(|len| *len > 0) {
		let bytes = blob(len);
		let reference = BlobRef::of(&bytes);
		for start in (0..len).step_by(CHUNK) {
			let end = (start + CHUNK).min(len);
			for range in [start..end, start..start + 1, end - 1..end] {
				let range = range.start as u64..range.end as u64;
				let proof = RangeProof::new(&bytes, range.clone()).expect("the range is within the blob");
				let expected = &bytes[range.start as usize..range.end as usize];
				assert_eq!(proof.verify(&reference, range), Ok(expected), "{len} bytes");
			}
		}
	}
}

#[test]
fn ranges_across_chunks_are_proved_at_every_boundary() {
	for len in boundaries().into_iter().filter(|len| *len > 2) {
		let bytes = blob(len);
		let reference = BlobRef::of(&bytes);
		for range in [0..len, 1..len - 1, len / 3..len / 2 + 1, len / 2..len] {
			let expected = &bytes[range.clone()];
			let range = range.start as u64..range.end as u64;
			let proof = RangeProof::new(&bytes, range.clone()).expect("the range is within the blob");
			assert_eq!(proof.verify(&reference, range), Ok(expected), "{len} bytes");
		}
	}
}

#[test]
fn the_whole_blob_needs_no_chaining_values() {
	let bytes = blob(7 * CHUNK + 3);
	let proof = RangeProof::new(&bytes, 0..bytes.len() as u64).expect("the range is the blob");
	assert!(proof.siblings.is_empty());
}

/// Whether a proof, damaged or not, passes for `range` of `reference`.
fn passes(proof: &RangeProof, reference: &BlobRef, range: std::ops::Range<u64>) -> bool {
	proof.verify(reference, range).is_ok()
}

#[test]
fn every_single_bit_change_is_refused() {
	for (len, range) in [
		(1, 0..1),
		(CHUNK, 10..20),
		(CHUNK + 1, 1_000..1_025),
		(3 * CHUNK + 9, 2_050..2_060),
		(8 * CHUNK, 4_000..4_200),
	] {
		let bytes = blob(len);
		let reference = BlobRef::of(&bytes);
		let proof = RangeProof::new(&bytes, range.clone()).expect("the range is within the blob");
		assert!(passes(&proof, &reference, range.clone()));
		for bit in 0..proof.chunks.len() * 8 {
			let mut other = proof.clone();
			other.chunks[bit / 8] ^= 1 << (bit % 8);
			assert!(!passes(&other, &reference, range.clone()), "bit {bit} of the chunks of {len} bytes");
		}
		for bit in 0..proof.siblings.len() * 256 {
			let mut other = proof.clone();
			other.siblings[bit / 256][bit / 8 % 32] ^= 1 << (bit % 8);
			assert!(!passes(&other, &reference, range.clone()), "bit {bit} of the siblings of {len} bytes");
		}
		for bit in 0..256 {
			let mut other = reference;
			other.root[bit / 8] ^= 1 << (bit % 8);
			assert!(!passes(&proof, &other, range.clone()), "bit {bit} of the root of {len} bytes");
		}
		for bit in 0..64 {
			let index = proof.start ^ 1 << bit;
			let mut other = proof.clone();
			other.start = index;
			assert!(!passes(&other, &reference, range.clone()), "bit {bit} of the proof's start");
			assert!(!passes(&proof, &reference, index..range.end), "bit {bit} of the start asked for");
			let mut other = proof.clone();
			other.len ^= 1 << bit;
			assert!(!passes(&other, &reference, range.clone()), "bit {bit} of the proof's length");
			let end = range.end ^ 1 << bit;
			assert!(!passes(&proof, &reference, range.start..end), "bit {bit} of the end asked for");
		}
	}
}

#[test]
fn a_proof_with_more_or_fewer_parts_is_refused() {
	let bytes = blob(9 * CHUNK);
	let reference = BlobRef::of(&bytes);
	let proof = RangeProof::new(&bytes, 100..200).expect("the range is within the blob");
	let mut longer = proof.clone();
	longer.siblings.push([0; 32]);
	assert_eq!(longer.verify(&reference, 100..200), Err(ProofError::SiblingCount));
	let mut shorter = proof.clone();
	shorter.siblings.pop();
	assert_eq!(shorter.verify(&reference, 100..200), Err(ProofError::SiblingCount));
	let mut fuller = proof.clone();
	fuller.chunks.push(0);
	assert_eq!(fuller.verify(&reference, 100..200), Err(ProofError::ChunkBytes));
	assert_eq!(proof.verify(&reference, 101..200), Err(ProofError::OtherRange));
}

#[test]
fn a_proof_of_the_last_chunk_authenticates_the_length() {
	for len in boundaries().into_iter().filter(|len| *len > 0) {
		let bytes = blob(len);
		let reference = BlobRef::of(&bytes);
		let proof = RangeProof::of_end(&bytes).expect("the blob is not empty");
		assert_eq!(proof.authenticates_len(&reference), Ok(()));
		let lies = (0..64).map(|bit| reference.len ^ 1 << bit).chain([reference.len + 1, reference.len - 1]);
		for lie in lies {
			let other = BlobRef { len: lie, ..reference };
			assert!(proof.authenticates_len(&other).is_err(), "{len} bytes pass for {lie}");
			// Nor does the liar's own proof, which names the end of the length it claims.
			let own = RangeProof { start: lie.saturating_sub(1), ..proof.clone() };
			assert!(own.authenticates_len(&other).is_err(), "{len} bytes pass for {lie}");
		}
	}
}

#[test]
fn an_earlier_chunk_does_not_authenticate_the_length() {
	let bytes = blob(3 * CHUNK);
	let proof = RangeProof::new(&bytes, 0..10).expect("the range is within the blob");
	assert_eq!(proof.authenticates_len(&BlobRef::of(&bytes)), Err(ProofError::NotTheEnd));
}

#[test]
fn a_blob_of_any_stated_length_is_refused_without_work() {
	let proof = RangeProof { start: 0, len: 1, chunks: vec![0; CHUNK], siblings: vec![] };
	for (len, error) in [(u64::MAX, ProofError::OutOfRange), (MAX_BLOB_LEN, ProofError::SiblingCount)] {
		assert_eq!(proof.verify(&BlobRef { root: [0; 32], len }, 0..1), Err(error));
	}
}

proptest! {
	#[test]
	fn any_range_of_any_blob_is_proved(len in 1usize..20_000, a in any::<u64>(), b in any::<u64>()) {
		let bytes = blob(len);
		let (a, b) = (a % len as u64, b % len as u64);
		let range = a.min(b)..a.max(b) + 1;
		let proof = RangeProof::new(&bytes, range.clone()).expect("the range is within the blob");
		let expected = &bytes[range.start as usize..range.end as usize];
		prop_assert_eq!(proof.verify(&BlobRef::of(&bytes), range), Ok(expected));
	}

	#[test]
	fn no_proof_passes_for_another_blob(
		len in 1usize..9_000,
		at in any::<u64>(),
		chunks in proptest::collection::vec(any::<u8>(), 0..3_000),
		siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..6),
	) {
		let start = at % len as u64;
		let proof = RangeProof { start, len: 1, chunks, siblings };
		prop_assert!(proof.verify(&BlobRef::of(&blob(len)), start..start + 1).is_err());
	}
}
