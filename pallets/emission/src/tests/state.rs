//! The invariants notice what must not be.

use super::*;
use polkadot_sdk::{
	frame_support::traits::{Hooks, fungible::Mutate, tokens::Preservation},
	sp_runtime::DispatchError,
};

fn reports(message: &'static str) {
	assert_eq!(Emission::do_try_state(), Err(DispatchError::Other(message)));
}

#[test]
fn the_configuration_is_sound() {
	run(<Emission as Hooks<u64>>::integrity_test);
}

#[test]
fn a_gift_to_the_pots_account_is_nobodys() {
	ext().execute_with(|| {
		period();
		let before = pots();
		Balances::transfer(&USER, &Emission::account(), 500, Preservation::Preserve).unwrap();
		assert_eq!(Emission::do_try_state(), Ok(()));
		Emission::used(&TRAINER, ENDOWMENT);
		assert_eq!(pots(), before - DUE * 2 / 10);
		assert_eq!(balance(Emission::account()), pots() + 500);
	});
}

#[test]
fn pots_without_cover_are_reported() {
	ext().execute_with(|| {
		period();
		Pots::<Test>::mutate(Pot::Trainers, |held| *held += 1);
		reports("the pots hold more than their account");
	});
}

#[test]
fn too_much_minted_is_reported() {
	ext().execute_with(|| {
		Minted::<Test>::put(CAP + 1);
		reports("more was minted than the cap allows");
	});
}

#[test]
fn pots_that_were_not_minted_are_reported() {
	ext().execute_with(|| {
		period();
		Minted::<Test>::put(1);
		reports("the pots hold more than was minted");
	});
}

#[test]
fn a_period_of_the_future_is_reported() {
	ext().execute_with(|| {
		Progress::<Test>::put(Position { start: 0, done: 1 });
		reports("a period was put aside before it was over");
	});
}
