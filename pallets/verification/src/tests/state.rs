//! What `try_state` notices.

use super::*;
use polkadot_sdk::{
	frame_support::{
		BoundedVec,
		traits::{
			fungible::MutateHold,
			tokens::{Fortitude, Precision},
		},
	},
	sp_runtime::TryRuntimeError,
};

/// Breaks the state of a chain of three verifiers with a task, and returns what `try_state` says.
fn broken(break_it: impl FnOnce()) -> &'static str {
	new_test_ext(3).execute_with(|| {
		assert_ok!(open());
		break_it();
		match Verification::do_try_state().unwrap_err() {
			TryRuntimeError::Other(message) => message,
			other => panic!("{other:?}"),
		}
	})
}

/// Changes the task.
fn edit(change: impl FnOnce(&mut TaskOf<Test>)) {
	Tasks::<Test>::mutate_extant(TASK, change);
}

#[test]
fn try_state_notices_each_broken_rule() {
	let reverse = |task: &mut TaskOf<Test>| {
		task.members = BoundedVec::truncate_from(task.members.iter().rev().cloned().collect());
	};
	assert_eq!(broken(|| edit(reverse)), "members out of order, or one of them twice");
	assert_eq!(broken(|| edit(|t| t.until = 100)), "a task without a window");
	assert_eq!(broken(|| edit(|t| t.quorum = 4)), "a quorum that cannot be reached");
	assert_eq!(broken(|| edit(|t| t.quorum = 0)), "a quorum that cannot be reached");
	let say = |task: &mut TaskOf<Test>, index| task.answers.try_push((key(index), Verdict::Valid)).unwrap();
	assert_eq!(broken(|| edit(|t| say(t, 5))), "an answer of somebody who is no member");
	assert_eq!(
		broken(|| edit(|t| {
			say(t, 1);
			say(t, 1);
		})),
		"two answers of one member"
	);
	let unanswered = "passed without a quorum, or not passed with one";
	assert_eq!(broken(|| edit(|t| t.passed_at = Some(101))), unanswered);
	assert_eq!(broken(|| edit(|t| (0..3).for_each(|index| say(t, index)))), unanswered);
	assert_eq!(
		broken(|| edit(|t| {
			(0..3).for_each(|index| say(t, index));
			t.passed_at = Some(110);
		})),
		"passed outside the window"
	);
	assert_eq!(
		broken(|| {
			let reason = HoldReason::VerifierBond.into();
			assert_ok!(Balances::burn_held(&reason, &key(0), 1, Precision::Exact, Fortitude::Force));
		}),
		"a bond is not what is held"
	);
	assert_eq!(broken(|| Tasks::<Test>::remove(TASK)), "open tasks are miscounted");
	assert_eq!(
		broken(|| Verifiers::<Test>::mutate(|all| {
			all.remove(&key(0));
		})),
		"a member of an open task has left"
	);
}
