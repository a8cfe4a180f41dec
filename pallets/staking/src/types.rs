//! Pools, positions in them, and offences.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use crate::fund::{Fund, Shares};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt::Debug;
use oda_pallet_traits::Role;
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound},
	sp_runtime::{
		Perbill,
		traits::{AtLeast32BitUnsigned, Get, Zero},
	},
	sp_staking::SessionIndex,
};
use scale_info::TypeInfo;

/// What everything is kept under: what somebody bonds for, and who.
pub type Candidate<AccountId> = (Role, AccountId);

/// A commission that has been announced.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Raise {
	/// The commission then.
	pub to: Perbill,
	/// The first tick at which it counts.
	pub at: Tick,
}

/// The pool of a candidate.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pool<Balance> {
	/// What is bonded and delegated, and earns.
	pub active: Fund<Balance>,
	/// What is on its way out: it earns nothing, and is slashed as the other.
	pub leaving: Fund<Balance>,
	/// How many of the active shares are the operator's own.
	pub own: u128,
	/// How much of both answers for one thing alone, and stays until it is released.
	pub reserved: Balance,
	/// The own bond below which the candidate does not count.
	pub min_bond: Balance,
	/// The operator's part of each reward.
	pub commission: Perbill,
	/// The higher one that was announced.
	pub raise: Option<Raise>,
	/// Whether the candidate does not count, whatever its stake.
	pub chilled: bool,
	/// How many offences wait to be applied.
	pub offences: u32,
	/// How many positions there are.
	pub members: u32,
}

impl<Balance: AtLeast32BitUnsigned + Copy> Pool<Balance> {
	/// All that is at stake, leaving or not.
	pub fn total(&self) -> Balance {
		self.active.stake.saturating_add(self.leaving.stake)
	}

	/// The operator's own bond.
	pub fn own_bond(&self) -> Balance {
		self.active.worth(Shares { count: self.own, generation: self.active.generation })
	}

	/// The stake that counts: nothing if the candidate is chilled or its own bond too small.
	pub fn counted(&self) -> Balance {
		if self.chilled || self.own_bond() < self.min_bond { Zero::zero() } else { self.active.stake }
	}

	/// The commission at this tick.
	pub fn commission_at(&self, now: Tick) -> Perbill {
		self.raise.filter(|raise| raise.at <= now).map_or(self.commission, |raise| raise.to)
	}

	/// Whether nothing needs the pool any more.
	pub fn is_over(&self) -> bool {
		self.members == 0 && self.offences == 0 && self.reserved.is_zero() && self.total().is_zero()
	}
}

/// A part of a position that is on its way out.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Chunk<AccountId> {
	/// The shares of what is leaving.
	pub shares: Shares,
	/// The first tick at which it is out.
	pub until: Tick,
	/// The operator with whom it is to be delegated then, if any.
	pub to: Option<AccountId>,
}

/// What somebody has in a pool.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(AccountId: MaxEncodedLen))]
pub struct Position<AccountId: Clone + PartialEq + Eq + Debug, Max: Get<u32>> {
	/// The active shares.
	pub shares: Shares,
	/// What is on its way out.
	pub chunks: BoundedVec<Chunk<AccountId>, Max>,
}

impl<AccountId: Clone + PartialEq + Eq + Debug, Max: Get<u32>> Position<AccountId, Max> {
	/// Drops the shares that the pool has lost everything behind; whether there were any.
	pub fn drop_worthless<Balance: AtLeast32BitUnsigned + Copy>(&mut self, pool: &Pool<Balance>) -> bool {
		let live = pool.active.live(self.shares);
		let mut dropped = live != self.shares.count;
		self.shares = Shares { count: live, generation: pool.active.generation };
		self.chunks.retain(|chunk| {
			let live = pool.leaving.live(chunk.shares) > 0;
			dropped |= !live;
			live
		});
		dropped
	}

	/// Whether nothing is left of it.
	pub fn is_empty(&self) -> bool {
		self.shares.count == 0 && self.chunks.is_empty()
	}
}

/// What was behind a validator in a session: what its offences of that session are measured by.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Exposure<Balance> {
	/// Its active stake when it was elected.
	pub stake: Balance,
}

/// An offence that waits to be applied.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Offence<AccountId, Balance> {
	/// The validator.
	pub offender: AccountId,
	/// The session of the offence.
	pub session: SessionIndex,
	/// What was behind the validator in that session.
	pub exposure: Exposure<Balance>,
	/// How much of it the validator loses, for all that it did in that session.
	pub fraction: Perbill,
	/// Who reported it.
	pub reporter: Option<AccountId>,
}

/// A validator that equivocated and was reported.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Equivocator {
	/// The highest fraction that it was reported with: of those who equivocated, the worst are disabled.
	pub severity: Perbill,
	/// The first session in which it may bond again or come back.
	pub barred_until: SessionIndex,
}

/// The validators of a session that did not respond, and for how many sessions in a row they have not.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(AccountId: MaxEncodedLen))]
pub struct Absentees<AccountId: Clone + PartialEq + Eq + Debug, Max: Get<u32>> {
	/// The session.
	pub session: SessionIndex,
	/// Who was absent, and for how many sessions in a row.
	pub absent: BoundedVec<(AccountId, u32), Max>,
}

/// Why a candidate counts no more.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ChillReason {
	/// It asked for it.
	#[codec(index = 0)]
	Asked,
	/// Its own bond has left.
	#[codec(index = 1)]
	Left,
	/// The list of validators' candidates was full, and somebody with more stake came.
	#[codec(index = 2)]
	Displaced,
	/// It equivocated.
	#[codec(index = 3)]
	Equivocated,
	/// It did not respond for too many sessions in a row.
	#[codec(index = 4)]
	Absent,
	/// The account was suspended.
	#[codec(index = 5)]
	Suspended,
}

/// A candidate, for people.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct PoolView<Balance> {
	/// The operator's own bond.
	pub own: Balance,
	/// What is delegated.
	pub delegated: Balance,
	/// What is on its way out.
	pub leaving: Balance,
	/// How much cannot leave.
	pub reserved: Balance,
	/// The stake that counts, nothing if the candidate is chilled or its own bond too small.
	pub counted: Balance,
	/// The own bond below which it does not count.
	pub min_bond: Balance,
	/// The commission now.
	pub commission: Perbill,
	/// The higher one that is announced.
	pub raise: Option<Raise>,
	/// Whether it is chilled.
	pub chilled: bool,
	/// How many offences wait to be applied.
	pub offences: u32,
	/// How many accounts have something in the pool.
	pub members: u32,
}

/// A part of somebody's stake that is on its way out, for people.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ChunkView<AccountId, Balance> {
	/// What it is worth now.
	pub amount: Balance,
	/// The first tick at which it is out.
	pub until: Tick,
	/// The operator with whom it is to be delegated then, if any.
	pub to: Option<AccountId>,
}

/// What somebody has in a pool, for people.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct PositionView<AccountId, Balance> {
	/// What the pool is bonded for.
	pub role: Role,
	/// Whose pool it is.
	pub operator: AccountId,
	/// The active shares.
	pub shares: u128,
	/// What they are worth now.
	pub worth: Balance,
	/// What is on its way out.
	pub leaving: Vec<ChunkView<AccountId, Balance>>,
}
