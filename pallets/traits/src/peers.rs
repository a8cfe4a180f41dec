//! Peers that act for accounts.

use polkadot_sdk::sp_runtime::DispatchResult;

/// A libp2p peer's ed25519 public key.
pub type PeerKey = [u8; 32];

/// What a pallet needs of whoever binds peers to accounts, for a role that has to have one.
///
/// ```
/// use oda_pallet_traits::Peers;
/// use polkadot_sdk::sp_runtime::DispatchResult;
///
/// fn enlist<P: Peers<u64>>(who: u64) -> DispatchResult {
///     // Refused if the account has no peer; from now on it keeps one.
///     P::pin(&who)
/// }
/// ```
pub trait Peers<AccountId> {
	/// The key of the account's peer.
	fn peer_of(who: &AccountId) -> Option<PeerKey>;

	/// The account keeps a peer bound until a matching [`unpin`](Self::unpin); it may be another one. Refused,
	/// with the binder's own error, if it has none.
	fn pin(who: &AccountId) -> DispatchResult;

	/// Undoes one [`pin`](Self::pin).
	fn unpin(who: &AccountId);

	/// Binds a peer without a signature: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn bind_for_benchmark(who: &AccountId, key: PeerKey);
}
