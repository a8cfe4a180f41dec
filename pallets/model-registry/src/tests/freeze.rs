//! Freezing, and thawing.

use super::*;
use oda_pallet_traits::OpenModels;
use polkadot_sdk::sp_runtime::DispatchError::BadOrigin;

fn freeze(model: ModelId) -> DispatchResult {
	Registry::freeze(RuntimeOrigin::root(), model)
}

fn thaw(model: ModelId) -> DispatchResult {
	Registry::thaw(RuntimeOrigin::root(), model)
}

#[test]
fn a_frozen_model_takes_no_submissions_until_it_is_thawed() {
	run(|| {
		let model = active();
		assert_ok!(freeze(model));
		System::assert_last_event(Event::Frozen { model }.into());
		assert_noop!(<Registry as Keeper<u64>>::enter(&model, &BOB), Error::<Test>::ModelFrozen);
		assert_ok!(thaw(model));
		System::assert_last_event(Event::Thawed { model }.into());
		assert_ok!(<Registry as Keeper<u64>>::enter(&model, &BOB));
	});
}

#[test]
fn a_submission_that_is_under_way_is_decided_and_thaws_nothing() {
	run(|| {
		let model = active();
		assert_ok!(<Registry as Keeper<u64>>::enter(&model, &BOB));
		assert_ok!(freeze(model));
		assert_ok!(<Registry as Keeper<u64>>::accept(&model, version(BOB, 20)));
		<Registry as Keeper<u64>>::leave(&model);
		assert_eq!(stored(model).status, ModelStatus::Frozen);
		assert_eq!(<Registry as Keeper<u64>>::head(&model).map(|head| head.trainer), Some(BOB));
	});
}

#[test]
fn the_blobs_of_a_frozen_head_are_still_kept() {
	run(|| {
		let model = active();
		assert_ok!(freeze(model));
		assert!(<Registry as OpenModels>::is_open(&model));
	});
}

#[test]
fn a_frozen_model_is_not_retired() {
	run(|| {
		let model = active();
		assert_ok!(freeze(model));
		assert_noop!(Registry::retire(RuntimeOrigin::signed(ALICE), model), Error::<Test>::ModelFrozen);
	});
}

#[test]
fn only_active_models_freeze_and_only_frozen_ones_thaw() {
	run(|| {
		assert_noop!(freeze([9; 32]), Error::<Test>::UnknownModel);
		let model = active();
		assert_noop!(thaw(model), Error::<Test>::NotFrozen);
		assert_ok!(freeze(model));
		assert_noop!(freeze(model), Error::<Test>::ModelFrozen);
		assert_ok!(thaw(model));
		assert_ok!(Registry::retire(RuntimeOrigin::signed(ALICE), model));
		assert_noop!(freeze(model), Error::<Test>::ModelRetired);
		assert_noop!(thaw(model), Error::<Test>::NotFrozen);
	});
}

#[test]
fn a_pending_model_does_not_freeze() {
	run(|| {
		let model = pending();
		assert_noop!(freeze(model), Error::<Test>::ModelPending);
	});
}

#[test]
fn only_a_decision_freezes() {
	run(|| {
		let model = active();
		assert_noop!(Registry::freeze(RuntimeOrigin::signed(ALICE), model), BadOrigin);
		assert_noop!(Registry::thaw(RuntimeOrigin::signed(ALICE), model), BadOrigin);
	});
}
