//! Content-addressed blob store on disk.
//!
//! A blob is any byte string; its name is its BLAKE3 root, as `b3sum` prints it. [`Store`] keeps blobs as plain
//! files, `<base>/blobs/<aa>/<root in hexadecimal>`, where `aa` are the first two digits, so that any tool can
//! read them. Several processes may use one store at once.
//!
//! * What is visible under a blob's name is whole: it is written aside, synced, then renamed.
//! * What is returned hashes to the name that was asked for; anything else is an error.
//! * Reading and writing of files and streams takes a bounded amount of memory.
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
//! assert_eq!(store.read_range(&blob, 2..5)?, b"igh");
//! # Ok::<(), oda_blobs::BlobError>(())
//! ```

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	reason = "not consensus code: lengths of files and buffers, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

mod error;
mod incoming;
mod source;
mod store;

pub use error::BlobError;
pub use source::BlobSource;
pub use store::{Checked, Opened, Store};

pub use oda_primitives::BlobRef;

/// Parses a root in hexadecimal, with or without `0x` before it.
pub fn parse_root(text: &str) -> Result<[u8; 32], BlobError> {
	let mut root = [0; 32];
	hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut root)
		.map_err(|_| BlobError::NotARoot(text.to_owned()))?;
	Ok(root)
}
