//! The verifiers of a task share at most a ratio of what its fee burned.

use super::*;

fn gain(who: u64) -> u64 {
	wealth(Role::Verifier, who) - 2 * ENDOWMENT
}

#[test]
fn verifiers_share_the_governed_ratio_of_what_was_burned() {
	run(|| {
		period();
		burn(USER, 600);
		Emission::task_settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [100; 3]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
		assert!(happened(Event::VerifiersPaid { verifiers: 3, amount: 300, burned: 600 }));
	});
}

#[test]
fn what_does_not_divide_stays_in_the_pot() {
	run(|| {
		period();
		Emission::task_settled(&VERIFIERS, 605);
		assert_eq!(VERIFIERS.map(gain), [100; 3]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
		Emission::task_settled(&VERIFIERS, 5);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
	});
}

#[test]
fn a_pot_that_is_short_pays_less() {
	run(|| {
		period();
		burn(USER, ENDOWMENT / 2);
		Emission::task_settled(&VERIFIERS, ENDOWMENT / 2);
		assert_eq!(VERIFIERS.map(gain), [DUE * 3 / 10 / 3; 3]);
		assert_eq!(pot(Pot::Verifiers), 0);
		Emission::task_settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [DUE * 3 / 10 / 3; 3]);
	});
}

#[test]
fn a_task_without_verifiers_pays_nobody() {
	run(|| {
		period();
		Emission::task_settled(&[], 600);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10);
	});
}

#[test]
fn the_part_of_who_is_no_candidate_stays_in_the_pot() {
	run(|| {
		period();
		Refused::set(&vec![12]);
		Emission::task_settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [100, 0, 100]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 200);
		assert!(happened(Event::VerifiersPaid { verifiers: 2, amount: 200, burned: 600 }));
	});
}

#[test]
fn nobody_but_the_verifiers_pot_pays_them() {
	run(|| {
		period();
		Emission::task_settled(&VERIFIERS, ENDOWMENT);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
		assert_eq!(pot(Pot::Trainers), DUE * 2 / 10);
	});
}

#[test]
fn no_more_than_the_most_verifiers_are_paid() {
	run(|| {
		period();
		let many = [11; MAX_VERIFIERS as usize + 5];
		Emission::task_settled(&many, 2_000);
		assert_eq!(gain(11), 100 * u64::from(MAX_VERIFIERS));
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 100 * u64::from(MAX_VERIFIERS));
	});
}
