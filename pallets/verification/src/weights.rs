//! What verification's calls and hooks cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::{Weight, constants::RocksDbWeight};

/// What verification's calls and hooks cost. Opening, resolving and closing a task is part of the calls of whoever does it.
pub trait WeightInfo {
	/// Joining.
	fn join() -> Weight;
	/// Changing a verifier's capacity.
	fn set_capacity() -> Weight;
	/// Resting.
	fn rest() -> Weight;
	/// Being drawn again.
	fn wake() -> Weight;
	/// Letting a verifier rest that is away.
	fn dismiss() -> Weight;
	/// Leaving the verifiers.
	fn leave() -> Weight;
	/// Recording a commitment.
	fn commit() -> Weight;
	/// Checking a commitment before it is recorded: its signature above all.
	fn authorize_commit() -> Weight;
	/// Recording an opening with `w` outputs.
	fn open(w: u32) -> Weight;
	/// Checking an opening before it is recorded, with proofs of `h` hashes together.
	fn authorize_open(h: u32) -> Weight;
	/// Stirring the entropy, and finding that nothing is due.
	fn poll() -> Weight;
	/// Finding the next task whose phase ends, or that there is none at a tick.
	fn next_in_agenda() -> Weight;
	/// Finding the next task that waits for a draw, or that there is none in an epoch.
	fn next_in_queue() -> Weight;
	/// Ending a phase of a task of `m` members: at worst all of them pay, and a second committee is to be drawn.
	fn advance(m: u32) -> Weight;
	/// Drawing a committee of `m` members by `s` samples, all of them different and able.
	fn draw(s: u32, m: u32) -> Weight;
}

/// For tests only: estimates from what is read and written.
impl WeightInfo for () {
	fn join() -> Weight {
		estimate(60, 15, 17)
	}
	fn set_capacity() -> Weight {
		estimate(20, 1, 1)
	}
	fn rest() -> Weight {
		estimate(40, 7, 7)
	}
	fn wake() -> Weight {
		estimate(45, 8, 7)
	}
	fn dismiss() -> Weight {
		estimate(40, 7, 7)
	}
	fn leave() -> Weight {
		estimate(60, 13, 13)
	}
	fn commit() -> Weight {
		estimate(35, 4, 4)
	}
	fn authorize_commit() -> Weight {
		estimate(70, 3, 0)
	}
	fn poll() -> Weight {
		estimate(15, 4, 1)
	}
	fn next_in_agenda() -> Weight {
		estimate(12, 2, 1)
	}
	fn next_in_queue() -> Weight {
		estimate(12, 2, 2)
	}
	fn open(w: u32) -> Weight {
		estimate(40u64.saturating_add(w.into()), 5, 4)
	}
	fn authorize_open(h: u32) -> Weight {
		estimate(10u64.saturating_add(u64::from(h).saturating_mul(2)), 3, 0)
	}
	fn advance(m: u32) -> Weight {
		let members = u64::from(m);
		estimate(
			50u64.saturating_add(members.saturating_mul(60)),
			8u64.saturating_add(members.saturating_mul(11)),
			8u64.saturating_add(members.saturating_mul(10)),
		)
	}
	fn draw(s: u32, m: u32) -> Weight {
		let (samples, members) = (u64::from(s), u64::from(m));
		// At most four nodes, a place, a verifier and its stake for each sample; and what is written of each member.
		estimate(
			50u64.saturating_add(samples.saturating_mul(40)),
			8u64.saturating_add(samples.saturating_mul(7)).saturating_add(members.saturating_mul(2)),
			8u64.saturating_add(members.saturating_mul(5)),
		)
	}
}

/// So many microseconds of computing, reads and writes.
fn estimate(microseconds: u64, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(microseconds.saturating_mul(1_000_000), 0)
		.saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}
