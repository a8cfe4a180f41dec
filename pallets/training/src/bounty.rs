//! Bounties: rewards that anybody promises for a score.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::ModelStatus;
use polkadot_sdk::{frame_support::traits::fungible::MutateHold, sp_runtime::traits::Zero};

/// Whether a model takes no submissions that could earn a bounty.
fn is_closed(status: ModelStatus) -> bool {
	matches!(status, ModelStatus::Retired | ModelStatus::Frozen)
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_post_bounty(
		poster: T::AccountId,
		model: ModelId,
		threshold: i64,
		amount: BalanceOf<T>,
		until: Tick,
	) -> DispatchResult {
		let standing = T::Models::standing(&model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(!is_closed(standing.status), Error::<T>::ModelClosed);
		ensure!(amount >= T::MinBounty::get(), Error::<T>::BountyTooSmall);
		let now = T::Clock::get();
		ensure!(until > now, Error::<T>::BountyEndsTooEarly);
		ensure!(until.saturating_sub(now) <= T::MaxBountyTerm::get(), Error::<T>::BountyEndsTooLate);
		T::Currency::hold(&HoldReason::Bounty.into(), &poster, amount)?;
		let id = NextBounty::<T>::get();
		NextBounty::<T>::put(id.saturating_add(1));
		// All that live now were committed before `until`.
		let pending = LiveOfModel::<T>::get(model);
		let bounty = Bounty { id, poster: poster.clone(), threshold, amount, until, pending };
		let mut bounties = Bounties::<T>::get(model);
		if bounties.is_full() {
			Self::displace(&model, &mut bounties, &bounty)?;
		}
		bounties.try_push(bounty).map_err(|_| Error::<T>::TooManyBounties)?;
		Bounties::<T>::insert(model, bounties);
		Self::deposit_event(Event::BountyPosted { bounty: id, model, poster, threshold, amount, until });
		Ok(())
	}

	/// Makes room for `bounty`: the smallest that no live submission can earn gives way, if this one is larger, lasts as
	/// long and is as easily earned; or promises could be broken with one that lasts a moment.
	fn displace(
		model: &ModelId,
		bounties: &mut BoundedVec<BountyOf<T>, T::MaxBounties>,
		bounty: &BountyOf<T>,
	) -> DispatchResult {
		let smallest = bounties
			.iter()
			.enumerate()
			.filter(|(_, other)| {
				other.pending == 0
					&& other.amount < bounty.amount
					&& other.until <= bounty.until
					&& other.threshold >= bounty.threshold
			})
			.min_by_key(|(_, other)| other.amount)
			.map(|(index, _)| index)
			.ok_or(Error::<T>::TooManyBounties)?;
		let gone = bounties.remove(smallest);
		T::Currency::give_back(HoldReason::Bounty, &gone.poster, gone.amount);
		Self::deposit_event(Event::BountyDisplaced { bounty: gone.id, model: *model, amount: gone.amount });
		Ok(())
	}

	pub(crate) fn do_withdraw_bounty(poster: T::AccountId, model: ModelId, id: BountyId) -> DispatchResult {
		let mut bounties = Bounties::<T>::get(model);
		let bounty = bounties.iter().find(|bounty| bounty.id == id).ok_or(Error::<T>::UnknownBounty)?;
		ensure!(bounty.poster == poster, Error::<T>::NotPoster);
		let closed = T::Models::standing(&model).is_none_or(|standing| is_closed(standing.status));
		ensure!(closed || T::Clock::get() >= bounty.until, Error::<T>::BountyNotOver);
		ensure!(bounty.pending == 0, Error::<T>::BountyPending);
		let amount = bounty.amount;
		bounties.retain(|bounty| bounty.id != id);
		Self::store_bounties(&model, bounties);
		T::Currency::give_back(HoldReason::Bounty, &poster, amount);
		Self::deposit_event(Event::BountyWithdrawn { bounty: id, model, amount });
		Ok(())
	}

	fn store_bounties(model: &ModelId, bounties: BoundedVec<BountyOf<T>, T::MaxBounties>) {
		if bounties.is_empty() {
			Bounties::<T>::remove(model);
		} else {
			Bounties::<T>::insert(model, bounties);
		}
	}

	/// A submission committed at `committed_at` begins or ends: counts it on the bounties that it can earn.
	pub(crate) fn count_pending(model: &ModelId, committed_at: Tick, count: impl Fn(u32) -> u32) {
		let mut bounties = Bounties::<T>::get(model);
		if bounties.is_empty() {
			return;
		}
		for bounty in bounties.iter_mut().filter(|bounty| committed_at < bounty.until) {
			bounty.pending = count(bounty.pending);
		}
		Bounties::<T>::insert(model, bounties);
	}

	/// Pays an accepted submission every bounty that it has earned.
	pub(crate) fn pay_bounties(id: SubmissionId, submission: &SubmissionOf<T>, score: i64) {
		let model = submission.model;
		let mut bounties = Bounties::<T>::get(model);
		if bounties.is_empty() {
			return;
		}
		bounties.retain(|bounty| {
			if bounty.threshold > score || submission.committed_at >= bounty.until {
				return true;
			}
			let amount =
				T::Currency::pay_out(HoldReason::Bounty, &bounty.poster, &submission.trainer, bounty.amount);
			if amount.is_zero() {
				return true;
			}
			Self::deposit_event(Event::BountyPaid { bounty: bounty.id, model, submission: id, amount });
			false
		});
		Self::store_bounties(&model, bounties);
	}
}
