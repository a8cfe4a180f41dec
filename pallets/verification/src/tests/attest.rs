//! Attesting.

use super::*;

/// What the pool says when it refuses for this error.
fn refused(error: Error<Test>) -> TransactionValidityError {
	use codec::Encode;
	InvalidTransaction::Custom(INVALID_ATTESTATION + error.encode()[0]).into()
}

/// An attestation of the account of this number that says `Valid`.
fn try_valid(index: usize) -> Result<ValidTransaction, TransactionValidityError> {
	authorize(key(index), TASK, Verdict::Valid, sign(index, TASK, Verdict::Valid))
}

#[test]
fn attest_records_the_answer() {
	run_open(3, || {
		attest(1, Verdict::Wrong(5));
		assert_eq!(task().answers.to_vec(), [(key(1), Verdict::Wrong(5))]);
		assert_eq!(task().answer_of(&key(0)), None);
		assert_eq!(status(), Some(TaskStatus::Open));
		let attested = Event::Attested { task: TASK, verifier: key(1), verdict: Verdict::Wrong(5) };
		assert_eq!(events().last(), Some(&attested));
	});
}

#[test]
fn the_task_passes_when_more_than_two_thirds_say_valid() {
	run_open(4, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Unavailable);
		attest(2, Verdict::Valid);
		assert_eq!(status(), Some(TaskStatus::Open));
		Time::set(105);
		attest(3, Verdict::Valid);
		assert_eq!(status(), Some(TaskStatus::Passed(105)));
		assert_eq!(events().last(), Some(&Event::TaskPassed { task: TASK }));
	});
}

#[test]
fn an_answer_after_the_quorum_does_not_move_the_time_of_passing() {
	run_open(4, || {
		(0..3).for_each(|index| attest(index, Verdict::Valid));
		Time::set(105);
		attest(3, Verdict::Valid);
		assert_eq!(task().passed_at, Some(100));
		let passed = events().iter().filter(|e| matches!(e, Event::TaskPassed { .. })).count();
		assert_eq!(passed, 1);
		Time::set(200);
		assert_eq!(status(), Some(TaskStatus::Passed(100)));
	});
}

#[test]
fn a_valid_attestation_is_propagated_once_until_the_window_ends() {
	run_open(3, || {
		Time::set(104);
		let valid = try_valid(0).unwrap();
		assert_eq!((valid.priority, valid.longevity, valid.propagate), (9, 6, true));
		assert!(valid.requires.is_empty());
		let wrong = Verdict::Wrong(1);
		let other = authorize(key(0), TASK, wrong, sign(0, TASK, wrong)).unwrap();
		assert_eq!(other.provides, valid.provides);
		assert_ne!(try_valid(1).unwrap().provides, valid.provides);
	});
}

#[test]
fn a_verifier_below_the_least_bond_answers_the_tasks_that_it_is_a_member_of() {
	run_open(2, || {
		let other = TaskId::Submission(8);
		assert_ok!(<Verification as Committees<_>>::open(other, CLAIM, WINDOW));
		let (signature, origin) = (sign(0, other, Verdict::Valid), RawOrigin::Authorized.into());
		assert_ok!(Verification::attest(origin, other, Verdict::Valid, key(0), signature));
		<Verification as Committees<_>>::close(other, Ending::Overturned { challenger: key(5) });
		assert!(bond(0) < 700);
		attest(0, Verdict::Valid);
	});
}

#[test]
fn attest_fails_when_the_task_is_unknown() {
	run(1, || {
		assert_eq!(try_valid(0), Err(refused(Error::UnknownTask)));
		let signature = sign(0, TASK, Verdict::Valid);
		assert_noop!(dispatch(0, Verdict::Valid, signature), Error::<Test>::UnknownTask);
	});
}

#[test]
fn attest_fails_when_the_account_is_no_member() {
	run_open(2, || {
		assert_eq!(try_valid(2), Err(refused(Error::NotMember)));
		let signature = sign(2, TASK, Verdict::Valid);
		assert_noop!(dispatch(2, Verdict::Valid, signature), Error::<Test>::NotMember);
	});
}

#[test]
fn attest_fails_when_the_window_is_over() {
	run_open(2, || {
		Time::set(110);
		assert_eq!(try_valid(0), Err(refused(Error::WindowOver)));
		let signature = sign(0, TASK, Verdict::Valid);
		assert_noop!(dispatch(0, Verdict::Valid, signature), Error::<Test>::WindowOver);
	});
}

#[test]
fn attest_fails_when_the_verifier_has_answered() {
	run_open(2, || {
		attest(0, Verdict::Unavailable);
		assert_eq!(try_valid(0), Err(refused(Error::AlreadyAnswered)));
		let signature = sign(0, TASK, Verdict::Valid);
		assert_noop!(dispatch(0, Verdict::Valid, signature), Error::<Test>::AlreadyAnswered);
	});
}

#[test]
fn attest_fails_when_somebody_else_signed() {
	run_open(2, || {
		let signature = sign(1, TASK, Verdict::Valid);
		let result = authorize(key(0), TASK, Verdict::Valid, signature);
		assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
	});
}

#[test]
fn attest_fails_when_another_verdict_or_task_or_chain_was_signed() {
	run_open(2, || {
		let other_chain =
			KEYS[0].sign(&message::attestation(&[9; 32], TASK, &CLAIM, 1, Verdict::Valid)).into();
		for signature in
			[sign(0, TASK, Verdict::Wrong(0)), sign(0, TaskId::Submission(8), Verdict::Valid), other_chain]
		{
			let result = authorize(key(0), TASK, Verdict::Valid, signature);
			assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
		}
	});
}

#[test]
fn attest_fails_when_dispatched_by_an_account_or_nobody() {
	run_open(1, || {
		let signature = sign(0, TASK, Verdict::Valid);
		for origin in [RuntimeOrigin::signed(key(0)), RuntimeOrigin::none(), RuntimeOrigin::root()] {
			let call = Verification::attest(origin, TASK, Verdict::Valid, key(0), signature.clone());
			assert_noop!(call, DispatchError::BadOrigin);
		}
	});
}

#[test]
fn every_error_keeps_its_index() {
	use codec::Encode;
	let errors: [Error<Test>; 10] = [
		Error::NoVerifiers,
		Error::TaskExists,
		Error::EmptyWindow,
		Error::UnknownTask,
		Error::NotMember,
		Error::WindowOver,
		Error::AlreadyAnswered,
		Error::NotVerifier,
		Error::HasOpenTasks,
		Error::TooManyVerifiers,
	];
	for (index, error) in errors.iter().enumerate() {
		assert_eq!(error.encode(), [index as u8]);
	}
}
