use super::*;

fn post(model: ModelId, threshold: i64, amount: u64, until: u64) -> Result<(), DispatchError> {
	Training::post_bounty(RuntimeOrigin::signed(PATRON), model, threshold, amount, until)
}

fn take_back(model: ModelId, bounty: u64) -> Result<(), DispatchError> {
	Training::withdraw_bounty(RuntimeOrigin::signed(PATRON), model, bounty)
}

#[test]
fn a_bounty_is_held_and_paid_to_who_reaches_the_threshold() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 100));
		assert_eq!(held(HoldReason::Bounty, PATRON), 500);
		assert!(happened(Event::BountyPosted {
			bounty: 0,
			model,
			poster: PATRON,
			threshold: 20,
			amount: 500,
			until: now() + 100
		}));
		become_head(model, &Attempt::new(ALICE, |i| i < 19));
		assert_eq!(Training::bounties(model).len(), 1);
		let bob = wealth(BOB);
		let id = become_head(model, &Attempt::new(BOB, |i| i < 21));
		assert!(happened(Event::BountyPaid { bounty: 0, model, submission: id, amount: 500 }));
		assert_eq!(wealth(BOB), bob + 500 - SPENT);
		assert_eq!(held(HoldReason::Bounty, PATRON), 0);
		assert!(!Bounties::<Test>::contains_key(model));
	});
}

#[test]
fn every_bounty_that_is_earned_is_paid_and_no_other() {
	with_head(|model| {
		assert_ok!(post(model, 20, 100, now() + 100));
		assert_ok!(post(model, 25, 200, now() + 100));
		assert_ok!(post(model, 15, 300, now() + 100));
		let alice = wealth(ALICE);
		become_head(model, &Attempt::new(ALICE, |i| i < 20));
		assert_eq!(wealth(ALICE), alice + 400 - SPENT);
		let left: Vec<_> = Training::bounties(model).iter().map(|bounty| bounty.id).collect();
		assert_eq!(left, [1]);
	});
}

#[test]
fn a_bounty_is_earned_by_when_it_was_committed_not_when_it_was_accepted() {
	with_head(|model| {
		let until = now() + 1;
		assert_ok!(post(model, 20, 500, until));
		let id = submit(model, &Attempt::new(ALICE, |i| i < 25));
		assert!(now() > until);
		assert_noop!(take_back(model, 0), Error::<Test>::BountyPending);
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::BountyPaid { bounty: 0, model, submission: id, amount: 500 }));
	});
}

#[test]
fn a_submission_committed_after_the_end_neither_earns_nor_holds_a_bounty() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 1));
		pass(1);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 25));
		assert_ok!(take_back(model, 0));
		assert_ok!(post(model, 20, 500, now() + 1));
		assert_noop!(take_back(model, 1), Error::<Test>::BountyNotOver);
		pass(ATTEST_WINDOW);
		assert_noop!(take_back(model, 1), Error::<Test>::BountyPending);
		assert_ok!(settle(id));
		assert_ok!(take_back(model, 1));
		assert_eq!(Balances::free_balance(PATRON), ENDOWMENT);
	});
}

#[test]
fn a_bounty_is_returned_after_its_end() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 10));
		pass(9);
		assert_noop!(take_back(model, 0), Error::<Test>::BountyNotOver);
		pass(1);
		assert_ok!(take_back(model, 0));
		assert!(happened(Event::BountyWithdrawn { bounty: 0, model, amount: 500 }));
		assert_eq!(held(HoldReason::Bounty, PATRON), 0);
	});
}

#[test]
fn a_bounty_is_locked_by_any_live_submission_whatever_it_claims() {
	with_head(|model| {
		let end = now() + 5;
		assert_ok!(post(model, i64::MAX, 500, end));
		// It claims 20, and can never earn it.
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(5);
		assert_noop!(take_back(model, 0), Error::<Test>::BountyPending);
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert_ok!(take_back(model, 0));
	});
}

#[test]
fn a_bounty_on_a_closed_model_is_returned_before_its_end() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 10));
		close_model(model);
		assert_ok!(take_back(model, 0));
		reopen_model(model);
	});
}

#[test]
fn a_bounty_on_a_model_that_was_abandoned_is_returned() {
	with_pending(|model| {
		assert_ok!(post(model, 20, 500, now() + 10));
		assert_ok!(Registry::abandon(RuntimeOrigin::signed(REGISTRAR), model));
		assert_ok!(take_back(model, 0));
	});
}

#[test]
fn bounty_fails_for_an_unknown_or_closed_model() {
	with_head(|model| {
		assert_noop!(post([9; 32], 20, 500, now() + 10), Error::<Test>::UnknownModel);
		close_model(model);
		assert_noop!(post(model, 20, 500, now() + 10), Error::<Test>::ModelClosed);
		reopen_model(model);
	});
}

#[test]
fn a_bounty_on_a_model_that_was_frozen_is_returned_to_who_asks_for_it() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 10));
		assert_ok!(Registry::freeze(RuntimeOrigin::root(), model));
		assert_noop!(post(model, 20, 500, now() + 10), Error::<Test>::ModelClosed);
		assert_ok!(take_back(model, 0));
	});
}

#[test]
fn bounty_fails_when_too_small_or_badly_timed_or_not_covered() {
	with_head(|model| {
		assert_noop!(post(model, 20, MIN_BOUNTY - 1, now() + 10), Error::<Test>::BountyTooSmall);
		assert_noop!(post(model, 20, 500, now()), Error::<Test>::BountyEndsTooEarly);
		let furthest = now() + MAX_BOUNTY_TERM;
		assert_noop!(post(model, 20, 500, furthest + 1), Error::<Test>::BountyEndsTooLate);
		assert_ok!(post(model, 20, MIN_BOUNTY, furthest));
		assert_noop!(post(model, 20, 2 * ENDOWMENT, furthest), TokenError::FundsUnavailable);
	});
}

#[test]
fn bounty_fails_when_there_are_too_many() {
	with_head(|model| {
		for _ in 0..MAX_BOUNTIES {
			assert_ok!(post(model, 20, 500, now() + 10));
		}
		assert_noop!(post(model, 20, 500, now() + 10), Error::<Test>::TooManyBounties);
	});
}

#[test]
fn only_the_poster_takes_a_bounty_back() {
	with_head(|model| {
		assert_ok!(post(model, 20, 500, now() + 10));
		pass(10);
		assert_noop!(take_back(model, 1), Error::<Test>::UnknownBounty);
		assert_noop!(
			Training::withdraw_bounty(RuntimeOrigin::signed(ALICE), model, 0),
			Error::<Test>::NotPoster
		);
	});
}

#[test]
fn version_zero_can_earn_a_bounty() {
	with_pending(|model| {
		assert_ok!(post(model, 5, 500, now() + 10));
		become_head(model, &Attempt::new(REGISTRAR, |i| i < 10));
		assert_eq!(held(HoldReason::Bounty, PATRON), 0);
	});
}
