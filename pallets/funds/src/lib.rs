//! What the pallets do with money, in one place.
//!
//! All that the protocol moves is on hold first, for a reason that the pallet names, and a settlement that moves it must
//! never fail half-way: an amount that cannot go where it belongs stays where it is, goes back or is burned, and the
//! caller learns which. So none of [`Funds`]' methods returns an error.
//!
//! ```
//! use oda_pallet_funds::Funds;
//! use polkadot_sdk::sp_runtime::traits::Saturating;
//!
//! /// Pays a bounty, or returns it if the trainer cannot have it.
//! fn settle<C: Funds<u64>>(bounty: impl Into<C::Reason> + Copy, poster: u64, trainer: u64, amount: C::Balance) {
//!     let paid = C::pay_out(bounty, &poster, &trainer, amount);
//!     C::give_back(bounty, &poster, amount.saturating_sub(paid));
//! }
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::unwrap_used))]

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use polkadot_sdk::{
	frame_support::{
		defensive,
		storage::with_storage_layer,
		traits::{
			Consideration, Footprint, Imbalance,
			fungible::{BalancedHold, Credit, Mutate, MutateHold},
			tokens::{Fortitude, Precision, Restriction},
		},
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::traits::{CheckedDiv, Zero},
};

/// The hash of block 0, which is never pruned, and which every signed or committed message holds.
pub fn genesis_hash<T: frame_system::Config>() -> [u8; 32] {
	let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
	hash.as_ref().try_into().unwrap_or_default()
}

/// Returns a storage deposit.
pub fn return_deposit<AccountId>(ticket: impl Consideration<AccountId, Footprint>, owner: &AccountId) {
	if ticket.drop(owner).is_err() {
		defensive!("a deposit can be returned");
	}
}

/// A currency with holds, and what the pallets do with it.
pub trait Funds<AccountId: Eq>: Mutate<AccountId> + MutateHold<AccountId> + BalancedHold<AccountId> {
	/// Returns what is on hold. It cannot fail as long as whoever has something on hold keeps their account.
	fn give_back(reason: impl Into<Self::Reason>, who: &AccountId, amount: Self::Balance) {
		if Self::release(&reason.into(), who, amount, Precision::BestEffort).is_err() {
			defensive!("what is on hold can be released");
		}
	}

	/// Burns what is on hold; how much it was.
	fn burn_up(reason: impl Into<Self::Reason>, who: &AccountId, amount: Self::Balance) -> Self::Balance {
		let burned = Self::burn_held(&reason.into(), who, amount, Precision::BestEffort, Fortitude::Force);
		burned.unwrap_or_else(|_| {
			defensive!("what is on hold can be burned");
			Zero::zero()
		})
	}

	/// Pays what is on hold to `to`; how much it was, nothing if they cannot have it.
	fn pay_out(
		reason: impl Into<Self::Reason>,
		from: &AccountId,
		to: &AccountId,
		amount: Self::Balance,
	) -> Self::Balance {
		let reason = reason.into();
		with_storage_layer(|| {
			Self::transfer_on_hold(
				&reason,
				from,
				to,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		})
		.unwrap_or_default()
	}

	/// Takes what is on hold from whoever is guilty; how much it was, and the half of it, rounded down, that a
	/// challenger may be [rewarded](Self::reward) with. The other half is burned, so that nobody gains by accusing
	/// oneself; and so is the first, if it is dropped.
	fn punish(
		reason: impl Into<Self::Reason>,
		who: &AccountId,
		amount: Self::Balance,
	) -> (Self::Balance, Credit<AccountId, Self>)
	where
		Self: Sized,
	{
		let (credit, _missing) = Self::slash(&reason.into(), who, amount);
		let taken = credit.peek();
		let half = taken.checked_div(&2u32.into()).unwrap_or_default();
		let (reward, _burned) = credit.split(half);
		(taken, reward)
	}

	/// Takes what is on hold, to share it out: `amount`, or as much as there is. What is not given to anybody is burned.
	fn take(
		reason: impl Into<Self::Reason>,
		who: &AccountId,
		amount: Self::Balance,
	) -> Credit<AccountId, Self>
	where
		Self: Sized,
	{
		let (credit, missing) = Self::slash(&reason.into(), who, amount);
		if !missing.is_zero() {
			defensive!("what is on hold can be taken");
		}
		credit
	}

	/// Gives `who` what was taken from others; how much it was, nothing if they cannot have it: then it is burned.
	fn reward(who: &AccountId, credit: Credit<AccountId, Self>) -> Self::Balance
	where
		Self: Sized,
	{
		let amount = credit.peek();
		Self::resolve(who, credit).map_or_else(|_burned| Zero::zero(), |()| amount)
	}
}

impl<AccountId, C> Funds<AccountId> for C
where
	AccountId: Eq,
	C: Mutate<AccountId> + MutateHold<AccountId> + BalancedHold<AccountId>,
{
}
