//! Whoever listens is told what verifiers did.

use super::*;
use oda_pallet_traits::Deed;

/// What was seen of four members of whom two said `Valid`, one `Wrong`, and one nothing.
fn seen(ending: Ending<AccountId32>) -> Vec<(usize, Deed)> {
	let mut seen = Vec::new();
	run_drawn(4, || {
		Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = true);
		let valid = [0, 1].map(|index| Member::new(index, Verdict::Valid));
		answer(&[&valid[..], &[Member::new(2, Verdict::Wrong(3))]].concat());
		Seen::take();
		close(ending);
		seen = Seen::take().into_iter().map(|(who, deed)| (index_of(&who), deed)).collect();
	});
	seen.sort_by_key(|(index, _)| *index);
	seen
}

#[test]
fn who_answered_as_it_ended_verified() {
	let expected = [Deed::Verified(TASK), Deed::Verified(TASK), Deed::Misverified(TASK), Deed::Absent(TASK)];
	for ending in [Ending::Accepted, Ending::Lapsed] {
		assert_eq!(seen(ending), expected.into_iter().enumerate().collect::<Vec<_>>());
	}
}

#[test]
fn who_said_valid_of_what_fell_did_not() {
	let expected =
		[Deed::Misverified(TASK), Deed::Misverified(TASK), Deed::Verified(TASK), Deed::Absent(TASK)];
	assert_eq!(seen(overturned()), expected.into_iter().enumerate().collect::<Vec<_>>());
}

#[test]
fn who_showed_a_false_output_misverified_and_who_did_not_open_was_absent() {
	run_drawn(4, || {
		let guess = Member::with(0, TASK, Verdict::Valid, outputs(&(0..RECORDS).collect::<Vec<_>>()));
		let right = Member::new(1, Verdict::Valid);
		commit_all(&[guess.clone(), right.clone(), Member::new(2, Verdict::Valid)]);
		guess.open();
		right.open();
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		let Some(TaskStatus::Disputed(record)) = status() else { panic!() };
		Seen::take();
		assert_ok!(resolve(record, [record as u8; 32]));
		let mut seen: Vec<_> = Seen::take().into_iter().map(|(who, deed)| (index_of(&who), deed)).collect();
		seen.sort_by_key(|(index, _)| *index);
		// One answer of four is no quorum: the others are settled too.
		assert_eq!(seen, [(0, Deed::Misverified(TASK)), (2, Deed::Absent(TASK)), (3, Deed::Absent(TASK))]);
	});
}

#[test]
fn an_abstention_where_nobody_could_verify_is_no_deed() {
	run_drawn(1, || {
		answer(&[Member::new(0, Verdict::Unavailable)]);
		Seen::take();
		close(Ending::Void);
		assert_eq!(Seen::take(), []);
	});
}
