//! What is left of points and faults after a number of periods.
//!
//! Each period takes its part and rounds down, one after the other. That is slower than a power by repeated
//! squaring, and exact where it matters: what is left depends on how many periods have passed, not on how
//! often somebody looked; and what is left of a sum is never less than what is left of its parts, period
//! after period: `⌊(a + b)·f⌋ ≥ ⌊a·f⌋ + ⌊b·f⌋`.

use polkadot_sdk::sp_runtime::{Perbill, SaturatedConversion};

/// The least part that a period takes: with less, looking at an account after a long time would be too much
/// work.
pub const LEAST_DECAY: Perbill = Perbill::from_percent(1);

/// After so many periods nothing is left of anything.
pub const MOST_PERIODS: u64 = 4_096;

/// The parts of a [`Perbill`].
const PARTS: u128 = 1_000_000_000;

/// What factors are counted in.
const ONE: u128 = 1 << 64;

/// What is left of `value` after so many periods, each of which takes `decay`, and at least [`LEAST_DECAY`].
///
/// It is less than `value · (1 − decay)ⁿ` by no more than `2 / decay`, never more, and strictly less than
/// before until it is nothing.
pub fn decayed(value: u64, decay: Perbill, periods: u64) -> u64 {
	let kept = PARTS.saturating_sub(u128::from(decay.max(LEAST_DECAY).deconstruct()));
	let factor = kept.saturating_mul(ONE).saturating_div(PARTS);
	let mut left = u128::from(value);
	for _ in 0..periods.min(MOST_PERIODS) {
		if left == 0 {
			break;
		}
		left = left.saturating_mul(factor).saturating_div(ONE);
	}
	left.saturated_into()
}
