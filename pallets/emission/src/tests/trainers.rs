//! A trainer is paid at most half of what the users of its weights burned.

use super::*;

#[test]
fn a_trainer_is_paid_half_of_what_was_burned() {
	run(|| {
		period();
		burn(USER, 601);
		Emission::used(&TRAINER, 601);
		assert_eq!(balance(TRAINER), ENDOWMENT + 300);
		assert_eq!(pot(Pot::Trainers), DUE * 2 / 10 - 300);
		assert!(happened(Event::TrainerPaid { trainer: TRAINER, amount: 300, burned: 601 }));
	});
}

#[test]
fn an_empty_pot_pays_nothing() {
	run(|| {
		Emission::used(&TRAINER, 600);
		assert_eq!(balance(TRAINER), ENDOWMENT);
		assert!(System::events().is_empty());
	});
}

#[test]
fn what_a_trainers_account_cannot_have_stays_in_the_pot() {
	run(|| {
		period();
		Emission::used(&NOBODY, 2 * ED - 1);
		assert_eq!((balance(NOBODY), pot(Pot::Trainers)), (0, DUE * 2 / 10));
		Emission::used(&NOBODY, 2 * ED);
		assert_eq!((balance(NOBODY), pot(Pot::Trainers)), (ED, DUE * 2 / 10 - ED));
	});
}
