//! What could not be had is shown, and all are asked again.

use super::*;

fn says(index: usize, verdict: Verdict) -> Member {
	Member::new(index, verdict)
}

fn unavailable(index: usize) -> Member {
	says(index, Verdict::Unavailable)
}

#[test]
fn more_than_half_without_the_weights_make_the_task_unavailable() {
	for (count, expected) in [(2, false), (3, true)] {
		run_drawn(4, || {
			let verdict = |i| if i < count { Verdict::Unavailable } else { Verdict::Valid };
			answer(&[0, 1, 2, 3].map(|index| says(index, verdict(index))));
			assert_eq!(status() == Some(TaskStatus::Unavailable), expected);
			assert_eq!(events().contains(&Event::TaskUnavailable { task: TASK }), expected);
		});
	}
}

#[test]
fn reopening_forgets_all_answers_and_asks_everybody_again() {
	run_drawn(4, || {
		answer(&[says(0, Verdict::Valid), unavailable(1), unavailable(2), unavailable(3)]);
		let wanted = task(TASK).wanted;
		ticks(30);
		let until = Time::get() + WINDOW;
		assert_eq!(reopen(), Some(until));
		assert_eq!(events().last(), Some(&Event::TaskReopened { task: TASK, until }));
		assert_eq!(status(), Some(TaskStatus::Open));
		let reopened = task(TASK);
		assert_eq!((reopened.asked, reopened.committed, reopened.opened), (2, 0, 0));
		assert!(reopened.wanted.is_empty());
		answer(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		assert_ne!(task(TASK).wanted, wanted);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		assert_eq!(reopen(), None);
		assert_eq!(close(Ending::Accepted), [0, 1, 2, 3]);
	});
}

#[test]
fn what_was_shown_while_members_commit_or_open_lets_all_commit_again() {
	run_drawn(4, || {
		unavailable(0).commit();
		ticks(3);
		let until = Time::get() + WINDOW;
		assert_eq!(reopen(), Some(until));
		commit_all(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		says(0, Verdict::Valid).open();
		assert_eq!(reopen(), Some(Time::get() + WINDOW));
		assert_eq!(task(TASK).asked, 3);
		answer(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}

#[test]
fn the_window_is_never_shortened() {
	run_drawn(4, || {
		let Phase::Committing { until } = task(TASK).phase else { panic!() };
		assert_eq!(<Verification as Committees<AccountId32>>::reopen(TASK, 2), Some(until));
	});
}

#[test]
fn there_is_nothing_to_reopen_before_the_draw_or_in_a_dispute_or_where_nobody_missed_anything() {
	run(4, || {
		assert_eq!(reopen(), None);
		next_epoch();
		assert_ok!(open_task(TASK));
		assert_eq!(reopen(), None);
		next_epoch();
		next_epoch();
		let guess = Member::with(1, TASK, Verdict::Valid, outputs(&(0..RECORDS).collect::<Vec<_>>()));
		answer(&[says(0, Verdict::Valid), guess]);
		assert!(matches!(status(), Some(TaskStatus::Disputed(_))));
		assert_eq!(reopen(), None);
		ticks(7);
		assert_eq!((status(), reopen()), (Some(TaskStatus::Lapsed), None));
	});
}

#[test]
fn a_lapsed_task_that_some_could_not_verify_can_be_reopened() {
	run_drawn(4, || {
		Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = true);
		answer(&[says(0, Verdict::Valid), says(1, Verdict::Valid), unavailable(2)]);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert!(reopen().is_some());
		answer(&[0, 1, 2].map(|index| says(index, Verdict::Valid)));
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}

/// Whoever shows the weights before the committee is drawn leaves it no excuse: nobody can demand them another time.
#[test]
fn what_was_shown_before_the_draw_is_no_excuse_for_who_is_drawn() {
	run(4, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		assert_eq!(reopen(), None);
		assert_eq!(task(TASK).asked, 1);
		next_epoch();
		next_epoch();
		answer(&[says(0, Verdict::Valid), unavailable(1), unavailable(2), unavailable(3)]);
		assert_ne!(status(), Some(TaskStatus::Unavailable));
		// The second committee has nobody else to be drawn.
		ticks(Patience::get());
		close(Ending::Lapsed);
		let mut paid = slashes();
		paid.sort_by_key(|(index, ..)| *index);
		assert_eq!(paid, [1, 2, 3].map(|index| (index, Fault::Abstention, 50)));
	});
}

/// Nothing is asked again in a dispute; but who is asked after it can have what was shown meanwhile.
#[test]
fn what_was_shown_during_a_dispute_is_no_excuse_for_who_is_asked_after_it() {
	run(5, || {
		Committee::set(5);
		draw(TASK);
		let guess = Member::with(1, TASK, Verdict::Valid, outputs(&(0..RECORDS).collect::<Vec<_>>()));
		answer(&[says(0, Verdict::Valid), guess, unavailable(2), unavailable(3), unavailable(4)]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!("{:?}", status()) };
		assert_eq!(reopen(), None);
		assert_eq!(status(), Some(TaskStatus::Disputed(record)));
		assert_ok!(resolve(record, [record as u8; 32]));
		// Nobody demands any more what has been shown: others are asked. Who said it before it was shown is not to blame.
		assert!(task(TASK).redrawn);
		assert_eq!(slashes(), [(1, Fault::FalseOutput, 401)]);
		next_epoch();
		next_epoch();
		let asked: Vec<_> = members(TASK).into_iter().filter(|index| *index != 0).collect();
		assert!(asked.len() > 2);
		answer(&asked.iter().map(|index| unavailable(*index)).collect::<Vec<_>>());
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		close(Ending::Lapsed);
		let mut blamed: Vec<_> = slashes()[1..].iter().map(|(index, fault, _)| (*index, *fault)).collect();
		blamed.sort_by_key(|(index, _)| *index);
		assert_eq!(blamed, asked.iter().map(|index| (*index, Fault::Abstention)).collect::<Vec<_>>());
	});
}

/// Whoever demanded the weights and showed them wiped out what its friends had not done in their time.
#[test]
fn a_demand_should_not_forgive_what_was_not_done_in_its_time() {
	let valid = |index| says(index, Verdict::Valid);
	// Three have committed, and nobody can any more.
	run_drawn(4, || {
		[0, 1, 2].map(valid).iter().for_each(Member::commit);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Committing { .. }));
		assert!(reopen().is_some());
		assert_eq!(slashes(), [(3, Fault::Absence, 50)]);
		answer(&[0, 1, 2, 3].map(valid));
		assert_eq!(close(Ending::Accepted), [0, 1, 2, 3]);
		assert_eq!(slashes().len(), 1);
	});
	// They are opening: that can be done still.
	run_drawn(4, || {
		commit_all(&[0, 1, 2].map(valid));
		valid(0).open();
		assert!(reopen().is_some());
		assert_eq!(slashes(), [(3, Fault::Absence, 50)]);
	});
	// It cannot any more.
	run_drawn(4, || {
		commit_all(&[unavailable(0), unavailable(1), unavailable(2), valid(3)]);
		[0, 1, 2].map(unavailable).iter().for_each(Member::open);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		assert_eq!(status(), Some(TaskStatus::Unavailable));
		assert!(reopen().is_some());
		assert_eq!(slashes(), [(3, Fault::Unopened, 60)]);
	});
	// There is time for everything.
	run_drawn(4, || {
		valid(0).commit();
		assert!(reopen().is_some());
		assert_eq!(slashes(), []);
	});
}

/// What it committed to was a guess, and it has seen which records it had to show. It cannot know those of the next round, and
/// answers for what it commits to then.
#[test]
fn who_committed_before_a_demand_may_commit_to_something_else_and_other_records_are_wanted() {
	run_drawn(4, || {
		let lazy = Member::with(2, TASK, Verdict::Valid, outputs(&[3, 4, 5, 6, 7, 8]));
		commit_all(&[says(0, Verdict::Valid), says(1, Verdict::Valid), lazy, says(3, Verdict::Valid)]);
		let wanted = task(TASK).wanted;
		assert!(reopen().is_some());
		answer(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		assert_ne!(task(TASK).wanted, wanted);
		assert_eq!(close(Ending::Accepted), [0, 1, 2, 3]);
	});
}
