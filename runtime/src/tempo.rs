//! How fast the chain runs: slot duration, epoch length and the protocol's windows, written at genesis and
//! never after.
//!
//! One runtime serves every network, so these are state instead of constants. BABE derives the slot number
//! and the epoch from the first two: a chain that changed either while running would stop. Hence no call, no
//! setter.

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

	/// The windows of the protocol, in ticks. The default suits slots of 3 s and people who sleep: a
	/// submission takes about an hour and a half.
	#[derive(
		Clone,
		Copy,
		PartialEq,
		Eq,
		Debug,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
		serde::Serialize,
		serde::Deserialize,
	)]
	#[serde(rename_all = "camelCase", deny_unknown_fields)]
	pub struct Windows {
		/// The least age of a commitment that is opened: no reorganisation drops it any more.
		pub min_commit_age: u64,
		/// The age from which on a commitment can no longer be opened.
		pub reveal: u64,
		/// For how long any task can be answered; to this comes what follows its cost.
		pub attest_base: u64,
		/// What must pass between the last needed answer and the acceptance.
		pub challenge: u64,
		/// The least age of a challenge commitment that is followed by its challenge.
		pub min_challenge_age: u64,
		/// The age from which on a challenge commitment is worth nothing.
		pub challenge_lifetime: u64,
		/// For how long demanded weights can be posted.
		pub demand: u64,
		/// For how long a submission waits for verifiers, when there are none.
		pub verifier_patience: u64,
		/// For how long a pending model belongs to its registrar alone.
		pub pending: u64,
		/// How long a round of storage challenges lasts: for how long keepers can answer.
		pub storage_round: u64,
		/// What must pass between a keeper's retirement and the return of its bond.
		pub unbonding: u64,
	}

	impl Default for Windows {
		fn default() -> Self {
			Self {
				min_commit_age: 20,
				reveal: 1_200,
				attest_base: 600,
				challenge: 1_200,
				min_challenge_age: 5,
				challenge_lifetime: 60,
				demand: 1_200,
				verifier_patience: 1_200,
				pending: 28_800,
				storage_round: 1_200,
				unbonding: 28_800,
			}
		}
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {}

	/// The length of a slot in milliseconds.
	#[pallet::storage]
	pub type SlotDuration<T> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_SLOT_DURATION>>;

	/// The length of an epoch, which is also a session, in slots.
	#[pallet::storage]
	pub type EpochLength<T> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_EPOCH_LENGTH>>;

	/// The protocol's windows.
	#[pallet::storage]
	pub type ProtocolWindows<T> = StorageValue<_, Windows, ValueQuery>;

	/// The tempo of a new chain.
	#[pallet::genesis_config]
	#[derive(frame_support::DebugNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The length of a slot in milliseconds, even and at least 500.
		pub slot_duration: u64,
		/// The length of an epoch in slots, at least 2.
		pub epoch_length: u64,
		/// The protocol's windows.
		pub windows: Windows,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				slot_duration: DEFAULT_SLOT_DURATION,
				epoch_length: DEFAULT_EPOCH_LENGTH,
				windows: Windows::default(),
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
			let w = &self.windows;
			assert!(w.min_commit_age < w.reveal, "a commitment can be opened for some time");
			assert!(
				w.min_challenge_age < w.challenge_lifetime,
				"a challenge commitment can be followed by its challenge"
			);
			assert!(
				w.challenge_lifetime.saturating_add(w.min_challenge_age) < w.demand,
				"a demand outlasts challenge commitments"
			);
			assert!(w.demand > 0, "demanded weights can be posted");
			assert!(w.storage_round > 0, "storage challenges can be answered");
			SlotDuration::<T>::put(self.slot_duration);
			EpochLength::<T>::put(self.epoch_length);
			ProtocolWindows::<T>::put(self.windows);
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
}
