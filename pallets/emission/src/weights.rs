//! What the pallet's work costs. The figures of `()` are estimates from what is read and written, for tests:
//! whichever runtime composes the pallet measures its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the pallet's work costs: it has hooks and is called by other pallets, and has no calls of its own.
pub trait WeightInfo {
	/// A poll at which no period is over.
	fn poll() -> Weight;
	/// Putting a period aside.
	fn put_aside() -> Weight;
	/// Paying a block's author.
	fn note_author() -> Weight;
	/// Paying `v` verifiers of a task: a part of the weight of whatever settles one.
	fn task_settled(v: u32) -> Weight;
	/// Paying a trainer: a part of the weight of whatever burns a user's fee.
	fn used() -> Weight;
}

/// For tests only: estimates from what is read and written, not measured.
impl WeightInfo for () {
	fn poll() -> Weight {
		Weight::from_parts(5_000_000, 1_500).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn put_aside() -> Weight {
		Weight::from_parts(60_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(10, 9))
	}
	fn note_author() -> Weight {
		Weight::from_parts(80_000_000, 14_000).saturating_add(RocksDbWeight::get().reads_writes(9, 7))
	}
	fn task_settled(v: u32) -> Weight {
		let each =
			Weight::from_parts(60_000_000, 10_000).saturating_add(RocksDbWeight::get().reads_writes(6, 5));
		Weight::from_parts(40_000_000, 7_000)
			.saturating_add(RocksDbWeight::get().reads_writes(3, 2))
			.saturating_add(each.saturating_mul(v.into()))
	}
	fn used() -> Weight {
		Weight::from_parts(60_000_000, 9_000).saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
}
