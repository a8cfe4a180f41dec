//! What is stored of a peer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
pub use oda_pallet_traits::PeerKey;
use scale_info::TypeInfo;

/// A peer's key, bound to an account.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Peer<Ticket> {
	/// The ed25519 key.
	pub key: PeerKey,
	/// How many roles of the account need a peer: while there is one, it is not unbound.
	pub pins: u32,
	/// The account's deposit.
	pub ticket: Ticket,
}
