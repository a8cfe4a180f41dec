//! Notes and challenges: what anybody does who finds a wrong score.

use crate::{money::Rest, pallet::*, types::*, *};
use oda_evaluator::{Evaluator, ModelSpec, Scores};
use oda_pallet_traits::Ending;
use oda_primitives::{ProofError, hash};
use polkadot_sdk::{frame_support::traits::fungible::MutateHold, sp_runtime::SaturatedConversion};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_note_challenge(who: T::AccountId, id: SubmissionId, note: [u8; 32]) -> DispatchResult {
		let mut submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		let Phase::Judged { answers_until, held_until, .. } = &mut submission.phase else {
			return Err(Error::<T>::NotJudged.into());
		};
		let now = T::Clock::get();
		Self::prune_notes(id, now);
		let mut notes = Notes::<T>::get(id);
		ensure!(notes.iter().all(|note| note.who != who), Error::<T>::AlreadyNoted);
		let bond = T::ChallengeBond::get();
		let expires_at = now.saturating_add(T::NoteLifetime::get());
		// A note after the window has closed is good for a challenge as long as nobody settles, but holds
		// nothing up: or a head's trainer could keep every successor out, a bond at a time.
		let holds = Self::window_open(id, *answers_until, *held_until);
		notes
			.try_push(Note { who: who.clone(), note, bond, posted_at: now, expires_at, holds })
			.map_err(|_| Error::<T>::TooManyNotes)?;
		T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;
		if holds && notes.is_full() {
			// Who found no place shall still get one when these have expired.
			*held_until = expires_at.saturating_add(T::MinNoteAge::get());
			Submissions::<T>::insert(id, submission);
		}
		Notes::<T>::insert(id, notes);
		Self::deposit_event(Event::ChallengeNoted { submission: id, who, expires_at });
		Ok(())
	}

	/// Removes the expired notes and burns their bonds; how many.
	pub(crate) fn prune_notes(id: SubmissionId, now: Tick) -> u32 {
		let mut notes = Notes::<T>::get(id);
		let mut pruned = 0u32;
		notes.retain(|note| {
			let live = now < note.expires_at;
			if !live {
				let burned = Self::burn(HoldReason::Challenge, &note.who, note.bond);
				Self::deposit_event(Event::NoteExpired { submission: id, who: note.who.clone(), burned });
				pruned = pruned.saturating_add(1);
			}
			live
		});
		if pruned > 0 {
			Self::store_notes(id, notes);
		}
		pruned
	}

	fn store_notes(id: SubmissionId, notes: BoundedVec<NoteOf<T>, T::MaxNotes>) {
		if notes.is_empty() {
			Notes::<T>::remove(id);
		} else {
			Notes::<T>::insert(id, notes);
		}
	}

	/// What a challenge costs at most, without the evaluation.
	pub(crate) fn challenge_weight(weights: usize, proof: usize) -> Weight {
		T::WeightInfo::challenge(weights.saturated_into(), proof.saturated_into())
			.saturating_add(T::WeightInfo::advance(T::MaxQueue::get()))
	}

	#[allow(clippy::too_many_arguments)]
	pub(crate) fn do_challenge(
		challenger: T::AccountId,
		id: SubmissionId,
		record: u32,
		salt: [u8; 32],
		proof: &RangeProof,
		weights: &[u8],
		max_cost: Weight,
	) -> Result<Weight, DispatchError> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		let Phase::Judged { claim, .. } = &submission.phase else {
			return Err(Error::<T>::NotJudged.into());
		};
		let now = T::Clock::get();
		let expected = hash::challenge_note(&Self::genesis_hash(), id, record, &challenger, &salt);
		let own = Notes::<T>::get(id)
			.into_iter()
			.find(|note| note.who == challenger && note.note == expected)
			.ok_or(Error::<T>::NoMatchingNote)?;
		ensure!(now < own.expires_at, Error::<T>::NoteExpired);
		ensure!(now.saturating_sub(own.posted_at) >= T::MinNoteAge::get(), Error::<T>::NoteTooYoung);

		let spec = T::Models::spec(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		let standing = T::Models::standing(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		let evaluation = T::EvaluationWeight::convert(standing.cost);
		ensure!(max_cost.all_gte(evaluation), Error::<T>::MaxCostTooLow);
		let claimed = ClaimedScores::<T>::get(id)
			.and_then(|list| Scores::new(spec.score_kind(), spec.records(), &list.scores).ok()?.get(record))
			.ok_or(Error::<T>::RecordOutOfRange)?;
		ensure!(claim.weights.is_of(weights), Error::<T>::WeightsMismatch);
		let actual = Self::evaluate(&spec, record, proof, weights)?;

		Self::prune_notes(id, now);
		let mut spent =
			T::WeightInfo::challenge(weights.len().saturated_into(), proof.encoded_size().saturated_into())
				.saturating_add(evaluation);
		if actual == claimed {
			let mut notes = Notes::<T>::get(id);
			notes.retain(|note| note.who != challenger);
			Self::store_notes(id, notes);
			let burned = Self::burn(HoldReason::Challenge, &challenger, own.bond);
			Self::deposit_event(Event::ChallengeFailed {
				submission: id,
				record,
				score: claimed,
				challenger,
				burned,
			});
		} else {
			let ended = Self::overturn(id, &submission, claim.fee, &challenger, |slashed, paid| {
				let challenger = challenger.clone();
				Event::Overturned { submission: id, record, claimed, actual, challenger, slashed, paid }
			});
			spent.saturating_accrue(T::WeightInfo::advance(ended));
		}
		Ok(spent)
	}

	/// A claim falls, to `accuser`: the trainer and who signed it pay, and the next one starts. `event` says so,
	/// given what the trainer lost and what of it the accuser got. How many ended instead of starting.
	pub(crate) fn overturn(
		id: SubmissionId,
		submission: &SubmissionOf<T>,
		fee: BalanceOf<T>,
		accuser: &T::AccountId,
		event: impl FnOnce(BalanceOf<T>, BalanceOf<T>) -> Event<T>,
	) -> u32 {
		// Who answered has been asked already: accusing is their duty, not a business.
		let rewarded = (!T::Judges::answered(id, accuser)).then_some(accuser);
		let (slashed, paid) = Self::slash_bond(&submission.trainer, submission.bond, rewarded);
		Self::deposit_event(event(slashed, paid));
		let innocent = T::Judges::close(id, Ending::Overturned { challenger: accuser.clone() });
		Self::pay_fee(id, &submission.trainer, fee, &innocent, Rest::Burn);
		Judged::<T>::remove(submission.model);
		Self::forget_claim(submission);
		Self::end(id, submission);
		Self::advance(&submission.model).ended
	}

	/// What these weights score on `record` of the model's data.
	fn evaluate(spec: &ModelSpec, record: u32, proof: &RangeProof, weights: &[u8]) -> Result<i32, Error<T>> {
		let range = spec.record_range(record).ok_or(Error::<T>::RecordOutOfRange)?;
		let bytes = proof.verify(&spec.data.dataset().blob, range).map_err(|e| match e {
			ProofError::OutOfRange => Error::<T>::RecordOutOfRange,
			ProofError::OtherRange | ProofError::NotTheEnd => Error::<T>::ProofForOtherRange,
			ProofError::ChunkBytes => Error::<T>::ProofChunksMismatch,
			ProofError::SiblingCount => Error::<T>::ProofSiblingsMismatch,
			ProofError::RootMismatch => Error::<T>::ProofRootMismatch,
		})?;
		let evaluator = Evaluator::new(&spec.graph, weights).map_err(|_| Error::<T>::EvaluationFailed)?;
		spec.score_record(&evaluator, bytes).map_err(|_| Error::<T>::EvaluationFailed)
	}
}
