//! Closing a task.

use super::*;

fn says(index: usize, verdict: Verdict) -> Member {
	Member::new(index, verdict)
}

/// Six members: three say `Valid`, one `Wrong`, one commits and does not open, one stays away. No quorum, and no second
/// committee.
fn run_answered(test: impl FnOnce()) {
	run(6, || {
		Committee::set(6);
		MaxCommittee::set(6);
		draw(TASK);
		Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = true);
		let answers = [
			says(0, Verdict::Valid),
			says(1, Verdict::Valid),
			says(2, Verdict::Valid),
			says(3, Verdict::Wrong(3)),
		];
		commit_all(&[&answers[..], &[says(4, Verdict::Valid)]].concat());
		answers.iter().for_each(Member::open);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		test();
		assert!((0..6).all(|index| open_tasks(index) == 0));
		assert!((0..6).all(|index| Bonds::get(key(index)).unwrap().reserved == 0));
		assert!(!Tasks::<Test>::contains_key(TASK));
		assert_eq!(Seats::<Test>::iter().count(), 0);
	});
}

#[test]
fn lapsed_pays_who_said_valid_and_slashes_accusers_and_who_did_not_answer() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(Ending::Lapsed), [0, 1, 2]);
		assert_eq!(stakes(6), [STAKE, STAKE, STAKE, STAKE - 300, STAKE - 60, STAKE - 50]);
		assert_eq!(issuance(), before - 410);
		assert_eq!(events().last(), Some(&Event::TaskClosed { task: TASK, outcome: Outcome::Lapsed }));
	});
}

#[test]
fn accepted_pays_who_said_valid_and_slashes_accusers_and_who_did_not_answer() {
	run_answered(|| {
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(stakes(6), [STAKE, STAKE, STAKE, STAKE - 300, STAKE - 60, STAKE - 50]);
		assert_eq!(events().last(), Some(&Event::TaskClosed { task: TASK, outcome: Outcome::Accepted }));
	});
}

#[test]
fn overturned_pays_accusers_and_rewards_the_challenger_for_lies_only() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(overturned()), [3]);
		assert_eq!(stakes(6), [STAKE - 401, STAKE - 401, STAKE - 401, STAKE, STAKE - 60, STAKE - 50]);
		assert_eq!(Balances::free_balance(key(STRANGER)), ENDOWMENT + 600);
		assert_eq!(issuance(), before - 603 - 110);
		let paid = Event::ChallengerPaid { task: TASK, challenger: key(STRANGER), amount: 600 };
		let closed = Event::TaskClosed { task: TASK, outcome: Outcome::Overturned };
		assert!(events().ends_with(&[paid, closed]));
	});
}

/// Who was absent could not have what nobody showed.
#[test]
fn a_claim_that_fell_slashes_who_said_valid_and_nobody_earns() {
	run_answered(|| {
		let before = issuance();
		assert!(close(Ending::Fallen).is_empty());
		assert_eq!(stakes(6), [STAKE - 401, STAKE - 401, STAKE - 401, STAKE, STAKE, STAKE]);
		assert_eq!(issuance(), before - 3 * 401);
	});
}

#[test]
fn void_slashes_nobody_and_pays_all_who_opened() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(Ending::Void), [0, 1, 2, 3]);
		assert_eq!((stakes(6), issuance()), (vec![STAKE; 6], before));
	});
}

#[test]
fn a_challenger_who_cannot_hold_it_gets_nothing() {
	VerifierSlash::set(18);
	new_test_ext(1).execute_with(|| {
		VerifierSlash::set(18);
		draw(TASK);
		answer(&[says(0, Verdict::Valid)]);
		let before = issuance();
		let nobody = AccountId32::new([9; 32]);
		// 9 is below the existential deposit.
		assert!(close(Ending::Overturned { challenger: nobody.clone() }).is_empty());
		assert_eq!(Balances::free_balance(nobody), 0);
		assert_eq!(issuance(), before - 18);
		assert!(!events().iter().any(|event| matches!(event, Event::ChallengerPaid { .. })));
		check();
	});
}

#[test]
fn nobody_is_blamed_for_what_there_was_still_time_for() {
	// Before the draw, while they commit, when it is sealed, while they open.
	let ended = |until: &dyn Fn()| {
		run(4, || {
			next_epoch();
			assert_ok!(open_task(TASK));
			until();
			close(overturned());
			assert_eq!(stakes(4), [STAKE; 4]);
			assert_eq!(crate::Agenda::<Test>::iter().count(), 0);
		});
	};
	let drawn = || {
		next_epoch();
		next_epoch();
	};
	ended(&|| ());
	ended(&drawn);
	ended(&|| {
		drawn();
		says(0, Verdict::Valid).commit();
	});
	ended(&|| {
		drawn();
		[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)).iter().for_each(Member::commit);
	});
	ended(&|| {
		drawn();
		commit_all(&[0, 1, 2, 3].map(|index| says(index, Verdict::Valid)));
		says(0, Verdict::Wrong(1)).authorize_open().unwrap_err();
	});
}

/// Draws committees for these tasks, in which the only verifier is absent.
fn drawn_and_missed(tasks: &[TaskId]) {
	next_epoch();
	for id in tasks {
		assert_ok!(open_task(*id));
	}
	next_epoch();
	next_epoch();
	tasks.iter().for_each(|id| {
		Tasks::<Test>::mutate_extant(*id, |task| task.redrawn = true);
	});
	ticks(WINDOW + 1);
}

/// What absences have cost, one after the other.
fn costs() -> Vec<u64> {
	slashes().iter().map(|(.., amount)| *amount).collect()
}

#[test]
fn absences_cost_no_more_in_an_epoch_than_the_cap() {
	run(1, || {
		MaxAbsences::set(10);
		let tasks: Vec<_> = (10..14).map(TaskId::Submission).collect();
		drawn_and_missed(&tasks[..3]);
		tasks[..3].iter().for_each(|id| drop(close_task(*id, Ending::Lapsed)));
		// 50, 50, and what is left of 120.
		assert_eq!(costs(), [50, 50, 20]);
		drawn_and_missed(&tasks[3..]);
		close_task(tasks[3], Ending::Lapsed);
		assert_eq!(costs(), [50, 50, 20, 50]);
	});
}

#[test]
fn absences_cost_no_more_than_the_cap_however_late_the_tasks_end() {
	run(1, || {
		MaxAbsences::set(10);
		let tasks: Vec<_> = (10..14).map(TaskId::Submission).collect();
		drawn_and_missed(&tasks);
		for id in &tasks {
			close_task(*id, Ending::Lapsed);
			next_epoch();
		}
		assert_eq!(costs(), [50, 50, 20, 0]);
	});
}

#[test]
fn tasks_of_two_epochs_that_end_by_turns_cost_no_more_than_both_caps() {
	run(1, || {
		MaxAbsences::set(10);
		bond(&key(0), 2 * STAKE);
		let tasks: Vec<_> = (10..18).map(TaskId::Submission).collect();
		drawn_and_missed(&tasks[..4]);
		drawn_and_missed(&tasks[4..]);
		for (first, second) in tasks[..4].iter().zip(&tasks[4..]) {
			close_task(*first, Ending::Lapsed);
			close_task(*second, Ending::Lapsed);
		}
		// The second begins anew; what is left of the first counts with it.
		assert_eq!(costs(), [50, 50, 50, 20, 0, 0, 0, 0]);
	});
}

#[test]
fn who_is_absent_too_often_in_a_row_is_away_until_it_wakes() {
	run(1, || {
		AbsenceCap::set(1_000);
		for id in 10..13 {
			let id = TaskId::Submission(id);
			draw(id);
			Tasks::<Test>::mutate_extant(id, |task| task.redrawn = true);
			ticks(WINDOW + 1);
			assert_eq!(Verification::verifier(key(0)).unwrap().duty, Duty::Awake);
			close_task(id, Ending::Lapsed);
		}
		let view = Verification::verifier(key(0)).unwrap();
		let away = Duty::Away { since: Epoch::get() };
		assert_eq!((view.duty, view.weight, view.absences.in_a_row), (away, STAKE as u128 - 150, 3));
		assert!(events().contains(&Event::SentAway { verifier: key(0) }));
		assert_noop!(open_task(TASK), Error::<Test>::NoVerifiers);
		assert_ok!(Verification::wake(RuntimeOrigin::signed(key(0))));
		draw(TASK);
		assert_eq!(Verification::verifier(key(0)).unwrap().absences.in_a_row, 0);
	});
}

#[test]
fn who_is_away_weighs_what_it_has_and_can_rest_and_leave() {
	run(2, || {
		Verification::send_away(&key(0));
		bond(&key(0), 100);
		let signed = || RuntimeOrigin::signed(key(0));
		assert_eq!(Verification::verifier(key(0)).unwrap().weight, STAKE as u128 + 100);
		assert_ok!(Verification::set_capacity(signed(), Load { time: 10, bytes: 10 }));
		assert_noop!(Verification::leave(signed()), Error::<Test>::NotResting);
		assert_ok!(Verification::rest(signed()));
		assert_eq!(Verification::verifier(key(0)).unwrap().weight, 0);
		Epoch::set(4);
		assert_ok!(Verification::leave(signed()));
	});
}

#[test]
fn an_answer_that_is_right_begins_the_count_of_absences_anew() {
	run_drawn(4, || {
		Verifiers::<Test>::mutate_extant(key(0), |verifier| verifier.absences.in_a_row = 2);
		answer(&[0, 1, 2].map(|index| says(index, Verdict::Valid)));
		close(Ending::Accepted);
		let in_a_row = |index| Verification::verifier(key(index)).unwrap().absences.in_a_row;
		assert_eq!((in_a_row(0), in_a_row(3)), (0, 1));
	});
}

#[test]
fn nobody_loses_more_than_its_stake() {
	run_drawn(1, || {
		Bonds::mutate_extant(key(0), |bond| bond.active = 100);
		Verification::changed(Role::Verifier, &key(0), 100);
		answer(&[says(0, Verdict::Valid)]);
		close(overturned());
		assert_eq!(slashes(), [(0, Fault::FalseValid, 100)]);
		assert_eq!(Balances::free_balance(key(STRANGER)), ENDOWMENT + 50);
	});
}

#[test]
fn closing_what_is_not_open_does_nothing() {
	run(2, || {
		assert!(close(Ending::Accepted).is_empty());
		assert_eq!(events(), []);
	});
}
