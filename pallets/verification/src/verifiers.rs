//! Who can be drawn: joining, capacity, resting, leaving, and what stakes weigh.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::StakeWatcher;
use polkadot_sdk::{frame_support::traits::Consideration, sp_runtime::SaturatedConversion};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_join(who: T::AccountId, capacity: Load) -> DispatchResult {
		ensure!(!Verifiers::<T>::contains_key(&who), Error::<T>::AlreadyVerifier);
		ensure!(capacity.covers(&T::MinCapacity::get()), Error::<T>::CapacityTooSmall);
		let weight = Self::weight_of(T::Stakes::active(Role::Verifier, &who));
		ensure!(weight > 0, Error::<T>::StakeTooLow);
		let place = Self::take_place()?;
		let ticket = T::VerifierDeposit::new(&who, Self::footprint())?;
		let mut room = Versioned::default();
		room.set(T::Epoch::get(), capacity);
		let verifier = Verifier {
			place,
			duty: Duty::Awake,
			capacity,
			room,
			drawn: Usage::default(),
			closed: Versioned::default(),
			open: 0,
			absences: Absences::default(),
			ticket,
		};
		Places::<T>::insert(place, &who);
		Self::deposit_event(Event::Joined { verifier: who.clone(), capacity });
		Self::update(&who, verifier, weight);
		Ok(())
	}

	pub(crate) fn do_set_capacity(who: T::AccountId, capacity: Load) -> DispatchResult {
		ensure!(capacity.covers(&T::MinCapacity::get()), Error::<T>::CapacityTooSmall);
		Verifiers::<T>::try_mutate(&who, |verifier| -> DispatchResult {
			let verifier = verifier.as_mut().ok_or(Error::<T>::NotVerifier)?;
			verifier.capacity = capacity;
			if !matches!(verifier.duty, Duty::Away { .. }) {
				verifier.room.set(T::Epoch::get(), capacity);
			}
			Ok(())
		})?;
		Self::deposit_event(Event::CapacitySet { verifier: who, capacity });
		Ok(())
	}

	pub(crate) fn do_rest(who: T::AccountId) -> DispatchResult {
		let verifier = Verifiers::<T>::get(&who).ok_or(Error::<T>::NotVerifier)?;
		ensure!(verifier.duty != Duty::Resting, Error::<T>::AlreadyResting);
		Self::lay_to_rest(&who, verifier);
		Ok(())
	}

	pub(crate) fn do_dismiss(who: &T::AccountId) -> DispatchResult {
		let verifier = Verifiers::<T>::get(who).ok_or(Error::<T>::NotVerifier)?;
		let Duty::Away { since } = verifier.duty else { return Err(Error::<T>::NotAway.into()) };
		let dismissed = since.saturating_add(T::AwayEpochs::get());
		ensure!(T::Epoch::get() >= dismissed, Error::<T>::NotAwayForLong);
		Self::lay_to_rest(who, verifier);
		Ok(())
	}

	/// Lets a verifier rest: it weighs nothing in draws that are not frozen yet.
	fn lay_to_rest(who: &T::AccountId, mut verifier: VerifierOf<T>) {
		verifier.duty = Duty::Resting;
		verifier.room.set(T::Epoch::get(), verifier.capacity);
		Self::deposit_event(Event::Rested { verifier: who.clone() });
		Self::update(who, verifier, 0);
	}

	/// Takes a verifier that is absent again and again out of the draws that are not frozen yet; but not its weight.
	pub(crate) fn send_away(who: &T::AccountId) {
		let Some(mut verifier) = Verifiers::<T>::get(who) else { return };
		verifier.duty = Duty::Away { since: T::Epoch::get() };
		verifier.room.set(T::Epoch::get(), Load::default());
		let weight = Self::leaf(verifier.place).now();
		Self::deposit_event(Event::SentAway { verifier: who.clone() });
		Self::update(who, verifier, weight);
	}

	pub(crate) fn do_wake(who: T::AccountId) -> DispatchResult {
		let mut verifier = Verifiers::<T>::get(&who).ok_or(Error::<T>::NotVerifier)?;
		ensure!(verifier.duty != Duty::Awake, Error::<T>::NotResting);
		let weight = Self::weight_of(T::Stakes::active(Role::Verifier, &who));
		ensure!(weight > 0, Error::<T>::StakeTooLow);
		verifier.duty = Duty::Awake;
		verifier.room.set(T::Epoch::get(), verifier.capacity);
		verifier.absences.in_a_row = 0;
		Self::deposit_event(Event::Woken { verifier: who.clone() });
		Self::update(&who, verifier, weight);
		Ok(())
	}

	pub(crate) fn do_leave(who: T::AccountId) -> DispatchResult {
		let verifier = Verifiers::<T>::get(&who).ok_or(Error::<T>::NotVerifier)?;
		ensure!(verifier.duty == Duty::Resting, Error::<T>::NotResting);
		ensure!(verifier.open == 0, Error::<T>::HasOpenTasks);
		ensure!(Self::leaf(verifier.place).is_gone(T::Epoch::get()), Error::<T>::StillInDraw);
		Verifiers::<T>::remove(&who);
		Places::<T>::remove(verifier.place);
		Self::clear_place(verifier.place);
		Self::give_place_back(verifier.place);
		funds::return_deposit(verifier.ticket, &who);
		Self::deposit_event(Event::Left { verifier: who });
		Ok(())
	}

	/// What a stake weighs in the draw.
	fn weight_of(stake: BalanceOf<T>) -> u128 {
		if stake < T::MinStake::get() { 0 } else { stake.saturated_into() }
	}

	/// Changes a verifier's entry, and what it weighs in the draw.
	fn update(who: &T::AccountId, verifier: VerifierOf<T>, weight: u128) {
		let before = Verifiers::<T>::get(who).is_some_and(|verifier| Self::is_eligible(&verifier));
		if Self::leaf(verifier.place).now() != weight {
			Self::set_weight(verifier.place, weight);
		}
		let eligible = Self::is_eligible(&verifier);
		Verifiers::<T>::insert(who, verifier);
		Self::count(who, before, eligible);
	}

	/// Whether a verifier could be drawn if its weight and its room were frozen as they are.
	pub(crate) fn is_eligible(verifier: &VerifierOf<T>) -> bool {
		verifier.duty == Duty::Awake && Self::leaf(verifier.place).now() > 0
	}

	fn count(who: &T::AccountId, before: bool, eligible: bool) {
		if eligible != before {
			Eligible::<T>::mutate(|count| {
				*count = if eligible { count.saturating_add(1) } else { count.saturating_sub(1) };
			});
			Self::deposit_event(Event::EligibilityChanged { verifier: who.clone(), eligible });
		}
	}

	/// A place that nobody has.
	fn take_place() -> Result<u32, Error<T>> {
		let free = FreePlaceCount::<T>::get();
		if let Some(last) = free.checked_sub(1)
			&& let Some(place) = FreePlaces::<T>::take(last)
		{
			FreePlaceCount::<T>::put(last);
			return Ok(place);
		}
		let place = NextPlace::<T>::get();
		ensure!(place < tree::PLACES, Error::<T>::TooManyVerifiers);
		NextPlace::<T>::put(place.saturating_add(1));
		Ok(place)
	}

	fn give_place_back(place: u32) {
		let free = FreePlaceCount::<T>::get();
		FreePlaces::<T>::insert(free, place);
		FreePlaceCount::<T>::put(free.saturating_add(1));
	}

	/// What a verifier takes in the storage: its entry, its place, and its part of the tree.
	pub(crate) fn footprint() -> Footprint {
		let entries = VerifierOf::<T>::max_encoded_len()
			.saturating_add(T::AccountId::max_encoded_len())
			.saturating_add(Versioned::<u128>::max_encoded_len().saturating_mul(2));
		Footprint::from_parts(3, entries)
	}
}

impl<T: Config> StakeWatcher<T::AccountId, BalanceOf<T>> for Pallet<T> {
	/// Touches the tree and nothing else: whoever slashes in the middle of something finds its entries as they were.
	fn changed(role: Role, who: &T::AccountId, active: BalanceOf<T>) {
		if role != Role::Verifier {
			return;
		}
		let Some(verifier) = Verifiers::<T>::get(who).filter(|verifier| verifier.duty != Duty::Resting)
		else {
			return;
		};
		let weight = Self::weight_of(active);
		if Self::leaf(verifier.place).now() != weight {
			let before = Self::is_eligible(&verifier);
			Self::set_weight(verifier.place, weight);
			Self::count(who, before, Self::is_eligible(&verifier));
		}
	}
}
