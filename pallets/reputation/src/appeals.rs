//! The way back for who was suspended or banned.

use crate::{accounts::Open, *};

impl<T: Config> Pallet<T> {
	/// Appeals against what keeps an account out now.
	pub(crate) fn do_appeal(who: T::AccountId, reason: BlobRef) -> DispatchResult {
		let mut open = Open::<T>::get(&who).ok_or(Error::<T>::UnknownAccount)?;
		ensure!(open.entry.standing != Standing::Good, Error::<T>::NotSuspended);
		ensure!(!open.entry.standing.appealed(), Error::<T>::AlreadyAppealed);
		ensure!(!Appeals::<T>::contains_key(&who), Error::<T>::AppealPending);
		let deposit = T::AppealDeposit::get();
		T::Currency::hold(&HoldReason::Appeal.into(), &who, deposit)?;
		let until = T::Clock::get().saturating_add(T::AppealTerm::get());
		Appeals::<T>::insert(&who, Appeal { reason, deposit, until });
		open.entry.standing.set_appealed(true);
		open.close();
		Self::deposit_event(Event::AppealMade { who, reason, deposit, until });
		Ok(())
	}

	/// Answers an appeal.
	pub(crate) fn do_resolve(who: T::AccountId, upheld: bool) -> DispatchResult {
		let Appeal { deposit, .. } = Appeals::<T>::take(&who).ok_or(Error::<T>::UnknownAppeal)?;
		if upheld {
			T::Currency::give_back(HoldReason::Appeal, &who, deposit);
			if let Some(mut open) = Open::<T>::get(&who) {
				open.absolve();
				open.close();
			}
		} else {
			T::Currency::burn_up(HoldReason::Appeal, &who, deposit);
		}
		Self::deposit_event(Event::AppealResolved { who, upheld, deposit });
		Ok(())
	}

	/// Closes an appeal that nobody answered. It counts as not made: whoever is banned does not stay so
	/// because others slept.
	pub(crate) fn do_close(who: T::AccountId) -> DispatchResult {
		let Appeal { deposit, until, .. } = Appeals::<T>::get(&who).ok_or(Error::<T>::UnknownAppeal)?;
		ensure!(until <= T::Clock::get(), Error::<T>::AppealOpen);
		Appeals::<T>::remove(&who);
		T::Currency::give_back(HoldReason::Appeal, &who, deposit);
		if let Some(mut open) = Open::<T>::get(&who) {
			open.entry.standing.set_appealed(false);
			open.close();
		}
		Self::deposit_event(Event::AppealExpired { who, deposit });
		Ok(())
	}
}
