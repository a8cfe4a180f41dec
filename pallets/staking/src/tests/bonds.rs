//! Becoming a candidate, delegating, and taking out.

use super::*;

#[test]
fn a_bond_makes_a_candidate_whose_stake_lies_in_an_account_of_its_own() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_eq!(free(5), ENDOWMENT - 200_000 - ED);
		assert_eq!((held(Verifier, 5), free(account(Verifier, 5))), (200_000, ED));
		assert_eq!(active(Verifier, 5), 200_000);
		assert_eq!(Told::get().last(), Some(&(Verifier, 5, 200_000)));
		let bonded = Event::Bonded { role: Verifier, operator: 5, amount: 200_000, commission: COMMISSION };
		assert!(happened(bonded));
		// For another role it is another stake.
		assert_eq!(active(Provider, 5), 0);
		assert_ok!(bond(Provider, 5, 100_000));
		assert_eq!((active(Verifier, 5), active(Provider, 5)), (200_000, 100_000));
		assert_ne!(account(Verifier, 5), account(Provider, 5));
	});
}

#[test]
fn a_bond_is_refused_that_is_too_low_too_dear_or_the_second() {
	run(|| {
		assert_noop!(bond(Verifier, 5, MIN_BOND - 1), Fault::BelowMinBond);
		let dear = Perbill::from_percent(51);
		let signed = RuntimeOrigin::signed;
		assert_noop!(Staking::bond(signed(5), Verifier, MIN_BOND, dear), Fault::CommissionTooHigh);
		assert_noop!(bond(Verifier, POOR, MIN_BOND), TokenError::NotExpendable);
		assert_ok!(bond(Verifier, 5, MIN_BOND));
		assert_noop!(bond(Verifier, 5, MIN_BOND), Fault::PoolExists);
		assert_noop!(bond_more(Provider, 5, MIN_BOND), Fault::UnknownPool);
		assert_noop!(bond_more(Verifier, 5, MIN_DELEGATION - 1), Fault::BelowMinDelegation);
		assert_ok!(bond_more(Verifier, 5, MIN_DELEGATION));
		assert_eq!(active(Verifier, 5), MIN_BOND + MIN_DELEGATION);
	});
}

#[test]
fn delegated_stake_counts() {
	run(|| {
		assert_ok!(delegate(Validator, 4, ALICE, 700_000));
		assert_eq!(active(Validator, 4), genesis_bond(4) + 700_000);
		assert_eq!(Told::get().last(), Some(&(Validator, 4, 1_300_000)));
		assert_eq!((pool(Validator, 4).own, pool(Validator, 4).delegated), (600_000, 700_000));
		assert_eq!(Staking::next_validators()[0], (4, 1_300_000));
	});
}

#[test]
fn delegating_is_refused_where_it_would_earn_nothing() {
	run(|| {
		assert_noop!(delegate(Validator, 5, ALICE, 50_000), Fault::UnknownPool);
		assert_noop!(delegate(Validator, 1, 1, 50_000), Fault::OwnPool);
		assert_noop!(delegate(Validator, 1, ALICE, MIN_DELEGATION - 1), Fault::BelowMinDelegation);
		assert_ok!(chill(Validator, 1));
		assert_noop!(delegate(Validator, 1, ALICE, 50_000), Fault::NotActive);
		// Too little of its own is left.
		assert_ok!(unbond(Validator, 2, 2, 750_000));
		assert_noop!(delegate(Validator, 2, ALICE, 50_000), Fault::NotActive);
		assert_ok!(bond_more(Validator, 2, 50_000));
		assert_ok!(delegate(Validator, 2, ALICE, 50_000));
	});
}

#[test]
fn an_operator_with_too_little_of_its_own_does_not_count_until_it_bonds_more() {
	run(|| {
		assert_ok!(delegate(Validator, 4, ALICE, 700_000));
		assert_ok!(unbond(Validator, 4, 4, 550_000));
		assert_eq!(active(Validator, 4), 0);
		assert_eq!(Told::get().last(), Some(&(Validator, 4, 0)));
		assert!(!Staking::next_validators().iter().any(|(who, _)| *who == 4));
		assert!(!pool(Validator, 4).chilled);
		assert_ok!(bond_more(Validator, 4, 50_000));
		assert_eq!(active(Validator, 4), 800_000);
		assert_eq!(Told::get().last(), Some(&(Validator, 4, 800_000)));
	});
}

#[test]
fn too_small_a_rest_leaves_as_well() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 50_000));
		assert_noop!(unbond(Validator, 1, ALICE, MIN_DELEGATION - 1), Fault::BelowMinDelegation);
		assert_ok!(unbond(Validator, 1, ALICE, 40_001));
		assert_eq!(position(Validator, 1, ALICE), (0, 50_000));
		assert_noop!(unbond(Validator, 1, ALICE, 10_000), Fault::NothingBonded);
		assert_noop!(unbond(Validator, 5, ALICE, 10_000), Fault::UnknownPool);
	});
}

#[test]
fn so_many_parts_are_leaving_at_once_and_those_of_one_tick_are_one() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 200_000));
		for _ in 0..MAX_LEAVING {
			assert_ok!(unbond(Validator, 1, ALICE, 10_000));
			assert_ok!(unbond(Validator, 1, ALICE, 10_000));
			pass(1);
		}
		assert_noop!(unbond(Validator, 1, ALICE, 10_000), Fault::TooManyLeaving);
		assert_eq!(position(Validator, 1, ALICE), (120_000, 80_000));
		assert_eq!(Staking::positions(ALICE, None, 1)[0].leaving.len(), MAX_LEAVING as usize);
		pass(TERM - 4);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_ok!(unbond(Validator, 1, ALICE, 10_000));
	});
}

#[test]
fn a_pool_ends_with_its_last_position_and_returns_its_deposit() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 200_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 50_000));
		assert_ok!(unbond(Verifier, 5, 5, 200_000));
		assert_ok!(unbond(Verifier, 5, ALICE, 50_000));
		// What somebody sends to the account is nobody's stake.
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(BOB), account(Verifier, 5), 77));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, 5));
		assert!(Staking::pool(Verifier, 5).is_some(), "somebody is still in it");
		assert_ok!(withdraw(Verifier, 5, ALICE));
		assert_eq!(Staking::pool(Verifier, 5), None);
		assert!(happened(Event::PoolEnded { role: Verifier, operator: 5, returned: ED + 77 }));
		assert_eq!((free(5), free(ALICE)), (ENDOWMENT + 77, ENDOWMENT));
		assert!(!System::account_exists(&account(Verifier, 5)));
		// And begins anew.
		assert_ok!(bond(Verifier, 5, 200_000));
	});
}

#[test]
fn genesis_refuses_what_makes_no_sense() {
	let start = |bond| std::panic::catch_unwind(|| genesis(vec![(1, bond, COMMISSION)])).is_ok();
	assert!(start(MIN_BOND));
	assert!(!start(MIN_BOND - 1));
	assert!(!start(ENDOWMENT));
}
