//! Opening a task.

use super::*;

#[test]
fn open_freezes_all_active_verifiers_and_the_quorum() {
	run_open(4, || {
		let mut members: Vec<_> = (0..4).map(key).collect();
		members.sort();
		let task = task();
		assert_eq!(task.members.to_vec(), members);
		assert_eq!((task.quorum, task.opened_at, task.until, task.passed_at), (3, 100, 110, None));
		assert!(task.answers.is_empty());
		assert_eq!((open_tasks(0), open_tasks(3)), (1, 1));
		assert_eq!(events(), [Event::TaskOpened { task: TASK, members: 4, quorum: 3, until: 110 }]);
	});
}

#[test]
fn open_fails_when_there_are_no_verifiers() {
	run(0, || {
		assert_noop!(open(), Error::<Test>::NoVerifiers);
	});
}

#[test]
fn open_leaves_out_verifiers_whose_bond_is_too_small() {
	run_open(2, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Valid);
		close(Ending::Overturned { challenger: key(5) });
		assert!(bond(0) < 700);
		assert_noop!(open(), Error::<Test>::NoVerifiers);
	});
}

#[test]
fn open_fails_when_the_task_is_open() {
	run_open(1, || {
		assert_noop!(open(), Error::<Test>::TaskExists);
	});
}

#[test]
fn open_fails_without_a_window() {
	run(1, || {
		assert_noop!(
			<Verification as Committees<AccountId32>>::open(TASK, CLAIM, 0),
			Error::<Test>::EmptyWindow
		);
	});
}

#[test]
fn open_counts_every_task_of_a_verifier() {
	run_open(2, || {
		assert_ok!(<Verification as Committees<AccountId32>>::open(TaskId::Submission(8), CLAIM, 5));
		assert_eq!(open_tasks(0), 2);
		close(Ending::Void);
		assert_eq!(open_tasks(0), 1);
		assert_eq!(<Verification as Committees<AccountId32>>::max_members(), 8);
	});
}

#[test]
fn a_task_is_open_then_lapsed_and_none_without_a_task() {
	run_open(3, || {
		assert_eq!(<Verification as Committees<AccountId32>>::status(TaskId::Submission(8)), None);
		assert_eq!(status(), Some(TaskStatus::Open));
		Time::set(109);
		assert_eq!(status(), Some(TaskStatus::Open));
		Time::set(110);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		close(Ending::Lapsed);
		assert_eq!(status(), None);
	});
}
