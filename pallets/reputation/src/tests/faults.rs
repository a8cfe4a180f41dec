//! Faults, suspensions and bans.

use super::*;
use oda_primitives::Tick;

#[test]
fn a_fault_takes_points_and_weighs() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 2_000);
		saw(ALICE, Deed::Overturned(1));
		assert_eq!(points(ALICE), 1_600);
		assert_eq!(entry(ALICE).unwrap().faults, 400);
	});
}

#[test]
fn free_points_are_no_shield() {
	run(|| {
		bond(ALICE, 1);
		endow(ALICE, 500);
		(0..12).for_each(|_| saw(ALICE, Deed::Heartbeat));
		saw(ALICE, Deed::Overturned(1));
		assert_eq!(entry(ALICE).map(|entry| (entry.costly, entry.free)), Some((100, 60)));
		saw(ALICE, Deed::Missed(1, 6));
		assert_eq!(entry(ALICE).map(|entry| (entry.costly, entry.free)), Some((0, 40)), "then they go too");
	});
}

#[test]
fn a_fault_costs_its_tier_at_once() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, THRESHOLDS[1]);
		saw(ALICE, Deed::Misverified(TASK));
		assert_eq!(tier(ALICE), 1);
	});
}

#[test]
fn missed_rounds_weigh_by_their_number() {
	run(|| {
		saw(ALICE, Deed::Missed(1, 7));
		assert_eq!(entry(ALICE).unwrap().faults, 7 * WORTHS.faults.missed);
	});
}

#[test]
fn an_answer_that_is_not_given_weighs_by_its_votes() {
	run(|| {
		Reputation::saw_times(&ALICE, Deed::Absent(TASK), 3);
		assert_eq!(entry(ALICE).unwrap().faults, 3 * WORTHS.faults.absent);
	});
}

#[test]
fn faults_decay_more_slowly_than_points() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 1_800);
		saw(ALICE, Deed::Misserved(Payment::OneShot(1)));
		pass(5);
		assert_ok!(bump(ALICE));
		let entry = entry(ALICE).unwrap();
		assert_eq!(entry.faults, crate::decay::decayed(600, FAULT_DECAY, 5));
		assert!(entry.faults * 2 > entry.costly);
	});
}

#[test]
fn faults_up_to_the_limit_do_not_suspend() {
	run(|| {
		saw(ALICE, Deed::Missed(1, 50));
		assert_eq!(entry(ALICE).unwrap().faults, SUSPEND_AT);
		assert_eq!(entry(ALICE).unwrap().standing, Standing::Good);
	});
}

#[test]
fn faults_beyond_the_limit_suspend_and_begin_anew() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 9_000);
		suspend(ALICE);
		let entry = entry(ALICE).unwrap();
		assert_eq!(entry.standing, Standing::Suspended { until: TERM, appealed: false });
		assert_eq!((entry.faults, entry.suspensions, tier(ALICE)), (0, 1, 0));
		assert!(Reputation::is_suspended(&ALICE));
		assert!(happened(Event::Suspended { who: ALICE, until: TERM, times: 1 }));
	});
}

#[test]
fn who_is_suspended_earns_nothing() {
	run(|| {
		bond(ALICE, 5);
		suspend(ALICE);
		saw(ALICE, Deed::Accepted(1));
		Reputation::earned(&ALICE, &PAYERS[0], 700);
		assert_eq!(points(ALICE), 0);
	});
}

#[test]
fn faults_during_a_suspension_do_not_suspend_twice() {
	run(|| {
		suspend(ALICE);
		suspend(ALICE);
		suspend(ALICE);
		let entry = entry(ALICE).unwrap();
		assert_eq!((entry.suspensions, entry.faults), (1, SUSPEND_AT), "but they weigh, up to the limit");
	});
}

#[test]
fn a_suspension_ends_at_its_tick_without_anybodys_doing() {
	run(|| {
		suspend(ALICE);
		Now::set(TERM - 1);
		assert!(Reputation::is_suspended(&ALICE));
		Now::set(TERM);
		assert!(!Reputation::is_suspended(&ALICE));
	});
}

#[test]
fn what_points_are_left_count_again_after_a_suspension() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 9_000);
		suspend(ALICE);
		Now::set(TERM);
		assert_eq!(bump(ALICE).unwrap().pays_fee, Pays::No);
		assert_eq!(tier(ALICE), 5);
		assert!(happened(Event::Reinstated { who: ALICE }));
	});
}

#[test]
fn each_suspension_lasts_twice_as_long_as_the_one_before() {
	run(|| {
		suspend(ALICE);
		Now::set(1_000);
		suspend(ALICE);
		assert_eq!(
			entry(ALICE).unwrap().standing,
			Standing::Suspended { until: 1_000 + 2 * TERM, appealed: false }
		);
	});
}

#[test]
fn the_last_suspension_is_a_ban() {
	run(|| {
		for round in 0..u64::from(BAN_AFTER) {
			Now::set(round * 1_000);
			suspend(ALICE);
		}
		assert_eq!(entry(ALICE).unwrap().standing, Standing::Banned { appealed: false });
		assert!(happened(Event::Banned { who: ALICE }));
		Now::set(Tick::MAX / 2);
		assert!(Reputation::is_suspended(&ALICE), "and has no end");
	});
}

#[test]
fn a_suspension_is_remembered_for_ever() {
	run(|| {
		suspend(ALICE);
		Now::set(1_000_000);
		assert_ok!(bump(ALICE));
		assert_eq!(entry(ALICE).unwrap().suspensions, 1);
	});
}
