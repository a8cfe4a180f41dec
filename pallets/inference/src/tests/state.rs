//! Whatever breaks an invariant is noticed.

use super::*;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;

/// What the audit says of a channel and a request after this.
fn notices(said: &'static str, breaks: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		offer();
		open(500);
		ask(1);
		assert_ok!(Inference::do_try_state());
		breaks();
		assert_eq!(Inference::do_try_state(), Err(said.into()));
	});
}

fn change(change: impl FnOnce(&mut ChannelOf<Test>)) {
	Channels::<Test>::mutate(0, |channel| change(channel.as_mut().unwrap()));
}

#[test]
fn a_number_that_was_not_given() {
	notices("a channel's number is not given yet", || NextChannel::<Test>::put(0));
	notices("a request's number is not given yet", || NextRequest::<Test>::put(0));
}

#[test]
fn a_channel_that_has_paid_more_than_it_had() {
	notices("a channel has paid more than it had", || change(|channel| channel.claimed = 501));
}

#[test]
fn a_hold_that_is_not_what_channels_or_requests_say() {
	let said = "what is on hold of a user is not what its channels or requests say";
	notices(said, || change(|channel| channel.claimed = 1));
	notices(said, || change(|channel| channel.state = ChannelState::Closed { until: 2_000 }));
	notices(said, || Requests::<Test>::mutate(0, |request| request.as_mut().unwrap().price += 1));
}

#[test]
fn a_hold_for_nothing() {
	let hold = |reason: HoldReason, who| Balances::hold(&reason.into(), &who, 1).unwrap();
	let said = "what is on hold of a user is not what its channels or requests say";
	notices(said, || hold(HoldReason::Channel, OTHER));
	notices(said, || hold(HoldReason::Request, OTHER));
	notices("a bond outlives its dispute", || hold(HoldReason::Dispute, OTHER));
}

#[test]
fn a_disputed_receipt_of_nothing() {
	notices("a one-shot request outlived its dispute", || {
		Disputed::<Test>::insert(Payment::OneShot(0), [0; 32], ());
	});
	notices("a disputed receipt is of no channel", || {
		Disputed::<Test>::insert(Payment::Channel(1), [0; 32], ());
	});
}

#[test]
fn an_offer_of_nothing() {
	notices("an offer offers nothing", || {
		Offers::<Test>::mutate(PROVIDER, |offer| offer.as_mut().unwrap().models = Default::default());
	});
}
