//! The tree that BLAKE3 hashes a blob as, down to groups of 16 KiB, and walks over it that check what they meet.
//!
//! Inner nodes are numbered in pre-order: the left child of node *i* is *i* + 1, and a subtree of *n* groups has
//! *n* − 1 inner nodes. So an outboard is the pairs of child values in that order, and those of a subtree lie
//! together.

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use oda_primitives::BlobRef;
use std::ops::Range;

/// Bytes in a group, the unit of verification: sixteen chunks of BLAKE3.
pub const GROUP_LEN: u64 = 16 << 10;

/// Bytes of a pair of child values.
pub(crate) const PAIR_LEN: usize = 64;

/// The two children's chaining values.
pub(crate) type Pair = [u8; PAIR_LEN];

/// How many groups a blob of `len` bytes has; the empty blob has one, which is empty.
pub fn group_count(len: u64) -> u64 {
	len.div_ceil(GROUP_LEN).max(1)
}

/// The bytes of some groups of a blob of `len` bytes.
pub(crate) fn bytes_of(groups: &Range<u64>, len: u64) -> Range<u64> {
	let at = |group: u64| group.saturating_mul(GROUP_LEN).min(len);
	at(groups.start)..at(groups.end)
}

/// Bytes of the slice that holds `groups` of a blob of `len` bytes: the pairs on the way, then the groups, in
/// pre-order.
pub fn slice_len(len: u64, groups: &Range<u64>) -> u64 {
	let mut pairs = 0u64;
	let mut stack = vec![Subtree::whole(len)];
	while let Some(subtree) = stack.pop() {
		if let Some((left, right)) = subtree.halves() {
			pairs += 1;
			stack.extend([right, left].into_iter().filter(|half| half.touches(groups)));
		}
	}
	let bytes = bytes_of(groups, len);
	pairs * PAIR_LEN as u64 + (bytes.end - bytes.start)
}

/// A subtree: the groups it covers and its root's number in pre-order.
#[derive(Clone, Copy)]
pub(crate) struct Subtree {
	pub(crate) start: u64,
	pub(crate) end: u64,
	pub(crate) number: u64,
	whole: bool,
}

impl Subtree {
	/// The tree of a blob of `len` bytes.
	pub(crate) fn whole(len: u64) -> Self {
		Self { start: 0, end: group_count(len), number: 0, whole: true }
	}

	pub(crate) fn groups(&self) -> u64 {
		self.end - self.start
	}

	/// Cuts a subtree of more than one group in two; the left half is the largest complete tree.
	pub(crate) fn halves(&self) -> Option<(Self, Self)> {
		let groups = self.groups();
		if groups < 2 {
			return None;
		}
		let left = groups.next_power_of_two() / 2;
		let middle = self.start + left;
		Some((
			Self { start: self.start, end: middle, number: self.number + 1, whole: false },
			Self { start: middle, end: self.end, number: self.number + left, whole: false },
		))
	}

	pub(crate) fn touches(&self, groups: &Range<u64>) -> bool {
		self.start < groups.end && groups.start < self.end
	}

	/// The value of a subtree of one group, from its bytes.
	pub(crate) fn leaf_value(&self, bytes: &[u8]) -> [u8; 32] {
		if self.whole {
			return *blake3::hash(bytes).as_bytes();
		}
		let mut hasher = blake3::Hasher::new();
		hasher.set_input_offset(self.start * GROUP_LEN).update(bytes);
		hasher.finalize_non_root()
	}

	/// The value of a subtree of several groups, from its children's.
	pub(crate) fn pair_value(&self, pair: &Pair) -> [u8; 32] {
		let (left, right) = values(pair);
		if self.whole {
			*merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
		} else {
			merge_subtrees_non_root(&left, &right, Mode::Hash)
		}
	}
}

/// A pair's two values.
pub(crate) fn values(pair: &Pair) -> ([u8; 32], [u8; 32]) {
	let (mut left, mut right) = ([0; 32], [0; 32]);
	left.copy_from_slice(&pair[..32]);
	right.copy_from_slice(&pair[32..]);
	(left, right)
}

/// What was given does not belong to the blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the bytes from group {group} on are not the blob's")]
pub struct WrongBytes {
	/// The first group that can be wrong.
	pub group: u64,
}

/// What comes next on a walk.
pub(crate) enum Step {
	/// The pair with this number.
	Pair(u64),
	/// A group: its number.
	Group(u64),
}

/// A walk over some groups of a blob in pre-order, checking each pair and each group against the root.
pub(crate) struct Walk {
	groups: Range<u64>,
	stack: Vec<(Subtree, [u8; 32])>,
}

impl Walk {
	/// `groups` is not empty and lies within the blob.
	pub(crate) fn new(blob: &BlobRef, groups: Range<u64>) -> Self {
		Self { groups, stack: vec![(Subtree::whole(blob.len), blob.root)] }
	}

	pub(crate) fn next(&self) -> Option<Step> {
		let (subtree, _) = self.stack.last()?;
		Some(if subtree.groups() > 1 { Step::Pair(subtree.number) } else { Step::Group(subtree.start) })
	}

	/// Goes past a pair, if it is the right one.
	pub(crate) fn pair(&mut self, pair: &Pair) -> Result<(), WrongBytes> {
		let Some((subtree, value)) = self.stack.pop() else { return Ok(()) };
		if subtree.pair_value(pair) != value {
			return Err(WrongBytes { group: subtree.start.max(self.groups.start) });
		}
		if let Some((left, right)) = subtree.halves() {
			let (left_value, right_value) = values(pair);
			for (half, value) in [(right, right_value), (left, left_value)] {
				if half.touches(&self.groups) {
					self.stack.push((half, value));
				}
			}
		}
		Ok(())
	}

	/// Goes past a group, if its bytes are the right ones.
	pub(crate) fn group(&mut self, bytes: &[u8]) -> Result<(), WrongBytes> {
		let Some((subtree, value)) = self.stack.pop() else { return Ok(()) };
		if subtree.leaf_value(bytes) != value {
			return Err(WrongBytes { group: subtree.start });
		}
		Ok(())
	}

	/// Leaves out the subtree that comes next.
	pub(crate) fn skip(&mut self) {
		self.stack.pop();
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_tree_is_blake3s() {
		for len in [0u64, 1, 16_383, 16_384, 16_385, 32_768, 32_769, 49_153, 163_840, 1_000_001] {
			let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
			fn value(subtree: Subtree, bytes: &[u8]) -> [u8; 32] {
				match subtree.halves() {
					None => {
						let range = bytes_of(&(subtree.start..subtree.end), bytes.len() as u64);
						subtree.leaf_value(&bytes[range.start as usize..range.end as usize])
					}
					Some((left, right)) => {
						let mut pair = [0; PAIR_LEN];
						pair[..32].copy_from_slice(&value(left, bytes));
						pair[32..].copy_from_slice(&value(right, bytes));
						subtree.pair_value(&pair)
					}
				}
			}
			assert_eq!(value(Subtree::whole(len), &bytes), *blake3::hash(&bytes).as_bytes(), "{len}");
		}
	}

	#[test]
	fn the_inner_nodes_are_numbered_without_gaps() {
		for groups in 1..70u64 {
			let mut stack = vec![Subtree::whole(groups * GROUP_LEN)];
			let mut next = 0;
			while let Some(subtree) = stack.pop() {
				if let Some((left, right)) = subtree.halves() {
					assert_eq!(subtree.number, next);
					next += 1;
					stack.extend([right, left]);
				}
			}
			assert_eq!(next, groups - 1);
		}
	}
}
