//! Settles submissions and starts the next one.

use crate::{commit::Rival, fee::Rest, pallet::*, types::*, *};
use oda_pallet_traits::{Ending, TaskStatus, Version};
use polkadot_sdk::{
	frame_support::storage::with_storage_layer,
	sp_runtime::{SaturatedConversion, transaction_validity::TransactionValidityWithRefund},
};

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
			// It starts, or ends, when the one before it ends.
			Phase::Queued(_) => Err(Error::<T>::NothingDue.into()),
			Phase::Verifying { claim, .. } => Self::settle_verifying(id, &submission, claim),
		}
	}

	/// What the verifiers have come to, whether it passed, and when the window closes; `None` as long as they are
	/// drawn, deliberate or differ, and for what is not being verified.
	pub(crate) fn verdict(id: SubmissionId, submission: &SubmissionOf<T>) -> Option<(Tick, bool)> {
		let Phase::Verifying { open_until, .. } = &submission.phase else { return None };
		match T::Committees::status(TaskId::Submission(id)) {
			Some(TaskStatus::Open | TaskStatus::Disputed(_)) => None,
			// Who checks the verifiers has as long as they have, from the start, and some time after the last of them.
			Some(TaskStatus::Passed(at)) => {
				Some((at.saturating_add(submission.terms.challenge_window).max(*open_until), true))
			}
			Some(TaskStatus::Lapsed | TaskStatus::Unavailable) | None => Some((*open_until, false)),
		}
	}

	/// Settling by nobody's account: it enters the pool and blocks only if something is due.
	///
	/// It is done, and undone: so the two can never differ.
	pub(crate) fn authorize_settle(
		_source: TransactionSource,
		id: &SubmissionId,
	) -> TransactionValidityWithRefund {
		let spent = Self::dry_run(|| Self::do_settle(*id))?;
		let unspent = Self::settle_weight().saturating_sub(spent);
		Self::admit("OdaSettle", id, T::SettlePriority::get(), unspent)
	}

	/// Tells whoever keeps heads what this model's is now.
	pub(crate) fn announce_head(model: &ModelId) {
		let head = T::Models::head(model).zip(T::Models::spec(model));
		T::Heads::set_head(model, head.map(|(head, spec)| [head.weights, spec.data.dataset().blob]));
	}

	/// Whether evidence and demands still hold a submission up that is being verified: the window has not closed.
	pub(crate) fn window_open(id: SubmissionId, submission: &SubmissionOf<T>) -> bool {
		let Phase::Verifying { held_until, refuted: false, .. } = submission.phase else { return false };
		let now = T::Clock::get();
		now < held_until || Self::verdict(id, submission).is_none_or(|(closes, _)| now < closes)
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
		if matches!(submission.phase, Phase::Verifying { refuted: true, .. }) {
			return Self::settle_refuted(id, submission, pruned);
		}
		let target = Target::Submission(id);
		let demand = Demands::<T>::get(target);
		if let Some(demand) = demand.as_ref().filter(|demand| now >= demand.until) {
			let demander = demand.who.clone();
			let burned = T::Currency::burn_up(HoldReason::Submission, &submission.trainer, submission.bond);
			Self::deposit_event(Event::Withheld { target, demander, burned });
			let ended = Self::fall(id, submission, Ending::Fallen);
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
		let ended = Self::advance(&submission.model);
		weight.saturating_accrue(T::WeightInfo::advance(ended));
		Ok(weight)
	}

	/// A submission of which the court has found a score wrong falls, as soon as nobody who had committed to evidence before
	/// can show it any more. `pruned` are the commitments that have just expired.
	fn settle_refuted(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		pruned: u32,
	) -> Result<Weight, DispatchError> {
		if ChallengeCommitments::<T>::contains_key(id) {
			ensure!(pruned > 0, Error::<T>::NothingDue);
			return Ok(T::WeightInfo::settle_expired());
		}
		let burned = T::Currency::burn_up(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::deposit_event(Event::Refuted { submission: id, burned });
		// Who signed pays, and nobody earns.
		let ended = Self::fall(id, submission, Ending::Fallen);
		Ok(T::WeightInfo::settle_withheld().saturating_add(T::WeightInfo::advance(ended)))
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
		Self::pay_fee(id, &submission.trainer, &submission.terms, &verifiers, Rest::Return);
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
		Self::pay_fee(id, &submission.trainer, &submission.terms, &verifiers, Rest::Return);
		T::Currency::give_back(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
		Self::deposit_event(Event::Expired { submission: id, why });
	}

	/// A submission whose turn did not come to anything ends, and all is returned.
	pub(crate) fn void(id: SubmissionId, submission: &SubmissionOf<T>) {
		T::Currency::give_back(HoldReason::VerificationFee, &submission.trainer, submission.terms.fee);
		T::Currency::give_back(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
	}

	/// If nothing is being verified, starts the first in the queue that still beats the head, and ends those before it that
	/// do not: how many. If nobody can verify it, nobody can verify those behind it either, and all end. Bounded by
	/// [`Config::MaxQueue`].
	pub fn advance(model: &ModelId) -> u32 {
		if Verifying::<T>::contains_key(model) {
			return 0;
		}
		let mut queue = Queue::<T>::take(model);
		if queue.is_empty() {
			return 0;
		}
		let standing = T::Models::standing(model).zip(T::Models::spec(model));
		let rival = standing.as_ref().map_or(Rival::Closed, |(standing, _)| Self::rival(model, standing));
		let (mut ended, mut started, mut able) = (0u32, false, true);
		queue.retain(|id| {
			if started {
				return true;
			}
			let Some(mut submission) = Submissions::<T>::get(id) else { return false };
			let Phase::Queued(claim) = submission.phase else { return false };
			let beats = || {
				let (standing, spec) = standing.as_ref().ok_or(Error::<T>::ModelClosed)?;
				let list = ClaimedScores::<T>::get(id).ok_or(Error::<T>::NoScores)?;
				Self::beats(spec, &list.scores, &rival).map(|_| standing.work)
			};
			let expired = |why| Event::Expired { submission: *id, why };
			let end = match able.then(beats) {
				None => expired(Expiry::NoVerifiers),
				Some(Err(Error::<T>::ModelClosed)) => expired(Expiry::ModelClosed),
				Some(Err(_)) => Event::Outdated { submission: *id },
				Some(Ok(work)) => {
					started = Self::start(*id, &mut submission, &claim, &work);
					if started {
						return false;
					}
					able = false;
					expired(Expiry::NoVerifiers)
				}
			};
			Self::void(*id, &submission);
			Self::deposit_event(end);
			ended = ended.saturating_add(1);
			false
		});
		if !queue.is_empty() {
			Queue::<T>::insert(model, queue);
		}
		ended
	}
}
