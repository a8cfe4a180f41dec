//! Pauses end by themselves, after a voting period.
//!
//! The SDK's pauses last until somebody lifts them. What has kept others from beginning anything would then
//! keep itself in power: who may not bond has no tier, and no vote on the pause.

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

pub use pallet::*;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{governance::proposals, tempo};
	use alloc::vec::Vec;
	use pallet_tx_pause::{PausedCalls, RuntimeCallNameOf, WeightInfo};
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, weights::WeightMeter},
		frame_system::{RawOrigin, pallet_prelude::BlockNumberFor},
		pallet_tx_pause,
		sp_runtime::traits::Saturating,
	};

	/// More calls than can be paused.
	pub const MAX_PAUSED: u32 = 32;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config + pallet_tx_pause::Config + proposals::Config + tempo::Config
	{
	}

	/// The calls that are paused, each with the block, as referenda count them, in which that was seen first.
	#[pallet::storage]
	pub type Since<T: Config> = StorageValue<
		_,
		BoundedVec<(RuntimeCallNameOf<T>, BlockNumberFor<T>), ConstU32<MAX_PAUSED>>,
		ValueQuery,
	>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::lift(meter);
		}
	}

	impl<T: Config> Pallet<T> {
		/// Lifts the pauses that are over.
		fn lift(meter: &mut WeightMeter) {
			let db = T::DbWeight::get();
			if meter.try_consume(db.reads(2)).is_err() {
				return;
			}
			let mut since = Since::<T>::get();
			if since.is_empty() && PausedCalls::<T>::iter_keys().next().is_none() {
				return;
			}
			let each = <T as pallet_tx_pause::Config>::WeightInfo::unpause().saturating_add(db.reads(1));
			let all = each.saturating_mul(MAX_PAUSED.into()).saturating_add(db.reads_writes(2, 1));
			if meter.try_consume(all).is_err() {
				return;
			}
			let (now, lasts) = (proposals::Now::<T>::get(), tempo::VotingPeriod::<T>::get());
			let paused: Vec<_> = PausedCalls::<T>::iter_keys().collect();
			since.retain(|(name, _)| paused.contains(name));
			for name in paused {
				if !since.iter().any(|(known, _)| *known == name) {
					// There is room for all that can be paused.
					let _ = since.try_push((name, now));
				}
			}
			since.retain(|(name, at)| {
				let over = at.saturating_add(lasts.into()) <= now;
				if over {
					// Root may, and the call is paused.
					let _ = pallet_tx_pause::Pallet::<T>::unpause(RawOrigin::Root.into(), name.clone());
				}
				!over
			});
			Since::<T>::put(since);
		}
	}
}

impl Config for crate::Runtime {}
