//! Where rewards go.

use super::*;

#[test]
fn a_reward_pays_the_commission_and_raises_what_is_behind_each_share() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 450_000));
		let (before, spent) = (issuance(), free(1));
		assert_eq!(reward(Validator, 1, 150_000), 0);
		assert_eq!((issuance(), free(1)), (before + 150_000, spent + 15_000));
		assert_eq!(position(Validator, 1, ALICE), (495_000, 0));
		assert_eq!((pool(Validator, 1).own, active(Validator, 1)), (990_000, 1_485_000));
		assert_eq!(Told::get().last(), Some(&(Validator, 1, 1_485_000)));
		assert!(happened(Event::Rewarded {
			role: Validator,
			operator: 1,
			amount: 135_000,
			commission: 15_000
		}));
	});
}

#[test]
fn a_pool_without_shares_is_given_nothing() {
	run(|| {
		let before = issuance();
		assert_eq!(reward(Validator, 5, 1_000), 1_000);
		assert_ok!(unbond(Validator, 1, 1, u64::MAX));
		assert_eq!(reward(Validator, 1, 1_000), 1_000);
		slash(Validator, 2, u64::MAX);
		assert_eq!(reward(Validator, 2, 1_000), 1_000);
		assert_eq!(issuance(), before - genesis_bond(2));
	});
}

#[test]
fn a_commission_that_the_operator_cannot_hold_is_handed_back() {
	run(|| {
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(BOB), POOR, 200_000));
		assert_ok!(bond(Verifier, POOR, 150_000));
		assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(POOR), BOB, false));
		assert!(!System::account_exists(&POOR));
		assert_eq!(reward(Verifier, POOR, 50), 5);
		assert_eq!((active(Verifier, POOR), free(POOR)), (150_045, 0));
		// As much as an account needs is paid.
		assert_eq!(reward(Verifier, POOR, 100), 0);
		assert_eq!((active(Verifier, POOR), free(POOR)), (150_135, 10));
	});
}

#[test]
fn nothing_of_a_reward_is_lost() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 333_333));
		let before = issuance();
		for amount in [0, 1, 9, 10, 12_347] {
			let (stake, spent) = (active(Validator, 1), free(1));
			assert_eq!(reward(Validator, 1, amount), 0);
			assert_eq!(active(Validator, 1) - stake + free(1) - spent, amount);
		}
		assert_eq!(issuance(), before + 12_367);
	});
}
