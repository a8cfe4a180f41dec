//! Taking replicas.

use super::*;

#[test]
fn a_taken_replica_has_a_stake_and_its_first_challenge_after_a_whole_round() {
	run(|| {
		let current = round();
		let deal = offer(&bytes(5_000), 2, 20);
		assert_ok!(take(ALICE, deal));
		let kept = replica(ALICE, deal).unwrap();
		assert_eq!((kept.price, kept.stake, kept.left), (PRICE, MIN_STAKE, MIN_STAKE));
		assert_eq!((kept.first, kept.proved, kept.misses, kept.leaves_after), (current + 2, None, 0, None));
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.used, keeper.staked, keeper.replicas), (5_000, MIN_STAKE, 1));
		let first = current + 2;
		assert!(happened(Event::ReplicaTaken { deal, slot: 0, keeper: ALICE, price: PRICE, first }));
	});
}

#[test]
fn who_is_suspended_takes_nothing_new() {
	run(|| {
		let deal = offer(&bytes(10), 1, 20);
		Suspended::set(vec![ALICE]);
		assert_noop!(take(ALICE, deal), Error::<Test>::Suspended);
		Suspended::take();
		assert_ok!(take(ALICE, deal));
	});
}

#[test]
fn the_stake_counts_mebibytes_begun() {
	run(|| {
		let blob = BlobRef { root: [1; 32], len: (3 << 20) + 1 };
		assert_ok!(offer_reference(blob, 1, 20));
		assert_ok!(take(ALICE, 0));
		assert_eq!(replica(ALICE, 0).unwrap().stake, 4 * BOND_PER_MIB);
	});
}

#[test]
fn the_price_rises_while_a_slot_is_free_up_to_its_most() {
	run(|| {
		let deal = offer(&bytes(10), 4, 50);
		let start = round();
		let price = |after| {
			until_round(start + after);
			StorageDeals::price(deal, 0).unwrap()
		};
		assert_eq!(price(0), PRICE);
		assert_eq!(price(1), PRICE + 2);
		assert_eq!(price(5), PRICE + 10);
		assert_ok!(take(ALICE, deal));
		assert_eq!(replica(ALICE, deal).unwrap().price, PRICE + 10);
		assert_eq!(StorageDeals::price(deal, 0), None);
		until_round(start + RAISE_ROUNDS);
		assert_eq!(StorageDeals::price(deal, 1), Some(MAX_PRICE));
		until_round(start + RAISE_ROUNDS + 5);
		assert_eq!(StorageDeals::price(deal, 1), Some(MAX_PRICE));
	});
}

#[test]
fn the_slot_that_was_free_the_longest_is_taken() {
	run(|| {
		let blob = bytes(10);
		let deal = offer(&blob, 2, 50);
		assert_ok!(take(ALICE, deal));
		// Alice loses the first slot, which was free later than the second.
		until_round(round() + 6);
		assert!(matches!(slot(deal, 0), Slot::Free { .. }));
		assert_ok!(take(BOB, deal));
		assert!(matches!(slot(deal, 1), Slot::Kept(kept) if kept.keeper == BOB));
	});
}

#[test]
fn take_fails_for_an_unknown_deal_and_others_than_keepers() {
	run(|| {
		let deal = offer(&bytes(10), 1, 20);
		assert_noop!(take(ALICE, deal + 1), Error::<Test>::UnknownDeal);
		assert_noop!(take(PAYER, deal), Error::<Test>::NotKeeper);
	});
}

#[test]
fn take_fails_when_the_deal_is_over_or_soon_will_be() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 4);
		until_round(round() + 3);
		assert_noop!(take(ALICE, deal), Error::<Test>::TooLateToTake);
		until_round(round() + 2);
		assert_noop!(take(ALICE, deal), Error::<Test>::DealOver);
	});
}

#[test]
fn take_fails_twice_and_when_no_slot_is_free() {
	run(|| {
		let deal = offer(&bytes(10), 2, 20);
		assert_ok!(take(ALICE, deal));
		assert_noop!(take(ALICE, deal), Error::<Test>::AlreadyKept);
		assert_ok!(take(BOB, deal));
		assert_noop!(take(CHARLIE, deal), Error::<Test>::NoFreeSlot);
	});
}

#[test]
fn take_fails_beyond_the_capacity() {
	run(|| {
		assert_ok!(offer_reference(BlobRef { root: [1; 32], len: CAPACITY }, 1, 20));
		assert_ok!(offer_reference(BlobRef { root: [2; 32], len: 1 }, 1, 20));
		assert_ok!(take(ALICE, 0));
		assert_noop!(take(ALICE, 1), Error::<Test>::CapacityExceeded);
	});
}

#[test]
fn take_fails_beyond_the_bond() {
	run(|| {
		let deals: Vec<_> = (0..10).map(|_| offer(&bytes(10), 1, 20)).collect();
		for deal in &deals[..9] {
			assert_ok!(take(ALICE, *deal));
		}
		assert_noop!(take(ALICE, deals[9]), Error::<Test>::BondTooLow);
	});
}

#[test]
fn a_loser_may_take_the_slot_again_with_a_new_stake() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 50);
		assert_ok!(take(ALICE, deal));
		until_round(round() + 5);
		// Nobody has settled: the call does, before it looks for a slot.
		assert_ok!(take(ALICE, deal));
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.bond, keeper.staked, keeper.replicas), (MIN_BOND - MIN_STAKE, MIN_STAKE, 1));
	});
}
