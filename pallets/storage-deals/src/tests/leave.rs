//! Leaving deals, and ending them.

use super::*;

fn cancel(who: u64, deal: DealId) -> DispatchResult {
	StorageDeals::cancel(RuntimeOrigin::signed(who), deal).map(|_| ()).map_err(|e| e.error)
}

#[test]
fn a_quitter_answers_and_is_paid_until_its_last_round() {
	run(|| {
		let blob = bytes(5_000);
		let deal = offer(&blob, 1, 50);
		assert_ok!(take(ALICE, deal));
		until_round(5);
		// Two rounds were missed.
		assert_ok!(quit(ALICE, deal));
		assert!(happened(Event::QuitAnnounced { deal, slot: 0, keeper: ALICE, last: 8 }));
		assert!(happened(Event::RepairOffered { deal, slot: 0, from: 9 }));
		for number in 5..=8 {
			until_round(number);
			assert_noop!(take(BOB, deal), Error::<Test>::NoFreeSlot);
			prove(ALICE, deal, &blob);
		}
		until_round(9);
		assert_ok!(take(BOB, deal));
		assert!(happened(Event::ReplicaLeft { deal, slot: 0, keeper: ALICE }));
		assert_eq!(wealth(ALICE), ENDOWMENT - 51 + 4 * PRICE);
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.bond, keeper.staked, keeper.replicas), (MIN_BOND - 51, 0, 0));
	});
}

#[test]
fn a_quitter_that_stops_answering_is_punished() {
	run(|| {
		let deal = offer(&bytes(5_000), 1, 50);
		assert_ok!(take(ALICE, deal));
		until_round(3);
		assert_ok!(quit(ALICE, deal));
		until_round(7);
		assert_eq!(wealth(ALICE), ENDOWMENT - MIN_STAKE);
		assert!(happened(Event::ReplicaLost { deal, slot: 0, keeper: ALICE }));
		assert_eq!(slot(deal, 0), Slot::Free { since: 6 });
	});
}

#[test]
fn who_quits_at_once_is_challenged_nevertheless() {
	run(|| {
		let deal = offer(&bytes(5_000), 1, 50);
		assert_ok!(take(ALICE, deal));
		assert_ok!(quit(ALICE, deal));
		until_round(5);
		// Rounds 3 and 4 were missed, 4 was the last.
		assert_eq!(wealth(ALICE), ENDOWMENT - 51);
		assert_eq!(slot(deal, 0), Slot::Free { since: 5 });
	});
}

#[test]
fn quit_fails_for_others_and_twice() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 2, 10);
		assert_ok!(take(ALICE, deal));
		assert_noop!(quit(ALICE, deal + 1), Error::<Test>::UnknownDeal);
		assert_noop!(quit(BOB, deal), Error::<Test>::NotKept);
		assert_ok!(quit(ALICE, deal));
		assert_noop!(quit(ALICE, deal), Error::<Test>::AlreadyQuitting);
		until_round(12);
		assert_noop!(quit(ALICE, deal), Error::<Test>::DealOver);
	});
}

#[test]
fn the_end_of_a_deal_returns_stakes_deposit_and_what_was_not_paid() {
	run(|| {
		let blob = bytes(5_000);
		let deal = offer(&blob, 2, 4);
		assert_ok!(take(ALICE, deal));
		for number in 3..=5 {
			until_round(number);
			prove(ALICE, deal, &blob);
		}
		until_round(6);
		pass(1);
		assert!(happened(Event::DealEnded { deal, returned: 2 * 4 * MAX_PRICE - 3 * PRICE }));
		assert_eq!(StorageDeals::deal(deal), None);
		assert_eq!(KeepersOf::<Test>::iter().count(), 0);
		assert_eq!(Balances::free_balance(PAYER), ENDOWMENT - 3 * PRICE);
		assert_eq!(wealth(ALICE), ENDOWMENT + 3 * PRICE);
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.bond, keeper.staked, keeper.used, keeper.replicas), (MIN_BOND, 0, 0, 0));
	});
}

#[test]
fn the_last_round_counts() {
	run(|| {
		SweepDeals::set(0);
		let blob = bytes(5_000);
		let deal = offer(&blob, 1, 5);
		assert_ok!(take(ALICE, deal));
		until_round(4);
		prove(ALICE, deal, &blob);
		// Rounds 5 and 6 are missed, 6 is the last; 7 and later are not.
		until_round(20);
		assert_ok!(settle(deal));
		assert_eq!(wealth(ALICE), ENDOWMENT + PRICE - 51);
		assert!(!events().iter().any(|event| matches!(event, Event::ReplicaLost { .. })));
	});
}

#[test]
fn a_cancelled_deal_is_kept_and_paid_for_some_rounds_more() {
	run(|| {
		let blob = bytes(5_000);
		let deal = offer(&blob, 1, 50);
		assert_ok!(take(ALICE, deal));
		until_round(3);
		assert_ok!(cancel(PAYER, deal));
		assert!(happened(Event::DealCancelled { deal, until: 6 }));
		for number in 3..=6 {
			until_round(number);
			prove(ALICE, deal, &blob);
		}
		until_round(7);
		assert_eq!(StorageDeals::deal(deal), None);
		assert_eq!(wealth(ALICE), ENDOWMENT + 4 * PRICE);
		assert_eq!(Balances::free_balance(PAYER), ENDOWMENT - 4 * PRICE);
	});
}

#[test]
fn cancel_fails_for_others_and_when_it_changes_nothing() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 5);
		assert_noop!(cancel(PAYER, deal + 1), Error::<Test>::UnknownDeal);
		assert_noop!(cancel(ALICE, deal), Error::<Test>::NotPayer);
		assert_ok!(cancel(PAYER, deal));
		assert_noop!(cancel(PAYER, deal), Error::<Test>::EndsAnyway);
		until_round(9);
		assert_noop!(cancel(PAYER, deal), Error::<Test>::DealOver);
	});
}

#[test]
fn settling_is_free_when_something_was_due_and_refused_when_not() {
	run(|| {
		use polkadot_sdk::frame_support::dispatch::Pays;
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 5);
		assert_noop!(settle(deal), Error::<Test>::NothingDue);
		assert_noop!(settle(deal + 1), Error::<Test>::UnknownDeal);
		until_round(3);
		let info = StorageDeals::settle(RuntimeOrigin::signed(POOR), deal).unwrap();
		assert_eq!(info.pays_fee, Pays::No);
		assert_noop!(settle(deal), Error::<Test>::NothingDue);
	});
}
