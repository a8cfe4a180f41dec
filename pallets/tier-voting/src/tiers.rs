//! Tiers: which one counts, and how votes follow when an account has another one.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::TierWatcher;

/// The most accounts that a block looks at.
const MAX_LOOKED_AT: usize = 64;

impl<T: Config> Pallet<T> {
	/// The tier as which an account's votes count.
	pub(crate) fn counted(who: &T::AccountId) -> Tier {
		Behind::<T>::get(who).unwrap_or_else(|| T::Tiers::tier(who))
	}

	/// Lets an account's votes, and those that it delegates, count as its tier is now; how many polls were
	/// touched.
	pub(crate) fn do_catch_up(who: &T::AccountId) -> Result<u32, DispatchError> {
		let from = Behind::<T>::take(who).ok_or(Error::<T>::NotBehind)?.into();
		let tier = T::Tiers::tier(who);
		let to = Votes::from(tier);
		TotalVotes::<T>::mutate(|total| exchange(total, from, to));
		let mut touched = Self::reweigh(who, None);
		let delegations = Delegations::<T>::get(who).map(|listed| listed.list).unwrap_or_default();
		for delegation in delegations {
			touched = touched.saturating_add(Self::move_votes(&delegation, from, to));
		}
		Self::deposit_event(Event::CaughtUp { who: who.clone(), tier });
		Ok(touched)
	}

	/// What catching up costs at most: who delegates its votes of each track, to who votes on as many polls
	/// of it as it can. Votes of its own would cost less, since it would have to leave their track to itself.
	pub(crate) fn most_catching_up() -> Weight {
		T::WeightInfo::catch_up(T::MaxVotes::get().saturating_mul(T::MaxClasses::get()))
	}

	/// Lets accounts catch up, as many as this block has room for.
	pub(crate) fn catch_up_some(meter: &mut WeightMeter) {
		let look = T::DbWeight::get().reads(1);
		if meter.try_consume(look).is_err() {
			return;
		}
		let mut behind = Behind::<T>::iter_keys();
		let Some(first) = behind.next() else { return };
		let limit = meter.remaining().min(T::CatchUpWeight::get());
		let mut own = WeightMeter::with_limit(limit);
		if own.try_consume(Self::looking()).is_ok() {
			// All at once: to begin anew after each would have to pass over those that are gone.
			let found: Vec<_> = core::iter::once(first).chain(behind).take(MAX_LOOKED_AT).collect();
			for who in found {
				if !own.can_consume(Self::most_catching_up()) {
					break;
				}
				let touched = Self::do_catch_up(&who).unwrap_or_default();
				own.consume(T::WeightInfo::catch_up(touched));
			}
		}
		meter.consume(own.consumed());
	}

	/// What looking for accounts that are behind costs, if there are any.
	pub(crate) fn looking() -> Weight {
		T::DbWeight::get().reads(MAX_LOOKED_AT.saturated_into())
	}
}

impl<T: Config> TierWatcher<T::AccountId> for Pallet<T> {
	/// Costs the same whatever the account has voted on, since any deed may change a tier: of one that votes
	/// or delegates it is only written down that it changed.
	fn tier_changed(who: &T::AccountId, from: Tier, to: Tier) {
		let listed = VotesOf::<T>::contains_key(who) || Delegations::<T>::contains_key(who);
		match Behind::<T>::get(who) {
			Some(counted) if counted == to => Behind::<T>::remove(who),
			Some(_) => {}
			None if listed && from != to => Behind::<T>::insert(who, from),
			None => TotalVotes::<T>::mutate(|total| exchange(total, from.into(), to.into())),
		}
	}
}
