//! Who counts, and for what commission.

use crate::{pallet::*, pools::Open, types::*, *};
use core::cmp::Reverse;
use oda_pallet_traits::{Tier, TierWatcher, Tiers};
use oda_primitives::Tick;
use polkadot_sdk::sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	/// Puts a candidate for validator with this stake on the list. If that is full, it takes the place of the one with
	/// the least stake that counts, which is chilled: so the list cannot be filled by who has little.
	pub(crate) fn enlist(who: &T::AccountId, stake: BalanceOf<T>) -> DispatchResult {
		let mut list = ValidatorCandidates::<T>::get();
		if list.try_push(who.clone()).is_ok() {
			ValidatorCandidates::<T>::put(list);
			return Ok(());
		}
		let counted = |who: T::AccountId| {
			let pool = Pools::<T>::get(Role::Validator, &who);
			(pool.map_or_else(Zero::zero, |pool| pool.counted()), Reverse(who))
		};
		let last = list.into_iter().map(counted).min().filter(|(least, _)| *least < stake);
		let (_, Reverse(last)) = last.ok_or(Error::<T>::NoRoom)?;
		let mut open = Open::<T>::existing(Role::Validator, &last)?;
		open.set_chilled(ChillReason::Displaced);
		open.close();
		ValidatorCandidates::<T>::try_append(who.clone()).map_err(|()| Error::<T>::NoRoom)?;
		Ok(())
	}

	pub(crate) fn do_set_commission(role: Role, who: T::AccountId, commission: Perbill) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &who)?;
		ensure!(commission <= T::MaxCommission::get(), Error::<T>::CommissionTooHigh);
		let now = T::Clock::get();
		let current = open.pool.commission_at(now);
		let raise = open.pool.raise.filter(|raise| raise.at > now);
		ensure!(commission != current || raise.is_some(), Error::<T>::CommissionUnchanged);
		open.pool.commission = commission.min(current);
		open.pool.raise = None;
		if commission > current {
			let at = now.saturating_add(T::CommissionNotice::get());
			open.pool.commission = current;
			open.pool.raise = Some(Raise { to: commission, at });
			Self::deposit_event(Event::RaiseAnnounced { role, operator: who, commission, at });
		} else {
			Self::deposit_event(Event::CommissionLowered { role, operator: who, commission });
		}
		open.close();
		Ok(())
	}

	pub(crate) fn do_chill(role: Role, who: T::AccountId) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &who)?;
		ensure!(!open.pool.chilled, Error::<T>::AlreadyChilled);
		open.set_chilled(ChillReason::Asked);
		open.close();
		Ok(())
	}

	pub(crate) fn do_resume(role: Role, who: T::AccountId) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &who)?;
		ensure!(open.pool.chilled, Error::<T>::NotChilled);
		ensure!(!T::Tiers::is_suspended(&who), Error::<T>::Suspended);
		ensure!(role != Role::Validator || !Self::is_barred(&who), Error::<T>::Barred);
		let min_bond = T::MinBond::convert(role);
		ensure!(open.pool.own_bond() >= min_bond, Error::<T>::BelowMinBond);
		if role == Role::Validator {
			// Whoever is displaced is on the list, and so somebody else.
			Self::enlist(&who, open.pool.active.stake)?;
		}
		open.pool.min_bond = min_bond;
		open.pool.chilled = false;
		open.close();
		Self::deposit_event(Event::Resumed { role, operator: who });
		Ok(())
	}

	pub(crate) fn do_refresh(role: Role, operator: T::AccountId) -> DispatchResult {
		let mut open = Open::<T>::existing(role, &operator)?;
		let min_bond = T::MinBond::convert(role);
		ensure!(open.pool.min_bond != min_bond, Error::<T>::NothingDue);
		open.pool.min_bond = min_bond;
		open.close();
		Self::deposit_event(Event::MinBondRefreshed { role, operator, min_bond });
		Ok(())
	}

	/// A pool, for people.
	pub(crate) fn view_of(pool: &PoolOf<T>) -> PoolView<BalanceOf<T>> {
		let now: Tick = T::Clock::get();
		let own = pool.own_bond();
		PoolView {
			own,
			delegated: pool.active.stake.saturating_sub(own),
			leaving: pool.leaving.stake,
			reserved: pool.reserved,
			counted: pool.counted(),
			min_bond: pool.min_bond,
			commission: pool.commission_at(now),
			raise: pool.raise.filter(|raise| raise.at > now),
			chilled: pool.chilled,
			offences: pool.offences,
			members: pool.members,
		}
	}

	/// A position, for people.
	pub(crate) fn view_of_position(
		role: Role,
		operator: T::AccountId,
		position: &PositionOf<T>,
	) -> Option<PositionView<T::AccountId, BalanceOf<T>>> {
		let pool = Pools::<T>::get(role, &operator)?;
		let view = |chunk: &Chunk<T::AccountId>| ChunkView {
			amount: pool.leaving.worth(chunk.shares),
			until: chunk.until,
			to: chunk.to.clone(),
		};
		Some(PositionView {
			role,
			operator,
			shares: pool.active.live(position.shares),
			worth: pool.active.worth(position.shares),
			leaving: position.chunks.iter().map(view).collect(),
		})
	}
}

/// Suspended candidates do not count for any role, but for a validator without which too few would be left:
/// the chain has to go on. Their stake stays, and answers.
impl<T: Config> TierWatcher<T::AccountId> for Pallet<T> {
	fn tier_changed(_: &T::AccountId, _: Tier, _: Tier) {}

	fn suspended(who: &T::AccountId) {
		Self::remove_validator(who, ChillReason::Suspended);
		for role in [Role::Verifier, Role::Provider] {
			if let Some(mut open) = Open::<T>::get(role, who) {
				open.set_chilled(ChillReason::Suspended);
				open.close();
			}
		}
	}
}
