//! Range proofs of single chunks, made from outboards: without hashing more of a blob than a group.

use crate::{
	BlobError, Slices,
	outboard::PairReader,
	tree::{GROUP_LEN, Subtree, bytes_of, values},
};
use blake3::hazmat::{HasherExt, left_subtree_len};
use oda_primitives::{CHUNK_LEN, RangeProof};
use std::{ops::Range, os::unix::fs::FileExt};

/// The chaining value of a subtree within a group, from its bytes.
fn chaining_value(bytes: &[u8], start: u64) -> [u8; 32] {
	let mut hasher = blake3::Hasher::new();
	hasher.set_input_offset(start).update(bytes);
	hasher.finalize_non_root()
}

impl Slices {
	/// Proves `range`, which lies within one chunk of 1,024 bytes.
	///
	/// # Errors
	///
	/// [`BlobError::OutOfRange`] if it does not; [`BlobError::Damaged`] if what is on disk does not prove it.
	pub fn prove(&self, range: Range<u64>) -> Result<RangeProof, BlobError> {
		let len = self.blob().len;
		let chunk = range.start / CHUNK_LEN * CHUNK_LEN;
		let end = (chunk + CHUNK_LEN).min(len);
		if range.is_empty() || range.end > end {
			return Err(BlobError::OutOfRange { start: range.start, end: range.end, len });
		}
		let group = chunk / GROUP_LEN;
		// In pre-order what lies to the left of the way down comes first, from the top; then what lies to its
		// right, from the bottom.
		let (mut left, mut right) = (Vec::new(), Vec::new());
		let mut pairs = PairReader::new(self.pairs());
		let mut subtree = Subtree::whole(len);
		while let Some((first, second)) = subtree.halves() {
			let pair = pairs.read(subtree.number).map_err(BlobError::io(self.path()))?;
			let (first_value, second_value) = values(&pair);
			subtree = if first.touches(&(group..group + 1)) {
				right.push(second_value);
				first
			} else {
				left.push(first_value);
				second
			};
		}
		let bytes = bytes_of(&(group..group + 1), len);
		let mut data = vec![0; (bytes.end - bytes.start) as usize];
		self.data().read_exact_at(&mut data, bytes.start).map_err(BlobError::io(self.path()))?;
		let at = |place: u64| (place - bytes.start) as usize;
		let mut part = bytes.clone();
		while part.end - part.start > CHUNK_LEN {
			let middle = part.start + left_subtree_len(part.end - part.start);
			if chunk >= middle {
				left.push(chaining_value(&data[at(part.start)..at(middle)], part.start));
				part.start = middle;
			} else {
				right.push(chaining_value(&data[at(middle)..at(part.end)], middle));
				part.end = middle;
			}
		}
		left.extend(right.into_iter().rev());
		let proof = RangeProof {
			start: range.start,
			len: range.end - range.start,
			chunks: data[at(part.start)..at(part.end)].to_vec(),
			siblings: left,
		};
		match proof.verify(&self.blob(), range) {
			Ok(_) => Ok(proof),
			Err(_) => Err(BlobError::Damaged { root: self.blob().root, group }),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Store;

	#[test]
	fn a_proof_is_the_one_that_is_made_from_all_bytes() {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		for len in [1u64, 1_023, 1_024, 1_025, 5_000, 16_384, 16_385, 40_000, 131_072, 300_001] {
			let bytes: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
			let slices = store.slices(&store.put(&bytes).unwrap()).unwrap();
			for start in (0..len).step_by(1_024) {
				let range = start..(start + 1_024).min(len);
				let expected = RangeProof::new(&bytes, range.clone()).unwrap();
				assert_eq!(slices.prove(range).unwrap(), expected, "{start} of {len}");
			}
			let last = len - 1..len;
			assert_eq!(slices.prove(last.clone()).unwrap(), RangeProof::new(&bytes, last).unwrap());
		}
	}

	#[test]
	fn more_than_a_chunk_or_nothing_is_refused() {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		let slices = store.slices(&store.put(&[1; 5_000]).unwrap()).unwrap();
		for range in [0..1_025, 1_000..1_030, 4_999..5_001, 7..7, 6_000..6_001] {
			assert!(matches!(slices.prove(range.clone()), Err(BlobError::OutOfRange { .. })), "{range:?}");
		}
	}

	#[test]
	fn a_damaged_file_proves_nothing() {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		let blob = store.put(&[1; 50_000]).unwrap();
		let slices = store.slices(&blob).unwrap();
		let mut bytes = std::fs::read(store.path(&blob.root)).unwrap();
		bytes[20_000] ^= 1;
		std::fs::write(store.path(&blob.root), bytes).unwrap();
		assert!(matches!(slices.prove(19_456..20_480), Err(BlobError::Damaged { .. })));
	}
}
