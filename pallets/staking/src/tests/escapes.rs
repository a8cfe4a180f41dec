//! How a stake might escape its guilt, or take others': each attack, and that it brings nothing.

use super::*;
use oda_pallet_traits::Stakes;

#[test]
fn escape_by_leaving_right_before_an_offence() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 900_000));
		sessions(2);
		assert_ok!(unbond(Validator, 1, ALICE, u64::MAX));
		assert_ok!(unbond(Validator, 1, 1, u64::MAX));
		// Half of the 1,800,000 that were behind it.
		equivocates(1, 50);
		pass(1);
		assert_eq!((position(Validator, 1, ALICE), position(Validator, 1, 1)), ((0, 450_000), (0, 450_000)));
	});
}

#[test]
fn escape_by_being_out_before_the_last_report() {
	// With the shortest term there is, from every block of a session.
	for block in 0..SESSION {
		bare_ext().execute_with(|| {
			Bonding::set(1);
			assert_ok!(delegate(Validator, 1, ALICE, 100_000));
			sessions(2);
			pass(block);
			assert_ok!(unbond(Validator, 1, ALICE, 100_000));
			// Elected already.
			let behind = Session::current_index() + 1;
			assert_eq!(Elected::<Test>::get(behind).unwrap()[0], (1, Exposure { stake: 1_000_000 }));
			while withdraw(Validator, 1, ALICE).is_err() {
				pass(1);
			}
			assert!(!Staking::is_reportable(behind), "out while guilt of session {behind} can be reported");
			assert_eq!(Historical::historical_root(behind), None);
			Bonding::set(TERM);
		});
	}
}

#[test]
fn escape_by_being_let_out_while_an_offence_waits() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(unbond(Validator, 1, ALICE, 100_000));
		pass(TERM);
		equivocates(1, 50);
		assert_noop!(withdraw(Validator, 1, ALICE), Fault::OffencePending);
		pass(1);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert!(free(ALICE) < ENDOWMENT);
	});
}

#[test]
fn escape_by_a_chain_of_redelegations() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(redelegate(Validator, 1, ALICE, 2, 100_000));
		// There is nothing with the second to go on to the third with.
		assert_noop!(redelegate(Validator, 2, ALICE, 3, 100_000), Fault::NothingBonded);
		assert_noop!(redelegate(Validator, 1, ALICE, 3, 100_000), Fault::NothingBonded);
		pass(TERM - 1);
		slash(Validator, 1, 500_000);
		assert_eq!(position(Validator, 1, ALICE), (0, 50_000));
		pass(1);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_ok!(redelegate(Validator, 2, ALICE, 3, 100_000));
		pass(TERM - 1);
		slash(Validator, 2, 425_000);
		assert_eq!(position(Validator, 2, ALICE), (0, 25_000));
		pass(1);
		assert_ok!(withdraw(Validator, 2, ALICE));
		assert_eq!(position(Validator, 3, ALICE), (25_000, 0));
	});
}

#[test]
fn escape_by_unbonding_more_than_there_is() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(delegate(Validator, 1, BOB, 100_000));
		assert_ok!(unbond(Validator, 1, ALICE, 60_000));
		pass(1);
		assert_ok!(unbond(Validator, 1, ALICE, 60_000));
		assert_noop!(unbond(Validator, 1, ALICE, 60_000), Fault::NothingBonded);
		assert_noop!(redelegate(Validator, 1, ALICE, 2, 60_000), Fault::NothingBonded);
		assert_eq!(position(Validator, 1, ALICE), (0, 100_000));
		pass(TERM);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_eq!((free(ALICE), position(Validator, 1, BOB)), (ENDOWMENT, (100_000, 0)));
	});
}

#[test]
fn who_joins_after_an_offence_was_reported_does_not_pay_for_it() {
	run(|| {
		assert_ok!(delegate(Validator, 2, ALICE, 100_000));
		equivocated(&[(1, 900_000), (2, 800_000)], 50, 0);
		assert_noop!(delegate(Validator, 1, ALICE, 100_000), Fault::OffencePending);
		assert_noop!(bond_more(Validator, 1, 100_000), Fault::OffencePending);
		pass(2);
		// Nor does who was to join by an order given before.
		assert_ok!(redelegate(Validator, 2, ALICE, 3, u64::MAX));
		pass(TERM);
		equivocates(3, 50);
		let before = free(ALICE);
		assert_ok!(withdraw(Validator, 2, ALICE));
		assert!(free(ALICE) > before);
		assert_eq!(position(Validator, 3, ALICE), (0, 0));
	});
}

#[test]
fn an_operator_that_accuses_itself_takes_nothing_from_its_delegators() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 100_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 9_900_000));
		let (own, before) = (pool(Verifier, 5).own, free(6));
		let (taken, credit) = <Staking as Stakes<u64>>::slash(Verifier, &5, 1_000_000);
		let reward = Balances::reward(&6, credit);
		let lost = own - pool(Verifier, 5).own;
		assert_eq!((taken, lost, reward), (1_000_000, 10_000, 5_000));
		assert_eq!(free(6), before + 5_000);
		// Neither when its own is leaving already: then it is no less, so that accusing still pays.
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		assert_eq!(slash(Verifier, 5, 1_000_000), (1_000_000, 5_000));
	});
}

#[test]
fn the_first_in_a_pool_cannot_take_from_who_comes_next() {
	run(|| {
		// As few shares as can be left, and as much behind them as the attacker can get there.
		assert_ok!(bond(Verifier, 5, MIN_BOND));
		assert_ok!(unbond(Verifier, 5, 5, MIN_BOND - MIN_DELEGATION));
		assert_eq!(stored(Verifier, 5).active.supply, u128::from(MIN_DELEGATION));
		// Money sent there raises nothing.
		let donated = RuntimeOrigin::signed(5);
		assert_ok!(Balances::transfer_allow_death(donated, account(Verifier, 5), 50_000_000));
		assert_eq!(pool(Verifier, 5).own, MIN_DELEGATION);
		assert_eq!(reward(Verifier, 5, 1_000_000_000), 0);
		assert_eq!(pool(Verifier, 5).own, 900_010_000);
		// One share is worth 90,001: who brings less than two of them would lose half.
		for amount in [10_000, 90_000, 100_000, 170_000] {
			assert_noop!(delegate(Verifier, 5, ALICE, amount), Fault::SharesTooCoarse);
		}
		assert_ok!(delegate(Verifier, 5, ALICE, 99_990_000));
		let worth = position(Verifier, 5, ALICE).0;
		assert!(99_990_000 - worth <= 99_990, "rounding took {}", 99_990_000 - worth);
	});
}

#[test]
fn a_raise_without_notice_by_leaving_and_coming_back() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(unbond(Validator, 1, 1, u64::MAX));
		pass(TERM);
		assert_ok!(withdraw(Validator, 1, 1));
		let dear = Perbill::from_percent(50);
		let again = Staking::bond(RuntimeOrigin::signed(1), Validator, 500_000, dear);
		assert_noop!(again, Fault::PoolExists);
		assert_ok!(bond_more(Validator, 1, 500_000));
		assert_eq!(pool(Validator, 1).commission, COMMISSION);
	});
}

#[test]
fn delegators_leave_though_their_operator_has_left() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!((active(Verifier, 5), position(Verifier, 5, ALICE)), (0, (100_000, 0)));
		assert_ok!(unbond(Verifier, 5, ALICE, 50_000));
		assert_ok!(bond(Verifier, 6, 300_000));
		assert_ok!(redelegate(Verifier, 5, ALICE, 6, 50_000));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, ALICE));
		assert_eq!((free(ALICE), position(Verifier, 6, ALICE)), (ENDOWMENT - 50_000, (50_000, 0)));
		assert_eq!(Staking::pool(Verifier, 5), None);
		assert_eq!(free(5), ENDOWMENT);
	});
}

#[test]
fn an_operator_cannot_keep_its_delegators_in_by_taking_work_on_and_on() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		assert_ok!(reserve(Verifier, 5, 300_000));
		assert_ok!(unbond(Verifier, 5, ALICE, 100_000));
		// Each time a task ends it takes another.
		release(Verifier, 5, 100_000);
		assert_noop!(reserve(Verifier, 5, 1), Fault::NothingToReserve);
		release(Verifier, 5, 100_000);
		assert_ok!(reserve(Verifier, 5, 100_000));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, ALICE));
		assert_eq!(free(ALICE), ENDOWMENT);
	});
}

/// Or who knows what a draw comes to, before it is made, chooses whether to be in it.
#[test]
fn what_leaves_once_it_is_settled_who_is_asked_is_reserved_all_the_same() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		let within = active(Verifier, 5);
		assert_ok!(unbond(Verifier, 5, ALICE, 100_000));
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		assert_ok!(reserve_within(Verifier, 5, 300_000, within));
		assert_noop!(reserve_within(Verifier, 5, 1, within), Fault::NothingToReserve);
		pass(TERM);
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
		assert_noop!(withdraw(Verifier, 5, ALICE), Fault::StakeReserved);
		release(Verifier, 5, 300_000);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_ok!(withdraw(Verifier, 5, ALICE));
	});
}

#[test]
fn a_late_release_does_not_free_what_a_new_bond_answers_for() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_ok!(reserve(Verifier, 5, 200_000));
		slash(Verifier, 5, u64::MAX);
		assert_ok!(withdraw(Verifier, 5, 5));
		// Nothing is left, and yet the pool waits for the release.
		assert_eq!((pool(Verifier, 5).members, pool(Verifier, 5).reserved), (0, 200_000));
		assert_noop!(bond(Verifier, 5, 300_000), Fault::PoolExists);
		assert_ok!(bond_more(Verifier, 5, 300_000));
		assert_noop!(reserve(Verifier, 5, 100_001), Fault::NothingToReserve);
		assert_ok!(reserve(Verifier, 5, 100_000));
		release(Verifier, 5, 200_000);
		assert_eq!(pool(Verifier, 5).reserved, 100_000);
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		pass(TERM);
		assert_noop!(withdraw(Verifier, 5, 5), Fault::StakeReserved);
	});
}

#[test]
fn a_pool_that_only_a_reservation_kept_ends_with_its_release() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_ok!(reserve(Verifier, 5, 200_000));
		slash(Verifier, 5, u64::MAX);
		assert_ok!(withdraw(Verifier, 5, 5));
		release(Verifier, 5, 200_000);
		assert_eq!(Staking::pool(Verifier, 5), None);
		assert_eq!(free(5), ENDOWMENT - 200_000);
	});
}

#[test]
fn many_tiny_delegations_and_parts_keep_an_operator_from_nothing() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		for who in 1_000..1_300u64 {
			assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(BOB), who, 2 * MIN_DELEGATION));
			assert_ok!(delegate(Verifier, 5, who, MIN_DELEGATION));
			if who % 2 == 0 {
				assert_ok!(unbond(Verifier, 5, who, MIN_DELEGATION));
			}
		}
		assert_eq!(pool(Verifier, 5).members, 301);
		assert_eq!(slash(Verifier, 5, 330_000).0, 330_000);
		assert_eq!(reward(Verifier, 5, 10_000), 0);
		assert_ok!(unbond(Verifier, 5, 5, u64::MAX));
		pass(TERM);
		let before = free(5);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert!(free(5) - before > 270_000);
	});
}
