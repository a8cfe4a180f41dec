//! Validators that do not respond.

use super::*;

fn candidates() -> usize {
	ValidatorCandidates::<Test>::get().len()
}

#[test]
fn who_is_absent_loses_little_and_stays() {
	run(|| {
		PerBlock::set(4);
		Silent::set(vec![4]);
		sessions(1);
		pass(1);
		assert_eq!(pool(Validator, 4).own, 594_000);
		assert!(!pool(Validator, 4).chilled);
		assert!(Session::disabled_validators().is_empty());
		sessions(1);
		assert_eq!(candidates(), 4);
		PerBlock::set(1);
	});
}

#[test]
fn who_is_absent_for_long_is_chilled() {
	run(|| {
		Silent::set(vec![4]);
		sessions(3);
		assert!(happened(Event::Chilled { role: Validator, operator: 4, reason: ChillReason::Absent }));
		// It comes back when it likes.
		Silent::set(vec![]);
		pass(2);
		assert_ok!(resume(Validator, 4));
		sessions(2);
		assert_eq!(Session::validators().len(), 4);
	});
}

#[test]
fn who_was_interrupted_and_returns_is_not_thrown_out() {
	run(|| {
		for _ in 0..3 {
			Silent::set(vec![3, 4]);
			sessions(2);
			// Others are absent meanwhile.
			Silent::set(vec![3]);
			sessions(1);
			Silent::set(vec![]);
			sessions(1);
			assert!(!pool(Validator, 4).chilled);
		}
		assert!(pool(Validator, 3).chilled);
	});
}

#[test]
fn at_most_one_is_removed_a_session_and_never_too_many() {
	run(|| {
		Silent::set(VALIDATORS.to_vec());
		let mut before = candidates();
		for _ in 0..12 {
			sessions(1);
			let now = candidates();
			assert!(before - now <= 1, "{before} candidates, then {now}");
			before = now;
		}
		assert_eq!(before, MinValidators::get() as usize);
		sessions(2);
		assert_eq!(Session::validators().len(), MinValidators::get() as usize);
	});
}

#[test]
fn who_has_been_away_longest_is_removed_first() {
	run(|| {
		Silent::set(vec![2]);
		sessions(1);
		Silent::set(vec![1, 2, 3]);
		sessions(2);
		let chilled = |who| pool(Validator, who).chilled;
		assert_eq!(VALIDATORS.map(chilled), [false, true, false, false]);
		sessions(1);
		assert_eq!(VALIDATORS.map(chilled), [true, true, false, false]);
	});
}

#[test]
fn who_equivocated_and_stops_is_not_absent() {
	run(|| {
		PerBlock::set(4);
		equivocates(1, 50);
		Silent::set(vec![1, 4]);
		sessions(2);
		pass(1);
		assert_eq!(pool(Validator, 1).own, 450_000);
		assert!(pool(Validator, 4).own < 600_000);
		PerBlock::set(1);
	});
}
