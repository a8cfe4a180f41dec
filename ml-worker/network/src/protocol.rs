//! What goes over a stream: one request, one response.

use libp2p::StreamProtocol;
use oda_blobs::{BlobRef, group_count};
use oda_primitives::MAX_BLOB_LEN;
use std::ops::Range;

/// The name under which the protocol is negotiated.
pub const BLOBS: StreamProtocol = StreamProtocol::new("/oda/blobs/1");

/// The name of the table of providers.
pub const KAD: StreamProtocol = StreamProtocol::new("/oda/kad/1");

/// What identify tells as the protocol's version.
pub(crate) const IDENTIFY: &str = "/oda/1";

/// Most groups that one request asks for: 4 MiB.
pub const MAX_GROUPS: u32 = 256;

/// Bytes of a request.
pub const REQUEST_LEN: usize = 53;

const HAVE: u8 = 0;
const GET: u8 = 1;

/// What a peer asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
	/// What the other has of a blob.
	Have(BlobRef),
	/// A slice of a blob: these groups.
	Get(BlobRef, Range<u64>),
}

impl Request {
	/// The blob that is asked for.
	pub fn blob(&self) -> BlobRef {
		match self {
			Self::Have(blob) | Self::Get(blob, _) => *blob,
		}
	}

	/// `kind: u8, root: [u8; 32], len: u64, first: u64, count: u32`, little-endian.
	pub fn encode(&self) -> [u8; REQUEST_LEN] {
		let (kind, blob, groups) = match self {
			Self::Have(blob) => (HAVE, blob, 0..0),
			Self::Get(blob, groups) => (GET, blob, groups.clone()),
		};
		let count = u32::try_from(groups.end.saturating_sub(groups.start)).unwrap_or(u32::MAX);
		let mut bytes = [0; REQUEST_LEN];
		bytes[0] = kind;
		bytes[1..33].copy_from_slice(&blob.root);
		bytes[33..41].copy_from_slice(&blob.len.to_le_bytes());
		bytes[41..49].copy_from_slice(&groups.start.to_le_bytes());
		bytes[49..].copy_from_slice(&count.to_le_bytes());
		bytes
	}

	/// `None` for anything that [`encode`](Self::encode) does not make of a request that can be answered.
	pub fn decode(bytes: &[u8; REQUEST_LEN]) -> Option<Self> {
		let root = bytes[1..33].try_into().ok()?;
		let len = u64::from_le_bytes(bytes[33..41].try_into().ok()?);
		let first = u64::from_le_bytes(bytes[41..49].try_into().ok()?);
		let count = u32::from_le_bytes(bytes[49..].try_into().ok()?);
		let blob = BlobRef { root, len };
		if len > MAX_BLOB_LEN {
			return None;
		}
		match bytes[0] {
			HAVE if first == 0 && count == 0 => Some(Self::Have(blob)),
			GET if (1..=MAX_GROUPS).contains(&count) => {
				let end = first.checked_add(count.into())?;
				(end <= group_count(len)).then_some(Self::Get(blob, first..end))
			}
			_ => None,
		}
	}
}

/// The first byte of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
	/// It is here; after a `Get`, the slice follows.
	Have = 0,
	/// It is not here; after a `Get`, not all of what was asked for.
	NotFound = 1,
	/// It is not served: the chain does not know it.
	Refused = 2,
	/// Not now; ask again later.
	Busy = 3,
	/// Some of it is here; the [pieces](crate::bitfield::Bitfield) follow. Only after a `Have`.
	Partly = 4,
	/// A blob of this root is here, and not of this length.
	OtherLength = 5,
}

impl Status {
	/// `None` for any other byte.
	pub fn decode(byte: u8) -> Option<Self> {
		[Self::Have, Self::NotFound, Self::Refused, Self::Busy, Self::Partly, Self::OtherLength]
			.into_iter()
			.find(|status| *status as u8 == byte)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn requests_are_read_as_they_were_written() {
		let blob = BlobRef { root: [7; 32], len: 1 << 30 };
		for request in [Request::Have(blob), Request::Get(blob, 0..256), Request::Get(blob, 65535..65536)] {
			assert_eq!(Request::decode(&request.encode()), Some(request));
		}
	}

	#[test]
	fn what_is_no_request_is_refused() {
		let blob = BlobRef { root: [7; 32], len: 1 << 30 };
		let good = Request::Get(blob, 5..6).encode();
		let with = |at: usize, bytes: &[u8]| {
			let mut bad = good;
			bad[at..at + bytes.len()].copy_from_slice(bytes);
			Request::decode(&bad)
		};
		assert_eq!(with(0, &[0]), None, "a range with Have");
		assert_eq!(with(0, &[2]), None, "no such kind");
		assert_eq!(with(33, &u64::MAX.to_le_bytes()), None, "too long");
		assert_eq!(with(33, &16_384u64.to_le_bytes()), None, "a range outside");
		assert_eq!(with(41, &u64::MAX.to_le_bytes()), None, "a range that overflows");
		assert_eq!(with(49, &0u32.to_le_bytes()), None, "no groups");
		assert_eq!(with(49, &257u32.to_le_bytes()), None, "too many groups");
		assert_eq!(Status::decode(3), Some(Status::Busy));
		assert_eq!(Status::decode(5), Some(Status::OtherLength));
		assert_eq!(Status::decode(6), None);
	}
}
