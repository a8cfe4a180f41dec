//! What missed rounds cost.

use super::*;
use crate::types::{End, Fate, Miss, MissRules};

const RULES: MissRules = MissRules { free: 1, max: 3 };

/// A replica with a stake of 101 that is challenged from round 10 on.
fn kept() -> Replica<u64, u64> {
	Replica {
		keeper: ALICE,
		price: PRICE,
		stake: MIN_STAKE,
		left: MIN_STAKE,
		first: 10,
		proved: None,
		misses: 0,
		until: u32::MAX,
		leaves_after: None,
	}
}

/// Alice keeps a replica alone, and is challenged from round 3 on.
fn keeping(test: impl FnOnce(DealId, Vec<u8>)) {
	run(|| {
		let blob = bytes(5_000);
		let deal = offer(&blob, 1, 50);
		assert_ok!(take(ALICE, deal));
		test(deal, blob);
	});
}

#[test]
fn the_first_miss_costs_the_pay_of_its_round_alone() {
	keeping(|deal, blob| {
		until_round(4);
		catch_up(deal);
		assert!(happened(Event::RoundMissed { deal, keeper: ALICE, round: 3, misses: 1, burned: 0 }));
		assert_eq!(wealth(ALICE), ENDOWMENT);
		prove(ALICE, deal, &blob);
		assert_eq!(replica(ALICE, deal).unwrap().misses, 0);
		assert_eq!(wealth(ALICE), ENDOWMENT + PRICE);
	});
}

#[test]
fn the_second_miss_in_a_row_costs_the_larger_half_of_the_stake() {
	keeping(|deal, _| {
		until_round(5);
		catch_up(deal);
		assert!(happened(Event::RoundMissed { deal, keeper: ALICE, round: 4, misses: 2, burned: 51 }));
		assert_eq!(wealth(ALICE), ENDOWMENT - 51);
		assert_eq!(held(HoldReason::KeeperBond, ALICE), MIN_BOND - 51);
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.bond, keeper.staked), (MIN_BOND - 51, MIN_STAKE - 51));
		assert_eq!(replica(ALICE, deal).unwrap().left, MIN_STAKE - 51);
	});
}

#[test]
fn the_third_miss_in_a_row_costs_the_rest_and_the_slot() {
	keeping(|deal, _| {
		until_round(6);
		catch_up(deal);
		assert!(happened(Event::RoundMissed { deal, keeper: ALICE, round: 5, misses: 3, burned: 50 }));
		assert!(happened(Event::ReplicaLost { deal, slot: 0, keeper: ALICE }));
		assert!(happened(Event::RepairOffered { deal, slot: 0, from: 6 }));
		assert_eq!(wealth(ALICE), ENDOWMENT - MIN_STAKE);
		assert_eq!(slot(deal, 0), Slot::Free { since: 6 });
		let keeper = StorageDeals::keeper(ALICE).unwrap();
		assert_eq!((keeper.staked, keeper.used, keeper.replicas), (0, 0, 0));
	});
}

#[test]
fn a_lost_slot_is_offered_at_a_price_that_rises_again() {
	keeping(|deal, _| {
		SweepDeals::set(0);
		until_round(10);
		assert_ok!(settle(deal));
		assert_eq!(slot(deal, 0), Slot::Free { since: 6 });
		assert_eq!(StorageDeals::price(deal, 0), Some(PRICE + 4 * 2));
		assert_ok!(take(BOB, deal));
		assert_eq!(replica(BOB, deal).unwrap().price, PRICE + 4 * 2);
	});
}

#[test]
fn a_proof_resets_the_count_but_returns_no_stake() {
	keeping(|deal, blob| {
		until_round(5);
		prove(ALICE, deal, &blob);
		let kept = replica(ALICE, deal).unwrap();
		assert_eq!((kept.misses, kept.left), (0, MIN_STAKE - 51));
		// Another two in a row cost the other half, and with it the slot.
		until_round(8);
		catch_up(deal);
		assert!(happened(Event::RoundMissed { deal, keeper: ALICE, round: 7, misses: 2, burned: 50 }));
		assert!(happened(Event::ReplicaLost { deal, slot: 0, keeper: ALICE }));
		assert_eq!(replica(ALICE, deal), None);
	});
}

#[test]
fn every_other_round_missed_costs_its_pay_alone() {
	keeping(|deal, blob| {
		for number in 3..33 {
			until_round(number);
			if number % 2 == 1 {
				prove(ALICE, deal, &blob);
			}
		}
		assert_eq!(wealth(ALICE), ENDOWMENT + 15 * PRICE);
		assert_eq!(burned(), 0);
	});
}

#[test]
fn fates_do_not_depend_on_when_they_are_read() {
	for proved in [None, Some(10), Some(11), Some(12)] {
		for last in 9..20 {
			for between in 9..=last {
				let mut replica = kept();
				// A proof settles the rounds before its own.
				if let Some(round) = proved.filter(|round| *round <= between) {
					let before = replica.fate(9, round - 1, RULES);
					(replica.left, replica.proved, replica.misses) = (before.left, proved, 0);
					let at_once = replica.fate(round - 1, last, RULES);
					let first = replica.fate(round - 1, between, RULES);
					assert_eq!(joined(&replica, first, between, last), at_once);
				} else {
					let at_once = replica.fate(9, last, RULES);
					let first = replica.fate(9, between, RULES);
					assert_eq!(joined(&replica, first, between, last), at_once);
				}
			}
		}
	}
}

/// `first`, read after round `between`, and what comes until `last`.
fn joined(replica: &Replica<u64, u64>, first: Fate<u64>, between: u32, last: u32) -> Fate<u64> {
	if first.end.is_some() {
		return first;
	}
	let mut later = replica.clone();
	(later.left, later.misses) = (first.left, first.in_a_row);
	let second = later.fate(between, last, RULES);
	Fate { misses: [first.misses, second.misses].concat(), ..second }
}

#[test]
fn a_fate_is_told_in_few_steps_however_long_it_took() {
	let fate = kept().fate(0, u32::MAX, RULES);
	let miss = |round, misses, lost| Miss { round, misses, lost };
	assert_eq!(fate.misses, [miss(10, 1, 0), miss(11, 2, 51), miss(12, 3, 50)]);
	assert_eq!(fate.end, Some(End::Lost(12)));
	let leaving = Replica { leaves_after: Some(11), proved: Some(10), ..kept() };
	let fate = leaving.fate(9, u32::MAX, RULES);
	assert_eq!((fate.misses, fate.left, fate.end), (vec![miss(11, 1, 0)], 101, Some(End::Left(11))));
}
