//! What can go wrong, one variant per reason.

use crate::Fault;
use libp2p::PeerId;
use oda_blobs::{BlobError, BlobRef};
use std::{fmt, io, path::PathBuf, sync::Arc};

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

/// What came of asking a peer for a blob.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
	/// It has no blob of this root.
	NotFound,
	/// It has a blob of this root and of another length.
	OtherLength,
	/// It does not serve the blob: it does not know it from the chain.
	Refused,
	/// It was busy, for as long as it was asked.
	Busy,
	/// It said that it had the blob, and then that it had not.
	Withdrew,
	/// It was at fault while it sent.
	Failed(Fault),
	/// It was connected, and gave no answer.
	NoAnswer,
	/// Another peer is at its address: the address names a wrong id.
	OtherPeer(PeerId),
	/// It could not be reached.
	Unreachable(String),
}

impl Answer {
	/// Whether the peer was reached and said something.
	pub(crate) fn is_word(&self) -> bool {
		!matches!(self, Self::NoAnswer | Self::OtherPeer(_) | Self::Unreachable(_))
	}

	/// Whether it will be the same if nothing changes.
	pub(crate) fn is_lasting(&self) -> bool {
		matches!(self, Self::Refused | Self::OtherLength)
	}
}

impl fmt::Display for Answer {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::NotFound => f.write_str("does not have it"),
			Self::OtherLength => f.write_str("has it with another length"),
			Self::Refused => f.write_str("refuses it, as not registered"),
			Self::Busy => f.write_str("is busy"),
			Self::Withdrew => f.write_str("said it had it, and then that it had not"),
			Self::Failed(fault) => write!(f, "{fault}"),
			Self::NoAnswer => f.write_str("gave no answer"),
			Self::OtherPeer(peer) => write!(f, "is not at its address, {peer} is"),
			Self::Unreachable(reason) => write!(f, "could not be reached: {reason}"),
		}
	}
}

/// Peers named one by one in a message; of others it is said how many.
const NAMED: usize = 4;

struct Said<'a>(&'a [(PeerId, Answer)]);

impl fmt::Display for Said<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.0.is_empty() {
			return f.write_str("no peer was found that could be asked");
		}
		for (at, (peer, answer)) in self.0.iter().take(NAMED).enumerate() {
			write!(f, "{}{peer} {answer}", if at > 0 { ", " } else { "" })?;
		}
		match self.0.len().saturating_sub(NAMED) {
			0 => Ok(()),
			more => write!(f, ", and {more} others do not have it either"),
		}
	}
}

/// Why a blob was not fetched. What had been verified stays, and is not fetched again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
	/// Everybody who could be found was asked, and nobody has it, or those who had it failed.
	#[error("nobody has blob {}: {}; {verified} of {} bytes are here", hex::encode(.blob.root), Said(.said), .blob.len)]
	NoSource {
		/// What was asked for.
		blob: BlobRef,
		/// How many peers answered.
		peers: usize,
		/// Bytes that are here.
		verified: u64,
		/// What came of asking each, and of calling the bootstrap peers that cannot be reached; not all if there are
		/// very many.
		said: Vec<(PeerId, Answer)>,
	},
	/// The blob is longer than whoever wants it allows. Nothing was fetched.
	#[error("blob {} has {} bytes; at most {limit} are wanted", hex::encode(.blob.root), .blob.len)]
	TooLong {
		/// What was asked for.
		blob: BlobRef,
		/// Most bytes that were allowed.
		limit: u64,
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

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn that_nobody_has_a_blob_says_who_said_what() {
		let blob = BlobRef { root: [7; 32], len: 5 };
		let (a, b) = (PeerId::random(), PeerId::random());
		let said = vec![(a, Answer::OtherLength), (b, Answer::OtherPeer(a))];
		let error = FetchError::NoSource { blob, peers: 1, verified: 3, said };
		let root = hex::encode(blob.root);
		assert_eq!(
			error.to_string(),
			format!(
				"nobody has blob {root}: {a} has it with another length, {b} is not at its address, {a} is; 3 of 5 bytes are here"
			)
		);
		let said = (0..10).map(|_| (a, Answer::NotFound)).collect();
		let error = FetchError::NoSource { blob, peers: 10, verified: 0, said };
		assert!(error.to_string().contains("and 6 others"), "{error}");
		let error = FetchError::NoSource { blob, peers: 0, verified: 0, said: vec![] };
		assert!(error.to_string().contains("no peer was found"), "{error}");
	}
}
