//! The author of each block is paid what was put aside for it.

use super::*;
use polkadot_sdk::{frame_support::dispatch::DispatchClass, frame_system, pallet_authorship::EventHandler};

/// What a block is due in the first periods.
const PER_BLOCK: u64 = DUE * 4 / 10 / PERIOD;

fn note(author: u64) {
	<Emission as EventHandler<u64, u64>>::note_author(author);
}

#[test]
fn an_author_is_paid_by_the_block() {
	run(|| {
		period();
		note(AUTHOR);
		assert_eq!(balance(AUTHOR), ENDOWMENT + PER_BLOCK / 10);
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT + PER_BLOCK);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10 - PER_BLOCK);
		assert!(happened(Event::AuthorPaid { author: AUTHOR, amount: PER_BLOCK }));
	});
}

#[test]
fn a_periods_blocks_are_paid_from_the_period_before() {
	run(|| {
		(0..PERIOD).for_each(|_| block(AUTHOR));
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT);
		(0..PERIOD).for_each(|_| block(AUTHOR));
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT + DUE * 4 / 10);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
	});
}

#[test]
fn blocks_without_a_tick_share_the_same_pot() {
	run(|| {
		period();
		(0..3 * PERIOD).for_each(|_| note(AUTHOR));
		// All but the existential deposit, which the other pots cover.
		assert_eq!(pot(Pot::Authors), 0);
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT + DUE * 4 / 10);
	});
}

#[test]
fn an_empty_pot_pays_nothing_and_stops_no_block() {
	run(|| {
		note(AUTHOR);
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT);
		assert!(System::events().is_empty());
	});
}

#[test]
fn the_account_of_the_pots_outlives_the_last_payout() {
	run(|| {
		let all = Perbill::one();
		let none = Perbill::zero();
		TestShares::set(&Shares { authors: all, verifiers: none, trainers: none, treasury: none });
		period();
		(0..2 * PERIOD).for_each(|_| note(AUTHOR));
		assert_eq!((pot(Pot::Authors), balance(Emission::account())), (ED, ED));
	});
}

#[test]
fn who_cannot_be_rewarded_leaves_the_money_in_the_pot() {
	run(|| {
		period();
		Refused::set(&vec![AUTHOR]);
		System::reset_events();
		note(AUTHOR);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
		assert!(!happened(Event::AuthorPaid { author: AUTHOR, amount: PER_BLOCK }));
	});
}

#[test]
fn what_only_a_part_of_can_be_given_goes_back_for_the_rest() {
	run(|| {
		period();
		HalfRefused::set(&vec![AUTHOR]);
		note(AUTHOR);
		assert_eq!(wealth(Role::Validator, AUTHOR), 2 * ENDOWMENT + PER_BLOCK / 10);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10 - PER_BLOCK / 10);
		assert!(happened(Event::AuthorPaid { author: AUTHOR, amount: PER_BLOCK / 10 }));
	});
}

#[test]
fn leak_periods_that_nobody_was_paid_for_pay_the_next_blocks_twice_at_most() {
	run(|| {
		Refused::set(&vec![AUTHOR]);
		(0..9 * PERIOD).for_each(|_| block(AUTHOR));
		Refused::set(&Vec::new());
		let before = wealth(Role::Validator, AUTHOR);
		note(AUTHOR);
		assert_eq!(wealth(Role::Validator, AUTHOR) - before, 2 * PER_BLOCK);
	});
}

#[test]
fn nobody_is_paid_while_a_migration_runs() {
	run(|| {
		period();
		Migrating::set(&true);
		note(AUTHOR);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
		Migrating::set(&false);
		note(AUTHOR);
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10 - PER_BLOCK);
	});
}

#[test]
fn what_paying_an_author_weighs_is_counted() {
	run(|| {
		let before = *frame_system::BlockWeight::<Test>::get().get(DispatchClass::Mandatory);
		note(AUTHOR);
		let after = *frame_system::BlockWeight::<Test>::get().get(DispatchClass::Mandatory);
		assert_eq!(after - before, <() as crate::WeightInfo>::note_author());
	});
}
