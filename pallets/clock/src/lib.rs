//! Ticks: protocol time that stops while no block can take transactions.
//!
//! [`Now`] advances by one in `on_poll`, which FRAME calls once a block after the inherents, and not at all
//! while a multi-block migration runs. A block that has no weight left for the tick does not tick either. Every
//! deadline of this chain's own protocols counts ticks, so that none passes in a block that could take no transactions.
//! Blocks that are left empty, or are full of others' transactions, tick.
//!
//! Other pallets read it as a `Get<Tick>`:
//!
//! ```ignore
//! impl pallet_training::Config for Runtime {
//!     type Clock = pallet_clock::Pallet<Runtime>;
//!     // …
//! }
//! ```
//!
//! Safe mode refuses calls and not hooks: through [`SafeModeNotify`] the clock stands still while it lasts,
//! and goes on afterwards, so that nobody misses a deadline because of it.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*, traits::SafeModeNotify, weights::WeightMeter},
	frame_system::pallet_prelude::*,
	sp_runtime::TryRuntimeError,
};

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

	/// What the clock needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// What a tick costs.
		type WeightInfo: WeightInfo;
	}

	/// The current tick: the number of blocks so far that could take transactions.
	#[pallet::storage]
	pub type Now<T: Config> = StorageValue<_, Tick, ValueQuery>;

	/// Whether it stands still.
	#[pallet::storage]
	pub type Stopped<T: Config> = StorageValue<_, bool, ValueQuery>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			if meter.try_consume(T::WeightInfo::tick()).is_ok() {
				Self::tick();
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The current tick.
		pub fn now() -> Tick {
			Now::<T>::get()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// One tick passes, unless the clock stands still. It would take longer than the universe has existed to
	/// saturate.
	pub(crate) fn tick() {
		if !Stopped::<T>::get() {
			Now::<T>::mutate(|now| *now = now.saturating_add(1));
		}
	}

	/// Checks that no more ticks have passed than there were blocks.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		use polkadot_sdk::sp_runtime::SaturatedConversion;
		let blocks: u64 = polkadot_sdk::frame_system::Pallet::<T>::block_number().saturated_into();
		ensure!(Now::<T>::get() <= blocks, "more ticks than blocks");
		Ok(())
	}
}

impl<T: Config> SafeModeNotify for Pallet<T> {
	fn entered() {
		Stopped::<T>::put(true);
	}

	fn exited() {
		Stopped::<T>::kill();
	}
}

impl<T: Config> Get<Tick> for Pallet<T> {
	fn get() -> Tick {
		Now::<T>::get()
	}
}
