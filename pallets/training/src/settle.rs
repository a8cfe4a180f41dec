//! What comes of a submission, and whose turn is next.

use crate::{commit::Rival, money::Rest, pallet::*, types::*, *};
use oda_pallet_traits::{Ending, Judgement, Version};
use polkadot_sdk::{frame_support::storage::with_storage_layer, sp_runtime::SaturatedConversion};

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
				ensure!(!Judged::<T>::contains_key(submission.model), Error::<T>::NothingDue);
				let Advance { ended, changed } = Self::advance(&submission.model);
				ensure!(changed, Error::<T>::NoJudges);
				Ok(T::WeightInfo::advance(ended))
			}
			Phase::Judged { claim, answers_until, held_until, .. } => {
				Self::settle_judged(id, &submission, claim, *answers_until, *held_until)
			}
		}
	}

	/// What the judges have come to, whether it passed, and when the window closes; `None` as long as they
	/// deliberate.
	pub(crate) fn verdict(id: SubmissionId, answers_until: Tick) -> Option<(Tick, bool)> {
		match T::Judges::judgement(id) {
			Some(Judgement::Open) => None,
			// Who checks the judges has as long as they have, and some time after the last of them.
			Some(Judgement::Passed(at)) => {
				Some((at.saturating_add(T::ChallengeWindow::get()).max(answers_until), true))
			}
			Some(Judgement::Lapsed) | None => Some((answers_until, false)),
		}
	}

	/// Tells whoever keeps heads what this model's is now.
	pub(crate) fn announce_head(model: &ModelId) {
		let head = T::Models::head(model).zip(T::Models::spec(model));
		T::Heads::set_head(model, head.map(|(head, spec)| [head.weights, spec.data.dataset().blob]));
	}

	/// Whether evidence and demands still hold a judged submission up: the window has not closed.
	pub(crate) fn window_open(id: SubmissionId, answers_until: Tick, held_until: Tick) -> bool {
		let now = T::Clock::get();
		now < held_until || Self::verdict(id, answers_until).is_none_or(|(closes, _)| now < closes)
	}

	/// A commitment that was not opened in time loses its bond.
	fn settle_committed(id: SubmissionId, submission: &SubmissionOf<T>) -> Result<Weight, DispatchError> {
		let age = T::Clock::get().saturating_sub(submission.committed_at);
		ensure!(age >= T::RevealWindow::get(), Error::<T>::NothingDue);
		let burned = Self::burn(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::end(id, submission);
		Self::deposit_event(Event::Forfeited { submission: id, burned });
		Ok(T::WeightInfo::settle_forfeited())
	}

	fn settle_judged(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		claim: &Claim<BalanceOf<T>>,
		answers_until: Tick,
		held_until: Tick,
	) -> Result<Weight, DispatchError> {
		let now = T::Clock::get();
		let pruned = Self::prune_notes(id, now);
		if let Some(demand) = Demands::<T>::get(Target::Submission(id))
			&& now >= demand.until
		{
			let target = Target::Submission(id);
			let ended = Self::overturn(id, submission, claim.fee, &demand.who, |slashed, paid| {
				Event::Withheld { target, demander: demand.who.clone(), slashed, paid }
			});
			return Ok(T::WeightInfo::settle_withheld().saturating_add(T::WeightInfo::advance(ended)));
		}
		// A demand that is not over holds it too, by `held_until`.
		let held = now < held_until || Notes::<T>::get(id).iter().any(|note| note.holds);
		let passed = Self::verdict(id, answers_until)
			.filter(|(closes, _)| !held && now >= *closes)
			.map(|(_, passed)| passed);
		let mut weight = match passed {
			None => {
				ensure!(pruned > 0, Error::<T>::NothingDue);
				return Ok(T::WeightInfo::settle_expired());
			}
			Some(true) => Self::settle_passed(id, submission, claim),
			Some(false) => {
				Self::settle_expired(id, submission, claim, Ending::Lapsed, Expiry::Lapsed);
				T::WeightInfo::settle_expired()
			}
		};
		let ended = Self::advance(&submission.model).ended;
		weight.saturating_accrue(T::WeightInfo::advance(ended));
		Ok(weight)
	}

	/// A submission that has passed becomes the head.
	fn settle_passed(id: SubmissionId, submission: &SubmissionOf<T>, claim: &Claim<BalanceOf<T>>) -> Weight {
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
			Self::settle_expired(id, submission, claim, Ending::Void, Expiry::ModelClosed);
			return T::WeightInfo::settle_expired();
		};
		Judged::<T>::remove(model);
		Self::announce_head(&model);
		// Nobody needs the old head's weights any more.
		Self::end_demand(Target::Head(model));
		let judges = T::Judges::close(id, Ending::Accepted);
		Self::pay_fee(id, &submission.trainer, claim.fee, &judges, Rest::Return);
		Self::release(HoldReason::Submission, &submission.trainer, submission.bond);
		if let Some(old) = HeadScores::<T>::take(model) {
			Self::drop_ticket(old.ticket, &old.owner);
		}
		if let Some(list) = ClaimedScores::<T>::take(id) {
			HeadScores::<T>::insert(model, list);
		}
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

	/// A judged submission ends, and nobody is to blame: who answered is paid.
	fn settle_expired(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		claim: &Claim<BalanceOf<T>>,
		ending: Ending<T::AccountId>,
		why: Expiry,
	) {
		Judged::<T>::remove(submission.model);
		let judges = T::Judges::close(id, ending);
		Self::pay_fee(id, &submission.trainer, claim.fee, &judges, Rest::Return);
		Self::release(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
		Self::deposit_event(Event::Expired { submission: id, why });
	}

	/// A submission whose turn did not come to anything ends, and all is returned.
	fn void(id: SubmissionId, submission: &SubmissionOf<T>, fee: BalanceOf<T>) {
		Self::release(HoldReason::VerificationFee, &submission.trainer, fee);
		Self::release(HoldReason::Submission, &submission.trainer, submission.bond);
		Self::forget_claim(submission);
		Self::end(id, submission);
	}

	/// If nothing is being judged, starts the first in the queue that still beats the head, and ends those
	/// before it that do not. Bounded by [`Config::MaxQueue`].
	pub(crate) fn advance(model: &ModelId) -> Advance {
		let mut result = Advance { ended: 0, changed: false };
		if Judged::<T>::contains_key(model) {
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
		let mut no_judges = false;
		queue.retain(|id| {
			if started {
				return true;
			}
			let Some(mut submission) = Submissions::<T>::get(id) else { return false };
			let Phase::Queued(claim) = submission.phase.clone() else { return false };
			let Some((standing, spec)) = standing.as_ref() else {
				Self::void(*id, &submission, claim.fee);
				Self::deposit_event(Event::Expired { submission: *id, why: Expiry::ModelClosed });
				result.ended = result.ended.saturating_add(1);
				return false;
			};
			let beats = ClaimedScores::<T>::get(id)
				.ok_or(Error::<T>::NoScores)
				.and_then(|list| Self::beats(spec, &list.scores, &rival));
			if let Err(why) = beats {
				Self::void(*id, &submission, claim.fee);
				Self::deposit_event(match why {
					Error::<T>::ModelClosed => Event::Expired { submission: *id, why: Expiry::ModelClosed },
					_ => Event::Outdated { submission: *id },
				});
				result.ended = result.ended.saturating_add(1);
				return false;
			}
			if !no_judges && Self::start(*id, &mut submission, &claim, standing) {
				Submissions::<T>::insert(id, submission);
				started = true;
				return false;
			}
			// Nobody can judge: it waits, from when it could have started.
			no_judges = true;
			let since = stalled.get_or_insert(now);
			let waiting = now.saturating_sub((*since).max(claim.revealed_at));
			if waiting < T::JudgePatience::get() {
				return true;
			}
			Self::void(*id, &submission, claim.fee);
			Self::deposit_event(Event::Expired { submission: *id, why: Expiry::NoJudges });
			result.ended = result.ended.saturating_add(1);
			false
		});
		result.changed = started || result.ended > 0 || (no_judges && !found_none);
		match stalled {
			Some(since) if no_judges && !queue.is_empty() => Stalled::<T>::insert(model, since),
			_ => Stalled::<T>::remove(model),
		}
		if !queue.is_empty() {
			Queue::<T>::insert(model, queue);
		}
		result
	}
}
