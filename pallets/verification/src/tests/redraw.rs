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
		assert_eq!(events().last(), Some(&Event::DrawnAgain { task: TASK, votes: 8 }));
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
		let redrawn = task(TASK);
		assert_eq!((redrawn.size, redrawn.quorum), (8, 6));
		let second: Vec<_> = members(TASK).into_iter().filter(|i| *i != valid && *i != accuser).collect();
		// What the first said has the votes of those who said it.
		let stands = seat(TASK, valid).votes + seat(TASK, accuser).votes;
		assert_eq!(redrawn.answering, 8 - stands);
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
		let lies = u64::from(seat(TASK, accuser).reserved);
		assert_eq!(close(Ending::Accepted), right);
		assert_eq!(stake(accuser), STAKE - 300 * lies);
		assert_eq!(stake(valid), STAKE);
	});
}

#[test]
fn who_accused_in_the_first_committee_is_right_if_the_claim_falls_in_the_second() {
	run_twelve(|first| {
		answer(&[says(first[0], Verdict::Valid), says(first[1], Verdict::Wrong(2))]);
		next_epoch();
		next_epoch();
		let lies = u64::from(seat(TASK, first[0]).reserved);
		// The challenge took its time.
		assert_eq!(close(overturned()), [first[1]]);
		assert_eq!((stake(first[0]), stake(first[1])), (STAKE - 401 * lies, STAKE));
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
		assert_eq!((task(TASK).votes, task(TASK).members.len()), (7, 5));
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

/// Who had answered could not be drawn again, nor did its answer count: so who was absent in the first round was most of the
/// second, and four of ten could pass anything.
#[test]
fn who_was_absent_from_the_first_committee_should_not_be_the_whole_second_one() {
	let mut second = 0;
	for luck in 0..40 {
		run(10, || {
			Luck::set(luck);
			Committee::set(8);
			draw(TASK);
			// The first four are one person's, whose claim is false.
			let honest: Vec<_> = members(TASK).into_iter().filter(|index| *index >= 4).collect();
			answer(&honest.iter().map(|index| says(*index, Verdict::Wrong(2))).collect::<Vec<_>>());
			assert!(task(TASK).redrawn);
			next_epoch();
			next_epoch();
			if !matches!(task(TASK).phase, Phase::Committing { .. }) {
				return;
			}
			second += 1;
			let asked = members(TASK).into_iter().filter(|index| !seat(TASK, *index).earlier);
			let verdict = |index| if index < 4 { Verdict::Valid } else { Verdict::Wrong(2) };
			answer(&asked.map(|index| says(index, verdict(index))).collect::<Vec<_>>());
			assert_eq!(status(), Some(TaskStatus::Lapsed));
		});
	}
	assert!(second > 30, "{second}");
}

/// Nor is it enough to be drawn alone: what all others have said before stands.
#[test]
fn what_the_first_committee_said_has_the_votes_that_the_second_draw_gives_it() {
	run(4, || {
		draw(TASK);
		answer(&[says(0, Verdict::Valid), says(1, Verdict::Valid)]);
		next_epoch();
		next_epoch();
		assert_eq!(votes(TASK), [(0, 2), (1, 2), (2, 2), (3, 2)]);
		assert_eq!((task(TASK).size, task(TASK).quorum, task(TASK).answering), (8, 6, 4));
		// For the votes that the second draw has given them, more of their stakes is reserved.
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 2 * 401);
		answer(&[says(2, Verdict::Valid)]);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		assert_eq!(close_with_votes(TASK, Ending::Accepted), [(0, 2), (1, 2), (2, 2)]);
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 0);
	});
}

#[test]
fn a_second_committee_of_none_but_who_has_answered_is_counted_at_once() {
	run(2, || {
		Committee::set(2);
		MaxCommittee::set(2);
		draw(TASK);
		answer(&[says(0, Verdict::Valid), says(1, Verdict::Wrong(3))]);
		assert!(task(TASK).redrawn);
		next_epoch();
		next_epoch();
		assert_eq!((task(TASK).size, task(TASK).answering), (2, 0));
		tick();
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_eq!(close(Ending::Lapsed), [0]);
	});
}

/// The wanted records are others: what was shown before says nothing about them.
#[test]
fn who_has_answered_before_takes_no_side_in_a_dispute_of_the_second_committee() {
	run(4, || {
		draw(TASK);
		answer(&[says(0, Verdict::Valid), says(1, Verdict::Valid)]);
		next_epoch();
		next_epoch();
		let guess = Member::with(3, TASK, Verdict::Valid, outputs(&(0..RECORDS).collect::<Vec<_>>()));
		answer(&[says(2, Verdict::Valid), guess]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!("{:?}", status()) };
		let before = stakes(4);
		assert_ok!(resolve(record, [record as u8; 32]));
		assert_eq!(stakes(4), [before[0], before[1], before[2], before[3] - 2 * 401]);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
	});
}
