use super::*;

#[test]
fn reveal_holds_fee_and_deposits_and_starts_the_verification() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = submit(model, &attempt);
		assert_eq!(held(HoldReason::Submission, ALICE), TRAINER_BOND);
		assert_eq!(held(HoldReason::VerificationFee, ALICE), FEE);
		assert_eq!(held(HoldReason::ScoreList, ALICE), SCORE_DEPOSIT);
		assert_eq!(held(HoldReason::KnownWeights, ALICE), KNOWN_DEPOSIT);
		assert_eq!(Training::verifying(model), Some(id));
		assert_eq!(Training::claimed_scores(id), Some(attempt.scores.clone()));
		let claim = Claim {
			weights: attempt.blob(),
			score: 12,
			hash: oda_primitives::hash::claim(&model, &attempt.blob(), &attempt.scores),
			revealed_at: now(),
		};
		let open_until = now() + ATTEST_WINDOW;
		assert_eq!(
			Training::submission(id).unwrap().phase,
			Phase::Verifying {
				claim,
				opened_at: now(),
				open_until,
				held_until: 0,
				shown: false,
				refuted: false
			}
		);
		assert!(happened(Event::Revealed {
			submission: id,
			model,
			weights: attempt.blob(),
			score: 12,
			fee: FEE
		}));
		assert!(happened(Event::VerificationStarted { submission: id, model, open_until }));
		assert_eq!(committee::sitting(id).unwrap().claim, claim.hash);
	});
}

#[test]
fn reveal_of_version_zero_needs_to_beat_nobody() {
	with_pending(|model| {
		let id = submit(model, &Attempt::new(REGISTRAR, |_| false));
		assert_eq!(Training::verifying(model), Some(id));
	});
}

#[test]
fn reveal_fails_for_an_unknown_submission() {
	with_head(|_| {
		let attempt = Attempt::new(ALICE, |_| true);
		assert_noop!(reveal(99, &attempt), Error::<Test>::UnknownSubmission);
	});
}

#[test]
fn reveal_fails_for_somebody_elses_submission() {
	with_head(|model| {
		let mut attempt = Attempt::new(ALICE, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		attempt.trainer = BOB;
		assert_noop!(reveal(id, &attempt), Error::<Test>::NotTrainer);
	});
}

#[test]
fn reveal_fails_before_the_minimum_age_and_passes_at_it() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE - 1);
		assert_noop!(reveal(id, &attempt), Error::<Test>::RevealTooEarly);
		pass(1);
		assert_ok!(reveal(id, &attempt));
	});
}

#[test]
fn reveal_passes_in_the_windows_last_tick_and_fails_after_it() {
	with_head(|model| {
		let (alice, bob) = (Attempt::new(ALICE, |_| true), Attempt::new(BOB, |_| true));
		let first = commit(model, &alice);
		let second = commit(model, &bob);
		pass(REVEAL_WINDOW - 1);
		assert_ok!(reveal(first, &alice));
		pass(1);
		assert_noop!(reveal(second, &bob), Error::<Test>::RevealTooLate);
	});
}

#[test]
fn reveal_fails_when_revealed_before() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |_| true);
		let id = submit(model, &attempt);
		assert_noop!(reveal(id, &attempt), Error::<Test>::AlreadyRevealed);
	});
}

#[test]
fn reveal_fails_when_the_salt_is_wrong() {
	with_head(|model| {
		let mut attempt = Attempt::new(ALICE, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		attempt.salt = [0; 32];
		assert_noop!(reveal(id, &attempt), Error::<Test>::CommitmentMismatch);
	});
}

#[test]
fn reveal_fails_when_the_weights_are_others() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		let other = Attempt::new(ALICE, |i| i < 30);
		assert_noop!(reveal(id, &other), Error::<Test>::CommitmentMismatch);
	});
}

#[test]
fn reveal_fails_for_a_commitment_that_was_copied() {
	with_head(|model| {
		// Bob puts Alice's commitment under his name: it does not open for him.
		let mut attempt = Attempt::new(ALICE, |_| true);
		let id = next();
		let commitment = attempt.commitment(&model);
		assert_ok!(Training::commit(RuntimeOrigin::signed(BOB), model, commitment));
		pass(MIN_COMMIT_AGE);
		attempt.trainer = BOB;
		assert_noop!(reveal(id, &attempt), Error::<Test>::CommitmentMismatch);
	});
}

#[test]
fn reveal_fails_for_a_commitment_to_another_model() {
	with_head(|model| {
		let other = register(careful_spec());
		let attempt = Attempt::new(ALICE, |_| true);
		let id = next();
		let commitment = attempt.commitment(&other);
		assert_ok!(Training::commit(RuntimeOrigin::signed(ALICE), model, commitment));
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &attempt), Error::<Test>::CommitmentMismatch);
	});
}

#[test]
fn reveal_fails_when_the_weights_have_the_wrong_length() {
	with_head(|model| {
		let mut attempt = Attempt::new(ALICE, |_| true);
		attempt.weights.push(0);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &attempt), Error::<Test>::WeightsLengthMismatch);
	});
}

#[test]
fn reveal_fails_when_the_score_list_is_too_short_or_too_long() {
	with_head(|model| {
		let mut attempt = Attempt::new(ALICE, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		for bytes in [0, 4, 6, 65_536] {
			attempt.scores = vec![255; bytes].try_into().unwrap();
			assert_noop!(reveal(id, &attempt), Error::<Test>::ScoresLengthMismatch);
		}
	});
}

#[test]
fn reveal_fails_when_a_padding_bit_is_set() {
	bare_ext().execute_with(|| {
		let mut spec = spec();
		let records = 39;
		let bytes = &data()[..39 * 65];
		spec.data =
			oda_evaluator::DataSource::Fixed(oda_evaluator::DatasetRef { blob: BlobRef::of(bytes), records });
		let model = register_on(spec, bytes);
		let mut attempt = Attempt::new(REGISTRAR, |_| true);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &attempt), Error::<Test>::ScoresPaddingNotZero);
		attempt.scores[4] = 0x7f;
		assert_ok!(reveal(id, &attempt));
	});
}

#[test]
fn reveal_fails_below_the_minimum_improvement_and_passes_at_it() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 11);
		let id = commit(model, &attempt);
		let better = Attempt::new(BOB, |i| i < 12);
		let other = commit(model, &better);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &attempt), Error::<Test>::BelowMinImprovement);
		assert_ok!(reveal(other, &better));
	});
}

#[test]
fn reveal_fails_when_not_significant_and_passes_when_it_is() {
	bare_ext().execute_with(|| {
		let model = register(careful_spec());
		become_head(model, &Attempt::new(REGISTRAR, |i| i < 10));
		// Three won, none lost: 9 · 100 < 384 · 3.
		let attempt = Attempt::new(ALICE, |i| i < 13);
		let id = commit(model, &attempt);
		let better = Attempt::new(BOB, |i| i < 14);
		let other = commit(model, &better);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &attempt), Error::<Test>::NotSignificant);
		assert_ok!(reveal(other, &better));
		check();
	});
}

#[test]
fn reveal_fails_when_the_weights_are_the_heads_or_an_earlier_versions() {
	with_head(|model| {
		let second = Attempt::new(BOB, |i| i < 20);
		become_head(model, &second);
		for mut attempt in [Attempt::new(REGISTRAR, |i| i < 10), second] {
			attempt.trainer = ALICE;
			attempt.scores = Attempt::new(ALICE, |_| true).scores;
			let id = commit(model, &attempt);
			pass(MIN_COMMIT_AGE);
			assert_noop!(reveal(id, &attempt), Error::<Test>::WeightsAlreadySubmitted);
		}
	});
}

#[test]
fn reveal_fails_when_the_weights_are_being_verified() {
	with_head(|model| {
		let first = Attempt::new(ALICE, |i| i < 20);
		let mut second = first.clone();
		second.trainer = BOB;
		submit(model, &first);
		let id = commit(model, &second);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &second), Error::<Test>::WeightsAlreadySubmitted);
	});
}

#[test]
fn the_same_weights_may_be_submitted_to_another_model() {
	with_head(|_| {
		let other = register(careful_spec());
		let id = submit(other, &Attempt::new(REGISTRAR, |i| i < 10));
		assert_eq!(Training::verifying(other), Some(id));
	});
}

#[test]
fn reveal_fails_when_fee_or_deposits_cannot_be_held() {
	with_head(|model| {
		for spare in [0, FEE, FEE + SCORE_DEPOSIT, FEE + SCORE_DEPOSIT + KNOWN_DEPOSIT - 1] {
			let id = next();
			let who = 1_000 + id;
			let origin = RuntimeOrigin::root();
			assert_ok!(Balances::force_set_balance(origin, who, TRAINER_BOND + ED + spare));
			let mut attempt = Attempt::new(ALICE, |i| i < 20);
			attempt.trainer = who;
			assert_eq!(commit(model, &attempt), id);
			pass(MIN_COMMIT_AGE);
			assert_noop!(reveal(id, &attempt), TokenError::FundsUnavailable);
		}
	});
}

#[test]
fn reveal_fails_when_the_model_is_closed() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = commit(model, &attempt);
		pass(MIN_COMMIT_AGE);
		close_model(model);
		assert_noop!(reveal(id, &attempt), Error::<Test>::ModelClosed);
		reopen_model(model);
	});
}
