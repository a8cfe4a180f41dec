//! View functions.

use super::*;

#[test]
fn views_show_verifiers_and_tasks() {
	run_open(3, || {
		assert_eq!(Verification::verifiers().len(), 3);
		assert_eq!(Verification::task(TASK), Some(task()));
		assert_eq!(Verification::task(TaskId::Submission(8)), None);
		assert_eq!(Verification::status_of(TASK), Some(TaskStatus::Open));
		assert_eq!(Verification::status_of(TaskId::Submission(8)), None);
	});
}

#[test]
fn a_page_of_tasks_goes_on_after_the_last_one_and_holds_the_limit() {
	run_open(1, || {
		for task in (20..24).map(TaskId::Submission) {
			assert_ok!(<Verification as Committees<AccountId32>>::open(task, CLAIM, 1));
		}
		let first = Verification::tasks(None, 3);
		let rest = Verification::tasks(Some(first[2].0), u32::MAX);
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
		ids.sort();
		assert_eq!(ids, [7, 20, 21, 22, 23].map(TaskId::Submission));
	});
}

#[test]
fn the_chain_shows_the_bytes_to_sign() {
	run_open(1, || {
		let genesis = System::block_hash(0);
		let bytes = message::attestation(genesis.as_fixed_bytes(), TASK, &CLAIM, 1, Verdict::Valid);
		assert_eq!(Verification::attestation(TASK, Verdict::Valid), Some(bytes));
		assert_eq!(Verification::attestation(TaskId::Audit(7), Verdict::Valid), None);
	});
}
