//! The blobs of heads.

use super::*;
use oda_pallet_traits::Heads;

const MODEL: ModelId = [1; 32];
const OTHER: ModelId = [2; 32];
const POT: u64 = 100_000;

fn blob(of: u8, len: u64) -> BlobRef {
	BlobRef { root: [of; 32], len }
}

fn set(model: ModelId, blobs: [BlobRef; 2]) {
	Storage::set_head(&model, Some(blobs));
}

fn deal_of(blob: BlobRef) -> Option<DealId> {
	Storage::wanted(blob).and_then(|wanted| wanted.deal)
}

fn references(blob: BlobRef) -> Option<u32> {
	Storage::wanted(blob).map(|wanted| wanted.references)
}

/// What the pot has.
fn pot() -> u64 {
	wealth(Storage::pot())
}

#[test]
fn the_pot_is_funded_at_genesis() {
	with_pot(POT).execute_with(|| assert_eq!(pot(), POT));
	with_pot(0).execute_with(|| assert_eq!(pot(), 0));
}

#[test]
#[should_panic(expected = "the pot cannot be funded at genesis")]
fn genesis_fails_with_less_in_the_pot_than_an_account_must_have() {
	drop(with_pot(ED - 1));
}

#[test]
fn a_heads_blobs_are_offered_by_the_pot() {
	run_with_pot(POT, || {
		set(MODEL, [blob(1, (3 << 20) + 1), blob(2, 5)]);
		let weights = Storage::deal(deal_of(blob(1, (3 << 20) + 1)).unwrap()).unwrap();
		assert_eq!(weights.payer, Storage::pot());
		assert_eq!((weights.price, weights.max_price), (4 * HEAD_PRICE, 8 * HEAD_PRICE));
		assert_eq!(weights.slots.len(), HEAD_REPLICAS as usize);
		assert_eq!(weights.until, round() + HEAD_ROUNDS);
		let data = Storage::deal(deal_of(blob(2, 5)).unwrap()).unwrap();
		assert_eq!((data.price, data.max_price), (HEAD_PRICE, 2 * HEAD_PRICE));
	});
}

#[test]
fn a_blob_of_two_heads_is_paid_once_and_as_long_as_one_needs_it() {
	run_with_pot(POT, || {
		let (first, second, data) = (blob(1, 5), blob(2, 5), blob(9, 5));
		set(MODEL, [first, data]);
		set(OTHER, [second, data]);
		assert_eq!(references(data), Some(2));
		assert_eq!(Deals::<Test>::iter().count(), 3);
		Storage::set_head(&MODEL, None);
		assert_eq!((references(first), references(data)), (Some(0), Some(1)));
		Storage::do_try_state().unwrap();
	});
}

#[test]
fn a_new_head_lets_the_old_weights_go_and_keeps_the_data() {
	run_with_pot(POT, || {
		let (old, new, data) = (blob(1, 5), blob(2, 5), blob(9, 5));
		set(MODEL, [old, data]);
		let kept = deal_of(data);
		set(MODEL, [new, data]);
		assert_eq!(deal_of(data), kept);
		assert_eq!((references(old), references(new), references(data)), (Some(0), Some(1), Some(1)));
		// The old weights' deal just ends in time.
		until_round(round() + HEAD_ROUNDS + 1);
		pass(5);
		assert_eq!(Storage::wanted(old), None);
		assert!(deal_of(new).is_some());
	});
}

#[test]
fn a_blob_that_is_both_weights_and_data_counts_once() {
	run_with_pot(POT, || {
		set(MODEL, [blob(1, 5), blob(1, 5)]);
		assert_eq!(references(blob(1, 5)), Some(1));
		Storage::set_head(&MODEL, None);
		assert_eq!(references(blob(1, 5)), Some(0));
	});
}

#[test]
fn a_blob_wanted_again_while_its_deal_runs_gets_no_second_one() {
	run_with_pot(POT, || {
		set(MODEL, [blob(1, 5), blob(2, 5)]);
		let deal = deal_of(blob(1, 5));
		for _ in 0..5 {
			Storage::set_head(&MODEL, None);
			set(MODEL, [blob(1, 5), blob(2, 5)]);
		}
		assert_eq!(deal_of(blob(1, 5)), deal);
		assert_eq!(Deals::<Test>::iter().count(), 2);
	});
}

#[test]
fn a_heads_deal_is_renewed_in_place_before_it_ends_without_a_gap() {
	run_with_pot(POT, || {
		let bytes = bytes(5_000);
		let data = BlobRef::of(&bytes);
		set(MODEL, [data, data]);
		let deal = deal_of(data).unwrap();
		assert_ok!(take(ALICE, deal));
		let until = Storage::deal(deal).unwrap().until;
		for number in 3..until + 2 * HEAD_ROUNDS {
			until_round(number);
			prove(ALICE, deal, &bytes);
		}
		assert!(happened(Event::DealRenewed { deal, until: until + HEAD_ROUNDS }));
		assert!(happened(Event::DealRenewed { deal, until: until + 2 * HEAD_ROUNDS }));
		assert_eq!(deal_of(data), Some(deal));
	});
}

#[test]
fn who_quits_when_a_deal_is_renewed_leaves_at_the_end_it_agreed_to() {
	run_with_pot(POT, || {
		let data = blob(1, 5);
		set(MODEL, [data, data]);
		let deal = deal_of(data).unwrap();
		assert_ok!(take(ALICE, deal));
		let until = Storage::deal(deal).unwrap().until;
		until_round(until - QUIT_ROUNDS);
		assert!(happened(Event::DealRenewed { deal, until: until + HEAD_ROUNDS }));
		// It never proved anything: others would have a replica to quit.
		assert_eq!(replica(ALICE, deal), None);
		assert_ok!(take(BOB, deal));
		assert_ok!(quit(BOB, deal));
		assert_eq!(replica(BOB, deal).unwrap().leaves_after, Some(until));
	});
}

#[test]
fn blobs_that_are_empty_or_too_long_are_skipped() {
	run_with_pot(POT, || {
		let (empty, long) = (blob(1, 0), blob(2, HEAD_MAX_LEN + 1));
		set(MODEL, [empty, long]);
		assert!(happened(Event::HeadSkipped { model: MODEL, blob: empty }));
		assert!(happened(Event::HeadSkipped { model: MODEL, blob: long }));
		assert_eq!((Storage::wanted(empty), Storage::wanted(long)), (None, None));
		set(MODEL, [blob(3, HEAD_MAX_LEN), empty]);
		assert!(deal_of(blob(3, HEAD_MAX_LEN)).is_some());
	});
}

#[test]
fn an_empty_pot_says_so_once_and_is_tried_again() {
	run_with_pot(0, || {
		let data = blob(1, 5);
		set(MODEL, [data, data]);
		assert_eq!(deal_of(data), None);
		pass(25);
		let said = events().iter().filter(|event| matches!(event, Event::PotEmpty { .. })).count();
		assert_eq!(said, 1);
		fill_pot(POT);
		pass(1);
		assert!(deal_of(data).is_some());
		assert_eq!(Unfunded::<Test>::iter().count(), 0);
	});
}

fn fill_pot(amount: u64) {
	use polkadot_sdk::frame_support::traits::fungible::Mutate;
	Balances::mint_into(&Storage::pot(), amount).unwrap();
}

#[test]
fn what_the_pot_can_pay_is_not_kept_waiting_by_what_it_cannot() {
	run_with_pot(0, || {
		let (long, short) = (blob(1, HEAD_MAX_LEN), blob(2, 5));
		set(MODEL, [long, short]);
		// Enough for the short one and its deposit.
		let deposit = 5 + Storage::deal_footprint().size;
		fill_pot(u64::from(HEAD_REPLICAS * HEAD_ROUNDS) * 2 * HEAD_PRICE + deposit + ED);
		pass(2);
		assert_eq!(deal_of(long), None);
		assert!(deal_of(short).is_some());
	});
}

#[test]
fn a_deal_that_cannot_be_renewed_ends_and_is_offered_again_when_it_can_be_paid() {
	let deposit = with_pot(0).execute_with(|| 5 + Storage::deal_footprint().size);
	let once = u64::from(HEAD_REPLICAS * HEAD_ROUNDS) * 2 * HEAD_PRICE + deposit + ED;
	run_with_pot(once, || {
		let bytes = bytes(5_000);
		let data = BlobRef::of(&bytes);
		set(MODEL, [data, data]);
		let deal = deal_of(data).unwrap();
		assert_ok!(take(ALICE, deal));
		let until = Storage::deal(deal).unwrap().until;
		for number in 3..=until {
			until_round(number);
			prove(ALICE, deal, &bytes);
		}
		assert!(happened(Event::PotEmpty { blob: data }));
		until_round(until + 1);
		pass(2);
		assert_eq!(Storage::deal(deal), None);
		assert_eq!(wealth(ALICE), ENDOWMENT + u64::from(until - 2) * HEAD_PRICE);
		assert_eq!(deal_of(data), None);
		assert!(Unfunded::<Test>::contains_key(data));
		fill_pot(POT);
		pass(1);
		assert!(deal_of(data).is_some_and(|new| new != deal));
	});
}

#[test]
fn a_model_without_a_head_is_as_if_it_had_never_had_one() {
	run_with_pot(0, || {
		Storage::set_head(&MODEL, None);
		set(MODEL, [blob(1, 5), blob(2, 5)]);
		Storage::set_head(&MODEL, None);
		assert_eq!(HeadOf::<Test>::iter().count(), 0);
		assert_eq!(WantedBlobs::<Test>::iter().count(), 0);
		assert_eq!(Unfunded::<Test>::iter().count(), 0);
	});
}
