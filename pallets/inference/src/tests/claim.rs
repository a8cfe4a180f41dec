//! Vouchers that are redeemed, and those that are worth nothing.

use super::*;

/// What of a fee goes where, with the mock's split and no ancestors.
fn shared(fee: u64) -> Shared<u64> {
	let part = |percent: u64| fee * percent / 100;
	let (provider, author, treasury, storage) = (part(60), part(3), part(4), part(6));
	let trainer = part(15) + part(5);
	let burned = fee - provider - trainer - author - treasury - storage;
	Shared { provider, trainer, royalty: 0, author, treasury, storage, burned }
}

fn claimed(channel: ChannelId, claimed: u64, fee: u64) -> Event<Test> {
	Event::Claimed { channel, claimed, version: 0, shared: shared(fee) }
}

fn refused(channel: ChannelId, error: Error<Test>) -> Event<Test> {
	Event::ClaimRefused { channel, error: error.into() }
}

#[test]
fn a_voucher_pays_what_it_adds_to_what_was_claimed_before() {
	run(|| {
		let id = open(500);
		forget();
		assert_ok!(claim(vec![voucher(id, 100, 3)]));
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH - 100, WEALTH + 60));
		assert_ok!(claim(vec![voucher(id, 350, 9)]));
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH - 350, WEALTH + 60 + 150));
		assert_eq!(events(), [claimed(id, 100, 100), claimed(id, 350, 250)]);
		assert_eq!(channel(id).claimed, 350);
		assert_eq!(held(HoldReason::Channel, USER), 150);
	});
}

#[test]
fn a_voucher_of_another_chain_is_refused() {
	run(|| {
		let id = open(500);
		let (voucher, _) = voucher(id, 100, 1);
		let elsewhere = sign(VOUCHER_KEY, voucher.message(&[9; 32]));
		assert_noop!(claim(vec![(voucher, elsewhere)]), Error::<Test>::BadVoucherSignature);
	});
}

#[test]
fn a_voucher_of_another_channel_is_refused() {
	run(|| {
		let (first, second) = (open(500), open(500));
		let (of_first, signature) = voucher(first, 100, 1);
		let of_second = Voucher { channel: second, ..of_first };
		assert_noop!(claim(vec![(of_second, signature)]), Error::<Test>::BadVoucherSignature);
	});
}

#[test]
fn a_voucher_of_another_key_is_refused() {
	run(|| {
		let id = open(500);
		// Nor does the account's own sign where another is named.
		for key in [USER, PROVIDER, RECEIPT_KEY, OTHER] {
			let voucher = voucher_of(key, voucher(id, 100, 1).0);
			assert_noop!(claim(vec![voucher]), Error::<Test>::BadVoucherSignature);
		}
	});
}

#[test]
fn a_voucher_that_was_changed_is_refused() {
	run(|| {
		let id = open(500);
		let (voucher, signature) = voucher(id, 100, 1);
		let changed = [
			Voucher { amount: 101, ..voucher },
			Voucher { nonce: 2, ..voucher },
			Voucher { version: 1, ..voucher },
		];
		for voucher in changed {
			assert_noop!(claim(vec![(voucher, signature.clone())]), Error::<Test>::BadVoucherSignature);
		}
	});
}

#[test]
fn a_signature_over_something_else_is_no_voucher() {
	run(|| {
		let id = open(500);
		let (voucher, _) = voucher(id, 100, 1);
		let closing = Closing { channel: id, version: 0, amount: 100, expires: 1 };
		assert_eq!(voucher.encode(), closing.encode(), "they differ by their domain alone");
		let signature = sign(VOUCHER_KEY, closing.message(&genesis()));
		assert_noop!(claim(vec![(voucher, signature)]), Error::<Test>::BadVoucherSignature);
	});
}

#[test]
fn a_voucher_of_no_channel_is_refused() {
	run(|| {
		assert_noop!(claim(vec![voucher(0, 100, 1)]), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn a_lower_amount_is_refused() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_noop!(claim(vec![voucher(id, 99, 2)]), Error::<Test>::AmountTooLow);
		assert_noop!(claim(vec![voucher(id, 0, u64::MAX)]), Error::<Test>::AmountTooLow);
	});
}

#[test]
fn a_user_does_not_make_a_promise_worthless_by_a_small_one_of_a_high_nonce() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 1, u64::MAX)]));
		assert_ok!(claim(vec![voucher(id, 200, 1)]));
		assert_eq!(channel(id).claimed, 200);
	});
}

#[test]
fn a_higher_amount_for_the_same_request_is_paid() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 100, 2)]));
		assert_ok!(claim(vec![voucher(id, 101, 2)]));
		assert_eq!(channel(id).claimed, 101);
	});
}

#[test]
fn a_voucher_is_not_paid_twice() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_noop!(claim(vec![voucher(id, 100, 1)]), Error::<Test>::AmountTooLow);
		// Not even with a higher nonce.
		assert_noop!(claim(vec![voucher(id, 100, 2)]), Error::<Test>::AmountTooLow);
		assert_eq!(wealth(USER), WEALTH - 100);
	});
}

#[test]
fn a_voucher_is_not_paid_twice_in_one_claim() {
	run(|| {
		let id = open(500);
		forget();
		assert_ok!(claim(vec![voucher(id, 100, 1), voucher(id, 100, 1)]));
		assert_eq!(events(), [claimed(id, 100, 100), refused(id, Error::AmountTooLow)]);
		assert_eq!(wealth(USER), WEALTH - 100);
	});
}

#[test]
fn nothing_is_paid_beyond_the_deposit() {
	run(|| {
		let id = open(500);
		assert_noop!(claim(vec![voucher(id, 501, 1)]), Error::<Test>::BeyondDeposit);
		let boundless = Voucher { amount: u128::MAX, ..voucher(id, 0, 1).0 };
		assert_noop!(claim(vec![voucher_of(VOUCHER_KEY, boundless)]), Error::<Test>::BeyondDeposit);
		assert_ok!(claim(vec![voucher(id, 500, 1)]));
		assert_eq!(held(HoldReason::Channel, USER), 0);
	});
}

#[test]
fn one_channel_does_not_pay_with_what_is_on_hold_for_another() {
	run(|| {
		let (first, _second) = (open(500), open(500));
		assert_eq!(held(HoldReason::Channel, USER), 1_000);
		assert_noop!(claim(vec![voucher(first, 501, 1)]), Error::<Test>::BeyondDeposit);
	});
}

#[test]
fn a_bad_voucher_takes_no_good_one_with_it() {
	run(|| {
		let (first, second, third) = (open(500), open(500), open(500));
		let (mut forged, signature) = voucher(second, 100, 1);
		forged.amount = 500;
		forget();
		assert_ok!(claim(vec![
			(forged, signature),
			voucher(first, 100, 1),
			voucher(99, 100, 1),
			voucher(first, 100, 1),
			voucher(third, 501, 1),
			voucher(third, 200, 1),
		]));
		let expected = [
			refused(second, Error::BadVoucherSignature),
			claimed(first, 100, 100),
			refused(99, Error::UnknownChannel),
			refused(first, Error::AmountTooLow),
			refused(third, Error::BeyondDeposit),
			claimed(third, 200, 200),
		];
		assert_eq!(events(), expected);
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH - 300, WEALTH + 180));
		assert_eq!([first, second, third].map(|id| channel(id).claimed), [100, 0, 200]);
	});
}

#[test]
fn a_claim_of_nothing_but_bad_vouchers_changes_nothing() {
	run(|| {
		let id = open(500);
		let bad = || vec![voucher(id, 501, 1), voucher(99, 1, 1), voucher(id, 0, 1)];
		assert_noop!(claim(bad()), Error::<Test>::BeyondDeposit);
		assert_noop!(claim(bad().into_iter().rev().collect()), Error::<Test>::AmountTooLow);
	});
}

#[test]
fn a_claim_of_nothing_is_refused() {
	run(|| {
		assert_noop!(claim(vec![]), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn anybody_may_send_a_claim_and_has_nothing_of_it() {
	run(|| {
		let id = open(500);
		let vouchers = vec![voucher(id, 100, 1)].try_into().unwrap();
		assert_ok!(Inference::claim(origin(NOBODY), vouchers));
		assert_eq!((wealth(PROVIDER), wealth(NOBODY)), (WEALTH + 60, 0));
	});
}

#[test]
fn vouchers_of_one_channel_pay_together_what_the_last_one_says() {
	run(|| {
		let id = open(500);
		forget();
		assert_ok!(claim(vec![voucher(id, 100, 1), voucher(id, 150, 2), voucher(id, 400, 3)]));
		assert_eq!(events(), [claimed(id, 100, 100), claimed(id, 150, 50), claimed(id, 400, 250)]);
		assert_eq!(wealth(USER), WEALTH - 400);
	});
}

#[test]
fn a_closing_channel_pays_until_it_is_finished() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::begin_close(origin(USER), id));
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		// Later than anybody could have finished it, too.
		pass(TERMS.grace + 1);
		assert_ok!(claim(vec![voucher(id, 200, 2)]));
		assert_ok!(Inference::finish_close(origin(USER), id));
		assert_noop!(claim(vec![voucher(id, 300, 3)]), Error::<Test>::ChannelClosed);
		assert_eq!(wealth(USER), WEALTH - 200);
	});
}

#[test]
fn an_expired_channel_pays_until_it_is_finished() {
	run(|| {
		let id = open(500);
		pass(501);
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_ok!(Inference::finish_close(origin(OTHER), id));
		assert_noop!(claim(vec![voucher(id, 200, 2)]), Error::<Test>::ChannelClosed);
	});
}

#[test]
fn a_removed_channel_pays_nothing() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		pass(RECEIPT_LIFE);
		assert_ok!(Inference::remove(origin(OTHER), id));
		assert_noop!(claim(vec![voucher(id, 100, 1)]), Error::<Test>::UnknownChannel);
	});
}
