//! The verifiers' fee, which waits on hold until it is known who has earned it.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::{Payments, Rewards, Role};
use polkadot_sdk::{
	frame_support::traits::{
		Imbalance,
		fungible::{Balanced, BalancedHold},
	},
	sp_runtime::traits::{CheckedDiv, Saturating, Zero},
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
	/// What the verifiers of a submission share whose task is this work, if it is committed to now.
	pub fn fee(work: Work) -> BalanceOf<T> {
		T::FeeBase::get().saturating_add(T::VerificationFee::convert(work))
	}

	/// Shares a submission's fee among `verifiers` by their votes, less the part that is burned of every fee that is earned,
	/// and disposes of the rest.
	///
	/// A fee goes where a verifier's rewards go: its commission to itself, the rest to the stake behind it, which answers for
	/// what it does. Where there is no stake any more, it is the account's alone that did the work: there are no delegators
	/// left to share with.
	///
	/// Whoever mints is told of the burned part alone, and so can never give more than was burned: not of what a liar loses
	/// beyond it, which is a punishment and no price. How the task ended makes no difference, or who found a lie would
	/// earn less than who missed it.
	pub(crate) fn pay_fee(
		id: SubmissionId,
		trainer: &T::AccountId,
		terms: &Terms<BalanceOf<T>>,
		verifiers: &[(T::AccountId, u32)],
		rest: Rest,
	) {
		let reason = HoldReason::VerificationFee;
		let pot = terms.fee.saturating_sub(terms.fee_burn);
		let votes = verifiers.iter().fold(0u32, |sum, (_, votes)| sum.saturating_add(*votes));
		let each = pot.checked_div(&votes.into()).unwrap_or_default();
		let (mut paid, mut held) = (0u32, terms.fee);
		let mut refused = CreditOf::<T>::zero();
		for (who, votes) in verifiers.iter().filter(|_| !each.is_zero()) {
			let part = each.saturating_mul((*votes).into());
			let (credit, _missing) = T::Currency::slash(&reason.into(), trainer, part);
			let part = credit.peek();
			held = held.saturating_sub(part);
			let given = T::Rewards::reward(Role::Verifier, who, credit);
			if let Err(credit) = given.or_else(|credit| T::Currency::resolve(who, credit)) {
				paid = paid.saturating_add((credit.peek() < part).into());
				refused.subsume(credit);
			} else {
				paid = paid.saturating_add(1);
			}
		}
		let share = if paid == 0 {
			Zero::zero()
		} else {
			T::Currency::burn_up(reason, trainer, terms.fee.saturating_sub(pot))
		};
		let (held, unpaid) = (held.saturating_sub(share), refused.peek());
		let (returned, burned) = match rest {
			Rest::Return => {
				T::Currency::give_back(reason, trainer, held);
				let returned = T::Currency::reward(trainer, refused);
				(held.saturating_add(returned), share.saturating_add(unpaid.saturating_sub(returned)))
			}
			Rest::Burn => {
				drop(refused);
				let burned = T::Currency::burn_up(reason, trainer, held);
				(Zero::zero(), share.saturating_add(burned).saturating_add(unpaid))
			}
		};
		if paid > 0 {
			T::Payments::task_settled(verifiers, share);
		}
		Self::deposit_event(Event::FeePaid { submission: id, verifiers: paid, each, returned, burned });
	}
}
