//! Binding peers, releasing them, and pinning those that a role needs.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::Peers;
use oda_primitives::message;
use polkadot_sdk::{
	frame_support::defensive,
	sp_core::ed25519,
	sp_io,
	sp_runtime::{DispatchResult, traits::SaturatedConversion},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bind(who: T::AccountId, key: PeerKey, signature: [u8; 64]) -> DispatchResult {
		let owner = AccountOf::<T>::get(key);
		ensure!(owner.is_none_or(|owner| owner == who), Error::<T>::PeerTaken);
		let message = message::peer_binding(&funds::genesis_hash::<T>(), &who);
		let (signature, public) = (ed25519::Signature::from_raw(signature), ed25519::Public::from_raw(key));
		let signed = sp_io::crypto::ed25519_verify(&signature, &message, &public);
		ensure!(signed, Error::<T>::BadPeerSignature);
		Self::insert(&who, key)?;
		Self::deposit_event(Event::PeerBound { who, peer: key });
		Ok(())
	}

	/// Binds a key whose signature was checked.
	pub(crate) fn insert(who: &T::AccountId, key: PeerKey) -> DispatchResult {
		let (pins, ticket) = match PeerOf::<T>::take(who) {
			Some(old) => {
				AccountOf::<T>::remove(old.key);
				(old.pins, old.ticket)
			}
			None => (0, T::PeerDeposit::new(who, Self::footprint())?),
		};
		PeerOf::<T>::insert(who, Peer { key, pins, ticket });
		AccountOf::<T>::insert(key, who);
		Ok(())
	}

	pub(crate) fn do_unbind(who: T::AccountId) -> DispatchResult {
		let peer = PeerOf::<T>::take(&who).ok_or(Error::<T>::NotBound)?;
		ensure!(peer.pins == 0, Error::<T>::PeerInUse);
		AccountOf::<T>::remove(peer.key);
		if peer.ticket.drop(&who).is_err() {
			defensive!("a deposit can be returned");
		}
		Self::deposit_event(Event::PeerUnbound { who, peer: peer.key });
		Ok(())
	}

	/// What a bound peer takes in the storage: an entry each way.
	pub(crate) fn footprint() -> Footprint {
		let account: u64 = T::AccountId::max_encoded_len().saturated_into();
		Footprint::from_parts(2, account.saturating_add(32).saturated_into())
	}
}

impl<T: Config> Peers<T::AccountId> for Pallet<T> {
	fn peer_of(who: &T::AccountId) -> Option<PeerKey> {
		PeerOf::<T>::get(who).map(|peer| peer.key)
	}

	fn pin(who: &T::AccountId) -> DispatchResult {
		PeerOf::<T>::try_mutate(who, |peer| {
			let peer = peer.as_mut().ok_or(Error::<T>::NotBound)?;
			peer.pins = peer.pins.saturating_add(1);
			Ok(())
		})
	}

	fn unpin(who: &T::AccountId) {
		PeerOf::<T>::mutate_extant(who, |peer| peer.pins = peer.pins.saturating_sub(1));
	}

	#[cfg(feature = "runtime-benchmarks")]
	#[allow(clippy::expect_used)]
	fn bind_for_benchmark(who: &T::AccountId, key: PeerKey) {
		T::PeerDeposit::ensure_successful(who, Self::footprint());
		Self::insert(who, key).expect("the deposit was just provided for");
	}
}
