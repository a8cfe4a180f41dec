//! A period's due is put aside once it is over, in pots that have a bound.

use super::*;
use polkadot_sdk::{
	frame_support::{
		traits::OnPoll,
		weights::{Weight, WeightMeter},
	},
	sp_runtime::traits::Zero,
};

#[test]
fn a_period_is_put_aside_once_it_is_over() {
	run(|| {
		pass(PERIOD - 1);
		assert_eq!((Emission::minted(), pots()), (0, 0));
		tick();
		assert_eq!(pot(Pot::Authors), DUE * 4 / 10);
		assert_eq!(pot(Pot::Verifiers), DUE * 3 / 10);
		assert_eq!(pot(Pot::Trainers), DUE * 2 / 10);
		assert_eq!(balance(TREASURY), ENDOWMENT + DUE / 10);
		assert_eq!(Emission::minted(), DUE);
		assert!(happened(Event::PutAside {
			ticks: PERIOD,
			authors: DUE * 4 / 10,
			verifiers: DUE * 3 / 10,
			trainers: DUE * 2 / 10,
			treasury: DUE / 10,
		}));
	});
}

#[test]
fn what_is_nobodys_share_is_not_minted() {
	run(|| {
		TestShares::set(&Shares { treasury: Perbill::zero(), ..SHARES });
		period();
		assert_eq!(Emission::minted(), DUE * 9 / 10);
		assert_eq!(balance(TREASURY), ENDOWMENT);
	});
}

#[test]
fn shares_of_more_than_the_whole_mint_no_more_than_is_due() {
	run(|| {
		let half = Perbill::from_percent(50);
		let shares =
			Shares { authors: half, verifiers: Perbill::from_percent(40), trainers: half, treasury: half };
		assert!(!shares.fit() && SHARES.fit());
		TestShares::set(&shares);
		period();
		assert_eq!(Emission::minted(), DUE);
		assert_eq!(pot(Pot::Trainers), DUE / 10);
		assert_eq!(balance(TREASURY), ENDOWMENT);
	});
}

#[test]
fn shares_fit_up_to_the_whole() {
	let (zero, one) = (Perbill::zero(), Perbill::one());
	let whole = Shares { authors: zero, verifiers: zero, trainers: zero, treasury: one };
	assert!(whole.fit());
	assert!(!Shares { authors: Perbill::from_parts(1), ..whole }.fit());
	assert!(!Shares { authors: one, verifiers: one, trainers: one, treasury: one }.fit());
}

#[test]
fn a_period_in_which_the_amount_halves_has_both_rates() {
	run(|| {
		// The next period is over at 95 + 10, five ticks after the halving.
		Progress::<Test>::put(Position { start: 0, done: 95 });
		Now::set(&104);
		tick();
		let rate = CAP / 2 / HALVING;
		assert_eq!(Emission::minted(), 5 * rate + 5 * rate / 2);
	});
}

#[test]
fn nothing_is_put_aside_before_the_start() {
	ext_from(25).execute_with(|| {
		pass(34);
		assert_eq!(Emission::minted(), 0);
		tick();
		assert_eq!(Emission::minted(), DUE);
		check();
	});
}

#[test]
fn an_emission_that_comes_to_a_running_chain_starts_then() {
	run(|| {
		Progress::<Test>::kill();
		Now::set(&1_000_000);
		poll();
		assert_eq!(Progress::<Test>::get(), Some(Position { start: 1_000_000, done: 0 }));
		pass(PERIOD - 1);
		assert_eq!(Emission::minted(), 0);
		tick();
		assert_eq!(Emission::minted(), DUE);
	});
}

#[test]
fn a_clock_that_stands_still_mints_nothing() {
	run(|| {
		period();
		(0..50).for_each(|_| poll());
		assert_eq!(Emission::minted(), DUE);
	});
}

#[test]
fn after_a_gap_one_period_a_block_is_put_aside() {
	run(|| {
		Now::set(&(4 * PERIOD + 3));
		poll();
		assert_eq!(Emission::minted(), DUE);
		poll();
		assert_eq!(Emission::minted(), 2 * DUE);
		(0..10).for_each(|_| poll());
		assert_eq!(Progress::<Test>::get().unwrap().done, 4 * PERIOD);
	});
}

#[test]
fn leak_a_gap_of_ages_mints_what_the_pots_have_room_for_and_no_more() {
	run(|| {
		TestShares::set(&Shares { treasury: Perbill::zero(), ..SHARES });
		Now::set(&10_000_000);
		(0..1_000).for_each(|_| poll());
		assert_eq!(pot(Pot::Authors), 2 * DUE * 4 / 10);
		assert_eq!(pot(Pot::Verifiers), u64::from(CARRY) * DUE * 3 / 10);
		assert_eq!(pot(Pot::Trainers), u64::from(CARRY) * DUE * 2 / 10);
		assert_eq!(Emission::minted(), pots());
	});
}

#[test]
fn a_pot_that_nobody_claims_is_filled_to_its_bound() {
	run(|| {
		(0..9).for_each(|_| period());
		assert_eq!(pot(Pot::Verifiers), u64::from(CARRY) * DUE * 3 / 10);
		assert_eq!(pot(Pot::Trainers), u64::from(CARRY) * DUE * 2 / 10);
		let minted = Emission::minted();
		period();
		// Only the treasury's part.
		assert_eq!(Emission::minted(), minted + DUE / 10);
	});
}

#[test]
fn what_a_full_pot_did_not_get_is_never_minted_later() {
	run(|| {
		(0..6).for_each(|_| period());
		Emission::used(&TRAINER, ENDOWMENT);
		assert_eq!(pot(Pot::Trainers), 0);
		period();
		assert_eq!(pot(Pot::Trainers), DUE * 2 / 10);
	});
}

#[test]
fn what_the_pots_account_cannot_have_is_not_minted() {
	run(|| {
		// One planck each: together less than an existential deposit.
		let tiny = Perbill::from_rational(1, DUE);
		TestShares::set(&Shares {
			authors: tiny,
			verifiers: tiny,
			trainers: tiny,
			treasury: Perbill::zero(),
		});
		period();
		assert_eq!((Emission::minted(), pots()), (0, 0));
		assert_eq!(balance(Emission::account()), 0);
	});
}

#[test]
fn what_the_treasury_cannot_have_is_not_minted() {
	run(|| {
		Treasury::set(&NOBODY);
		TestShares::set(&Shares { treasury: Perbill::from_rational(1, DUE), ..SHARES });
		period();
		assert_eq!(Emission::minted(), DUE * 9 / 10);
	});
}

#[test]
fn a_poll_that_cannot_be_paid_for_loses_no_period() {
	run(|| {
		Now::set(&PERIOD);
		let mut meter = WeightMeter::with_limit(Weight::zero());
		Emission::on_poll(2, &mut meter);
		assert!(meter.consumed().is_zero());
		let only_poll = <() as crate::WeightInfo>::poll();
		Emission::on_poll(2, &mut WeightMeter::with_limit(only_poll));
		assert_eq!(Emission::minted(), 0);
		poll();
		assert_eq!(Emission::minted(), DUE);
	});
}

#[test]
fn the_cap_holds_though_the_schedule_would_give_more() {
	ext().execute_with(|| {
		// As if the schedule had been changed when most of the cap was minted already.
		Minted::<Test>::put(CAP - 1_000);
		period();
		assert_eq!(Emission::minted(), CAP);
		assert_eq!(pots() + balance(TREASURY) - ENDOWMENT, 1_000);
		period();
		assert_eq!(Emission::minted(), CAP);
		Emission::do_try_state().unwrap();
	});
}

#[test]
fn the_whole_emission_ends_below_the_cap() {
	run(|| {
		let issued = Balances::total_issuance();
		while Emission::rate() > 0 {
			block(AUTHOR);
			// All pots are emptied again and again.
			settled(&VERIFIERS, ENDOWMENT);
			Emission::used(&TRAINER, ENDOWMENT);
			assert!(Emission::minted() <= CAP);
		}
		(0..100).for_each(|_| block(AUTHOR));
		let minted = Emission::minted();
		assert_eq!(Balances::total_issuance(), issued + minted);
		// All but what did not divide.
		assert!(minted > CAP * 99 / 100 && minted <= CAP, "{minted}");
		assert_eq!(Emission::next_halving(), None);
		(0..200).for_each(|_| block(AUTHOR));
		assert_eq!(Emission::minted(), minted);
	});
}
