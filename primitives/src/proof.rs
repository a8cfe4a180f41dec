//! Range proofs: that some bytes stand at some place of a blob, checked against its BLAKE3 root.
//!
//! BLAKE3 hashes a blob as a binary tree over chunks of 1,024 bytes; the left subtree of a node is the
//! largest complete one. A proof holds the chunks that the range touches, whole, and the chaining values of
//! the subtrees beside them in pre-order (section 2.1 of the BLAKE3 paper). Nothing but BLAKE3 is hashed, so
//! the blob's identity, its transport checks and its evidence are one root.

use crate::blob::{BlobRef, CHUNK_LEN, MAX_BLOB_LEN};
use alloc::vec::Vec;
use blake3::hazmat::{
	ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, ops::Range};
use scale_info::TypeInfo;

/// Why a proof cannot be made, or is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ProofError {
	/// The range is empty or does not lie within the blob, or the blob exceeds [`MAX_BLOB_LEN`].
	#[codec(index = 0)]
	OutOfRange,
	/// The proof was made for another range.
	#[codec(index = 1)]
	OtherRange,
	/// The chunks are not exactly those that the range touches.
	#[codec(index = 2)]
	ChunkBytes,
	/// Too few or too many chaining values for this range of a blob of this length.
	#[codec(index = 3)]
	SiblingCount,
	/// The bytes do not hash to the blob's root.
	#[codec(index = 4)]
	RootMismatch,
	/// The proof does not hold the blob's last chunk, which alone authenticates its length.
	#[codec(index = 5)]
	NotTheEnd,
}

impl fmt::Display for ProofError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::OutOfRange => "the range is empty or outside the blob",
			Self::OtherRange => "the proof is for another range",
			Self::ChunkBytes => "the proof's chunks are not those the range touches",
			Self::SiblingCount => "the proof has too few or too many chaining values",
			Self::RootMismatch => "the bytes do not hash to the blob's root",
			Self::NotTheEnd => "the proof does not hold the blob's last chunk",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for ProofError {}

/// That some bytes stand at some place of a blob.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RangeProof {
	/// The first byte of the range.
	pub start: u64,
	/// How many bytes the range has.
	pub len: u64,
	/// The chunks that the range touches, whole: at most 1,023 bytes more on either side.
	pub chunks: Vec<u8>,
	/// The chaining values of the subtrees that the range does not touch, in pre-order.
	pub siblings: Vec<[u8; 32]>,
}

/// The bytes of all chunks that `range` touches, in a blob of `len` bytes.
fn covered(range: &Range<u64>, len: u64) -> Result<Range<u64>, ProofError> {
	if range.is_empty() || range.end > len || len > MAX_BLOB_LEN {
		return Err(ProofError::OutOfRange);
	}
	let start = range.start.saturating_sub(range.start % CHUNK_LEN);
	let end = range.end.checked_next_multiple_of(CHUNK_LEN).map_or(len, |end| end.min(len));
	Ok(start..end)
}

/// Whether two ranges share a byte.
fn touch(a: &Range<u64>, b: &Range<u64>) -> bool {
	a.start < b.end && b.start < a.end
}

/// Cuts a subtree of more than one chunk in two.
fn halves(subtree: &Range<u64>) -> Option<(Range<u64>, Range<u64>)> {
	let len = subtree.end.checked_sub(subtree.start).filter(|len| *len > CHUNK_LEN)?;
	let middle = subtree.start.checked_add(left_subtree_len(len))?;
	Some((subtree.start..middle, middle..subtree.end))
}

/// The chaining value of a subtree that is not the root, from its bytes.
fn chaining_value(bytes: &[u8], start: u64) -> ChainingValue {
	let mut hasher = blake3::Hasher::new();
	hasher.set_input_offset(start).update(bytes);
	hasher.finalize_non_root()
}

/// `range` of `bytes`, as indices.
fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
	bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

impl RangeProof {
	/// Proves `range` of `blob`. Hashes all of it, once.
	pub fn new(blob: &[u8], range: Range<u64>) -> Result<Self, ProofError> {
		let len = blob.len() as u64;
		let wanted = covered(&range, len)?;
		let chunks = slice(blob, &wanted).ok_or(ProofError::OutOfRange)?.to_vec();
		let mut siblings = Vec::new();
		// Pre-order, the right half waiting while the left is cut: at most one range waits per level.
		let mut stack = Vec::new();
		stack.push(0..len);
		while let Some(subtree) = stack.pop() {
			if !touch(&subtree, &wanted) {
				let bytes = slice(blob, &subtree).ok_or(ProofError::OutOfRange)?;
				siblings.push(chaining_value(bytes, subtree.start));
			} else if let Some((left, right)) = halves(&subtree) {
				stack.push(right);
				stack.push(left);
			}
		}
		let len = range.end.saturating_sub(range.start);
		Ok(Self { start: range.start, len, chunks, siblings })
	}

	/// Proves the last byte of `blob`, and with it the blob's length; `OutOfRange` for the empty blob, whose
	/// length its root says.
	pub fn of_end(blob: &[u8]) -> Result<Self, ProofError> {
		let len = blob.len() as u64;
		Self::new(blob, len.saturating_sub(1)..len)
	}

	/// The bytes that this says stand at its range, which only [`Self::verify`] shows; `None` if it does not hold them.
	pub fn unverified(&self) -> Option<&[u8]> {
		let skipped = self.start % CHUNK_LEN;
		slice(&self.chunks, &(skipped..skipped.checked_add(self.len)?))
	}

	/// The range's bytes, if this proves that they stand at `range` of `blob`.
	pub fn verify(&self, blob: &BlobRef, range: Range<u64>) -> Result<&[u8], ProofError> {
		let wanted = covered(&range, blob.len)?;
		if self.start != range.start || self.start.checked_add(self.len) != Some(range.end) {
			return Err(ProofError::OtherRange);
		}
		if Some(self.chunks.len() as u64) != wanted.end.checked_sub(wanted.start) {
			return Err(ProofError::ChunkBytes);
		}
		if self.root(blob.len, &wanted)? != blob.root {
			return Err(ProofError::RootMismatch);
		}
		let offset = |at: u64| at.saturating_sub(wanted.start);
		slice(&self.chunks, &(offset(range.start)..offset(range.end))).ok_or(ProofError::ChunkBytes)
	}

	/// Whether this proves that `blob` has the length it states: it holds, and reaches the last chunk.
	///
	/// The empty blob needs no proof: its root is the hash of nothing, which no other blob has.
	pub fn authenticates_len(&self, blob: &BlobRef) -> Result<(), ProofError> {
		let end = self.start.checked_add(self.len).ok_or(ProofError::OutOfRange)?;
		self.verify(blob, self.start..end)?;
		if covered(&(self.start..end), blob.len)?.end != blob.len {
			return Err(ProofError::NotTheEnd);
		}
		Ok(())
	}

	/// The root of the blob of `len` bytes to which the proven range would belong: the one root for which this
	/// proof holds.
	pub fn implied_root(&self, len: u64) -> Result<[u8; 32], ProofError> {
		let end = self.start.checked_add(self.len).ok_or(ProofError::OutOfRange)?;
		self.root(len, &covered(&(self.start..end), len)?)
	}

	/// The root of a blob of `len` bytes that has this proof's chunks at `wanted`, and its siblings beside.
	fn root(&self, len: u64, wanted: &Range<u64>) -> Result<[u8; 32], ProofError> {
		let mut siblings = self.siblings.iter();
		if len <= CHUNK_LEN {
			if siblings.next().is_some() {
				return Err(ProofError::SiblingCount);
			}
			return Ok(*blake3::hash(&self.chunks).as_bytes());
		}
		/// What is left to do: cut a subtree, or merge the two values made last.
		enum Step {
			Visit(Range<u64>),
			Merge,
		}
		let mut steps = Vec::new();
		let (left, right) = halves(&(0..len)).ok_or(ProofError::OutOfRange)?;
		steps.push(Step::Visit(right));
		steps.push(Step::Visit(left));
		let mut values: Vec<ChainingValue> = Vec::new();
		while let Some(step) = steps.pop() {
			match step {
				Step::Visit(subtree) if !touch(&subtree, wanted) => {
					values.push(*siblings.next().ok_or(ProofError::SiblingCount)?);
				}
				Step::Visit(subtree) => match halves(&subtree) {
					Some((left, right)) => {
						steps.push(Step::Merge);
						steps.push(Step::Visit(right));
						steps.push(Step::Visit(left));
					}
					None => {
						let at = |place: u64| place.saturating_sub(wanted.start);
						let range = at(subtree.start)..at(subtree.end);
						let chunk = slice(&self.chunks, &range).ok_or(ProofError::ChunkBytes)?;
						values.push(chaining_value(chunk, subtree.start));
					}
				},
				Step::Merge => {
					let (right, left) = values.pop().zip(values.pop()).ok_or(ProofError::SiblingCount)?;
					values.push(merge_subtrees_non_root(&left, &right, Mode::Hash));
				}
			}
		}
		if siblings.next().is_some() {
			return Err(ProofError::SiblingCount);
		}
		match values.as_slice() {
			[left, right] => Ok(*merge_subtrees_root(left, right, Mode::Hash).as_bytes()),
			_ => Err(ProofError::SiblingCount),
		}
	}
}
