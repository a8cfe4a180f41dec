//! What must hold of the storage at any time.

use crate::{pallet::*, pools::reason, types::*, *};
use alloc::collections::{BTreeMap, BTreeSet};
use polkadot_sdk::{
	frame_support::traits::fungible::{Inspect, InspectHold},
	sp_runtime::{SaturatedConversion, TryRuntimeError},
};

/// What the positions in a pool add up to.
#[derive(Default)]
struct Sums {
	active: u128,
	leaving: u128,
	own: u128,
	members: u32,
}

impl<T: Config> Pallet<T> {
	/// Checks the pallet's invariants over all of its storage.
	///
	/// * What is on hold in a pool's account is the pool's stake, and the account has what it needs beside.
	/// * The shares of the positions are the pool's; where there is a stake there are shares, and the other way round.
	/// * A position has something in a pool that there is, and a pool counts its positions.
	/// * What is leaving is worth no more than when it left.
	/// * A pool counts the offences of its operator that wait; each validator has one for a session.
	/// * The list of validators' candidates holds those that are not chilled, and none that equivocated and is barred.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut sums = Self::try_positions()?;
		let mut offences = Self::try_offences()?;
		let mut listed: BTreeSet<_> = ValidatorCandidates::<T>::get().into_iter().collect();
		ensure!(
			listed.len() == ValidatorCandidates::<T>::decode_len().unwrap_or_default(),
			"a candidate is listed twice"
		);
		for (role, operator, pool) in Pools::<T>::iter() {
			let account = T::PoolAccount::convert((role, operator.clone()));
			ensure!(
				T::Currency::balance_on_hold(&reason::<T>(role), &account) == pool.total(),
				"a stake is not what is on hold"
			);
			ensure!(
				T::Currency::balance(&account) >= T::Currency::minimum_balance(),
				"a pool's account has less than it needs"
			);
			for fund in [pool.active, pool.leaving] {
				ensure!(fund.stake.is_zero() == (fund.supply == 0), "shares of nothing, or stake of nobody");
			}
			ensure!(
				pool.leaving.stake.saturated_into::<u128>() <= pool.leaving.supply,
				"what is leaving has earned"
			);
			let sum = sums.remove(&(role, operator.clone())).unwrap_or_default();
			ensure!(sum.active == pool.active.supply, "the active shares are not those of the positions");
			ensure!(sum.leaving == pool.leaving.supply, "the leaving shares are not those of the positions");
			ensure!(sum.own == pool.own, "the operator's shares are not those of its position");
			ensure!(sum.members == pool.members, "a pool's positions are miscounted");
			ensure!(!pool.is_over(), "a pool that is over is stored");
			let waiting = match role {
				Role::Validator => offences.remove(&operator).unwrap_or_default(),
				_ => 0,
			};
			ensure!(waiting == pool.offences, "a pool's offences are miscounted");
			ensure!(
				role != Role::Validator || pool.chilled || listed.remove(&operator),
				"a candidate for validator is not listed"
			);
			ensure!(
				role != Role::Validator || !pool.chilled || !Self::is_listed(&operator),
				"a chilled candidate is listed"
			);
		}
		for who in Equivocators::<T>::iter_keys() {
			ensure!(!Self::is_barred(&who) || !Self::is_listed(&who), "who is barred is listed");
		}
		ensure!(sums.is_empty(), "a position in no pool");
		ensure!(offences.is_empty(), "an offence of no candidate waits");
		ensure!(listed.is_empty(), "who is no candidate is listed");
		Ok(())
	}

	fn is_listed(who: &T::AccountId) -> bool {
		ValidatorCandidates::<T>::get().contains(who)
	}

	fn try_positions() -> Result<BTreeMap<Candidate<T::AccountId>, Sums>, TryRuntimeError> {
		let mut sums = BTreeMap::<_, Sums>::new();
		for (who, (role, operator), position) in Positions::<T>::iter() {
			ensure!(!position.is_empty(), "an empty position is stored");
			let pool = Pools::<T>::get(role, &operator).ok_or("a position in no pool")?;
			let sum = sums.entry((role, operator.clone())).or_default();
			let live = pool.active.live(position.shares);
			sum.active = sum.active.saturating_add(live);
			if who == operator {
				sum.own = live;
			}
			for chunk in &position.chunks {
				sum.leaving = sum.leaving.saturating_add(pool.leaving.live(chunk.shares));
			}
			sum.members = sum.members.saturating_add(1);
		}
		Ok(sums)
	}

	fn try_offences() -> Result<BTreeMap<T::AccountId, u32>, TryRuntimeError> {
		let mut waiting = BTreeMap::<_, u32>::new();
		let mut seen = BTreeSet::new();
		for offence in Offences::<T>::get() {
			ensure!(
				seen.insert((offence.offender.clone(), offence.session)),
				"two offences of a session wait"
			);
			let count = waiting.entry(offence.offender).or_default();
			*count = count.saturating_add(1);
		}
		Ok(waiting)
	}
}
