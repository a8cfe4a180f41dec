//! Between the opening of a task and the draw of those who verify it.

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
fn a_task_that_waits_for_its_draw_neither_passes_nor_lapses() {
	with_head(|model| {
		let id = undrawn(model, &honest());
		pass(WAIT - 1);
		assert!(now() > Training::submission(id).unwrap().committed_at + ATTEST_WINDOW + CHALLENGE_WINDOW);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

#[test]
fn a_lie_can_be_overturned_before_anybody_is_drawn() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = undrawn(model, &lie);
		let eve = wealth(EVE);
		// Even where the window would be over if it were not for the draw.
		pass(ATTEST_WINDOW + CHALLENGE_WINDOW);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &[]));
		// Nobody has earned the fee.
		assert!(happened(Event::FeePaid { submission: id, verifiers: 0, each: 0, returned: 0, burned: FEE }));
	});
}

#[test]
fn a_task_for_which_nobody_is_drawn_costs_its_trainer_nothing() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = undrawn(model, &honest());
		committee::nobody_is_drawn(id);
		pass(WAIT);
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::Lapsed }));
		assert_eq!(Balances::free_balance(ALICE), alice);
	});
}

#[test]
fn a_task_that_lapses_early_can_be_challenged_for_as_long_as_any() {
	with_head(|model| {
		draw_after(2);
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		committee::nobody_is_drawn(id);
		pass(ATTEST_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 10, &lie));
	});
}

#[test]
fn a_committee_that_is_drawn_and_stays_away_costs_its_trainer_nothing() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = undrawn(model, &honest());
		pass(WAIT + ATTEST_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(Balances::free_balance(ALICE), alice);
	});
}

#[test]
fn a_hostile_committee_costs_an_honest_trainer_what_was_earned_of_the_fee_and_no_more() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let id = undrawn(model, &honest());
		pass(WAIT);
		attest(id, 101, Verdict::Valid).unwrap();
		attest(id, 102, Verdict::Wrong(3)).unwrap();
		attest(id, 103, Verdict::Wrong(7)).unwrap();
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::Lapsed }));
		// Who accused and proved nothing shares nothing.
		assert_eq!(closed(id), told(Ended::Lapsed, &[101], &[]));
		assert_eq!(Balances::free_balance(ALICE), alice - FEE);
	});
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
		assert_eq!(closed(id), told(Ended::Withheld, &[], &[]));
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
		assert_eq!(closed(id), told(Ended::Withheld, &[], &VERIFIERS));
	});
}

#[test]
fn a_reveal_behind_an_undrawn_task_waits_for_its_turn() {
	with_head(|model| {
		let id = undrawn(model, &honest());
		let waiting = submit(model, &Attempt::new(BOB, |i| i < 30));
		pass(WAIT);
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Training::verifying(model), Some(waiting));
		assert_eq!(committee::sitting(waiting).unwrap().drawn_at, now() + WAIT);
	});
}

#[test]
fn every_task_that_is_open_at_once_has_a_bond_of_its_own() {
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
