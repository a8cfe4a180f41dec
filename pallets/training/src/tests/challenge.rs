use super::*;
use oda_evaluator::{DataSource, DatasetRef};

/// Alice's claim of records 10 to 14, which are wrong, is being verified; and Eve's commitment to `record` is old enough.
fn committed_to(model: ModelId, record: u32) -> (u64, Attempt) {
	let attempt = Attempt::lie(ALICE, 5);
	let id = submit(model, &attempt);
	assert_ok!(commit_challenge(EVE, id, record));
	pass(MIN_CHALLENGE_AGE);
	(id, attempt)
}

fn challenge_with(id: u64, record: u32, proof: RangeProof, weights: Vec<u8>, cost: Weight) -> DispatchError {
	let weights = weights.try_into().unwrap();
	let (challenger, salt) = (EVE, [EVE as u8; 32]);
	refusal(send(Call::challenge { submission: id, record, challenger, salt, proof, weights, cost }))
}

#[test]
fn the_mock_evaluates_for_real() {
	let attempt = Attempt::lie(ALICE, 5);
	assert_eq!((attempt.actual(9), attempt.actual(10), attempt.actual(39)), (1, 0, 0));
}

#[test]
fn challenge_of_a_wrong_score_overturns() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let eve = wealth(EVE);
		let before = issuance();
		let (id, attempt) = committed_to(model, 10);
		assert_ok!(challenge(EVE, id, 10, &attempt));

		let paid = TRAINER_BOND / 2;
		assert!(happened(Event::Overturned {
			submission: id,
			record: 10,
			claimed: 1,
			actual: 0,
			challenger: EVE,
			slashed: TRAINER_BOND,
			paid,
		}));
		assert!(happened(Event::FeePaid { submission: id, verifiers: 0, each: 0, returned: 0, burned: FEE }));
		assert_eq!(wealth(ALICE), alice - TRAINER_BOND - FEE);
		assert_eq!(wealth(EVE), eve + paid);
		assert_eq!(issuance(), before - (TRAINER_BOND - paid) - FEE);
		for reason in [
			HoldReason::Submission,
			HoldReason::VerificationFee,
			HoldReason::ScoreList,
			HoldReason::KnownWeights,
			HoldReason::Challenge,
		] {
			assert_eq!((held(reason, ALICE), held(reason, EVE)), (0, 0));
		}
		assert_eq!(Training::verifying(model), None);
		assert!(Training::submission(id).is_none());
		assert!(Training::claimed_scores(id).is_none());
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &[]));
		assert_eq!(Registry::model(model).unwrap().head, Some(0));
	});
}

#[test]
fn a_score_claimed_too_low_is_wrong_too() {
	with_head(|model| {
		// Right on 0 to 29, but record 3 is claimed to be wrong.
		let attempt = Attempt::claiming(ALICE, |i| i < 30, |i| i < 30 && i != 3);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(EVE, id, 3));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 3, &attempt));
		assert!(Training::submission(id).is_none());
	});
}

#[test]
fn verifiers_who_signed_pay_and_who_accused_rightly_has_the_fee() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		attest(id, 101, Verdict::Valid).unwrap();
		attest(id, 102, Verdict::Wrong(11)).unwrap();
		attest(id, 103, Verdict::Unavailable).unwrap();
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let before = wealth(102);
		let eve = wealth(EVE);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[102], &[101]));
		assert_eq!(wealth(102), before + POT);
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
		let burned = BURN;
		assert!(happened(Event::FeePaid { submission: id, verifiers: 1, each: POT, returned: 0, burned }));
	});
}

#[test]
fn one_challenge_is_enough_against_all_verifiers_even_after_the_window() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_ok!(commit_challenge(EVE, id, 12));
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 12, &attempt));
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &VERIFIERS));
		assert_eq!(Registry::model(model).unwrap().head, Some(0));
	});
}

#[test]
fn a_lapsed_submission_can_still_be_overturned() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		pass(ATTEST_WINDOW - 1);
		assert_ok!(commit_challenge(EVE, id, 12));
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 12, &attempt));
		assert!(Training::submission(id).is_none());
	});
}

#[test]
fn other_live_commitments_are_released_and_expired_ones_burned_when_one_wins() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(BOB, id, 11));
		pass(CHALLENGE_LIFETIME - MIN_CHALLENGE_AGE);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let bob = wealth(BOB);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert_eq!((wealth(BOB), held(HoldReason::Challenge, BOB)), (bob - CHALLENGE_BOND, 0));

		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(BOB, id, 11));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let bob = wealth(BOB);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert_eq!((wealth(BOB), held(HoldReason::Challenge, BOB)), (bob, 0));
	});
}

#[test]
fn overturned_weights_can_be_submitted_again_with_true_scores() {
	with_head(|model| {
		let lie = Attempt::claiming(ALICE, |i| i < 12, |i| i < 20);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 15));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 15, &lie));
		become_head(model, &Attempt::new(ALICE, |i| i < 12));
		assert_eq!(Registry::model(model).unwrap().head, Some(1));
	});
}

#[test]
fn challenge_of_a_true_score_burns_the_challengers_bond() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 9);
		let before = issuance();
		let eve = wealth(EVE);
		assert_ok!(challenge(EVE, id, 9, &attempt));
		assert!(happened(Event::ChallengeFailed {
			submission: id,
			record: 9,
			score: 1,
			challenger: EVE,
			burned: CHALLENGE_BOND,
		}));
		assert_eq!(wealth(EVE), eve - CHALLENGE_BOND);
		assert_eq!(issuance(), before - CHALLENGE_BOND);
		assert_eq!(Training::verifying(model), Some(id));
		assert!(Training::challenge_commitments(id).is_empty());
		// A second try needs a second commitment.
		assert_eq!(refusal(challenge(EVE, id, 10, &attempt)), Error::<Test>::NoChallengeCommitment.into());
		assert_ok!(commit_challenge(EVE, id, 10));
	});
}

#[test]
fn a_failed_challenge_leaves_the_commitments_of_others() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 9);
		assert_ok!(commit_challenge(BOB, id, 10));
		assert_ok!(challenge(EVE, id, 9, &attempt));
		assert_eq!(Training::challenge_commitments(id).len(), 1);
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(BOB, id, 10, &attempt));
		assert!(Training::submission(id).is_none());
	});
}

#[test]
fn a_failed_challenge_no_longer_holds_the_window_open() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &attempt);
		approve(id);
		pass(CHALLENGE_WINDOW - MIN_CHALLENGE_AGE);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert_ok!(settle(id));
		assert_eq!(Registry::model(model).unwrap().head, Some(1));
	});
}

#[test]
fn a_verifier_who_answered_is_not_paid_for_the_challenge() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		let verifier = VERIFIERS[0];
		assert_ok!(attest(id, verifier, Verdict::Wrong(10)));
		let before = wealth(verifier);
		assert_ok!(commit_challenge(verifier, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(verifier, id, 10, &attempt));
		assert!(Training::submission(id).is_none());
		// The fee, as for any answer; nothing of the bond.
		assert_eq!(wealth(verifier), before + POT);
	});
}

#[test]
fn challenge_fails_for_an_unknown_submission() {
	with_head(|_| {
		let attempt = Attempt::lie(ALICE, 5);
		assert_eq!(refusal(challenge(EVE, 99, 10, &attempt)), Error::<Test>::UnknownSubmission.into());
	});
}

#[test]
fn challenge_fails_before_the_verification() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = commit(model, &attempt);
		assert_eq!(refusal(challenge(EVE, id, 10, &attempt)), Error::<Test>::NotVerifying.into());
	});
}

#[test]
fn challenge_fails_without_a_commitment_or_with_one_on_something_else() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 11);
		let none: DispatchError = Error::<Test>::NoChallengeCommitment.into();
		assert_eq!(refusal(challenge(BOB, id, 10, &attempt)), none);
		assert_eq!(refusal(challenge(EVE, id, 10, &attempt)), none);
		let mut other_salt = challenge_call(EVE, id, 11, &attempt);
		if let Call::challenge { salt, .. } = &mut other_salt {
			*salt = [0; 32];
		}
		assert_eq!(refusal(send(other_salt)), none);
	});
}

#[test]
fn evidence_seen_in_the_pool_cannot_be_stolen() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 10);
		// Bob sees Eve's challenge and commits to the same evidence: his commitment is too young.
		assert_ok!(commit_challenge(BOB, id, 10));
		assert_eq!(refusal(challenge(BOB, id, 10, &attempt)), Error::<Test>::ChallengeTooEarly.into());
		assert_ok!(challenge(EVE, id, 10, &attempt));
	});
}

#[test]
fn challenge_fails_before_the_commitments_minimum_age_and_passes_at_it() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE - 1);
		assert_eq!(refusal(challenge(EVE, id, 10, &attempt)), Error::<Test>::ChallengeTooEarly.into());
		pass(1);
		assert_ok!(challenge(EVE, id, 10, &attempt));
	});
}

#[test]
fn challenge_passes_in_the_commitments_last_tick_and_fails_after_it() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(CHALLENGE_LIFETIME);
		assert_eq!(
			refusal(challenge(EVE, id, 10, &attempt)),
			Error::<Test>::ChallengeCommitmentExpired.into()
		);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(CHALLENGE_LIFETIME - 1);
		assert_ok!(challenge(EVE, id, 10, &attempt));
	});
}

#[test]
fn challenge_fails_at_any_other_cost_than_the_courts() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 10);
		for cost in
			[EVALUATION - Weight::from_parts(1, 0), EVALUATION + Weight::from_parts(1, 0), Weight::MAX]
		{
			let refused = challenge_with(id, 10, proof(10), attempt.weights.clone(), cost);
			assert_eq!(refused, Error::<Test>::WrongCost.into());
		}
	});
}

#[test]
fn challenge_fails_for_a_record_that_the_data_does_not_have() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, RECORDS);
		let refused = challenge_with(id, RECORDS, proof(10), attempt.weights, EVALUATION);
		assert_eq!(refused, Error::<Test>::RecordOutOfRange.into());
	});
}

#[test]
fn challenge_fails_with_other_weights() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 10);
		let mut other = attempt.weights.clone();
		other[0] ^= 1;
		let mut longer = attempt.weights.clone();
		longer.push(0);
		for weights in [other, longer, Vec::new()] {
			let refused = challenge_with(id, 10, proof(10), weights, EVALUATION);
			assert_eq!(refused, Error::<Test>::WeightsMismatch.into());
		}
	});
}

#[test]
fn challenge_fails_with_a_proof_that_is_not_this_records() {
	with_head(|model| {
		let (id, attempt) = committed_to(model, 10);
		let refused = |proof| challenge_with(id, 10, proof, attempt.weights.clone(), EVALUATION);
		assert_eq!(refused(proof(11)), Error::<Test>::ProofForOtherRange.into());
		let mut shorter = proof(10);
		shorter.chunks.pop();
		assert_eq!(refused(shorter), Error::<Test>::ProofChunksMismatch.into());
		let mut fewer = proof(10);
		fewer.siblings.pop();
		assert_eq!(refused(fewer), Error::<Test>::ProofSiblingsMismatch.into());
		let mut forged = proof(10);
		forged.chunks[0] ^= 1;
		assert_eq!(refused(forged), Error::<Test>::ProofRootMismatch.into());
		assert_ok!(challenge(EVE, id, 10, &attempt));
	});
}

#[test]
fn challenge_starts_the_next_submission() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		let waiting = submit(model, &Attempt::new(BOB, |i| i < 12));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(Training::verifying(model), Some(waiting));
	});
}

#[test]
fn a_challenge_is_verified_by_its_own_models_data() {
	bare_ext().execute_with(|| {
		// The same graph and objective on other data is another model; its proofs prove nothing here.
		let model = register(spec());
		let attempt = Attempt::lie(REGISTRAR, 5);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let mut bytes = data();
		bytes[10 * 65 + 64] ^= 1;
		let mut other = spec();
		other.data = DataSource::Fixed(DatasetRef { blob: BlobRef::of(&bytes), records: RECORDS });
		let proof = RangeProof::new(&bytes, other.record_range(10).unwrap()).unwrap();
		let refused = challenge_with(id, 10, proof, attempt.weights, EVALUATION);
		assert_eq!(refused, Error::<Test>::ProofRootMismatch.into());
		check();
	});
}
