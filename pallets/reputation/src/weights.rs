//! What the pallet's work costs. The runtime measures and supplies the numbers (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the calls weigh, and what other pallets make the pallet do.
pub trait WeightInfo {
	/// An entry is settled.
	fn bump() -> Weight;
	/// `n` payers are removed.
	fn tidy(n: u32) -> Weight;
	/// An appeal is made.
	fn appeal() -> Weight;
	/// An appeal is answered.
	fn resolve_appeal() -> Weight;
	/// An appeal that nobody answered is closed.
	fn close_appeal() -> Weight;
	/// Evidence arrives, and suspends: a part of the weight of whatever sees it.
	fn saw() -> Weight;
	/// A user's fee is burned, and raises a provider: a part of the weight of whatever burns it.
	fn earned() -> Weight;
	/// A bond changes: a part of the weight of whatever changes it.
	fn changed() -> Weight;
}

/// Nothing weighs anything: for tests.
impl WeightInfo for () {
	fn bump() -> Weight {
		Weight::zero()
	}
	fn tidy(_: u32) -> Weight {
		Weight::zero()
	}
	fn appeal() -> Weight {
		Weight::zero()
	}
	fn resolve_appeal() -> Weight {
		Weight::zero()
	}
	fn close_appeal() -> Weight {
		Weight::zero()
	}
	fn saw() -> Weight {
		Weight::zero()
	}
	fn earned() -> Weight {
		Weight::zero()
	}
	fn changed() -> Weight {
		Weight::zero()
	}
}
