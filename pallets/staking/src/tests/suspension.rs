//! What suspension does to candidates.

use super::*;

#[test]
fn a_validator_stays_if_too_few_would_be_left() {
	run(|| {
		MinValidators::set(VALIDATORS.len() as u32);
		suspend(1);
		assert!(active(Validator, 1) > 0);
		assert_noop!(bond(Provider, 1, MIN_BOND), Error::<Test>::Suspended);
	});
}

#[test]
fn a_suspended_candidate_counts_for_no_role() {
	run(|| {
		let before = active(Validator, 1);
		assert!(before > 0);
		suspend(1);
		assert!(happened(Event::Chilled { role: Validator, operator: 1, reason: ChillReason::Suspended }));
		assert_eq!(active(Validator, 1), 0);
		assert_eq!(Told::get().last(), Some(&(Validator, 1, 0)));
	});
}

#[test]
fn the_stake_of_who_is_suspended_still_answers() {
	run(|| {
		let total = pool(Validator, 1).own;
		suspend(1);
		let (slashed, _) = slash(Validator, 1, 100);
		assert_eq!((slashed, pool(Validator, 1).own), (100, total - 100));
	});
}

#[test]
fn nobody_comes_back_before_the_suspension_is_over() {
	run(|| {
		suspend(1);
		assert_noop!(resume(Validator, 1), Fault::Suspended);
		Suspended::take();
		assert_ok!(resume(Validator, 1));
		assert!(active(Validator, 1) > 0);
	});
}

#[test]
fn who_is_suspended_bonds_for_no_other_role() {
	run(|| {
		suspend(ALICE);
		assert_noop!(bond(Provider, ALICE, MIN_BOND), Fault::Suspended);
		Suspended::take();
		assert_ok!(bond(Provider, ALICE, MIN_BOND));
	});
}
