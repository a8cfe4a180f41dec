//! What tiers need, and which needs are sound.

use super::*;
use crate::Ladder;
use proptest::prelude::*;

fn ladder_of(thresholds: &[u64], percent: u32) -> Ladder {
	Ladder { thresholds: thresholds.to_vec(), hysteresis: Perbill::from_percent(percent) }
}

#[test]
fn the_mocks_thresholds_are_sound() {
	assert!(ladder_of(&THRESHOLDS, 10).is_sound());
}

#[test]
fn thresholds_that_do_not_rise_are_not_sound() {
	assert!(!ladder_of(&[100, 100], 0).is_sound());
}

#[test]
fn no_thresholds_are_not_sound() {
	assert!(!ladder_of(&[], 0).is_sound());
}

#[test]
fn a_tier_that_needs_more_than_two_that_are_together_as_high_is_not_sound() {
	assert!(ladder_of(&[100, 150, 250], 0).is_sound());
	assert!(!ladder_of(&[100, 150, 251], 0).is_sound());
}

#[test]
fn a_tier_that_needs_more_than_one_part_that_rises_and_one_that_keeps_its_tier_is_not_sound() {
	assert!(ladder_of(&[100, 190], 10).is_sound());
	assert!(!ladder_of(&[100, 191], 10).is_sound());
}

#[test]
fn a_hysteresis_of_everything_is_not_sound() {
	assert!(!ladder_of(&[100], 100).is_sound());
}

#[test]
fn the_bond_bounds_the_tier() {
	assert_eq!(ladder_of(&THRESHOLDS, 10).tier(u64::MAX, 0, 2), 2);
	assert_eq!(ladder_of(&THRESHOLDS, 10).tier(u64::MAX, 0, u64::MAX), 5);
}

#[test]
fn a_tier_that_was_lost_has_to_be_reached_anew() {
	let ladder = ladder_of(&THRESHOLDS, 10);
	assert_eq!(ladder.tier(900, 1, 5), 1);
	assert_eq!(ladder.tier(899, 1, 5), 0);
	assert_eq!(ladder.tier(999, 0, 5), 0);
	assert_eq!(ladder.tier(1_000, 0, 5), 1);
}

#[test]
fn an_account_falls_to_the_highest_tier_that_its_points_keep() {
	// Tier 5 keeps 3,240, tier 2 keeps 1,620.
	assert_eq!(ladder_of(&THRESHOLDS, 10).tier(2_000, 5, 5), 2);
	assert_eq!(ladder_of(&THRESHOLDS, 10).tier(1_700, 5, 5), 2);
}

/// Sound thresholds: each as far up as its part says between the one before and the most that is sound.
fn sound(first: u64, percent: u32, parts: Vec<u32>) -> Ladder {
	let mut ladder = ladder_of(&[first], percent);
	for part in parts {
		let floors: Vec<u64> = ladder.thresholds.iter().map(|threshold| ladder.floor(*threshold)).collect();
		let most =
			ladder.thresholds.iter().zip(floors.iter().rev()).map(|(one, other)| one + other).min().unwrap();
		let least = ladder.thresholds.last().unwrap() + 1;
		if most < least {
			break;
		}
		ladder.thresholds.push(least + Perbill::from_parts(part).mul_floor(most - least));
	}
	ladder
}

proptest! {
	/// Whatever the thresholds: sound ones need, for a tier, no more than any accounts have that reach it
	/// together, of which one rises and the others keep what they have.
	#[test]
	fn sound_thresholds_need_no_more_than_any_number_of_parts_have(
		first in 1..10_000u64,
		percent in 0..40u32,
		up in proptest::collection::vec(0..=1_000_000_000u32, 0..9),
		parts in proptest::collection::vec(1..5usize, 2..6),
	) {
		let ladder = sound(first, percent, up);
		prop_assert!(ladder.is_sound());
		let whole: usize = parts.iter().sum();
		if let Some(needed) = ladder.thresholds.get(whole - 1) {
			let kept = parts[1..].iter().map(|tier| ladder.floor(ladder.thresholds[tier - 1]));
			prop_assert!(*needed <= ladder.thresholds[parts[0] - 1] + kept.sum::<u64>());
		}
	}

	#[test]
	fn a_ladder_that_is_not_sound_has_two_tiers_that_have_less_than_both_together_need(
		thresholds in proptest::collection::btree_set(1..300u64, 1..6), percent in 0..40u32,
	) {
		let ladder = ladder_of(&thresholds.into_iter().collect::<Vec<_>>(), percent);
		let floor = |tier: usize| ladder.floor(ladder.thresholds[tier - 1]);
		let tiers = ladder.thresholds.len();
		let lacks = |one: usize, other: usize| {
			one + other <= tiers && ladder.thresholds[one - 1] + floor(other) < ladder.thresholds[one + other - 1]
		};
		let gap = (1..=tiers).any(|one| (1..=tiers).any(|other| lacks(one, other)));
		prop_assert_eq!(ladder.is_sound(), !gap);
	}
}
