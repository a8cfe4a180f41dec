//! The verifiers' fee, which waits on hold until it is known who has earned it.

use crate::{pallet::*, *};
use oda_pallet_funds::Shared;
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

	/// Shares a submission's fee equally among `verifiers` and disposes of the rest.
	pub(crate) fn pay_fee(
		id: SubmissionId,
		trainer: &T::AccountId,
		fee: BalanceOf<T>,
		verifiers: &[T::AccountId],
		rest: Rest,
	) {
		let reason = HoldReason::VerificationFee;
		let Shared { each, paid, left } = T::Currency::share_out(reason, trainer, verifiers, fee);
		let (returned, burned) = match rest {
			Rest::Return => {
				T::Currency::give_back(reason, trainer, left);
				(left, Zero::zero())
			}
			Rest::Burn => (Zero::zero(), T::Currency::burn_up(reason, trainer, left)),
		};
		Self::deposit_event(Event::FeePaid { submission: id, verifiers: paid, each, returned, burned });
	}
}
