//! Commit, reveal, withdraw: what a trainer does.

use crate::{pallet::*, types::*, *};
use oda_evaluator::{ModelSpec, NotBetter, Scores, ScoresError};
use oda_pallet_traits::{ModelStatus, Standing};
use oda_primitives::hash;
use polkadot_sdk::{
	frame_support::traits::fungible::MutateHold,
	sp_runtime::{
		SaturatedConversion,
		traits::{Saturating, Zero},
	},
};

/// What a model's new weights have to beat.
pub(crate) enum Rival<T: Config> {
	/// Nothing: there is no version yet.
	Nobody,
	/// The head, which scored this.
	Head(ScoreListOf<T>),
	/// The head, of whose scores only the sum is known: it came back when its successor fell.
	Sum(i64),
	/// The model takes no new head any more.
	Closed,
}

impl<T: Config> Pallet<T> {
	/// What the deposit for a list of scores is taken for: one item of as many bytes as it has, packed.
	pub fn scores_footprint(bytes: usize) -> Footprint {
		Footprint::from_parts(1, bytes)
	}

	/// What the deposit for a record of known weights is taken for: its key and its value, without the deposit's own.
	pub fn known_footprint() -> Footprint {
		// Model, root, number and time, and whose deposit it is.
		Footprint::from_parts(1, T::AccountId::max_encoded_len().saturating_add(32 + 32 + 8 + 8))
	}

	/// What new weights have to beat, in a model of this standing.
	pub(crate) fn rival(model: &ModelId, standing: &Standing<T::AccountId>) -> Rival<T> {
		match standing.head {
			_ if standing.status == ModelStatus::Retired => Rival::Closed,
			None => Rival::Nobody,
			Some(_) => match HeadScores::<T>::get(model) {
				Some(list) => Rival::Head(list),
				None => T::Models::head(model).map_or(Rival::Nobody, |head| Rival::Sum(head.score)),
			},
		}
	}

	/// `bytes` as a list of one score for each of the model's records.
	fn parse<'a>(spec: &ModelSpec, bytes: &'a [u8]) -> Result<Scores<'a>, Error<T>> {
		Scores::new(spec.score_kind(), spec.records(), bytes).map_err(|e| match e {
			ScoresError::Length => Error::<T>::ScoresLengthMismatch,
			ScoresError::PaddingBits | ScoresError::NotABit => Error::<T>::ScoresPaddingNotZero,
			ScoresError::TooLong => Error::<T>::ScoresTooLong,
		})
	}

	/// The sum of `scores`, if they are a list for this model and beat the rival.
	pub(crate) fn beats(spec: &ModelSpec, scores: &[u8], rival: &Rival<T>) -> Result<i64, Error<T>> {
		let new = Self::parse(spec, scores)?;
		match rival {
			Rival::Closed => return Err(Error::<T>::ModelClosed),
			Rival::Nobody => Ok(()),
			Rival::Head(list) => {
				let head = Self::parse(spec, &list.scores).map_err(|_| Error::<T>::ModelClosed)?;
				spec.objective.compare(&new, &head).map(|_| ())
			}
			Rival::Sum(head) => spec.objective.compare_sum(&new, *head),
		}
		.map_err(|e| match e {
			NotBetter::BelowMinImprovement => Error::<T>::BelowMinImprovement,
			NotBetter::NotSignificant => Error::<T>::NotSignificant,
		})?;
		Ok(new.sum())
	}

	pub(crate) fn do_commit(trainer: T::AccountId, model: ModelId, commitment: [u8; 32]) -> DispatchResult {
		ensure!(!T::Tiers::is_suspended(&trainer), Error::<T>::Suspended);
		let live = LiveOfTrainer::<T>::get(model, &trainer);
		ensure!(live < T::MaxLive::get(), Error::<T>::TooManyLive);
		// Whoever commits has a place in the queue, so that no reveal finds it full.
		ensure!(LiveOfModel::<T>::get(model) < T::MaxQueue::get(), Error::<T>::QueueFull);
		T::Models::enter(&model, &trainer)?;
		let standing = T::Models::standing(&model).ok_or(Error::<T>::UnknownModel)?;
		let bond = T::TrainerBond::get();
		let fee = Self::fee(standing.work);
		let terms = Terms {
			fee,
			fee_burn: T::FeeBurn::get().mul_ceil(fee),
			fee_base: T::FeeBase::get(),
			answer_window: T::AttestWindow::convert(standing.work),
			challenge_window: T::ChallengeWindow::get(),
		};
		T::Currency::hold(&HoldReason::Submission.into(), &trainer, bond)?;

		let id = NextSubmission::<T>::get();
		NextSubmission::<T>::put(id.saturating_add(1));
		let now = T::Clock::get();
		let submission = Submission {
			model,
			trainer: trainer.clone(),
			commitment,
			committed_at: now,
			opens_at: now.saturating_add(T::MinCommitAge::get()),
			closes_at: now.saturating_add(T::RevealWindow::get()),
			head_at_commit: standing.head,
			bond,
			terms,
			phase: Phase::Committed,
		};
		Submissions::<T>::insert(id, submission);
		Live::<T>::insert(model, id, ());
		LiveOfModel::<T>::mutate(model, |n| n.saturating_inc());
		LiveOfTrainer::<T>::insert(model, &trainer, live.saturating_add(1));
		Self::count_pending(&model, now, |n| n.saturating_add(1));
		Self::deposit_event(Event::Committed { submission: id, model, trainer, bond });
		Ok(())
	}

	/// The trainer's own commitment, if this opens it and the time is right.
	fn opened(
		trainer: &T::AccountId,
		id: SubmissionId,
		weights: &BlobRef,
		salt: &[u8; 32],
	) -> Result<SubmissionOf<T>, DispatchError> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		ensure!(submission.trainer == *trainer, Error::<T>::NotTrainer);
		ensure!(submission.phase == Phase::Committed, Error::<T>::AlreadyRevealed);
		let now = T::Clock::get();
		ensure!(now >= submission.opens_at, Error::<T>::RevealTooEarly);
		ensure!(now < submission.closes_at, Error::<T>::RevealTooLate);
		let genesis = funds::genesis_hash::<T>();
		ensure!(
			submission.commitment == hash::commitment(&genesis, &submission.model, trainer, weights, salt),
			Error::<T>::CommitmentMismatch
		);
		Ok(submission)
	}

	pub(crate) fn do_reveal(
		trainer: T::AccountId,
		id: SubmissionId,
		weights: BlobRef,
		salt: [u8; 32],
		scores: ScoreBytes,
	) -> Result<Weight, DispatchError> {
		let bytes = scores.len();
		let mut submission = Self::opened(&trainer, id, &weights, &salt)?;
		let model = submission.model;
		let standing = T::Models::standing(&model).ok_or(Error::<T>::ModelClosed)?;
		let spec = T::Models::spec(&model).ok_or(Error::<T>::ModelClosed)?;
		ensure!(weights.len == spec.graph.param_bytes(), Error::<T>::WeightsLengthMismatch);
		ensure!(!KnownWeights::<T>::contains_key(model, weights.root), Error::<T>::WeightsAlreadySubmitted);
		// Before the head's list is read: what is read is paid for by the length of this one.
		Self::parse(&spec, &scores)?;
		let score = Self::beats(&spec, &scores, &Self::rival(&model, &standing))?;

		let fee = submission.terms.fee;
		T::Currency::hold(&HoldReason::VerificationFee.into(), &trainer, fee)?;
		let ticket = T::ScoreDeposit::new(&trainer, Self::scores_footprint(scores.len()))?;
		let claimed = hash::claim(&model, &weights, &scores);
		ClaimedScores::<T>::insert(id, ScoreList { owner: trainer.clone(), ticket, scores });
		let ticket = T::WeightsDeposit::new(&trainer, Self::known_footprint())?;
		let known = Known { submission: id, revealed_at: T::Clock::get(), owner: trainer, ticket };
		KnownWeights::<T>::insert(model, weights.root, known);

		let claim = Claim { weights, score, hash: claimed, revealed_at: T::Clock::get() };
		submission.phase = Phase::Queued(claim);
		Self::deposit_event(Event::Revealed { submission: id, model, weights, score, fee });

		if Verifying::<T>::contains_key(model) {
			Queue::<T>::try_mutate(model, |queue| {
				let place = queue.partition_point(|waiting| *waiting < id);
				queue.try_insert(place, id).map_err(|_| Error::<T>::QueueFull)
			})?;
			Submissions::<T>::insert(id, submission);
		} else if !Self::start(id, &mut submission, &claim, &standing.work) {
			Self::void(id, &submission);
			Self::deposit_event(Event::Expired { submission: id, why: Expiry::NoVerifiers });
			return Ok(Self::reveal_weight(bytes));
		}
		Ok(T::WeightInfo::reveal(bytes.saturated_into()))
	}

	/// What a reveal of so many bytes of scores costs at most: it expires at once.
	pub(crate) fn reveal_weight(scores: usize) -> Weight {
		T::WeightInfo::reveal(scores.saturated_into()).saturating_add(T::WeightInfo::settle_expired())
	}

	pub(crate) fn do_withdraw(
		trainer: T::AccountId,
		id: SubmissionId,
		weights: BlobRef,
		salt: [u8; 32],
	) -> DispatchResult {
		let submission = Self::opened(&trainer, id, &weights, &salt)?;
		let model = submission.model;
		let hopeless = match T::Models::standing(&model) {
			None => true,
			Some(standing) => {
				standing.head != submission.head_at_commit || standing.status == ModelStatus::Retired
			}
		};
		// Others may have had the same weights, but not before: or whoever commits to known weights would hold a
		// place for nothing. What a revealed place costs at least is paid all the same.
		let outrun = KnownWeights::<T>::get(model, weights.root)
			.is_some_and(|known| known.owner != trainer && known.revealed_at >= submission.committed_at);
		ensure!(hopeless || outrun, Error::<T>::HeadUnchanged);
		let price = if hopeless { Zero::zero() } else { submission.terms.fee_base.min(submission.bond) };
		let burned = T::Currency::burn_up(HoldReason::Submission, &trainer, price);
		T::Currency::give_back(HoldReason::Submission, &trainer, submission.bond.saturating_sub(burned));
		Self::end(id, &submission);
		Self::deposit_event(Event::Withdrawn { submission: id, burned });
		Ok(())
	}

	/// Opens a task for the claim and stores the submission; whether there was anybody who could answer it.
	pub(crate) fn start(
		id: SubmissionId,
		submission: &mut SubmissionOf<T>,
		claim: &Claim,
		work: &Work,
	) -> bool {
		let window = submission.terms.answer_window;
		let opened = frame_support::storage::with_storage_layer(|| {
			T::Committees::open(TaskId::Submission(id), claim.hash, work, window)
		});
		if opened.is_err() {
			return false;
		}
		let model = submission.model;
		let opened_at = T::Clock::get();
		let open_until = opened_at.saturating_add(window);
		submission.phase = Phase::Verifying {
			claim: *claim,
			opened_at,
			open_until,
			held_until: 0,
			shown: false,
			refuted: false,
		};
		Submissions::<T>::insert(id, submission);
		Verifying::<T>::insert(model, id);
		Self::deposit_event(Event::VerificationStarted { submission: id, model, open_until });
		true
	}

	/// Removes all that is stored for a live submission, except its place in the queue or at the verifiers,
	/// which the caller has taken; returns its storage deposits, the bonds of challenge commitments that have
	/// not expired, and that of a demand.
	/// What the caller has already moved elsewhere stays there.
	pub(crate) fn end(id: SubmissionId, submission: &SubmissionOf<T>) {
		let model = submission.model;
		Submissions::<T>::remove(id);
		Live::<T>::remove(model, id);
		LiveOfModel::<T>::mutate_exists(model, |n| {
			*n = n.and_then(|n| n.checked_sub(1)).filter(|n| *n > 0);
		});
		LiveOfTrainer::<T>::mutate_exists(model, &submission.trainer, |n| {
			*n = n.and_then(|n| n.checked_sub(1)).filter(|n| *n > 0);
		});
		for commitment in ChallengeCommitments::<T>::take(id) {
			T::Currency::give_back(HoldReason::Challenge, &commitment.who, commitment.bond);
		}
		Self::end_demand(Target::Submission(id));
		if let Some(list) = ClaimedScores::<T>::take(id) {
			funds::return_deposit(list.ticket, &list.owner);
		}
		Self::count_pending(&model, submission.committed_at, |n| n.saturating_sub(1));
		T::Models::leave(&model);
	}

	/// Removes the record of a live submission's weights, so that somebody may submit them again.
	pub(crate) fn forget_claim(submission: &SubmissionOf<T>) {
		if let Some(claim) = submission.phase.claim()
			&& let Some(known) = KnownWeights::<T>::take(submission.model, claim.weights.root)
		{
			funds::return_deposit(known.ticket, &known.owner);
		}
	}

	pub(crate) fn do_drop_scores(model: ModelId) -> DispatchResult {
		Self::ensure_retired(&model)?;
		Self::remove_scores(model)
	}

	pub(crate) fn remove_scores(model: ModelId) -> DispatchResult {
		let list = HeadScores::<T>::take(model).ok_or(Error::<T>::NoScores)?;
		funds::return_deposit(list.ticket, &list.owner);
		Self::deposit_event(Event::ScoresDropped { model });
		Ok(())
	}

	pub(crate) fn do_forget_weights(model: ModelId, root: [u8; 32]) -> DispatchResult {
		Self::ensure_retired(&model)?;
		Self::remove_known(model, root)
	}

	pub(crate) fn remove_known(model: ModelId, root: [u8; 32]) -> DispatchResult {
		let known = KnownWeights::<T>::get(model, root).ok_or(Error::<T>::UnknownWeights)?;
		ensure!(!Submissions::<T>::contains_key(known.submission), Error::<T>::StillLive);
		KnownWeights::<T>::remove(model, root);
		funds::return_deposit(known.ticket, &known.owner);
		Self::deposit_event(Event::WeightsForgotten { model, root });
		Ok(())
	}

	pub(crate) fn ensure_retired(model: &ModelId) -> DispatchResult {
		let standing = T::Models::standing(model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(standing.status == ModelStatus::Retired, Error::<T>::NotRetired);
		Ok(())
	}
}
