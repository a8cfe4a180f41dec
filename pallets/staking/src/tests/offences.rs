//! Equivocations.

use super::*;

#[test]
fn an_equivocation_is_applied_soon_and_chills_and_disables_at_once() {
	run(|| {
		equivocates(1, 50);
		assert!(happened(Event::OffenceQueued {
			offender: 1,
			session: 0,
			fraction: Perbill::from_percent(50)
		}));
		assert!(happened(Event::Chilled { role: Validator, operator: 1, reason: ChillReason::Equivocated }));
		assert_eq!(Session::disabled_validators(), [0]);
		assert_eq!((active(Validator, 1), pool(Validator, 1).own), (0, 900_000));
		let before = free(EVE);
		pass(1);
		assert_eq!((pool(Validator, 1).own, pool(Validator, 1).offences), (450_000, 0));
		// Nothing is delegated: half goes to who reported it.
		assert!(happened(Event::ReporterPaid { offender: 1, reporter: EVE, amount: 225_000 }));
		assert_eq!(free(EVE), before + 225_000);
		sessions(2);
		assert_eq!(Session::validators(), [2, 3, 4]);
	});
}

#[test]
fn the_guilty_miss_the_next_election() {
	run(|| {
		assert_ok!(bond(Verifier, 1, 500_000));
		assert_ok!(chill(Verifier, 1));
		equivocates(1, 10);
		assert_noop!(resume(Validator, 1), Fault::Barred);
		assert_ok!(resume(Verifier, 1));
		sessions(1);
		assert!(!Elected::<Test>::get(2).unwrap().iter().any(|(who, _)| *who == 1));
		assert_ok!(resume(Validator, 1));
		sessions(1);
		assert_eq!(Session::validators(), [2, 3, 4]);
		sessions(1);
		assert_eq!(Session::validators().len(), 4);
	});
}

#[test]
fn a_fraction_that_rises_costs_the_difference() {
	run(|| {
		equivocates(1, 20);
		pass(1);
		assert_eq!(pool(Validator, 1).own, 720_000);
		// The same again, with everybody else's: nothing.
		equivocated(&[(1, 900_000)], 20, 0);
		assert_eq!(Offences::<Test>::get().len(), 0);
		equivocated(&[(1, 900_000)], 60, 0);
		// And once more before it is applied.
		equivocated(&[(1, 900_000)], 80, 0);
		equivocated(&[(1, 900_000)], 70, 0);
		assert_eq!(Offences::<Test>::get().len(), 1);
		pass(1);
		assert_eq!(pool(Validator, 1).own, 180_000);
		// Another session is another guilt.
		sessions(1);
		equivocated(&[(1, 900_000)], 10, 1);
		pass(1);
		assert_eq!(pool(Validator, 1).own, 90_000);
	});
}

#[test]
fn an_offence_costs_no_more_than_what_was_behind_it() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 900_000));
		// Not behind it when it was elected.
		equivocates(1, 50);
		pass(1);
		assert_eq!((pool(Validator, 1).own, position(Validator, 1, ALICE).0), (675_000, 675_000));
	});
}

#[test]
fn a_full_queue_applies_the_oldest_at_once_and_loses_nothing() {
	run(|| {
		let offenders: Vec<_> = VALIDATORS.into_iter().map(|who| (who, genesis_bond(who))).collect();
		equivocated(&offenders, 50, 0);
		assert_eq!(Offences::<Test>::get().len(), MAX_OFFENCES as usize);
		assert_eq!([1, 2].map(|who| pool(Validator, who).own), [450_000, 800_000]);
		Staking::do_try_state().unwrap();
		// A few a block.
		pass(1);
		assert_eq!([2, 3].map(|who| pool(Validator, who).own), [400_000, 700_000]);
		pass(2);
		assert_eq!([3, 4].map(|who| pool(Validator, who).own), [350_000, 300_000]);
		assert_eq!(Offences::<Test>::get().len(), 0);
	});
}

#[test]
fn nothing_is_applied_that_a_block_has_no_room_for() {
	run(|| {
		equivocates(1, 50);
		let few = <()>::poll();
		Staking::on_poll(2, &mut WeightMeter::with_limit(few));
		assert_eq!(pool(Validator, 1).own, 900_000);
		let enough = few.saturating_add(<()>::apply_offence());
		let mut meter = WeightMeter::with_limit(enough);
		Staking::on_poll(2, &mut meter);
		assert_eq!((pool(Validator, 1).own, meter.consumed()), (450_000, enough));
	});
}

#[test]
fn a_session_that_is_forgotten_costs_nothing() {
	run(|| {
		sessions(REPORT_SESSIONS + 1);
		equivocated(&[(1, 900_000)], 50, 0);
		assert_eq!(Offences::<Test>::get().len(), 0);
		equivocated(&[(1, 900_000)], 50, 1);
		assert_eq!(Offences::<Test>::get().len(), 1);
	});
}

#[test]
fn who_has_nothing_left_is_guilty_of_nothing_more() {
	run(|| {
		slash(Validator, 4, u64::MAX);
		assert_ok!(withdraw(Validator, 4, 4));
		assert_eq!(Staking::pool(Validator, 4), None);
		equivocated(&[(4, 600_000)], 50, 0);
		assert_eq!(Offences::<Test>::get().len(), 0);
		pass(20);
		assert_eq!(Session::validators(), [1, 2, 3]);
	});
}

#[test]
fn a_pool_stays_while_an_offence_waits() {
	run(|| {
		equivocates(4, 100);
		slash(Validator, 4, u64::MAX);
		// Its own row goes, the pool waits.
		assert_ok!(withdraw(Validator, 4, 4));
		assert_eq!((pool(Validator, 4).members, pool(Validator, 4).offences), (0, 1));
		pass(1);
		assert_eq!(Staking::pool(Validator, 4), None);
	});
}

/// An offence that is reported in the last block in which it can be waits until its session is forgotten.
#[test]
fn what_was_taken_for_a_session_is_known_as_long_as_something_of_it_waits() {
	run(|| {
		equivocates(1, 20);
		pass(1);
		assert_eq!(pool(Validator, 1).own, 720_000);
		sessions(REPORT_SESSIONS);
		pass(SESSION - 1);
		assert_eq!(Session::current_index(), REPORT_SESSIONS);
		equivocated(&[(1, 900_000)], 30, 0);
		pass(1);
		assert_eq!(Session::current_index(), REPORT_SESSIONS + 1);
		assert_eq!(pool(Validator, 1).offences, 0);
		// Thirty parts of a hundred, not fifty.
		assert_eq!(pool(Validator, 1).own, 630_000);
		sessions(2);
		assert_eq!(Guilt::<Test>::iter().count(), 0);
	});
}

#[test]
fn who_equivocated_is_disabled_in_the_next_session_too() {
	run(|| {
		sessions(1);
		equivocates(1, 50);
		sessions(1);
		// Its validators were known before.
		assert_eq!(Session::validators(), VALIDATORS);
		assert_eq!(Session::disabled_validators(), [0]);
		// Coming back is for later sessions.
		assert_ok!(resume(Validator, 1));
		assert_eq!(Session::disabled_validators(), [0]);
		sessions(1);
		assert_eq!(Session::validators(), [2, 3, 4]);
		assert!(Session::disabled_validators().is_empty());
		sessions(1);
		assert!(Session::validators().contains(&1));
		assert!(Session::disabled_validators().is_empty());
		assert_eq!(Equivocators::<Test>::iter().count(), 0);
	});
}

#[test]
fn who_begins_to_validate_after_the_report_is_disabled_then() {
	run(|| {
		assert_ok!(bond(Validator, 5, 2_000_000));
		sessions(1);
		equivocated(&[(5, 900_000)], 50, 0);
		assert!(Session::disabled_validators().is_empty());
		sessions(1);
		assert_eq!(Session::validators()[Session::disabled_validators()[0] as usize], 5);
	});
}

#[test]
fn of_those_who_equivocated_the_worst_are_disabled_in_the_next_session_and_never_more_than_a_third() {
	run(|| {
		sessions(1);
		equivocates(3, 20);
		equivocates(1, 50);
		equivocates(2, 10);
		for _ in 0..2 {
			assert_eq!(Session::validators(), VALIDATORS);
			assert_eq!(Session::disabled_validators(), [0]);
			sessions(1);
		}
	});
}

#[test]
fn who_stays_for_want_of_others_is_disabled_until_it_is_back() {
	run(|| {
		MinValidators::set(4);
		sessions(1);
		equivocates(1, 50);
		for _ in 0..3 {
			sessions(1);
			assert_eq!(
				(Session::validators(), Session::disabled_validators()),
				(VALIDATORS.to_vec(), vec![0])
			);
		}
		assert_ok!(resume(Validator, 1));
		sessions(1);
		assert_eq!((Session::validators(), Session::disabled_validators()), (VALIDATORS.to_vec(), vec![]));
		MinValidators::set(2);
	});
}

#[test]
fn who_lost_all_for_an_equivocation_does_not_bond_again_before_the_next_election() {
	run(|| {
		equivocates(4, 100);
		pass(1);
		assert_ok!(withdraw(Validator, 4, 4));
		assert_eq!(Staking::pool(Validator, 4), None);
		assert_noop!(bond(Validator, 4, 500_000), Fault::Barred);
		assert_ok!(bond(Verifier, 4, 500_000));
		sessions(1);
		assert_eq!(Session::disabled_validators(), [3]);
		assert_ok!(bond(Validator, 4, 500_000));
		sessions(1);
		assert_eq!(Session::validators(), [1, 2, 3]);
		sessions(1);
		assert_eq!(Session::validators(), VALIDATORS);
	});
}
