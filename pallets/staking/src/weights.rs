//! What staking's calls and hooks cost. The figures of `()` are estimates from what is read and written, for tests:
//! whichever runtime composes the pallet measures its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::{Weight, constants::RocksDbWeight};

/// What staking's calls and hooks cost, what the watcher does included.
pub trait WeightInfo {
	/// Becoming a candidate in the place of another, who has to be found on a full list.
	fn bond() -> Weight;
	/// Raising an own bond.
	fn bond_more() -> Weight;
	/// Delegating.
	fn delegate() -> Weight;
	/// Taking a stake out.
	fn unbond() -> Weight;
	/// The same, to delegate it with somebody else.
	fn redelegate() -> Weight;
	/// Letting `m` parts of a position out, each into another pool.
	fn withdraw(m: u32) -> Weight;
	/// Letting one part of a position out of a pool with `d` delegators.
	fn withdraw_among(d: u32) -> Weight;
	/// Changing a commission.
	fn set_commission() -> Weight;
	/// Chilling a candidate, with `c` on the list.
	fn chill(c: u32) -> Weight;
	/// Resuming in the place of another, who has to be found on a full list.
	fn resume() -> Weight;
	/// Refreshing the least own bond of a candidate.
	fn refresh() -> Weight;
	/// Slashing a pool with `d` delegators.
	fn slash(d: u32) -> Weight;
	/// Rewarding a pool with `d` delegators.
	fn reward(d: u32) -> Weight;
	/// Ending a session, and electing among `c` candidates.
	fn rotate(c: u32) -> Weight;
	/// Hearing of `v` validators that did not respond, with as many candidates.
	fn absences(v: u32) -> Weight;
	/// Queueing an offence, with `c` candidates on the list and a full queue.
	fn report(c: u32) -> Weight;
	/// Finding that no offence waits.
	fn poll() -> Weight;
	/// Applying an offence.
	fn apply_offence() -> Weight;
}

/// For tests: so many reads and writes, counted, and a little time.
fn touching(reads: u64, writes: u64) -> Weight {
	RocksDbWeight::get()
		.reads_writes(reads, writes)
		.saturating_add(Weight::from_parts(20_000_000, reads.saturating_mul(3_000)))
}

/// For tests: derived from what is read and written, with a list of a hundred candidates.
impl WeightInfo for () {
	fn bond() -> Weight {
		touching(112, 11)
	}
	fn bond_more() -> Weight {
		touching(6, 5)
	}
	fn delegate() -> Weight {
		touching(6, 5)
	}
	fn unbond() -> Weight {
		touching(4, 3)
	}
	fn redelegate() -> Weight {
		touching(5, 3)
	}
	fn withdraw(m: u32) -> Weight {
		touching(6, 5).saturating_add(touching(5, 5).saturating_mul(m.into()))
	}
	fn withdraw_among(_: u32) -> Weight {
		Self::withdraw(1)
	}
	fn set_commission() -> Weight {
		touching(2, 1)
	}
	fn chill(c: u32) -> Weight {
		touching(3, 2).saturating_add(Weight::from_parts(10_000, 40).saturating_mul(c.into()))
	}
	fn resume() -> Weight {
		touching(107, 6)
	}
	fn refresh() -> Weight {
		touching(1, 1)
	}
	fn slash(_: u32) -> Weight {
		touching(5, 4)
	}
	fn reward(_: u32) -> Weight {
		touching(5, 5)
	}
	fn rotate(c: u32) -> Weight {
		touching(8, 6).saturating_add(touching(2, 1).saturating_mul(c.into()))
	}
	fn absences(v: u32) -> Weight {
		touching(4, 3).saturating_add(touching(11, 6).saturating_mul(v.into()))
	}
	fn report(c: u32) -> Weight {
		touching(13, 10).saturating_add(Weight::from_parts(10_000, 40).saturating_mul(c.into()))
	}
	fn poll() -> Weight {
		touching(1, 0)
	}
	fn apply_offence() -> Weight {
		touching(8, 7)
	}
}
