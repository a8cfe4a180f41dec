//! The points that accounts start with.

use super::*;

#[test]
fn a_seed_gives_the_tier_of_its_points_and_its_bond() {
	Bonds::set([((Role::Validator, ALICE), 3 * UNIT)].into());
	ext_with(vec![(ALICE, THRESHOLDS[1]), (BOB, THRESHOLDS[1])]).execute_with(|| {
		assert_eq!((tier(ALICE), tier(BOB)), (2, 0));
		bond(BOB, 5);
		assert_eq!(tier(BOB), 2, "the bond may come later");
	});
}

#[test]
fn a_seed_decays_like_all_points() {
	Bonds::set([((Role::Validator, ALICE), 3 * UNIT)].into());
	ext_with(vec![(ALICE, THRESHOLDS[1])]).execute_with(|| {
		pass(8);
		assert_ok!(bump(ALICE));
		assert_eq!(points(ALICE), crate::decay::decayed(THRESHOLDS[1], DECAY, 8));
		assert_eq!(tier(ALICE), 0);
	});
}
