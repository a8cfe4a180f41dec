//! Votes on polls that are over.

use super::*;
use crate::WeightInfo;
use polkadot_sdk::{frame_support::dispatch::Pays, sp_runtime::traits::Dispatchable};

#[test]
fn anybody_has_votes_on_polls_that_are_over_forgotten() {
	run(|| {
		let (over, ongoing) = (start(0), start(1));
		assert_ok!(vote(CAROL, over, true));
		assert_ok!(vote(CAROL, ongoing, true));
		end(over, true);
		assert_ok!(forget(NOBODY, CAROL));
		let left = Voting::votes_of(CAROL).into_iter().map(|ballot| ballot.poll).collect::<Vec<_>>();
		assert_eq!(left, [ongoing]);
		assert!(happened(Event::Forgotten { who: CAROL, polls: 1, decided: 1 }));
	});
}

#[test]
fn forgetting_something_is_free() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		end(poll, false);
		let call = RuntimeCall::Voting(crate::Call::forget { who: CAROL });
		let post = call.dispatch(RuntimeOrigin::signed(NOBODY)).unwrap();
		assert_eq!(post.pays_fee, Pays::No);
	});
}

#[test]
fn forgetting_nothing_fails_and_is_paid_for() {
	run(|| {
		assert_ok!(vote(CAROL, start(0), true));
		for who in [CAROL, NOBODY] {
			let call = RuntimeCall::Voting(crate::Call::forget { who });
			let failed = call.dispatch(RuntimeOrigin::signed(ALICE)).unwrap_err();
			assert_eq!(failed.error, Error::<Test>::NothingToForget.into());
			assert_eq!(failed.post_info.pays_fee, Pays::Yes);
		}
	});
}

#[test]
fn what_is_forgotten_once_cannot_be_forgotten_for_free_again() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		end(poll, true);
		assert_ok!(forget(NOBODY, CAROL));
		assert_noop!(forget(NOBODY, CAROL), Error::<Test>::NothingToForget);
	});
}

#[test]
fn forgetting_leaves_ongoing_polls_alone() {
	run(|| {
		let (over, ongoing) = (start(0), start(0));
		assert_ok!(vote(CAROL, over, true));
		assert_ok!(vote(CAROL, ongoing, true));
		end(over, true);
		let before = touches(ongoing);
		assert_ok!(forget(NOBODY, CAROL));
		assert_eq!((tally(ongoing), touches(ongoing)), ((3, 0), before));
	});
}

#[test]
fn forgetting_is_charged_by_the_length_of_the_list_while_no_tier_changes() {
	run(|| {
		let polls = [start(0), start(0)];
		for poll in polls {
			assert_ok!(vote(CAROL, poll, true));
		}
		end(polls[0], true);
		let call = RuntimeCall::Voting(crate::Call::forget { who: CAROL });
		let post = call.dispatch(RuntimeOrigin::signed(NOBODY)).unwrap();
		assert_eq!(post.actual_weight, Some(<() as WeightInfo>::forget(2)));
	});
}
