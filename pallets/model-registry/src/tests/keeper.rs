//! What `pallet-training` sees.

use super::*;
use polkadot_sdk::frame_support::assert_err;

fn enter(model: ModelId, who: u64) -> DispatchResult {
	<Registry as Keeper<u64>>::enter(&model, &who)
}

#[test]
fn only_the_registrar_can_enter_a_pending_model() {
	run(|| {
		let model = pending();
		assert_noop!(enter(model, BOB), Error::<Test>::NotRegistrar);
		assert_ok!(enter(model, ALICE));
		assert_eq!(stored(model).live, 1);
	});
}

#[test]
fn anyone_can_enter_an_active_model() {
	run(|| {
		let model = active();
		assert_ok!(enter(model, BOB));
		assert_ok!(enter(model, ALICE));
		assert_eq!(stored(model).live, 2);
		<Registry as Keeper<u64>>::leave(&model);
		assert_eq!(stored(model).live, 1);
	});
}

#[test]
fn nobody_can_enter_a_retired_model() {
	run(|| {
		let model = active();
		assert_ok!(Registry::retire(RuntimeOrigin::signed(ALICE), model));
		assert_noop!(enter(model, ALICE), Error::<Test>::ModelRetired);
	});
}

#[test]
fn nobody_can_enter_an_unknown_model() {
	run(|| {
		assert_noop!(enter([9; 32], ALICE), Error::<Test>::UnknownModel);
	});
}

#[test]
fn entering_fails_when_the_counter_is_at_its_end() {
	run(|| {
		let model = active();
		Models::<Test>::mutate(model, |m| m.as_mut().unwrap().live = u32::MAX);
		assert_noop!(enter(model, BOB), Error::<Test>::Exhausted);
	});
}

#[test]
fn accepting_moves_the_head_and_numbers_versions_from_zero() {
	run(|| {
		let model = pending();
		assert_eq!(accept(model, ALICE, -5), Ok(0));
		System::assert_last_event(Event::HeadMoved { model, version: 0, trainer: ALICE, score: -5 }.into());
		assert_eq!(stored(model).status, ModelStatus::Active);
		assert_eq!(accept(model, BOB, 3), Ok(1));
		System::assert_last_event(Event::HeadMoved { model, version: 1, trainer: BOB, score: 3 }.into());
		assert_eq!(Registry::head(model), Some((1, replacing(0, version(BOB, 3)))));
		assert_eq!(Registry::version(model, 0), Some(version(ALICE, -5)));
	});
}

#[test]
fn accepting_fails_when_the_model_is_unknown_or_retired_or_out_of_numbers() {
	run(|| {
		assert_noop!(
			<Registry as Keeper<u64>>::accept(&[9; 32], version(ALICE, 1)),
			Error::<Test>::UnknownModel
		);
		let model = active();
		assert_ok!(Registry::retire(RuntimeOrigin::signed(ALICE), model));
		assert_noop!(
			<Registry as Keeper<u64>>::accept(&model, version(ALICE, 1)),
			Error::<Test>::ModelRetired
		);
	});
	new_test_ext().execute_with(|| {
		let model = active();
		Models::<Test>::mutate(model, |m| m.as_mut().unwrap().next_version = u32::MAX);
		assert_err!(<Registry as Keeper<u64>>::accept(&model, version(ALICE, 1)), Error::<Test>::Exhausted);
	});
}

#[test]
fn reverting_brings_back_the_head_that_was_replaced() {
	run(|| {
		let model = active();
		assert_ok!(accept(model, BOB, 11));
		assert_ok!(accept(model, BOB, 12));
		assert_eq!(<Registry as Keeper<u64>>::revert(&model), Ok((2, Some(1))));
		System::assert_last_event(Event::HeadReverted { model, fallen: 2, head: Some(1) }.into());
		assert_eq!(<Registry as Keeper<u64>>::head(&model).unwrap().score, 11);
		// The next one replaces what is the head then, and a fallen one never comes back.
		assert_eq!(accept(model, ALICE, 20), Ok(3));
		assert_eq!(<Registry as Keeper<u64>>::revert(&model), Ok((3, Some(1))));
		assert_eq!(<Registry as Keeper<u64>>::revert(&model), Ok((1, Some(0))));
	});
}

#[test]
fn reverting_the_first_version_leaves_an_active_model_without_a_head() {
	run(|| {
		let model = active();
		assert_eq!(<Registry as Keeper<u64>>::revert(&model), Ok((0, None)));
		assert_eq!(<Registry as Keeper<u64>>::head(&model), None);
		assert_eq!(stored(model).status, ModelStatus::Active);
		assert_noop!(<Registry as Keeper<u64>>::revert(&model), Error::<Test>::NoHead);
		assert_ok!(enter(model, BOB));
		assert_eq!(accept(model, BOB, 1), Ok(1));
	});
}

#[test]
fn reverting_fails_when_the_model_is_unknown() {
	run(|| {
		assert_noop!(<Registry as Keeper<u64>>::revert(&[9; 32]), Error::<Test>::UnknownModel);
	});
}

#[test]
fn standing_says_what_a_submission_needs() {
	run(|| {
		assert_eq!(<Registry as Keeper<u64>>::standing(&[9; 32]), None);
		assert_eq!(<Registry as Keeper<u64>>::spec(&[9; 32]), None);
		let model = active();
		let standing = <Registry as Keeper<u64>>::standing(&model).unwrap();
		assert_eq!(standing.status, ModelStatus::Active);
		assert_eq!((standing.registrar, standing.head, standing.work.records), (ALICE, Some(0), 2));
		assert_eq!(standing.work.cost, stored(model).cost);
		assert_eq!(<Registry as Keeper<u64>>::spec(&model), Some(fixture::spec(2, 0)));
	});
}
