//! Becoming a keeper, and leaving in two steps.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::Peers;
use polkadot_sdk::{
	frame_support::traits::fungible::MutateHold,
	sp_runtime::traits::{SaturatedConversion, Saturating, Zero},
};

impl<T: Config> Pallet<T> {
	/// What is charged for `len` bytes: `price` for each mebibyte, the last one whole.
	pub(crate) fn by_mib(len: u64, price: BalanceOf<T>) -> BalanceOf<T> {
		len.div_ceil(MIB).saturated_into::<BalanceOf<T>>().saturating_mul(price)
	}

	/// The bond for `capacity` bytes.
	pub(crate) fn bond_for(capacity: u64) -> BalanceOf<T> {
		Self::by_mib(capacity, T::BondPerMib::get()).max(T::MinBond::get())
	}

	/// What a replica of `len` bytes puts at stake.
	pub(crate) fn stake_for(len: u64) -> BalanceOf<T> {
		Self::by_mib(len, T::BondPerMib::get()).max(T::MinStake::get())
	}

	pub(crate) fn do_enlist(who: T::AccountId, capacity: u64) -> DispatchResult {
		ensure!(!Keepers::<T>::contains_key(&who), Error::<T>::AlreadyKeeper);
		ensure!(capacity > 0, Error::<T>::NoCapacity);
		T::Peers::pin(&who)?;
		let bond = Self::bond_for(capacity);
		T::Currency::hold(&HoldReason::KeeperBond.into(), &who, bond)?;
		let keeper = Keeper { capacity, used: 0, bond, staked: Zero::zero(), replicas: 0, free_at: None };
		Keepers::<T>::insert(&who, keeper);
		Self::deposit_event(Event::Enlisted { keeper: who, capacity, bond });
		Ok(())
	}

	pub(crate) fn do_set_capacity(who: T::AccountId, capacity: u64) -> DispatchResult {
		let mut keeper = Keepers::<T>::get(&who).ok_or(Error::<T>::NotKeeper)?;
		ensure!(keeper.free_at.is_none(), Error::<T>::Retiring);
		ensure!(capacity > 0, Error::<T>::NoCapacity);
		ensure!(capacity >= keeper.used, Error::<T>::CapacityInUse);
		// Small replicas put more at stake than their bytes: that much of the bond stays.
		let bond = Self::bond_for(capacity).max(keeper.staked);
		if bond > keeper.bond {
			let more = bond.saturating_sub(keeper.bond);
			T::Currency::hold(&HoldReason::KeeperBond.into(), &who, more)?;
		} else {
			T::Currency::give_back(HoldReason::KeeperBond, &who, keeper.bond.saturating_sub(bond));
		}
		keeper.capacity = capacity;
		keeper.bond = bond;
		Keepers::<T>::insert(&who, keeper);
		Self::deposit_event(Event::CapacitySet { keeper: who, capacity, bond });
		Ok(())
	}

	pub(crate) fn do_retire(who: T::AccountId) -> DispatchResult {
		let mut keeper = Keepers::<T>::get(&who).ok_or(Error::<T>::NotKeeper)?;
		ensure!(keeper.free_at.is_none(), Error::<T>::Retiring);
		let free_at = T::Clock::get().saturating_add(T::UnbondingPeriod::get());
		keeper.free_at = Some(free_at);
		Keepers::<T>::insert(&who, keeper);
		Self::deposit_event(Event::Retired { keeper: who, free_at });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId) -> DispatchResult {
		let keeper = Keepers::<T>::take(&who).ok_or(Error::<T>::NotKeeper)?;
		let free_at = keeper.free_at.ok_or(Error::<T>::NotRetiring)?;
		ensure!(keeper.replicas == 0, Error::<T>::HasReplicas);
		ensure!(T::Clock::get() >= free_at, Error::<T>::StillUnbonding);
		T::Peers::unpin(&who);
		T::Currency::give_back(HoldReason::KeeperBond, &who, keeper.bond);
		Self::deposit_event(Event::Withdrawn { keeper: who, bond: keeper.bond });
		Ok(())
	}
}
