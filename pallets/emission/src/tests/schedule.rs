//! The schedule is Bitcoin's, and never exceeds its cap.

use super::*;
use proptest::prelude::*;

const BITCOIN: Schedule = Schedule { cap: 2_100_000_000_000_000, halving: 210_000 };
/// What docs/emission.md proposes.
const ODA: Schedule = Schedule { cap: 100_000_000_000_000_000_000, halving: 42_076_800 };

#[test]
fn bitcoins_numbers_come_out() {
	assert_eq!(BITCOIN.rate(0), 5_000_000_000);
	assert_eq!(BITCOIN.rate(209_999), 5_000_000_000);
	assert_eq!(BITCOIN.rate(210_000), 2_500_000_000);
	assert_eq!(BITCOIN.rate(420_000), 1_250_000_000);
	assert_eq!(BITCOIN.rate(32 * 210_000), 1);
	assert_eq!(BITCOIN.rate(33 * 210_000), 0);
	assert_eq!(BITCOIN.issued(u64::MAX), 2_099_999_997_690_000);
}

#[test]
fn the_whole_schedule_stays_below_the_cap() {
	let mut total = 0u128;
	let mut halvings = 0u64;
	while ODA.rate(halvings * ODA.halving) > 0 {
		total += ODA.rate(halvings * ODA.halving) * u128::from(ODA.halving);
		halvings += 1;
		assert_eq!(ODA.issued(halvings * ODA.halving), total);
		assert!(total <= ODA.cap);
	}
	assert_eq!(halvings, 41);
	assert_eq!(ODA.issued(u64::MAX), total);
	// What the halves that do not divide lose is less than a hundredth of an ODA.
	assert!(ODA.cap - total < 10_000_000_000, "{}", ODA.cap - total);
}

#[test]
fn a_schedule_that_never_halves_issues_nothing() {
	let never = Schedule { cap: u128::MAX, halving: 0 };
	assert_eq!((never.rate(0), never.issued(u64::MAX), never.next_halving(0)), (0, 0, None));
}

#[test]
fn the_next_halving_is_counted_in_ticks() {
	assert_eq!(BITCOIN.next_halving(0), Some(210_000));
	assert_eq!(BITCOIN.next_halving(209_999), Some(1));
	assert_eq!(BITCOIN.next_halving(210_000), Some(210_000));
	assert_eq!(BITCOIN.next_halving(33 * 210_000), None);
}

proptest! {
	#[test]
	fn no_schedule_ever_exceeds_its_cap(cap: u128, halving: u64, ticks: u64) {
		let schedule = Schedule { cap, halving };
		let all = schedule.issued(u64::MAX);
		prop_assert!(all <= cap);
		prop_assert!(schedule.issued(ticks) <= all);
	}

	#[test]
	fn what_is_issued_is_the_sum_of_the_rates(cap in 0..1u128 << 40, halving in 1..60u64, ticks in 0..600u64) {
		let schedule = Schedule { cap, halving };
		let sum = (0..ticks).map(|tick| schedule.rate(tick)).sum::<u128>();
		prop_assert_eq!(schedule.issued(ticks), sum);
	}

	#[test]
	fn what_two_spans_issue_is_what_both_issue_together(cap: u128, halving: u64, a: u64, b: u64) {
		let schedule = Schedule { cap, halving };
		let (first, last) = (a.min(b), a.max(b));
		prop_assert!(schedule.issued(first) <= schedule.issued(last));
		prop_assert!(schedule.rate(first) >= schedule.rate(last));
	}
}
