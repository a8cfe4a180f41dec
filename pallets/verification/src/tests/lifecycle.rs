//! A task from its opening to its end.

use super::*;

#[test]
fn an_honest_committee_passes_an_honest_claim() {
	run(4, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		let load = Load { time: 90, bytes: 50 };
		assert_eq!(events().last(), Some(&Event::TaskOpened { task: TASK, ready: 3, load }));
		assert_eq!(status(), Some(TaskStatus::Open));
		next_epoch();
		assert!(matches!(task(TASK).phase, Phase::Drawing { ready: 3, .. }));
		next_epoch();
		assert_eq!(members(TASK), [0, 1, 2, 3]);
		let until = Time::get() + WINDOW;
		assert!(events().contains(&Event::CommitteeDrawn {
			task: TASK,
			members: 4,
			votes: 4,
			quorum: 3,
			until
		}));
		assert_eq!(task(TASK).phase, Phase::Committing { until });
		let all = [0, 1, 2, 3].map(|index| Member::new(index, Verdict::Valid));
		all.iter().for_each(Member::commit);
		// They are all there: nobody waits for the end of the window.
		assert_eq!(task(TASK).phase, Phase::Sealed { until: Time::get() + SEALED_TICKS });
		ticks(SEALED_TICKS);
		let wanted = task(TASK).wanted.to_vec();
		assert_eq!(wanted.len(), 3);
		let until = Time::get() + 6;
		assert_eq!(events().last(), Some(&Event::RecordsDrawn { task: TASK, records: wanted, until }));
		all.iter().for_each(Member::open);
		assert_eq!(status(), Some(TaskStatus::Open));
		tick();
		let passed = Time::get();
		assert_eq!(status(), Some(TaskStatus::Passed(passed)));
		assert_eq!(events().last(), Some(&Event::TaskPassed { task: TASK }));
		ticks(50);
		assert_eq!(status(), Some(TaskStatus::Passed(passed)));
		let before = issuance();
		assert_eq!(close(Ending::Accepted), [0, 1, 2, 3]);
		assert_eq!((stakes(4), issuance()), (vec![STAKE; 4], before));
		assert_eq!(status(), None);
		assert_eq!((0..4).map(open_tasks).sum::<u32>(), 0);
	});
}

#[test]
fn the_task_passes_when_more_than_two_thirds_say_valid() {
	for (valid, passes) in [(2, false), (3, true), (4, true)] {
		run_drawn(4, || {
			let verdict = |index| if index < valid { Verdict::Valid } else { Verdict::Unavailable };
			answer(&[0, 1, 2, 3].map(|index| Member::new(index, verdict(index))));
			assert_eq!(matches!(status(), Some(TaskStatus::Passed(_))), passes);
		});
	}
}

#[test]
fn the_quorum_is_of_the_members_drawn_and_not_of_those_who_answer() {
	run_drawn(4, || {
		answer(&[0, 1].map(|index| Member::new(index, Verdict::Valid)));
		assert!(!matches!(status(), Some(TaskStatus::Passed(_))));
	});
}

#[test]
fn a_window_that_nobody_used_ends_without_an_opening() {
	run_drawn(4, || {
		ticks(WINDOW);
		assert!(task(TASK).redrawn);
	});
}

#[test]
fn open_fails_when_there_are_too_few_verifiers() {
	run(2, || {
		MinCommittee::set(3);
		assert!(!<Verification as Committees<AccountId32>>::able());
		assert_noop!(open_task(TASK), Error::<Test>::NoVerifiers);
	});
	run(0, || {
		assert_noop!(open_task(TASK), Error::<Test>::NoVerifiers);
	});
}

#[test]
fn open_fails_when_the_task_is_open_or_there_is_no_window_or_no_record() {
	run(2, || {
		assert_ok!(open_task(TASK));
		assert_noop!(open_task(TASK), Error::<Test>::TaskExists);
		let empty = Work { records: 0, ..work() };
		let refused = <Verification as Committees<AccountId32>>::open(OTHER, CLAIM, &work(), 0);
		assert_noop!(refused, Error::<Test>::EmptyWindow);
		let refused = <Verification as Committees<AccountId32>>::open(OTHER, CLAIM, &empty, WINDOW);
		assert_noop!(refused, Error::<Test>::NoRecords);
	});
}

#[test]
fn as_many_different_records_are_drawn_as_wanted_or_as_there_are() {
	run(1, || {
		for records in 1..40u32 {
			for wanted in 1..=4u32 {
				let seed = [records as u8; 32];
				let chosen = Verification::choose_records(&seed, wanted, records);
				assert_eq!(chosen.len() as u32, wanted.min(records));
				assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|record| *record < records));
			}
		}
		// Every record can be drawn, the first and the last too.
		let all: std::collections::BTreeSet<_> =
			(0..200u8).flat_map(|seed| Verification::choose_records(&[seed; 32], 2, 9)).collect();
		assert_eq!(all.len(), 9);
	});
}

#[test]
fn every_error_keeps_its_index() {
	use codec::Encode;
	let errors: [Error<Test>; 29] = [
		Error::NoVerifiers,
		Error::TaskExists,
		Error::EmptyWindow,
		Error::UnknownTask,
		Error::NotMember,
		Error::WindowOver,
		Error::AlreadyCommitted,
		Error::NotVerifier,
		Error::HasOpenTasks,
		Error::TooManyVerifiers,
		Error::NoRecords,
		Error::AlreadyVerifier,
		Error::StakeTooLow,
		Error::CapacityTooSmall,
		Error::AlreadyResting,
		Error::NotResting,
		Error::StillInDraw,
		Error::NotCommitting,
		Error::NotOpening,
		Error::NotCommitted,
		Error::AlreadyOpened,
		Error::OtherCommitment,
		Error::NoSuchRecord,
		Error::OutputCount,
		Error::ProofSiblings,
		Error::OtherOutput,
		Error::NotDisputed,
		Error::NotAway,
		Error::NotAwayForLong,
	];
	for (index, error) in errors.iter().enumerate() {
		assert_eq!(error.encode(), [index as u8]);
	}
}
