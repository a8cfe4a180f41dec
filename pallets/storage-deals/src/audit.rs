//! What must hold of the storage at any time.

use crate::{pallet::*, types::*, *};
use alloc::collections::{BTreeMap, BTreeSet};
use polkadot_sdk::{
	frame_support::traits::fungible::InspectHold,
	sp_runtime::{
		SaturatedConversion, TryRuntimeError,
		traits::{CheckedAdd, Saturating, Zero},
	},
};

/// What the replicas of a keeper add up to.
struct Sums<Balance> {
	used: u64,
	staked: Balance,
	replicas: u32,
}

impl<T: Config> Pallet<T> {
	/// Checks the pallet's invariants over all of its storage.
	///
	/// * Every keeper has a peer.
	/// * A keeper's bytes, stakes and replicas are those of the deals; its stakes are no more than its bond.
	/// * A keeper has one replica of a deal at most, within the deal's terms, and a deal's funds suffice for all
	///   that can still be proved.
	/// * The keepers of a root are those of the replicas of its blobs.
	/// * A model's account pays for that model's deals, one a blob, and for no others; each blob of a head has one,
	///   or waits for money.
	/// * What is on hold of bonds, deals and deposits is exactly what the storage says.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut sums = BTreeMap::new();
		Self::try_deals(&mut sums)?;
		Self::try_keepers(sums)?;
		Self::try_heads()
	}

	fn try_deals(sums: &mut BTreeMap<T::AccountId, Sums<BalanceOf<T>>>) -> Result<(), TryRuntimeError> {
		let current = Self::current_round();
		let mut funds = BTreeMap::<T::AccountId, (BalanceOf<T>, BalanceOf<T>)>::new();
		let mut kept = BTreeMap::<([u8; 32], T::AccountId), u32>::new();
		for (id, deal) in Deals::<T>::iter() {
			ensure!(id < NextDeal::<T>::get(), "a deal has a number not given yet");
			if let Some(model) = deal.model {
				ensure!(deal.payer == Self::model_account(&model), "a head's deal is not paid by its model");
				ensure!(
					HeadDeals::<T>::get(model, deal.blob) == Some(id),
					"a model pays for two deals about a blob"
				);
			}
			ensure!(!deal.slots.is_empty(), "a deal without slots");
			ensure!(deal.price <= deal.max_price, "a deal's price is above its most");
			ensure!(deal.settled < deal.until, "a deal that is over is stored");
			ensure!(deal.settled <= current, "a round that has not started is settled");
			ensure!(
				Self::still_payable(&deal, current).is_some_and(|needed| needed <= deal.funds),
				"a deal cannot pay its keepers"
			);
			let (sum, deposits) = funds.entry(deal.payer.clone()).or_default();
			*sum = sum.saturating_add(deal.funds);
			*deposits = deposits.saturating_add(deal.deposit);
			let mut keepers = BTreeSet::new();
			for replica in deal.slots.iter().filter_map(Slot::replica) {
				ensure!(keepers.insert(replica.keeper.clone()), "a keeper has two replicas of a deal");
				ensure!(
					deal.price <= replica.price && replica.price <= deal.max_price,
					"a replica's price is not within the deal's"
				);
				ensure!(replica.left <= replica.stake, "more is left of a stake than there was");
				ensure!(!replica.left.is_zero(), "a replica without stake is kept");
				ensure!(replica.misses < deal.terms.misses.max, "a replica has missed too much");
				ensure!(
					replica.proved.is_none_or(|round| replica.first <= round && round <= current),
					"a round was proved that was not challenged"
				);
				kept.entry((deal.blob.root, replica.keeper.clone())).or_default().saturating_inc();
				let sum = sums.entry(replica.keeper.clone()).or_insert(Sums {
					used: 0,
					staked: Zero::zero(),
					replicas: 0,
				});
				sum.used = sum.used.saturating_add(deal.blob.len);
				sum.staked = sum.staked.saturating_add(replica.left);
				sum.replicas = sum.replicas.saturating_add(1);
			}
		}
		for (root, keeper, replicas) in KeepersOf::<T>::iter() {
			ensure!(kept.remove(&(root, keeper)) == Some(replicas), "the keepers of a root are miscounted");
		}
		ensure!(kept.is_empty(), "a keeper of a root is not indexed");
		for (payer, (sum, deposits)) in funds {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &payer);
			ensure!(held(HoldReason::Deal) == sum, "what is on hold for deals is not what they have");
			ensure!(
				held(HoldReason::DealDeposit) == deposits,
				"the deposits of deals are not what is on hold"
			);
		}
		Ok(())
	}

	/// What all slots of a deal can earn at most from now on; `None` if there is no such amount.
	fn still_payable(deal: &DealOf<T>, current: RoundNumber) -> Option<BalanceOf<T>> {
		let replicas: u32 = deal.slots.len().saturated_into();
		// Only the round of the offer itself is settled before it is over.
		let open = current <= deal.until && deal.settled < current;
		let proved = |slot: &&Slot<_, _>| slot.replica().is_some_and(|kept| kept.proved == Some(current));
		let proved: u32 = deal.slots.iter().filter(proved).count().saturated_into();
		let now = if open { replicas.saturating_sub(proved) } else { 0 };
		let later = Self::total_pay(replicas, deal.until.saturating_sub(current), deal.max_price)?;
		later.checked_add(&Self::total_pay(now, 1, deal.max_price)?)
	}

	fn try_keepers(mut sums: BTreeMap<T::AccountId, Sums<BalanceOf<T>>>) -> Result<(), TryRuntimeError> {
		for (who, keeper) in Keepers::<T>::iter() {
			ensure!(T::Peers::peer_of(&who).is_some(), "a keeper has no peer");
			let held = T::Currency::balance_on_hold(&HoldReason::KeeperBond.into(), &who);
			ensure!(held == keeper.bond, "a bond is not what is on hold");
			ensure!(keeper.staked <= keeper.bond, "more is at stake than bonded");
			ensure!(keeper.used <= keeper.capacity, "more is kept than there is capacity");
			let sum = sums.remove(&who).unwrap_or(Sums { used: 0, staked: Zero::zero(), replicas: 0 });
			ensure!(keeper.used == sum.used, "a keeper's bytes are not those of its replicas");
			ensure!(keeper.staked == sum.staked, "a keeper's stakes are not those of its replicas");
			ensure!(keeper.replicas == sum.replicas, "a keeper's replicas are miscounted");
		}
		ensure!(sums.is_empty(), "a replica is kept by no keeper");
		Ok(())
	}

	fn try_heads() -> Result<(), TryRuntimeError> {
		for (model, blobs) in HeadOf::<T>::iter() {
			ensure!(!blobs.is_empty(), "an empty head is stored");
			for blob in blobs {
				ensure!(
					HeadDeals::<T>::contains_key(model, blob) || Waiting::<T>::contains_key(model, blob),
					"a head's blob has no deal and does not wait for one"
				);
			}
		}
		for (model, blob, id) in HeadDeals::<T>::iter() {
			ensure!(
				Deals::<T>::get(id).is_some_and(|deal| deal.model == Some(model) && deal.blob == blob),
				"a head's deal is another's"
			);
		}
		for (model, blob, ()) in Waiting::<T>::iter() {
			ensure!(HeadOf::<T>::get(model).contains(&blob), "a blob that no head needs waits for money");
		}
		Ok(())
	}
}
