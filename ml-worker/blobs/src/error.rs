//! What can go wrong, one variant per reason.

use oda_primitives::BlobRef;
use std::{
	io,
	path::{Path, PathBuf},
};

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
	/// There is no blob of this root.
	#[error("there is no blob {}", hex::encode(.0))]
	NotFound([u8; 32]),
	/// The bytes do not have the length that was stated.
	#[error("blob {} has {found} bytes, not the {} that were stated", hex::encode(.expected.root), .expected.len)]
	WrongLength {
		/// What was asked for.
		expected: BlobRef,
		/// Bytes there are; for a stream, at least this many.
		found: u64,
	},
	/// The bytes do not hash to the root: they are another blob's, or damaged.
	#[error("the bytes of blob {} hash to {}", hex::encode(.expected.root), hex::encode(.found))]
	WrongHash {
		/// What was asked for.
		expected: BlobRef,
		/// The root of the bytes that there are.
		found: [u8; 32],
	},
	/// The bytes are more than the caller allows.
	#[error("more than the {limit} bytes that are allowed")]
	TooLong {
		/// Bytes allowed.
		limit: u64,
	},
	/// The range does not lie within the blob.
	#[error("bytes {start}..{end} do not lie within the blob's {len}")]
	OutOfRange {
		/// The range's start.
		start: u64,
		/// The range's end.
		end: u64,
		/// Bytes of the blob.
		len: u64,
	},
	/// Somebody else is fetching the blob.
	#[error("blob {} is being fetched by somebody else", hex::encode(.0))]
	Busy([u8; 32]),
	/// Not all of the blob is there yet.
	#[error("blob {} is not complete: {missing} groups are missing", hex::encode(.root))]
	Incomplete {
		/// Its root.
		root: [u8; 32],
		/// Groups of 16 KiB that are missing.
		missing: u64,
	},
	/// A blob's file, or its outboard, does not hash to the root any more.
	#[error("blob {} is damaged from group {group} on", hex::encode(.root))]
	Damaged {
		/// Its root.
		root: [u8; 32],
		/// The first group of 16 KiB that can be damaged.
		group: u64,
	},
	/// A block of one blob was to be written to another.
	#[error("a block of blob {} is none of blob {}", hex::encode(.found.root), hex::encode(.expected.root))]
	OtherBlob {
		/// What is being fetched.
		expected: BlobRef,
		/// What the block is of.
		found: BlobRef,
	},
	/// Text that is no root.
	#[error("{0:?} is no blob root: 64 hexadecimal digits")]
	NotARoot(String),
	/// The disk, or this user's share of it, is full.
	#[error("the disk is full: cannot write {path}")]
	DiskFull {
		/// What was written.
		path: PathBuf,
	},
	/// The caller asked to stop.
	#[error("cancelled")]
	Cancelled,
	/// A stream could not be read.
	#[error("reading: {0}")]
	Read(io::Error),
	/// A file could not be read or written.
	#[error("{path}: {source}")]
	Io {
		/// The file.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
}

impl BlobError {
	/// Whether what lies on the disk is not the blob, or cannot be read, so that another copy is needed. The store has
	/// set it aside.
	pub fn is_damage(&self) -> bool {
		match self {
			Self::WrongHash { .. } | Self::Damaged { .. } => true,
			Self::Io { source, .. } => unreadable(source),
			_ => false,
		}
	}

	/// Whether the blob is not here, or not any more.
	pub fn is_absent(&self) -> bool {
		matches!(self, Self::NotFound(_)) || self.is_damage()
	}

	/// What an operation on `path` failed with.
	pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
		move |source| match source.kind() {
			io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
				Self::DiskFull { path: path.to_owned() }
			}
			_ => Self::Io { path: path.to_owned(), source },
		}
	}
}

/// Whether a disk failed to read, for good, what it should hold: not whether this process may read it, nor whether it
/// can just now.
fn unreadable(error: &io::Error) -> bool {
	const MEDIUM: [i32; 4] = [libc::EIO, libc::EBADMSG, libc::EUCLEAN, libc::ENODATA];
	let shorter_than_it_was = error.kind() == io::ErrorKind::UnexpectedEof;
	let no_file = error.kind() == io::ErrorKind::IsADirectory;
	shorter_than_it_was || no_file || error.raw_os_error().is_some_and(|code| MEDIUM.contains(&code))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_the_disk_cannot_read_is_damage_and_what_this_process_may_not_is_none() {
		let failed = |error: io::Error| BlobError::io(Path::new("x"))(error).is_damage();
		assert!(failed(io::Error::from_raw_os_error(libc::EIO)));
		assert!(failed(io::ErrorKind::UnexpectedEof.into()));
		assert!(!failed(io::ErrorKind::PermissionDenied.into()));
		assert!(!failed(io::Error::from_raw_os_error(libc::EMFILE)));
	}

	#[test]
	fn a_full_disk_is_told_apart() {
		let full = BlobError::io(Path::new("x"))(io::ErrorKind::StorageFull.into());
		assert!(matches!(full, BlobError::DiskFull { .. }));
		let other = BlobError::io(Path::new("x"))(io::ErrorKind::PermissionDenied.into());
		assert!(matches!(other, BlobError::Io { .. }));
	}
}
