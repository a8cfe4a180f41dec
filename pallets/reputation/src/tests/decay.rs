//! What is left after a number of periods.

use super::*;
use crate::decay::*;
use proptest::prelude::*;

#[test]
fn nothing_is_left_of_anything_after_the_most_periods() {
	assert_eq!(decayed(u64::MAX, LEAST_DECAY, MOST_PERIODS), 0);
	assert_eq!(decayed(u64::MAX, LEAST_DECAY, u64::MAX), 0);
}

#[test]
fn a_decay_below_the_least_is_the_least() {
	assert_eq!(decayed(1_000_000, Perbill::zero(), 3), decayed(1_000_000, LEAST_DECAY, 3));
}

#[test]
fn a_decay_of_everything_leaves_nothing() {
	assert_eq!(decayed(u64::MAX, Perbill::one(), 1), 0);
}

#[test]
fn no_period_takes_nothing() {
	assert_eq!(decayed(u64::MAX, DECAY, 0), u64::MAX);
}

proptest! {
	#[test]
	fn what_is_left_is_the_closed_form_within_the_rounding(
		value in 0..1u64 << 40, percent in 1..100u32, periods in 0..500u64,
	) {
		let left = decayed(value, Perbill::from_percent(percent), periods);
		let rate = f64::from(percent) / 100.0;
		let closed = value as f64 * (1.0 - rate).powf(periods as f64);
		prop_assert!(left as f64 <= closed + 1e-3, "{left} of {closed}");
		prop_assert!(left as f64 >= closed - 2.0 / rate, "{left} of {closed}");
	}

	#[test]
	fn what_is_left_does_not_depend_on_how_often_somebody_looked(
		value: u64, parts in 10_000_000..1_000_000_000u32, first in 0..300u64, then in 0..300u64,
	) {
		let decay = Perbill::from_parts(parts);
		prop_assert_eq!(
			decayed(decayed(value, decay, first), decay, then),
			decayed(value, decay, first + then)
		);
	}

	#[test]
	fn what_is_left_of_a_sum_is_no_less_than_what_is_left_of_its_parts(
		one in 0..u64::MAX / 2, other in 0..u64::MAX / 2, parts in 10_000_000..1_000_000_000u32, periods in 0..300u64,
	) {
		let decay = Perbill::from_parts(parts);
		let of_parts = decayed(one, decay, periods) + decayed(other, decay, periods);
		prop_assert!(decayed(one + other, decay, periods) >= of_parts);
	}

	#[test]
	fn each_period_leaves_less(value in 1..u64::MAX, parts in 0..1_000_000_000u32) {
		prop_assert!(decayed(value, Perbill::from_parts(parts), 1) < value);
	}
}

#[test]
fn an_account_that_is_bumped_every_period_has_what_one_has_that_is_bumped_once() {
	run(|| {
		[ALICE, BOB].into_iter().for_each(|who| bond(who, 5));
		[ALICE, BOB].into_iter().for_each(|who| endow(who, 3_333));
		for _ in 0..37 {
			pass(1);
			assert_ok!(bump(ALICE));
		}
		assert_ok!(bump(BOB));
		assert!(points(ALICE) > 0);
		assert_eq!(entry(ALICE), entry(BOB));
	});
}
