//! What the clock's hook costs. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the clock's hook costs.
pub trait WeightInfo {
	/// One tick.
	fn tick() -> Weight;
}

/// For tests only: costs nothing.
impl WeightInfo for () {
	fn tick() -> Weight {
		Weight::zero()
	}
}
