//! Which pieces of a blob a peer has that has not all of it, and which piece is the rarest.

use oda_blobs::{BlobRef, Ranges, group_count};
use std::{
	hash::{DefaultHasher, Hash, Hasher},
	ops::Range,
};

/// Groups in a piece, what one request asks for: 1 MiB.
pub const PIECE: u64 = 64;

/// Most pieces that a peer tells of: those of the first 64 GiB of a blob.
const MOST: u64 = 1 << 16;

/// Pieces among which the rarest is looked for.
const CANDIDATES: usize = 256;

/// The pieces of a blob that a peer has all of: a bit for each, the lowest of a byte first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bitfield(Vec<u8>);

impl Bitfield {
	fn count(blob: &BlobRef) -> u64 {
		group_count(blob.len).div_ceil(PIECE).min(MOST)
	}

	/// Bytes that say which pieces of a blob a peer has: at most 8 KiB.
	pub fn encoded_len(blob: &BlobRef) -> usize {
		usize::try_from(Self::count(blob).div_ceil(8)).unwrap_or(usize::MAX)
	}

	/// All pieces but those of which groups are missing.
	pub(crate) fn without(blob: &BlobRef, missing: &Ranges) -> Self {
		let count = Self::count(blob);
		let mut bytes = vec![0; Self::encoded_len(blob)];
		let mut set =
			|pieces: Range<u64>| pieces.for_each(|piece| bytes[(piece / 8) as usize] |= 1 << (piece % 8));
		let mut next = 0;
		for range in missing.iter() {
			set(next..(range.start / PIECE).min(count));
			next = range.end.div_ceil(PIECE);
		}
		set(next..count);
		Self(bytes)
	}

	/// The bits as they are sent.
	pub fn encode(&self) -> &[u8] {
		&self.0
	}

	/// `None` if the length is not [`encoded_len`](Self::encoded_len), or a bit is set that stands for no piece.
	pub fn decode(blob: &BlobRef, bytes: Vec<u8>) -> Option<Self> {
		let beyond = bytes.last().is_some_and(|last| match Self::count(blob) % 8 {
			0 => false,
			bits => last >> bits != 0,
		});
		(bytes.len() == Self::encoded_len(blob) && !beyond).then_some(Self(bytes))
	}

	fn has(&self, piece: u64) -> bool {
		self.0.get((piece / 8) as usize).is_some_and(|byte| byte >> (piece % 8) & 1 == 1)
	}
}

/// The groups to ask somebody for who has `theirs`, or all if that is `None`: the next of `todo`, counted from the
/// group `from` on. If there are `others` who have pieces, then of the next those that the fewest of them have, and
/// of those as rare any, as the peer's `salt` has it, for many choose at the same time. They do not go beyond a
/// piece, so that their pairs lie together.
pub(crate) fn rarest(
	todo: &Ranges,
	from: u64,
	theirs: Option<&Bitfield>,
	others: &[&Bitfield],
	salt: u64,
) -> Option<Range<u64>> {
	let pieces = todo.iter_from(from).flat_map(|range| {
		let mut start = range.start;
		std::iter::from_fn(move || {
			let piece = start..range.end.min((start / PIECE + 1) * PIECE);
			start = piece.end;
			(!piece.is_empty()).then_some(piece)
		})
	});
	let mut theirs = pieces.filter(|groups| theirs.is_none_or(|theirs| theirs.has(groups.start / PIECE)));
	if others.is_empty() {
		return theirs.next();
	}
	theirs.take(CANDIDATES).min_by_key(|groups| {
		let piece = groups.start / PIECE;
		let mut order = DefaultHasher::new();
		(salt, piece).hash(&mut order);
		(others.iter().filter(|other| other.has(piece)).count(), order.finish())
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::collections::HashSet;

	fn blob(pieces: u64) -> BlobRef {
		BlobRef { root: [7; 32], len: pieces << 20 }
	}

	fn pieces(of: &BlobRef, missing: impl IntoIterator<Item = Range<u64>>) -> Bitfield {
		Bitfield::without(of, &missing.into_iter().collect())
	}

	#[test]
	fn pieces_are_aligned_and_cover_everything() {
		let mut todo: Ranges = [3..10, 60..200].into_iter().collect();
		let mut from = 100;
		let asked = std::iter::from_fn(|| {
			let groups = rarest(&todo, from, None, &[], 0)?;
			todo.remove(groups.clone());
			from = groups.end;
			Some(groups)
		});
		let asked = asked.collect::<Vec<_>>();
		assert_eq!(asked, [100..128, 128..192, 192..200, 3..10, 60..64, 64..100]);
		assert_eq!(group_count(1 << 20), PIECE);
	}

	#[test]
	fn a_piece_is_there_when_no_group_of_it_is_missing() {
		let blob = blob(20);
		let some = pieces(&blob, [0..1, 130..131, 192..256, 1279..1280]);
		let has: Vec<_> = (0..21).filter(|piece| some.has(*piece)).collect();
		assert_eq!(has, [&[1][..], &(4..19).collect::<Vec<_>>()].concat());
		assert_eq!(Bitfield::decode(&blob, some.encode().to_vec()), Some(some));
		assert_eq!(pieces(&blob, Some(0..1280)).encode(), [0; 3]);
		assert_eq!(pieces(&blob, None).encode(), [255, 255, 15]);
	}

	#[test]
	fn what_stands_for_no_piece_is_refused() {
		let blob = blob(12);
		assert!(Bitfield::decode(&blob, vec![255, 15]).is_some());
		assert_eq!(Bitfield::decode(&blob, vec![255, 31]), None, "a thirteenth piece");
		assert_eq!(Bitfield::decode(&blob, vec![255]), None);
		assert_eq!(Bitfield::decode(&blob, vec![255, 15, 0]), None);
		let long = BlobRef { len: 1 << 48, ..blob };
		assert_eq!(Bitfield::encoded_len(&long), 8192);
		assert!(!pieces(&long, None).has(MOST));
	}

	#[test]
	fn the_rarest_that_somebody_has_is_asked_for() {
		let blob = blob(4);
		let todo: Ranges = std::iter::once(0..256).collect();
		let (a, b) = (pieces(&blob, Some(0..64)), pieces(&blob, Some(0..128)));
		for salt in 0..20 {
			assert_eq!(rarest(&todo, 0, None, &[&a, &b], salt), Some(0..64), "nobody has the first");
			assert_eq!(rarest(&todo, 0, Some(&a), &[&a, &b], salt), Some(64..128), "one has the second");
		}
		let any: HashSet<_> = (0..20).map(|salt| rarest(&todo, 0, Some(&b), &[&a, &b], salt)).collect();
		assert_eq!(any, [Some(128..192), Some(192..256)].into(), "both are as rare");
		let rest: Ranges = std::iter::once(0..64).collect();
		assert_eq!(rarest(&rest, 0, Some(&a), &[&a, &b], 0), None);
	}
}
