//! Members who show different outputs.

use super::*;

fn with(index: usize, wrong: &[u32]) -> Member {
	Member::with(index, TASK, Verdict::Valid, outputs(wrong))
}

/// All records, so that each is wanted or none is wrong.
fn all() -> Vec<u32> {
	(0..RECORDS).collect()
}

/// Three members are right, the fourth is not; the disputed record.
fn run_disputed(test: impl FnOnce(u32)) {
	run_drawn(4, || {
		answer(&[with(0, &[]), with(1, &[]), with(2, &[]), with(3, &all())]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!("{:?}", status()) };
		assert!(events().contains(&Event::TaskDisputed { task: TASK, record, until: Time::get() + 7 }));
		test(record);
	});
}

#[test]
fn different_outputs_hold_the_task_until_the_court_has_run_the_record() {
	run_disputed(|record| {
		assert_eq!(record, task(TASK).wanted[0]);
		ticks(6);
		assert_eq!(status(), Some(TaskStatus::Disputed(record)));
		let before = issuance();
		assert_ok!(resolve(record, [record as u8; 32]));
		assert_eq!(status(), Some(TaskStatus::Passed(Time::get())));
		// The wrong side pays at once, and all of it is burned.
		assert_eq!((slashes(), issuance()), (vec![(3, Fault::FalseOutput, 401)], before - 401));
		let resolved = Event::DisputeResolved { task: TASK, record, output: [record as u8; 32] };
		assert!(events().contains(&resolved));
		assert_eq!((open_tasks(3), Bonds::get(key(3)).unwrap().reserved), (0, 0));
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(stakes(4), [STAKE, STAKE, STAKE, STAKE - 401]);
		assert_eq!(Seats::<Test>::iter().count(), 0);
	});
}

/// Correctness is never voted.
#[test]
fn the_court_may_find_most_members_wrong() {
	run_disputed(|record| {
		assert_ok!(resolve(record, [0xee; 32]));
		assert_eq!(stakes(4), [STAKE - 401, STAKE - 401, STAKE - 401, STAKE]);
		// One answer that counts is no quorum of four: others are drawn.
		assert!(task(TASK).redrawn);
		assert_eq!(members(TASK), [3]);
	});
}

#[test]
fn the_court_may_find_all_wrong() {
	run_disputed(|record| {
		assert_ok!(resolve(record, [0xdd; 32]));
		assert_eq!(stakes(4), [STAKE - 401; 4]);
		assert!(task(TASK).redrawn && members(TASK).is_empty());
	});
}

#[test]
fn another_disputed_record_follows_the_first() {
	run_drawn(4, || {
		let five = [0, 1, 2, 3].map(|index| with(index, &[]));
		five.iter().take(2).for_each(Member::commit);
		// The last two commit to trees that differ from the right one, and from each other, in every record.
		let liars = [
			Member::with(2, TASK, Verdict::Valid, vec![[0xaa; 32]; RECORDS as usize]),
			Member::with(3, TASK, Verdict::Valid, {
				let mut outputs = outputs(&[]);
				outputs.iter_mut().skip(1).for_each(|output| *output = [0xbb; 32]);
				outputs[0] = [0; 32];
				outputs
			}),
		];
		commit_all(&liars);
		five.iter().take(2).for_each(Member::open);
		liars.iter().for_each(Member::open);
		tick();
		let wanted = task(TASK).wanted.to_vec();
		assert_eq!(status(), Some(TaskStatus::Disputed(wanted[0])));
		assert_ok!(resolve(wanted[0], [wanted[0] as u8; 32]));
		let resolved = slashes().len();
		if wanted[0] == 0 {
			// The last one was right about this record, and is not about the next.
			assert_eq!((resolved, status()), (1, Some(TaskStatus::Disputed(wanted[1]))));
			assert_ok!(resolve(wanted[1], [wanted[1] as u8; 32]));
		}
		assert_eq!(slashes().len(), 2);
		assert_eq!(stakes(4), [STAKE, STAKE, STAKE - 401, STAKE - 401]);
	});
}

#[test]
fn resolve_fails_for_what_is_not_disputed() {
	run_disputed(|record| {
		let other = (record + 1) % RECORDS;
		assert_noop!(resolve(other, [0; 32]), Error::<Test>::NotDisputed);
		assert_ok!(resolve(record, [record as u8; 32]));
		assert_noop!(resolve(record, [record as u8; 32]), Error::<Test>::NotDisputed);
		close(Ending::Void);
		assert_noop!(resolve(record, [record as u8; 32]), Error::<Test>::UnknownTask);
	});
}

#[test]
fn who_says_wrong_and_shows_a_false_output_is_found_out_too() {
	run_drawn(4, || {
		let liar = Member::with(3, TASK, Verdict::Wrong(1), outputs(&all()));
		answer(&[with(0, &[]), with(1, &[]), with(2, &[]), liar]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!() };
		assert_ok!(resolve(record, [record as u8; 32]));
		assert_eq!(slashes(), [(3, Fault::FalseOutput, 401)]);
		// It has paid, once.
		close(Ending::Accepted);
		assert_eq!(stakes(4), [STAKE, STAKE, STAKE, STAKE - 401]);
	});
}

#[test]
fn unresolved_in_time_the_task_lapses_and_all_who_showed_outputs_count_as_absent() {
	run_disputed(|_| {
		ticks(7);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_noop!(resolve(task(TASK).wanted[0], [0; 32]), Error::<Test>::NotDisputed);
		assert!(close(Ending::Lapsed).is_empty());
		assert_eq!(stakes(4), [STAKE - 50; 4]);
	});
}

#[test]
fn a_dispute_can_be_closed_by_a_challenge_of_the_claim() {
	run_disputed(|_| {
		assert!(close(overturned()).is_empty());
		assert_eq!(stakes(4), [STAKE - 401; 4]);
	});
}
