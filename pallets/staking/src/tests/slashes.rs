//! What is taken, from whom, and who may have it.

use super::*;

#[test]
fn half_may_be_rewarded_and_half_is_burned() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		let before = issuance();
		assert_eq!(slash(Verifier, 5, 100_001), (100_001, 50_000));
		assert_eq!((issuance(), active(Verifier, 5)), (before - 100_001, 199_999));
		assert!(happened(Event::Slashed { role: Verifier, operator: 5, amount: 100_001, reward: 50_000 }));
		assert_eq!(Told::get().last(), Some(&(Verifier, 5, 199_999)));
		// As much as there is; nothing of nobody.
		assert_eq!(slash(Verifier, 5, 300_000), (199_999, 99_999));
		assert_eq!(slash(Verifier, 5, 1), (0, 0));
		assert_eq!(slash(Provider, 5, 1), (0, 0));
	});
}

#[test]
fn all_shares_lose_alike() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 400_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 300_000));
		assert_ok!(delegate(Verifier, 5, BOB, 300_000));
		assert_ok!(unbond(Verifier, 5, BOB, 300_000));
		slash(Verifier, 5, 500_000);
		assert_eq!(pool(Verifier, 5).own, 200_000);
		assert_eq!((position(Verifier, 5, ALICE), position(Verifier, 5, BOB)), ((150_000, 0), (0, 150_000)));
	});
}

#[test]
fn what_is_taken_of_its_own_is_taken_of_its_delegators_in_proportion() {
	run(|| {
		assert_ok!(bond(Provider, 5, 300_000));
		assert_ok!(delegate(Provider, 5, ALICE, 600_000));
		assert_ok!(unbond(Provider, 5, ALICE, 300_000));
		assert_eq!(own(Provider, 5), 300_000);
		// Half of its own 100,000, whatever was delegated.
		assert_eq!(slash_own(Provider, 5, 100_000), (300_000, 50_000));
		assert_eq!((own(Provider, 5), position(Provider, 5, ALICE)), (200_000, (200_000, 200_000)));
		// As much as there is.
		assert_eq!(slash_own(Provider, 5, 200_001), (600_000, 100_000));
		assert_eq!((own(Provider, 5), slash_own(Provider, 5, 1)), (0, (0, 0)));
		assert_eq!(slash_own(Verifier, 5, 1), (0, 0));
	});
}

#[test]
fn delegators_alone_do_not_answer_for_their_operator() {
	run(|| {
		assert_ok!(bond(Provider, 5, 300_000));
		assert_ok!(delegate(Provider, 5, ALICE, 600_000));
		// What is leaving of the operator's own answers, and with it what is delegated.
		assert_ok!(unbond(Provider, 5, 5, 300_000));
		assert_eq!(slash_own(Provider, 5, 100_000), (300_000, 50_000));
		pass(TERM);
		assert_ok!(withdraw(Provider, 5, 5));
		let before = (issuance(), pool(Provider, 5));
		System::reset_events();
		assert_eq!(slash_own(Provider, 5, 100_000), (0, 0));
		assert_eq!((issuance(), pool(Provider, 5)), before);
		assert_eq!(position(Provider, 5, ALICE), (400_000, 0));
		assert_eq!(events(), []);
	});
}

#[test]
fn who_is_chilled_or_has_bonded_too_little_has_nothing_of_its_own_that_counts() {
	run(|| {
		assert_eq!(own(Provider, 5), 0);
		assert_ok!(bond(Provider, 5, 300_000));
		assert_eq!((own(Provider, 5), own(Verifier, 5)), (300_000, 0));
		assert_ok!(chill(Provider, 5));
		assert_eq!(own(Provider, 5), 0);
	});
}

#[test]
fn a_reservation_needs_what_is_not_reserved_and_survives_a_slash() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_noop!(reserve(Verifier, 6, 1), Fault::UnknownPool);
		assert_ok!(reserve(Verifier, 5, 200_000));
		assert_noop!(reserve(Verifier, 5, 100_001), Fault::NothingToReserve);
		assert_ok!(reserve(Verifier, 5, 100_000));
		// What is leaving answers too.
		assert_ok!(unbond(Verifier, 5, 5, 300_000));
		slash(Verifier, 5, 250_000);
		assert_eq!((pool(Verifier, 5).reserved, pool(Verifier, 5).leaving), (300_000, 50_000));
		assert_noop!(reserve(Verifier, 5, 1), Fault::NothingToReserve);
		release(Verifier, 5, 260_000);
		assert_noop!(reserve(Verifier, 5, 1), Fault::NothingToReserve);
		assert_ok!(bond_more(Verifier, 5, 50_000));
		assert_ok!(reserve(Verifier, 5, 10_000));
		release(Verifier, 5, u64::MAX);
		assert_eq!(pool(Verifier, 5).reserved, 0);
		release(Provider, 5, 1);
	});
}

#[test]
fn a_pool_that_lost_everything_keeps_no_rows_and_nobody() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		assert_ok!(delegate(Verifier, 5, BOB, 100_000));
		assert_ok!(unbond(Verifier, 5, BOB, 50_000));
		assert_eq!(slash(Verifier, 5, 500_000).0, 500_000);
		assert_eq!((active(Verifier, 5), pool(Verifier, 5).members), (0, 3));
		assert_noop!(delegate(Verifier, 5, CHARLIE, 100_000), Fault::NotActive);
		assert_noop!(unbond(Verifier, 5, ALICE, 10_000), Fault::NothingBonded);
		// Anybody removes what is worth nothing.
		for who in [ALICE, BOB] {
			assert_ok!(withdraw(Verifier, 5, who));
			assert!(happened(Event::WorthlessRemoved { role: Verifier, operator: 5, who }));
		}
		assert_ok!(withdraw(Verifier, 5, 5));
		assert_eq!(Staking::pool(Verifier, 5), None);
		assert_eq!(free(5), ENDOWMENT - 300_000);
		assert_eq!(Positions::<Test>::iter().filter(|(_, (role, _), _)| *role == Verifier).count(), 0);
	});
}

#[test]
fn a_pool_that_lost_everything_takes_a_new_bond_at_the_right_rate() {
	run(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		assert_ok!(delegate(Verifier, 5, ALICE, 100_000));
		assert_ok!(unbond(Verifier, 5, ALICE, 50_000));
		slash(Verifier, 5, u64::MAX);
		assert_ok!(bond_more(Verifier, 5, 200_000));
		assert_eq!(active(Verifier, 5), 200_000);
		assert_eq!((pool(Verifier, 5).own, position(Verifier, 5, ALICE)), (200_000, (0, 0)));
		// Old shares are nothing beside new ones.
		assert_ok!(delegate(Verifier, 5, ALICE, 50_000));
		assert_eq!(position(Verifier, 5, ALICE), (50_000, 0));
		assert_ok!(unbond(Verifier, 5, ALICE, u64::MAX));
		assert_eq!(position(Verifier, 5, ALICE), (0, 50_000));
		pass(TERM);
		assert_ok!(withdraw(Verifier, 5, ALICE));
		assert_eq!(free(ALICE), ENDOWMENT - 100_000);
	});
}
