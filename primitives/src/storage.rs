//! Which bytes of a blob its keepers are challenged for, and how an answer is refused.
//!
//! Each round every keeper of a deal is asked for one chunk. Where the first one lies is drawn from the round's
//! seed; the others follow at equal distances, so that keepers that sit side by side are never asked for the same
//! chunk, as long as the blob has as many chunks as the deal has places.

use crate::{
	BlobRef, DealId, RoundNumber,
	blob::{CHUNK_LEN, MAX_BLOB_LEN},
	hash,
};
use core::ops::Range;

/// The most chaining values beside one chunk: the depth of the tree of a blob of [`MAX_BLOB_LEN`].
pub const MAX_CHUNK_SIBLINGS: u32 = (MAX_BLOB_LEN / CHUNK_LEN).ilog2();

/// Where the reasons for refusing a keeper's proof begin among the codes of `InvalidTransaction::Custom`, which all
/// pallets share: the code is this plus the index of the pallet's error.
pub const INVALID_PROOF: u8 = 128;

/// The bytes of `blob`, one whole chunk, that the keeper at place `slot` of `replicas` has to prove in `round`.
///
/// `seed` is the round's. The empty blob has no chunk, and the range is empty.
pub fn challenged_range(
	seed: &[u8; 32],
	deal: DealId,
	round: RoundNumber,
	slot: u32,
	replicas: u32,
	blob: &BlobRef,
) -> Range<u64> {
	let chunks = blob.len.div_ceil(CHUNK_LEN);
	let [a, b, c, d, e, f, g, h, ..] = hash::challenge_base(seed, deal, round);
	let base = u64::from_le_bytes([a, b, c, d, e, f, g, h]).checked_rem(chunks).unwrap_or_default();
	let step = chunks.checked_div(replicas.into()).unwrap_or_default();
	// There are less than 2^54 chunks, and a step of them for each place adds up to no more.
	let offset = u64::from(slot).saturating_mul(step);
	let chunk = base.saturating_add(offset).checked_rem(chunks).unwrap_or_default();
	let start = chunk.saturating_mul(CHUNK_LEN);
	start..start.saturating_add(CHUNK_LEN).min(blob.len)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::RangeProof;
	use alloc::{collections::BTreeSet, vec, vec::Vec};
	use proptest::prelude::*;

	fn blob(len: u64) -> BlobRef {
		BlobRef { root: [0; 32], len }
	}

	#[test]
	fn the_challenge_of_a_round_is_pinned() {
		let slots = |len| -> Vec<_> {
			(0..3).map(|slot| challenged_range(&[1; 32], 2, 3, slot, 3, &blob(len)).start).collect()
		};
		assert_eq!(slots(1), [0, 0, 0]);
		assert_eq!(slots(10 * CHUNK_LEN), [8, 1, 4].map(|chunk| chunk * CHUNK_LEN));
		assert_eq!(challenged_range(&[1; 32], 2, 3, 0, 3, &blob(0)), 0..0);
	}

	#[test]
	fn a_chunk_has_as_many_chaining_values_beside_it_as_the_tree_is_deep() {
		let fits = |len, siblings| {
			let siblings = vec![[5; 32]; siblings];
			let proof = RangeProof { start: 7 * CHUNK_LEN, len: CHUNK_LEN, chunks: vec![3; 1_024], siblings };
			proof.implied_root(len).is_ok()
		};
		let longest = MAX_CHUNK_SIBLINGS as usize;
		assert_eq!(longest, 38);
		for (len, depth) in [(8 << 10, 3), (1 << 30, 20), (MAX_BLOB_LEN, longest)] {
			assert!(fits(len, depth) && !fits(len, depth - 1) && !fits(len, depth + 1), "{len} bytes");
		}
	}

	#[test]
	fn every_chunk_is_asked_for_in_time() {
		let asked: BTreeSet<_> = (0..200)
			.map(|round| challenged_range(&[5; 32], 9, round, 0, 2, &blob(16 * 1_024)).start)
			.collect();
		assert_eq!(asked.len(), 16);
	}

	#[test]
	fn seed_deal_and_round_change_the_challenge() {
		let long = blob(MAX_BLOB_LEN);
		let ranges = [
			challenged_range(&[0; 32], 0, 0, 0, 1, &long),
			challenged_range(&[1; 32], 0, 0, 0, 1, &long),
			challenged_range(&[0; 32], 1, 0, 0, 1, &long),
			challenged_range(&[0; 32], 0, 1, 0, 1, &long),
		];
		let distinct: BTreeSet<_> = ranges.iter().map(|range| range.start).collect();
		assert_eq!(distinct.len(), ranges.len());
	}

	proptest! {
		#[test]
		fn a_challenge_is_one_whole_chunk_of_the_blob(
			seed: [u8; 32], deal: u64, round: u32, slot in 0..300u32, replicas in 0..300u32,
			len in prop_oneof![1..5_000u64, 1..=MAX_BLOB_LEN, Just(u64::MAX)],
		) {
			let range = challenged_range(&seed, deal, round, slot, replicas, &blob(len));
			prop_assert!(range.start < range.end && range.end <= len, "{range:?} of {len}");
			prop_assert_eq!(range.start % CHUNK_LEN, 0);
			prop_assert!(range.end == len || range.end - range.start == CHUNK_LEN);
		}

		#[test]
		fn keepers_are_asked_for_distinct_chunks(
			seed: [u8; 32], deal: u64, round: u32, replicas in 1..=64u32, more in 0..200u64,
		) {
			let len = (u64::from(replicas) + more) * CHUNK_LEN - 1_023;
			let starts: BTreeSet<_> = (0..replicas)
				.map(|slot| challenged_range(&seed, deal, round, slot, replicas, &blob(len)).start)
				.collect();
			prop_assert_eq!(starts.len(), replicas as usize);
		}
	}
}
