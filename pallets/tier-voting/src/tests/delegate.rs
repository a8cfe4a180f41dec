//! Votes that count with another account's.

use super::*;

#[test]
fn a_delegates_vote_weighs_its_delegators_tiers_too() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(delegate(BOB, 0, CAROL));
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (6, 0));
		assert!(happened(Event::Delegated { who: ALICE, class: 0, to: CAROL }));
	});
}

#[test]
fn a_delegation_counts_in_votes_that_are_cast_already() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, false));
		assert_ok!(delegate(BOB, 0, CAROL));
		assert_eq!(tally(poll), (0, 5));
	});
}

#[test]
fn a_delegation_counts_on_its_track_only() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		let poll = start(1);
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn who_delegates_one_track_votes_on_the_others() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		let poll = start(1);
		assert_ok!(vote(ALICE, poll, true));
		assert_eq!(tally(poll), (1, 0));
	});
}

#[test]
fn who_delegates_a_track_does_not_vote_on_it() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		let poll = start(0);
		assert_noop!(vote(ALICE, poll, true), Error::<Test>::VotesDelegated);
	});
}

#[test]
fn who_has_votes_on_a_track_does_not_delegate_it() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		assert_noop!(delegate(ALICE, 0, CAROL), Error::<Test>::HasVotes);
		assert_ok!(retract(ALICE, poll));
		assert_ok!(delegate(ALICE, 0, CAROL));
	});
}

#[test]
fn votes_on_polls_that_are_over_do_not_keep_anybody_from_delegating() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		end(poll, true);
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(forget(ALICE, ALICE));
	});
}

#[test]
fn votes_that_were_delegated_and_are_cast_again_count_once() {
	run(|| {
		let poll = start(0);
		assert_ok!(delegate(BOB, 0, CAROL));
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(undelegate(BOB, 0));
		assert_ok!(vote(BOB, poll, false));
		assert_eq!(tally(poll), (3, 2));
		assert!(happened(Event::Undelegated { who: BOB, class: 0, from: CAROL }));
	});
}

#[test]
fn votes_delegated_to_who_does_not_vote_count_once_cast_by_their_owner() {
	run(|| {
		let poll = start(0);
		assert_ok!(delegate(BOB, 0, CAROL));
		assert_eq!(tally(poll), (0, 0));
		assert_ok!(undelegate(BOB, 0));
		assert_ok!(vote(BOB, poll, true));
		assert_eq!(tally(poll), (2, 0));
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (5, 0));
	});
}

#[test]
fn another_delegate_takes_the_votes_from_the_one_before() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(vote(DAVE, poll, false));
		assert_ok!(delegate(BOB, 0, CAROL));
		assert_eq!(tally(poll), (5, 4));
		assert_ok!(delegate(BOB, 0, DAVE));
		assert_eq!(tally(poll), (3, 6));
		assert_eq!(Voting::delegations_of(BOB), [Delegation { class: 0, to: DAVE }]);
	});
}

#[test]
fn nobody_delegates_to_the_same_account_twice() {
	run(|| {
		assert_ok!(delegate(BOB, 0, CAROL));
		assert_noop!(delegate(BOB, 0, CAROL), Error::<Test>::AlreadyDelegated);
	});
}

#[test]
fn nobody_delegates_to_itself() {
	run(|| {
		assert_noop!(delegate(BOB, 0, BOB), Error::<Test>::SelfDelegation);
	});
}

#[test]
fn nobody_delegates_what_is_no_track() {
	run(|| {
		assert_noop!(delegate(BOB, 9, CAROL), Error::<Test>::NoSuchClass);
	});
}

#[test]
fn nobody_delegates_to_who_delegates() {
	run(|| {
		assert_ok!(delegate(CAROL, 0, DAVE));
		assert_noop!(delegate(BOB, 0, CAROL), Error::<Test>::DelegateDelegates);
	});
}

/// Anybody may delegate to anybody: if that bound the delegate, a deposit would buy its silence.
#[test]
fn what_is_delegated_to_an_account_does_not_keep_it_from_delegating() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(delegate(CAROL, 0, DAVE));
	});
}

#[test]
fn what_is_delegated_is_not_delegated_on() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(delegate(CAROL, 0, DAVE));
		let poll = start(0);
		assert_ok!(vote(DAVE, poll, true));
		assert_eq!(tally(poll), (7, 0), "a tier of 4 and one of 3");
	});
}

#[test]
fn a_delegate_that_votes_itself_again_has_its_delegators_votes_again() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(delegate(CAROL, 0, DAVE));
		assert_ok!(undelegate(CAROL, 0));
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (4, 0));
	});
}

#[test]
fn who_does_not_delegate_cannot_undelegate() {
	run(|| {
		assert_ok!(delegate(BOB, 1, CAROL));
		assert_noop!(undelegate(BOB, 0), Error::<Test>::NotDelegated);
		assert_noop!(undelegate(ALICE, 0), Error::<Test>::NotDelegated);
	});
}

#[test]
fn a_delegators_tier_changes_its_delegates_votes_at_once() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(delegate(BOB, 0, CAROL));
		set_tier(BOB, 5);
		assert_eq!(tally(poll), (8, 0));
		set_tier(BOB, 0);
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn a_tier_changes_the_votes_of_the_delegates_of_every_track() {
	run(|| {
		let polls = [start(0), start(1), start(2)];
		let delegates = [BOB, CAROL, DAVE];
		for (class, (who, poll)) in delegates.into_iter().zip(polls).enumerate() {
			assert_ok!(delegate(ALICE, class as u16, who));
			assert_ok!(vote(who, poll, true));
		}
		set_tier(ALICE, 2);
		assert_eq!(polls.map(tally), [(4, 0), (5, 0), (6, 0)]);
	});
}

#[test]
fn a_delegate_without_a_tier_counts_nothing_of_what_is_delegated_to_it() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(delegate(BOB, 0, CAROL));
		set_tier(CAROL, 0);
		assert_eq!(tally(poll), (0, 0));
		assert_ok!(delegate(BOB, 0, DAVE));
		assert_ok!(vote(DAVE, poll, true));
		assert_eq!(tally(poll), (6, 0));
	});
}

#[test]
fn a_delegate_whose_tier_returns_counts_what_is_delegated_to_it_again() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_tier(CAROL, 0);
		assert_ok!(delegate(BOB, 0, CAROL));
		set_tier(CAROL, 1);
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn who_has_no_tier_yet_delegates_what_it_will_have() {
	run(|| {
		let poll = start(0);
		assert_ok!(delegate(NOBODY, 0, CAROL));
		assert_ok!(vote(CAROL, poll, true));
		assert_eq!(tally(poll), (3, 0));
		set_tier(NOBODY, 2);
		assert_eq!(tally(poll), (5, 0));
	});
}

#[test]
fn nothing_is_kept_of_delegations_that_ended() {
	run(|| {
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(undelegate(ALICE, 0));
		assert_eq!(Delegated::<Test>::iter().count(), 0);
		assert_eq!(Delegations::<Test>::iter().count(), 0);
	});
}
