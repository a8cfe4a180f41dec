//! Demands: what anybody does who cannot get the weights that they should be able to check, or to use.
//!
//! What is posted is hashed and forgotten: it stays in the block's body, which is where to fetch it from. The block
//! space is paid by those whose disagreement takes it, and burned: neither withholding nor demanding pays.

use crate::{pallet::*, types::*, *};
use polkadot_sdk::{
	frame_support::traits::fungible::MutateHold,
	sp_runtime::{
		traits::{CheckedDiv, Saturating, Zero},
		transaction_validity::TransactionValidityWithRefund,
	},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_demand(who: T::AccountId, target: Target) -> DispatchResult {
		ensure!(!Demands::<T>::contains_key(target), Error::<T>::AlreadyDemanded);
		match target {
			Target::Submission(id) => {
				let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
				Self::demand_submission(id, submission, Some(who))
			}
			Target::Head(model) => {
				ensure!(T::Models::standing(&model).is_some(), Error::<T>::UnknownModel);
				let weights = T::Models::head(&model).ok_or(Error::<T>::NoHead)?.weights;
				Self::store_demand(target, weights, Some(who)).map(|_| ())
			}
		}
	}

	/// A submission's weights are demanded, by somebody or because most verifiers could not get them.
	pub(crate) fn demand_submission(
		id: SubmissionId,
		mut submission: SubmissionOf<T>,
		who: Option<T::AccountId>,
	) -> DispatchResult {
		let open = Self::window_open(id, &submission);
		let Phase::Verifying { claim, shown, .. } = &submission.phase else {
			return Err(Error::<T>::NotVerifying.into());
		};
		ensure!(!*shown, Error::<T>::AlreadyShown);
		// Nobody settled it yet: what opens by itself does so all the same.
		ensure!(open || who.is_none(), Error::<T>::WindowClosed);
		let until = Self::store_demand(Target::Submission(id), claim.weights, who)?;
		if let Phase::Verifying { held_until, .. } = &mut submission.phase {
			*held_until = until.max(*held_until);
		}
		Submissions::<T>::insert(id, submission);
		Ok(())
	}

	/// Takes the bond and stores a demand; when its time is over.
	fn store_demand(
		target: Target,
		weights: BlobRef,
		who: Option<T::AccountId>,
	) -> Result<Tick, DispatchError> {
		let until = T::Clock::get().saturating_add(T::DemandWindow::get());
		let price = T::PostPrice::convert(weights.len);
		let bond = match &who {
			Some(who) => {
				let bond = T::DemandBond::get().saturating_add(price);
				T::Currency::hold(&HoldReason::Demand.into(), who, bond)?;
				bond
			}
			None => Zero::zero(),
		};
		let challenge_window = T::ChallengeWindow::get();
		let demand = Demand { who: who.clone(), bond, price, challenge_window, weights, until };
		Demands::<T>::insert(target, demand);
		Self::deposit_event(Event::WeightsDemanded { target, who, weights, until });
		Ok(until)
	}

	/// The demand that weights answer which are posted now.
	fn answerable(target: Target) -> Result<DemandOf<T>, Error<T>> {
		let demand = Demands::<T>::get(target).ok_or(Error::<T>::NoDemand)?;
		ensure!(T::Clock::get() < demand.until, Error::<T>::DemandOver);
		Ok(demand)
	}

	/// Weights by nobody's account: the cheap checks first, then their hash.
	pub(crate) fn authorize_post_weights(
		_source: TransactionSource,
		target: &Target,
		weights: &WeightBytes,
	) -> TransactionValidityWithRefund {
		let check = || {
			let demand = Self::answerable(*target)?;
			ensure!(demand.weights.is_of(weights), Error::<T>::WeightsMismatch);
			Ok(())
		};
		check().map_err(Self::refusal)?;
		Self::admit("OdaWeights", target, T::DefencePriority::get(), Weight::zero())
	}

	/// Demanded weights have been posted, as `authorize` has checked.
	pub(crate) fn do_post_weights(target: Target) -> DispatchResult {
		let demand = Self::answerable(target)?;
		Demands::<T>::remove(target);
		let half = demand.price.checked_div(&2u32.into()).unwrap_or_default();
		let (demanders, trainers) = match target {
			Target::Submission(_) => (demand.price.saturating_sub(half), half),
			Target::Head(_) => (demand.price, Zero::zero()),
		};
		let by_demander = match &demand.who {
			Some(who) => {
				let paid = T::Currency::burn_up(HoldReason::Demand, who, demanders.min(demand.bond));
				T::Currency::give_back(HoldReason::Demand, who, demand.bond.saturating_sub(paid));
				paid
			}
			None => Zero::zero(),
		};
		let by_trainer = match target {
			Target::Submission(id) => Self::weights_shown(id, trainers, demand.challenge_window),
			Target::Head(_) => Zero::zero(),
		};
		Self::deposit_event(Event::WeightsPosted { target, by_demander, by_trainer });
		Ok(())
	}

	/// A submission's weights can be had by all from now on; what its trainer pays of the block space.
	fn weights_shown(id: SubmissionId, price: BalanceOf<T>, window: Tick) -> BalanceOf<T> {
		let Some(mut submission) = Submissions::<T>::get(id) else { return Zero::zero() };
		let Phase::Verifying { open_until, held_until, shown, .. } = &mut submission.phase else {
			return Zero::zero();
		};
		*shown = true;
		// Who sees them now for the first time needs time to check them.
		*held_until = T::Clock::get().saturating_add(window).max(*held_until);
		if let Some(until) = T::Committees::reopen(TaskId::Submission(id), submission.terms.answer_window) {
			*open_until = until.max(*open_until);
		}
		let paid =
			T::Currency::burn_up(HoldReason::Submission, &submission.trainer, price.min(submission.bond));
		submission.bond = submission.bond.saturating_sub(paid);
		Submissions::<T>::insert(id, submission);
		paid
	}

	/// The demand has lost its object: returns its bond.
	pub(crate) fn end_demand(target: Target) {
		if let Some(Demand { who: Some(who), bond, .. }) = Demands::<T>::take(target) {
			T::Currency::give_back(HoldReason::Demand, &who, bond);
		}
	}

	/// The fall of a head by nobody's account: it enters the pool and blocks only if it is due.
	pub(crate) fn authorize_revert(
		_source: TransactionSource,
		model: &ModelId,
	) -> TransactionValidityWithRefund {
		Self::dry_run(|| Self::do_revert(*model))?;
		Self::admit("OdaRevert", model, T::SettlePriority::get(), Weight::zero())
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
			funds::return_deposit(list.ticket, &list.owner);
		}
		// Should they turn up, they are as welcome as any others.
		if let Some(known) = KnownWeights::<T>::take(model, demand.weights.root) {
			funds::return_deposit(known.ticket, &known.owner);
		}
		Self::deposit_event(Event::Withheld { target, demander: demand.who, burned: Zero::zero() });
		Ok(())
	}
}
