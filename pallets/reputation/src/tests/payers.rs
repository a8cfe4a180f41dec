//! Who pays for inference.

use super::*;

/// The planck that give so many points.
fn planck(points: u64) -> u128 {
	(points / WORTHS.points.served * 7).into()
}

fn tidy(payers: &[u64]) -> Pays {
	let payers = payers.to_vec().try_into().unwrap();
	Reputation::tidy(RuntimeOrigin::signed(ALICE), payers).unwrap().pays_fee
}

#[test]
fn burned_fees_earn_by_whole_units() {
	run(|| {
		bond(ALICE, 1);
		Reputation::earned(&ALICE, &PAYERS[0], 20);
		assert_eq!(points(ALICE), 2 * WORTHS.points.served);
	});
}

#[test]
fn less_than_a_unit_earns_nothing_and_leaves_nothing() {
	run(|| {
		bond(ALICE, 1);
		Reputation::earned(&ALICE, &PAYERS[0], 6);
		assert_eq!(entry(ALICE), None);
		assert!(!Payers::<Test>::contains_key(PAYERS[0]));
	});
}

#[test]
fn a_payer_gives_no_more_than_its_cap_in_a_period() {
	run(|| {
		bond(ALICE, 5);
		Reputation::earned(&ALICE, &PAYERS[0], planck(200));
		Reputation::earned(&ALICE, &PAYERS[0], planck(200));
		assert_eq!(points(ALICE), PAYER_CAP);
	});
}

#[test]
fn a_payers_cap_is_for_all_providers_together() {
	run(|| {
		[ALICE, BOB].into_iter().for_each(|who| bond(who, 5));
		Reputation::earned(&ALICE, &PAYERS[0], planck(200));
		Reputation::earned(&BOB, &PAYERS[0], planck(200));
		assert_eq!(points(BOB), PAYER_CAP - 200);
	});
}

#[test]
fn what_a_payer_gives_is_used_up_whatever_the_provider_gets() {
	run(|| {
		bond(BOB, 5);
		Reputation::earned(&ALICE, &PAYERS[0], planck(200));
		Reputation::earned(&BOB, &PAYERS[0], planck(200));
		assert_eq!((points(ALICE), points(BOB)), (0, PAYER_CAP - 200));
	});
}

#[test]
fn more_payers_give_more_up_to_the_providers_cap() {
	run(|| {
		bond(ALICE, 1);
		for payer in PAYERS {
			Reputation::earned(&ALICE, &payer, planck(200));
		}
		assert_eq!(points(ALICE), CAPS.served);
	});
}

#[test]
fn the_next_period_gives_a_payers_cap_anew() {
	run(|| {
		bond(ALICE, 5);
		Reputation::earned(&ALICE, &PAYERS[0], planck(9_000));
		pass(1);
		Reputation::earned(&ALICE, &PAYERS[0], planck(9_000));
		assert_eq!(entry(ALICE).unwrap().earned.served, PAYER_CAP);
	});
}

#[test]
fn payers_of_past_periods_are_removed_without_a_fee() {
	run(|| {
		PAYERS.into_iter().for_each(|payer| Reputation::earned(&ALICE, &payer, 70));
		pass(1);
		assert_eq!(tidy(&PAYERS), Pays::No);
		assert_eq!(Payers::<Test>::iter().count(), 0);
	});
}

#[test]
fn payers_of_the_present_period_stay() {
	run(|| {
		Reputation::earned(&ALICE, &PAYERS[0], 70);
		assert_eq!(tidy(&PAYERS[..1]), Pays::Yes);
		assert!(Payers::<Test>::contains_key(PAYERS[0]));
	});
}

#[test]
fn who_names_one_that_cannot_be_removed_pays_for_all() {
	run(|| {
		Reputation::earned(&ALICE, &PAYERS[0], 70);
		pass(1);
		assert_eq!(tidy(&PAYERS[..2]), Pays::Yes);
		assert!(!Payers::<Test>::contains_key(PAYERS[0]), "what can be removed is");
	});
}

#[test]
fn who_names_one_twice_pays_for_both() {
	run(|| {
		Reputation::earned(&ALICE, &PAYERS[0], 70);
		pass(1);
		assert_eq!(tidy(&[PAYERS[0], PAYERS[0]]), Pays::Yes);
	});
}

#[test]
fn who_names_nobody_pays() {
	run(|| assert_eq!(tidy(&[]), Pays::Yes));
}
