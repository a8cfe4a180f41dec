use super::*;

#[test]
fn settle_accepts_what_has_passed_when_the_window_closes_in_silence() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let alice = wealth(ALICE);
		let id = submit(model, &attempt);
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		let verifiers: Vec<_> = VERIFIERS.into_iter().map(wealth).collect();
		let before = issuance();
		assert_ok!(settle(id));

		assert!(happened(Event::Accepted { submission: id, model, version: 1, trainer: ALICE, score: 20 }));
		let (number, version) = Registry::head(model).unwrap();
		assert_eq!((number, version.trainer, version.score), (1, ALICE, 20));
		assert_eq!((version.weights, version.submission), (attempt.blob(), id));
		assert_eq!(version.accepted_at, now());
		assert_eq!(Training::head_scores(model), Some(attempt.scores));
		// 8 of 73 are burned, 65 by three is 21, and two go back.
		let (each, burned) = (SHARE, BURN);
		assert!(happened(Event::FeePaid { submission: id, verifiers: 3, each, returned: 2, burned }));
		assert_eq!(wealth(ALICE), alice - SPENT);
		assert_eq!(issuance(), before - BURN);
		assert_eq!(VERIFIERS.map(wealth).to_vec(), verifiers.iter().map(|w| w + SHARE).collect::<Vec<_>>());
		assert_eq!(closed(id), told(Ended::Accepted, &VERIFIERS, &[]));
		assert_eq!(held(HoldReason::Submission, ALICE), 0);
		assert_eq!(held(HoldReason::VerificationFee, ALICE), 0);
		// The deposits stay: the list is the head's now, and the weights a version's.
		assert_eq!(held(HoldReason::ScoreList, ALICE), SCORE_DEPOSIT);
		assert_eq!(held(HoldReason::KnownWeights, ALICE), KNOWN_DEPOSIT);
		assert_eq!(held(HoldReason::ScoreList, REGISTRAR), 0);
		assert_eq!(held(HoldReason::KnownWeights, REGISTRAR), KNOWN_DEPOSIT);
		assert!(Training::submissions(model).is_empty());
		assert_eq!(Training::verifying(model), None);
		assert_noop!(settle(id), Error::<Test>::UnknownSubmission);
	});
}

#[test]
fn settle_accepts_version_zero() {
	with_pending(|model| {
		let id = become_head(model, &Attempt::new(REGISTRAR, |i| i < 10));
		let version = Registry::head(model).unwrap();
		assert_eq!((version.0, version.1.submission), (0, id));
		assert_eq!(Registry::model(model).unwrap().status, ModelStatus::Active);
	});
}

#[test]
fn who_checks_the_verifiers_has_time_after_the_last_of_them() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(ATTEST_WINDOW - 1);
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
	});
}

#[test]
fn settle_does_nothing_while_the_verifiers_deliberate() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		attest(id, 101, Verdict::Valid).unwrap();
		assert_noop!(settle(id), Error::<Test>::NothingDue);
	});
}

#[test]
fn a_lapsed_submission_gets_its_bond_back_and_pays_who_answered() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		attest(id, 101, Verdict::Valid).unwrap();
		let verifier = wealth(101);
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::Lapsed }));
		let burned = BURN;
		assert!(happened(Event::FeePaid { submission: id, verifiers: 1, each: POT, returned: 0, burned }));
		assert_eq!(wealth(101), verifier + POT);
		assert_eq!(wealth(ALICE), alice - FEE);
		assert_eq!(Balances::free_balance(ALICE), alice - FEE);
		assert_eq!(Training::verifying(model), None);
	});
}

#[test]
fn a_lapsed_submission_that_nobody_answered_gets_everything_back() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::FeePaid { submission: id, verifiers: 0, each: 0, returned: FEE, burned: 0 }));
		assert_eq!(Balances::free_balance(ALICE), alice);
	});
}

#[test]
fn expired_weights_can_be_submitted_again() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &attempt);
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		become_head(model, &attempt);
	});
}

#[test]
fn a_rejected_version_zero_leaves_the_model_pending() {
	with_pending(|model| {
		let id = submit(model, &Attempt::new(REGISTRAR, |i| i < 10));
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Registry::model(model).unwrap().status, ModelStatus::Pending);
		assert_ok!(Registry::abandon(RuntimeOrigin::signed(REGISTRAR), model));
		assert!(KnownWeights::<Test>::iter().next().is_none());
	});
}

#[test]
fn a_commitment_that_was_not_opened_in_time_is_forfeited() {
	with_head(|model| {
		let id = commit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(REVEAL_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		let before = issuance();
		assert_ok!(settle(id));
		assert!(happened(Event::Forfeited { submission: id, burned: TRAINER_BOND }));
		assert_eq!(issuance(), before - TRAINER_BOND);
		assert_eq!(held(HoldReason::Submission, ALICE), 0);
		assert!(Training::submission(id).is_none());
		assert_eq!(Registry::model(model).unwrap().live, 0);
	});
}

#[test]
fn settle_fails_for_an_unknown_submission() {
	with_head(|_| {
		assert_noop!(settle(99), Error::<Test>::UnknownSubmission);
	});
}

#[test]
fn settle_is_free_when_it_does_something() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let too_early = Training::settle(RuntimeOrigin::signed(PATRON), id).unwrap_err().post_info;
		assert_eq!(too_early.pays_fee, Pays::Yes);
		assert_eq!(too_early.actual_weight, Some(<() as crate::WeightInfo>::settle_nothing()));
		pass(ATTEST_WINDOW);
		assert_eq!(settle(id).unwrap().pays_fee, Pays::No);
	});
}

#[test]
fn a_submission_that_a_closed_model_refuses_expires_and_pays_the_verifiers() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let waiting = submit(model, &Attempt::new(BOB, |i| i < 30));
		approve(id);
		pass(CHALLENGE_WINDOW);
		close_model(model);
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::ModelClosed }));
		assert!(happened(Event::Expired { submission: waiting, why: Expiry::ModelClosed }));
		assert_eq!(wealth(ALICE), alice - SPENT);
		assert_eq!(Registry::head(model).unwrap().0, 0);
		assert!(Training::submissions(model).is_empty());
	});
}
