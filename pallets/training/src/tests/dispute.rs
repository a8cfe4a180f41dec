//! What members of a committee see differently, the court settles.

use super::*;
use oda_evaluator::EvalError;
use oda_primitives::SubmissionId;
use polkadot_sdk::{
	frame_support::traits::Authorize,
	sp_runtime::transaction_validity::{TransactionSource, ValidTransaction},
};

/// What the pool says of a call that nobody signed.
fn pooled(call: Call<Test>) -> Result<ValidTransaction, DispatchError> {
	let call = RuntimeCall::from(call);
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid).map_err(refused)
}

fn honest() -> Attempt {
	Attempt::new(ALICE, |i| i < 20)
}

fn liar() -> Attempt {
	Attempt::lie(ALICE, 5)
}

fn resolution_with(
	id: SubmissionId,
	record: u32,
	proof: RangeProof,
	weights: Vec<u8>,
	cost: Weight,
) -> DispatchError {
	let weights = weights.try_into().unwrap();
	refusal(send(Call::resolve_dispute { submission: id, record, proof, weights, cost }))
}

#[test]
fn a_disputed_task_neither_passes_nor_lapses() {
	with_head(|model| {
		let id = disputed(model, &honest(), 10);
		pass(10 * (ATTEST_WINDOW + CHALLENGE_WINDOW));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_eq!(Training::verifying(model), Some(id));
	});
}

#[test]
fn a_disputed_task_can_be_challenged_and_demanded() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 3);
		pass(10 * (ATTEST_WINDOW + CHALLENGE_WINDOW));
		assert_ok!(Training::demand(RuntimeOrigin::signed(BOB), Target::Submission(id)));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let eve = wealth(EVE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &[101, 102, 103, 104]));
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
	});
}

#[test]
fn the_verifiers_are_told_what_the_output_is_and_the_task_goes_on() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let before = issuance();
		assert_ok!(resolve(id, 10, &attempt));
		let output = attempt.output(10);
		let (claimed, actual) = (1, 1);
		assert!(happened(Event::DisputeResolved { submission: id, record: 10, output, claimed, actual }));
		assert_eq!(issuance(), before);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Accepted, &[101, 102, 103], &[104]));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

#[test]
fn an_output_may_differ_where_the_score_does_not() {
	with_head(|model| {
		// Both say that the record is scored rightly; only the court's output counts.
		let lie = liar();
		let id = disputed(model, &lie, 3);
		assert_ok!(resolve(id, 3, &lie));
		assert!(!happened_refuted(id));
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Accepted, &[101, 102, 103], &[104]));
	});
}

/// Whether the court has found a score of this submission wrong.
fn happened_refuted(id: SubmissionId) -> bool {
	let phase = Submissions::<Test>::get(id).map(|submission| submission.phase);
	matches!(phase, Some(Phase::Verifying { refuted: true, .. }))
}

#[test]
fn disputes_are_resolved_one_after_the_other() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		differ(id, 4, &[(101, attempt.output(4)), (103, [1; 32])]).unwrap();
		assert_noop!(resolve(id, 4, &attempt), Error::<Test>::NotDisputed);
		assert_ok!(resolve(id, 10, &attempt));
		pass(CHALLENGE_WINDOW);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(resolve(id, 4, &attempt));
		// Two of four are left, which is no quorum.
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::Lapsed }));
		assert_eq!(closed(id), told(Ended::Lapsed, &[101, 102], &[104, 103]));
	});
}

#[test]
fn resolving_is_free_comes_first_and_enters_the_pool_once() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let valid = pooled(resolution(id, 10, &attempt)).unwrap();
		assert_eq!((valid.priority, valid.provides.len()), (u64::MAX, 1));
		// Whatever else a copy could vary is refused, so that no other copy is valid beside it.
		assert_eq!(valid.provides, pooled(resolution(id, 10, &attempt)).unwrap().provides);
		assert_ok!(resolve(id, 10, &attempt));
		assert_eq!(pooled(resolution(id, 10, &attempt)), Err(Error::<Test>::NotDisputed.into()));
	});
}

#[test]
fn resolving_signed_by_an_account_is_refused() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		use polkadot_sdk::sp_runtime::traits::Dispatchable;
		let call = RuntimeCall::from(resolution(id, 10, &attempt));
		let refused = call.dispatch(RuntimeOrigin::signed(EVE));
		assert_eq!(refused.unwrap_err().error, DispatchError::BadOrigin);
	});
}

#[test]
fn resolving_fails_for_what_is_not_disputed() {
	with_head(|model| {
		let attempt = honest();
		assert_noop!(resolve(99, 10, &attempt), Error::<Test>::UnknownSubmission);
		let id = commit(model, &attempt);
		assert_noop!(resolve(id, 10, &attempt), Error::<Test>::NotVerifying);
		pass(MIN_COMMIT_AGE);
		assert_ok!(reveal(id, &attempt));
		assert_noop!(resolve(id, 10, &attempt), Error::<Test>::NotDisputed);
		approve(id);
		assert_noop!(resolve(id, 10, &attempt), Error::<Test>::NotDisputed);
		differ(id, 10, &[(101, [1; 32]), (102, [2; 32])]).unwrap();
		assert_noop!(resolve(id, 11, &attempt), Error::<Test>::NotDisputed);
	});
}

#[test]
fn resolving_fails_at_any_other_cost_than_the_courts() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let one = Weight::from_parts(1, 0);
		for cost in [EVALUATION, RESOLUTION - one, RESOLUTION + one, Weight::zero(), Weight::MAX] {
			let refused = resolution_with(id, 10, proof(10), attempt.weights.clone(), cost);
			assert_eq!(refused, Error::<Test>::WrongCost.into());
		}
		assert_eq!(Training::resolution_cost(model), Some(RESOLUTION));
	});
}

#[test]
fn resolving_fails_for_a_record_that_the_data_does_not_have() {
	with_head(|model| {
		let attempt = honest();
		let id = submit(model, &attempt);
		approve(id);
		differ(id, RECORDS, &[(101, [1; 32]), (102, [2; 32])]).unwrap();
		let refused = resolution_with(id, RECORDS, proof(10), attempt.weights, RESOLUTION);
		assert_eq!(refused, Error::<Test>::RecordOutOfRange.into());
	});
}

#[test]
fn resolving_fails_with_other_weights() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let mut other = attempt.weights.clone();
		other[0] ^= 1;
		let mut longer = attempt.weights.clone();
		longer.push(0);
		for weights in [other, longer, Vec::new()] {
			let refused = resolution_with(id, 10, proof(10), weights, RESOLUTION);
			assert_eq!(refused, Error::<Test>::WeightsMismatch.into());
		}
	});
}

#[test]
fn resolving_fails_with_a_proof_that_is_not_this_records() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let refused = |proof| resolution_with(id, 10, proof, attempt.weights.clone(), RESOLUTION);
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
	});
}

#[test]
fn the_mocks_outputs_are_the_evaluators() -> Result<(), EvalError> {
	let (attempt, spec) = (honest(), spec());
	let evaluator = oda_evaluator::Evaluator::new(&spec.graph, &attempt.weights)?;
	let range = spec.record_range(10).unwrap();
	let data = data();
	let (input, _) = spec.split_record(&data[range.start as usize..range.end as usize])?;
	let bytes: Vec<u8> = evaluator.run(input)?.iter().flat_map(|output| output.to_le_bytes()).collect();
	assert_eq!(attempt.output(10), BlobRef::of(&bytes).root);
	Ok(())
}
