use super::*;

fn withdraw(id: u64, attempt: &Attempt) -> Result<(), DispatchError> {
	Training::withdraw(RuntimeOrigin::signed(attempt.trainer), id, attempt.blob(), attempt.salt)
}

#[test]
fn withdraw_returns_the_bond_when_the_head_has_moved() {
	with_head(|model| {
		let late = Attempt::new(ALICE, |i| i < 12);
		let id = submit(model, &Attempt::new(BOB, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW - 2);
		let mine = commit(model, &late);
		pass(2);
		settle(id).unwrap();
		pass(1);
		let before = wealth(ALICE);
		assert_ok!(withdraw(mine, &late));
		assert_eq!(wealth(ALICE), before);
		assert_eq!(held(HoldReason::Submission, ALICE), 0);
		assert!(!Submissions::<Test>::contains_key(mine));
		assert!(happened(Event::Withdrawn { submission: mine, burned: 0 }));
	});
}

#[test]
fn withdraw_fails_when_the_head_is_the_same() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		assert_noop!(withdraw(id, &attempt), Error::<Test>::HeadUnchanged);
	});
}

#[test]
fn withdraw_returns_the_bond_when_the_model_has_closed() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		close_model(model);
		assert_ok!(withdraw(id, &attempt));
		reopen_model(model);
	});
}

#[test]
fn withdraw_returns_the_bond_when_somebody_else_has_submitted_these_weights() {
	with_head(|model| {
		let mine = Attempt::new(ALICE, |i| i < 12);
		let id = commit(model, &mine);
		let mut stolen = mine.clone();
		stolen.trainer = BOB;
		submit(model, &stolen);
		assert_noop!(reveal(id, &mine), Error::<Test>::WeightsAlreadySubmitted);
		let alice = wealth(ALICE);
		assert_ok!(withdraw(id, &mine));
		assert!(happened(Event::Withdrawn { submission: id, burned: FEE_BASE }));
		assert_eq!((wealth(ALICE), held(HoldReason::Submission, ALICE)), (alice - FEE_BASE, 0));
	});
}

#[test]
fn withdraw_fails_outside_the_window_for_others_and_for_what_was_not_committed() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = commit(model, &attempt);
		close_model(model);
		assert_noop!(withdraw(id, &attempt), Error::<Test>::RevealTooEarly);
		assert_noop!(withdraw(99, &attempt), Error::<Test>::UnknownSubmission);
		let mut other = attempt.clone();
		other.trainer = BOB;
		assert_noop!(withdraw(id, &other), Error::<Test>::NotTrainer);
		pass(MIN_COMMIT_AGE);
		let mut salted = attempt.clone();
		salted.salt = [0; 32];
		assert_noop!(withdraw(id, &salted), Error::<Test>::CommitmentMismatch);
		pass(REVEAL_WINDOW);
		assert_noop!(withdraw(id, &attempt), Error::<Test>::RevealTooLate);
		reopen_model(model);
	});
}

#[test]
fn withdraw_fails_when_revealed() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = submit(model, &attempt);
		assert_noop!(withdraw(id, &attempt), Error::<Test>::AlreadyRevealed);
	});
}
