//! All that moves balances.
//!
//! What a settlement moves must never stop it: an amount that cannot go where it belongs goes back, or is
//! burned, and the event says so.

use crate::{pallet::*, *};
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{
			Imbalance,
			fungible::{Balanced, BalancedHold, MutateHold},
			tokens::{Fortitude, Precision, Restriction},
		},
	},
	sp_runtime::{
		SaturatedConversion,
		traits::{CheckedDiv, Saturating, Zero},
	},
};

/// Where what the verifiers were not paid goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
	/// To the trainer, who is not to blame.
	Return,
	/// Nowhere: a liar gets nothing back.
	Burn,
}

impl<T: Config> Pallet<T> {
	/// Returns what is on hold. It cannot fail as long as whoever has something on hold keeps their account.
	pub(crate) fn release(reason: HoldReason, who: &T::AccountId, amount: BalanceOf<T>) {
		if T::Currency::release(&reason.into(), who, amount, Precision::BestEffort).is_err() {
			defensive!("what is on hold can be released");
		}
	}

	/// Burns what is on hold; how much it was.
	pub(crate) fn burn(reason: HoldReason, who: &T::AccountId, amount: BalanceOf<T>) -> BalanceOf<T> {
		let reason = reason.into();
		T::Currency::burn_held(&reason, who, amount, Precision::BestEffort, Fortitude::Force).unwrap_or_else(
			|_| {
				defensive!("what is on hold can be burned");
				Zero::zero()
			},
		)
	}

	/// Returns a storage deposit.
	pub(crate) fn drop_ticket(ticket: impl Consideration<T::AccountId, Footprint>, owner: &T::AccountId) {
		if ticket.drop(owner).is_err() {
			defensive!("a deposit can be returned");
		}
	}

	/// Pays what is on hold to `to`; how much it was, nothing if they cannot have it.
	pub(crate) fn pay(
		reason: HoldReason,
		from: &T::AccountId,
		to: &T::AccountId,
		amount: BalanceOf<T>,
	) -> BalanceOf<T> {
		let reason = reason.into();
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
		.unwrap_or_default()
	}

	/// Shares a submission's fee equally among `verifiers` and disposes of the rest.
	pub(crate) fn pay_fee(
		id: SubmissionId,
		trainer: &T::AccountId,
		fee: BalanceOf<T>,
		verifiers: &[T::AccountId],
		rest: Rest,
	) {
		let parts: u32 = verifiers.len().saturated_into();
		let each = fee.checked_div(&parts.into()).unwrap_or_default();
		let mut left = fee;
		let mut paid = 0u32;
		for verifier in verifiers {
			let amount = Self::pay(HoldReason::VerificationFee, trainer, verifier, each.min(left));
			left = left.saturating_sub(amount);
			if !amount.is_zero() {
				paid = paid.saturating_add(1);
			}
		}
		let (returned, burned) = match rest {
			Rest::Return => {
				Self::release(HoldReason::VerificationFee, trainer, left);
				(left, Zero::zero())
			}
			Rest::Burn => (Zero::zero(), Self::burn(HoldReason::VerificationFee, trainer, left)),
		};
		Self::deposit_event(Event::FeePaid { submission: id, verifiers: paid, each, returned, burned });
	}

	/// Takes a trainer's bond: half to the challenger, if there is one to be paid, the rest burned. How much was
	/// taken, and paid.
	pub(crate) fn slash_bond(
		trainer: &T::AccountId,
		bond: BalanceOf<T>,
		challenger: Option<&T::AccountId>,
	) -> (BalanceOf<T>, BalanceOf<T>) {
		let (credit, _missing) = T::Currency::slash(&HoldReason::Submission.into(), trainer, bond);
		let slashed = credit.peek();
		let half = slashed.checked_div(&2u32.into()).unwrap_or_default();
		// Whatever credit is dropped is burned: the rest, and a half that the challenger cannot have.
		let (reward, _rest) = credit.split(half);
		let paid = challenger
			.and_then(|challenger| T::Currency::resolve(challenger, reward).ok())
			.map_or_else(Zero::zero, |()| half);
		(slashed, paid)
	}
}
