//! Who counts.

use super::*;

fn listed() -> Vec<u64> {
	let mut list = ValidatorCandidates::<Test>::get().into_inner();
	list.sort_unstable();
	list
}

fn chilled(operator: u64, reason: ChillReason) -> bool {
	happened(Event::Chilled { role: Validator, operator, reason })
}

#[test]
fn a_chilled_candidate_does_not_count_until_it_resumes() {
	run(|| {
		assert_noop!(resume(Validator, 1), Fault::NotChilled);
		assert_ok!(chill(Validator, 1));
		assert_noop!(chill(Validator, 1), Fault::AlreadyChilled);
		assert_noop!(chill(Validator, 5), Fault::UnknownPool);
		assert_eq!(active(Validator, 1), 0);
		assert_eq!(Told::get().last(), Some(&(Validator, 1, 0)));
		assert_eq!(listed(), [2, 3, 4]);
		assert_ok!(resume(Validator, 1));
		assert_eq!(listed(), VALIDATORS);
		assert_eq!(Told::get().last(), Some(&(Validator, 1, genesis_bond(1))));
	});
}

#[test]
fn who_has_too_little_does_not_resume() {
	run(|| {
		assert_ok!(chill(Validator, 1));
		Least::set(900_001);
		assert_noop!(resume(Validator, 1), Fault::BelowMinBond);
		Least::set(MIN_BOND);
		assert_ok!(resume(Validator, 1));
	});
}

#[test]
fn a_higher_minimum_touches_a_candidate_when_somebody_refreshes_it() {
	run(|| {
		let refresh = || Staking::refresh(RuntimeOrigin::signed(EVE), Validator, 4);
		assert_noop!(refresh(), Fault::NothingDue);
		Least::set(700_000);
		assert_eq!(active(Validator, 4), 600_000);
		assert_ok!(refresh());
		assert!(happened(Event::MinBondRefreshed { role: Validator, operator: 4, min_bond: 700_000 }));
		assert_eq!(active(Validator, 4), 0);
		assert_eq!(Told::get().last(), Some(&(Validator, 4, 0)));
		Least::set(MIN_BOND);
		assert_ok!(refresh());
		assert_eq!(active(Validator, 4), 600_000);
	});
}

#[test]
fn a_newcomer_with_more_displaces_the_last_of_a_full_list() {
	run(|| {
		assert_ok!(bond(Validator, 5, 150_000));
		assert_ok!(bond(Validator, 6, 150_000));
		assert_eq!(listed(), [1, 2, 3, 4, 5, 6]);
		// As much is not more.
		assert_noop!(bond(Validator, 7, 150_000), Fault::NoRoom);
		assert_ok!(bond(Validator, 7, 150_001));
		// Of two with as much the higher account is the last.
		assert_eq!(listed(), [1, 2, 3, 4, 5, 7]);
		assert!(chilled(6, ChillReason::Displaced));
		assert_eq!((active(Validator, 6), pool(Validator, 6).own), (0, 150_000));
		assert_noop!(resume(Validator, 6), Fault::NoRoom);
		assert_ok!(bond_more(Validator, 6, 10_000));
		assert_ok!(resume(Validator, 6));
		assert_eq!(listed(), [1, 2, 3, 4, 6, 7]);
		// Other roles have no list.
		assert_ok!(bond(Verifier, 8, MIN_BOND));
	});
}

#[test]
fn who_does_not_count_is_displaced_first() {
	run(|| {
		assert_ok!(bond(Validator, 5, 150_000));
		assert_ok!(bond(Validator, 6, 150_000));
		assert_ok!(unbond(Validator, 1, 1, 850_000));
		assert_ok!(bond(Validator, 7, MIN_BOND));
		assert_eq!(listed(), [2, 3, 4, 5, 6, 7]);
	});
}

#[test]
fn an_operator_that_has_left_is_chilled() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 500_000));
		assert_ok!(unbond(Validator, 1, 1, u64::MAX));
		assert!(chilled(1, ChillReason::Left));
		assert_eq!((listed(), active(Validator, 1)), (vec![2, 3, 4], 0));
		// It can come back to its delegators.
		assert_ok!(bond_more(Validator, 1, MIN_BOND));
		assert_eq!(active(Validator, 1), 0);
		assert_ok!(resume(Validator, 1));
		assert_eq!(active(Validator, 1), 500_000 + MIN_BOND);
	});
}
