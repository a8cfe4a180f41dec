//! Peers: which ed25519 key of a peer acts for which account.
//!
//! Whoever asks the chain who keeps or serves something gets accounts; what it needs to talk to them is their
//! libp2p peer. An account binds a peer by the signature of that peer's key, one peer an account and one account a
//! peer. A role that needs a peer, such as that of a keeper, *pins* it through [`Peers`]: it can be exchanged
//! for another one then, but not released.
//!
//! [`Peers`]: oda_pallet_traits::Peers

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
mod bind;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_pallet_funds as funds;
use oda_primitives::message;
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{Consideration, Footprint},
	},
	frame_system::pallet_prelude::*,
	sp_runtime::TryRuntimeError,
};

/// A peer as this pallet stores it.
pub type PeerOfConfig<T> = Peer<<T as Config>::PeerDeposit>;

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

	/// What peers need.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The deposit for a bound peer; with [`HoldReason::PeerDeposit`].
		type PeerDeposit: Consideration<Self::AccountId, Footprint>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a bound peer.
		#[codec(index = 0)]
		PeerDeposit,
	}

	/// The peer of an account.
	#[pallet::storage]
	pub type PeerOf<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, PeerOfConfig<T>>;

	/// The account of a peer.
	#[pallet::storage]
	pub type AccountOf<T: Config> = StorageMap<_, Blake2_128Concat, PeerKey, T::AccountId>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A peer's key was bound to an account.
		#[codec(index = 0)]
		PeerBound {
			/// The account for which the peer acts.
			who: T::AccountId,
			/// The peer's ed25519 key.
			peer: PeerKey,
		},
		/// A peer's key belongs to no account any more.
		#[codec(index = 1)]
		PeerUnbound {
			/// The account for which the peer acted.
			who: T::AccountId,
			/// The peer's ed25519 key.
			peer: PeerKey,
		},
	}

	/// Why a peer is not bound, or not released.
	#[pallet::error]
	pub enum Error<T> {
		/// The peer's key is bound to another account.
		#[codec(index = 0)]
		PeerTaken,
		/// The signature is not that of the peer's key over this account's binding.
		#[codec(index = 1)]
		BadPeerSignature,
		/// The account has no peer bound to it.
		#[codec(index = 2)]
		NotBound,
		/// The account has a role, such as that of a keeper, that needs its peer.
		#[codec(index = 3)]
		PeerInUse,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Binds a libp2p peer to the caller, instead of the one bound before.
		///
		/// Puts [`Config::PeerDeposit`] on hold the first time. A keeper has to have a peer, anybody else may.
		///
		/// - `peer`: the peer's ed25519 public key, not bound to anybody else.
		/// - `signature`: this key's, over [`message::peer_binding`] of the genesis hash and the caller.
		///
		/// Event: `PeerBound`. Errors: `PeerTaken`, `BadPeerSignature`; the deposit cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bind())]
		pub fn bind(origin: OriginFor<T>, peer: PeerKey, signature: [u8; 64]) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bind(who, peer, signature)
		}

		/// Releases the caller's peer, and the deposit.
		///
		/// Event: `PeerUnbound`. Errors: `NotBound`, `PeerInUse`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::unbind())]
		pub fn unbind(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unbind(who)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::Hash::default().as_ref().len() == 32, "messages name the genesis block by 32 bytes");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The peer of an account.
		pub fn peer(who: T::AccountId) -> Option<PeerKey> {
			PeerOf::<T>::get(who).map(|peer| peer.key)
		}

		/// The account of a peer.
		pub fn account(peer: PeerKey) -> Option<T::AccountId> {
			AccountOf::<T>::get(peer)
		}

		/// The bytes that a peer's key signs to be bound to an account.
		pub fn binding_message(who: T::AccountId) -> Vec<u8> {
			message::peer_binding(&funds::genesis_hash::<T>(), &who)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks that peers and accounts name each other.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		for (who, peer) in PeerOf::<T>::iter() {
			ensure!(AccountOf::<T>::get(peer.key) == Some(who), "a peer does not name its account");
		}
		for (key, who) in AccountOf::<T>::iter() {
			ensure!(PeerOf::<T>::get(who).is_some_and(|peer| peer.key == key), "an account has another peer");
		}
		Ok(())
	}
}
