//! Who pays for inference, and how many points that has given in a period.

use crate::*;

impl<T: Config> Pallet<T> {
	/// What of so many points a payer's fees may still give in this period, to whichever provider; it is used
	/// up by that.
	///
	/// Neither the provider nor what becomes of its points plays a part, so that it does not matter over how
	/// many accounts a provider is spread.
	pub(crate) fn draw_on(payer: &T::AccountId, points: u64) -> u64 {
		let period = Self::period();
		let present = Payers::<T>::get(payer).filter(|payer| payer.period == period);
		let used = present.map_or(0, |payer| payer.points);
		let points = points.min(T::PayerCap::get().saturating_sub(used));
		if points > 0 {
			Payers::<T>::insert(payer, Payer { period, points: used.saturating_add(points) });
		}
		points
	}

	/// Removes those of past periods; whether all of them were.
	pub(crate) fn do_tidy(payers: &[T::AccountId]) -> bool {
		let period = Self::period();
		let remove = |who: &T::AccountId| {
			let past = Payers::<T>::get(who).is_some_and(|payer| payer.period < period);
			if past {
				Payers::<T>::remove(who);
			}
			past
		};
		// A name that stands there twice is gone by then, and has to be paid for.
		let removed = payers.iter().filter(|who| remove(who)).count();
		removed > 0 && removed == payers.len()
	}
}
