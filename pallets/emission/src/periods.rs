//! Puts aside what a period issues.

use crate::{pallet::*, types::*, *};
use polkadot_sdk::{
	frame_support::traits::fungible::Mutate,
	sp_runtime::{
		SaturatedConversion,
		traits::{CheckedDiv, Saturating, Zero},
	},
};

/// How many periods' worth the authors' pot holds at most: the one that is being paid out, and as much again of what
/// was not. What is in it flows out within a period, so that a block is never paid more than twice what it is due.
const AUTHORS_CARRY: u32 = 2;

impl<T: Config> Pallet<T> {
	/// What may be minted by when.
	pub fn schedule() -> Schedule {
		Schedule { cap: T::MaxMinted::get().saturated_into(), halving: T::HalvingInterval::get() }
	}

	/// The ticks since the emission started; none if it has not.
	pub(crate) fn elapsed() -> Tick {
		let now = T::Clock::get();
		Progress::<T>::get().map_or(0, |progress| now.saturating_sub(progress.start))
	}

	/// How far the emission has come once the oldest period is put aside that is over; `None` if none is. A chain that
	/// gets this pallet later starts at the tick at which this is first asked.
	pub(crate) fn due() -> Option<Position> {
		let now = T::Clock::get();
		let Some(progress) = Progress::<T>::get() else {
			Progress::<T>::put(Position { start: now, done: 0 });
			return None;
		};
		let done = progress.done.checked_add(T::Period::get().max(1))?;
		(now.saturating_sub(progress.start) >= done).then_some(Position { done, ..progress })
	}

	/// Puts one period aside: mints what is due into the pots, as far as they have room, and for the treasury. What finds
	/// no place is not minted, then or later.
	pub(crate) fn put_aside(next: Position) {
		let schedule = Self::schedule();
		let before = Progress::<T>::get().map_or(next.done, |progress| progress.done);
		let due = schedule.issued(next.done).saturating_sub(schedule.issued(before));
		Progress::<T>::put(next);

		let due: BalanceOf<T> = due.saturated_into();
		let mut rest = due.min(T::MaxMinted::get().saturating_sub(Minted::<T>::get()));
		let mut part = |share: Perbill| {
			let part = share.mul_floor(due).min(rest);
			rest = rest.saturating_sub(part);
			part
		};
		let shares = T::Shares::get();
		let mut authors = Self::room(Pot::Authors, part(shares.authors), AUTHORS_CARRY);
		let mut verifiers = Self::room(Pot::Verifiers, part(shares.verifiers), T::CarryOver::get());
		let mut trainers = Self::room(Pot::Trainers, part(shares.trainers), T::CarryOver::get());
		let treasury = Self::mint(&T::Treasury::get(), part(shares.treasury));

		let all = authors.saturating_add(verifiers).saturating_add(trainers);
		if Self::mint(&Self::account(), all).is_zero() {
			(authors, verifiers, trainers) = (Zero::zero(), Zero::zero(), Zero::zero());
		}
		for (pot, amount) in [(Pot::Authors, authors), (Pot::Verifiers, verifiers), (Pot::Trainers, trainers)]
		{
			if !amount.is_zero() {
				Pots::<T>::mutate(pot, |held| *held = held.saturating_add(amount));
			}
		}
		let period: BalanceOf<T> = T::Period::get().saturated_into();
		PerBlock::<T>::put(Pots::<T>::get(Pot::Authors).checked_div(&period).unwrap_or_default());
		if !all.is_zero() || !treasury.is_zero() {
			Self::deposit_event(Event::PutAside { ticks: next.done, authors, verifiers, trainers, treasury });
		}
	}

	/// How much of a period's `part` a pot has room for, if it holds no more than `carry` such parts.
	fn room(pot: Pot, part: BalanceOf<T>, carry: u32) -> BalanceOf<T> {
		part.saturating_mul(carry.into()).saturating_sub(Pots::<T>::get(pot)).min(part)
	}

	/// Mints for an account; how much it was, nothing if the account cannot have it.
	pub(crate) fn mint(to: &T::AccountId, amount: BalanceOf<T>) -> BalanceOf<T> {
		if amount.is_zero() || T::Currency::mint_into(to, amount).is_err() {
			return Zero::zero();
		}
		Minted::<T>::mutate(|minted| *minted = minted.saturating_add(amount));
		amount
	}
}
