//! Votes that are evidence.

use super::*;

#[test]
fn a_vote_that_counted_as_its_poll_was_decided_is_evidence() {
	run(|| {
		for approved in [true, false] {
			let poll = start(0);
			assert_ok!(vote(CAROL, poll, true));
			end(poll, approved);
			assert_ok!(forget(NOBODY, CAROL));
		}
		assert_eq!(Seen::get(), [(CAROL, 1), (CAROL, 1)]);
	});
}

#[test]
fn a_vote_is_no_evidence_before_its_poll_is_decided() {
	run(|| {
		assert_ok!(vote(CAROL, start(0), true));
		assert_eq!(Seen::get(), []);
	});
}

#[test]
fn a_vote_that_is_changed_or_cast_again_is_evidence_once() {
	run(|| {
		let poll = start(0);
		for aye in [true, false, true] {
			assert_ok!(vote(CAROL, poll, aye));
			assert_ok!(retract(CAROL, poll));
			assert_ok!(vote(CAROL, poll, !aye));
		}
		end(poll, true);
		assert_ok!(forget(CAROL, CAROL));
		assert_eq!(Seen::get(), [(CAROL, 1)]);
	});
}

#[test]
fn a_retracted_vote_is_no_evidence() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(retract(CAROL, poll));
		end(poll, true);
		assert_noop!(forget(CAROL, CAROL), Error::<Test>::NothingToForget);
	});
}

/// Whoever could earn by polls that nobody decides would start its own.
#[test]
fn a_vote_on_a_poll_that_is_never_decided_is_no_evidence() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		cancel(poll);
		assert_ok!(forget(CAROL, CAROL));
		assert_eq!(Seen::get(), []);
		assert!(happened(Event::Forgotten { who: CAROL, polls: 1, decided: 0 }));
	});
}

#[test]
fn a_vote_that_counted_nothing_in_the_end_is_no_evidence() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		set_tier(CAROL, 0);
		end(poll, true);
		set_tier(CAROL, 3);
		assert_ok!(forget(CAROL, CAROL));
		assert_eq!(Seen::get(), []);
	});
}

#[test]
fn several_polls_that_are_over_are_told_of_at_once() {
	run(|| {
		let polls = start_all(0);
		for poll in &polls {
			assert_ok!(vote(CAROL, *poll, true));
		}
		polls[..3].iter().for_each(|poll| end(*poll, true));
		assert_ok!(forget(NOBODY, CAROL));
		assert_eq!(Seen::get(), [(CAROL, 3)]);
	});
}

#[test]
fn who_delegates_is_not_seen_to_vote() {
	run(|| {
		let poll = start(0);
		assert_ok!(delegate(ALICE, 0, CAROL));
		assert_ok!(vote(CAROL, poll, true));
		end(poll, true);
		assert_ok!(forget(NOBODY, CAROL));
		assert_eq!(Seen::get(), [(CAROL, 1)]);
	});
}

#[test]
fn a_tier_that_changes_by_the_evidence_counts_in_what_is_ongoing() {
	run(|| {
		let (over, ongoing) = (start(0), start(0));
		assert_ok!(vote(CAROL, over, true));
		assert_ok!(vote(CAROL, ongoing, true));
		end(over, true);
		Promotes::set(&Some(4));
		assert_ok!(forget(NOBODY, CAROL));
		assert_eq!(tally(ongoing), (4, 0));
	});
}
