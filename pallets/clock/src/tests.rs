//! The clock ticks once a poll, and only if the block can pay for it.

use crate::{Now, Pallet, mock::*};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{Get, OnPoll, SafeModeNotify},
		weights::{Weight, WeightMeter},
	},
	sp_runtime::DispatchError,
};

#[test]
fn time_starts_at_zero() {
	new_test_ext().execute_with(|| {
		assert_eq!(Clock::now(), 0);
		assert_ok!(Clock::do_try_state());
	});
}

#[test]
fn a_poll_advances_time_by_one_and_is_paid_for() {
	new_test_ext().execute_with(|| {
		let mut meter = WeightMeter::with_limit(Weight::from_parts(25, 0));
		Clock::on_poll(1, &mut meter);
		assert_eq!(Clock::now(), 1);
		assert_eq!(meter.consumed(), Weight::from_parts(10, 0));
		Clock::on_poll(2, &mut meter);
		assert_eq!(<Pallet<Test> as Get<u64>>::get(), 2);
		assert_ok!(Clock::do_try_state());
	});
}

#[test]
fn time_stands_still_when_the_meter_cannot_pay() {
	new_test_ext().execute_with(|| {
		let mut meter = WeightMeter::with_limit(Weight::from_parts(9, 0));
		Clock::on_poll(1, &mut meter);
		assert_eq!(Clock::now(), 0);
		assert_eq!(meter.consumed(), Weight::zero());
	});
}

#[test]
fn time_stands_still_in_safe_mode_and_goes_on_afterwards() {
	new_test_ext().execute_with(|| {
		Clock::on_poll(1, &mut WeightMeter::new());
		<Clock as SafeModeNotify>::entered();
		Clock::on_poll(2, &mut WeightMeter::new());
		assert_eq!(Clock::now(), 1);
		<Clock as SafeModeNotify>::exited();
		Clock::on_poll(3, &mut WeightMeter::new());
		assert_eq!(Clock::now(), 2);
	});
}

#[test]
fn time_never_wraps() {
	new_test_ext().execute_with(|| {
		Now::<Test>::put(u64::MAX);
		Clock::on_poll(1, &mut WeightMeter::new());
		assert_eq!(Clock::now(), u64::MAX);
	});
}

#[test]
fn try_state_reports_more_ticks_than_blocks() {
	new_test_ext().execute_with(|| {
		Now::<Test>::put(11);
		assert_noop!(Clock::do_try_state(), DispatchError::Other("more ticks than blocks"));
	});
}
