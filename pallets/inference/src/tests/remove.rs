//! How a channel is forgotten.

use super::*;

fn remove(id: ChannelId) -> DispatchResult {
	Inference::remove(origin(OTHER), id)
}

#[test]
fn a_channel_is_removed_once_its_receipts_are_too_old() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		pass(RECEIPT_LIFE - 1);
		assert_noop!(remove(id), Error::<Test>::TooEarlyToRemove);
		pass(1);
		assert_ok!(remove(id));
		assert_eq!(last_event(), Some(Event::Removed { channel: id }));
		assert_eq!(Inference::channel(id), None);
		assert_eq!((wealth(USER), held(HoldReason::ChannelDeposit, USER)), (WEALTH, 0));
		assert_noop!(remove(id), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn a_channel_that_pays_is_not_removed() {
	run(|| {
		let id = open(500);
		assert_noop!(remove(id), Error::<Test>::ChannelNotClosed);
		assert_ok!(Inference::begin_close(origin(USER), id));
		pass(MAX_TERM + RECEIPT_LIFE);
		assert_noop!(remove(id), Error::<Test>::ChannelNotClosed);
	});
}

#[test]
fn a_channel_is_kept_as_long_as_was_said_when_it_was_opened() {
	run(|| {
		for life in [0, RECEIPT_LIFE / 2, 2 * RECEIPT_LIFE] {
			let id = open(500);
			Life::set(life);
			let receipt = wrong_receipt(Payment::Channel(id));
			assert_ok!(Inference::close(origin(PROVIDER), id, None));
			pass(RECEIPT_LIFE - 1);
			assert_noop!(remove(id), Error::<Test>::TooEarlyToRemove);
			bond(PROVIDER, RECEIPT_SLASH, 0);
			assert_ok!(dispute(USER, &receipt, &wrong(1), 0));
			pass(1);
			assert_ok!(remove(id));
			Life::set(RECEIPT_LIFE);
			bond(PROVIDER, RECEIPT_SLASH, 0);
		}
	});
}

#[test]
fn the_deposit_for_the_entry_stays_until_then() {
	run(|| {
		let id = open(500);
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		assert_eq!(held(HoldReason::ChannelDeposit, USER), channel_ticket());
	});
}

/// Runs `test` on a closed channel that can be removed and has twenty disputed receipts, which outlive it.
fn disputed_a_lot(test: impl FnOnce(ChannelId, &[(Receipt, TestSignature)])) {
	let mut ext = new_test_ext();
	let (id, receipts) = ext.execute_with(|| {
		bond(PROVIDER, 100 * RECEIPT_SLASH, 0);
		offer();
		let id = open(500);
		let of = |nonce| {
			let (receipt, _) = wrong_receipt(Payment::Channel(id));
			signed(Receipt { nonce, expires: Time::get() + 10 * RECEIPT_LIFE, ..receipt })
		};
		let receipts = (1..=20).map(of).collect::<Vec<_>>();
		for receipt in &receipts {
			assert_ok!(dispute(USER, receipt, &wrong(1), 0));
		}
		assert_ok!(Inference::close(origin(PROVIDER), id, None));
		pass(RECEIPT_LIFE);
		(id, receipts)
	});
	// What a call deletes is counted by what the state had before the block.
	ext.commit_all().unwrap();
	ext.execute_with(|| {
		test(id, &receipts);
		Inference::do_try_state().unwrap();
	});
}

#[test]
fn a_channel_with_many_disputed_receipts_takes_several_calls() {
	disputed_a_lot(|id, _| {
		let left = || Disputed::<Test>::iter_prefix(Payment::Channel(id)).count();
		assert_eq!(left(), 20);
		assert_ok!(remove(id));
		assert_eq!(left(), 4);
		assert_eq!(held(HoldReason::ChannelDeposit, USER), channel_ticket());
		assert!(Inference::channel(id).is_some());
		assert_ok!(remove(id));
		assert_eq!(left(), 0);
		assert_eq!(held(HoldReason::ChannelDeposit, USER), 0);
		assert_eq!(Inference::channel(id), None);
	});
}

#[test]
fn a_receipt_that_is_forgotten_already_is_not_disputed_again() {
	disputed_a_lot(|id, receipts| {
		assert_ok!(remove(id));
		for receipt in receipts {
			assert!(dispute(USER, receipt, &wrong(1), 0).is_err());
		}
		let (own, _) = Stake::get()[&PROVIDER];
		assert_eq!(own, 80 * RECEIPT_SLASH);
	});
}
