//! How a channel ends.

use super::*;

fn closing(channel: ChannelId, amount: u64) -> Closing {
	Closing { channel, version: 0, amount: amount.into(), expires: Time::get() + 10 }
}

/// A closing, signed by these two.
fn agree(closing: Closing, of_user: u64, of_provider: u64) -> DispatchResult {
	let message = closing.message(&genesis());
	let [of_user, of_provider] = [of_user, of_provider].map(|key| sign(key, message.clone()));
	Inference::close_agreed(origin(OTHER), closing, of_user, of_provider)
}

fn close(who: u64, id: ChannelId, last: Option<(Voucher, TestSignature)>) -> DispatchResult {
	Inference::close(origin(who), id, last)
}

fn closed(channel: ChannelId, returned: u64) -> Event<Test> {
	Event::Closed { channel, returned, until: Time::get() + RECEIPT_LIFE }
}

#[test]
fn its_provider_ends_a_channel_at_once() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_ok!(close(PROVIDER, id, None));
		assert_eq!(last_event(), Some(closed(id, 400)));
		assert_eq!((wealth(USER), held(HoldReason::Channel, USER)), (WEALTH - 100, 0));
		assert_eq!(channel(id).state, ChannelState::Closed { until: Time::get() + RECEIPT_LIFE });
		assert_noop!(close(PROVIDER, id, None), Error::<Test>::ChannelClosed);
	});
}

#[test]
fn its_provider_redeems_a_last_voucher_as_it_ends_the_channel() {
	run(|| {
		let id = open(500);
		assert_ok!(close(PROVIDER, id, Some(voucher(id, 200, 1))));
		assert_eq!(last_event(), Some(closed(id, 300)));
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH - 200, WEALTH + 120));
	});
}

#[test]
fn a_last_voucher_that_is_worth_nothing_ends_nothing() {
	run(|| {
		let (id, other) = (open(500), open(500));
		assert_ok!(claim(vec![voucher(id, 100, 2)]));
		let bad = |voucher, error: Error<Test>| {
			assert_noop!(close(PROVIDER, id, Some(voucher)), error);
		};
		bad(voucher(other, 200, 3), Error::OtherChannel);
		bad(voucher_of(OTHER, voucher(id, 200, 3).0), Error::BadVoucherSignature);
		bad(voucher(id, 501, 3), Error::BeyondDeposit);
		bad(voucher(id, 100, 2), Error::AmountTooLow);
	});
}

#[test]
fn nobody_but_its_provider_ends_a_channel_at_once() {
	run(|| {
		let id = open(500);
		for who in [USER, OTHER, RECEIPT_KEY, VOUCHER_KEY] {
			assert_noop!(close(who, id, None), Error::<Test>::NotProvider);
		}
		assert_noop!(close(PROVIDER, 1, None), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn its_provider_ends_a_channel_that_closes_or_has_expired() {
	run(|| {
		let (closing, expired) = (open(500), open(500));
		assert_ok!(Inference::begin_close(origin(USER), closing));
		assert_ok!(close(PROVIDER, closing, Some(voucher(closing, 100, 1))));
		pass(501);
		assert_ok!(close(PROVIDER, expired, Some(voucher(expired, 100, 1))));
		assert_eq!(wealth(USER), WEALTH - 200);
	});
}

#[test]
fn both_together_end_a_channel_at_once() {
	run(|| {
		for key in [RECEIPT_KEY, PROVIDER] {
			let id = open(500);
			let before = (wealth(USER), wealth(PROVIDER));
			assert_ok!(claim(vec![voucher(id, 100, 1)]));
			assert_ok!(agree(closing(id, 300), VOUCHER_KEY, key));
			assert_eq!(last_event(), Some(closed(id, 200)));
			assert_eq!((wealth(USER), wealth(PROVIDER)), (before.0 - 300, before.1 + 180));
			assert_noop!(agree(closing(id, 300), VOUCHER_KEY, key), Error::<Test>::ChannelClosed);
		}
	});
}

#[test]
fn both_together_end_a_channel_of_which_nothing_more_is_claimed() {
	run(|| {
		let (first, second) = (open(500), open(500));
		assert_ok!(agree(closing(first, 0), VOUCHER_KEY, PROVIDER));
		assert_ok!(claim(vec![voucher(second, 500, 1)]));
		forget();
		assert_ok!(agree(closing(second, 500), VOUCHER_KEY, PROVIDER));
		assert_eq!(events(), [closed(second, 0)]);
		assert_eq!(wealth(USER), WEALTH - 500);
	});
}

#[test]
fn the_user_has_to_agree() {
	run(|| {
		let id = open(500);
		for key in [USER, OTHER, RECEIPT_KEY, PROVIDER] {
			assert_noop!(agree(closing(id, 500), key, RECEIPT_KEY), Error::<Test>::BadUserSignature);
		}
		let closing = closing(id, 500);
		let [elsewhere, here] = [[9; 32], genesis()].map(|chain| closing.message(&chain));
		let (of_user, of_provider) = (sign(VOUCHER_KEY, elsewhere), sign(RECEIPT_KEY, here));
		let agreed = Inference::close_agreed(origin(OTHER), closing, of_user, of_provider);
		assert_noop!(agreed, Error::<Test>::BadUserSignature);
	});
}

#[test]
fn the_provider_has_to_agree() {
	run(|| {
		let id = open(500);
		for key in [USER, OTHER, VOUCHER_KEY] {
			assert_noop!(agree(closing(id, 0), VOUCHER_KEY, key), Error::<Test>::BadProviderSignature);
		}
		let closing = closing(id, 0);
		let [elsewhere, here] = [[9; 32], genesis()].map(|chain| closing.message(&chain));
		let (of_user, of_provider) = (sign(VOUCHER_KEY, here), sign(RECEIPT_KEY, elsewhere));
		let agreed = Inference::close_agreed(origin(OTHER), closing, of_user, of_provider);
		assert_noop!(agreed, Error::<Test>::BadProviderSignature);
	});
}

#[test]
fn a_voucher_is_no_agreement() {
	run(|| {
		let id = open(500);
		let (voucher, of_user) = voucher(id, 100, 2_000);
		let closing = Closing { channel: id, version: 0, amount: 100, expires: 2_000 };
		assert_eq!(voucher.encode(), closing.encode(), "they differ by their domain alone");
		let of_provider = sign(RECEIPT_KEY, closing.message(&genesis()));
		let agreed = Inference::close_agreed(origin(OTHER), closing, of_user, of_provider);
		assert_noop!(agreed, Error::<Test>::BadUserSignature);
	});
}

#[test]
fn what_was_agreed_long_ago_ends_nothing() {
	run(|| {
		let id = open(500);
		let agreed = closing(id, 100);
		pass(10);
		assert_noop!(agree(agreed, VOUCHER_KEY, RECEIPT_KEY), Error::<Test>::ClosingExpired);
		Time::mutate(|now| *now -= 1);
		assert_ok!(agree(agreed, VOUCHER_KEY, RECEIPT_KEY));
	});
}

#[test]
fn an_agreement_takes_nothing_back_and_nothing_beyond_the_deposit() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_noop!(agree(closing(id, 99), VOUCHER_KEY, RECEIPT_KEY), Error::<Test>::AmountTooLow);
		assert_noop!(agree(closing(id, 501), VOUCHER_KEY, RECEIPT_KEY), Error::<Test>::BeyondDeposit);
		let boundless = Closing { amount: u128::MAX, ..closing(id, 0) };
		assert_noop!(agree(boundless, VOUCHER_KEY, RECEIPT_KEY), Error::<Test>::BeyondDeposit);
	});
}

#[test]
fn an_agreement_about_no_channel_is_refused() {
	run(|| {
		assert_noop!(agree(closing(0, 0), VOUCHER_KEY, RECEIPT_KEY), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn its_user_ends_a_channel_after_the_grace_period() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::begin_close(origin(USER), id));
		let at = Time::get() + TERMS.grace;
		assert_eq!(last_event(), Some(Event::CloseBegun { channel: id, at }));
		assert_eq!(channel(id).state, ChannelState::Closing { at });
		pass(TERMS.grace - 1);
		assert_noop!(Inference::finish_close(origin(USER), id), Error::<Test>::TooEarlyToClose);
		pass(1);
		assert_ok!(Inference::finish_close(origin(OTHER), id));
		assert_eq!(last_event(), Some(closed(id, 500)));
		assert_eq!((wealth(USER), held(HoldReason::Channel, USER)), (WEALTH, 0));
		assert_noop!(Inference::finish_close(origin(OTHER), id), Error::<Test>::ChannelClosed);
	});
}

#[test]
fn nobody_but_its_user_asks_for_the_end_of_a_channel() {
	run(|| {
		let id = open(500);
		for who in [PROVIDER, OTHER, VOUCHER_KEY] {
			assert_noop!(Inference::begin_close(origin(who), id), Error::<Test>::NotUser);
		}
		assert_noop!(Inference::begin_close(origin(USER), 1), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn the_end_of_a_channel_is_asked_for_once() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::begin_close(origin(USER), id));
		pass(1);
		// Or the user could put it off.
		assert_noop!(Inference::begin_close(origin(USER), id), Error::<Test>::ChannelClosing);
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		assert_noop!(Inference::begin_close(origin(USER), id), Error::<Test>::ChannelClosed);
	});
}

#[test]
fn anybody_ends_an_expired_channel_without_notice() {
	run(|| {
		let id = open(500);
		pass(499);
		assert_noop!(Inference::finish_close(origin(OTHER), id), Error::<Test>::TooEarlyToClose);
		pass(1);
		assert_ok!(Inference::finish_close(origin(OTHER), id));
		assert_eq!(wealth(USER), WEALTH);
		assert_noop!(Inference::finish_close(origin(OTHER), 1), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn a_grace_period_does_not_outlast_the_term() {
	run(|| {
		let id = open(500);
		pass(495);
		assert_ok!(Inference::begin_close(origin(USER), id));
		assert_eq!(last_event(), Some(Event::CloseBegun { channel: id, at: Time::get() + 5 }));
		pass(4);
		assert_noop!(Inference::finish_close(origin(USER), id), Error::<Test>::TooEarlyToClose);
		pass(1);
		assert_ok!(Inference::finish_close(origin(USER), id));
	});
}
