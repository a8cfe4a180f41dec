//! What `try_state` notices.

use super::*;
use crate::{
	Agenda, AgendaFrom, DrawFrom, Eligible, FreePlaceCount, Nodes, Places, Queues, SeatsOf, Waiting,
};
use polkadot_sdk::{frame_support::BoundedVec, sp_runtime::TryRuntimeError};

/// Breaks the state of a chain of three verifiers with a task that they answer, and one that waits; what `try_state` says.
fn broken(break_it: impl FnOnce()) -> &'static str {
	new_test_ext(3).execute_with(|| {
		draw(TASK);
		assert_ok!(open_task(OTHER));
		commit_all(&[0, 1].map(|index| Member::new(index, Verdict::Valid)));
		Member::new(0, Verdict::Valid).open();
		check();
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

fn edit_verifier(change: impl FnOnce(&mut crate::VerifierOf<Test>)) {
	Verifiers::<Test>::mutate_extant(key(0), change);
}

fn edit_seat(change: impl FnOnce(&mut crate::SeatOf<Test>)) {
	Verification::edit_seat(TASK, &key(0), change);
}

#[test]
fn try_state_notices_broken_tasks() {
	let twice = |t: &mut TaskOf<Test>| {
		let first = t.members[0].clone();
		t.members.try_push(first).unwrap();
	};
	assert_eq!(broken(|| edit(twice)), "a member has two seats");
	assert_eq!(broken(|| Seats::<Test>::remove(TASK, key(0))), "a member has no seat");
	assert_eq!(broken(|| SeatsOf::<Test>::remove(key(0), TASK)), "a verifier does not know its seat");
	let no_outputs = Answer::Opened { verdict: Verdict::Valid, outputs: BoundedVec::new() };
	assert_eq!(broken(|| edit_seat(|s| s.answer = no_outputs)), "other outputs are shown than wanted");
	assert_eq!(broken(|| edit_seat(|s| s.earlier = true)), "an earlier seat that binds to nothing");
	assert_eq!(broken(|| edit(|t| t.opened = 2)), "votes are miscounted");
	assert_eq!(broken(|| edit(|t| t.size = 4)), "votes are miscounted");
	for change in [(0, 1), (2, 1), (1, 2)] {
		assert_eq!(broken(|| edit_seat(|s| (s.votes, s.reserved) = change)), "no stake answers for a vote");
	}
	assert_eq!(broken(|| edit(|t| t.quorum = 4)), "a quorum that cannot be reached");
	let disorder = BoundedVec::truncate_from(vec![4, 4, 5]);
	assert_eq!(broken(|| edit(|t| t.wanted = disorder)), "wanted records out of order");
	assert_eq!(broken(|| edit(|t| t.wanted[2] = RECORDS)), "no such record is wanted");
	assert_eq!(broken(|| edit(|t| t.phase = Phase::Opening { until: 5 })), "a task is not on the agenda");
	let drawing = Phase::Drawing { ready: 9, until: 5 };
	assert_eq!(broken(|| edit(|t| t.phase = drawing)), "a committee is drawn that is there");
	let all = || drop(Waiting::<Test>::clear(10, None));
	assert_eq!(broken(all), "a task waits in no queue");
	assert_eq!(broken(|| Seats::<Test>::insert(TASK, key(9), crate::Seat::new(1))), "a seat of nobody");
	assert_eq!(
		broken(|| SeatsOf::<Test>::insert(key(9), TASK, ())),
		"a verifier knows a seat that is not there"
	);
}

#[test]
fn try_state_notices_broken_verifiers_and_places() {
	assert_eq!(broken(|| Places::<Test>::remove(0)), "a verifier has no place");
	assert_eq!(broken(|| edit_verifier(|v| v.duty = Duty::Resting)), "a resting verifier weighs something");
	let other = "draws see another capacity than was declared";
	assert_eq!(broken(|| edit_verifier(|v| v.duty = Duty::Away { since: 0 })), other);
	assert_eq!(broken(|| Verification::set_weight(0, 5)), "a verifier does not weigh its stake");
	assert_eq!(broken(|| edit_verifier(|v| v.drawn.time += 1)), "seats take what is not counted");
	assert_eq!(broken(|| edit_verifier(|v| v.open += 1)), "open tasks are miscounted");
	assert_eq!(broken(|| Eligible::<Test>::put(2)), "eligible verifiers are miscounted");
	assert_eq!(broken(|| Places::<Test>::insert(9, key(9))), "a place of nobody");
	assert_eq!(broken(|| FreePlaceCount::<Test>::put(1)), "a free place is missing");
	let taken = || {
		FreePlaceCount::<Test>::put(1);
		crate::FreePlaces::<Test>::insert(0, 1);
	};
	assert_eq!(broken(taken), "a place is free that is taken");
	assert_eq!(broken(|| crate::NextPlace::<Test>::put(4)), "a place is lost");
	let gone = || {
		Verifiers::<Test>::remove(key(0));
		Places::<Test>::remove(0);
	};
	assert_eq!(broken(gone), "a member is no verifier");
}

#[test]
fn try_state_notices_a_broken_tree() {
	let edit_root = |change: fn(&mut crate::Versioned<u128>)| {
		Nodes::<Test>::mutate((0, 0), |node| change(&mut node[0]));
	};
	assert_eq!(broken(|| edit_root(|sum| sum.set(3, 1))), "a sum is not that of its children");
	assert_eq!(
		broken(|| edit_root(|sum| {
			let now = sum.now();
			*sum = Default::default();
			sum.set(1, now + 1);
			sum.set(3, now);
		})),
		"a sum was not that of its children"
	);
	assert_eq!(
		broken(|| Nodes::<Test>::insert((2, 9), crate::tree::Node::default())),
		"a node of nothing is stored"
	);
	assert_eq!(broken(|| edit_root(|sum| sum.set(9, 1))), "a version of an epoch to come");
}

#[test]
fn try_state_notices_a_broken_agenda_and_queue() {
	let nothing_due = "the agenda names a task for which nothing is due";
	assert_eq!(broken(|| Agenda::<Test>::insert(5, TASK, ())), nothing_due);
	assert_eq!(broken(|| AgendaFrom::<Test>::put(50_000)), "what was due was passed over");
	assert_eq!(broken(|| drop(Queues::<Test>::clear(10, None))), "a task waits outside of the queue");
	assert_eq!(broken(|| DrawFrom::<Test>::put(50_000)), "a queue was passed over");
}
