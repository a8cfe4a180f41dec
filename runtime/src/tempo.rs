//! How fast the chain runs: slot duration, epoch length, and the periods of reputation and of votes; written
//! at genesis and never after.
//!
//! One runtime serves every network, so these are state instead of constants. BABE derives the slot number
//! and the epoch from them: a chain that changed either while running would stop. What is known of
//! reputations has the numbers of periods, and a referendum's periods are looked up whenever it is looked at.
//! Hence no call, no setter. The protocol's windows, which count ticks, may change: [`crate::parameters`].

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

pub use pallet::*;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, traits::ConstU64},
		*,
	};

	/// The slot duration where genesis names none, in milliseconds.
	pub const DEFAULT_SLOT_DURATION: u64 = 3_000;
	/// The epoch length where genesis names none, in slots: one hour of default slots.
	pub const DEFAULT_EPOCH_LENGTH: u64 = 1_200;
	/// The period of reputation where genesis names none, in ticks: a day of default slots.
	pub const DEFAULT_REPUTATION_PERIOD: u64 = 28_800;
	/// The time that a vote takes where genesis names none, in blocks: a week of default slots.
	pub const DEFAULT_VOTING_PERIOD: u32 = 201_600;

	/// The version of this pallet's storage: in version 0 the protocol's windows were here too.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {}

	/// The length of a slot in milliseconds.
	#[pallet::storage]
	pub type SlotDuration<T> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_SLOT_DURATION>>;

	/// The length of an epoch, which is also a session, in slots.
	#[pallet::storage]
	pub type EpochLength<T> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_EPOCH_LENGTH>>;

	/// The ticks after which points of reputation decay.
	#[pallet::storage]
	pub type ReputationPeriod<T> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_REPUTATION_PERIOD>>;

	/// The blocks in which referenda are decided on, of which all their periods are parts.
	#[pallet::storage]
	pub type VotingPeriod<T> = StorageValue<_, u32, ValueQuery, ConstU32<DEFAULT_VOTING_PERIOD>>;

	/// The tempo of a new chain.
	#[pallet::genesis_config]
	#[derive(frame_support::DebugNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The length of a slot in milliseconds, even and at least 500.
		pub slot_duration: u64,
		/// The length of an epoch in slots, at least 2.
		pub epoch_length: u64,
		/// The ticks after which points of reputation decay, at least 1.
		pub reputation_period: u64,
		/// The blocks in which referenda are decided on, at least 8.
		pub voting_period: u32,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				slot_duration: DEFAULT_SLOT_DURATION,
				epoch_length: DEFAULT_EPOCH_LENGTH,
				reputation_period: DEFAULT_REPUTATION_PERIOD,
				voting_period: DEFAULT_VOTING_PERIOD,
				_config: Default::default(),
			}
		}
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			// BABE takes a slot for twice the timestamp's minimum period, which is half a slot.
			assert!(
				self.slot_duration >= 500 && self.slot_duration.is_multiple_of(2),
				"a slot lasts an even number of milliseconds, at least 500"
			);
			assert!(self.epoch_length >= 2, "an epoch has at least 2 slots");
			SlotDuration::<T>::put(self.slot_duration);
			EpochLength::<T>::put(self.epoch_length);
			assert!(self.reputation_period > 0, "a period lasts a tick at least");
			ReputationPeriod::<T>::put(self.reputation_period);
			assert!(self.voting_period >= 8, "a vote takes 8 blocks at least");
			VotingPeriod::<T>::put(self.voting_period);
		}
	}

	/// The slot duration in milliseconds, for other pallets' configuration.
	pub struct SlotMillis<T>(core::marker::PhantomData<T>);
	impl<T: Config> Get<u64> for SlotMillis<T> {
		fn get() -> u64 {
			SlotDuration::<T>::get()
		}
	}

	/// Half a slot in milliseconds, for other pallets' configuration.
	pub struct HalfSlotMillis<T>(core::marker::PhantomData<T>);
	impl<T: Config> Get<u64> for HalfSlotMillis<T> {
		fn get() -> u64 {
			SlotDuration::<T>::get() / 2
		}
	}

	/// The epoch length in slots, for other pallets' configuration.
	pub struct EpochSlots<T>(core::marker::PhantomData<T>);
	impl<T: Config> Get<u64> for EpochSlots<T> {
		fn get() -> u64 {
			EpochLength::<T>::get()
		}
	}

	/// The ticks of a period of reputation, for its pallet's configuration.
	pub struct PeriodTicks<T>(core::marker::PhantomData<T>);
	impl<T: Config> Get<u64> for PeriodTicks<T> {
		fn get() -> u64 {
			ReputationPeriod::<T>::get()
		}
	}

	/// The blocks in which referenda are decided on.
	pub struct VotingBlocks<T>(core::marker::PhantomData<T>);
	impl<T: Config> Get<u32> for VotingBlocks<T> {
		fn get() -> u32 {
			VotingPeriod::<T>::get()
		}
	}
}
