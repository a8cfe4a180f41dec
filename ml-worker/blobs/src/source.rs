//! Where blobs come from.

use crate::BlobError;
use oda_primitives::{BlobRef, RangeProof};
use std::{ops::Range, sync::Arc};

/// Something that blobs can be had from: a disk, or peers.
///
/// What is returned is the blob that was asked for, checked against its root. Calls may block; asynchronous
/// code makes them where blocking is allowed.
pub trait BlobSource: Send + Sync {
	/// Whether the blob is here, as far as can be said without reading it.
	fn has(&self, blob: &BlobRef) -> Result<bool, BlobError>;

	/// All of a blob.
	///
	/// # Errors
	///
	/// [`BlobError::NotFound`], [`BlobError::WrongLength`], [`BlobError::WrongHash`], and what the medium adds.
	/// Nothing is allocated before the length is known to be the stated one.
	fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, BlobError>;

	/// That bytes `range` of a blob are what they are: read, and checked, without reading the rest.
	///
	/// # Errors
	///
	/// As [`get`](Self::get); [`BlobError::OutOfRange`], [`BlobError::Damaged`].
	fn prove(&self, blob: &BlobRef, range: Range<u64>) -> Result<RangeProof, BlobError>;
}

impl<S: BlobSource + ?Sized> BlobSource for Arc<S> {
	fn has(&self, blob: &BlobRef) -> Result<bool, BlobError> {
		(**self).has(blob)
	}

	fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, BlobError> {
		(**self).get(blob)
	}

	fn prove(&self, blob: &BlobRef, range: Range<u64>) -> Result<RangeProof, BlobError> {
		(**self).prove(blob, range)
	}
}
