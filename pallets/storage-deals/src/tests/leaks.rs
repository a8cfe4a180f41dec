//! Where money or room leaked: each attack, and that it brings nothing any more.

use super::*;
use codec::Encode;
use oda_pallet_traits::Heads;
use polkadot_sdk::{
	frame_support::{dispatch::GetDispatchInfo, traits::Authorize, weights::Weight},
	frame_system::RawOrigin,
};

/// A model of the attacker's, and one of somebody else.
const TOY: ModelId = [1; 32];
const HONEST: ModelId = [2; 32];

/// What the attacker has: it pays for the toy, and owns all keepers.
fn attackers() -> u64 {
	KEEPERS.into_iter().chain([PAYER]).map(wealth).sum()
}

/// All keepers answer for all deals of the round; the blob is theirs to make.
fn keep_for(rounds: u32, blob: &[u8]) {
	for _ in 0..rounds {
		for (deal, _) in StorageDeals::deals(None, 100) {
			for who in KEEPERS {
				let _ = take(who, deal);
				let _ = stay(who, deal);
				if StorageDeals::challenge(deal, who).is_some() {
					prove(who, deal, blob);
				}
			}
		}
		until_round(round() + 1);
	}
}

#[test]
fn leak_who_keeps_its_own_toy_model_is_paid_with_its_own_money_only() {
	run(|| {
		// Somebody else has paid for an honest model's first term, and does not need it yet.
		use polkadot_sdk::frame_support::traits::fungible::Mutate;
		Balances::mint_into(&StorageDeals::model_account(&HONEST), 50_000).unwrap();
		let blob = bytes(3 << 20);
		let toy = BlobRef::of(&blob);
		let before = attackers();
		// Nobody pays for a toy: the attacker's model has its own account only.
		StorageDeals::set_head(&TOY, Some([toy, toy]));
		assert!(happened(Event::ModelShort { model: TOY, blob: toy }));
		keep_for(3 * HEAD_ROUNDS, &blob);
		assert_eq!(attackers(), before, "nothing was earned");
		// It pays itself: what its keepers earn is what it gave.
		assert_ok!(fund(TOY, 3_000));
		keep_for(3 * HEAD_ROUNDS, &blob);
		assert!(events().iter().any(|event| matches!(event, Event::RoundProved { .. })));
		assert!(attackers() + account_of(TOY) == before, "money moved in a circle");
		assert_eq!(account_of(HONEST), 50_000);
		// Retired, it stops at the end of the term; the rest is burned.
		Closed::set(vec![TOY]);
		keep_for(3 * HEAD_ROUNDS, &blob);
		assert_eq!(StorageDeals::deals(None, 100), []);
		assert!(attackers() <= before);
		assert_eq!((account_of(TOY), account_of(HONEST)), (0, 50_000));
	});
}

#[test]
fn leak_a_hundred_toy_models_starve_no_honest_head() {
	run(|| {
		let blob = bytes(5_000);
		for toy in 100..200 {
			StorageDeals::set_head(&[toy; 32], Some([BlobRef { root: [toy; 32], len: 4 << 20 }; 2]));
		}
		StorageDeals::set_head(&HONEST, Some([BlobRef::of(&blob); 2]));
		assert_eq!(StorageDeals::head_deals(HONEST), [(BlobRef::of(&blob), None)]);
		// However many wait, funding a model has its own blobs offered at once.
		assert_ok!(fund(HONEST, StorageDeals::term_cost(5_000).unwrap() + ED));
		assert_eq!(StorageDeals::head_deals(HONEST), [(BlobRef::of(&blob), Some(0))]);
		assert_eq!(Deals::<Test>::iter().count(), 1);
	});
}

#[test]
fn leak_a_retired_model_is_not_kept_by_others_money_for_ever() {
	run(|| {
		let blob = bytes(5_000);
		StorageDeals::set_head(&TOY, Some([BlobRef::of(&blob); 2]));
		assert_ok!(fund(TOY, 100_000));
		let until = StorageDeals::deal(0).unwrap().until;
		Closed::set(vec![TOY]);
		assert_noop!(fund(TOY, 1_000), Error::<Test>::ModelNotOpen);
		keep_for(until, &blob);
		pass(5);
		assert_eq!(Deals::<Test>::iter().count(), 0);
		let left = events().into_iter().find_map(|event| match event {
			Event::LeftoverBurned { model: TOY, amount } => Some(amount),
			_ => None,
		});
		assert!(left.is_some_and(|left| left > 90_000), "{left:?}");
		assert_eq!(account_of(TOY), 0);
		// Whatever happens to it later, nothing is kept for it.
		StorageDeals::set_head(&TOY, Some([BlobRef::of(b"other"); 2]));
		assert_eq!(HeadOf::<Test>::iter().count(), 0);
	});
}

#[test]
fn leak_deals_that_nobody_takes_hide_no_keeper() {
	run(|| {
		let blob = bytes(10);
		let root = BlobRef::of(&blob).root;
		// More than were ever searched, before and after the real one.
		for _ in 0..1_100 {
			assert_ok!(StorageDeals::offer(
				RuntimeOrigin::signed(PAYER),
				BlobRef { root, len: 9 },
				1,
				2,
				2,
				2
			));
		}
		let deal = offer(&blob, 2, 20);
		for _ in 0..1_100 {
			assert_ok!(StorageDeals::offer(
				RuntimeOrigin::signed(PAYER),
				BlobRef { root, len: 9 },
				1,
				2,
				2,
				2
			));
		}
		assert_ok!(take(ALICE, deal));
		assert_ok!(take(BOB, deal));
		let mut kept: Vec<_> =
			StorageDeals::keepers_of(root, None, 100).into_iter().map(|(who, _)| who).collect();
		kept.sort_unstable();
		assert_eq!(kept, [ALICE, BOB]);
		assert_eq!(KeepersOf::<Test>::iter().count(), 2, "an offer costs no entry");
	});
}

#[test]
fn leak_a_settlement_that_is_not_due_enters_no_block() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 20);
		let call = RuntimeCall::from(Call::<Test>::settle { deal });
		let pool = || call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid);
		assert_eq!(pool(), Err(refused(Error::NothingDue)));
		let unknown = RuntimeCall::from(Call::<Test>::settle { deal: 9 });
		let said = unknown.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid);
		assert_eq!(said, Err(refused(Error::UnknownDeal)));
		until_round(round() + 2);
		let valid = pool().unwrap();
		assert_eq!(valid.provides, [("OdaStorage", (b"settle", deal)).encode()]);
		// Without anybody's signature or money, once.
		let settle = || StorageDeals::settle(RawOrigin::Authorized.into(), deal);
		assert_eq!(settle().unwrap().pays_fee, Pays::No);
		assert_eq!(pool(), Err(refused(Error::NothingDue)));
		for origin in [RawOrigin::None, RawOrigin::Root] {
			let result = StorageDeals::settle(origin.into(), deal).map_err(|error| error.error);
			assert_noop!(result, DispatchError::BadOrigin);
		}
	});
}

#[test]
fn leak_who_loses_a_race_pays_for_a_look_only() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 20);
		let signed = RuntimeOrigin::signed;
		let declared = |call: Call<Test>| RuntimeCall::from(call).get_dispatch_info().call_weight;
		let lost = |result: DispatchResultWithPostInfo| result.unwrap_err().post_info.actual_weight;
		let most = CALL + CATCH_UP * u64::from(MAX_REPLICAS);
		assert_eq!(lost(StorageDeals::settle(signed(ALICE), deal)), Some(CALL));
		assert_ok!(take(ALICE, deal));
		assert_eq!(lost(StorageDeals::take(signed(BOB), deal)), Some(CALL));
		assert_eq!(lost(StorageDeals::quit(signed(BOB), deal)), Some(CALL));
		assert_eq!(lost(StorageDeals::stay(signed(BOB), deal)), Some(CALL));
		assert_eq!(lost(StorageDeals::cancel(signed(BOB), deal)), Some(CALL));
		assert_eq!(lost(StorageDeals::settle(signed(BOB), deal + 1)), Some(CALL));
		for call in [Call::take { deal }, Call::quit { deal }, Call::stay { deal }, Call::settle { deal }] {
			// What is settled first may be paid for, and is no more than what was declared.
			assert!(Weight::all_lte(most, declared(call)));
		}
		until_round(round() + 2);
		assert_eq!(lost(StorageDeals::take(signed(BOB), deal)), Some(most));
	});
}
