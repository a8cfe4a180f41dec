//! Attacks that once paid, and what comes of them now.

use super::*;

/// On a fork, submission 7 can be another trainer's: an answer that signed only its number was good there too.
#[test]
fn a_commitment_should_be_worth_nothing_for_another_claim_of_the_same_task() {
	let commitment = [5; 32];
	let signature = new_test_ext(2).execute_with(|| {
		draw(TASK);
		sign(0, TASK, &commitment)
	});
	run(2, || {
		next_epoch();
		assert_ok!(<Verification as Committees<AccountId32>>::open(TASK, [4; 32], &work(), WINDOW));
		next_epoch();
		next_epoch();
		let result = authorize_commit(0, TASK, commitment, signature);
		assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
	});
}

/// What was committed to before the weights were shown could be sent again by anybody, and then its member could not
/// commit to anything else, nor open it.
#[test]
fn a_commitment_should_be_worth_nothing_once_its_signer_is_asked_again() {
	run_drawn(3, || {
		let abstains = [0, 1, 2].map(|index| Member::new(index, Verdict::Unavailable));
		let old = [0, 1, 2].map(|index| {
			let commitment = abstains[index].commitment();
			(index, commitment, sign(index, TASK, &commitment))
		});
		answer(&abstains);
		assert!(reopen().is_some());
		for (index, commitment, signature) in old {
			let replayed = authorize_commit(index, TASK, commitment, signature);
			assert_eq!(replayed, Err(InvalidTransaction::BadProof.into()));
		}
		answer(&[0, 1, 2].map(|index| Member::new(index, Verdict::Valid)));
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
	});
}

/// Nor does what was committed to in one round open in the next, whoever signs for it.
#[test]
fn a_finding_of_one_round_should_not_open_in_the_next() {
	run_drawn(1, || {
		let member = Member::new(0, Verdict::Valid);
		let old = member.commitment();
		assert!(reopen().is_some());
		assert_ok!(commit(0, TASK, old, sign(0, TASK, &old)));
		ticks(SEALED_TICKS);
		assert_eq!(member.authorize_open(), refused(Error::OtherCommitment));
	});
}

/// Saying `Unavailable` of everything was answering, and brought a share of the fee for no work.
#[test]
fn an_abstention_should_earn_nothing() {
	for ending in [Ending::Accepted, Ending::Lapsed, Ending::Void, Ending::Fallen, overturned()] {
		run_drawn(4, || {
			let abstains = Member::new(0, Verdict::Unavailable);
			answer(&[abstains, Member::new(1, Verdict::Valid), Member::new(2, Verdict::Valid)]);
			assert!(!close(ending).contains(&0));
		});
	}
}

/// What a fault costs is what it cost when the task was opened, whatever the chain decides meanwhile.
#[test]
fn a_changed_penalty_should_not_touch_an_open_task() {
	run_drawn(2, || {
		answer(&[0, 1].map(|index| Member::new(index, Verdict::Valid)));
		VerifierSlash::set(700);
		close(overturned());
		assert_eq!(stakes(2), [STAKE - 401; 2]);
		// Nor does more of it stay reserved than was.
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 0);
	});
}

/// Saying `Wrong` of everything, and proving nothing, kept what one liked from passing and was paid like an answer; then it
/// cost no more than absence.
#[test]
fn an_accusation_that_nobody_proves_should_cost_the_accuser_when_the_task_lapses() {
	run_drawn(3, || {
		Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = true);
		let accuser = Member::new(2, Verdict::Wrong(1));
		answer(&[Member::new(0, Verdict::Valid), Member::new(1, Verdict::Valid), accuser]);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_eq!(close(Ending::Lapsed), [0, 1]);
		assert_eq!(stake(2), STAKE - 300);
	});
}

/// A stake that fell while a task was closed was written back as it had been.
#[test]
fn what_slashes_change_should_stay_changed_when_the_task_is_closed() {
	run_drawn(1, || {
		unbond(&key(0), 1_000);
		answer(&[Member::new(0, Verdict::Valid)]);
		close(overturned());
		// 1,000 of 2,000 leave, 401 of what stays are gone: that is below the least.
		assert_eq!((stake(0), Verification::verifier(key(0)).unwrap().weight), (599, 0));
	});
}
