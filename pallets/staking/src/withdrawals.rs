//! What comes of stake that is out.

use crate::{pallet::*, pools::Open, *};
use polkadot_sdk::{
	frame_support::{
		storage::with_storage_layer,
		traits::{
			fungible::{Inspect, MutateHold},
			tokens::{Fortitude, Precision, Restriction},
		},
	},
	sp_runtime::traits::Saturating,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_withdraw(role: Role, operator: T::AccountId, who: T::AccountId) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &operator)?;
		ensure!(Positions::<T>::contains_key(&who, (role, &operator)), Error::<T>::NothingBonded);
		let (mut position, dropped) = open.position(&who);
		if dropped {
			let (operator, who) = (operator.clone(), who.clone());
			Self::deposit_event(Event::WorthlessRemoved { role, operator, who });
		}
		let now = T::Clock::get();
		let due = position.chunks.iter().any(|chunk| chunk.until <= now);
		ensure!(due || dropped, Error::<T>::NothingDue);
		// What waits to be applied may be the last that can be blamed on it.
		ensure!(open.pool.offences == 0 || dropped, Error::<T>::OffencePending);
		// An operator does not leave its delegators to answer for what it has begun.
		let mut own = (who == operator).then(|| open.owned());
		let mut done = dropped;
		let mut kept = BoundedVec::new();
		for chunk in core::mem::take(&mut position.chunks) {
			let amount = open.pool.leaving.worth(chunk.shares);
			let rest = open.pool.total().saturating_sub(amount);
			let own_rest = own.map(|own| own.saturating_sub(amount));
			let rest = own_rest.map_or(rest, |own_rest| own_rest.min(rest));
			let out = chunk.until <= now && open.pool.offences == 0;
			if !out || (rest < open.pool.reserved && !amount.is_zero()) {
				// No more than there were.
				let _ = kept.try_push(chunk);
				continue;
			}
			own = own_rest;
			let amount = open.pool.leaving.leave(chunk.shares);
			Self::let_out(&open, &who, amount, chunk.to)?;
			done = true;
		}
		ensure!(done, Error::<T>::StakeReserved);
		position.chunks = kept;
		open.set_position(&who, position);
		open.close();
		Ok(())
	}

	/// Delegates an amount that has left a pool as was ordered, or pays it out.
	fn let_out(
		open: &Open<T>,
		who: &T::AccountId,
		amount: BalanceOf<T>,
		to: Option<T::AccountId>,
	) -> DispatchResult {
		if amount.is_zero() {
			return Ok(());
		}
		let (role, operator, who_else) = (open.role, open.operator.clone(), who.clone());
		if let Some(to) = to.filter(|to| Self::delegate_on(open, who, amount, to).is_ok()) {
			Self::deposit_event(Event::Redelegated { role, operator, to, who: who_else, amount });
			return Ok(());
		}
		let (reason, account) = (open.reason(), open.account());
		let paid = with_storage_layer(|| {
			T::Currency::transfer_on_hold(
				&reason,
				&account,
				who,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		});
		match paid {
			Ok(_) => Self::deposit_event(Event::Withdrawn { role, operator, who: who_else, amount }),
			// A slash has left less than the account needs to exist, and nobody waits for it for ever.
			Err(_) if amount < T::Currency::minimum_balance() => {
				T::Currency::burn_up(reason, &account, amount);
				Self::deposit_event(Event::DustBurned { role, operator, who: who_else, amount });
			}
			Err(error) => return Err(error),
		}
		Ok(())
	}

	/// Moves an amount from a pool into another, if that may be joined.
	fn delegate_on(
		from: &Open<T>,
		who: &T::AccountId,
		amount: BalanceOf<T>,
		to: &T::AccountId,
	) -> DispatchResult {
		with_storage_layer(|| {
			let mut open = Open::<T>::existing(from.role, to)?;
			Self::ensure_joinable(&open, who)?;
			ensure!(amount >= T::MinDelegation::get(), Error::<T>::BelowMinDelegation);
			from.move_to(&open, amount)?;
			open.add_shares(who, amount)?;
			open.close();
			Ok(())
		})
	}
}
