//! Content-addressed blob store on disk.
//!
//! A blob is any byte string; its name is its BLAKE3 root, as `b3sum` prints it. [`Store`] keeps blobs as plain
//! files, `<base>/blobs/<aa>/<root in hexadecimal>`, where `aa` are the first two digits, so that any tool can
//! read them. Several processes may use one store at once.
//!
//! * What is visible under a blob's name is whole: it is written aside, synced, then renamed.
//! * What is returned hashes to the name that was asked for; anything else is an error.
//! * What turns out to be damaged, or cannot be read, is set aside (`blobs/damaged`), so that it is not here any more
//!   and can be fetched again.
//! * Reading and writing of files and streams takes a bounded amount of memory.
//!
//! A blob that comes from a peer comes as slices: groups of 16 KiB with the hashes that tie them to the root, in
//! the encoding of `bao` with groups of sixteen chunks. [`Slices`] makes them, a [`Decoder`] checks them group by
//! group as they arrive, and a [`Partial`] keeps what has been checked until all of it is there.
//!
//! [`BlobSource`] is all that readers of blobs need; a network of peers can stand behind it as well as a disk.
//!
//! ```
//! use oda_blobs::{BlobSource, Store};
//!
//! # let base = tempfile::tempdir().expect("a temporary directory");
//! let store = Store::open(base.path())?;
//! let blob = store.put(b"weights")?;
//! assert_eq!(store.get(&blob)?, b"weights");
//! assert_eq!(store.prove(&blob, 2..5)?.unverified(), Some(&b"igh"[..]));
//! # Ok::<(), oda_blobs::BlobError>(())
//! ```

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	reason = "not consensus code: lengths of files and buffers, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

mod damage;
mod decoder;
mod error;
mod incoming;
mod outboard;
mod partial;
mod pins;
mod pool;
mod proof;
mod ranges;
mod source;
mod store;
mod tree;

pub use decoder::{Block, Decoder};
pub use error::BlobError;
pub use outboard::Slices;
pub use partial::Partial;
pub use pins::{Holder, Removed};
pub use ranges::Ranges;
pub use source::BlobSource;
pub use store::{Checked, Opened, Store};
pub use tree::{GROUP_LEN, WrongBytes, group_count, slice_len};

pub use oda_primitives::BlobRef;

/// Parses a root in hexadecimal, with or without `0x` before it.
pub fn parse_root(text: &str) -> Result<[u8; 32], BlobError> {
	let mut root = [0; 32];
	hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut root)
		.map_err(|_| BlobError::NotARoot(text.to_owned()))?;
	Ok(root)
}
