//! Rounds.

use super::*;
use oda_primitives::hash;
use polkadot_sdk::{frame_support::weights::Weight, frame_system::RawOrigin};

#[test]
fn the_first_tick_starts_round_one_and_each_lasts_its_time() {
	bare_ext().execute_with(|| {
		assert_eq!(StorageDeals::round(), None);
		pass(1);
		let started_at = Time::get();
		let first = StorageDeals::round().unwrap();
		assert_eq!((first.number, first.started_at), (1, started_at));
		pass(9);
		assert_eq!(round(), 1);
		pass(1);
		assert_eq!(round(), 2);
		assert_eq!(StorageDeals::round().unwrap().started_at, started_at + 10);
	});
}

#[test]
fn the_seed_is_drawn_from_the_number_and_the_randomness() {
	bare_ext().execute_with(|| {
		pass(1);
		let first = StorageDeals::round().unwrap();
		let drawn = <Dice as Randomness<_, _>>::random(b"oda/round/1").0;
		assert_eq!(first.seed, hash::round_seed(1, drawn));
		assert!(happened(Event::RoundStarted { round: 1, seed: first.seed }));
		until_round(2);
		assert_ne!(StorageDeals::round().unwrap().seed, first.seed);
	});
}

#[test]
fn rounds_that_never_started_are_not_counted_and_cost_nobody_anything() {
	run(|| {
		let blob = bytes(5_000);
		let deal = offer(&blob, 1, 20);
		assert_ok!(take(ALICE, deal));
		until_round(round() + 2);
		prove(ALICE, deal, &blob);
		let number = round();
		// No hook runs for as long as many rounds.
		Time::set(Time::get() + 95);
		pass(1);
		assert_eq!(round(), number + 1);
		prove(ALICE, deal, &blob);
		until_round(number + 2);
		assert_noop!(settle(deal), Error::<Test>::NothingDue);
		assert_eq!(replica(ALICE, deal).unwrap().misses, 0);
		assert_eq!(burned(), 0);
	});
}

/// A tick whose hooks have so much weight; how much they used.
fn poll_with(limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit);
	StorageDeals::poll(&mut meter);
	assert!(meter.consumed().all_lte(limit));
	meter.consumed()
}

#[test]
fn a_round_that_finds_no_weight_starts_when_there_is_some() {
	bare_ext().execute_with(|| {
		assert_eq!(poll_with(Weight::zero()), Weight::zero());
		assert_eq!(poll_with(START_ROUND), POLL);
		assert_eq!(StorageDeals::round(), None);
		assert_eq!(poll_with(START_ROUND + POLL), START_ROUND + POLL);
		assert_eq!(round(), 1);
	});
}

#[test]
fn the_sweep_stops_where_the_weight_does_and_goes_on_later() {
	run(|| {
		SweepDeals::set(100);
		let blob = bytes(10);
		for _ in 0..4 {
			let deal = offer(&blob, 3, 20);
			assert_ok!(take(ALICE, deal));
		}
		pass(1);
		Time::set(Time::get() + 10);
		assert_eq!(poll_with(POLL + START_ROUND), POLL + START_ROUND);
		let settled = || Deals::<Test>::iter_values().filter(|deal| deal.settled + 1 == round()).count();
		assert_eq!(round(), 2);
		Time::set(Time::get() + 10);
		poll_with(POLL + START_ROUND);
		assert_eq!((round(), settled()), (3, 0));
		// A deal that may have as many replicas as there can be has to fit, one of three is paid for.
		let most = SWEEP_DEAL + CATCH_UP * u64::from(MAX_REPLICAS);
		let one = SWEEP_DEAL + CATCH_UP * 3;
		assert_eq!(poll_with(POLL + most - Weight::from_parts(1, 0)), POLL);
		assert_eq!(poll_with(POLL + most), POLL + one);
		assert_eq!(settled(), 1);
		assert_eq!(poll_with(POLL + one * 2 + most), POLL + one * 3);
		assert_eq!(settled(), 4);
		// What is left is to see that there is no other.
		assert_eq!(poll_with(Weight::MAX), POLL + SWEEP_DEAL);
		assert_eq!(poll_with(Weight::MAX), POLL);
	});
}

#[test]
fn a_waiting_head_is_tried_once_a_tick_if_the_weight_suffices() {
	use oda_pallet_traits::Heads;
	run(|| {
		pass(2);
		for model in 0..3 {
			StorageDeals::set_head(&[model; 32], Some([BlobRef { root: [model; 32], len: 5 }; 2]));
		}
		assert_eq!(poll_with(POLL + RETRY_HEAD), POLL + RETRY_HEAD);
		assert_eq!(poll_with(RETRY_HEAD), POLL);
	});
}

#[test]
fn calls_weigh_what_they_settled() {
	run(|| {
		SweepDeals::set(0);
		let blob = bytes(10);
		let deal = offer(&blob, 3, 20);
		let weight = |result: DispatchResultWithPostInfo| result.unwrap().actual_weight.unwrap();
		let signed = RuntimeOrigin::signed;
		assert_eq!(weight(StorageDeals::take(signed(ALICE), deal)), CALL);
		until_round(3);
		assert_eq!(weight(StorageDeals::take(signed(BOB), deal)), CALL + CATCH_UP * 3);
		let answer = || {
			let proof = proof(ALICE, deal, &blob);
			let signature = sign(ALICE, deal, round(), &proof);
			StorageDeals::prove(RawOrigin::Authorized.into(), deal, round(), ALICE, proof, signature)
		};
		assert_eq!(weight(answer()), CALL);
		until_round(4);
		assert_eq!(weight(answer()), CALL + CATCH_UP * 3);
		assert_eq!(weight(StorageDeals::quit(signed(ALICE), deal)), CALL);
		until_round(5);
		assert_eq!(weight(StorageDeals::cancel(signed(PAYER), deal)), CALL + CATCH_UP * 3);
		until_round(30);
		assert_eq!(weight(StorageDeals::settle(signed(PAYER), deal)), CALL + CATCH_UP * 3);
	});
}
