//! The bond that a tier needs.

use super::*;

#[test]
fn a_tier_needs_a_unit_of_bond_for_each_step() {
	run(|| {
		bond(ALICE, 2);
		endow(ALICE, THRESHOLDS[4]);
		assert_eq!(tier(ALICE), 2);
	});
}

#[test]
fn the_bonds_of_all_roles_count_together() {
	run(|| {
		bond_as(Role::Validator, ALICE, UNIT / 2);
		bond_as(Role::Verifier, ALICE, UNIT / 4);
		endow(ALICE, THRESHOLDS[4]);
		assert_eq!(tier(ALICE), 0);
		bond_as(Role::Provider, ALICE, UNIT / 4);
		assert_eq!(tier(ALICE), 1);
	});
}

#[test]
fn who_takes_its_bond_out_has_no_tier_at_once() {
	run(|| {
		bond(ALICE, 3);
		endow(ALICE, THRESHOLDS[2]);
		bond(ALICE, 0);
		assert_eq!(tier(ALICE), 0);
		assert_eq!(Told::get(), [(ALICE, 0, 3), (ALICE, 3, 0)]);
	});
}

#[test]
fn who_bonds_more_rises_at_once() {
	run(|| {
		bond(ALICE, 1);
		endow(ALICE, THRESHOLDS[2]);
		bond(ALICE, 3);
		assert_eq!(tier(ALICE), 3);
	});
}

#[test]
fn the_bond_of_who_is_not_known_changes_nothing() {
	run(|| {
		bond(ALICE, 3);
		assert_eq!(entry(ALICE), None);
	});
}

#[test]
fn a_bond_that_is_smaller_now_takes_back_no_points() {
	run(|| {
		bond(ALICE, 2);
		verified(ALICE, 99);
		bond(ALICE, 1);
		verified(ALICE, 99);
		assert_eq!(points(ALICE), 2 * CAPS.verified);
	});
}
