//! What the calls cost, and what a changed tier costs whoever changes it. Those of `()` count only what is
//! read and written, for tests: whichever runtime composes the pallet measures its own
//! (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls cost, and what a changed tier costs whoever changes it.
pub trait WeightInfo {
	/// Voting.
	fn vote() -> Weight;
	/// Retracting a vote.
	fn retract() -> Weight;
	/// Forgetting what is over among an account's `v` votes, and telling of it.
	fn forget(v: u32) -> Weight;
	/// Waking a poll.
	fn poke() -> Weight;
	/// Delegating the votes of a track, as `v` votes of the delegate are counted anew.
	fn delegate(v: u32) -> Weight;
	/// Undelegating them, or taking them from one delegate to give them to another, as `v` votes of the
	/// delegate are counted anew.
	fn undelegate(v: u32) -> Weight;
	/// Catching up with a changed tier, as `v` votes are counted anew.
	fn catch_up(v: u32) -> Weight;
	/// Hearing that an account's tier changed.
	fn tier_changed() -> Weight;
}

/// Reading so many polls or lists, and writing so many.
fn estimate(reads: u32, writes: u32) -> Weight {
	RocksDbWeight::get().reads_writes(reads.into(), writes.into())
}

/// For tests only: what is read and written, and nothing else.
impl WeightInfo for () {
	fn vote() -> Weight {
		estimate(10, 8)
	}
	fn retract() -> Weight {
		estimate(8, 7)
	}
	fn forget(v: u32) -> Weight {
		estimate(v.saturating_add(3), 3)
	}
	fn poke() -> Weight {
		estimate(3, 4)
	}
	fn delegate(v: u32) -> Weight {
		estimate(v.saturating_mul(3).saturating_add(40), v.saturating_mul(4).saturating_add(8))
	}
	fn undelegate(v: u32) -> Weight {
		estimate(v.saturating_mul(3).saturating_add(6), v.saturating_mul(4).saturating_add(5))
	}
	fn catch_up(v: u32) -> Weight {
		estimate(v.saturating_mul(3).saturating_add(10), v.saturating_mul(4).saturating_add(10))
	}
	fn tier_changed() -> Weight {
		estimate(4, 2)
	}
}
