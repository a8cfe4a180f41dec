//! Per-record scores, packed: what a trainer claims and the chain keeps for a head.

use crate::limits::MAX_SCORE_BYTES;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// How a record's score is packed.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ScoreKind {
	/// 0 or 1, one bit: record `i` is bit `i mod 8`, least significant first, of byte `i / 8`; the bits
	/// after the last record are 0.
	#[codec(index = 0)]
	Bit,
	/// An `i32`, four little-endian bytes.
	#[codec(index = 1)]
	I32,
}

impl ScoreKind {
	/// Bytes of the list for `records` records.
	pub fn packed_bytes(self, records: u32) -> u64 {
		match self {
			ScoreKind::Bit => u64::from(records).div_ceil(8),
			ScoreKind::I32 => u64::from(records).saturating_mul(4),
		}
	}
}

/// Why a list is not one of so many scores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScoresError {
	/// Too short or too long.
	Length,
	/// A bit after the last record is set.
	PaddingBits,
	/// A score to pack that is neither 0 nor 1, for a list of bits.
	NotABit,
	/// Longer than [`MAX_SCORE_BYTES`].
	TooLong,
}

impl fmt::Display for ScoresError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Length => "the score list has the wrong length",
			Self::PaddingBits => "a bit after the last record is set",
			Self::NotABit => "a score is neither 0 nor 1",
			Self::TooLong => "the score list is too long",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for ScoresError {}

/// A checked view of a packed list.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
	kind: ScoreKind,
	records: u32,
	bytes: &'a [u8],
}

impl<'a> Scores<'a> {
	/// Checks that `bytes` is exactly a list of `records` scores.
	pub fn new(kind: ScoreKind, records: u32, bytes: &'a [u8]) -> Result<Self, ScoresError> {
		let len = kind.packed_bytes(records);
		if len > MAX_SCORE_BYTES {
			return Err(ScoresError::TooLong);
		}
		if bytes.len() as u64 != len {
			return Err(ScoresError::Length);
		}
		if kind == ScoreKind::Bit && !records.is_multiple_of(8) {
			let unused = bytes.last().copied().unwrap_or_default().wrapping_shr(records % 8);
			if unused != 0 {
				return Err(ScoresError::PaddingBits);
			}
		}
		Ok(Self { kind, records, bytes })
	}

	/// How many records.
	pub fn records(&self) -> u32 {
		self.records
	}

	/// The score of record `index`; `None` past the end.
	pub fn get(&self, index: u32) -> Option<i32> {
		if index >= self.records {
			return None;
		}
		let index = usize::try_from(index).ok()?;
		match self.kind {
			ScoreKind::Bit => {
				let byte = self.bytes.get(index / 8)?;
				Some(i32::from(byte.wrapping_shr(u32::try_from(index % 8).ok()?) & 1))
			}
			ScoreKind::I32 => self.bytes.as_chunks::<4>().0.get(index).map(|w| i32::from_le_bytes(*w)),
		}
	}

	/// The exact sum: the model's score.
	pub fn sum(&self) -> i64 {
		match self.kind {
			ScoreKind::Bit => self.bytes.iter().fold(0i64, |n, b| n.saturating_add(b.count_ones().into())),
			ScoreKind::I32 => self
				.bytes
				.as_chunks::<4>()
				.0
				.iter()
				.fold(0i64, |n, w| n.saturating_add(i32::from_le_bytes(*w).into())),
		}
	}

	/// On how many records this list is strictly above, and strictly below, `other`.
	pub fn won_lost(&self, other: &Scores<'_>) -> (u32, u32) {
		if self.kind == ScoreKind::Bit && other.kind == ScoreKind::Bit {
			return self.bytes.iter().zip(other.bytes).fold((0u32, 0u32), |(won, lost), (a, b)| {
				(won.saturating_add((a & !b).count_ones()), lost.saturating_add((!a & b).count_ones()))
			});
		}
		(0..self.records.min(other.records)).fold((0u32, 0u32), |(won, lost), i| {
			match self.get(i).cmp(&other.get(i)) {
				core::cmp::Ordering::Greater => (won.saturating_add(1), lost),
				core::cmp::Ordering::Less => (won, lost.saturating_add(1)),
				core::cmp::Ordering::Equal => (won, lost),
			}
		})
	}
}

/// Packs one score per record.
pub fn pack(kind: ScoreKind, scores: &[i32]) -> Result<Vec<u8>, ScoresError> {
	let records = u32::try_from(scores.len()).map_err(|_| ScoresError::TooLong)?;
	if kind.packed_bytes(records) > MAX_SCORE_BYTES {
		return Err(ScoresError::TooLong);
	}
	match kind {
		ScoreKind::Bit => scores
			.chunks(8)
			.map(|bits| {
				bits.iter().rev().try_fold(0u8, |byte, &bit| match bit {
					0 => Ok(byte << 1),
					1 => Ok(byte << 1 | 1),
					_ => Err(ScoresError::NotABit),
				})
			})
			.collect(),
		ScoreKind::I32 => Ok(scores.iter().flat_map(|s| s.to_le_bytes()).collect()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn bits_survive_packing() {
		let scores: Vec<i32> = (0..21).map(|i| i32::from(i % 3 == 0)).collect();
		let bytes = pack(ScoreKind::Bit, &scores).unwrap();
		let list = Scores::new(ScoreKind::Bit, 21, &bytes).unwrap();
		assert_eq!((0..21).map(|i| list.get(i).unwrap()).collect::<Vec<_>>(), scores);
		assert_eq!(list.sum(), 7);
		assert_eq!(list.get(21), None);
	}

	#[test]
	fn words_survive_packing() {
		let scores = [i32::MIN, -1, 0, i32::MAX];
		let bytes = pack(ScoreKind::I32, &scores).unwrap();
		let list = Scores::new(ScoreKind::I32, 4, &bytes).unwrap();
		assert_eq!((0..4).map(|i| list.get(i).unwrap()).collect::<Vec<_>>(), scores);
		assert_eq!(list.sum(), -2);
	}

	#[test]
	fn a_list_of_the_wrong_length_is_refused() {
		assert_eq!(Scores::new(ScoreKind::Bit, 9, &[0]).unwrap_err(), ScoresError::Length);
		assert_eq!(Scores::new(ScoreKind::Bit, 8, &[0, 0]).unwrap_err(), ScoresError::Length);
		assert_eq!(Scores::new(ScoreKind::I32, 1, &[0; 5]).unwrap_err(), ScoresError::Length);
	}

	#[test]
	fn a_set_padding_bit_is_refused() {
		assert_eq!(Scores::new(ScoreKind::Bit, 9, &[0, 2]).unwrap_err(), ScoresError::PaddingBits);
		assert!(Scores::new(ScoreKind::Bit, 9, &[255, 1]).is_ok());
	}

	#[test]
	fn a_score_that_is_no_bit_is_refused() {
		assert_eq!(pack(ScoreKind::Bit, &[0, 2]), Err(ScoresError::NotABit));
	}

	#[test]
	fn a_list_over_64_kib_is_refused() {
		assert_eq!(pack(ScoreKind::I32, &[0; 16_385]), Err(ScoresError::TooLong));
		assert!(pack(ScoreKind::I32, &[0; 16_384]).is_ok());
	}

	#[test]
	fn wins_and_losses_are_counted_per_record() {
		let (a, b) = ([1, 1, 0, 0, 1, 0, 0, 0, 1], [0, 1, 1, 0, 0, 0, 0, 1, 0]);
		for kind in [ScoreKind::Bit, ScoreKind::I32] {
			let (a, b) = (pack(kind, &a).unwrap(), pack(kind, &b).unwrap());
			let a = Scores::new(kind, 9, &a).unwrap();
			let b = Scores::new(kind, 9, &b).unwrap();
			assert_eq!(a.won_lost(&b), (3, 2));
		}
	}
}
