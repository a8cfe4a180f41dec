//! Whether blocks become final, and when that is worth a word in the log.

use crate::NEAR_FINALITY;
use std::time::{Duration, Instant};

/// How long the best block may stay the same: many slots.
const STILL: Duration = Duration::from_secs(60);
/// How long after a word the next one about the same follows.
const AGAIN: Duration = Duration::from_secs(300);

/// What is worth a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
	/// Blocks come, and none becomes final.
	Behind,
	/// No block has come for so long.
	Still { seconds: u64 },
	/// Finality, which was behind, is near.
	Near,
}

/// The best and the last final block as they were seen last.
pub(crate) struct Finality {
	best: u64,
	/// When the best block changed.
	moved: Instant,
	/// When something was last said that is still so.
	said: Option<Instant>,
}

impl Finality {
	pub(crate) fn new(now: Instant) -> Self {
		Self { best: 0, moved: now, said: None }
	}

	/// Notes the two blocks; what is to be said of them, if anything.
	pub(crate) fn look(&mut self, best: u64, finalised: u64, now: Instant) -> Option<Said> {
		if best != self.best {
			(self.best, self.moved) = (best, now);
		}
		let still = now.saturating_duration_since(self.moved);
		let trouble = if best.saturating_sub(finalised) > NEAR_FINALITY {
			Some(Said::Behind)
		} else if still >= STILL {
			Some(Said::Still { seconds: still.as_secs() })
		} else {
			None
		};
		let Some(trouble) = trouble else { return self.said.take().map(|_| Said::Near) };
		if self.said.is_some_and(|said| now.saturating_duration_since(said) < AGAIN) {
			return None;
		}
		self.said = Some(now);
		Some(trouble)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn finality_that_is_behind_is_told_once_and_then_seldom() {
		let start = Instant::now();
		let mut finality = Finality::new(start);
		let mut at =
			|seconds, best, finalised| finality.look(best, finalised, start + Duration::from_secs(seconds));
		assert_eq!(at(0, 10, 8), None);
		assert_eq!(at(30, 20, 8), Some(Said::Behind));
		assert_eq!(at(60, 30, 8), None);
		assert_eq!(at(329, 119, 8), None);
		assert_eq!(at(330, 120, 8), Some(Said::Behind));
		assert_eq!(at(340, 121, 119), Some(Said::Near));
		assert_eq!(at(350, 122, 120), None);
	}

	#[test]
	fn a_chain_without_new_blocks_is_told_of() {
		let start = Instant::now();
		let mut finality = Finality::new(start);
		let mut at = |seconds, best| finality.look(best, best, start + Duration::from_secs(seconds));
		assert_eq!(at(0, 5), None);
		assert_eq!(at(59, 5), None);
		assert_eq!(at(61, 5), Some(Said::Still { seconds: 61 }));
		assert_eq!(at(62, 5), None);
		assert_eq!(at(63, 6), Some(Said::Near));
	}
}
