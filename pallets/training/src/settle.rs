//! Settles submissions and starts the next one.

use crate::{commit::Rival, fee::Rest, pallet::*, types::*, *};
use oda_pallet_traits::{Ending, TaskStatus, Version};
use polkadot_sdk::{
	frame_support::storage::with_storage_layer,
	sp_runtime::{SaturatedConversion, transaction_validity::TransactionValidityWithRefund},
};

/// What starting the next submission came to.
pub(crate) struct Advance {
	/// How many ended instead of starting.
	pub(crate) ended: u32,
	/// Whether anything has changed at all.
	pub(crate) changed: bool,
}

impl<T: Config> Pallet<T> {
	/// What settling costs at most.
	pub(crate) fn settle_weight() -> Weight {
		T::WeightInfo::settle_forfeited()
			.max(T::WeightInfo::settle_accepted(T::MaxBounties::get()))
			.max(T::WeightInfo::settle_expired())
			.max(T::WeightInfo::settle_withheld())
			.saturating_add(T::WeightInfo::advance(T::MaxQueue::get()))
	}

	pub(crate) fn do_settle(id: SubmissionId) -> Result<Weight, DispatchError> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		match &submission.phase {
			Phase::Committed => Self::settle_committed(id, &submission),
			Phase::Queued(_) => {
				ensure!(!Verifying::<T>::contains_key(submission.model), Error::<T>::NothingDue);
				let Advance { ended, changed } = Self::advance(&submission.model);
				ensure!(changed, Error::<T>::NoVerifiers);
				Ok(T::WeightInfo::advance(ended))
			}
			Phase::Verifying { claim, .. } => Self::settle_verifying(id, &submission, claim),
		}
	}

	/// What the verifiers have come to, whether it passed, and when the window closes; `None` as long as they
	/// deliberate, and for what is not being verified.
	pub(crate) fn verdict(id: SubmissionId, submission: &SubmissionOf<T>) -> Option<(Tick, bool)> {
		let Phase::Verifying { answers_until, .. } = &submission.phase else { return None };
		match T::Committees::status(TaskId::Submission(id)) {
			Some(TaskStatus::Open) => None,
			// Who checks the verifiers has as long as they have, and some time after the last of them.
			Some(TaskStatus::Passed(at)) => {
				Some((at.saturating_add(submission.terms.challenge_window).max(*answers_until), true))
			}
			Some(TaskStatus::Lapsed | TaskStatus::Unavailable) | None => Some((*answers_until, false)),
		}
	}

	/// Settling by nobody's account: it enters the pool and blocks only if something is due.
	///
	/// It is done, and undone: so the two can never differ. But what waits for verifiers is looked at alone first: the
	/// whole queue is read when it changes something, or anybody could make a node read it for nothing.
	pub(crate) fn authorize_settle(
		_source: TransactionSource,
		id: &SubmissionId,
	) -> TransactionValidityWithRefund {
		Self::ensure_worth_trying(*id).map_err(Self::refusal)?;
		let spent = Self::dry_run(|| Self::do_settle(*id))?;
		let unspent = Self::settle_weight().saturating_sub(spent);
		Self::admit("OdaSettle", id, T::SettlePriority::get(), unspent)
	}

	/// Whether settling a submission that waits can come to anything.
	fn ensure_worth_trying(id: SubmissionId) -> Result<(), Error<T>> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		let Phase::Queued(claim) = &submission.phase else { return Ok(()) };
		let Some(since) = Stalled::<T>::get(submission.model) else { return Ok(()) };
		let waiting = T::Clock::get().saturating_sub(since.max(claim.revealed_at));
		ensure!(waiting >= submission.terms.patience || T::Committees::able(), Error::<T>::NoVerifiers);
		Ok(())
	}

	/// Tells whoever keeps heads what this model's is now.
	pub(crate) fn announce_head(model: &ModelId) {
		let head = T::Models::head(model).zip(T::Models::spec(model));
		T::Heads::set_head(model, head.map(|(head, spec)| [head.weights, spec.data.dataset().blob]));
	}

	/// Whether evidence and demands still hold a submission up that is being verified: the window has not closed.
	pub(crate) fn window_open(id: SubmissionId, submission: &SubmissionOf<T>) -> bool {
		let now = T::Clock::get();
		let held = matches!(submission.phase, Phase::Verifying { held_until, .. } if now < held_until);
		held || Self::verdict(id, submission).is_none_or(|(closes, _)| now < closes)
	}

	/// Whether most verifiers could not get the weights, which have not been shown.
	fn is_unavailable(id: SubmissionId, phase: &Phase) -> bool {
		matches!(phase, Phase::Verifying { shown: false, .. })
			&& T::Committees::status(TaskId::Submission(id)) == Some(TaskStatus::Unavailable)
	}

	/// A commitment that was not opened in time loses its bond.
	fn settle_committed(id: SubmissionId, submission: &SubmissionOf<T>) -> Result<Weight, DispatchError> {
		ensure!(T::Clock::get() >= submission.closes_at, Error::<T>::NothingDue);
		let burned = T::Currency::burn_up(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::end(id, submission);
		Self::deposit_event(Event::Forfeited { submission: id, burned });
		Ok(T::WeightInfo::settle_forfeited())
	}

	fn settle_verifying(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		claim: &Claim,
	) -> Result<Weight, DispatchError> {
		let now = T::Clock::get();
		let pruned = Self::prune_challenges(id, now);
		let target = Target::Submission(id);
		let demand = Demands::<T>::get(target);
		if let Some(demand) = demand.as_ref().filter(|demand| now >= demand.until) {
			let demander = demand.who.clone();
			let burned = T::Currency::burn_up(HoldReason::Submission, &submission.trainer, submission.bond);
			Self::deposit_event(Event::Withheld { target, demander, burned });
			let ended = Self::fall(id, submission, Ending::Withheld);
			return Ok(T::WeightInfo::settle_withheld().saturating_add(T::WeightInfo::advance(ended)));
		}
		if demand.is_none() && Self::is_unavailable(id, &submission.phase) {
			Self::demand_submission(id, submission.clone(), None)?;
			return Ok(T::WeightInfo::settle_expired());
		}
		// Whatever the demand's own hold says: nothing passes while weights are demanded.
		let held = demand.is_some()
			|| matches!(submission.phase, Phase::Verifying { held_until, .. } if now < held_until)
			|| ChallengeCommitments::<T>::get(id).iter().any(|commitment| commitment.holds);
		let passed = Self::verdict(id, submission)
			.filter(|(closes, _)| !held && now >= *closes)
			.map(|(_, passed)| passed);
		let mut weight = match passed {
			None => {
				ensure!(pruned > 0, Error::<T>::NothingDue);
				return Ok(T::WeightInfo::settle_expired());
			}
			Some(true) => Self::settle_passed(id, submission, claim),
			Some(false) => {
				Self::settle_expired(id, submission, Ending::Lapsed, Expiry::Lapsed);
				T::WeightInfo::settle_expired()
			}
		};
		let ended = Self::advance(&submission.model).ended;
		weight.saturating_accrue(T::WeightInfo::advance(ended));
		Ok(weight)
	}

	/// A submission that has passed becomes the head.
	fn settle_passed(id: SubmissionId, submission: &SubmissionOf<T>, claim: &Claim) -> Weight {
		let model = submission.model;
		let version = Version {
			trainer: submission.trainer.clone(),
			weights: claim.weights,
			score: claim.score,
			submission: id,
			accepted_at: T::Clock::get(),
			replaced: None,
		};
		let Ok(version) = with_storage_layer(|| T::Models::accept(&model, version)) else {
			Self::settle_expired(id, submission, Ending::Void, Expiry::ModelClosed);
			return T::WeightInfo::settle_expired();
		};
		Verifying::<T>::remove(model);
		Self::announce_head(&model);
		// Nobody needs the old head's weights any more.
		Self::end_demand(Target::Head(model));
		let verifiers = T::Committees::close(TaskId::Submission(id), Ending::Accepted);
		Self::pay_fee(id, &submission.trainer, submission.terms.fee, &verifiers, Rest::Return);
		T::Currency::give_back(HoldReason::Submission, &submission.trainer, submission.bond);
		if let Some(old) = HeadScores::<T>::take(model) {
			funds::return_deposit(old.ticket, &old.owner);
		}
		if let Some(list) = ClaimedScores::<T>::take(id) {
			HeadScores::<T>::insert(model, list);
		}
		T::Evidence::saw(&submission.trainer, Deed::Accepted(id));
		let bounties = Bounties::<T>::decode_len(model).unwrap_or_default().saturated_into();
		Self::pay_bounties(id, submission, claim.score);
		Self::end(id, submission);
		Self::deposit_event(Event::Accepted {
			submission: id,
			model,
			version,
			trainer: submission.trainer.clone(),
			score: claim.score,
		});
		T::WeightInfo::settle_accepted(bounties)
	}

	/// A submission that was being verified ends, and nobody is to blame: who answered is paid.
	fn settle_expired(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		ending: Ending<T::AccountId>,
		why: Expiry,
	) {
		Verifying::<T>::remove(submission.model);
		let verifiers = T::Committees::close(TaskId::Submission(id), ending);
		Self::pay_fee(id, &submission.trainer, submission.terms.fee, &verifiers, Rest::Return);
		T::Currency::give_back(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
		Self::deposit_event(Event::Expired { submission: id, why });
	}

	/// A submission whose turn did not come to anything ends, and all is returned.
	fn void(id: SubmissionId, submission: &SubmissionOf<T>) {
		T::Currency::give_back(HoldReason::VerificationFee, &submission.trainer, submission.terms.fee);
		T::Currency::give_back(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
	}

	/// If nothing is being verified, starts the first in the queue that still beats the head, and ends those
	/// before it that do not. Bounded by [`Config::MaxQueue`].
	pub(crate) fn advance(model: &ModelId) -> Advance {
		let mut result = Advance { ended: 0, changed: false };
		if Verifying::<T>::contains_key(model) {
			return result;
		}
		let mut queue = Queue::<T>::take(model);
		if queue.is_empty() {
			Stalled::<T>::remove(model);
			return result;
		}
		let now = T::Clock::get();
		let standing = T::Models::standing(model).zip(T::Models::spec(model));
		let rival = standing.as_ref().map_or(Rival::Closed, |(standing, _)| Self::rival(model, standing));
		let mut started = false;
		let mut stalled = Stalled::<T>::get(model);
		let found_none = stalled.is_some();
		let mut no_verifiers = false;
		queue.retain(|id| {
			if started {
				return true;
			}
			let Some(mut submission) = Submissions::<T>::get(id) else { return false };
			let Phase::Queued(claim) = submission.phase.clone() else { return false };
			let Some((_, spec)) = standing.as_ref() else {
				Self::void(*id, &submission);
				Self::deposit_event(Event::Expired { submission: *id, why: Expiry::ModelClosed });
				result.ended = result.ended.saturating_add(1);
				return false;
			};
			// Long lists are read only of what can start, or has waited long enough.
			let patient =
				|since: Tick| now.saturating_sub(since.max(claim.revealed_at)) < submission.terms.patience;
			if no_verifiers && stalled.is_some_and(patient) {
				return true;
			}
			let beats = ClaimedScores::<T>::get(id)
				.ok_or(Error::<T>::NoScores)
				.and_then(|list| Self::beats(spec, &list.scores, &rival));
			if let Err(why) = beats {
				Self::void(*id, &submission);
				Self::deposit_event(match why {
					Error::<T>::ModelClosed => Event::Expired { submission: *id, why: Expiry::ModelClosed },
					_ => Event::Outdated { submission: *id },
				});
				result.ended = result.ended.saturating_add(1);
				return false;
			}
			if !no_verifiers && Self::start(*id, &mut submission, &claim) {
				Submissions::<T>::insert(id, submission);
				started = true;
				return false;
			}
			// Nobody can verify it: it waits, from when it could have started.
			no_verifiers = true;
			let since = stalled.get_or_insert(now);
			let waiting = now.saturating_sub((*since).max(claim.revealed_at));
			if waiting < submission.terms.patience {
				return true;
			}
			Self::void(*id, &submission);
			Self::deposit_event(Event::Expired { submission: *id, why: Expiry::NoVerifiers });
			result.ended = result.ended.saturating_add(1);
			false
		});
		result.changed = started || result.ended > 0 || (no_verifiers && !found_none);
		match stalled {
			Some(since) if no_verifiers && !queue.is_empty() => Stalled::<T>::insert(model, since),
			_ => Stalled::<T>::remove(model),
		}
		if !queue.is_empty() {
			Queue::<T>::insert(model, queue);
		}
		result
	}
}
