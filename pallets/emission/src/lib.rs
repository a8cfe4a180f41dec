//! Emission: what is minted, for whom.
//!
//! A [`Schedule`] says how much may be minted by when: it halves as Bitcoin's does, counts ticks, and never exceeds a
//! cap. Once a [`Config::Period`] what is due is minted and *put aside* in pots, by governed [`Shares`]; paying moves
//! what is in a pot and mints nothing:
//!
//! * authors, by the block ([`EventHandler::note_author`]);
//! * verifiers, by the task, at most a governed ratio of what its fee burned ([`Payments::task_settled`]);
//! * trainers, by the use of their weights, at most half of what their users burned ([`Payments::used`]);
//! * the treasury has its part at once.
//!
//! Nobody calls this pallet. Nothing in it fails: a pot that is short pays less, a full one is not filled, and who
//! cannot be paid leaves the money in the pot.
//!
//! [`EventHandler::note_author`]: polkadot_sdk::pallet_authorship::EventHandler::note_author
//! [`Payments::task_settled`]: oda_pallet_traits::Payments::task_settled
//! [`Payments::used`]: oda_pallet_traits::Payments::used

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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
mod payouts;
mod periods;
pub mod schedule;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use schedule::Schedule;
pub use types::{Position, Pot, Shares};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_pallet_traits::Rewards;
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{
		self, PalletId,
		pallet_prelude::*,
		traits::fungible::{Balanced, Credit, Inspect, Mutate},
		weights::WeightMeter,
	},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::{
		Perbill, SaturatedConversion, TryRuntimeError,
		traits::{AccountIdConversion, Saturating},
	},
};

/// What amounts are counted in.
pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// What is on its way from a pot to whoever is paid.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// The most that a trainer is paid, as a part of what users burned.
pub const TRAINERS_RATIO: Perbill = Perbill::from_percent(50);

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

	/// What the emission needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// What is minted.
		type Currency: Mutate<Self::AccountId> + Balanced<Self::AccountId>;

		/// Where the rewards of block authors and verifiers go: to the stakes that answer for them.
		type Rewards: Rewards<Self::AccountId, CreditOf<Self>>;

		/// The present tick.
		type Clock: Get<Tick>;

		/// Names the account of the pots, of which nobody has a key.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The treasury's account.
		type Treasury: Get<Self::AccountId>;

		/// The most that is ever minted, in planck.
		#[pallet::constant]
		type MaxMinted: Get<BalanceOf<Self>>;

		/// The ticks after which a tick's amount is half of what it was.
		#[pallet::constant]
		type HalvingInterval: Get<Tick>;

		/// The ticks after which what is due is put aside.
		#[pallet::constant]
		type Period: Get<Tick>;

		/// How many periods' worth the pots of verifiers and trainers hold at most. What they have no room for is not
		/// minted.
		#[pallet::constant]
		type CarryOver: Get<u32>;

		/// Who gets which part, governed; they must [fit](Shares::fit). A period is shared as they are at its end.
		type Shares: Get<Shares>;

		/// The most that a task's verifiers are paid together, as a part of what the task's fee burned; governed. Below the
		/// whole, emptying the pot costs more than is in it.
		type VerifiersRatio: Get<Perbill>;

		/// The most verifiers that one task can have.
		#[pallet::constant]
		type MaxVerifiers: Get<u32>;

		/// What the hooks and payouts cost.
		type WeightInfo: WeightInfo;

		/// Sets the clock and makes candidates, for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
	}

	/// How far the emission has come; nothing until the first poll on a chain that had no emission at genesis.
	#[pallet::storage]
	pub type Progress<T: Config> = StorageValue<_, Position>;

	/// All that was ever minted, in planck. It never falls.
	#[pallet::storage]
	pub type Minted<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery>;

	/// What is put aside, by whom it is for, in planck.
	#[pallet::storage]
	pub type Pots<T: Config> = StorageMap<_, Twox64Concat, Pot, BalanceOf<T>, ValueQuery>;

	/// What a block's author is paid until the next period, in planck.
	#[pallet::storage]
	pub type PerBlock<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery>;

	/// The start of the emission.
	#[pallet::genesis_config]
	#[derive(frame_support::DebugNoBound, frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The tick at which the emission starts. With `u64::MAX` it never does.
		pub start: Tick,
		/// Nothing.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			Progress::<T>::put(Position { start: self.start, done: 0 });
		}
	}

	/// What happened. Amounts are in planck.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A period is over, and what was due was minted: so much for each.
		#[codec(index = 0)]
		PutAside {
			/// The ticks of the schedule that are put aside by now.
			ticks: Tick,
			/// What was added to the block authors' pot.
			authors: BalanceOf<T>,
			/// What was added to the verifiers' pot.
			verifiers: BalanceOf<T>,
			/// What was added to the trainers' pot.
			trainers: BalanceOf<T>,
			/// What the treasury got.
			treasury: BalanceOf<T>,
		},
		/// A block's author was paid.
		#[codec(index = 1)]
		AuthorPaid {
			/// The validator that made the block.
			author: T::AccountId,
			/// How much it was.
			amount: BalanceOf<T>,
		},
		/// The verifiers of a task were paid beyond its fee.
		#[codec(index = 2)]
		VerifiersPaid {
			/// The number of verifiers that were paid in full.
			verifiers: u32,
			/// How much it was together.
			amount: BalanceOf<T>,
			/// What the task's fee burned.
			burned: BalanceOf<T>,
		},
		/// A trainer was paid beyond its users' fees.
		#[codec(index = 3)]
		TrainerPaid {
			/// Whose weights were used.
			trainer: T::AccountId,
			/// How much it was.
			amount: BalanceOf<T>,
			/// What the users' fees burned.
			burned: BalanceOf<T>,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Puts one period aside if one is over, at most one a block; those that were missed follow in the next blocks.
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			if meter.try_consume(T::WeightInfo::poll()).is_err() {
				return;
			}
			let Some(next) = Self::due() else { return };
			if meter.try_consume(T::WeightInfo::put_aside()).is_ok() {
				Self::put_aside(next);
			}
		}

		fn integrity_test() {
			let schedule = Self::schedule();
			let back: BalanceOf<T> = schedule.cap.saturated_into();
			assert!(back == T::MaxMinted::get(), "the cap fits 128 bits");
			assert!(schedule.rate(0) > 0, "the first tick issues something");
			assert!(T::Period::get() > 0, "a period lasts a tick at least");
			assert!(T::CarryOver::get() > 0, "a pot has room for a period's part");
			assert!(T::MaxVerifiers::get() > 0, "a task has verifiers");
			assert!(T::Treasury::get() != Self::account(), "the treasury is none of the pots");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// All that was ever minted, in planck.
		pub fn minted() -> BalanceOf<T> {
			Minted::<T>::get()
		}

		/// What is in the pots, in planck.
		pub fn pots() -> Vec<(Pot, BalanceOf<T>)> {
			Pot::ALL.into_iter().map(|pot| (pot, Pots::<T>::get(pot))).collect()
		}

		/// What the schedule issues at the present tick, before it is shared and bounded by the pots' room, in planck.
		pub fn rate() -> BalanceOf<T> {
			Self::schedule().rate(Self::elapsed()).saturated_into()
		}

		/// What a block's author is paid now, in planck, as long as the pot has it.
		pub fn per_block() -> BalanceOf<T> {
			PerBlock::<T>::get()
		}

		/// The ticks from now to the next halving, and to the start if that is still to come; `None` once nothing is issued.
		pub fn next_halving() -> Option<Tick> {
			let start = Progress::<T>::get().map_or(0, |progress| progress.start);
			let wait = start.saturating_sub(T::Clock::get());
			Some(Self::schedule().next_halving(Self::elapsed())?.saturating_add(wait))
		}

		/// The account of the pots.
		pub fn account() -> T::AccountId {
			T::PalletId::get().into_account_truncating()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks that the pots are covered by their account, and that no more was minted than may ever be.
	///
	/// The account has more than the pots if somebody sent it something: that is nobody's, and stays there.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let pots = Pot::ALL
			.into_iter()
			.fold(BalanceOf::<T>::default(), |sum, pot| sum.saturating_add(Pots::<T>::get(pot)));
		ensure!(
			T::Currency::total_balance(&Self::account()) >= pots,
			"the pots hold more than their account"
		);
		let minted = Minted::<T>::get();
		ensure!(minted <= T::MaxMinted::get(), "more was minted than the cap allows");
		ensure!(pots <= minted, "the pots hold more than was minted");
		if let Some(progress) = Progress::<T>::get() {
			ensure!(progress.done <= Self::elapsed(), "a period was put aside before it was over");
		}
		Ok(())
	}
}
