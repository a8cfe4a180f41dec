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
