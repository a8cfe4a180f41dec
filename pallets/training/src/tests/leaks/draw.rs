//! Attacks around the draw of those who verify.

use super::*;
use oda_primitives::SubmissionId;

/// Longer than a window for answers, a demand, and a challenge commitment.
const WAIT: u64 = 30;

fn honest() -> Attempt {
	Attempt::new(ALICE, |i| i < 20)
}

/// A submission whose verifiers are yet to be drawn.
fn undrawn(model: ModelId, attempt: &Attempt) -> SubmissionId {
	draw_after(WAIT);
	submit(model, attempt)
}

#[test]
fn an_accuser_without_a_challenge_should_not_keep_a_quorum_from_passing() {
	with_head(|model| {
		appoint(104);
		let id = undrawn(model, &honest());
		pass(WAIT);
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Valid).unwrap();
		}
		attest(id, 104, Verdict::Wrong(3)).unwrap();
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Accepted, &VERIFIERS, &[104]));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

/// A committee of liars alone passes a lie in its first tick; whoever checks it unasked has as long as they had.
#[test]
fn a_watcher_should_have_the_verifiers_whole_time_however_soon_they_pass() {
	with_head(|model| {
		AttestBase::set(3 * CHALLENGE_WINDOW);
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		approve(id);
		pass(3 * CHALLENGE_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &VERIFIERS));
	});
}

#[test]
fn weights_demanded_before_the_draw_and_not_shown_should_let_the_claim_fall() {
	with_head(|model| {
		let id = undrawn(model, &honest());
		let alice = wealth(ALICE);
		assert_ok!(Training::demand(RuntimeOrigin::signed(EVE), Target::Submission(id)));
		pass(DEMAND_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Fallen, &[], &[]));
		assert_eq!(wealth(ALICE), alice - TRAINER_BOND - FEE);
	});
}

#[test]
fn weights_shown_before_the_draw_should_be_verified_after_it() {
	with_head(|model| {
		let (id, target) = (undrawn(model, &honest()), Target::Submission(1));
		assert_eq!(target, Target::Submission(id));
		assert_ok!(Training::demand(RuntimeOrigin::signed(EVE), target));
		assert_ok!(send(Call::post_weights { target, weights: honest().shown() }));
		pass(WAIT - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

#[test]
fn a_demand_that_is_open_at_the_draw_should_hold_what_passes() {
	with_head(|model| {
		let id = undrawn(model, &honest());
		pass(WAIT - 1);
		assert_ok!(Training::demand(RuntimeOrigin::signed(EVE), Target::Submission(id)));
		pass(1);
		approve(id);
		pass(DEMAND_WINDOW - 2);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Fallen, &[], &VERIFIERS));
	});
}

#[test]
fn every_task_that_is_open_at_once_should_have_a_bond_of_its_own() {
	bare_ext().execute_with(|| {
		let models = [register(spec()), register(careful_spec())];
		let before = wealth(REGISTRAR);
		let lie = Attempt::lie(REGISTRAR, 5);
		let ids = models.map(|model| submit(model, &lie));
		assert_eq!(held(HoldReason::Submission, REGISTRAR), 2 * TRAINER_BOND);
		for id in ids {
			approve(id);
			assert_ok!(commit_challenge(EVE, id, 10));
			pass(MIN_CHALLENGE_AGE);
			assert_ok!(challenge(EVE, id, 10, &lie));
			assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &VERIFIERS));
		}
		assert_eq!(wealth(REGISTRAR), before - 2 * (TRAINER_BOND + FEE));
		check();
	});
}
