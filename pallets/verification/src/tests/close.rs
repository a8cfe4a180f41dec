//! Closing a task.

use super::*;
use polkadot_sdk::frame_support::traits::fungible::Inspect;

/// What exists of the currency.
fn issuance() -> u64 {
	<Balances as Inspect<_>>::total_issuance()
}

/// Four verifiers: two said `Valid`, one `Wrong`, one stayed away.
fn run_answered(test: impl FnOnce()) {
	run_open(4, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Valid);
		attest(2, Verdict::Wrong(3));
		test();
		assert!((0..4).all(|index| open_tasks(index) == 0));
		assert!(!Tasks::<Test>::contains_key(TASK));
	});
}

#[test]
fn overturned_slashes_who_said_valid_half_to_the_challenger_half_burned() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(Ending::Overturned { challenger: key(5) }), [key(2)]);
		assert_eq!((0..4).map(held).collect::<Vec<_>>(), [599, 599, 1_000, 1_000]);
		assert_eq!((0..4).map(bond).collect::<Vec<_>>(), [599, 599, 1_000, 1_000]);
		// 401 of each: 200 to the challenger, 201 burned.
		assert_eq!(Balances::free_balance(key(5)), ENDOWMENT + 400);
		assert_eq!(issuance(), before - 402);
		let slashed = |index| Event::Slashed {
			task: TASK,
			verifier: key(index),
			fault: Fault::FalseValid,
			amount: 401,
		};
		let deactivated = |index| Event::Deactivated { verifier: key(index), bond: 599 };
		let all = events();
		assert!(all.contains(&slashed(0)) && all.contains(&slashed(1)));
		assert!(all.contains(&deactivated(0)) && all.contains(&deactivated(1)));
		assert!(all.ends_with(&[
			Event::ChallengerPaid { task: TASK, challenger: key(5), amount: 400 },
			Event::TaskClosed { task: TASK, outcome: Outcome::Overturned },
		]));
	});
}

#[test]
fn overturned_after_the_window_does_not_slash_the_absent() {
	run_answered(|| {
		Time::set(110);
		close(Ending::Overturned { challenger: key(5) });
		assert_eq!(held(3), 1_000);
	});
}

#[test]
fn a_challenger_who_answered_the_task_gets_nothing() {
	run_answered(|| {
		let before = issuance();
		close(Ending::Overturned { challenger: key(2) });
		assert_eq!(Balances::free_balance(key(2)), ENDOWMENT - BOND);
		assert_eq!(issuance(), before - 802);
		assert!(!events().iter().any(|e| matches!(e, Event::ChallengerPaid { .. })));
	});
}

#[test]
fn a_challenger_who_cannot_hold_it_gets_nothing() {
	VerifierSlash::set(18);
	run_open(1, || {
		attest(0, Verdict::Valid);
		let before = issuance();
		let nobody = AccountId32::new([9; 32]);
		// 9 is below the existential deposit.
		assert_eq!(close(Ending::Overturned { challenger: nobody.clone() }), []);
		assert_eq!(Balances::free_balance(nobody), 0);
		assert_eq!(issuance(), before - 18);
		assert!(!events().iter().any(|e| matches!(e, Event::ChallengerPaid { .. })));
	});
}

#[test]
fn nobody_loses_more_than_the_bond() {
	VerifierSlash::set(5_000);
	run_open(1, || {
		attest(0, Verdict::Valid);
		close(Ending::Overturned { challenger: key(5) });
		assert_eq!((held(0), bond(0)), (0, 0));
		assert_eq!(Balances::free_balance(key(0)), ENDOWMENT - BOND);
		assert_eq!(Balances::free_balance(key(5)), ENDOWMENT + 500);
	});
}

/// Capacity that is declared and reserved comes with the committees.
#[test]
fn a_bond_answers_for_all_open_tasks_together() {
	let tasks = [7, 8, 9].map(TaskId::Submission);
	run(1, || {
		for task in tasks {
			assert_ok!(<Verification as Committees<_>>::open(task, CLAIM, WINDOW));
			let signature = sign(0, task, Verdict::Valid);
			let origin = RawOrigin::Authorized.into();
			assert_ok!(Verification::attest(origin, task, Verdict::Valid, key(0), signature));
		}
		// 401 of 1,000, again, and what is left.
		for (task, left) in tasks.into_iter().zip([599, 198, 0]) {
			<Verification as Committees<_>>::close(task, Ending::Overturned { challenger: key(5) });
			assert_eq!((held(0), bond(0)), (left, left));
		}
	});
}

#[test]
fn accepted_slashes_who_accused_and_burns_it() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(Ending::Accepted), [key(0), key(1)]);
		assert_eq!((0..4).map(held).collect::<Vec<_>>(), [1_000, 1_000, 700, 1_000]);
		assert_eq!(issuance(), before - 300);
		let slashed =
			Event::Slashed { task: TASK, verifier: key(2), fault: Fault::FalseAccusation, amount: 300 };
		let closed = Event::TaskClosed { task: TASK, outcome: Outcome::Accepted };
		assert!(events().ends_with(&[slashed, closed]));
	});
}

#[test]
fn accepted_after_the_window_slashes_the_absent_too() {
	run_answered(|| {
		Time::set(110);
		let before = issuance();
		assert_eq!(close(Ending::Accepted), [key(0), key(1)]);
		assert_eq!((held(2), held(3)), (700, 950));
		assert_eq!(issuance(), before - 350);
		let slashed = Event::Slashed { task: TASK, verifier: key(3), fault: Fault::Absence, amount: 50 };
		assert!(events().contains(&slashed));
	});
}

#[test]
fn lapsed_slashes_the_absent_and_as_much_who_accused_without_proof() {
	run_answered(|| {
		Time::set(110);
		let before = issuance();
		assert_eq!(close(Ending::Lapsed), [key(0), key(1)]);
		assert_eq!((0..4).map(held).collect::<Vec<_>>(), [1_000, 1_000, 950, 950]);
		assert_eq!(issuance(), before - 100);
		assert_eq!(events().last(), Some(&Event::TaskClosed { task: TASK, outcome: Outcome::Lapsed }));
	});
}

#[test]
fn void_slashes_nobody() {
	run_answered(|| {
		Time::set(110);
		let before = issuance();
		assert_eq!(close(Ending::Void), [key(0), key(1), key(2)]);
		assert!((0..4).all(|index| held(index) == 1_000));
		assert_eq!(issuance(), before);
		assert_eq!(events().last(), Some(&Event::TaskClosed { task: TASK, outcome: Outcome::Void }));
	});
}

#[test]
fn saying_unavailable_costs_nothing() {
	run_open(1, || {
		attest(0, Verdict::Unavailable);
		Time::set(110);
		assert_eq!(close(Ending::Lapsed), []);
		assert_eq!(held(0), 1_000);
	});
}

#[test]
fn unavailable_beside_a_quorum_counts_as_absence() {
	run_open(4, || {
		(0..3).for_each(|index| attest(index, Verdict::Valid));
		attest(3, Verdict::Unavailable);
		assert_eq!(close(Ending::Accepted), [key(0), key(1), key(2)]);
		assert_eq!(held(3), 950);
		let slashed = Event::Slashed { task: TASK, verifier: key(3), fault: Fault::Absence, amount: 50 };
		assert!(events().contains(&slashed));
	});
}

#[test]
fn withheld_slashes_who_said_valid_and_nobody_earns() {
	run_answered(|| {
		let before = issuance();
		assert_eq!(close(Ending::Withheld), [key(2)]);
		assert_eq!((0..4).map(held).collect::<Vec<_>>(), [599, 599, 1_000, 1_000]);
		assert_eq!(issuance(), before - 802);
		assert_eq!(events().last(), Some(&Event::TaskClosed { task: TASK, outcome: Outcome::Withheld }));
	});
}

#[test]
fn a_slash_that_leaves_the_minimum_keeps_the_verifier_active() {
	run_open(1, || {
		Time::set(110);
		close(Ending::Lapsed);
		assert_eq!(held(0), 950);
		assert!(!events().iter().any(|e| matches!(e, Event::Deactivated { .. })));
		assert_ok!(open());
	});
}

#[test]
fn closing_what_is_not_open_does_nothing() {
	run(2, || {
		assert_eq!(close(Ending::Accepted), []);
		assert_eq!(events(), []);
	});
}
