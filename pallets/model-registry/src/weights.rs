//! What the registry's calls cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the registry's calls cost.
pub trait WeightInfo {
	/// Registering a model whose specification has `s` encoded bytes, with a proof of `d` siblings.
	fn register(s: u32, d: u32) -> Weight;
	/// Retiring a model.
	fn retire() -> Weight;
	/// Abandoning a model.
	fn abandon() -> Weight;
	/// Announcing a model.
	fn announce() -> Weight;
	/// Removing an announcement.
	fn remove_announcement() -> Weight;
	/// Setting, replacing or removing a model's card.
	fn set_card() -> Weight;
	/// Freezing a model.
	fn freeze() -> Weight;
	/// Thawing a model.
	fn thaw() -> Weight;
}

/// For tests only: costs nothing.
impl WeightInfo for () {
	fn register(_s: u32, _d: u32) -> Weight {
		Weight::zero()
	}
	fn retire() -> Weight {
		Weight::zero()
	}
	fn abandon() -> Weight {
		Weight::zero()
	}
	fn announce() -> Weight {
		Weight::zero()
	}
	fn remove_announcement() -> Weight {
		Weight::zero()
	}
	fn set_card() -> Weight {
		Weight::zero()
	}
	fn freeze() -> Weight {
		Weight::zero()
	}
	fn thaw() -> Weight {
		Weight::zero()
	}
}
