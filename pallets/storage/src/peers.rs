//! Which peers of the network belong to which accounts.

use crate::{pallet::*, types::*, *};
use oda_primitives::message;
use polkadot_sdk::{
	sp_core::ed25519,
	sp_io,
	sp_runtime::traits::{SaturatedConversion, Zero},
};

impl<T: Config> Pallet<T> {
	/// The hash of block 0, which is never pruned.
	pub(crate) fn genesis() -> [u8; 32] {
		let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		hash.as_ref().try_into().unwrap_or_default()
	}

	pub(crate) fn do_bind_peer(who: T::AccountId, key: PeerKey, signature: [u8; 64]) -> DispatchResult {
		let owner = AccountOf::<T>::get(key);
		ensure!(owner.is_none_or(|owner| owner == who), Error::<T>::PeerTaken);
		let message = message::peer_binding(&Self::genesis(), &who);
		let (signature, public) = (ed25519::Signature::from_raw(signature), ed25519::Public::from_raw(key));
		let signed = sp_io::crypto::ed25519_verify(&signature, &message, &public);
		ensure!(signed, Error::<T>::BadPeerSignature);
		let ticket = match PeerOf::<T>::take(&who) {
			Some(old) => {
				AccountOf::<T>::remove(old.key);
				old.ticket
			}
			None => T::PeerDeposit::new(&who, Self::peer_footprint())?,
		};
		PeerOf::<T>::insert(&who, Peer { key, ticket });
		AccountOf::<T>::insert(key, &who);
		Self::deposit_event(Event::PeerBound { who, peer: key });
		Ok(())
	}

	pub(crate) fn do_unbind_peer(who: T::AccountId) -> DispatchResult {
		let peer = PeerOf::<T>::take(&who).ok_or(Error::<T>::NotBound)?;
		ensure!(!Keepers::<T>::contains_key(&who), Error::<T>::PeerInUse);
		AccountOf::<T>::remove(peer.key);
		Self::drop_ticket(peer.ticket, &who);
		Self::deposit_event(Event::PeerUnbound { who, peer: peer.key });
		Ok(())
	}

	/// What a bound peer takes in the storage: an entry each way.
	pub(crate) fn peer_footprint() -> Footprint {
		let account: u64 = T::AccountId::max_encoded_len().saturated_into();
		Footprint::from_parts(2, account.saturating_add(32).saturated_into())
	}
}
