//! What verification's calls cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What verification's calls cost. Opening and closing a task is part of the calls of whoever does it.
pub trait WeightInfo {
	/// Recording an answer.
	fn attest() -> Weight;
	/// Checking an answer before it is recorded: its signature above all.
	fn authorize_attest() -> Weight;
	/// Leaving the verifiers.
	fn leave() -> Weight;
}

/// For tests only: costs nothing.
impl WeightInfo for () {
	fn attest() -> Weight {
		Weight::zero()
	}
	fn authorize_attest() -> Weight {
		Weight::zero()
	}
	fn leave() -> Weight {
		Weight::zero()
	}
}
