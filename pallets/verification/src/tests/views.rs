//! View functions.

use super::*;

#[test]
fn the_chain_shows_a_task_with_its_seats() {
	run_drawn(4, || {
		let member = Member::new(2, Verdict::Valid);
		member.commit();
		let view = Verification::task(TASK).unwrap();
		assert_eq!(view.task, task(TASK));
		for (who, seat) in view.task.members.iter().zip(&view.seats) {
			let expected =
				if index_of(who) == 2 { Answer::Committed(member.commitment()) } else { Answer::None };
			assert_eq!(seat.answer, expected);
		}
		assert_eq!(Verification::task(OTHER), None);
		assert_eq!(Verification::status_of(TASK), Some(TaskStatus::Open));
		assert_eq!(Verification::status_of(OTHER), None);
	});
}

#[test]
fn pages_go_on_after_the_last_entry_and_hold_the_limit() {
	run(1, || {
		Verifiers::<Test>::mutate_extant(key(0), |verifier| {
			verifier.capacity = Load { time: u64::MAX, bytes: u64::MAX };
			verifier.room.set(0, verifier.capacity);
		});
		bond(&key(0), 1_000_000);
		next_epoch();
		for id in 20..24 {
			assert_ok!(open_task(TaskId::Submission(id)));
		}
		next_epoch();
		next_epoch();
		let first = Verification::tasks(None, 3);
		let rest = Verification::tasks(Some(first[2].0), u32::MAX);
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
		ids.sort();
		assert_eq!(ids, [20, 21, 22, 23].map(TaskId::Submission));
		let first = Verification::tasks_of(key(0), None, 3);
		let rest = Verification::tasks_of(key(0), Some(first[2].0), u32::MAX);
		assert!(first.iter().all(|(id, entry, seat)| *entry == task(*id) && seat.answer == Answer::None));
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, ..)| *id).collect();
		ids.sort();
		assert_eq!(ids, [20, 21, 22, 23].map(TaskId::Submission));
		assert_eq!(Verification::tasks_of(key(1), None, 3), []);
	});
}

#[test]
fn the_chain_shows_verifiers() {
	run(5, || {
		let first = Verification::verifiers(None, 3);
		let rest = Verification::verifiers(Some(first[2].0.clone()), u32::MAX);
		let mut all: Vec<_> = first.iter().chain(&rest).map(|(who, _)| index_of(who)).collect();
		all.sort();
		assert_eq!(all, [0, 1, 2, 3, 4]);
		let view = Verification::verifier(key(0)).unwrap();
		assert_eq!((view.weight, view.capacity, view.used), (STAKE.into(), ROOM, Usage::default()));
		assert_eq!(Verification::verifier(key(9)), None);
	});
}

#[test]
fn the_chain_shows_the_bytes_to_sign() {
	run_drawn(1, || {
		let genesis = System::block_hash(0);
		let bytes = message::answer(genesis.as_fixed_bytes(), TASK, &CLAIM, 1, &[5; 32]);
		assert_eq!(Verification::answer_message(TASK, [5; 32]), Some(bytes));
		assert_eq!(Verification::answer_message(TaskId::Audit(7), [5; 32]), None);
	});
}
