//! Offering deals.

use super::*;
use oda_primitives::MAX_BLOB_LEN;

const BLOB: BlobRef = BlobRef { root: [1; 32], len: 5_000 };

fn terms(blob: BlobRef, replicas: u8, rounds: u32, price: u64, most: u64) -> DispatchResult {
	StorageDeals::offer(RuntimeOrigin::signed(PAYER), blob, replicas, rounds, price, most)
}

#[test]
fn an_offer_holds_all_that_it_can_cost() {
	run(|| {
		let current = round();
		assert_ok!(terms(BLOB, 3, 20, 10, 30));
		assert_eq!(held(HoldReason::Deal, PAYER), 3 * 20 * 30);
		assert!(held(HoldReason::DealDeposit, PAYER) > 0);
		let deal = StorageDeals::deal(0).unwrap();
		assert_eq!((deal.payer, deal.blob, deal.until, deal.settled), (PAYER, BLOB, current + 20, current));
		assert_eq!(deal.slots.to_vec(), vec![Slot::Free { since: current }; 3]);
		assert!(happened(Event::DealOffered {
			deal: 0,
			payer: PAYER,
			model: None,
			blob: BLOB,
			replicas: 3,
			until: current + 20,
			price: 10,
			max_price: 30,
		}));
		assert_ok!(terms(BLOB, 1, 2, 2, 2));
		assert_eq!(NextDeal::<Test>::get(), 2);
	});
}

#[test]
fn offer_fails_for_blobs_that_cannot_be_proved() {
	run(|| {
		let of_len = |len| BlobRef { root: [1; 32], len };
		assert_noop!(terms(of_len(0), 1, 2, 2, 2), Error::<Test>::EmptyBlob);
		assert_noop!(terms(of_len(MAX_BLOB_LEN + 1), 1, 2, 2, 2), Error::<Test>::BlobTooLong);
		assert_ok!(terms(of_len(MAX_BLOB_LEN), 1, 2, 2, 2));
	});
}

#[test]
fn offer_fails_for_too_few_or_too_many_replicas_or_rounds() {
	run(|| {
		assert_noop!(terms(BLOB, 0, 2, 2, 2), Error::<Test>::NoReplicas);
		assert_noop!(terms(BLOB, MAX_REPLICAS as u8 + 1, 2, 2, 2), Error::<Test>::TooManyReplicas);
		assert_noop!(terms(BLOB, 1, 1, 2, 2), Error::<Test>::TooFewRounds);
		assert_noop!(terms(BLOB, 1, MAX_ROUNDS + 1, 2, 2), Error::<Test>::TooManyRounds);
		assert_ok!(terms(BLOB, MAX_REPLICAS as u8, MAX_ROUNDS, 2, 2));
	});
}

#[test]
fn offer_fails_for_prices_that_make_no_sense() {
	run(|| {
		assert_noop!(terms(BLOB, 1, 2, 0, 2), Error::<Test>::PriceTooLow);
		assert_noop!(terms(BLOB, 1, 2, MIN_PRICE - 1, 2), Error::<Test>::PriceTooLow);
		assert_noop!(terms(BLOB, 1, 2, 3, 2), Error::<Test>::MaxPriceBelowPrice);
		assert_noop!(terms(BLOB, 1, 2, 2, u64::MAX), Error::<Test>::TermsTooDear);
	});
}

#[test]
fn offer_fails_when_it_cannot_be_paid() {
	run(|| {
		let unavailable = DispatchError::Token(TokenError::FundsUnavailable);
		assert_noop!(terms(BLOB, 1, 2, 2, ENDOWMENT), unavailable);
		// Enough for the pay, not for the deposit.
		assert_noop!(terms(BLOB, 1, 2, 2, (ENDOWMENT - ED) / 2), unavailable);
	});
}
