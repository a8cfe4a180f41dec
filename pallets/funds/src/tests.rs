//! One behaviour a test.

use crate::{Funds, genesis_hash, mock::*};
use polkadot_sdk::{
	frame_support::traits::{
		Imbalance,
		fungible::{Inspect, InspectHold},
	},
	frame_system,
	sp_core::H256,
};

fn held() -> u64 {
	Balances::balance_on_hold(&Why::Bond, &ALICE)
}

#[test]
fn what_is_given_back_is_free() {
	with_held(300, || {
		Balances::give_back(Why::Bond, &ALICE, 100);
		assert_eq!((Balances::free_balance(ALICE), held()), (800, 200));
	});
}

#[test]
fn what_is_burned_is_gone() {
	with_held(300, || {
		assert_eq!(Balances::burn_up(Why::Bond, &ALICE, 100), 100);
		assert_eq!((held(), Balances::total_issuance()), (200, ISSUANCE - 100));
	});
}

#[test]
fn no_more_is_burned_than_is_on_hold() {
	with_held(300, || {
		assert_eq!(Balances::burn_up(Why::Bond, &ALICE, 500), 300);
		assert_eq!(Balances::free_balance(ALICE), 700);
	});
}

#[test]
fn what_is_paid_is_free_for_whoever_gets_it() {
	with_held(300, || {
		assert_eq!(Balances::pay_out(Why::Bond, &ALICE, &BOB, 100), 100);
		assert_eq!((held(), Balances::free_balance(BOB)), (200, 1_100));
	});
}

#[test]
fn what_an_account_cannot_have_stays_on_hold() {
	with_held(300, || {
		assert_eq!(Balances::pay_out(Why::Bond, &ALICE, &NOBODY, ED - 1), 0);
		assert_eq!((held(), Balances::total_balance(&NOBODY)), (300, 0));
	});
}

#[test]
fn more_than_is_on_hold_is_not_paid_in_part() {
	with_held(300, || {
		assert_eq!(Balances::pay_out(Why::Bond, &ALICE, &BOB, 301), 0);
		assert_eq!((held(), Balances::free_balance(BOB)), (300, 1_000));
	});
}

#[test]
fn half_of_a_penalty_is_the_reward_and_half_is_burned() {
	with_held(301, || {
		let (taken, reward) = Balances::punish(Why::Bond, &ALICE, 301);
		assert_eq!(taken, 301);
		assert_eq!(Balances::reward(&BOB, reward), 150);
		assert_eq!((Balances::free_balance(BOB), held()), (1_150, 0));
		assert_eq!(Balances::total_issuance(), ISSUANCE - 151);
	});
}

#[test]
fn all_of_a_penalty_is_burned_where_nobody_is_rewarded() {
	with_held(300, || {
		drop(Balances::punish(Why::Bond, &ALICE, 300));
		assert_eq!(Balances::total_issuance(), ISSUANCE - 300);
	});
}

#[test]
fn a_reward_that_an_account_cannot_have_is_burned() {
	with_held(300, || {
		let (_, reward) = Balances::punish(Why::Bond, &ALICE, 2 * (ED - 1));
		assert_eq!(Balances::reward(&NOBODY, reward), 0);
		assert_eq!(Balances::total_issuance(), ISSUANCE - 2 * (ED - 1));
	});
}

#[test]
fn what_is_taken_and_given_to_nobody_is_burned() {
	with_held(300, || {
		let taken = Balances::take(Why::Bond, &ALICE, 100);
		let (part, rest) = taken.split(40);
		assert_eq!(Balances::reward(&BOB, part), 40);
		drop(rest);
		assert_eq!((held(), Balances::total_issuance()), (200, ISSUANCE - 60));
	});
}

#[test]
fn the_genesis_hash_is_that_of_block_0() {
	with_held(0, || {
		frame_system::BlockHash::<Test>::insert(0, H256([7; 32]));
		assert_eq!(genesis_hash::<Test>(), [7; 32]);
	});
}
