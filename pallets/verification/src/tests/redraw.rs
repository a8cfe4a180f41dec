//! Too few answers: a second, larger committee.

use super::*;

fn says(index: usize, verdict: Verdict) -> Member {
	Member::new(index, verdict)
}

/// Twelve verifiers, of whom four were drawn; those four.
fn run_twelve(test: impl FnOnce(Vec<usize>)) {
	run(12, || {
		draw(TASK);
		let members = members(TASK);
		assert_eq!(members.len(), 4);
		test(members);
	});
}

#[test]
fn too_few_answers_settle_the_first_committee_and_let_a_larger_one_be_drawn() {
	run_twelve(|first| {
		let [valid, accuser, silent, absent] = first[..] else { panic!() };
		let answers = [says(valid, Verdict::Valid), says(accuser, Verdict::Wrong(2))];
		commit_all(&[&answers[..], &[says(silent, Verdict::Valid)]].concat());
		answers.iter().for_each(Member::open);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		assert_eq!(status(), Some(TaskStatus::Open));
		assert_eq!(events().last(), Some(&Event::DrawnAgain { task: TASK, seats: 8 }));
		// The faults of the first are settled, and their seats free.
		let mut settled = slashes();
		settled.sort_by_key(|(index, ..)| *index);
		assert_eq!(settled, [(silent, Fault::Unopened, 60), (absent, Fault::Absence, 50)]);
		assert_eq!([silent, absent].map(open_tasks), [0, 0]);
		// Who answered keeps its seat, and with it what answers for it.
		assert_eq!([valid, accuser].map(open_tasks), [1, 1]);
		assert_eq!(task(TASK).asked, 2);
		next_epoch();
		assert!(matches!(task(TASK).phase, Phase::Drawing { .. }));
		next_epoch();
		let task = task(TASK);
		assert_eq!((task.members.len(), task.size, task.quorum), (10, 8, 6));
		let second: Vec<_> = members(TASK).into_iter().filter(|i| *i != valid && *i != accuser).collect();
		// Those of the first are not asked again.
		for index in [valid, accuser] {
			let again = authorize_commit(index, TASK, [0; 32], sign(index, TASK, &[0; 32]));
			assert_eq!(again, refused(Error::AlreadyCommitted));
		}
		answer(&second.iter().map(|index| says(*index, Verdict::Valid)).collect::<Vec<_>>());
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		// The first one's answer is right as well; and the accuser's wrong.
		let mut right = second.clone();
		right.push(valid);
		right.sort();
		assert_eq!(close(Ending::Accepted), right);
		assert_eq!(stake(accuser), STAKE - 300);
		assert_eq!(stake(valid), STAKE);
	});
}

#[test]
fn who_accused_in_the_first_committee_is_right_if_the_claim_falls_in_the_second() {
	run_twelve(|first| {
		answer(&[says(first[0], Verdict::Valid), says(first[1], Verdict::Wrong(2))]);
		next_epoch();
		next_epoch();
		// The challenge took its time.
		assert_eq!(close(overturned()), [first[1]]);
		assert_eq!((stake(first[0]), stake(first[1])), (STAKE - 401, STAKE));
	});
}

#[test]
fn a_second_committee_without_a_quorum_lets_the_task_lapse() {
	run_twelve(|_| {
		ticks(WINDOW);
		assert!(task(TASK).redrawn);
		next_epoch();
		next_epoch();
		assert_eq!(task(TASK).size, 8);
		ticks(WINDOW);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert!(close(Ending::Lapsed).is_empty());
	});
}

#[test]
fn a_second_committee_is_no_larger_than_the_terms_say_or_there_is_room_for() {
	run(12, || {
		Committee::set(10);
		MaxCommittee::set(12);
		draw(TASK);
		let first = members(TASK);
		answer(&first.iter().take(5).map(|index| says(*index, Verdict::Valid)).collect::<Vec<_>>());
		// Five of twelve places are kept.
		assert_eq!((task(TASK).seats, task(TASK).members.len()), (7, 5));
	});
}

#[test]
fn a_second_committee_that_cannot_be_drawn_in_time_lets_the_task_lapse() {
	run_twelve(|first| {
		// A task keeps the patience it was opened with.
		Patience::set(5);
		answer(&[says(first[0], Verdict::Valid)]);
		AbleShare::set(Perbill::one());
		ticks(1_000);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_eq!(close(Ending::Lapsed), [first[0]]);
	});
}

#[test]
fn who_was_absent_may_be_drawn_again() {
	run(4, || {
		draw(TASK);
		ticks(WINDOW);
		next_epoch();
		next_epoch();
		assert_eq!(members(TASK), [0, 1, 2, 3]);
		answer(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}
