//! Rounds, keepers and deals.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt::Debug;
use oda_primitives::{BlobRef, DealId, ModelId, RoundNumber, Tick};
use polkadot_sdk::{
	frame_support::{BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound},
	sp_runtime::traits::{AtLeast32BitUnsigned, Get, Zero},
};
use scale_info::TypeInfo;

/// What a stake and a bond are counted by: the bytes of one mebibyte.
pub const MIB: u64 = 1 << 20;

/// A round of challenges.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Round {
	/// Its number; the first is 1.
	pub number: RoundNumber,
	/// What its challenges are drawn from: [`oda_primitives::hash::round_seed`].
	pub seed: [u8; 32],
	/// The tick at which it started.
	pub started_at: Tick,
	/// The tick from which on the next round can start.
	pub ends_at: Tick,
}

/// A bonded keeper.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Keeper<Balance> {
	/// How many bytes it offers to keep.
	pub capacity: u64,
	/// How many bytes its replicas have.
	pub used: u64,
	/// What is on hold of its funds, and left after losses.
	pub bond: Balance,
	/// How much of the bond is at stake for replicas.
	pub staked: Balance,
	/// How many replicas it keeps.
	pub replicas: u32,
	/// Once it has announced that it leaves, and takes no replica any more: the first tick at which it can
	/// have its bond back.
	pub free_at: Option<Tick>,
}

/// A keeper's promise to answer for a blob.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Replica<AccountId, Balance> {
	/// The keeper who answers for it.
	pub keeper: AccountId,
	/// Its pay for each proved round.
	pub price: Balance,
	/// How much of the keeper's bond was put at stake for it.
	pub stake: Balance,
	/// What is left of that after losses.
	pub left: Balance,
	/// The first round in which it is challenged.
	pub first: RoundNumber,
	/// The last round that was proved.
	pub proved: Option<RoundNumber>,
	/// How many rounds in a row were missed, as far as the deal is settled.
	pub misses: u32,
	/// The last round of the term that the keeper has agreed to: of the deal, when it took the replica or agreed to
	/// stay.
	pub until: RoundNumber,
	/// The last round for which the keeper answers, once it has announced that it leaves.
	pub leaves_after: Option<RoundNumber>,
}

/// A place in a deal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Slot<AccountId, Balance> {
	/// Nobody keeps this replica.
	#[codec(index = 0)]
	Free {
		/// The round from which on its price rises.
		since: RoundNumber,
	},
	/// A keeper answers for this replica.
	#[codec(index = 1)]
	Kept(Replica<AccountId, Balance>),
}

impl<AccountId, Balance> Slot<AccountId, Balance> {
	/// The replica that is kept here.
	pub fn replica(&self) -> Option<&Replica<AccountId, Balance>> {
		match self {
			Self::Free { .. } => None,
			Self::Kept(replica) => Some(replica),
		}
	}
}

/// What goes for a deal, whatever the parameters are later.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Terms {
	/// In how many rounds a free slot's price rises to its most.
	pub raise_rounds: u32,
	/// For how many rounds more a keeper answers that leaves, and the deal runs if it is cancelled.
	pub quit_rounds: u32,
	/// What missed rounds cost.
	pub misses: MissRules,
}

/// An agreement that a blob is kept.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(AccountId: MaxEncodedLen, Balance: MaxEncodedLen))]
pub struct Deal<
	AccountId: Clone + PartialEq + Eq + Debug,
	Balance: Clone + PartialEq + Eq + Debug,
	Max: Get<u32>,
> {
	/// The account that pays.
	pub payer: AccountId,
	/// The model whose account that is, if the blob is its head's.
	pub model: Option<ModelId>,
	/// The blob that is kept.
	pub blob: BlobRef,
	/// The pay that a slot begins with, a proved round.
	pub price: Balance,
	/// The pay that it rises to.
	pub max_price: Balance,
	/// The last round.
	pub until: RoundNumber,
	/// The last round whose misses are accounted for.
	pub settled: RoundNumber,
	/// What is on hold of the payer's funds for it.
	pub funds: Balance,
	/// What else was agreed.
	pub terms: Terms,
	/// What is on hold of the payer's funds for the entry itself.
	pub deposit: Balance,
	/// One for each replica that the payer asks for.
	pub slots: BoundedVec<Slot<AccountId, Balance>, Max>,
}

/// How far the sweep over all deals has come.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Sweep {
	/// The round in which this pass began.
	pub began: RoundNumber,
	/// The deal visited last.
	pub after: Option<DealId>,
	/// Whether all deals were visited: the next pass begins in a later round.
	pub done: bool,
}

/// What missed rounds cost: see [`Replica::fate`].
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MissRules {
	/// How many misses in a row cost nothing but the pay.
	pub free: u32,
	/// How many misses in a row cost all that is left of the stake.
	pub max: u32,
}

/// A missed round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Miss<Balance> {
	/// The round that was missed.
	pub round: RoundNumber,
	/// How many were missed in a row, this one included.
	pub misses: u32,
	/// What it cost of the stake.
	pub lost: Balance,
}

/// How a replica ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
	/// Its stake is gone, in this round.
	Lost(RoundNumber),
	/// Its keeper left after this round.
	Left(RoundNumber),
}

/// What some rounds meant for a replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate<Balance> {
	/// The rounds that it missed, in order; never more than cost it its stake.
	pub misses: Vec<Miss<Balance>>,
	/// What is left of its stake.
	pub left: Balance,
	/// How many rounds in a row it has missed at the end.
	pub in_a_row: u32,
	/// Whether and how it ended.
	pub end: Option<End>,
}

impl<AccountId, Balance> Replica<AccountId, Balance> {
	/// The last round for which the keeper answers, if the deal does not end before.
	pub fn last(&self) -> RoundNumber {
		self.leaves_after.map_or(self.until, |last| last.min(self.until))
	}
}

impl<AccountId, Balance: AtLeast32BitUnsigned + Copy> Replica<AccountId, Balance> {
	/// What comes of the rounds after `settled` up to and including `last`, all of which are over.
	///
	/// A round that was not proved is missed. The first `rules.free` misses in a row cost the pay of their
	/// rounds, each further one half of the stake that the replica began with, the `rules.max`-th all that is
	/// left. A replica without stake is lost. So is told in at most `rules.max + 1` steps what any number of
	/// rounds meant, because at most one of them was proved: a proof settles the rounds before its own.
	pub fn fate(&self, settled: RoundNumber, last: RoundNumber, rules: MissRules) -> Fate<Balance> {
		let mut fate = Fate { misses: Vec::new(), left: self.left, in_a_row: self.misses, end: None };
		let mut round = self.first.max(settled.saturating_add(1));
		let leaves_after = self.last();
		while round <= last.min(leaves_after) {
			if self.proved != Some(round) {
				fate.in_a_row = fate.in_a_row.saturating_add(1);
				let lost = if fate.in_a_row >= rules.max {
					fate.left
				} else if fate.in_a_row > rules.free {
					let smaller_half = self.stake.checked_div(&2u32.into()).unwrap_or_else(Zero::zero);
					self.stake.saturating_sub(smaller_half).min(fate.left)
				} else {
					Zero::zero()
				};
				fate.left = fate.left.saturating_sub(lost);
				fate.misses.push(Miss { round, misses: fate.in_a_row, lost });
				if fate.left.is_zero() {
					fate.end = Some(End::Lost(round));
					return fate;
				}
			}
			round = round.saturating_add(1);
		}
		if leaves_after <= last {
			fate.end = Some(End::Left(leaves_after));
		}
		fate
	}
}
