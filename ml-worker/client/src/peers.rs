//! Which peer is whose.

use crate::{
	AccountId, Call, Chain, ChainError, Key, View,
	error::node,
	runtime,
	view::{entries, get},
};

impl View {
	/// The ed25519 key of the peer that is bound to an account.
	pub async fn peer_of(&self, account: &AccountId) -> Result<Option<[u8; 32]>, ChainError> {
		Ok(get!(self, runtime::storage().peers().peer_of(), *account).map(|peer| peer.key))
	}

	/// All accounts that have a peer, and its ed25519 key.
	pub async fn peers(&self) -> Result<Vec<(AccountId, [u8; 32])>, ChainError> {
		Ok(entries!(self, runtime::storage().peers().peer_of(), |key, peer| (key.0, peer.key)))
	}
}

impl Chain {
	/// Binds a peer to an account, by the peer's signature of [`oda_primitives::message::peer_binding`].
	pub fn bind_peer(&self, key: &Key, peer: [u8; 32], signature: [u8; 64]) -> Call {
		self.submit(key, runtime::transactions().peers().bind(peer, signature))
	}
}
