//! What is leaving, until it is out.

use super::*;

#[test]
fn what_leaves_is_paid_out_by_anybody_when_its_time_is_over() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 50_000));
		assert_ok!(unbond(Validator, 1, ALICE, 20_000));
		let until = Time::get() + TERM;
		assert!(happened(Event::Unbonded {
			role: Validator,
			operator: 1,
			who: ALICE,
			amount: 20_000,
			until,
			to: None
		}));
		assert_eq!(pool(Validator, 1).leaving, 20_000);
		pass(TERM - 1);
		assert_noop!(withdraw(Validator, 1, ALICE), Fault::NothingDue);
		assert_noop!(withdraw(Validator, 1, BOB), Fault::NothingBonded);
		assert_noop!(withdraw(Validator, 5, BOB), Fault::UnknownPool);
		pass(1);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_eq!(free(ALICE), ENDOWMENT - 30_000);
		assert_eq!((pool(Validator, 1).leaving, position(Validator, 1, ALICE)), (0, (30_000, 0)));
		assert_noop!(withdraw(Validator, 1, ALICE), Fault::NothingDue);
	});
}

#[test]
fn the_term_is_what_it_was_when_the_stake_left() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 50_000));
		assert_ok!(unbond(Validator, 1, ALICE, 20_000));
		Bonding::set(10 * TERM);
		pass(TERM);
		assert_ok!(withdraw(Validator, 1, ALICE));
		Bonding::set(TERM);
	});
}

#[test]
fn what_leaves_earns_nothing() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 900_000));
		assert_ok!(unbond(Validator, 1, ALICE, 450_000));
		assert_eq!(reward(Validator, 1, 150_000), 0);
		// 135,000 on 1,350,000.
		assert_eq!(position(Validator, 1, ALICE), (495_000, 450_000));
	});
}

#[test]
fn what_leaves_is_slashed_as_the_rest() {
	run(|| {
		assert_ok!(bond(Verifier, 1, 300_000));
		assert_ok!(delegate(Verifier, 1, ALICE, 100_000));
		assert_ok!(unbond(Verifier, 1, ALICE, 100_000));
		assert_eq!(slash(Verifier, 1, 100_000).0, 100_000);
		assert_eq!(position(Verifier, 1, ALICE), (0, 75_000));
		assert_eq!(pool(Verifier, 1).own, 225_000);
		pass(TERM);
		// It answers until somebody lets it out, however long that takes.
		slash(Verifier, 1, 100_000);
		assert_eq!(position(Verifier, 1, ALICE), (0, 50_000));
		assert_ok!(withdraw(Verifier, 1, ALICE));
		assert_eq!(free(ALICE), ENDOWMENT - 50_000);
		assert_eq!(slash(Verifier, 1, 1_000_000).0, 150_000);
	});
}

#[test]
fn what_is_reserved_keeps_what_would_leave_last() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		assert_ok!(reserve(Verifier, 5, 250_000));
		assert_ok!(unbond(Verifier, 5, ALICE, 100_000));
		assert_ok!(unbond(Verifier, 5, 5, 300_000));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, ALICE));
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
		release(Verifier, 5, 100_000);
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
		release(Verifier, 5, 150_000);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!(free(5), ENDOWMENT);
	});
}

#[test]
fn an_operator_does_not_leave_its_delegators_to_answer_for_it() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 300_000));
		assert_ok!(reserve(Verifier, 5, 200_000));
		assert_ok!(unbond(Verifier, 5, 5, 100_000));
		pass(1);
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		pass(TERM);
		// The first part leaves enough of its own behind, and the rest not, though there is what is delegated.
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!(free(5), ENDOWMENT - 200_000 - ED);
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
		release(Verifier, 5, 200_000);
		assert_ok!(withdraw(Verifier, 5, 5));
	});
}

#[test]
fn what_is_reserved_does_not_leave_by_being_delegated_elsewhere() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(bond(Verifier, 6, 300_000));
		assert_ok!(reserve(Verifier, 5, 300_000));
		assert_ok!(redelegate(Verifier, 5, 5, 6, 300_000));
		pass(2 * TERM);
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
		release(Verifier, 5, 300_000);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!(active(Verifier, 6), 600_000);
	});
}

#[test]
fn some_of_what_is_out_is_paid_though_the_rest_is_reserved() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(reserve(Verifier, 5, 150_000));
		assert_ok!(unbond(Verifier, 5, 5, 100_000));
		pass(1);
		assert_ok!(unbond(Verifier, 5, 5, 200_000));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!((pool(Verifier, 5).leaving, free(5)), (200_000, ENDOWMENT - 200_000 - ED));
		release(Verifier, 5, 150_000);
		assert_ok!(withdraw(Verifier, 5, 5));
	});
}

#[test]
fn redelegated_stake_answers_for_the_first_candidate_and_then_for_the_other() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_noop!(redelegate(Validator, 1, ALICE, 1, 100_000), Fault::SameCandidate);
		assert_noop!(redelegate(Validator, 1, ALICE, 5, 100_000), Fault::UnknownPool);
		assert_ok!(redelegate(Validator, 1, ALICE, 2, 100_000));
		assert_eq!(active(Validator, 2), genesis_bond(2));
		pass(TERM - 1);
		assert_noop!(withdraw(Validator, 1, ALICE), Fault::NothingDue);
		// A tenth of all in the first pool.
		slash(Validator, 1, 100_000);
		assert_eq!(position(Validator, 1, ALICE), (0, 90_000));
		pass(1);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert!(happened(Event::Redelegated {
			role: Validator,
			operator: 1,
			to: 2,
			who: ALICE,
			amount: 90_000
		}));
		assert_eq!((position(Validator, 1, ALICE), position(Validator, 2, ALICE)), ((0, 0), (90_000, 0)));
		assert_eq!(active(Validator, 2), genesis_bond(2) + 90_000);
		assert_eq!(free(ALICE), ENDOWMENT - 100_000);
	});
}

#[test]
fn what_the_other_candidate_cannot_have_is_paid_out() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(delegate(Validator, 1, BOB, 10_000));
		assert_ok!(redelegate(Validator, 1, ALICE, 2, 50_000));
		assert_ok!(redelegate(Validator, 1, ALICE, 3, 50_000));
		assert_ok!(redelegate(Validator, 1, BOB, 3, 10_000));
		assert_ok!(chill(Validator, 2));
		pass(TERM);
		slash(Validator, 1, 1_000);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_eq!(position(Validator, 2, ALICE), (0, 0));
		assert!(position(Validator, 3, ALICE).0 > 49_000);
		assert!(free(ALICE) > ENDOWMENT - 51_000);
		// Less than anybody may delegate is left.
		assert_ok!(withdraw(Validator, 1, BOB));
		assert_eq!(position(Validator, 3, BOB), (0, 0));
		assert!(free(BOB) > ENDOWMENT - 100);
	});
}

#[test]
fn what_an_account_cannot_hold_is_burned() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 100_000));
		let amount = 10_000;
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(BOB), POOR, amount));
		assert_ok!(delegate(Verifier, 5, POOR, amount));
		assert_ok!(unbond(Verifier, 5, POOR, amount));
		assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(POOR), BOB, false));
		assert!(!System::account_exists(&POOR));
		slash(Verifier, 5, 109_945);
		assert_eq!(position(Verifier, 5, POOR).1, ED - 5);
		pass(TERM);
		let before = issuance();
		assert_ok!(withdraw(Verifier, 5, POOR));
		assert!(happened(Event::DustBurned { role: Verifier, operator: 5, who: POOR, amount: 5 }));
		assert_eq!(issuance(), before - 5);
		assert_eq!(position(Verifier, 5, POOR), (0, 0));
	});
}
