//! Blobs: byte strings named by their content.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Bytes in a BLAKE3 chunk, the leaf of a blob's tree.
pub const CHUNK_LEN: u64 = blake3::CHUNK_LEN as u64;

/// The longest blob there is a proof for: 256 TiB, far from where the arithmetic of trees ends.
pub const MAX_BLOB_LEN: u64 = 1 << 48;

/// The longest card that a model may name: 64 KiB.
pub const MAX_CARD_LEN: u64 = 64 * 1024;

/// A blob's name: its plain BLAKE3 hash, as `b3sum` prints it, and its length in bytes.
///
/// BLAKE3 authenticates the length only through the tree's last chunk, so a reference received from
/// somebody is trusted in its length only after [`RangeProof::authenticates_len`] or after the whole blob
/// was hashed.
///
/// [`RangeProof::authenticates_len`]: crate::RangeProof::authenticates_len
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct BlobRef {
	/// The BLAKE3 hash of the bytes.
	#[cfg_attr(feature = "serde", serde(with = "crate::hexadecimal"))]
	pub root: [u8; 32],
	/// How many bytes there are.
	pub len: u64,
}

impl BlobRef {
	/// The reference of `bytes`.
	pub fn of(bytes: &[u8]) -> Self {
		Self { root: *blake3::hash(bytes).as_bytes(), len: bytes.len() as u64 }
	}

	/// Whether `bytes` is the blob that this names: hashes all of it.
	pub fn is_of(&self, bytes: &[u8]) -> bool {
		bytes.len() as u64 == self.len && Self::of(bytes).root == self.root
	}
}
