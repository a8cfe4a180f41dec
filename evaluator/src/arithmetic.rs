//! Integer arithmetic, version 1. Total: every operand has a result, so no byte string of the right length
//! is an invalid weight.

use crate::graph::DType;

/// The largest right shift; greater ones act as this.
pub const MAX_SHIFT: u8 = 62;

/// Rounding right shift, half up: `(value + half) >> min(shift, 62)` with `half = 2^(shift − 1)`, or 0 for
/// no shift. The sum wraps; no operator's value comes near the end of an `i64`.
pub(crate) fn rounding_shift(value: i64, shift: u8) -> i64 {
	let shift = shift.min(MAX_SHIFT);
	let half = match shift.checked_sub(1) {
		Some(bits) => 1i64.wrapping_shl(bits.into()),
		None => 0,
	};
	value.wrapping_add(half).wrapping_shr(shift.into())
}

/// One accumulator to one output element: `a = saturate_i32(acc + bias)`, `y = (a · mult + half) >> shift`,
/// saturated to `dtype`.
///
/// `|a · mult| ≤ 2⁶²` and `half ≤ 2⁶¹`, so nothing leaves an `i64`.
pub fn requantise(acc: i32, bias: i32, mult: i32, shift: u8, dtype: DType) -> i32 {
	let a = acc.saturating_add(bias);
	dtype.saturate(rounding_shift(i64::from(a).wrapping_mul(mult.into()), shift))
}

/// One element of a residual add: `(a · lhs_mult + b · rhs_mult + half) >> shift`, one rounding, saturated
/// to `dtype`.
///
/// Operands have at most 16 bits, so the sum stays below 2⁴⁸ and nothing leaves an `i64`.
pub fn scaled_add(a: i32, lhs_mult: i32, b: i32, rhs_mult: i32, shift: u8, dtype: DType) -> i32 {
	let lhs = i64::from(a).wrapping_mul(lhs_mult.into());
	let rhs = i64::from(b).wrapping_mul(rhs_mult.into());
	dtype.saturate(rounding_shift(lhs.wrapping_add(rhs), shift))
}

/// The mean of `count` elements, rounded half up: `floor((2 · sum + count) / (2 · count))`; 0 for none.
pub fn rounded_mean(sum: i64, count: u32) -> i64 {
	let count = i64::from(count);
	sum.saturating_mul(2)
		.saturating_add(count)
		.checked_div_euclid(count.saturating_mul(2))
		.unwrap_or_default()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn rounding_shift_rounds_half_up() {
		assert_eq!(rounding_shift(5, 1), 3);
		assert_eq!(rounding_shift(-5, 1), -2);
		assert_eq!(rounding_shift(-6, 2), -1);
		assert_eq!(rounding_shift(7, 0), 7);
	}

	#[test]
	fn shifts_over_62_act_as_62() {
		assert_eq!(rounding_shift(i64::MAX / 2, 62), rounding_shift(i64::MAX / 2, 255));
		assert_eq!(rounding_shift(1 << 61, 255), 1);
	}

	#[test]
	fn requantise_saturates_the_accumulator_before_multiplying() {
		assert_eq!(requantise(i32::MAX, i32::MAX, 1, 0, DType::I32), i32::MAX);
		assert_eq!(requantise(i32::MIN, i32::MIN, i32::MIN, 62, DType::I32), 1);
		assert_eq!(requantise(1_000, 0, 1, 0, DType::I8), 127);
		assert_eq!(requantise(-1, 0, 1, 0, DType::U8), 0);
	}

	#[test]
	fn rounded_mean_floors_below_zero() {
		assert_eq!(rounded_mean(-3, 2), -1);
		assert_eq!(rounded_mean(3, 2), 2);
		assert_eq!(rounded_mean(-7, 4), -2);
		assert_eq!(rounded_mean(-6, 4), -1);
	}
}
