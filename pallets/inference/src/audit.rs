//! What is true of the pallet's state between two calls.

use crate::*;
use alloc::collections::BTreeMap;
use polkadot_sdk::{
	frame_support::traits::fungible::InspectHold,
	sp_runtime::{TryRuntimeError, traits::Saturating},
};

impl<T: Config> Pallet<T> {
	/// Checks that what is on hold of anybody is what channels and requests say, that no channel has paid more than it had, and
	/// that numbers are new.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<(bool, T::AccountId), BalanceOf<T>>::new();
		let mut add = |channel: bool, who: T::AccountId, amount: BalanceOf<T>| {
			let entry = held.entry((channel, who)).or_default();
			*entry = entry.saturating_add(amount);
		};
		for who in polkadot_sdk::frame_system::Account::<T>::iter_keys() {
			let bond = T::Currency::balance_on_hold(&HoldReason::Dispute.into(), &who);
			ensure!(bond.is_zero(), "a bond outlives its dispute");
			add(true, who.clone(), Zero::zero());
			add(false, who, Zero::zero());
		}
		for (id, channel) in Channels::<T>::iter() {
			ensure!(id < NextChannel::<T>::get(), "a channel's number is not given yet");
			ensure!(channel.claimed <= channel.deposit, "a channel has paid more than it had");
			let left = if channel.is_live() {
				channel.deposit.saturating_sub(channel.claimed)
			} else {
				Zero::zero()
			};
			add(true, channel.user, left);
		}
		for (id, request) in Requests::<T>::iter() {
			ensure!(id < NextRequest::<T>::get(), "a request's number is not given yet");
			add(false, request.user, request.price);
		}
		for ((channel, who), amount) in held {
			let reason = if channel { HoldReason::Channel } else { HoldReason::Request };
			let on_hold = T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(on_hold == amount, "what is on hold of a user is not what its channels or requests say");
		}
		for (payment, _) in Disputed::<T>::iter_keys() {
			let Payment::Channel(id) = payment else {
				return Err("a one-shot request outlived its dispute".into());
			};
			ensure!(Channels::<T>::contains_key(id), "a disputed receipt is of no channel");
		}
		for (_, offer) in Offers::<T>::iter() {
			ensure!(!offer.models.is_empty(), "an offer offers nothing");
		}
		Ok(())
	}
}
