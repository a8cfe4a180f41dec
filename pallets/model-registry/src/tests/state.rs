//! What `try_state` notices, and the integrity test.

use super::*;
use crate::{Specs, Versions};
use polkadot_sdk::{frame_support::traits::Hooks, sp_runtime::TryRuntimeError};

/// Breaks the state of an active model and returns what `try_state` says.
fn broken(break_it: impl FnOnce(ModelId)) -> TryRuntimeError {
	new_test_ext().execute_with(|| {
		let model = active();
		break_it(model);
		Registry::do_try_state().unwrap_err()
	})
}

#[test]
fn try_state_notices_each_broken_rule() {
	let message = |break_it: fn(ModelId)| match broken(break_it) {
		TryRuntimeError::Other(message) => message,
		other => panic!("{other:?}"),
	};
	assert_eq!(message(Specs::<Test>::remove), "a model without a specification");
	assert_eq!(
		message(|m| Specs::<Test>::insert(m, fixture::spec(3, 0))),
		"a specification under another's id"
	);
	assert_eq!(message(Models::<Test>::remove), "a specification without a model");
	assert_eq!(message(|m| Versions::<Test>::remove(m, 0)), "a gap in the versions");
	assert_eq!(
		message(|_| Versions::<Test>::insert([9; 32], 0, version(BOB, 1))),
		"a version without a model, or with a number not yet given"
	);
	assert_eq!(
		message(|m| Models::<Test>::mutate(m, |m| m.as_mut().unwrap().head = Some(1))),
		"the head has a number not yet given"
	);
	assert_eq!(
		message(|m| Models::<Test>::mutate(m, |m| m.as_mut().unwrap().status = ModelStatus::Pending)),
		"a model is pending with a version, or not without one"
	);
	assert_eq!(
		message(|m| Versions::<Test>::insert(m, 0, replacing(0, version(ALICE, 10)))),
		"a version replaced a later one"
	);
	assert_eq!(
		message(|m| Models::<Test>::mutate(m, |m| m.as_mut().unwrap().records = 3)),
		"a model with another number of records"
	);
	assert_eq!(
		message(|m| Models::<Test>::mutate(m, |m| m.as_mut().unwrap().cost.nodes = 3)),
		"a model with another cost"
	);
	assert_eq!(
		message(|m| Models::<Test>::mutate(m, |m| m.as_mut().unwrap().parent = Some([9; 32]))),
		"a parent is gone"
	);
}

#[test]
fn the_parameters_are_sane() {
	new_test_ext().execute_with(Registry::integrity_test);
}

#[test]
#[should_panic(expected = "even an empty graph would be too expensive")]
fn the_integrity_test_notices_a_court_that_can_judge_nothing() {
	new_test_ext().execute_with(|| {
		BaseWeight::set(2_000_000);
		Registry::integrity_test();
	});
}
