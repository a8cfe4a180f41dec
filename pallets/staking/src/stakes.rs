//! What the other pallets ask of stakes.

use crate::{pallet::*, pools::Open, *};
use oda_pallet_traits::{AmountOf, OwnStakes, RewardOf, Rewards, Stakes};
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{
			Imbalance,
			fungible::{Balanced, Credit, MutateHold},
		},
	},
	sp_runtime::{
		Rounding, SaturatedConversion, helpers_128bit::multiply_by_rational_with_rounding, traits::Saturating,
	},
};

/// `amount × part / whole`; nothing of nothing.
fn part_of<Balance: polkadot_sdk::sp_runtime::traits::AtLeast32BitUnsigned + Copy>(
	amount: Balance,
	part: Balance,
	whole: Balance,
	rounding: Rounding,
) -> Balance {
	let [amount, part, whole] = [amount, part, whole].map(SaturatedConversion::saturated_into::<u128>);
	multiply_by_rational_with_rounding(amount, part, whole, rounding)
		.map_or_else(Zero::zero, SaturatedConversion::saturated_into)
}

impl<T: Config> Open<T> {
	/// What of the pool is its operator's own, leaving or not.
	pub(crate) fn owned(&self) -> BalanceOf<T> {
		let (position, _) = self.position(&self.operator);
		let leaving = position.chunks.iter().map(|chunk| self.pool.leaving.worth(chunk.shares));
		leaving.fold(self.pool.own_bond(), Saturating::saturating_add)
	}

	/// Takes an amount, or as much as there is, from active and leaving stake alike; how much it was, and what of it
	/// somebody may be rewarded with.
	///
	/// That is half of what the operator itself loses. If it were half of all, an operator with little of its own could
	/// accuse itself through somebody else, and take what is delegated with it.
	pub(crate) fn slash(
		&mut self,
		amount: BalanceOf<T>,
	) -> (BalanceOf<T>, Credit<T::AccountId, T::Currency>) {
		let total = self.pool.total();
		let amount = amount.min(total);
		if amount.is_zero() {
			return (amount, Credit::<T::AccountId, T::Currency>::zero());
		}
		let owned = self.owned().min(total);
		let of_leaving = part_of(amount, self.pool.leaving.stake, total, Rounding::Down);
		self.pool.leaving.lose(of_leaving);
		self.pool.active.lose(amount.saturating_sub(of_leaving));
		let (taken, half) = T::Currency::punish(self.reason(), &self.account(), amount);
		if taken != amount {
			defensive!("a pool's stake is on hold in its account");
		}
		let of_operator = part_of(half.peek(), owned, total, Rounding::Down);
		let (credit, _burned) = half.split(of_operator);
		let (role, operator, reward) = (self.role, self.operator.clone(), credit.peek());
		Pallet::<T>::deposit_event(Event::Slashed { role, operator, amount, reward });
		(amount, credit)
	}
}

impl<T: Config> Stakes<T::AccountId> for Pallet<T> {
	type Currency = T::Currency;

	/// What counts: nothing either for who is chilled, or whose own bond is too small.
	fn active(role: Role, who: &T::AccountId) -> AmountOf<T::AccountId, Self> {
		Pools::<T>::get(role, who).map_or_else(Zero::zero, |pool| pool.counted())
	}

	/// What has begun to leave before `within` was read does not let more be reserved: or an operator that goes on taking work
	/// could keep its delegators in for ever. What has begun to leave since does: or leaving would be a way out of what is
	/// settled already.
	fn reserve(
		role: Role,
		who: &T::AccountId,
		amount: AmountOf<T::AccountId, Self>,
		within: AmountOf<T::AccountId, Self>,
	) -> DispatchResult {
		let mut open = Open::<T>::existing(role, who)?;
		let reserved = open.pool.reserved.saturating_add(amount);
		ensure!(reserved <= open.pool.total().min(within), Error::<T>::NothingToReserve);
		open.pool.reserved = reserved;
		open.close();
		Ok(())
	}

	fn release(role: Role, who: &T::AccountId, amount: AmountOf<T::AccountId, Self>) {
		if let Some(mut open) = Open::<T>::get(role, who) {
			open.pool.reserved = open.pool.reserved.saturating_sub(amount);
			open.close();
		}
	}

	/// The part that somebody may be rewarded with is half of what the operator itself loses: see the README. It is half of
	/// all where nothing is delegated.
	fn slash(
		role: Role,
		who: &T::AccountId,
		amount: AmountOf<T::AccountId, Self>,
	) -> (AmountOf<T::AccountId, Self>, RewardOf<T::AccountId, Self>) {
		let Some(mut open) = Open::<T>::get(role, who) else {
			return (Zero::zero(), Credit::<T::AccountId, T::Currency>::zero());
		};
		let slashed = open.slash(amount);
		open.close();
		slashed
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn bond_for_benchmark(role: Role, who: &T::AccountId, amount: AmountOf<T::AccountId, Self>) {
		benchmarking::bond::<T>(role, who, amount);
		// A reward that is paid to two accounts costs more.
		benchmarking::change::<T>(role, who, |pool| pool.commission = T::MaxCommission::get());
	}
}

impl<T: Config> OwnStakes<T::AccountId> for Pallet<T> {
	fn own(role: Role, who: &T::AccountId) -> AmountOf<T::AccountId, Self> {
		let pool = Pools::<T>::get(role, who).filter(|pool| !pool.counted().is_zero());
		pool.map_or_else(Zero::zero, |pool| pool.own_bond())
	}

	fn slash_own(
		role: Role,
		who: &T::AccountId,
		amount: AmountOf<T::AccountId, Self>,
	) -> (AmountOf<T::AccountId, Self>, RewardOf<T::AccountId, Self>) {
		let Some(mut open) = Open::<T>::get(role, who) else {
			return (Zero::zero(), Credit::<T::AccountId, T::Currency>::zero());
		};
		let (owned, total) = (open.owned(), open.pool.total());
		let whole = match owned {
			// Its delegators alone are not to answer for it.
			none if none.is_zero() => none,
			owned if owned > amount => part_of(total, amount, owned, Rounding::Up),
			_ => total,
		};
		let slashed = open.slash(whole);
		open.close();
		slashed
	}
}

impl<T: Config> Rewards<T::AccountId, Credit<T::AccountId, T::Currency>> for Pallet<T> {
	/// A commission that the operator's account cannot hold is handed back alone.
	fn reward(
		role: Role,
		who: &T::AccountId,
		credit: Credit<T::AccountId, T::Currency>,
	) -> Result<(), Credit<T::AccountId, T::Currency>> {
		let Some(mut open) = Open::<T>::get(role, who).filter(|open| open.pool.active.supply > 0) else {
			return Err(credit);
		};
		let account = open.account();
		let commission = open.pool.commission_at(T::Clock::get()).mul_floor(credit.peek());
		let (commission, rest) = credit.split(commission);
		let amount = rest.peek();
		if !amount.is_zero() {
			if let Err(rest) = T::Currency::resolve(&account, rest) {
				return Err(rest.merge(commission));
			}
			// It came to the account's free balance just now, beside what that has to have.
			if T::Currency::hold(&open.reason(), &account, amount).is_err() {
				defensive!("what a pool's account was just given can be put on hold");
			} else {
				open.pool.active.gain(amount);
			}
		}
		open.close();
		let (paid, left) = match commission.peek() {
			none if none.is_zero() => (none, None),
			some => match T::Currency::resolve(who, commission) {
				Ok(()) => (some, None),
				Err(credit) => (Zero::zero(), Some(credit)),
			},
		};
		Self::deposit_event(Event::Rewarded { role, operator: who.clone(), amount, commission: paid });
		left.map_or(Ok(()), Err)
	}
}
