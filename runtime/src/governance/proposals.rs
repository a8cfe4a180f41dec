//! Who may propose what, and how many proposals there can be.
//!
//! Referenda 50.0.0 has a queue for each track and an alarm for each referendum. If a queue is full, what
//! does not fit is stranded for ever, with its deposit; if the agenda of a block is full, an alarm is lost,
//! and only debug builds say so. Neither happens if there are never more ongoing referenda than fit.
//! [`Proposers`] sees to that: it lists those of each track, drops from the list what is over whenever
//! somebody proposes something, and lets in no more than [`MAX_ONGOING`].
//!
//! So that nobody can keep others from proposing for little, a referendum for which nobody has placed the
//! decision deposit makes room for a new one: the oldest such one is cancelled, and its deposit can be had
//! back. Whoever proposes and places the deposit in one batch is safe from that. An account has at most
//! [`MAX_EACH`] on a track, so that filling one takes eight accounts with tiers, and [`MAX_ONGOING`] decision
//! deposits, which are burned if the referenda are killed.

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

use super::{
	origins::TrackId,
	tracks::{COUNT, MOST_DECIDING, Tracks},
};
use crate::*;
use frame_support::traits::EnsureOriginWithArg;
use frame_system::RawOrigin;
use oda_pallet_traits::Tiers;
use pallet_referenda::{ReferendumIndex, TracksInfo};
use sp_runtime::traits::BlockNumberProvider;

pub use pallet::*;

/// The most ongoing referenda of a track.
pub const MAX_ONGOING: u32 = 16;

/// The most of them that one account has submitted.
pub const MAX_EACH: u32 = 2;

/// The most that a track's queue takes: all that can be ongoing, and as many that were cancelled while they
/// waited, which stay in it until their turn.
pub const MAX_QUEUED: u32 = MAX_ONGOING.saturating_mul(2);

/// The most that is scheduled for one block: an alarm for each ongoing referendum, one for each place that
/// becomes free, and as many calls of approved referenda as can be ongoing.
pub const MAX_SCHEDULED: u32 = 256;
const _: () = assert!(MAX_SCHEDULED >= 2 * COUNT * MAX_ONGOING + MOST_DECIDING);

#[frame_support::pallet]
pub mod pallet {
	use super::{MAX_ONGOING, ReferendumIndex, TrackId};
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, weights::WeightMeter},
		frame_system::pallet_prelude::BlockNumberFor,
		sp_runtime::traits::{One, Saturating},
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {}

	/// The number of blocks so far in which no migration ran: referenda and the scheduler go by it, so that
	/// nothing is dispatched on a state that is half migrated. It goes on in safe mode, which voters can end.
	#[pallet::storage]
	pub type Now<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// The referenda of each track that were ongoing when the last one was submitted, in the order of their
	/// numbers.
	#[pallet::storage]
	pub type Ongoing<T> =
		StorageMap<_, Twox64Concat, TrackId, BoundedVec<ReferendumIndex, ConstU32<MAX_ONGOING>>, ValueQuery>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			if meter.try_consume(T::DbWeight::get().reads_writes(1, 1)).is_ok() {
				Now::<T>::mutate(|now| *now = now.saturating_add(One::one()));
			}
		}
	}
}

impl Config for Runtime {}

impl Pallet<Runtime> {
	/// Checks that every ongoing referendum is on its track's list: only what is listed is counted.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		for (index, info) in pallet_referenda::ReferendumInfoFor::<Runtime>::iter() {
			if let pallet_referenda::ReferendumInfo::Ongoing(status) = info {
				let listed = Ongoing::<Runtime>::get(status.track).contains(&index);
				frame_support::ensure!(listed, "an ongoing referendum is not listed");
			}
		}
		Ok(())
	}
}

impl BlockNumberProvider for Pallet<Runtime> {
	type BlockNumber = BlockNumber;

	fn current_block_number() -> BlockNumber {
		Now::<Runtime>::get()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_block_number(block: BlockNumber) {
		Now::<Runtime>::put(block);
	}
}

/// Whoever has the tier that the track takes, while the track has room.
pub struct Proposers;

impl Proposers {
	/// Lists the referendum that somebody is about to submit on a track; whether there is room for it.
	fn enter(who: &AccountId, track: TrackId) -> bool {
		let index = pallet_referenda::ReferendumCount::<Runtime>::get();
		Ongoing::<Runtime>::mutate(track, |ongoing| {
			let (mut own, mut yields) = (0u32, None);
			ongoing.retain(|index| match Referenda::ensure_ongoing(*index) {
				Ok(status) => {
					own = own.saturating_add((status.submission_deposit.who == *who).into());
					yields = yields.or_else(|| status.decision_deposit.is_none().then_some(*index));
					true
				}
				Err(_) => false,
			});
			if own >= MAX_EACH {
				return false;
			}
			if ongoing.is_full() {
				let Some(oldest) = yields else { return false };
				ongoing.retain(|index| *index != oldest);
				if Referenda::cancel(RawOrigin::Root.into(), oldest).is_err() {
					return false;
				}
			}
			ongoing.try_push(index).is_ok()
		})
	}
}

impl EnsureOriginWithArg<RuntimeOrigin, OriginCaller> for Proposers {
	type Success = AccountId;

	/// Writes: within a call, which undoes it if it fails.
	fn try_origin(origin: RuntimeOrigin, by: &OriginCaller) -> Result<AccountId, RuntimeOrigin> {
		let track = Tracks::track_for(by).ok();
		let needed = track.and_then(|track| Some((track, Tracks::proposers(track)?)));
		match (&origin.caller, needed) {
			(OriginCaller::system(RawOrigin::Signed(who)), Some((track, tier)))
				if Reputation::tier(who) >= tier && Self::enter(who, track) =>
			{
				Ok(who.clone())
			}
			_ => Err(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &OriginCaller) -> Result<RuntimeOrigin, ()> {
		let who = AccountId::from([7; 32]);
		<Reputation as Tiers<_>>::set_for_benchmark(&who, oda_pallet_traits::Tier::MAX);
		Ok(RawOrigin::Signed(who).into())
	}
}
