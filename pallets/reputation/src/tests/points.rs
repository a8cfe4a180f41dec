//! Where points come from.

use super::*;

#[test]
fn a_deed_earns_what_it_is_worth() {
	run(|| {
		bond(ALICE, 1);
		saw(ALICE, Deed::Accepted(3));
		assert_eq!(points(ALICE), WORTHS.points.accepted);
	});
}

#[test]
fn an_answer_earns_by_its_votes() {
	run(|| {
		bond(ALICE, 1);
		verified(ALICE, 3);
		assert_eq!(points(ALICE), 3 * WORTHS.points.verified);
	});
}

#[test]
fn a_source_gives_no_more_than_its_cap_in_a_period() {
	run(|| {
		bond(ALICE, 1);
		verified(ALICE, 3);
		verified(ALICE, 3);
		assert_eq!(points(ALICE), CAPS.verified);
		saw(ALICE, Deed::Challenged(1));
		assert_eq!(points(ALICE), CAPS.verified + WORTHS.points.challenged, "others give theirs");
	});
}

#[test]
fn the_next_period_gives_anew() {
	run(|| {
		bond(ALICE, 1);
		verified(ALICE, 9);
		pass(1);
		verified(ALICE, 9);
		assert_eq!(points(ALICE), crate::decay::decayed(CAPS.verified, DECAY, 1) + CAPS.verified);
	});
}

#[test]
fn each_unit_of_bond_lifts_the_caps() {
	run(|| {
		bond_as(Role::Verifier, ALICE, UNIT - 1);
		bond_as(Role::Provider, ALICE, UNIT + 1);
		verified(ALICE, 99);
		assert_eq!(points(ALICE), 2 * CAPS.verified);
	});
}

#[test]
fn who_has_no_bond_earns_nothing_and_is_not_known() {
	run(|| {
		bond_as(Role::Verifier, ALICE, UNIT - 1);
		saw(ALICE, Deed::Accepted(3));
		assert_eq!(entry(ALICE), None);
	});
}

#[test]
fn free_points_alone_are_nothing() {
	run(|| {
		bond(ALICE, 5);
		for deed in [Deed::Heartbeat, Deed::Voted(1), Deed::Audited(TASK)] {
			saw(ALICE, deed);
		}
		assert_eq!(entry(ALICE), None, "and nobody is known for them");
	});
}

#[test]
fn free_points_count_up_to_their_share_of_what_cost_something() {
	run(|| {
		bond(ALICE, 1);
		saw(ALICE, Deed::Kept(1));
		for _ in 0..3 {
			saw(ALICE, Deed::Heartbeat);
		}
		assert_eq!(points(ALICE), 20 + 5, "a quarter of 20, of 15");
		saw(ALICE, Deed::Kept(1));
		saw(ALICE, Deed::Kept(1));
		assert_eq!(points(ALICE), 60 + 15, "all of them, once there is enough beside them");
	});
}

#[test]
fn what_is_free_counts_by_the_bond() {
	run(|| {
		bond(ALICE, 3);
		endow(ALICE, 1_000);
		saw(ALICE, Deed::Heartbeat);
		assert_eq!(entry(ALICE).unwrap().free, 3 * WORTHS.points.heartbeat);
	});
}

#[test]
fn free_sources_have_caps_too() {
	run(|| {
		bond(ALICE, 1);
		endow(ALICE, 1_000);
		for _ in 0..99 {
			saw(ALICE, Deed::Heartbeat);
		}
		assert_eq!(entry(ALICE).unwrap().free, CAPS.heartbeat);
	});
}

#[test]
fn each_costly_source_alone_leads_to_the_highest_tier() {
	let deeds: [fn(u64); 5] = [
		|who| verified(who, 99),
		|who| (0..99).for_each(|_| saw(who, Deed::Accepted(1))),
		|who| (0..99).for_each(|_| saw(who, Deed::Challenged(1))),
		|who| (0..99).for_each(|_| saw(who, Deed::Kept(1))),
		|who| (0..99).for_each(|payer| Reputation::earned(&who, &(1_000 + payer), 700)),
	];
	for deed in deeds {
		run(|| {
			bond(ALICE, 5);
			for _ in 0..40 {
				deed(ALICE);
				pass(1);
			}
			deed(ALICE);
			assert_eq!(tier(ALICE), 5);
		});
	}
}

#[test]
fn an_entry_that_says_nothing_any_more_is_removed() {
	run(|| {
		bond(ALICE, 1);
		saw(ALICE, Deed::Kept(1));
		pass(200);
		assert_eq!(bump(ALICE).unwrap().pays_fee, Pays::No);
		assert_eq!(entry(ALICE), None);
	});
}

#[test]
fn the_caps_of_the_mock_suffice() {
	run(|| {
		assert!(Reputation::caps_suffice());
		Cap::set(PerSource { kept: 100, ..CAPS });
		assert!(!Reputation::caps_suffice(), "a period takes as much of the first threshold");
	});
}
