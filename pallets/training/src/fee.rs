//! The verifiers' fee, which waits on hold until it is known who has earned it.

use crate::{pallet::*, types::*, *};
use oda_pallet_funds::Shared;
use oda_pallet_traits::Payments;
use polkadot_sdk::sp_runtime::traits::{Saturating, Zero};

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


	/// Shares a submission's fee equally among `verifiers`, less the part that is burned of every fee that is earned, and
	/// disposes of the rest.
	///
	/// Whoever mints is told of that part alone, and so can never give more than was burned: not of what a liar loses
	/// beyond it, which is a punishment and no price. How the task ended makes no difference, or who found a lie would
	/// earn less than who missed it.
	pub(crate) fn pay_fee(
		id: SubmissionId,
		trainer: &T::AccountId,
		terms: &Terms<BalanceOf<T>>,
		verifiers: &[T::AccountId],
		rest: Rest,
	) {
		let reason = HoldReason::VerificationFee;
		let pot = terms.fee.saturating_sub(terms.fee_burn);
		let Shared { each, paid, left } = T::Currency::share_out(reason, trainer, verifiers, pot);
		let (share, left) = if paid == 0 {
			(Zero::zero(), terms.fee)
		} else {
			(T::Currency::burn_up(reason, trainer, terms.fee.saturating_sub(pot)), left)
		};
		let (returned, burned) = match rest {
			Rest::Return => {
				T::Currency::give_back(reason, trainer, left);
				(left, share)
			}
			Rest::Burn => (Zero::zero(), share.saturating_add(T::Currency::burn_up(reason, trainer, left))),
		};
		if paid > 0 {
			T::Payments::task_settled(verifiers, share);
		}
		Self::deposit_event(Event::FeePaid { submission: id, verifiers: paid, each, returned, burned });
	}
}
