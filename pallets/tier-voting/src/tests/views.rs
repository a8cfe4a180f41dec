//! What readers see.

use super::*;

#[test]
fn votes_are_shown_with_what_they_count_as() {
	run(|| {
		let poll = start(2);
		assert_ok!(vote(CAROL, poll, false));
		assert_eq!(Voting::votes_of(CAROL), [Ballot { poll, class: 2, aye: false, votes: 3 }]);
		assert_eq!(Voting::votes_of(ALICE), []);
	});
}

#[test]
fn the_weight_of_an_account_is_its_tier_and_what_is_delegated_to_it() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_eq!((Voting::weight_of(CAROL, 0), Voting::weight_of(CAROL, 1)), (4, 3));
	});
}

#[test]
fn who_delegates_weighs_nothing() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(delegate(CAROL, 0, DAVE));
		assert_eq!(Voting::weight_of(CAROL, 0), 0);
	});
}

#[test]
fn the_turnout_of_a_poll_is_shown_until_it_is_over() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(BOB, poll, false));
		assert_eq!(Voting::turnout(poll), Some(Turnout { ayes: 3, nays: 2, total: 11 }));
		end(poll, true);
		assert_eq!(Voting::turnout(poll), None);
	});
}
