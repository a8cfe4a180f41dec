use super::*;

#[test]
fn commit_challenge_holds_a_bond_until_it_expires() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		assert_ok!(commit_challenge(EVE, id, 10));
		assert_eq!(held(HoldReason::Challenge, EVE), CHALLENGE_BOND);
		let expires_at = now() + CHALLENGE_LIFETIME;
		assert!(happened(Event::ChallengeCommitted { submission: id, who: EVE, expires_at }));
		let commitments = Training::challenge_commitments(id);
		assert_eq!(commitments.len(), 1);
		assert_eq!((commitments[0].who, commitments[0].expires_at), (EVE, expires_at));
	});
}

#[test]
fn commit_challenge_fails_for_an_unknown_submission() {
	with_head(|_| {
		assert_noop!(commit_challenge(EVE, 99, 0), Error::<Test>::UnknownSubmission);
	});
}

#[test]
fn commit_challenge_fails_before_the_verification() {
	with_head(|model| {
		let first = commit(model, &Attempt::new(ALICE, |i| i < 20));
		assert_noop!(commit_challenge(EVE, first, 0), Error::<Test>::NotVerifying);
		submit(model, &Attempt::new(BOB, |i| i < 15));
		let queued = submit(model, &Attempt::new(EVE, |i| i < 20));
		assert_noop!(commit_challenge(PATRON, queued, 0), Error::<Test>::NotVerifying);
	});
}

#[test]
fn commit_challenge_fails_when_the_caller_has_one() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		assert_ok!(commit_challenge(EVE, id, 10));
		assert_noop!(commit_challenge(EVE, id, 11), Error::<Test>::AlreadyChallenging);
	});
}

#[test]
fn commit_challenge_fails_when_the_bond_cannot_be_held() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		assert_noop!(commit_challenge(POOR, id, 10), TokenError::FundsUnavailable);
	});
}

#[test]
fn commit_challenge_fails_when_there_are_too_many_and_finds_room_when_they_have_expired() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		assert_ok!(commit_challenge(ALICE, id, 10));
		pass(1);
		assert_ok!(commit_challenge(BOB, id, 10));
		assert_noop!(commit_challenge(EVE, id, 10), Error::<Test>::TooManyChallengers);
		pass(CHALLENGE_LIFETIME - 1);
		assert_ok!(commit_challenge(EVE, id, 10));
		assert!(happened(Event::ChallengeCommitmentExpired {
			submission: id,
			who: ALICE,
			burned: CHALLENGE_BOND
		}));
		assert_eq!(held(HoldReason::Challenge, ALICE), 0);
	});
}

#[test]
fn a_live_commitment_holds_the_window_open_and_an_expired_one_is_burned() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(CHALLENGE_LIFETIME - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		let before = issuance();
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(issuance(), before - CHALLENGE_BOND - BURN);
		assert_eq!(Registry::model(model).unwrap().head, Some(1));
		assert!(happened(Event::ChallengeCommitmentExpired {
			submission: id,
			who: EVE,
			burned: CHALLENGE_BOND
		}));
	});
}

#[test]
fn settling_prunes_expired_commitments_even_when_nothing_else_is_due() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(CHALLENGE_LIFETIME);
		assert_ok!(settle(id));
		assert!(Training::challenge_commitments(id).is_empty());
		assert_eq!(Training::verifying(model), Some(id));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
	});
}

#[test]
fn a_full_list_holds_the_window_open_for_who_found_no_room() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		// The liar fills the list, so that nobody else can commit.
		assert_ok!(commit_challenge(ALICE, id, 0));
		assert_ok!(commit_challenge(BOB, id, 0));
		pass(1);
		assert_noop!(commit_challenge(EVE, id, 10), Error::<Test>::TooManyChallengers);
		pass(CHALLENGE_LIFETIME - 1);
		// Settling does no more than burn the commitments; then there is room.
		assert_ok!(settle(id));
		assert_eq!(Training::verifying(model), Some(id));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(MIN_CHALLENGE_AGE - 1);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &Attempt::lie(ALICE, 5)));
		assert_eq!(Training::verifying(model), None);
	});
}

#[test]
fn a_commitment_after_the_window_has_closed_holds_nothing_and_is_returned() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		let eve = wealth(EVE);
		assert_ok!(commit_challenge(EVE, id, 10));
		assert_ok!(commit_challenge(BOB, id, 10));
		assert_ok!(settle(id));
		assert_eq!(Registry::model(model).unwrap().head, Some(1));
		assert_eq!((held(HoldReason::Challenge, EVE), wealth(EVE)), (0, eve));
	});
}

#[test]
fn a_commitment_after_the_window_has_closed_is_good_for_a_challenge_until_somebody_settles() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert!(Training::submission(id).is_none());
	});
}

#[test]
fn commitments_one_after_the_other_do_not_hold_the_window_open_for_ever() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(CHALLENGE_LIFETIME - 1);
		assert_ok!(commit_challenge(BOB, id, 10));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(Registry::model(model).unwrap().head, Some(1));
		assert_eq!(held(HoldReason::Challenge, BOB), 0);
	});
}
