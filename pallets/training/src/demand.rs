//! Demands: what anybody does who cannot get the weights that they should be able to check, or to use.
//!
//! What is posted is hashed and forgotten: it stays in the block's body, which is where to fetch it from.

use crate::{pallet::*, types::*, *};
use polkadot_sdk::{
	frame_support::traits::fungible::MutateHold,
	sp_runtime::{
		SaturatedConversion,
		traits::{Saturating, Zero},
	},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_demand(who: T::AccountId, target: Target) -> DispatchResult {
		ensure!(!Demands::<T>::contains_key(target), Error::<T>::AlreadyDemanded);
		let until = T::Clock::get().saturating_add(T::DemandWindow::get());
		let weights = match target {
			Target::Submission(id) => {
				let mut submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
				let Phase::Judged { claim, answers_until, held_until, shown, .. } = &mut submission.phase
				else {
					return Err(Error::<T>::NotJudged.into());
				};
				ensure!(!*shown, Error::<T>::AlreadyShown);
				ensure!(Self::window_open(id, *answers_until, *held_until), Error::<T>::WindowClosed);
				*held_until = until.max(*held_until);
				let weights = claim.weights;
				Submissions::<T>::insert(id, submission);
				weights
			}
			Target::Head(model) => {
				ensure!(T::Models::standing(&model).is_some(), Error::<T>::UnknownModel);
				T::Models::head(&model).ok_or(Error::<T>::NoHead)?.weights
			}
		};
		let bond = T::DemandBond::convert(weights.len);
		T::Currency::hold(&HoldReason::Demand.into(), &who, bond)?;
		Demands::<T>::insert(target, Demand { who: who.clone(), bond, weights, until });
		Self::deposit_event(Event::WeightsDemanded { target, who, weights, until });
		Ok(())
	}

	pub(crate) fn do_post_weights(poster: T::AccountId, target: Target, weights: &[u8]) -> DispatchResult {
		let demand = Demands::<T>::get(target).ok_or(Error::<T>::NoDemand)?;
		let now = T::Clock::get();
		ensure!(now < demand.until, Error::<T>::DemandOver);
		ensure!(demand.weights.is_of(weights), Error::<T>::WeightsMismatch);
		if let Target::Submission(id) = target {
			Submissions::<T>::mutate(id, |submission| {
				if let Some(Submission { phase: Phase::Judged { held_until, shown, .. }, .. }) = submission {
					*shown = true;
					// Who sees them now for the first time needs time to check them.
					*held_until = now.saturating_add(T::ChallengeWindow::get()).max(*held_until);
				}
			});
		}
		Demands::<T>::remove(target);
		let paid = Self::pay(HoldReason::Demand, &demand.who, &poster, demand.bond);
		// Paid to oneself, or to who cannot have it.
		Self::release(HoldReason::Demand, &demand.who, demand.bond.saturating_sub(paid));
		Self::deposit_event(Event::WeightsPosted { target, poster, paid });
		Ok(())
	}

	/// The demand has lost its object: returns its bond.
	pub(crate) fn end_demand(target: Target) {
		if let Some(demand) = Demands::<T>::take(target) {
			Self::release(HoldReason::Demand, &demand.who, demand.bond);
		}
	}

	/// A head falls whose weights nobody showed in time.
	pub(crate) fn do_revert(model: ModelId) -> DispatchResult {
		let target = Target::Head(model);
		let demand = Demands::<T>::get(target).ok_or(Error::<T>::NoDemand)?;
		ensure!(T::Clock::get() >= demand.until, Error::<T>::NothingDue);
		T::Models::revert(&model)?;
		Self::announce_head(&model);
		Self::end_demand(target);
		if let Some(list) = HeadScores::<T>::take(model) {
			Self::drop_ticket(list.ticket, &list.owner);
		}
		// Should they turn up, they are as welcome as any others.
		if let Some(known) = KnownWeights::<T>::take(model, demand.weights.root) {
			Self::drop_ticket(known.ticket, &known.owner);
		}
		let (slashed, paid) = (Zero::zero(), Zero::zero());
		Self::deposit_event(Event::Withheld { target, demander: demand.who, slashed, paid });
		Ok(())
	}

	/// What posting so many bytes of weights costs.
	pub(crate) fn post_weight(weights: usize) -> Weight {
		T::WeightInfo::post_weights(weights.saturated_into())
	}
}
