//! Voting, changing a vote, retracting it.

use super::*;

#[test]
fn a_vote_weighs_its_voters_tier() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(BOB, poll, false));
		assert_eq!(tally(poll), (3, 2));
		assert!(happened(Event::Voted { who: CAROL, poll, aye: true, votes: 3 }));
	});
}

#[test]
fn a_changed_vote_replaces_the_old_one() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(CAROL, poll, false));
		assert_eq!(tally(poll), (0, 3));
		assert_eq!(Voting::votes_of(CAROL).len(), 1);
	});
}

#[test]
fn a_repeated_vote_counts_once() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn without_a_tier_nobody_votes() {
	run(|| {
		let poll = start(0);
		assert_noop!(vote(NOBODY, poll, true), Error::<Test>::NoTier);
	});
}

#[test]
fn nobody_votes_on_what_is_no_poll() {
	run(|| {
		assert_noop!(vote(ALICE, 7, true), Error::<Test>::NotOngoing);
	});
}

#[test]
fn nobody_votes_on_a_poll_that_is_over() {
	run(|| {
		let poll = start(0);
		end(poll, true);
		assert_noop!(vote(ALICE, poll, true), Error::<Test>::NotOngoing);
	});
}

#[test]
fn a_retracted_vote_counts_nowhere() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(BOB, poll, true));
		assert_ok!(retract(CAROL, poll));
		assert_eq!(tally(poll), (2, 0));
		assert!(Voting::votes_of(CAROL).is_empty());
		assert!(happened(Event::Retracted { who: CAROL, poll }));
	});
}

#[test]
fn who_has_no_vote_retracts_none() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, start(0), true));
		assert_noop!(retract(CAROL, poll), Error::<Test>::NotVoted);
		assert_noop!(retract(BOB, poll), Error::<Test>::NotVoted);
	});
}

#[test]
fn a_vote_on_a_poll_that_is_over_cannot_be_retracted() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		end(poll, true);
		assert_noop!(retract(CAROL, poll), Error::<Test>::NotOngoing);
	});
}

#[test]
fn who_lost_its_tier_can_still_retract() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_tier(CAROL, 0);
		assert_ok!(retract(CAROL, poll));
		assert_eq!(held(CAROL), 0);
	});
}

#[test]
fn nobody_votes_on_more_polls_than_the_list_holds() {
	run(|| {
		for poll in start_all(0) {
			assert_ok!(vote(ALICE, poll, true));
		}
		let more = start(0);
		assert_noop!(vote(ALICE, more, true), Error::<Test>::TooManyVotes);
	});
}

#[test]
fn a_full_list_still_takes_changed_votes() {
	run(|| {
		let polls = start_all(0);
		for poll in &polls {
			assert_ok!(vote(ALICE, *poll, true));
		}
		assert_ok!(vote(ALICE, polls[1], false));
		assert_eq!(tally(polls[1]), (0, 1));
	});
}

#[test]
fn anybody_empties_a_full_list_of_polls_that_are_over() {
	run(|| {
		let polls = start_all(0);
		for poll in &polls {
			assert_ok!(vote(ALICE, *poll, true));
			end(*poll, true);
		}
		let more = start(0);
		assert_noop!(vote(ALICE, more, true), Error::<Test>::TooManyVotes);
		assert_ok!(forget(NOBODY, ALICE));
		assert_ok!(vote(ALICE, more, true));
	});
}

#[test]
fn one_accounts_full_list_is_nobody_elses() {
	run(|| {
		let polls = start_all(0);
		for poll in &polls {
			assert_ok!(vote(ALICE, *poll, true));
		}
		assert_ok!(vote(BOB, polls[0], false));
		assert_eq!(tally(polls[0]), (1, 2));
	});
}
