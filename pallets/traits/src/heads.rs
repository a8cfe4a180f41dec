//! Having the blobs of models' heads kept.

use oda_primitives::{BlobRef, ModelId};

/// What `training` needs of whoever keeps blobs available.
///
/// ```
/// use oda_pallet_traits::Heads;
/// use oda_primitives::BlobRef;
///
/// // Nobody keeps anything.
/// <() as Heads>::set_head(&[1; 32], Some([BlobRef::of(b"weights"), BlobRef::of(b"data")]));
/// ```
pub trait Heads {
	/// The head of `model` has these weights and was scored on these data, in this order; `None`: it has no head
	/// any more. What the model had before is no longer wanted for it. Never fails.
	fn set_head(model: &ModelId, blobs: Option<[BlobRef; 2]>);
}

/// Nobody keeps anything available.
impl Heads for () {
	fn set_head(_: &ModelId, _: Option<[BlobRef; 2]>) {}
}

/// What whoever keeps heads available needs of whoever keeps the models.
///
/// ```
/// use oda_pallet_traits::OpenModels;
/// use oda_primitives::ModelId;
///
/// fn renew<M: OpenModels>(model: &ModelId, left: u64, pay: u64) -> bool {
///     M::is_open(model) && left >= pay
/// }
/// ```
pub trait OpenModels {
	/// Whether the model is registered, and not retired: whether its head's blobs are to be kept any longer.
	/// A model that has been retired never opens again.
	fn is_open(model: &ModelId) -> bool;

	/// Makes a model that is open: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn open_for_benchmark() -> ModelId;
}
