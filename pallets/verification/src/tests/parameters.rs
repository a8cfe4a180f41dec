//! The relations between the parameters.

use super::*;
use polkadot_sdk::frame_support::traits::Hooks;

/// What the integrity test says of a changed parameter.
fn complaint(change: impl Fn()) -> String {
	let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
		new_test_ext(0).execute_with(|| {
			change();
			Verification::integrity_test();
		});
	}));
	let panicked = panicked.expect_err("it noticed nothing");
	let text = panicked.downcast_ref::<String>().cloned();
	text.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_string())).unwrap()
}

#[test]
fn the_parameters_are_sane() {
	new_test_ext(0).execute_with(Verification::integrity_test);
}

#[test]
fn the_integrity_test_notices_each_broken_relation() {
	assert_eq!(complaint(|| MinCommittee::set(0)), "a committee must have a member");
	for change in [|| MinCommittee::set(5), || Committee::set(9), || MaxCommittee::set(13)] {
		assert_eq!(complaint(change), "committees must grow, up to the most members");
	}
	let two_thirds = || Quorum::set(Perbill::from_parts(666_666_666));
	assert_eq!(complaint(two_thirds), "a quorum must be more than two thirds");
	for change in [|| Samples::set(7), || Samples::set(65)] {
		assert_eq!(complaint(change), "a draw must have a sample for each vote");
	}
	for change in [|| Wanted::set(0), || Wanted::set(5)] {
		assert_eq!(complaint(change), "members must have to show something");
	}
	assert_eq!(complaint(|| OpenWindow::set(0)), "there must be time to open");
	assert_eq!(complaint(|| DisputeWindow::set(0)), "there must be time to resolve a dispute");
	assert_eq!(complaint(|| Patience::set(0)), "there must be time for a draw");
	for change in [|| VerifierSlash::set(0), || VerifierSlash::set(701)] {
		assert_eq!(complaint(change), "a lie must cost something, and no more than a stake");
	}
	for change in [|| AccusationSlash::set(0), || AccusationSlash::set(402)] {
		assert_eq!(complaint(change), "accusing must cost something, and no more than a lie");
	}
	assert_eq!(complaint(|| AbsenceSlash::set(0)), "absence must cost something");
	for change in [|| UnopenedSlash::set(49), || UnopenedSlash::set(402)] {
		assert_eq!(complaint(change), "not opening must cost at least absence, at most a lie");
	}
	assert_eq!(complaint(|| AbsenceCap::set(49)), "absence must cost something, the first time at least");
	assert_eq!(complaint(|| MaxAbsences::set(0)), "nobody could ever be awake");
	assert_eq!(complaint(|| AwayEpochs::set(0)), "who is away must have time to wake");
	for change in [|| MaxDraws::set(0), || MaxAdvances::set(0)] {
		assert_eq!(complaint(change), "tasks must go on");
	}
	let heavy = "what happens by itself must leave half of a block to others";
	for change in [|| MaxDraws::set(1_000_000), || MaxAdvances::set(1_000_000)] {
		assert_eq!(complaint(change), heavy);
	}
}

#[test]
fn the_quorum_is_more_than_two_thirds_and_never_more_than_all() {
	let quorums: Vec<_> = (1..=9u32).map(|size| Quorum::get().mul_ceil(size)).collect();
	assert_eq!(quorums, [1, 2, 3, 3, 4, 5, 5, 6, 7]);
}
