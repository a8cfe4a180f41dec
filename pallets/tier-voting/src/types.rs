//! What the pallet stores.

use crate::{Config, TotalVotes};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound, defensive, traits::VoteTally},
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

/// A number of votes. An account has as many as its tier, and those delegated to it.
pub type Votes = u32;

/// The number of a poll, such as a referendum. It is never used again.
pub type Poll = u32;

/// The number of a track of polls.
pub type Class = u16;

/// What the votes on a poll add up to.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Tally<T> {
	/// The votes for it.
	pub ayes: Votes,
	/// The votes against it.
	pub nays: Votes,
	_config: PhantomData<T>,
}

impl<T> Tally<T> {
	/// A tally of so many votes.
	pub fn from_parts(ayes: Votes, nays: Votes) -> Self {
		Self { ayes, nays, _config: PhantomData }
	}

	/// Counts a ballot as `to`, which counted as `from` until now.
	pub(crate) fn recount(&mut self, aye: bool, from: Votes, to: Votes) {
		exchange(if aye { &mut self.ayes } else { &mut self.nays }, from, to);
	}
}

/// A tally whose support is measured by all votes that there are.
impl<T: Config> VoteTally<Votes, Class> for Tally<T> {
	fn new(_: Class) -> Self {
		Self::from_parts(0, 0)
	}

	fn ayes(&self, _: Class) -> Votes {
		self.ayes
	}

	fn support(&self, _: Class) -> Perbill {
		ratio(self.ayes, TotalVotes::<T>::get())
	}

	fn approval(&self, _: Class) -> Perbill {
		ratio(self.ayes, self.ayes.saturating_add(self.nays))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn unanimity(_: Class) -> Self {
		Self::from_parts(TotalVotes::<T>::get(), 0)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn rejection(_: Class) -> Self {
		Self::from_parts(0, TotalVotes::<T>::get())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn from_requirements(support: Perbill, approval: Perbill, _: Class) -> Self {
		let ayes = support.mul_ceil(TotalVotes::<T>::get());
		let nays = approval.saturating_reciprocal_mul_floor(ayes).saturating_sub(ayes);
		Self::from_parts(ayes, nays)
	}

	/// Lets there be so many votes that one of them is a `granularity` of all.
	#[cfg(feature = "runtime-benchmarks")]
	fn setup(_: Class, granularity: Perbill) {
		TotalVotes::<T>::put(granularity.saturating_reciprocal_mul(1u32));
	}
}

/// Which part of `all` this is. Of nothing it is nothing: `Perbill::from_rational` says 100 %.
fn ratio(part: Votes, all: Votes) -> Perbill {
	if all == 0 { Perbill::zero() } else { Perbill::from_rational(part, all) }
}

/// Takes `from` out of a counter and puts `to` in.
///
/// Counters are exact. What is taken out was put in before. What is put in are tiers, those of different
/// accounts: a tier is at most 255, so that it takes more than 16 million accounts with tiers to overflow.
pub(crate) fn exchange(counter: &mut Votes, from: Votes, to: Votes) {
	*counter = counter.checked_sub(from).and_then(|rest| rest.checked_add(to)).unwrap_or_else(|| {
		defensive!("votes are counted exactly");
		counter.saturating_sub(from).saturating_add(to)
	});
}

/// A vote on a poll.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Ballot {
	/// The poll.
	pub poll: Poll,
	/// The poll's track.
	pub class: Class,
	/// Whether it is for it.
	pub aye: bool,
	/// What it counts as in the poll's tally; what it counted as, once the poll is over.
	pub votes: Votes,
}

/// An account to which another one delegates its votes on the polls of a track.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Delegation<AccountId> {
	/// The track.
	pub class: Class,
	/// The delegate.
	pub to: AccountId,
}

/// A list of an account, never empty.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Listed<List, Ticket> {
	/// What is on it.
	pub list: List,
	/// The account's deposit, the same for however long a list.
	pub ticket: Ticket,
}

/// How a poll stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Turnout {
	/// The votes for it.
	pub ayes: Votes,
	/// The votes against it.
	pub nays: Votes,
	/// All votes that there are.
	pub total: Votes,
}
