//! What the calls cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the calls cost.
pub trait WeightInfo {
	/// Binding a peer, its signature included.
	fn bind() -> Weight;
	/// Releasing it.
	fn unbind() -> Weight;
}

/// For tests only: costs nothing.
impl WeightInfo for () {
	fn bind() -> Weight {
		Weight::zero()
	}
	fn unbind() -> Weight {
		Weight::zero()
	}
}
