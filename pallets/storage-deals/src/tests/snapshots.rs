//! What is under way goes on as it was agreed, whatever the parameters are later.

use super::{
	property::{Step, make, step},
	*,
};
use oda_pallet_traits::Heads;
use polkadot_sdk::{sp_core::H256, sp_io, sp_runtime::StateVersion};
use proptest::prelude::*;

#[test]
fn a_round_ends_when_it_was_to_end() {
	run(|| {
		let ends_at = StorageDeals::round().unwrap().ends_at;
		RoundLength::set(1);
		pass(ends_at - Time::get() - 1);
		assert_eq!(round(), 1);
		pass(1);
		assert_eq!(round(), 2);
		pass(1);
		assert_eq!(round(), 3);
	});
}

#[test]
fn a_retired_keeper_is_free_when_it_was_told() {
	run(|| {
		assert_ok!(StorageDeals::retire(RuntimeOrigin::signed(ALICE)));
		UnbondingPeriod::set(1_000);
		pass(UNBONDING);
		assert_ok!(StorageDeals::withdraw(RuntimeOrigin::signed(ALICE)));
	});
}

#[test]
fn misses_cost_what_they_cost_when_the_deal_was_made() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 30);
		assert_ok!(take(ALICE, deal));
		FreeMisses::set(0);
		MaxMisses::set(1);
		until_round(4);
		catch_up(deal);
		assert!(happened(Event::RoundMissed { deal, keeper: ALICE, round: 3, misses: 1, burned: 0 }));
		assert!(replica(ALICE, deal).is_some());
		FreeMisses::set(100);
		MaxMisses::set(200);
		until_round(6);
		catch_up(deal);
		assert_eq!(replica(ALICE, deal), None);
		assert_eq!(burned(), MIN_STAKE);
	});
}

#[test]
fn keepers_leave_and_prices_rise_as_when_the_deal_was_made() {
	run(|| {
		let deal = offer(&bytes(10), 2, 30);
		assert_ok!(take(ALICE, deal));
		Quitting::set(20);
		Raising::set(1);
		let now = round();
		assert_ok!(quit(ALICE, deal));
		assert_eq!(replica(ALICE, deal).unwrap().leaves_after, Some(now + QUIT_ROUNDS));
		until_round(now + 1);
		assert_eq!(StorageDeals::price(deal, 1), Some(PRICE + 2));
		assert_ok!(StorageDeals::cancel(RuntimeOrigin::signed(PAYER), deal));
		assert_eq!(StorageDeals::deal(deal).unwrap().until, now + 1 + QUIT_ROUNDS);
	});
}

#[test]
fn a_heads_deal_is_not_renewed_on_other_terms_but_ends_and_is_offered_anew() {
	run(|| {
		let data = BlobRef { root: [1; 32], len: 5 };
		StorageDeals::set_head(&[1; 32], Some([data; 2]));
		assert_ok!(fund([1; 32], 100_000));
		let until = StorageDeals::deal(0).unwrap().until;
		HeadPays::set(2 * HEAD_PRICE);
		until_round(until);
		catch_up(0);
		assert_eq!(StorageDeals::deal(0).unwrap().until, until);
		until_round(until + 1);
		pass(3);
		assert_eq!(StorageDeals::deal(0), None);
		assert_eq!(StorageDeals::deal(1).unwrap().price, 2 * HEAD_PRICE);
	});
}

/// What the chain comes to, if the parameters change between the steps, or do not.
fn outcome(before: &[Step], change: Option<&([u32; 5], Tick, u64)>, after: &[Step]) -> (H256, usize) {
	Time::set(100);
	SweepDeals::set(2);
	Closed::set(vec![]);
	let outcome = bare_ext().execute_with(|| {
		(1..=3).for_each(|who| enlist(who, 12 << 20));
		before.iter().cloned().for_each(make);
		if let Some(([raising, quitting, free, misses, term], unbonding, pays)) = change {
			Raising::set(*raising);
			Quitting::set(*quitting);
			FreeMisses::set(*free);
			MaxMisses::set(free + misses);
			HeadTerm::set(*term);
			HeadPays::set(*pays);
			UnbondingPeriod::set(*unbonding);
		}
		after.iter().cloned().for_each(make);
		pass(10 * 45);
		(H256::from_slice(&sp_io::storage::root(StateVersion::V1)), System::event_count() as usize)
	});
	Raising::set(RAISE_ROUNDS);
	Quitting::set(QUIT_ROUNDS);
	FreeMisses::set(1);
	MaxMisses::set(3);
	HeadTerm::set(HEAD_ROUNDS);
	HeadPays::set(HEAD_PRICE);
	UnbondingPeriod::set(UNBONDING);
	outcome
}

/// Whether a step makes an entry, whose terms are those of the moment. A head's deal is renewed on the terms of then, or
/// ends.
fn makes_an_entry(step: &Step) -> bool {
	matches!(
		step,
		Step::Enlist(..)
			| Step::SetCapacity(..)
			| Step::Retire(..)
			| Step::Offer { .. }
			| Step::SetHead(..)
			| Step::Fund(..)
	)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn no_parameter_affects_what_is_under_way(
		before in prop::collection::vec(step(), 1..80),
		after in prop::collection::vec(step(), 1..80),
		change in ([1..50u32, 1..50, 0..50, 1..50, 1..50], 1..1_000u64, 1..50u64),
	) {
		let heads = |step: &Step| matches!(step, Step::SetHead(..));
		let before: Vec<_> = before.into_iter().filter(|step| !heads(step)).collect();
		let after: Vec<_> = after.into_iter().filter(|step| !makes_an_entry(step)).collect();
		let agreed = outcome(&before, None, &after);
		prop_assert_eq!(outcome(&before, Some(&change), &after), agreed);
	}
}
