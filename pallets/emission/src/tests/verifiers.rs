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
		settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [100; 3]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
		assert!(happened(Event::VerifiersPaid { verifiers: 3, amount: 300, burned: 600 }));
	});
}

#[test]
fn who_has_more_votes_gets_more_in_proportion() {
	run(|| {
		period();
		burn(USER, 600);
		let votes = [(VERIFIERS[0], 4), (VERIFIERS[1], 1), (VERIFIERS[2], 1)];
		Emission::task_settled(&votes, 605);
		// A sixth of 302 a vote.
		assert_eq!(VERIFIERS.map(gain), [200, 50, 50]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
		assert!(happened(Event::VerifiersPaid { verifiers: 3, amount: 300, burned: 605 }));
	});
}

#[test]
fn what_does_not_divide_stays_in_the_pot() {
	run(|| {
		period();
		settled(&VERIFIERS, 605);
		assert_eq!(VERIFIERS.map(gain), [100; 3]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
		settled(&VERIFIERS, 5);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 300);
	});
}

#[test]
fn a_pot_that_is_short_pays_less() {
	run(|| {
		period();
		burn(USER, ENDOWMENT / 2);
		settled(&VERIFIERS, ENDOWMENT / 2);
		assert_eq!(VERIFIERS.map(gain), [DUE * 3 / 10 / 3; 3]);
		assert_eq!(pot(Pot::Verifiers), 0);
		settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [DUE * 3 / 10 / 3; 3]);
	});
}

#[test]
fn a_task_without_verifiers_pays_nobody() {
	run(|| {
		period();
		settled(&[], 600);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10);
	});
}

#[test]
fn the_part_of_who_is_no_candidate_stays_in_the_pot() {
	run(|| {
		period();
		Refused::set(&vec![12]);
		settled(&VERIFIERS, 600);
		assert_eq!(VERIFIERS.map(gain), [100, 0, 100]);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 200);
		assert!(happened(Event::VerifiersPaid { verifiers: 2, amount: 200, burned: 600 }));
	});
}

#[test]
fn nobody_but_the_verifiers_pot_pays_them() {
	run(|| {
		period();
		settled(&VERIFIERS, ENDOWMENT);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
		assert_eq!(pot(Pot::Trainers), DUE * 2 / 10);
	});
}

#[test]
fn no_more_than_the_most_verifiers_are_paid() {
	run(|| {
		period();
		let many = [11; MAX_VERIFIERS as usize + 5];
		settled(&many, 2_000);
		assert_eq!(gain(11), 100 * u64::from(MAX_VERIFIERS));
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10 - 100 * u64::from(MAX_VERIFIERS));
	});
}
