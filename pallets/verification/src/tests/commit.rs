//! Committing to an answer.

use super::*;

fn valid(index: usize) -> Member {
	Member::new(index, Verdict::Valid)
}

/// What the pool says of the commitment of the account of this number.
fn try_commit(index: usize) -> Result<ValidTransaction, TransactionValidityError> {
	let commitment = [index as u8; 32];
	authorize_commit(index, TASK, commitment, sign(index, TASK, &commitment))
}

/// It is refused by the pool and by dispatch alike.
fn refuses(index: usize, error: fn() -> Error<Test>) {
	assert_eq!(try_commit(index), refused(error()));
	let commitment = [index as u8; 32];
	assert_noop!(commit(index, TASK, commitment, sign(index, TASK, &commitment)), error());
}

#[test]
fn commit_records_the_commitment() {
	run_drawn(4, || {
		valid(1).commit();
		let seat = Seats::<Test>::get(TASK, key(1)).unwrap();
		assert_eq!(seat.answer, Answer::Committed(valid(1).commitment()));
		assert_eq!(task(TASK).committed, 1);
		assert_eq!(events().last(), Some(&Event::Committed { task: TASK, verifier: key(1) }));
		assert_eq!(status(), Some(TaskStatus::Open));
	});
}

#[test]
fn a_commitment_is_propagated_once_until_the_window_ends() {
	run_drawn(4, || {
		ticks(4);
		let first = try_commit(0).unwrap();
		assert_eq!((first.priority, first.longevity, first.propagate), (9, 6, true));
		assert!(first.requires.is_empty());
		let other = authorize_commit(0, TASK, [7; 32], sign(0, TASK, &[7; 32])).unwrap();
		assert_eq!(other.provides, first.provides);
		assert_ne!(try_commit(1).unwrap().provides, first.provides);
	});
}

#[test]
fn commit_fails_when_the_task_is_unknown_or_not_drawn() {
	run(4, || {
		refuses(0, || Error::UnknownTask);
		assert_ok!(open_task(TASK));
		refuses(0, || Error::NotCommitting);
	});
}

#[test]
fn commit_fails_when_the_account_is_no_member_or_has_committed() {
	run_drawn(3, || {
		refuses(5, || Error::NotMember);
		valid(0).commit();
		refuses(0, || Error::AlreadyCommitted);
	});
}

#[test]
fn commit_fails_when_the_window_is_over() {
	run_drawn(3, || {
		valid(0).commit();
		// The hook had no weight for it.
		Time::set(Time::get() + WINDOW);
		refuses(1, || Error::WindowOver);
		tick();
		refuses(1, || Error::NotCommitting);
	});
}

#[test]
fn commit_fails_when_something_or_somebody_else_was_signed() {
	run_drawn(3, || {
		let genesis = *System::block_hash(0).as_fixed_bytes();
		let commitment = [5; 32];
		let by = |message: Vec<u8>| MultiSignature::from(pair(0).sign(&message));
		for signature in [
			sign(1, TASK, &commitment),
			by(message::answer(&[9; 32], TASK, &CLAIM, 1, &commitment)),
			by(message::answer(&genesis, OTHER, &CLAIM, 1, &commitment)),
			by(message::answer(&genesis, TASK, &[4; 32], 1, &commitment)),
			by(message::answer(&genesis, TASK, &CLAIM, 2, &commitment)),
			by(message::answer(&genesis, TASK, &CLAIM, 1, &[6; 32])),
			by(commitment.to_vec()),
		] {
			let result = authorize_commit(0, TASK, commitment, signature);
			assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
		}
		let signature = by(message::answer(&genesis, TASK, &CLAIM, 1, &commitment));
		assert_ok!(authorize_commit(0, TASK, commitment, signature));
	});
}

#[test]
fn commit_and_open_fail_when_dispatched_by_an_account_or_nobody() {
	run_drawn(1, || {
		for origin in [RuntimeOrigin::signed(key(0)), RuntimeOrigin::none(), RuntimeOrigin::root()] {
			let signature = sign(0, TASK, &[5; 32]);
			let call = Verification::commit(origin.clone(), TASK, [5; 32], key(0), signature);
			assert_noop!(call, DispatchError::BadOrigin);
			let call = Verification::open(origin, TASK, key(0), valid(0).finding, vec![]);
			assert_noop!(call, DispatchError::BadOrigin);
		}
	});
}

#[test]
fn a_verifier_below_the_least_stake_answers_what_it_is_a_member_of() {
	run_drawn(1, || {
		unbond(&key(0), STAKE - 500);
		answer(&[valid(0)]);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}
