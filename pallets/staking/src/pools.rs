//! Opening and closing a pool: the one place where pools are written, watchers told, and what is over is removed.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::StakeWatcher;
use polkadot_sdk::frame_support::{
	defensive,
	traits::{
		fungible::{Inspect, Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation, Restriction},
	},
};

/// A pool that is being changed. It counts as unchanged until it is [closed](Self::close).
pub(crate) struct Open<T: Config> {
	pub(crate) role: Role,
	pub(crate) operator: T::AccountId,
	pub(crate) pool: PoolOf<T>,
	/// What its watcher was told last.
	told: BalanceOf<T>,
	/// Whether its operator is on the list of validators' candidates.
	listed: bool,
}

impl<T: Config> Open<T> {
	/// Opens a pool that there is.
	pub(crate) fn get(role: Role, operator: &T::AccountId) -> Option<Self> {
		let pool = Pools::<T>::get(role, operator)?;
		let listed = role == Role::Validator && !pool.chilled;
		Some(Self { role, operator: operator.clone(), told: pool.counted(), listed, pool })
	}

	/// The same, or the error.
	pub(crate) fn existing(role: Role, operator: &T::AccountId) -> Result<Self, Error<T>> {
		Self::get(role, operator).ok_or(Error::<T>::UnknownPool)
	}

	/// Begins an empty pool.
	pub(crate) fn new(role: Role, operator: T::AccountId, commission: Perbill) -> Self {
		let pool = Pool {
			active: Fund::default(),
			leaving: Fund::default(),
			own: 0,
			reserved: Zero::zero(),
			min_bond: T::MinBond::convert(role),
			commission,
			raise: None,
			chilled: false,
			offences: 0,
			members: 0,
		};
		// Who makes a pool puts its operator on the list.
		Self { role, operator, pool, told: Zero::zero(), listed: true }
	}

	/// The account in which the stake lies.
	pub(crate) fn account(&self) -> T::AccountId {
		T::PoolAccount::convert((self.role, self.operator.clone()))
	}

	/// For what the stake is on hold.
	pub(crate) fn reason(&self) -> T::RuntimeHoldReason {
		reason::<T>(self.role)
	}

	/// What somebody has in it, without what a slash has left worthless; whether there was such.
	pub(crate) fn position(&self, who: &T::AccountId) -> (PositionOf<T>, bool) {
		let mut position = Positions::<T>::get(who, self.key());
		let dropped = position.as_mut().is_some_and(|position| position.drop_worthless(&self.pool));
		(position.unwrap_or_default(), dropped)
	}

	/// Writes what somebody has in it.
	pub(crate) fn set_position(&mut self, who: &T::AccountId, position: PositionOf<T>) {
		if *who == self.operator {
			self.pool.own = self.pool.active.live(position.shares);
		}
		let key = self.key();
		let was = Positions::<T>::contains_key(who, &key);
		if position.is_empty() {
			Positions::<T>::remove(who, key);
		} else {
			Positions::<T>::insert(who, key, &position);
		}
		match (was, position.is_empty()) {
			(false, false) => self.pool.members = self.pool.members.saturating_add(1),
			(true, true) => self.pool.members = self.pool.members.saturating_sub(1),
			_ => {}
		}
	}

	fn key(&self) -> Candidate<T::AccountId> {
		(self.role, self.operator.clone())
	}

	/// Moves an amount from an account's free balance into the pool.
	pub(crate) fn pay_in(&self, who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		T::Currency::transfer_and_hold(
			&self.reason(),
			who,
			&self.account(),
			amount,
			Precision::Exact,
			Preservation::Preserve,
			Fortitude::Polite,
		)?;
		Ok(())
	}

	/// Moves an amount from this pool to another's.
	pub(crate) fn move_to(&self, other: &Self, amount: BalanceOf<T>) -> DispatchResult {
		T::Currency::transfer_on_hold(
			&self.reason(),
			&self.account(),
			&other.account(),
			amount,
			Precision::Exact,
			Restriction::OnHold,
			Fortitude::Force,
		)?;
		Ok(())
	}

	/// Lets an amount that lies in the pool's account already be active stake of `who`.
	pub(crate) fn add_shares(&mut self, who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		let (mut position, _) = self.position(who);
		let made = self.pool.active.enter(amount).map_err(|why| match why {
			NoEntry::TooCoarse => Error::<T>::SharesTooCoarse,
			NoEntry::TooFine => Error::<T>::SharesTooFine,
		})?;
		position.shares.count = position.shares.count.saturating_add(made.count);
		position.shares.generation = made.generation;
		self.set_position(who, position);
		Ok(())
	}

	/// Makes the candidate count no more; the caller sees to it that it is not on the list.
	pub(crate) fn set_chilled(&mut self, reason: ChillReason) {
		if !self.pool.chilled {
			self.pool.chilled = true;
			let (role, operator) = (self.role, self.operator.clone());
			Pallet::<T>::deposit_event(Event::Chilled { role, operator, reason });
		}
	}

	/// Writes the pool, or ends it if nothing needs it any more, and tells the watcher.
	pub(crate) fn close(mut self) {
		if self.pool.active.supply == 0 {
			self.pool.own = 0;
		}
		let over = self.pool.is_over();
		let counts = if over { Zero::zero() } else { self.pool.counted() };
		if self.listed && (over || self.pool.chilled) {
			ValidatorCandidates::<T>::mutate(|list| list.retain(|who| *who != self.operator));
		}
		if over {
			Pools::<T>::remove(self.role, &self.operator);
			self.return_deposit();
		} else {
			Pools::<T>::insert(self.role, &self.operator, self.pool);
		}
		if counts != self.told {
			T::Watcher::changed(self.role, &self.operator, counts);
		}
	}

	/// Gives the operator what the account had to have, and whatever somebody sent there.
	fn return_deposit(&self) {
		let account = self.account();
		let rest = T::Currency::balance(&account);
		let moved = T::Currency::transfer(&account, &self.operator, rest, Preservation::Expendable).is_ok();
		// What stays there is the operator's again when it bonds the next time.
		if !moved {
			defensive!("the account of a pool that is over can be emptied");
		}
		let returned = if moved { rest } else { Zero::zero() };
		Pallet::<T>::deposit_event(Event::PoolEnded {
			role: self.role,
			operator: self.operator.clone(),
			returned,
		});
	}

	/// Lets the operator pay what the pool's account has to have beside the stake.
	pub(crate) fn pay_deposit(&self) -> DispatchResult {
		let (account, least) = (self.account(), T::Currency::minimum_balance());
		if T::Currency::balance(&account) < least {
			T::Currency::transfer(&self.operator, &account, least, Preservation::Preserve)?;
		}
		Ok(())
	}
}

/// For what the stakes of a role are on hold.
pub(crate) fn reason<T: Config>(role: Role) -> T::RuntimeHoldReason {
	match role {
		Role::Validator => HoldReason::ValidatorStake,
		Role::Verifier => HoldReason::VerifierStake,
		Role::Provider => HoldReason::ProviderStake,
	}
	.into()
}
