//! Rising and falling.

use super::*;

#[test]
fn an_account_rises_at_the_threshold() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[0] - 1);
		assert_eq!(tier(ALICE), 0);
		endow(ALICE, 1);
		assert_eq!(tier(ALICE), 1);
	});
}

#[test]
fn an_account_keeps_its_tier_a_little_below_the_threshold() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[1]);
		pass(1);
		assert_ok!(bump(ALICE));
		assert_eq!(points(ALICE), 1_619, "a tenth, and the rounding");
		assert_eq!(tier(ALICE), 1, "below what tier 2 keeps");
		pass(5);
		assert_ok!(bump(ALICE));
		assert!(points(ALICE) < THRESHOLDS[0]);
		assert_eq!(tier(ALICE), 1, "above what tier 1 keeps");
	});
}

#[test]
fn an_account_that_fell_rises_at_the_threshold_only() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[0]);
		pass(2);
		assert_ok!(bump(ALICE));
		assert_eq!(tier(ALICE), 0);
		endow(ALICE, THRESHOLDS[0] - 1 - points(ALICE));
		assert_eq!(tier(ALICE), 0);
		endow(ALICE, 1);
		assert_eq!(tier(ALICE), 1);
	});
}

#[test]
fn a_fall_that_nobody_saw_counts() {
	run(|| {
		bond(ALICE, 1);
		endow(ALICE, THRESHOLDS[0]);
		pass(2);
		// 809 points are left, and then there are 909 again, which tier 1 would keep.
		verified(ALICE, 1);
		assert_eq!((points(ALICE), tier(ALICE)), (909, 0));
	});
}

#[test]
fn the_watcher_and_an_event_tell_of_each_new_tier_once() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[2]);
		endow(ALICE, 1);
		pass(100);
		assert_ok!(bump(ALICE));
		assert_eq!(Told::get(), [(ALICE, 0, 3), (ALICE, 3, 0)]);
		assert!(happened(Event::TierChanged { who: ALICE, from: 0, to: 3 }));
	});
}

#[test]
fn a_bump_that_changes_the_tier_is_free() {
	run(|| {
		bond(ALICE, 1);
		endow(ALICE, THRESHOLDS[0]);
		pass(3);
		assert_eq!(bump(ALICE).unwrap().pays_fee, Pays::No);
	});
}

#[test]
fn a_bump_that_changes_no_tier_has_to_be_paid_for() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[4]);
		pass(1);
		// Of 3,600 points 3,239 are left, one below what tier 5 keeps.
		assert_eq!(bump(ALICE).unwrap().pays_fee, Pays::No);
		assert_eq!(bump(ALICE).unwrap().pays_fee, Pays::Yes);
	});
}

#[test]
fn who_is_not_known_cannot_be_bumped() {
	run(|| {
		assert_noop!(bump(ALICE), Error::<Test>::UnknownAccount);
	});
}
