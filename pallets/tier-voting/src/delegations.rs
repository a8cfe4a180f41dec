//! Delegations: whose votes count with another account's, on the polls of one track.

use crate::{pallet::*, types::*, *};
use polkadot_sdk::frame_support::traits::Polling;

impl<T: Config> Pallet<T> {
	/// Delegates the votes of a track, to somebody else than before if they were delegated; how many polls of
	/// the delegate before, if there was one, and of the new one were touched.
	pub(crate) fn do_delegate(
		who: T::AccountId,
		class: Class,
		to: T::AccountId,
	) -> Result<(Option<u32>, u32), DispatchError> {
		ensure!(who != to, Error::<T>::SelfDelegation);
		ensure!(T::Polls::classes().contains(&class), Error::<T>::NoSuchClass);
		ensure!(Self::delegate_of(&to, class).is_none(), Error::<T>::DelegateDelegates);
		let mut votes = Self::votes_of(who.clone()).into_iter().filter(|ballot| ballot.class == class);
		ensure!(votes.all(|ballot| Self::class_of(ballot.poll).is_none()), Error::<T>::HasVotes);
		let new = Delegation { class, to };
		let old = Self::mutate_delegations(&who, |delegations| {
			match delegations.iter_mut().find(|old| old.class == class) {
				Some(old) => {
					ensure!(*old != new, Error::<T>::AlreadyDelegated);
					Ok(Some(core::mem::replace(old, new.clone())))
				}
				None => {
					delegations.try_push(new.clone()).map_err(|_| Error::<T>::TooManyDelegations)?;
					Ok(None)
				}
			}
		})?;
		let tier = Self::counted(&who).into();
		let left = old.map(|old| Self::move_votes(&old, tier, 0));
		let joined = Self::move_votes(&new, 0, tier);
		Self::deposit_event(Event::Delegated { who, class, to: new.to });
		Ok((left, joined))
	}

	/// Ends a delegation; how many polls were touched.
	pub(crate) fn do_undelegate(who: T::AccountId, class: Class) -> Result<u32, DispatchError> {
		let old = Self::mutate_delegations(&who, |delegations| {
			let position = delegations
				.iter()
				.position(|delegation| delegation.class == class)
				.ok_or(Error::<T>::NotDelegated)?;
			Ok(delegations.remove(position))
		})?;
		let touched = Self::move_votes(&old, Self::counted(&who).into(), 0);
		Self::deposit_event(Event::Undelegated { who, class, from: old.to });
		Ok(touched)
	}

	/// The account to which another one delegates its votes of a track.
	pub(crate) fn delegate_of(who: &T::AccountId, class: Class) -> Option<T::AccountId> {
		let listed = Delegations::<T>::get(who)?;
		listed.list.into_iter().find(|delegation| delegation.class == class).map(|delegation| delegation.to)
	}

	/// Lets a delegation bring `to` votes instead of `from`; how many of the delegate's polls were touched.
	pub(crate) fn move_votes(delegation: &Delegation<T::AccountId>, from: Votes, to: Votes) -> u32 {
		let Delegation { class, to: delegate } = delegation;
		Delegated::<T>::mutate_exists(delegate, class, |slot| {
			let mut votes = slot.unwrap_or_default();
			exchange(&mut votes, from, to);
			*slot = (votes > 0).then_some(votes);
		});
		Self::reweigh(delegate, Some(*class))
	}

	/// Lets `change` see to an account's delegations, and to the deposit for them.
	fn mutate_delegations<R>(
		who: &T::AccountId,
		change: impl FnOnce(&mut DelegationsOf<T>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		Delegations::<T>::try_mutate_exists(who, |listed| {
			Self::mutate_list(who, listed, Self::delegations_footprint(), change)
		})
	}
}
