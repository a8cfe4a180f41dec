//! The invariants notice what must not be.

use super::*;
use polkadot_sdk::{frame_support::traits::Hooks, sp_runtime::DispatchError};

fn reports(message: &'static str) {
	assert_eq!(Voting::do_try_state(), Err(DispatchError::Other(message)));
}

#[test]
fn the_configuration_is_sound() {
	run(<Voting as Hooks<u64>>::integrity_test);
}

#[test]
fn a_wrong_tally_is_reported() {
	ext().execute_with(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_poll(poll, PollState::Ongoing(Tally::from_parts(4, 0), 0));
		reports("a tally is not the sum of the votes");
	});
}

#[test]
fn a_tier_that_nobody_told_of_is_reported() {
	ext().execute_with(|| {
		assert_ok!(vote(CAROL, start(0), true));
		AllTiers::set(&[(CAROL, 1)].into());
		reports("a vote counts as something else than it weighs");
	});
}

#[test]
fn votes_that_were_not_counted_are_reported() {
	ext().execute_with(|| {
		assert_ok!(delegate(BOB, 0, CAROL));
		TotalVotes::<Test>::put(1);
		reports("there are more votes than are counted");
	});
}

#[test]
fn wrong_delegated_votes_are_reported() {
	ext().execute_with(|| {
		assert_ok!(delegate(BOB, 0, CAROL));
		Delegated::<Test>::insert(CAROL, 0, 1);
		reports("what is delegated is not the sum of the delegators' tiers");
	});
}

#[test]
fn two_votes_on_a_poll_are_reported() {
	ext().execute_with(|| {
		assert_ok!(vote(CAROL, start(0), true));
		VotesOf::<Test>::mutate_extant(CAROL, |listed| {
			let ballot = listed.list[0];
			listed.list.try_push(ballot).unwrap();
		});
		reports("an account voted twice on a poll");
	});
}

#[test]
fn two_delegates_of_a_track_are_reported() {
	ext().execute_with(|| {
		assert_ok!(delegate(BOB, 0, CAROL));
		Delegations::<Test>::mutate_extant(BOB, |listed| {
			listed.list.try_push(Delegation { class: 0, to: DAVE }).unwrap();
		});
		reports("an account delegates its votes of a track twice");
	});
}

#[test]
fn lists_without_anything_on_them_are_reported() {
	ext().execute_with(|| {
		assert_ok!(vote(CAROL, start(0), true));
		VotesOf::<Test>::mutate_extant(CAROL, |listed| listed.list.clear());
		reports("an empty list of votes is kept");
	});
}
