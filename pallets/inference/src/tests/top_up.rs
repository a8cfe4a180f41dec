//! More for a channel.

use super::*;

fn top_up(who: u64, id: ChannelId, amount: u64) -> DispatchResult {
	Inference::top_up(origin(who), id, amount)
}

#[test]
fn what_is_added_is_on_hold_and_pays() {
	run(|| {
		let id = open(500);
		assert_noop!(claim(vec![voucher(id, 600, 1)]), Error::<Test>::BeyondDeposit);
		assert_ok!(top_up(USER, id, 100));
		assert_eq!(last_event(), Some(Event::ToppedUp { channel: id, deposit: 600 }));
		assert_eq!((channel(id).deposit, held(HoldReason::Channel, USER)), (600, 600));
		assert_ok!(claim(vec![voucher(id, 600, 1)]));
		assert_eq!((channel(id).claimed, held(HoldReason::Channel, USER)), (600, 0));
	});
}

#[test]
fn what_was_claimed_before_still_counts() {
	run(|| {
		let id = open(500);
		assert_ok!(claim(vec![voucher(id, 500, 1)]));
		assert_ok!(top_up(USER, id, 100));
		assert_eq!((channel(id).deposit, held(HoldReason::Channel, USER)), (600, 100));
		assert_ok!(claim(vec![voucher(id, 550, 2)]));
		assert_eq!(held(HoldReason::Channel, USER), 50);
	});
}

#[test]
fn nobody_adds_to_a_channel_of_another() {
	run(|| {
		let id = open(500);
		assert_noop!(top_up(OTHER, id, 100), Error::<Test>::NotUser);
		assert_noop!(top_up(PROVIDER, id, 100), Error::<Test>::NotUser);
		assert_noop!(top_up(VOUCHER_KEY, id, 100), Error::<Test>::NotUser);
	});
}

#[test]
fn nothing_is_added_to_a_channel_that_is_not_there() {
	run(|| {
		assert_noop!(top_up(USER, 0, 100), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn nothing_is_added_to_a_channel_that_is_about_to_close() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::begin_close(origin(USER), id));
		assert_noop!(top_up(USER, id, 100), Error::<Test>::ChannelClosing);
	});
}

#[test]
fn nothing_is_added_once_anybody_may_end_the_channel() {
	run(|| {
		let id = open(500);
		pass(499);
		assert_ok!(top_up(USER, id, 100));
		pass(1);
		assert_noop!(top_up(USER, id, 100), Error::<Test>::ChannelClosing);
	});
}

#[test]
fn nothing_is_added_to_a_closed_channel() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		assert_noop!(top_up(USER, id, 100), Error::<Test>::ChannelClosed);
	});
}

#[test]
fn nothing_is_no_addition() {
	run(|| {
		let id = open(500);
		assert_noop!(top_up(USER, id, 0), Error::<Test>::DepositTooSmall);
	});
}

#[test]
fn a_deposit_that_no_amount_can_be_is_refused() {
	run(|| {
		let id = open(500);
		assert_noop!(top_up(USER, id, u64::MAX - 499), Error::<Test>::Exhausted);
	});
}

#[test]
fn nobody_adds_what_they_do_not_have() {
	run(|| {
		let id = open(500);
		assert_noop!(top_up(USER, id, WEALTH), TokenError::FundsUnavailable);
	});
}
