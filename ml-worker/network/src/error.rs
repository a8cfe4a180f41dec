//! What can go wrong, one variant per reason.

use oda_blobs::{BlobError, BlobRef};
use std::{io, path::PathBuf, sync::Arc};

/// Why the network could not be started, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
	/// A file could not be read or written.
	#[error("{path}: {source}")]
	Io {
		/// The file.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// The key's file holds no key.
	#[error("{0} holds no key: 64 hexadecimal digits are expected")]
	BadKey(PathBuf),
	/// The system gives no random bytes.
	#[error("no random bytes for a key: {0}")]
	NoRandomness(getrandom::Error),
	/// An address that cannot be listened on.
	#[error("cannot listen on {address}: {reason}")]
	Listen {
		/// The address.
		address: String,
		/// Why.
		reason: String,
	},
	/// An address that has to end with a peer's id, and does not.
	#[error("{0} does not end with /p2p/ and a peer's id")]
	NoPeerId(String),
	/// Text that is no address.
	#[error("{text:?} is no address such as /ip4/192.0.2.1/udp/4001/quic-v1: {reason}")]
	NotAnAddress {
		/// The text.
		text: String,
		/// Why.
		reason: String,
	},
	/// A setting that makes no sense.
	#[error("the setting `{0}` is out of range")]
	BadSetting(&'static str),
	/// A transport could not be set up.
	#[error("setting up {what}: {reason}")]
	Setup {
		/// Which part.
		what: &'static str,
		/// Why.
		reason: String,
	},
	/// The network has been shut down.
	#[error("the network has been shut down")]
	ShutDown,
	/// The blob cannot be announced: it is neither registered nor are others allowed.
	#[error("blob {} is not registered on the chain", hex::encode(.0))]
	NotRegistered([u8; 32]),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] BlobError),
}

/// Why a blob was not fetched. What had been verified stays, and is not fetched again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
	/// Everybody who could be found was asked, and nobody has it, or those who had it failed.
	#[error("nobody has blob {}: {peers} peers were asked; {verified} of {} bytes are here", hex::encode(.blob.root), .blob.len)]
	NoSource {
		/// What was asked for.
		blob: BlobRef,
		/// How many peers answered.
		peers: usize,
		/// Bytes that are here.
		verified: u64,
	},
	/// The blob is neither registered nor are others allowed.
	#[error("blob {} is not registered on the chain", hex::encode(.0))]
	NotRegistered([u8; 32]),
	/// The empty blob has another root.
	#[error("no blob of length 0 has the root {}", hex::encode(.0))]
	NotEmpty([u8; 32]),
	/// The store failed: for instance, the disk is full.
	#[error("blob {}: {source}", hex::encode(.root))]
	Store {
		/// What was asked for.
		root: [u8; 32],
		/// Why.
		source: Arc<BlobError>,
	},
	/// The network has been shut down.
	#[error("the network has been shut down")]
	ShutDown,
}
