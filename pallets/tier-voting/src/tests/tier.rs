//! Tiers that change while polls are ongoing.

use super::*;
use oda_pallet_traits::TierWatcher;

#[test]
fn a_risen_tier_counts_in_all_the_votes_of_the_account() {
	run(|| {
		let polls = [start(0), start(1)];
		assert_ok!(vote(ALICE, polls[0], true));
		assert_ok!(vote(ALICE, polls[1], false));
		set_tier(ALICE, 4);
		assert_eq!((tally(polls[0]), tally(polls[1])), ((4, 0), (0, 4)));
	});
}

#[test]
fn a_tier_that_changed_during_a_poll_counts_once() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		set_tier(ALICE, 3);
		assert_ok!(vote(ALICE, poll, true));
		assert_eq!(tally(poll), (3, 0));
		assert_ok!(retract(ALICE, poll));
		assert_eq!(tally(poll), (0, 0));
	});
}

#[test]
fn without_a_tier_a_vote_is_kept_and_counts_nothing() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_tier(CAROL, 0);
		assert_eq!(tally(poll), (0, 0));
		assert_eq!(Voting::votes_of(CAROL).len(), 1);
	});
}

#[test]
fn a_tier_that_returns_counts_again() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_tier(CAROL, 0);
		set_tier(CAROL, 1);
		assert_eq!(tally(poll), (1, 0));
	});
}

#[test]
fn polls_that_are_over_keep_no_tier_from_changing() {
	run(|| {
		let (over, ongoing) = (start(0), start(0));
		assert_ok!(vote(CAROL, over, true));
		assert_ok!(vote(CAROL, ongoing, true));
		end(over, true);
		set_tier(CAROL, 2);
		assert_eq!(tally(ongoing), (2, 0));
		assert_eq!(Voting::votes_of(CAROL).len(), 2, "only a call drops them");
	});
}

#[test]
fn all_votes_follow_the_tiers() {
	run(|| {
		let before = TotalVotes::<Test>::get();
		set_tier(ALICE, 5);
		assert_eq!(TotalVotes::<Test>::get(), before + 4);
		set_tier(DAVE, 0);
		assert_eq!(TotalVotes::<Test>::get(), before);
		set_tier(NOBODY, 1);
		assert_eq!(TotalVotes::<Test>::get(), before + 1);
	});
}

#[test]
fn a_tier_that_stays_as_it_is_touches_no_poll() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		let before = touches(poll);
		<Voting as TierWatcher<u64>>::tier_changed(&CAROL, 3, 3);
		assert_eq!(touches(poll), before);
	});
}

#[test]
fn a_changed_tier_touches_each_poll_that_counts_it_once() {
	run(|| {
		let polls = start_all(0);
		for poll in &polls {
			assert_ok!(vote(CAROL, *poll, true));
		}
		assert_ok!(delegate(ALICE, 0, CAROL));
		let before = polls.iter().map(|poll| touches(*poll)).collect::<Vec<_>>();
		set_tier(ALICE, 2);
		for (poll, before) in polls.iter().zip(before) {
			assert_eq!(touches(*poll), before + 1);
		}
	});
}

#[test]
fn the_highest_tier_counts_exactly() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		set_tier(ALICE, u8::MAX);
		assert_eq!(tally(poll), (255, 0));
	});
}
