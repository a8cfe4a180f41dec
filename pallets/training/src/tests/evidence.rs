//! Whoever listens is told what trainers, challengers and verifiers did.

use super::*;
use oda_pallet_traits::Deed;
use oda_primitives::TaskId;

/// What was seen, by anybody but the verifiers.
fn seen() -> Vec<(u64, Deed)> {
	Seen::get().into_iter().filter(|(who, _)| !VERIFIERS.contains(who)).collect()
}

#[test]
fn accepted_weights_are_the_trainers_deed() {
	with_head(|model| {
		Seen::take();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(seen(), [(ALICE, Deed::Accepted(id))]);
		let verified = VERIFIERS.map(|who| (who, Deed::Verified(TaskId::Submission(id))));
		assert!(verified.iter().all(|deed| Seen::get().contains(deed)));
	});
}

#[test]
fn a_wrong_score_is_the_trainers_deed_and_its_proof_the_challengers() {
	with_head(|model| {
		Seen::take();
		let attempt = Attempt::lie(ALICE, 5);
		let id = submit(model, &attempt);
		assert_ok!(attest(id, VERIFIERS[0], Verdict::Valid));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &attempt));
		assert_eq!(seen(), [(EVE, Deed::Challenged(id)), (ALICE, Deed::Overturned(id))]);
		assert!(Seen::get().contains(&(VERIFIERS[0], Deed::Misverified(TaskId::Submission(id)))));
	});
}

#[test]
fn a_failed_challenge_is_the_challengers_deed() {
	with_head(|model| {
		Seen::take();
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &attempt);
		assert_ok!(commit_challenge(EVE, id, 5));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 5, &attempt));
		assert_eq!(seen(), [(EVE, Deed::ChallengeFailed(id))]);
	});
}

#[test]
fn withheld_weights_are_the_trainers_deed() {
	with_head(|model| {
		Seen::take();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		assert_ok!(Training::demand(RuntimeOrigin::signed(EVE), Target::Submission(id)));
		pass(DEMAND_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(seen(), [(ALICE, Deed::Overturned(id))]);
	});
}
