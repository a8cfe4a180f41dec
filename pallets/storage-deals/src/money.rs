//! What moves balances without ever stopping what it belongs to.

use crate::{pallet::*, *};
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{
			fungible::MutateHold,
			tokens::{Fortitude, Precision, Restriction},
		},
	},
	sp_runtime::traits::Zero,
};

impl<T: Config> Pallet<T> {
	/// Returns what is on hold. It cannot fail as long as whoever has something on hold keeps their account.
	pub(crate) fn release(reason: HoldReason, who: &T::AccountId, amount: BalanceOf<T>) {
		if T::Currency::release(&reason.into(), who, amount, Precision::BestEffort).is_err() {
			defensive!("what is on hold can be released");
		}
	}

	/// Burns a part of a keeper's bond.
	pub(crate) fn burn(keeper: &T::AccountId, amount: BalanceOf<T>) {
		let reason = HoldReason::KeeperBond.into();
		let burned = T::Currency::burn_held(&reason, keeper, amount, Precision::BestEffort, Fortitude::Force);
		if burned.is_err() {
			defensive!("what is on hold can be burned");
		}
	}

	/// Pays a keeper from what its deal's payer has on hold; how much it was, nothing if it cannot have it.
	pub(crate) fn pay(from: &T::AccountId, to: &T::AccountId, amount: BalanceOf<T>) -> BalanceOf<T> {
		let reason = HoldReason::Deal.into();
		frame_support::storage::with_storage_layer(|| {
			T::Currency::transfer_on_hold(
				&reason,
				from,
				to,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		})
		.unwrap_or_else(|_| Zero::zero())
	}
}
