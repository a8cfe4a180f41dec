//! Retiring.

use super::*;

fn retire(who: u64, model: ModelId) -> DispatchResult {
	Registry::retire(RuntimeOrigin::signed(who), model)
}

#[test]
fn retire_closes_the_model_and_keeps_its_spec_head_and_deposit() {
	run(|| {
		let model = active();
		let reserved = Balances::reserved_balance(ALICE);
		assert_ok!(retire(ALICE, model));
		assert_eq!(stored(model).status, ModelStatus::Retired);
		assert!(Registry::spec(model).is_some());
		assert_eq!(Registry::head(model), Some((0, version(ALICE, 10))));
		assert_eq!(Balances::reserved_balance(ALICE), reserved);
		System::assert_last_event(Event::Retired { model }.into());
	});
}

#[test]
fn retire_fails_when_the_model_is_unknown() {
	run(|| {
		assert_noop!(retire(ALICE, [9; 32]), Error::<Test>::UnknownModel);
	});
}

#[test]
fn retire_fails_for_anyone_but_the_registrar() {
	run(|| {
		let model = active();
		assert_noop!(retire(BOB, model), Error::<Test>::NotRegistrar);
	});
}

#[test]
fn retire_fails_when_the_model_is_pending() {
	run(|| {
		let model = pending();
		assert_noop!(retire(ALICE, model), Error::<Test>::ModelPending);
	});
}

#[test]
fn retire_fails_when_the_model_is_retired() {
	run(|| {
		let model = active();
		assert_ok!(retire(ALICE, model));
		assert_noop!(retire(ALICE, model), Error::<Test>::ModelRetired);
	});
}

#[test]
fn retire_fails_while_a_submission_is_live() {
	run(|| {
		let model = active();
		assert_ok!(<Registry as Keeper<u64>>::enter(&model, &BOB));
		assert_noop!(retire(ALICE, model), Error::<Test>::LiveSubmissions);
		<Registry as Keeper<u64>>::leave(&model);
		assert_ok!(retire(ALICE, model));
	});
}

#[test]
fn retire_fails_when_the_head_is_the_work_of_another() {
	run(|| {
		let model = active();
		assert_ok!(accept(model, BOB, 11));
		assert_noop!(retire(ALICE, model), Error::<Test>::HeadOfAnother);
		assert_ok!(accept(model, ALICE, 12));
		assert_ok!(retire(ALICE, model));
	});
}
