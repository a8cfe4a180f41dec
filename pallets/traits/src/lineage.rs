//! Who earns from a model.

use alloc::vec::Vec;
use oda_primitives::{ModelId, VersionId};

/// What a pallet that shares out fees needs of whoever keeps the models.
///
/// ```
/// use oda_pallet_traits::Lineage;
/// use oda_primitives::{ModelId, VersionId};
///
/// /// Who has a part in what users pay for a version: its trainer first, then those that it descends from.
/// fn earners<L: Lineage<u64>>(model: &ModelId, version: VersionId) -> Vec<u64> {
///     let trainer = L::trainer(model, version).map(|(trainer, _)| trainer);
///     trainer.into_iter().chain(L::ancestors(model, 4)).collect()
/// }
/// ```
pub trait Lineage<AccountId> {
	/// The trainer of a version that the network accepted, and the root of its weights; `None` if there is no such version. One
	/// that has fallen is still its trainer's: whoever pays for it has used it.
	fn trainer(model: &ModelId, version: VersionId) -> Option<(AccountId, [u8; 32])>;

	/// Whose the heads of the models are that this one descends from, as their registrars say: the parent's trainer first, then
	/// its parent's, at most `most` of them. A model without a head has no place among them, and ends the line.
	fn ancestors(model: &ModelId, most: u32) -> Vec<AccountId>;

	/// Gives a model with a head a line of so many ancestors with heads: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn descend_for_benchmark(model: &ModelId, ancestors: u32);
}
