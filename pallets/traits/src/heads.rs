//! The border between whoever moves heads and whoever keeps their blobs available.

use oda_primitives::{BlobRef, ModelId};

/// What `training` needs of whoever keeps blobs available.
pub trait Heads {
	/// The head of `model` has these weights and was scored on these data, in this order; `None`: it has no head
	/// any more. What the model had before is no longer wanted for it. Never fails.
	fn set_head(model: &ModelId, blobs: Option<[BlobRef; 2]>);
}

/// Nobody keeps anything available.
impl Heads for () {
	fn set_head(_: &ModelId, _: Option<[BlobRef; 2]>) {}
}
