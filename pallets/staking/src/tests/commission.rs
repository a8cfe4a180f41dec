//! What an operator takes of each reward.

use super::*;

/// What the operator is paid of a reward of 10,000.
fn taken() -> u64 {
	let before = free(1);
	assert_eq!(reward(Validator, 1, 10_000), 0);
	free(1) - before
}

#[test]
fn a_lower_commission_counts_at_once() {
	run(|| {
		assert_eq!(taken(), 1_000);
		assert_ok!(set_commission(Validator, 1, 5));
		let commission = Perbill::from_percent(5);
		assert!(happened(Event::CommissionLowered { role: Validator, operator: 1, commission }));
		assert_eq!(taken(), 500);
	});
}

#[test]
fn a_raise_counts_after_its_notice() {
	run(|| {
		assert_ok!(set_commission(Validator, 1, 50));
		let (commission, at) = (Perbill::from_percent(50), Time::get() + NOTICE);
		assert!(happened(Event::RaiseAnnounced { role: Validator, operator: 1, commission, at }));
		assert_eq!(pool(Validator, 1).raise, Some(Raise { to: commission, at }));
		pass(NOTICE - 1);
		assert_eq!(taken(), 1_000);
		pass(1);
		assert_eq!(taken(), 5_000);
		assert_eq!((pool(Validator, 1).commission, pool(Validator, 1).raise), (commission, None));
	});
}

#[test]
fn a_raise_cannot_be_brought_forward() {
	run(|| {
		assert_ok!(set_commission(Validator, 1, 20));
		pass(NOTICE - 1);
		// Higher still: its notice begins anew.
		assert_ok!(set_commission(Validator, 1, 50));
		pass(NOTICE - 1);
		assert_eq!(taken(), 1_000);
		// A cut takes the raise back.
		assert_ok!(set_commission(Validator, 1, 9));
		pass(NOTICE);
		assert_eq!(taken(), 900);
		// Naming the present one takes a raise back as well.
		assert_ok!(set_commission(Validator, 1, 50));
		assert_ok!(set_commission(Validator, 1, 9));
		pass(NOTICE);
		assert_eq!(taken(), 900);
	});
}

#[test]
fn a_commission_is_refused_that_is_too_high_or_the_same() {
	run(|| {
		assert_noop!(set_commission(Validator, 1, 51), Fault::CommissionTooHigh);
		assert_noop!(set_commission(Validator, 1, 10), Fault::CommissionUnchanged);
		assert_noop!(set_commission(Validator, 5, 10), Fault::UnknownPool);
	});
}
