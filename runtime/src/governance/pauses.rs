//! Pauses end by themselves, after a voting period.
//!
//! The SDK's pauses last until somebody lifts them. What has kept others from beginning anything would then keep itself in
//! power: who may not bond has no tier, and no vote on the pause.

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

use super::proposals::Now;
use crate::*;
use frame_support::{BoundedVec, traits::Get};
use frame_system::RawOrigin;
use pallet_tx_pause::{PausedCalls, RuntimeCallNameOf, WeightInfo};

pub use pallet::*;

/// The most calls that can be paused: see [`configs::governance::PAUSABLE`].
pub const MAX_PAUSED: u32 = 32;

#[frame_support::pallet]
pub mod pallet {
	use super::MAX_PAUSED;
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, weights::WeightMeter},
		frame_system::pallet_prelude::BlockNumberFor,
		pallet_tx_pause::RuntimeCallNameOf,
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config + polkadot_sdk::pallet_tx_pause::Config {
		/// Lifts the pauses that are over, as far as the weight goes.
		type Lift: super::Lift;
	}

	/// The calls that are paused, each with the block, as referenda count them, in which that was seen first.
	#[pallet::storage]
	pub type Since<T: Config> =
		StorageValue<_, BoundedVec<(RuntimeCallNameOf<T>, u32), ConstU32<MAX_PAUSED>>, ValueQuery>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			<T::Lift as super::Lift>::lift(meter);
		}
	}
}

/// See [`Config::Lift`].
pub trait Lift {
	/// Lifts the pauses that are over.
	fn lift(meter: &mut frame_support::weights::WeightMeter);
}

impl Config for Runtime {
	type Lift = Pallet<Runtime>;
}

impl Lift for Pallet<Runtime> {
	fn lift(meter: &mut frame_support::weights::WeightMeter) {
		let db = <Runtime as frame_system::Config>::DbWeight::get();
		if meter.try_consume(db.reads(2)).is_err() {
			return;
		}
		let mut since = Since::<Runtime>::get();
		if since.is_empty() && PausedCalls::<Runtime>::iter_keys().next().is_none() {
			return;
		}
		let each = db.reads(1).saturating_add(<Runtime as pallet_tx_pause::Config>::WeightInfo::unpause());
		if meter.try_consume(each.saturating_mul(MAX_PAUSED.into()).saturating_add(db.writes(1))).is_err() {
			return;
		}
		let (now, lasts) = (Now::<Runtime>::get(), tempo::VotingBlocks::<Runtime>::get());
		let paused: Vec<RuntimeCallNameOf<Runtime>> = PausedCalls::<Runtime>::iter_keys().collect();
		since.retain(|(name, _)| paused.contains(name));
		for name in paused {
			match since.iter().position(|(known, _)| *known == name) {
				None => drop(since.try_push((name, now))),
				Some(known) if since.get(known).is_some_and(|(_, at)| at.saturating_add(lasts) <= now) => {
					// Root may, and the call is paused.
					let _ = TxPause::unpause(RawOrigin::Root.into(), name);
					since.remove(known);
				}
				Some(_) => {}
			}
		}
		Since::<Runtime>::put(BoundedVec::truncate_from(since.into_inner()));
	}
}
