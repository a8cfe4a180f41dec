//! Votes by tier on the polls of referenda, with delegation by track.
//!
//! An account has as many votes as its [tier](oda_pallet_traits::Tiers), and those that others delegate to it
//! for the poll's track. A [`Tally`] adds them up: *approval* is the part of the ayes in the votes cast,
//! *support* their part in all votes that there are ([`TotalVotes`]). Polls are kept elsewhere, behind
//! [`Polling`].
//!
//! Every tally is the sum of the ballots as they weigh now: when what is delegated to an account changes, its
//! votes on ongoing polls are counted anew at once. They are a bounded list, and so is what that costs. When
//! its tier changes ([`TierWatcher`]), it is written down as [behind](Behind), which costs little whatever it
//! has voted on; its votes follow in one of the next blocks, which see to as many accounts as they have room
//! for, or when anybody has it [catch up](Pallet::catch_up), which is free.
//!
//! Votes on polls that are over count nowhere; they stay on the list until anybody has them
//! [forgotten](Pallet::forget), which is free too. Only then does a vote become [`Evidence`]: once a poll, if
//! the poll was decided and the vote counted in the end.
//!
//! ```
//! use polkadot_sdk::{frame_support::traits::Polling, sp_runtime::Perbill};
//!
//! /// The part of all votes that is cast on a poll.
//! fn cast<T: pallet_tier_voting::Config>(poll: pallet_tier_voting::Poll) -> Option<Perbill> {
//!     let (tally, _track) = T::Polls::as_ongoing(poll)?;
//!     let all = pallet_tier_voting::TotalVotes::<T>::get();
//!     (all > 0).then(|| Perbill::from_rational(tally.ayes.saturating_add(tally.nays), all))
//! }
//! ```
//!
//! [`Evidence`]: oda_pallet_traits::Evidence
//! [`Polling`]: polkadot_sdk::frame_support::traits::Polling
//! [`TierWatcher`]: oda_pallet_traits::TierWatcher

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod delegations;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod tiers;
pub mod types;
mod votes;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Ballot, Class, Delegation, Listed, Poll, Tally, Turnout, Votes};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_pallet_funds as funds;
use oda_pallet_traits::{Evidence, Tier, Tiers};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{Consideration, Footprint, Polling},
		weights::WeightMeter,
	},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::{SaturatedConversion, TryRuntimeError},
};

/// An account's votes.
pub type BallotsOf<T> = BoundedVec<Ballot, <T as Config>::MaxVotes>;

/// An account's delegations, at most one a track.
pub type DelegationsOf<T> =
	BoundedVec<Delegation<<T as frame_system::Config>::AccountId>, <T as Config>::MaxClasses>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; nothing written here uses either.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What votes need.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The polls, and their tallies.
		type Polls: Polling<Tally<Self>, Index = Poll, Votes = Votes, Class = Class>;

		/// The accounts' tiers. Whoever keeps them tells this pallet of each change, genesis included,
		/// through [`TierWatcher`](oda_pallet_traits::TierWatcher).
		type Tiers: Tiers<Self::AccountId>;

		/// Who is told that an account has voted.
		type Evidence: Evidence<Self::AccountId>;

		/// The deposit for a list of votes, and the one for a list of delegations; with
		/// [`HoldReason::ListDeposit`].
		type ListDeposit: Consideration<Self::AccountId, Footprint>;

		/// The most ongoing polls on which an account can vote. Catching up with a changed tier costs, at
		/// worst, what counting so many votes anew costs, times the number of tracks.
		#[pallet::constant]
		type MaxVotes: Get<u32>;

		/// The most tracks for which an account can delegate its votes: as many as there are.
		#[pallet::constant]
		type MaxClasses: Get<u32>;

		/// What a block may spend on accounts that are behind; enough for one.
		type CatchUpWeight: Get<Weight>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;

		/// Lets time pass for polls: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposits for an account's lists of votes and of delegations.
		#[codec(index = 0)]
		ListDeposit,
	}

	/// All votes that there are: the sum of the tiers that count, of all accounts.
	#[pallet::storage]
	pub type TotalVotes<T: Config> = StorageValue<_, Votes, ValueQuery>;

	/// The accounts whose tier is another one than the one that counts, which this is.
	#[pallet::storage]
	pub type Behind<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Tier>;

	/// The votes of an account, on polls that are ongoing and on some that are over.
	#[pallet::storage]
	pub type VotesOf<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Listed<BallotsOf<T>, <T as Config>::ListDeposit>>;

	/// The delegations of an account.
	#[pallet::storage]
	pub type Delegations<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Listed<DelegationsOf<T>, <T as Config>::ListDeposit>>;

	/// The votes that are delegated to an account for a track: the sum of its delegators' tiers, if not zero.
	#[pallet::storage]
	pub type Delegated<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, Class, Votes, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account voted on a poll, or changed its vote.
		#[codec(index = 0)]
		Voted {
			/// The voter.
			who: T::AccountId,
			/// The poll.
			poll: Poll,
			/// Whether the vote is for it.
			aye: bool,
			/// The number of votes that it counts as, until that changes.
			votes: Votes,
		},
		/// An account took its vote on a poll back.
		#[codec(index = 1)]
		Retracted {
			/// The voter.
			who: T::AccountId,
			/// The poll.
			poll: Poll,
		},
		/// An account delegated its votes on the polls of a track.
		#[codec(index = 2)]
		Delegated {
			/// The delegator.
			who: T::AccountId,
			/// The track.
			class: Class,
			/// The delegate, instead of any before.
			to: T::AccountId,
		},
		/// An account no longer delegates its votes on the polls of a track.
		#[codec(index = 3)]
		Undelegated {
			/// The delegator.
			who: T::AccountId,
			/// The track.
			class: Class,
			/// The delegate until now.
			from: T::AccountId,
		},
		/// An account's votes on polls that are over were dropped.
		#[codec(index = 4)]
		Forgotten {
			/// The voter.
			who: T::AccountId,
			/// The number of polls.
			polls: u32,
			/// The number of these that were decided as the account's vote counted.
			decided: u32,
		},
		/// The votes of an account count as its tier is now.
		#[codec(index = 5)]
		CaughtUp {
			/// The account.
			who: T::AccountId,
			/// The tier that counts from now on.
			tier: Tier,
		},
	}

	/// Why somebody cannot vote or delegate.
	#[pallet::error]
	pub enum Error<T> {
		/// The account has no tier, so it has no votes.
		#[codec(index = 0)]
		NoTier,
		/// The poll does not exist or is over.
		#[codec(index = 1)]
		NotOngoing,
		/// The account has no vote on this poll.
		#[codec(index = 2)]
		NotVoted,
		/// The account's list of votes is full. Votes on polls that are over can be forgotten.
		#[codec(index = 3)]
		TooManyVotes,
		/// None of the account's votes is on a poll that is over.
		#[codec(index = 4)]
		NothingToForget,
		/// The account delegates its votes of this track; it has to undelegate them to vote itself.
		#[codec(index = 5)]
		VotesDelegated,
		/// No polls have this track.
		#[codec(index = 6)]
		NoSuchClass,
		/// The account has votes on ongoing polls of this track; it has to retract them to delegate.
		#[codec(index = 7)]
		HasVotes,
		/// An account cannot delegate to itself.
		#[codec(index = 8)]
		SelfDelegation,
		/// The delegate delegates its own votes of this track. It could not vote.
		#[codec(index = 9)]
		DelegateDelegates,
		/// The account delegates its votes of this track to the same account already.
		#[codec(index = 10)]
		AlreadyDelegated,
		/// The account delegates its votes of as many tracks as it can.
		#[codec(index = 11)]
		TooManyDelegations,
		/// The account does not delegate its votes of this track.
		#[codec(index = 12)]
		NotDelegated,
		/// The account's votes count as its tier is.
		#[codec(index = 13)]
		NotBehind,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Votes on a poll, or changes a vote.
		///
		/// The vote weighs what the voter's tier and the votes delegated to it are, at any time until the
		/// poll is over. Puts the list's deposit on hold with the first vote.
		///
		/// - `poll`: the poll, ongoing.
		/// - `aye`: whether to vote for it.
		///
		/// Event: `Voted`. Errors: `NoTier`, `NotOngoing`, `VotesDelegated`, `TooManyVotes`; the deposit
		/// cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::vote())]
		pub fn vote(origin: OriginFor<T>, poll: Poll, aye: bool) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_vote(who, poll, aye)
		}

		/// Takes a vote on an ongoing poll back, and the list's deposit with the last one.
		///
		/// - `poll`: the poll, ongoing.
		///
		/// Event: `Retracted`. Errors: `NotOngoing`, `NotVoted`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::retract())]
		pub fn retract(origin: OriginFor<T>, poll: Poll) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_retract(who, poll)
		}

		/// Drops an account's votes on polls that are over, and returns the list's deposit with the last one.
		/// Those that counted when their poll was decided are evidence for the account. Anybody may; free,
		/// unless it fails.
		///
		/// - `who`: the voter.
		///
		/// Event: `Forgotten`. Error: `NothingToForget`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::forget(T::MaxVotes::get()))]
		pub fn forget(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let visited = Self::do_forget(&who)?;
			Ok((Some(T::WeightInfo::forget(visited)), Pays::No).into())
		}

		/// Has a poll looked at anew on which nobody votes: it starts, passes, fails or stops confirming if
		/// it is due.
		///
		/// - `poll`: the poll, ongoing.
		///
		/// Error: `NotOngoing`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::poke())]
		pub fn poke(origin: OriginFor<T>, poll: Poll) -> DispatchResult {
			ensure_signed(origin)?;
			Self::touch(poll, |_tally| ())
		}

		/// Delegates the caller's votes on the polls of a track, instead of to any delegate before.
		///
		/// The caller's tier, but nothing that is delegated to the caller, is added to the delegate's votes,
		/// for as long as the delegate has a tier itself. Puts the list's deposit on hold with the first
		/// delegation.
		///
		/// - `class`: the track.
		/// - `to`: the delegate, which does not delegate its own votes of the track.
		///
		/// Event: `Delegated`. Errors: `SelfDelegation`, `NoSuchClass`, `DelegateDelegates`, `HasVotes`,
		/// `AlreadyDelegated`, `TooManyDelegations`; the deposit cannot be held.
		#[pallet::call_index(4)]
		#[pallet::weight({
			let votes = T::MaxVotes::get();
			T::WeightInfo::delegate(votes).saturating_add(T::WeightInfo::undelegate(votes))
		})]
		pub fn delegate(origin: OriginFor<T>, class: Class, to: T::AccountId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let (left, joined) = Self::do_delegate(who, class, to)?;
			let leaving = left.map_or(Weight::zero(), T::WeightInfo::undelegate);
			Ok(Some(T::WeightInfo::delegate(joined).saturating_add(leaving)).into())
		}

		/// Ends the caller's delegation of a track, and returns the list's deposit with the last one.
		///
		/// - `class`: the track.
		///
		/// Event: `Undelegated`. Error: `NotDelegated`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::undelegate(T::MaxVotes::get()))]
		pub fn undelegate(origin: OriginFor<T>, class: Class) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let touched = Self::do_undelegate(who, class)?;
			Ok(Some(T::WeightInfo::undelegate(touched)).into())
		}

		/// Lets the votes of an account count as its tier is now, instead of in one of the next blocks.
		/// Anybody may; free, unless it fails.
		///
		/// - `who`: the account, whose tier has changed.
		///
		/// Event: `CaughtUp`. Error: `NotBehind`.
		#[pallet::call_index(6)]
		#[pallet::weight(Pallet::<T>::most_catching_up())]
		pub fn catch_up(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let touched = Self::do_catch_up(&who)?;
			Ok((Some(T::WeightInfo::catch_up(touched)), Pays::No).into())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::catch_up_some(meter);
		}

		fn integrity_test() {
			assert!(T::MaxVotes::get() > 0, "an account can vote");
			let needed = Self::most_catching_up().saturating_add(Self::looking());
			assert!(needed.all_lte(T::CatchUpWeight::get()), "an account can catch up in a block");
			let classes: u32 = T::Polls::classes().len().saturated_into();
			assert!(T::MaxClasses::get() >= classes, "an account can delegate its votes of every track");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// An account's votes, on polls that are ongoing and on some that are over.
		pub fn votes_of(who: T::AccountId) -> Vec<Ballot> {
			VotesOf::<T>::get(who).map(|listed| listed.list.into_inner()).unwrap_or_default()
		}

		/// What an account's vote on a poll of this track would weigh: nothing if it has no tier or delegates
		/// its votes.
		pub fn weight_of(who: T::AccountId, class: Class) -> Votes {
			if Self::delegate_of(&who, class).is_some() { 0 } else { Self::weight(&who, class) }
		}

		/// The account's delegations.
		pub fn delegations_of(who: T::AccountId) -> Vec<Delegation<T::AccountId>> {
			Delegations::<T>::get(who).map(|listed| listed.list.into_inner()).unwrap_or_default()
		}

		/// How an ongoing poll stands.
		pub fn turnout(poll: Poll) -> Option<Turnout> {
			let (tally, _class) = T::Polls::as_ongoing(poll)?;
			Some(Turnout { ayes: tally.ayes, nays: tally.nays, total: TotalVotes::<T>::get() })
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Lets `change` see to a list, whose deposit is taken when it is no longer empty, and returned when it
	/// is again.
	pub(crate) fn mutate_list<Item, Max: Get<u32>, R>(
		who: &T::AccountId,
		listed: &mut Option<Listed<BoundedVec<Item, Max>, T::ListDeposit>>,
		footprint: Footprint,
		change: impl FnOnce(&mut BoundedVec<Item, Max>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		let (mut list, ticket) = match listed.take() {
			Some(Listed { list, ticket }) => (list, Some(ticket)),
			None => (BoundedVec::new(), None),
		};
		let result = change(&mut list)?;
		if list.is_empty() {
			if let Some(ticket) = ticket {
				funds::return_deposit(ticket, who);
			}
		} else {
			let ticket = match ticket {
				Some(ticket) => ticket,
				None => T::ListDeposit::new(who, footprint)?,
			};
			*listed = Some(Listed { list, ticket });
		}
		Ok(result)
	}

	/// What an account's votes take in the storage, if there are as many as there can be.
	pub(crate) fn votes_footprint() -> Footprint {
		let bytes = T::AccountId::max_encoded_len().saturating_add(BallotsOf::<T>::max_encoded_len());
		Footprint::from_parts(1, bytes)
	}

	/// What an account's delegations take in the storage, if there are as many as there can be, with what is
	/// counted for their delegates.
	pub(crate) fn delegations_footprint() -> Footprint {
		let account = T::AccountId::max_encoded_len();
		let entry = account.saturating_add(Class::max_encoded_len()).saturating_add(Votes::max_encoded_len());
		let entries = entry.saturating_mul(T::MaxClasses::get().saturated_into());
		let list = account.saturating_add(DelegationsOf::<T>::max_encoded_len());
		Footprint::from_parts(1, list.saturating_add(entries))
	}
}
