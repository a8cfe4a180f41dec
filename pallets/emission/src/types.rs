//! What the pallet stores and is configured with.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_primitives::Tick;
use polkadot_sdk::sp_runtime::{Perbill, traits::CheckedAdd};
use scale_info::TypeInfo;

/// Whom something is put aside for, each in a pot of its own. What is the treasury's goes to it at once.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Pot {
	/// Who makes blocks.
	#[codec(index = 0)]
	Authors,
	/// Who re-runs claims.
	#[codec(index = 1)]
	Verifiers,
	/// Whose weights are used.
	#[codec(index = 2)]
	Trainers,
}

impl Pot {
	/// Every pot.
	pub const ALL: [Self; 3] = [Self::Authors, Self::Verifiers, Self::Trainers];
}

/// Who gets which part of what the schedule issues. What is nobody's is not minted.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Shares {
	/// The part of the block authors.
	pub authors: Perbill,
	/// The part of the verifiers.
	pub verifiers: Perbill,
	/// The part of the trainers.
	pub trainers: Perbill,
	/// The part of the treasury.
	pub treasury: Perbill,
}

impl Shares {
	/// Whether they are together no more than the whole. If they are more, the later ones get what the earlier leave.
	pub fn fit(&self) -> bool {
		[self.verifiers, self.trainers, self.treasury]
			.iter()
			.try_fold(self.authors, |sum, share| sum.checked_add(share).filter(|sum| *sum <= Perbill::one()))
			.is_some()
	}
}

/// How far the emission has come.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Position {
	/// The tick at which it starts.
	pub start: Tick,
	/// The ticks since then whose periods are over and put aside.
	pub done: Tick,
}
