//! The chain's time.

use crate::{ChainError, View, error::node, runtime, view::get};
use oda_primitives::Tick;
use std::{
	fmt::{self, Display},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What tick it is, and how long ticks are: what turns deadlines into seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
	/// The tick of the block that was asked.
	pub now: Tick,
	/// The time between two ticks, in milliseconds, when every block has room.
	pub tick_millis: u64,
}

impl Clock {
	/// A deadline, for people: the tick, and in about how long that is.
	pub fn at(&self, tick: Tick) -> impl Display {
		let seconds = tick.saturating_sub(self.now).saturating_mul(self.tick_millis) / 1000;
		At { tick, seconds, over: tick <= self.now }
	}
}

struct At {
	tick: Tick,
	seconds: u64,
	over: bool,
}

impl Display for At {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { tick, seconds, over } = *self;
		match (over, seconds) {
			(true, _) => write!(f, "tick {tick}, which is over"),
			(false, 0..600) => write!(f, "tick {tick}, in about {seconds} s"),
			(false, 600..7_200) => write!(f, "tick {tick}, in about {} min", seconds / 60),
			(false, 7_200..172_800) => write!(f, "tick {tick}, in about {} h", seconds / 3_600),
			(false, _) => write!(f, "tick {tick}, in about {} days", seconds / 86_400),
		}
	}
}

impl View {
	/// The chain's time at this block.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn clock(&self) -> Result<Clock, ChainError> {
		let tick_millis = self.at.constants().entry(runtime::constants().babe().expected_block_time());
		Ok(Clock { now: self.tick().await?, tick_millis: tick_millis.map_err(node)? })
	}

	/// When this block was made, as its author says.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn made(&self) -> Result<SystemTime, ChainError> {
		let millis = get!(self, runtime::storage().timestamp().now(),).unwrap_or_default();
		Ok(UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_deadline_says_in_how_long_it_is() {
		let clock = Clock { now: 100, tick_millis: 3_000 };
		for (tick, said) in [
			(90, "tick 90, which is over"),
			(100, "tick 100, which is over"),
			(101, "tick 101, in about 3 s"),
			(299, "tick 299, in about 597 s"),
			(400, "tick 400, in about 15 min"),
			(2_600, "tick 2600, in about 2 h"),
			(100_000, "tick 100000, in about 3 days"),
			(Tick::MAX, &format!("tick {}, in about {} days", Tick::MAX, u64::MAX / 1000 / 86_400)),
		] {
			assert_eq!(clock.at(tick).to_string(), said);
		}
	}
}
