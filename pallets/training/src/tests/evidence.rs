//! Whoever listens is told what trainers and challengers did.

use super::*;
use oda_pallet_traits::Deed;

#[test]
fn accepted_weights_are_the_trainers_deed() {
	with_head(|model| {
		Seen::take();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Seen::get(), [(ALICE, Deed::Accepted(id))]);
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
		assert_eq!(Seen::get(), [(EVE, Deed::Challenged(id)), (ALICE, Deed::Overturned(id))]);
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
		assert_eq!(Seen::get(), [(EVE, Deed::ChallengeFailed(id))]);
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
		assert_eq!(Seen::get(), [(ALICE, Deed::Overturned(id))]);
	});
}
