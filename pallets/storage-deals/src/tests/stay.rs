//! Renewal: a keeper's term never grows without its consent.

use super::*;
use oda_pallet_traits::Heads;

const MODEL: ModelId = [1; 32];

/// A head's deal that Alice keeps, in the round in which it is renewed; its number and the end that she agreed to.
fn renewed(test: impl FnOnce(DealId, u32, Vec<u8>)) {
	run(|| {
		let blob = bytes(5_000);
		StorageDeals::set_head(&MODEL, Some([BlobRef::of(&blob); 2]));
		assert_ok!(fund(MODEL, 100_000));
		assert_ok!(take(ALICE, 0));
		let agreed = StorageDeals::deal(0).unwrap().until;
		for number in 3..=agreed - QUIT_ROUNDS {
			until_round(number);
			prove(ALICE, 0, &blob);
		}
		catch_up(0);
		test(0, agreed, blob);
	});
}

#[test]
fn a_deal_is_renewed_and_its_keepers_leave_at_the_end_they_agreed_to() {
	renewed(|deal, agreed, blob| {
		assert!(happened(Event::DealRenewed { deal, agreed, until: agreed + HEAD_ROUNDS }));
		assert!(happened(Event::RepairOffered { deal, slot: 0, from: agreed + 1 }));
		assert_eq!(replica(ALICE, deal).unwrap().last(), agreed);
		for number in agreed - QUIT_ROUNDS + 1..=agreed {
			until_round(number);
			prove(ALICE, deal, &blob);
		}
		until_round(agreed + 1);
		catch_up(deal);
		assert_eq!(replica(ALICE, deal), None);
		assert!(happened(Event::ReplicaLeft { deal, slot: 0, keeper: ALICE }));
		assert_eq!(burned(), 0);
		assert_eq!(StorageDeals::keeper(ALICE).unwrap().staked, 0);
		assert_ok!(take(BOB, deal));
	});
}

#[test]
fn who_agrees_stays_without_a_gap() {
	renewed(|deal, agreed, blob| {
		assert_ok!(stay(ALICE, deal));
		let until = agreed + HEAD_ROUNDS;
		assert!(happened(Event::StayAgreed { deal, slot: 0, keeper: ALICE, until }));
		for number in agreed - QUIT_ROUNDS + 1..=until - QUIT_ROUNDS {
			until_round(number);
			prove(ALICE, deal, &blob);
		}
		// Once for each term.
		catch_up(deal);
		assert_eq!(replica(ALICE, deal).unwrap().last(), until);
		assert_eq!(StorageDeals::deal(deal).unwrap().until, until + HEAD_ROUNDS);
		assert_eq!(burned(), 0);
	});
}

#[test]
fn who_quit_may_take_it_back_until_it_has_left() {
	run(|| {
		let blob = bytes(10);
		let deal = offer(&blob, 1, 30);
		assert_ok!(take(ALICE, deal));
		assert_noop!(stay(ALICE, deal), Error::<Test>::NotLeaving);
		assert_ok!(quit(ALICE, deal));
		assert_ok!(stay(ALICE, deal));
		assert_eq!(replica(ALICE, deal).unwrap().leaves_after, None);
	});
}

#[test]
fn stay_fails_for_others_and_when_it_is_too_late() {
	renewed(|deal, agreed, blob| {
		assert_noop!(stay(BOB, deal), Error::<Test>::NotKept);
		assert_noop!(stay(BOB, deal + 1), Error::<Test>::UnknownDeal);
		SweepDeals::set(0);
		for number in agreed - QUIT_ROUNDS + 1..=agreed {
			until_round(number);
			prove(ALICE, deal, &blob);
		}
		until_round(agreed + 1);
		assert_noop!(stay(ALICE, deal), Error::<Test>::NotKept);
	});
}

#[test]
fn a_keeper_that_had_announced_to_leave_earlier_still_does() {
	run(|| {
		let blob = bytes(5_000);
		StorageDeals::set_head(&MODEL, Some([BlobRef::of(&blob); 2]));
		assert_ok!(fund(MODEL, 100_000));
		let agreed = StorageDeals::deal(0).unwrap().until;
		assert_ok!(take(ALICE, 0));
		until_round(agreed - QUIT_ROUNDS - 1);
		assert_ok!(take(BOB, 0));
		assert_ok!(quit(BOB, 0));
		until_round(agreed - QUIT_ROUNDS);
		catch_up(0);
		assert_eq!(replica(BOB, 0).unwrap().last(), agreed - 1);
	});
}
