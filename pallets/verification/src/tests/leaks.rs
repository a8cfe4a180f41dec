//! Attacks that once paid, and what comes of them now.

use super::*;

/// On a fork, submission 7 can be another trainer's: an attestation that signed only its number was good there too.
#[test]
fn an_attestation_should_be_worth_nothing_for_another_claim_of_the_same_task() {
	let signature = new_test_ext(2).execute_with(|| {
		assert_ok!(open());
		sign(0, TASK, Verdict::Valid)
	});
	run(2, || {
		assert_ok!(<Verification as Committees<AccountId32>>::open(TASK, [4; 32], WINDOW));
		let result = authorize(key(0), TASK, Verdict::Valid, signature);
		assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
	});
}

/// Saying `Unavailable` of everything was answering, and brought a share of the fee for no work.
#[test]
fn an_abstention_should_earn_nothing() {
	run_open(4, || {
		attest(0, Verdict::Unavailable);
		attest(1, Verdict::Wrong(1));
		assert_eq!(close(Ending::Overturned { challenger: key(5) }), [key(1)]);
	});
}

/// A majority that cannot get the weights is seen at once, and asked again when they were shown.
#[test]
fn members_that_could_not_get_the_weights_should_answer_again_once_they_were_shown() {
	run_open(4, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Unavailable);
		attest(2, Verdict::Unavailable);
		assert_eq!(status(), Some(TaskStatus::Open));
		attest(3, Verdict::Unavailable);
		assert_eq!(status(), Some(TaskStatus::Unavailable));
		Time::set(109);
		assert_eq!(<Verification as Committees<AccountId32>>::reopen(TASK, WINDOW), Some(119));
		assert_eq!(status(), Some(TaskStatus::Open));
		Time::set(118);
		attest(1, Verdict::Valid);
		attest(2, Verdict::Valid);
		assert_eq!(status(), Some(TaskStatus::Passed(118)));
		assert_eq!(<Verification as Committees<AccountId32>>::reopen(TASK, WINDOW), None);
	});
}

/// What a fault costs is what it cost when the task was opened, whatever the chain decides meanwhile.
#[test]
fn a_changed_penalty_should_not_touch_an_open_task() {
	run_open(2, || {
		attest(0, Verdict::Valid);
		VerifierSlash::set(700);
		AbsenceSlash::set(600);
		Time::set(110);
		close(Ending::Overturned { challenger: key(5) });
		assert_eq!(held(0), BOND - 401);
	});
}

/// What was signed while the weights could not be had was good again once they were shown: whoever kept it could answer
/// for its signers, who then could not.
#[test]
fn an_abstention_should_be_worth_nothing_once_its_signer_is_asked_again() {
	run_open(3, || {
		let old = [1, 2].map(|index| (index, sign(index, TASK, Verdict::Unavailable)));
		attest(0, Verdict::Valid);
		attest(1, Verdict::Unavailable);
		attest(2, Verdict::Unavailable);
		assert!(<Verification as Committees<AccountId32>>::reopen(TASK, WINDOW).is_some());
		for (index, signature) in old {
			let replayed = authorize(key(index), TASK, Verdict::Unavailable, signature);
			assert_eq!(replayed, Err(InvalidTransaction::BadProof.into()));
		}
		attest(1, Verdict::Valid);
		attest(2, Verdict::Valid);
		assert_eq!(status(), Some(TaskStatus::Passed(100)));
	});
}

/// Saying `Wrong` of everything, and proving nothing, kept what one liked from passing and was paid like an answer.
#[test]
fn an_accusation_that_nobody_proves_should_earn_nothing_and_cost_what_absence_does() {
	run_open(3, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Valid);
		attest(2, Verdict::Wrong(u32::MAX));
		Time::set(110);
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_eq!(close(Ending::Lapsed), [key(0), key(1)]);
		assert_eq!(held(2), BOND - 50);
	});
}
