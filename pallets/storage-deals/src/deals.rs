//! Deals, from their offer to their end, and who keeps their replicas.

use crate::{pallet::*, types::*, *};
use oda_primitives::MAX_BLOB_LEN;
use polkadot_sdk::{
	frame_support::{dispatch::DispatchErrorWithPostInfo, traits::fungible::MutateHold},
	sp_runtime::{
		traits::{CheckedDiv, CheckedMul, Convert, SaturatedConversion, Saturating, Zero},
		transaction_validity::TransactionValidityWithRefund,
	},
};

/// The least number of rounds: who takes a replica in the round of the offer is challenged in the last.
pub const MIN_ROUNDS: u32 = 2;

/// How long after a replica was taken it is challenged for the first time, in rounds.
pub const GRACE: RoundNumber = 2;

/// What was due in a deal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
	/// Nothing.
	Nothing,
	/// Rounds were settled, and the deal goes on: it has to be stored.
	Settled,
	/// It is over, and gone from the storage.
	Ended,
}

impl<T: Config> Pallet<T> {
	/// The number of the round that runs; 0 before the first.
	pub(crate) fn current_round() -> RoundNumber {
		CurrentRound::<T>::get().map_or(0, |round| round.number)
	}

	/// What goes for a deal that is made now.
	pub(crate) fn present_terms() -> Terms {
		Terms {
			raise_rounds: T::RaiseRounds::get(),
			quit_rounds: T::QuitRounds::get(),
			misses: MissRules { free: T::FreeMisses::get(), max: T::MaxMisses::get() },
		}
	}

	/// What a payer puts on hold for a stored deal, beside its funds.
	pub(crate) fn deal_deposit() -> BalanceOf<T> {
		T::DealDeposit::convert(Footprint::from_parts(1, DealOf::<T>::max_encoded_len().saturating_add(32)))
	}

	/// The last round of a deal that is over and not yet settled, if there is one.
	fn due(deal: &DealOf<T>, current: RoundNumber) -> Option<RoundNumber> {
		Some(deal.until.min(current.saturating_sub(1))).filter(|last| *last > deal.settled)
	}

	/// Whether rounds of a deal are over that are not settled.
	pub(crate) fn is_due(id: DealId) -> Result<bool, Error<T>> {
		let deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		Ok(Self::due(&deal, Self::current_round()).is_some())
	}

	/// Does something with a deal that settles it first, and says what that weighed: `base`, and what was settled,
	/// whether it succeeded or not. So who loses a race pays for what was looked at only.
	pub(crate) fn metered(
		base: Weight,
		id: DealId,
		work: impl FnOnce() -> Result<Weight, DispatchError>,
	) -> DispatchResultWithPostInfo {
		let most =
			if matches!(Self::is_due(id), Ok(true)) { Self::most_due_weight() } else { Weight::zero() };
		match work() {
			Ok(due) => Ok(Some(base.saturating_add(due)).into()),
			Err(error) => {
				let post_info = Some(base.saturating_add(most)).into();
				Err(DispatchErrorWithPostInfo { post_info, error })
			}
		}
	}

	/// What settling a deal cost.
	pub(crate) fn due_weight(due: Due, deal: &DealOf<T>) -> Weight {
		match due {
			Due::Nothing => Weight::zero(),
			Due::Settled | Due::Ended => T::WeightInfo::catch_up(deal.slots.len().saturated_into()),
		}
	}

	/// What settling any deal costs at most.
	pub(crate) fn most_due_weight() -> Weight {
		T::WeightInfo::catch_up(T::MaxReplicas::get())
	}

	/// The pay for `replicas` over `rounds` at `price`, if there is such an amount.
	pub(crate) fn total_pay(replicas: u32, rounds: u32, price: BalanceOf<T>) -> Option<BalanceOf<T>> {
		u64::from(replicas)
			.checked_mul(rounds.into())
			.and_then(|times| BalanceOf::<T>::try_from(times).ok())
			.and_then(|times| times.checked_mul(&price))
	}

	pub(crate) fn do_offer(
		payer: &T::AccountId,
		model: Option<ModelId>,
		blob: BlobRef,
		replicas: u32,
		rounds: u32,
		price: BalanceOf<T>,
		max_price: BalanceOf<T>,
	) -> Result<DealId, DispatchError> {
		ensure!(blob.len > 0, Error::<T>::EmptyBlob);
		ensure!(blob.len <= MAX_BLOB_LEN, Error::<T>::BlobTooLong);
		ensure!(replicas > 0, Error::<T>::NoReplicas);
		ensure!(replicas <= T::MaxReplicas::get(), Error::<T>::TooManyReplicas);
		ensure!(rounds >= MIN_ROUNDS, Error::<T>::TooFewRounds);
		ensure!(rounds <= T::MaxRounds::get(), Error::<T>::TooManyRounds);
		ensure!(!price.is_zero() && price >= T::MinPrice::get(), Error::<T>::PriceTooLow);
		ensure!(max_price >= price, Error::<T>::MaxPriceBelowPrice);
		let funds = Self::total_pay(replicas, rounds, max_price).ok_or(Error::<T>::TermsTooDear)?;
		T::Currency::hold(&HoldReason::Deal.into(), payer, funds)?;
		let deposit = Self::deal_deposit();
		T::Currency::hold(&HoldReason::DealDeposit.into(), payer, deposit)?;
		let current = Self::current_round();
		let until = current.saturating_add(rounds);
		let mut slots = BoundedVec::new();
		for _ in 0..replicas {
			slots.try_push(Slot::Free { since: current }).map_err(|_| Error::<T>::TooManyReplicas)?;
		}
		let deal = Deal {
			payer: payer.clone(),
			model,
			blob,
			price,
			max_price,
			until,
			settled: current,
			funds,
			terms: Self::present_terms(),
			deposit,
			slots,
		};
		let id = NextDeal::<T>::mutate(|next| {
			let id = *next;
			*next = id.saturating_add(1);
			id
		});
		Deals::<T>::insert(id, deal);
		let payer = payer.clone();
		Self::deposit_event(Event::DealOffered {
			deal: id,
			payer,
			model,
			blob,
			replicas,
			until,
			price,
			max_price,
		});
		Ok(id)
	}

	pub(crate) fn do_cancel(who: T::AccountId, id: DealId) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		ensure!(deal.payer == who, Error::<T>::NotPayer);
		let due = Self::catch_up(id, &mut deal);
		ensure!(due != Due::Ended, Error::<T>::DealOver);
		let until = Self::current_round().saturating_add(deal.terms.quit_rounds);
		ensure!(until < deal.until, Error::<T>::EndsAnyway);
		deal.until = until;
		let weight = Self::due_weight(due, &deal);
		Deals::<T>::insert(id, deal);
		Self::deposit_event(Event::DealCancelled { deal: id, until });
		Ok(weight)
	}

	/// What a slot pays that has been free since this round: the price rises to its most over the deal's
	/// [`Terms::raise_rounds`].
	pub(crate) fn slot_price(deal: &DealOf<T>, since: RoundNumber) -> BalanceOf<T> {
		let most = deal.terms.raise_rounds;
		let risen: BalanceOf<T> = Self::current_round().saturating_sub(since).min(most).into();
		let span = deal.max_price.saturating_sub(deal.price);
		// In two parts, so that no product is much larger than the span.
		let part = |amount: BalanceOf<T>| amount.checked_div(&most.into()).unwrap_or_default();
		let rest = span.saturating_sub(part(span).saturating_mul(most.into()));
		let raise = part(span).saturating_mul(risen).saturating_add(part(rest.saturating_mul(risen)));
		deal.price.saturating_add(raise).min(deal.max_price)
	}

	pub(crate) fn do_take(who: T::AccountId, id: DealId) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		ensure!(Keepers::<T>::contains_key(&who), Error::<T>::NotKeeper);
		ensure!(!T::Tiers::is_suspended(&who), Error::<T>::Suspended);
		let due = Self::catch_up(id, &mut deal);
		ensure!(due != Due::Ended, Error::<T>::DealOver);
		// After settling, which may have changed the keeper.
		let mut keeper = Keepers::<T>::get(&who).ok_or(Error::<T>::NotKeeper)?;
		ensure!(keeper.free_at.is_none(), Error::<T>::Retiring);
		let first = Self::current_round().saturating_add(GRACE);
		ensure!(first <= deal.until, Error::<T>::TooLateToTake);
		let mut free: Option<(usize, RoundNumber)> = None;
		for (index, slot) in deal.slots.iter().enumerate() {
			match slot {
				Slot::Kept(replica) => ensure!(replica.keeper != who, Error::<T>::AlreadyKept),
				Slot::Free { since } if free.is_none_or(|(_, oldest)| *since < oldest) => {
					free = Some((index, *since));
				}
				Slot::Free { .. } => {}
			}
		}
		let (index, since) = free.ok_or(Error::<T>::NoFreeSlot)?;
		let stake = Self::stake_for(deal.blob.len);
		keeper.used = keeper.used.saturating_add(deal.blob.len);
		ensure!(keeper.used <= keeper.capacity, Error::<T>::CapacityExceeded);
		keeper.staked = keeper.staked.saturating_add(stake);
		ensure!(keeper.staked <= keeper.bond, Error::<T>::BondTooLow);
		keeper.replicas = keeper.replicas.saturating_add(1);
		let price = Self::slot_price(&deal, since);
		if let Some(slot) = deal.slots.get_mut(index) {
			*slot = Slot::Kept(Replica {
				keeper: who.clone(),
				price,
				stake,
				left: stake,
				first,
				proved: None,
				misses: 0,
				until: deal.until,
				leaves_after: None,
			});
		}
		let weight = Self::due_weight(due, &deal);
		Keepers::<T>::insert(&who, keeper);
		KeepersOf::<T>::mutate(deal.blob.root, &who, |replicas| *replicas = replicas.saturating_add(1));
		Deals::<T>::insert(id, deal);
		let slot = index.saturated_into();
		Self::deposit_event(Event::ReplicaTaken { deal: id, slot, keeper: who, price, first });
		Ok(weight)
	}

	pub(crate) fn do_quit(who: T::AccountId, id: DealId) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		let due = Self::catch_up(id, &mut deal);
		ensure!(due != Due::Ended, Error::<T>::DealOver);
		let last = Self::current_round().saturating_add(deal.terms.quit_rounds);
		let (slot, replica) = Self::replica_mut(&mut deal, &who).ok_or(Error::<T>::NotKept)?;
		ensure!(replica.leaves_after.is_none(), Error::<T>::AlreadyQuitting);
		replica.leaves_after = Some(last);
		let last = replica.last();
		let weight = Self::due_weight(due, &deal);
		let repaired = last < deal.until;
		Deals::<T>::insert(id, deal);
		Self::deposit_event(Event::QuitAnnounced { deal: id, slot, keeper: who, last });
		if repaired {
			Self::deposit_event(Event::RepairOffered { deal: id, slot, from: last.saturating_add(1) });
		}
		Ok(weight)
	}

	pub(crate) fn do_stay(who: T::AccountId, id: DealId) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		let due = Self::catch_up(id, &mut deal);
		ensure!(due != Due::Ended, Error::<T>::DealOver);
		let until = deal.until;
		let (slot, replica) = Self::replica_mut(&mut deal, &who).ok_or(Error::<T>::NotKept)?;
		ensure!(replica.leaves_after.is_some() || replica.until < until, Error::<T>::NotLeaving);
		replica.leaves_after = None;
		replica.until = until;
		let weight = Self::due_weight(due, &deal);
		Deals::<T>::insert(id, deal);
		Self::deposit_event(Event::StayAgreed { deal: id, slot, keeper: who, until });
		Ok(weight)
	}

	/// Whether a deal may be settled without anybody's signature: if something is due.
	pub(crate) fn authorize_settle(_source: TransactionSource, id: &DealId) -> TransactionValidityWithRefund {
		let due = Self::is_due(*id).map_err(Self::refusal)?;
		ensure!(due, Self::refusal(Error::<T>::NothingDue));
		ValidTransaction::with_tag_prefix("OdaStorage")
			.priority(0)
			.and_provides((b"settle", id))
			.longevity(T::RoundLength::get().max(1))
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn do_settle(id: DealId) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		let due = Self::catch_up(id, &mut deal);
		ensure!(due != Due::Nothing, Error::<T>::NothingDue);
		let weight = Self::due_weight(due, &deal);
		if due == Due::Settled {
			Deals::<T>::insert(id, deal);
		}
		Ok(weight)
	}

	/// The replica of `keeper`, and its slot.
	pub(crate) fn replica_mut<'a>(
		deal: &'a mut DealOf<T>,
		keeper: &T::AccountId,
	) -> Option<(u32, &'a mut ReplicaOf<T>)> {
		deal.slots.iter_mut().enumerate().find_map(|(index, slot)| match slot {
			Slot::Kept(replica) if replica.keeper == *keeper => Some((index.saturated_into(), replica)),
			_ => None,
		})
	}

	/// Accounts for all rounds of a deal that are over: what was missed, who is gone, and whether the deal is.
	///
	/// Whatever touches a deal does this first, so that it never matters when it is done.
	pub(crate) fn catch_up(id: DealId, deal: &mut DealOf<T>) -> Due {
		let current = Self::current_round();
		let Some(last) = Self::due(deal, current) else { return Due::Nothing };
		let ended = current > deal.until;
		for index in 0..deal.slots.len() {
			Self::catch_up_slot(id, deal, index, last, ended);
		}
		deal.settled = last;
		if ended {
			Self::end_deal(id, deal);
			return Due::Ended;
		}
		Self::renew_head(id, deal, current);
		Due::Settled
	}

	/// The same for one slot.
	fn catch_up_slot(id: DealId, deal: &mut DealOf<T>, index: usize, last: RoundNumber, ended: bool) {
		let (settled, until, blob, misses) = (deal.settled, deal.until, deal.blob, deal.terms.misses);
		let Some(place) = deal.slots.get_mut(index) else { return };
		let Slot::Kept(replica) = place else { return };
		let slot = index.saturated_into();
		let keeper = replica.keeper.clone();
		let fate = replica.fate(settled, last, misses);
		let lost = replica.left.saturating_sub(fate.left);
		for Miss { round, misses, lost } in &fate.misses {
			Self::deposit_event(Event::RoundMissed {
				deal: id,
				keeper: keeper.clone(),
				round: *round,
				misses: *misses,
				burned: *lost,
			});
		}
		if !fate.misses.is_empty() {
			T::Evidence::saw(&keeper, Deed::Missed(id, fate.misses.len().saturated_into()));
		}
		let gone = ended || fate.end.is_some();
		if gone || !lost.is_zero() {
			Keepers::<T>::mutate_extant(&keeper, |entry| {
				entry.bond = entry.bond.saturating_sub(lost);
				entry.staked = entry.staked.saturating_sub(lost);
				if gone {
					entry.staked = entry.staked.saturating_sub(fate.left);
					entry.used = entry.used.saturating_sub(blob.len);
					entry.replicas = entry.replicas.saturating_sub(1);
				}
			});
		}
		if gone {
			Self::forget_keeper(&blob.root, &keeper);
		}
		if !lost.is_zero() {
			T::Currency::burn_up(HoldReason::KeeperBond, &keeper, lost);
		}
		replica.left = fate.left;
		replica.misses = fate.in_a_row;
		let Some(end) = fate.end else { return };
		let from = match end {
			End::Lost(round) => {
				let from = round.saturating_add(1);
				Self::deposit_event(Event::ReplicaLost { deal: id, slot, keeper });
				if from <= until {
					Self::deposit_event(Event::RepairOffered { deal: id, slot, from });
				}
				from
			}
			// It stays until the end.
			End::Left(round) if round >= until => return,
			End::Left(round) => {
				Self::deposit_event(Event::ReplicaLeft { deal: id, slot, keeper });
				round.saturating_add(1)
			}
		};
		*place = Slot::Free { since: from };
	}

	/// A keeper has a replica less of the blobs of a root.
	fn forget_keeper(root: &[u8; 32], keeper: &T::AccountId) {
		KeepersOf::<T>::mutate_exists(root, keeper, |replicas| {
			*replicas = replicas.and_then(|count| count.checked_sub(1)).filter(|count| *count > 0);
		});
	}

	/// Removes a deal whose rounds and replicas are settled, and returns what is left of it.
	fn end_deal(id: DealId, deal: &DealOf<T>) {
		Deals::<T>::remove(id);
		T::Currency::give_back(HoldReason::Deal, &deal.payer, deal.funds);
		T::Currency::give_back(HoldReason::DealDeposit, &deal.payer, deal.deposit);
		Self::deposit_event(Event::DealEnded { deal: id, returned: deal.funds });
		Self::head_deal_ended(deal);
	}
}
