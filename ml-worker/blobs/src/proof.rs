//! Range proofs, made from outboards: without reading more of a blob than the groups that the range touches.

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
	/// Proves `range`.
	///
	/// # Errors
	///
	/// [`BlobError::OutOfRange`] if it is empty or not within the blob; [`BlobError::Damaged`] if what is on disk does
	/// not prove it.
	pub fn prove(&self, range: Range<u64>) -> Result<RangeProof, BlobError> {
		self.healing(|| self.read_proof(range.clone()))
	}

	fn read_proof(&self, range: Range<u64>) -> Result<RangeProof, BlobError> {
		let len = self.blob().len;
		if range.is_empty() || range.end > len {
			return Err(BlobError::OutOfRange { start: range.start, end: range.end, len });
		}
		let wanted = range.start / CHUNK_LEN * CHUNK_LEN..range.end.next_multiple_of(CHUNK_LEN).min(len);
		let groups = wanted.start / GROUP_LEN..wanted.end.div_ceil(GROUP_LEN);
		let mut proof = RangeProof {
			start: range.start,
			len: range.end - range.start,
			chunks: Vec::with_capacity((wanted.end - wanted.start) as usize),
			siblings: Vec::new(),
		};
		let mut pairs = PairReader::new(self.pairs());
		// Pre-order, the right half waiting while the left is cut.
		let mut stack = vec![(Subtree::whole(len), self.blob().root)];
		while let Some((subtree, value)) = stack.pop() {
			if !subtree.touches(&groups) {
				proof.siblings.push(value);
			} else if let Some((left, right)) = subtree.halves() {
				let pair = pairs.read(subtree.number).map_err(BlobError::io(self.path()))?;
				let (first, second) = values(&pair);
				stack.extend([(right, second), (left, first)]);
			} else {
				self.read_group(subtree.start, &wanted, &mut proof)?;
			}
		}
		match proof.verify(&self.blob(), range) {
			Ok(_) => Ok(proof),
			Err(_) => Err(BlobError::Damaged { root: self.blob().root, group: groups.start }),
		}
	}

	/// Adds what a group has of the wanted chunks, and the values of what lies beside them in it.
	fn read_group(&self, group: u64, wanted: &Range<u64>, proof: &mut RangeProof) -> Result<(), BlobError> {
		let bytes = bytes_of(&(group..group + 1), self.blob().len);
		let mut data = vec![0; (bytes.end - bytes.start) as usize];
		self.data().read_exact_at(&mut data, bytes.start).map_err(BlobError::io(self.path()))?;
		let at =
			|range: &Range<u64>| (range.start - bytes.start) as usize..(range.end - bytes.start) as usize;
		let mut stack = vec![bytes.clone()];
		while let Some(part) = stack.pop() {
			let len = part.end - part.start;
			if part.end <= wanted.start || wanted.end <= part.start {
				proof.siblings.push(chaining_value(&data[at(&part)], part.start));
			} else if len > CHUNK_LEN {
				let middle = part.start + left_subtree_len(len);
				stack.extend([middle..part.end, part.start..middle]);
			} else {
				proof.chunks.extend_from_slice(&data[at(&part)]);
			}
		}
		Ok(())
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
			let others = [len - 1..len, 0..len, len / 3..len - len / 4, len / 2..(len / 2 + 2_000).min(len)];
			for range in others {
				let expected = RangeProof::new(&bytes, range.clone()).unwrap();
				assert_eq!(slices.prove(range.clone()).unwrap(), expected, "{range:?} of {len}");
			}
		}
	}

	#[test]
	fn nothing_and_what_lies_outside_is_refused() {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		let slices = store.slices(&store.put(&[1; 5_000]).unwrap()).unwrap();
		for range in [4_999..5_001, 7..7, 6_000..6_001] {
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
