//! Opening what was committed to.

use super::*;
use oda_primitives::OutputProof;

fn valid(index: usize) -> Member {
	Member::new(index, Verdict::Valid)
}

/// Runs a test with three members who have committed to what is right, and are to open.
fn run_opening(test: impl FnOnce([Member; 3])) {
	run_drawn(3, || {
		let all = [0, 1, 2].map(valid);
		commit_all(&all);
		test(all);
	});
}

#[test]
fn open_records_verdict_and_outputs() {
	run_opening(|[first, ..]| {
		first.open();
		let outputs: Vec<_> = task(TASK).wanted.iter().map(|record| [*record as u8; 32]).collect();
		let Answer::Opened { verdict, outputs: shown } = Seats::<Test>::get(TASK, key(0)).unwrap().answer
		else {
			panic!("it was opened");
		};
		assert_eq!((verdict, shown.to_vec()), (Verdict::Valid, outputs));
		let opened = Event::Opened { task: TASK, verifier: key(0), verdict: Verdict::Valid };
		assert_eq!(events().last(), Some(&opened));
	});
}

#[test]
fn an_opening_is_propagated_once_until_the_window_ends() {
	run_opening(|[first, second, _]| {
		ticks(2);
		let pooled = first.authorize_open().unwrap();
		assert_eq!((pooled.priority, pooled.longevity, pooled.propagate), (9, 4, true));
		assert_ne!(second.authorize_open().unwrap().provides, pooled.provides);
		second.open();
		assert_eq!(second.authorize_open(), refused(Error::AlreadyOpened));
	});
}

#[test]
fn an_opening_ends_early_when_all_who_committed_have_opened() {
	run_drawn(4, || {
		let three = [0, 1, 2].map(valid);
		commit_all(&three);
		three[..2].iter().for_each(Member::open);
		tick();
		assert_eq!(status(), Some(TaskStatus::Open));
		three[2].open();
		tick();
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}

#[test]
fn open_fails_before_the_records_are_drawn_and_after_the_window() {
	run_drawn(3, || {
		let member = valid(0);
		let try_open = |proofs| authorize_open(0, TASK, member.finding, proofs);
		assert_eq!(try_open(vec![]), refused(Error::NotOpening));
		member.commit();
		assert_eq!(try_open(vec![]), refused(Error::NotOpening));
		assert_noop!(open(0, TASK, member.finding, vec![]), Error::<Test>::NotOpening);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Committing { .. } | Phase::Sealed { .. }));
		Time::set(Time::get() + OpenWindow::get());
		assert_eq!(member.authorize_open(), refused(Error::WindowOver));
		assert_noop!(open(0, TASK, member.finding, member.proofs()), Error::<Test>::WindowOver);
		assert_eq!(authorize_open(0, OTHER, member.finding, vec![]), refused(Error::UnknownTask));
	});
}

#[test]
fn open_fails_for_who_is_no_member_or_has_not_committed() {
	run_drawn(3, || {
		commit_all(&[valid(0)]);
		assert_eq!(valid(1).authorize_open(), refused(Error::NotCommitted));
		assert_eq!(valid(5).authorize_open(), refused(Error::NotMember));
	});
}

#[test]
fn open_fails_when_anything_else_was_committed_to() {
	run_opening(|[first, ..]| {
		let finding = first.finding;
		for other in [
			Finding { verdict: Verdict::Wrong(3), ..finding },
			Finding { verdict: Verdict::Unavailable, ..finding },
			Finding { root: [1; 32], ..finding },
			Finding { salt: [1; 32], ..finding },
		] {
			assert_eq!(authorize_open(0, TASK, other, first.proofs()), refused(Error::OtherCommitment));
			assert_noop!(open(0, TASK, other, first.proofs()), Error::<Test>::OtherCommitment);
		}
	});
}

#[test]
fn open_fails_when_the_proofs_are_not_those_of_the_wanted_records() {
	run_opening(|[first, second, _]| {
		let proofs = first.proofs();
		let refuses = |change: &dyn Fn(&mut Vec<OutputProof>), error| {
			let mut other = proofs.clone();
			change(&mut other);
			assert_eq!(authorize_open(0, TASK, first.finding, other), refused(error));
		};
		refuses(&|p| p.truncate(2), Error::OutputCount);
		refuses(&|p| p.push(p[0].clone()), Error::OutputCount);
		refuses(&|p| p[1].siblings.push([0; 32]), Error::ProofSiblings);
		refuses(&|p| p[1].siblings.truncate(2), Error::ProofSiblings);
		refuses(&|p| p[2].output[0] ^= 1, Error::OtherOutput);
		refuses(&|p| p[0].siblings[0][0] ^= 1, Error::OtherOutput);
		// Another member's proofs are about another tree.
		assert_eq!(authorize_open(0, TASK, first.finding, second.proofs()), refused(Error::OtherOutput));
	});
}

#[test]
fn an_accusation_of_a_record_that_is_not_there_cannot_be_opened() {
	run_drawn(1, || {
		let member = Member::new(0, Verdict::Wrong(RECORDS));
		commit_all(std::slice::from_ref(&member));
		assert_eq!(member.authorize_open(), refused(Error::NoSuchRecord));
		assert_noop!(open(0, TASK, member.finding, member.proofs()), Error::<Test>::NoSuchRecord);
	});
}

#[test]
fn who_says_unavailable_shows_nothing_and_may_not() {
	run_drawn(1, || {
		let member = Member::new(0, Verdict::Unavailable);
		commit_all(std::slice::from_ref(&member));
		let proofs: Vec<_> =
			task(TASK).wanted.iter().map(|record| member.tree.prove(*record).unwrap()).collect();
		assert_eq!(authorize_open(0, TASK, member.finding, proofs), refused(Error::OutputCount));
		member.open();
	});
}

/// Openings are not signed: what others can do with one is to send it as it is.
#[test]
fn whoever_sends_an_opening_cannot_change_it() {
	run_opening(|[first, ..]| {
		let proofs = first.proofs();
		for index in [1, 2, STRANGER] {
			assert!(authorize_open(index, TASK, first.finding, proofs.clone()).is_err());
		}
		assert_ok!(authorize_open(0, TASK, first.finding, proofs.clone()));
		for at in 0..proofs.len() {
			for bit in 0..8 {
				let mut other = proofs.clone();
				other[at].output[bit] ^= 1 << bit;
				assert!(authorize_open(0, TASK, first.finding, other).is_err());
			}
		}
	});
}
