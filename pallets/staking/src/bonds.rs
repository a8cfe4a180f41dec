//! Bonding, delegating, and leaving.

use crate::{pallet::*, pools::Open, types::*, *};
use oda_pallet_traits::Tiers as _;
use polkadot_sdk::sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bond(
		role: Role,
		who: T::AccountId,
		amount: BalanceOf<T>,
		commission: Perbill,
	) -> DispatchResult {
		ensure!(!T::Tiers::is_suspended(&who), Error::<T>::Suspended);
		ensure!(!Pools::<T>::contains_key(role, &who), Error::<T>::PoolExists);
		ensure!(amount >= T::MinBond::convert(role), Error::<T>::BelowMinBond);
		ensure!(commission <= T::MaxCommission::get(), Error::<T>::CommissionTooHigh);
		if role == Role::Validator {
			// Nor by a new pool, after the old one lost everything and ended.
			ensure!(!Self::is_barred(&who), Error::<T>::Barred);
			Self::enlist(&who, amount)?;
		}
		let mut open = Open::<T>::new(role, who.clone(), commission);
		open.pay_deposit()?;
		open.pay_in(&who, amount)?;
		open.add_shares(&who, amount)?;
		open.close();
		Self::deposit_event(Event::Bonded { role, operator: who, amount, commission });
		Ok(())
	}

	/// Refuses whoever may not join a pool: to be safe from an offence that is known, to earn nothing.
	pub(crate) fn ensure_joinable(open: &Open<T>, who: &T::AccountId) -> Result<(), Error<T>> {
		ensure!(open.pool.offences == 0, Error::<T>::OffencePending);
		ensure!(*who == open.operator || !open.pool.counted().is_zero(), Error::<T>::NotActive);
		Ok(())
	}

	pub(crate) fn do_delegate(
		role: Role,
		operator: T::AccountId,
		who: T::AccountId,
		amount: BalanceOf<T>,
	) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &operator)?;
		Self::ensure_joinable(&open, &who)?;
		ensure!(amount >= T::MinDelegation::get(), Error::<T>::BelowMinDelegation);
		open.pay_in(&who, amount)?;
		open.add_shares(&who, amount)?;
		open.close();
		Self::deposit_event(Event::Delegated { role, operator, who, amount });
		Ok(())
	}

	pub(crate) fn do_unbond(
		role: Role,
		operator: T::AccountId,
		who: T::AccountId,
		amount: BalanceOf<T>,
		to: Option<T::AccountId>,
	) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &operator)?;
		let (mut position, _) = open.position(&who);
		ensure!(position.shares.count > 0, Error::<T>::NothingBonded);
		let (least, worth) = (T::MinDelegation::get(), open.pool.active.worth(position.shares));
		let all = worth.saturating_sub(amount) < least;
		ensure!(all || amount >= least, Error::<T>::BelowMinDelegation);
		let price = open.pool.active.price(amount);
		let count = if all { position.shares.count } else { price.min(position.shares.count) };
		let given = Shares { count, ..position.shares };
		// The shares are gone at once: what leaves twice has to be there twice.
		position.shares.count = position.shares.count.saturating_sub(count);
		let leaving = open.pool.active.leave(given);
		let lasts = T::BondingDuration::get().max(Self::least_bonding());
		let until = T::Clock::get().saturating_add(lasts);
		if !leaving.is_zero() {
			let shares = open.pool.leaving.admit(leaving).map_err(|_| Error::<T>::SharesTooFine)?;
			let same = |chunk: &&mut Chunk<_>| {
				chunk.until == until && chunk.to == to && chunk.shares.generation == shares.generation
			};
			if let Some(chunk) = position.chunks.iter_mut().find(same) {
				chunk.shares.count = chunk.shares.count.saturating_add(shares.count);
			} else {
				let chunk = Chunk { shares, until, to: to.clone() };
				position.chunks.try_push(chunk).map_err(|_| Error::<T>::TooManyLeaving)?;
			}
		}
		if who == operator && position.shares.count == 0 {
			open.set_chilled(ChillReason::Left);
		}
		open.set_position(&who, position);
		open.close();
		Self::deposit_event(Event::Unbonded { role, operator, who, amount: leaving, until, to });
		Ok(())
	}
}
