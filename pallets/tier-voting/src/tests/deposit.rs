//! Deposits for lists.

use super::*;
use polkadot_sdk::sp_runtime::TokenError;

#[test]
fn the_first_vote_takes_the_deposit_and_the_next_takes_none() {
	run(|| {
		assert_ok!(vote(ALICE, start(0), true));
		assert_eq!(held(ALICE), VOTES_DEPOSIT);
		assert_ok!(vote(ALICE, start(0), true));
		assert_eq!(held(ALICE), VOTES_DEPOSIT);
	});
}

#[test]
fn the_last_retracted_vote_returns_the_deposit() {
	run(|| {
		let polls = [start(0), start(0)];
		assert_ok!(vote(ALICE, polls[0], true));
		assert_ok!(vote(ALICE, polls[1], true));
		assert_ok!(retract(ALICE, polls[0]));
		assert_eq!(held(ALICE), VOTES_DEPOSIT);
		assert_ok!(retract(ALICE, polls[1]));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn the_last_forgotten_vote_returns_the_deposit_to_the_voter() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		end(poll, true);
		assert_ok!(forget(BOB, ALICE));
		assert_eq!((held(ALICE), Balances::free_balance(ALICE)), (0, ENDOWMENT));
		assert_eq!(Balances::free_balance(BOB), ENDOWMENT);
	});
}

#[test]
fn who_cannot_pay_the_deposit_does_not_vote() {
	run(|| {
		let poll = start(0);
		assert_noop!(vote(POOR, poll, true), TokenError::FundsUnavailable);
	});
}

#[test]
fn who_cannot_pay_the_deposit_does_not_delegate() {
	run(|| {
		assert_noop!(delegate(POOR, 0, ALICE), TokenError::FundsUnavailable);
	});
}

#[test]
fn delegations_of_several_tracks_share_one_deposit() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, BOB));
		assert_eq!(held(ALICE), DELEGATIONS_DEPOSIT);
		assert_ok!(delegate(ALICE, 1, CAROL));
		assert_eq!(held(ALICE), DELEGATIONS_DEPOSIT);
	});
}

#[test]
fn the_last_undelegated_track_returns_the_deposit() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, BOB));
		assert_ok!(delegate(ALICE, 1, BOB));
		assert_ok!(undelegate(ALICE, 0));
		assert_eq!(held(ALICE), DELEGATIONS_DEPOSIT);
		assert_ok!(undelegate(ALICE, 1));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn votes_and_delegations_have_a_deposit_each() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		assert_ok!(delegate(ALICE, 1, BOB));
		assert_eq!(held(ALICE), VOTES_DEPOSIT + DELEGATIONS_DEPOSIT);
		assert_ok!(retract(ALICE, poll));
		assert_eq!(held(ALICE), DELEGATIONS_DEPOSIT);
	});
}

#[test]
fn a_changed_tier_moves_no_deposit() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		end(poll, true);
		set_tier(ALICE, 0);
		assert_eq!(held(ALICE), VOTES_DEPOSIT);
	});
}
