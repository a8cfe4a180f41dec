//! The blobs of heads, each kept from its model's own account.

use super::*;
use oda_pallet_traits::Heads;

const MODEL: ModelId = [1; 32];
const OTHER: ModelId = [2; 32];
const PLENTY: u64 = 100_000;

fn blob(of: u8, len: u64) -> BlobRef {
	BlobRef { root: [of; 32], len }
}

fn set(model: ModelId, blobs: [BlobRef; 2]) {
	StorageDeals::set_head(&model, Some(blobs));
}

fn deal_of(model: ModelId, blob: BlobRef) -> Option<DealId> {
	HeadDeals::<Test>::get(model, blob)
}

/// What a term of a small blob costs, deposit included.
fn term() -> u64 {
	StorageDeals::term_cost(5).unwrap()
}

#[test]
fn a_heads_blobs_are_offered_by_its_models_account() {
	run(|| {
		assert_ok!(fund(MODEL, PLENTY));
		set(MODEL, [blob(1, (3 << 20) + 1), blob(2, 5)]);
		let weights = StorageDeals::deal(deal_of(MODEL, blob(1, (3 << 20) + 1)).unwrap()).unwrap();
		assert_eq!((weights.payer, weights.model), (StorageDeals::model_account(&MODEL), Some(MODEL)));
		assert_eq!((weights.price, weights.max_price), (4 * HEAD_PRICE, 8 * HEAD_PRICE));
		assert_eq!(weights.slots.len(), HEAD_REPLICAS as usize);
		assert_eq!(weights.until, round() + HEAD_ROUNDS);
		let data = StorageDeals::deal(deal_of(MODEL, blob(2, 5)).unwrap()).unwrap();
		assert_eq!((data.price, data.max_price), (HEAD_PRICE, 2 * HEAD_PRICE));
		let both = StorageDeals::term_cost((3 << 20) + 1).unwrap() + term();
		assert_eq!(StorageDeals::storage_account(MODEL), (weights.payer, PLENTY - both));
	});
}

#[test]
fn each_model_has_an_account_of_its_own() {
	run(|| {
		assert_ne!(StorageDeals::model_account(&MODEL), StorageDeals::model_account(&OTHER));
		assert_ok!(fund(MODEL, PLENTY));
		let data = blob(9, 5);
		set(MODEL, [data, data]);
		set(OTHER, [data, data]);
		assert!(deal_of(MODEL, data).is_some());
		assert_eq!(deal_of(OTHER, data), None);
		assert_ok!(fund(OTHER, PLENTY));
		assert_ne!(deal_of(OTHER, data), deal_of(MODEL, data));
		assert_eq!(Deals::<Test>::iter().count(), 2);
	});
}

#[test]
fn fund_fails_for_models_that_are_not_open_and_what_cannot_be_paid() {
	run(|| {
		Closed::set(vec![MODEL]);
		assert_noop!(fund(MODEL, PLENTY), Error::<Test>::ModelNotOpen);
		assert_noop!(fund(OTHER, ED - 1), DispatchError::Token(TokenError::BelowMinimum));
		// An account that gives stays.
		assert!(fund(OTHER, wealth(PAYER)).is_err());
		assert_ok!(fund(OTHER, ED));
		assert!(happened(Event::ModelFunded { model: OTHER, who: PAYER, amount: ED }));
		assert_eq!(account_of(OTHER), ED);
	});
}

#[test]
fn the_cost_of_a_term_and_what_an_account_must_have_suffice() {
	run(|| {
		let data = blob(1, 5);
		set(MODEL, [data, data]);
		assert_ok!(fund(MODEL, term() + ED - 1));
		assert_eq!(deal_of(MODEL, data), None);
		assert_ok!(fund(MODEL, 1));
		assert!(deal_of(MODEL, data).is_some());
	});
}

#[test]
fn a_new_head_lets_the_old_weights_go_and_keeps_the_data() {
	run(|| {
		assert_ok!(fund(MODEL, PLENTY));
		let (old, new, data) = (blob(1, 5), blob(2, 5), blob(9, 5));
		set(MODEL, [old, data]);
		let kept = deal_of(MODEL, data);
		set(MODEL, [new, data]);
		assert_eq!(deal_of(MODEL, data), kept);
		assert_eq!(
			StorageDeals::head_deals(MODEL).iter().map(|(blob, _)| *blob).collect::<Vec<_>>(),
			[new, data]
		);
		// The old weights' deal just ends in time.
		until_round(round() + HEAD_ROUNDS + 1);
		pass(5);
		assert_eq!(deal_of(MODEL, old), None);
		assert!(deal_of(MODEL, new).is_some());
	});
}

#[test]
fn a_blob_that_is_both_weights_and_data_is_kept_once() {
	run(|| {
		assert_ok!(fund(MODEL, PLENTY));
		set(MODEL, [blob(1, 5), blob(1, 5)]);
		assert_eq!(Deals::<Test>::iter().count(), 1);
	});
}

#[test]
fn a_blob_needed_again_while_its_deal_runs_gets_no_second_one() {
	run(|| {
		assert_ok!(fund(MODEL, PLENTY));
		set(MODEL, [blob(1, 5), blob(2, 5)]);
		let deal = deal_of(MODEL, blob(1, 5));
		for _ in 0..5 {
			StorageDeals::set_head(&MODEL, None);
			set(MODEL, [blob(1, 5), blob(2, 5)]);
		}
		assert_eq!(deal_of(MODEL, blob(1, 5)), deal);
		assert_eq!(Deals::<Test>::iter().count(), 2);
	});
}

#[test]
fn a_heads_deal_is_renewed_in_place_before_it_ends_without_a_gap() {
	run(|| {
		assert_ok!(fund(MODEL, PLENTY));
		let bytes = bytes(5_000);
		let data = BlobRef::of(&bytes);
		set(MODEL, [data, data]);
		let deal = deal_of(MODEL, data).unwrap();
		assert_ok!(take(ALICE, deal));
		let until = StorageDeals::deal(deal).unwrap().until;
		for number in 3..until + 2 * HEAD_ROUNDS {
			until_round(number);
			let _ = stay(ALICE, deal);
			prove(ALICE, deal, &bytes);
		}
		let (second, third) = (until + HEAD_ROUNDS, until + 2 * HEAD_ROUNDS);
		assert!(happened(Event::DealRenewed { deal, agreed: until, until: second }));
		assert!(happened(Event::DealRenewed { deal, agreed: second, until: third }));
		assert_eq!(deal_of(MODEL, data), Some(deal));
	});
}

#[test]
fn blobs_that_are_empty_or_too_long_are_skipped() {
	run(|| {
		let (empty, long) = (blob(1, 0), blob(2, HEAD_MAX_LEN + 1));
		assert_ok!(fund(MODEL, PLENTY));
		set(MODEL, [empty, long]);
		assert!(happened(Event::HeadSkipped { model: MODEL, blob: empty }));
		assert!(happened(Event::HeadSkipped { model: MODEL, blob: long }));
		assert_eq!(StorageDeals::head_deals(MODEL), []);
		set(MODEL, [blob(3, HEAD_MAX_LEN), empty]);
		assert!(deal_of(MODEL, blob(3, HEAD_MAX_LEN)).is_some());
	});
}

#[test]
fn an_account_that_is_short_says_so_once_and_is_tried_again() {
	run(|| {
		let data = blob(1, 5);
		set(MODEL, [data, data]);
		assert_eq!(deal_of(MODEL, data), None);
		pass(25);
		let said = events().iter().filter(|event| matches!(event, Event::ModelShort { .. })).count();
		assert_eq!(said, 1);
		// However the money comes in.
		use polkadot_sdk::frame_support::traits::fungible::Mutate;
		Balances::mint_into(&StorageDeals::model_account(&MODEL), PLENTY).unwrap();
		pass(1);
		assert!(deal_of(MODEL, data).is_some());
		assert_eq!(Waiting::<Test>::iter().count(), 0);
	});
}

#[test]
fn what_can_be_paid_is_not_kept_waiting_by_what_cannot() {
	run(|| {
		let (long, short) = (blob(1, HEAD_MAX_LEN), blob(2, 5));
		set(MODEL, [long, short]);
		assert_ok!(fund(MODEL, term() + ED));
		assert_eq!(deal_of(MODEL, long), None);
		assert!(deal_of(MODEL, short).is_some());
	});
}

#[test]
fn a_deal_that_cannot_be_renewed_ends_and_is_offered_again_when_it_can_be_paid() {
	run(|| {
		let bytes = bytes(5_000);
		let data = BlobRef::of(&bytes);
		set(MODEL, [data, data]);
		assert_ok!(fund(MODEL, term() + ED));
		let deal = deal_of(MODEL, data).unwrap();
		assert_ok!(take(ALICE, deal));
		let until = StorageDeals::deal(deal).unwrap().until;
		System::reset_events();
		for number in 3..=until {
			until_round(number);
			prove(ALICE, deal, &bytes);
		}
		let said = events().iter().filter(|event| matches!(event, Event::ModelShort { .. })).count();
		assert_eq!(said, 1);
		until_round(until + 1);
		pass(2);
		assert_eq!(StorageDeals::deal(deal), None);
		assert_eq!(wealth(ALICE), ENDOWMENT + u64::from(until - 2) * HEAD_PRICE);
		assert_eq!(deal_of(MODEL, data), None);
		assert!(Waiting::<Test>::contains_key(MODEL, data));
		assert_ok!(fund(MODEL, PLENTY));
		assert!(deal_of(MODEL, data).is_some_and(|new| new != deal));
	});
}

#[test]
fn a_deal_that_waits_for_money_is_renewed_when_it_is_funded() {
	run(|| {
		let data = blob(1, 5);
		set(MODEL, [data, data]);
		assert_ok!(fund(MODEL, term() + ED));
		let deal = deal_of(MODEL, data).unwrap();
		let until = StorageDeals::deal(deal).unwrap().until;
		// Nothing was paid, so what it has lasts for a part of the next term.
		until_round(until - 1);
		catch_up(deal);
		assert!(Waiting::<Test>::contains_key(MODEL, data));
		assert_ok!(fund(MODEL, PLENTY));
		assert_eq!(StorageDeals::deal(deal).unwrap().until, until + HEAD_ROUNDS);
		assert_eq!(Waiting::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_retired_models_waiting_blobs_are_forgotten_and_its_money_burned() {
	run(|| {
		let data = blob(1, HEAD_MAX_LEN);
		set(MODEL, [data, data]);
		assert_ok!(fund(MODEL, ED + 7));
		Closed::set(vec![MODEL]);
		pass(1);
		assert_eq!((HeadOf::<Test>::iter().count(), Waiting::<Test>::iter().count()), (0, 0));
		assert!(happened(Event::LeftoverBurned { model: MODEL, amount: ED + 7 }));
	});
}

#[test]
fn a_model_without_a_head_is_as_if_it_had_never_had_one() {
	run(|| {
		StorageDeals::set_head(&MODEL, None);
		set(MODEL, [blob(1, 5), blob(2, 5)]);
		StorageDeals::set_head(&MODEL, None);
		assert_eq!(HeadOf::<Test>::iter().count(), 0);
		assert_eq!(HeadDeals::<Test>::iter().count(), 0);
		assert_eq!(Waiting::<Test>::iter().count(), 0);
	});
}
