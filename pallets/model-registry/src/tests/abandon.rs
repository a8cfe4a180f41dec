//! Abandoning.

use super::*;
use crate::Specs;

fn abandon(who: u64, model: ModelId) -> DispatchResult {
	Registry::abandon(RuntimeOrigin::signed(who), model)
}

#[test]
fn abandon_by_the_registrar_deletes_everything_and_frees_the_id() {
	run(|| {
		let model = pending();
		assert!(Balances::reserved_balance(ALICE) > 0);
		assert_ok!(abandon(ALICE, model));
		assert_eq!(Models::<Test>::get(model), None);
		assert_eq!(Specs::<Test>::get(model), None);
		assert_eq!(Balances::reserved_balance(ALICE), 0);
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
		System::assert_last_event(Event::Abandoned { model }.into());
		assert_ok!(register(BOB, 2));
	});
}

#[test]
fn abandon_by_anyone_waits_for_the_window() {
	run(|| {
		let model = pending();
		Time::set(149);
		assert_noop!(abandon(BOB, model), Error::<Test>::WindowOpen);
		Time::set(150);
		assert_ok!(abandon(BOB, model));
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
	});
}

#[test]
fn abandon_keeps_to_the_window_that_was_promised_at_registration() {
	run(|| {
		let model = pending();
		PendingWindow::set(1);
		Time::set(149);
		assert_noop!(abandon(BOB, model), Error::<Test>::WindowOpen);
		PendingWindow::set(1_000);
		Time::set(150);
		assert_ok!(abandon(BOB, model));
	});
}

#[test]
fn abandon_fails_while_a_submission_is_live() {
	run(|| {
		let model = pending();
		assert_ok!(<Registry as Keeper<u64>>::enter(&model, &ALICE));
		Time::set(1_000);
		assert_noop!(abandon(ALICE, model), Error::<Test>::LiveSubmissions);
		assert_noop!(abandon(BOB, model), Error::<Test>::LiveSubmissions);
		<Registry as Keeper<u64>>::leave(&model);
		assert_ok!(abandon(BOB, model));
	});
}

#[test]
fn abandon_fails_when_the_model_has_a_version() {
	run(|| {
		let model = active();
		assert_noop!(abandon(ALICE, model), Error::<Test>::NotPending);
		assert_ok!(Registry::retire(RuntimeOrigin::signed(ALICE), model));
		assert_noop!(abandon(ALICE, model), Error::<Test>::NotPending);
	});
}

#[test]
fn abandon_fails_when_the_model_is_unknown() {
	run(|| {
		assert_noop!(abandon(ALICE, [9; 32]), Error::<Test>::UnknownModel);
	});
}
