//! Challenge commitments and challenges: what anybody does who finds a wrong score.

use crate::{fee::Rest, pallet::*, types::*, *};
use oda_evaluator::{ModelSpec, Scores};
use oda_pallet_traits::Ending;
use oda_primitives::{ProofError, hash};
use polkadot_sdk::{
	frame_support::traits::fungible::MutateHold,
	sp_runtime::{SaturatedConversion, traits::Zero, transaction_validity::TransactionValidityWithRefund},
};

/// What a challenge is about, once all is checked that can be without evaluating.
struct Accusation<T: Config> {
	submission: SubmissionOf<T>,
	claim: Claim,
	commitment: ChallengeCommitmentOf<T>,
	spec: ModelSpec,
	claimed: i32,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_commit_challenge(
		who: T::AccountId,
		id: SubmissionId,
		commitment: [u8; 32],
	) -> DispatchResult {
		let mut submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		// A commitment after the window has closed is good for a challenge as long as nobody settles, but holds
		// nothing up: or a head's trainer could keep every successor out, a bond at a time.
		let holds = Self::window_open(id, &submission);
		let Phase::Verifying { held_until, refuted, .. } = &mut submission.phase else {
			return Err(Error::<T>::NotVerifying.into());
		};
		// What the court has found is nobody's evidence any more.
		ensure!(!*refuted, Error::<T>::WindowClosed);
		let now = T::Clock::get();
		Self::prune_challenges(id, now);
		let mut commitments = ChallengeCommitments::<T>::get(id);
		ensure!(commitments.iter().all(|other| other.who != who), Error::<T>::AlreadyChallenging);
		let bond = T::ChallengeBond::get();
		let opens_at = now.saturating_add(T::MinChallengeAge::get());
		let expires_at = now.saturating_add(T::ChallengeLifetime::get());
		commitments
			.try_push(ChallengeCommitment { who: who.clone(), commitment, bond, opens_at, expires_at, holds })
			.map_err(|_| Error::<T>::TooManyChallengers)?;
		T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;
		if holds && commitments.is_full() {
			// Who found no place shall still get one when these have expired. What holds it longer stays.
			let room = expires_at.saturating_add(T::MinChallengeAge::get());
			*held_until = room.max(*held_until);
			Submissions::<T>::insert(id, submission);
		}
		ChallengeCommitments::<T>::insert(id, commitments);
		Self::deposit_event(Event::ChallengeCommitted { submission: id, who, expires_at });
		Ok(())
	}

	/// Removes the expired challenge commitments and burns their bonds; how many.
	pub(crate) fn prune_challenges(id: SubmissionId, now: Tick) -> u32 {
		let mut commitments = ChallengeCommitments::<T>::get(id);
		let mut pruned = 0u32;
		commitments.retain(|commitment| {
			let live = now < commitment.expires_at;
			if !live {
				let who = commitment.who.clone();
				let burned = T::Currency::burn_up(HoldReason::Challenge, &who, commitment.bond);
				Self::deposit_event(Event::ChallengeCommitmentExpired { submission: id, who, burned });
				pruned = pruned.saturating_add(1);
			}
			live
		});
		if pruned > 0 {
			Self::store_challenges(id, commitments);
		}
		pruned
	}

	fn store_challenges(
		id: SubmissionId,
		commitments: BoundedVec<ChallengeCommitmentOf<T>, T::MaxChallengers>,
	) {
		if commitments.is_empty() {
			ChallengeCommitments::<T>::remove(id);
		} else {
			ChallengeCommitments::<T>::insert(id, commitments);
		}
	}

	/// What a challenge costs at most, without the evaluation.
	pub(crate) fn challenge_weight() -> Weight {
		T::WeightInfo::challenge().saturating_add(T::WeightInfo::advance(T::MaxQueue::get()))
	}

	/// What checking a challenge with weights and proof of so many bytes costs.
	pub(crate) fn authorize_challenge_weight(weights: usize, proof: usize) -> Weight {
		T::WeightInfo::authorize_challenge(weights.saturated_into(), proof.saturated_into())
	}

	/// What a challenge is about, if it can be made now at this cost.
	fn accusation(
		id: SubmissionId,
		record: u32,
		challenger: &T::AccountId,
		cost: Weight,
	) -> Result<Accusation<T>, Error<T>> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		let Phase::Verifying { claim, .. } = submission.phase.clone() else {
			return Err(Error::<T>::NotVerifying);
		};
		let now = T::Clock::get();
		let commitment = ChallengeCommitments::<T>::get(id)
			.into_iter()
			.find(|commitment| commitment.who == *challenger)
			.ok_or(Error::<T>::NoChallengeCommitment)?;
		ensure!(now < commitment.expires_at, Error::<T>::ChallengeCommitmentExpired);
		ensure!(now >= commitment.opens_at, Error::<T>::ChallengeTooEarly);
		let spec = T::Models::spec(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		let standing = T::Models::standing(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		// Neither less than it takes, nor room that others then lack.
		ensure!(cost == T::EvaluationWeight::convert(standing.work.cost), Error::<T>::WrongCost);
		let claimed = Self::claimed(id, &spec, record).ok_or(Error::<T>::RecordOutOfRange)?;
		Ok(Accusation { submission, claim, commitment, spec, claimed })
	}

	/// The score that a submission claims of a record; `None` if the data has no such record.
	pub(crate) fn claimed(id: SubmissionId, spec: &ModelSpec, record: u32) -> Option<i32> {
		let list = ClaimedScores::<T>::get(id)?;
		Scores::new(spec.score_kind(), spec.records(), &list.scores).ok()?.get(record)
	}

	/// A challenge by nobody's account: the cheap checks first, then the hashes of what it shows.
	#[allow(clippy::too_many_arguments, reason = "what a challenge consists of")]
	pub(crate) fn authorize_challenge(
		_source: TransactionSource,
		id: &SubmissionId,
		record: &u32,
		challenger: &T::AccountId,
		salt: &[u8; 32],
		proof: &RangeProof,
		weights: &WeightBytes,
		cost: &Weight,
	) -> TransactionValidityWithRefund {
		let check = || {
			let accused = Self::accusation(*id, *record, challenger, *cost)?;
			let genesis = funds::genesis_hash::<T>();
			let expected = hash::challenge_commitment(&genesis, *id, *record, challenger, salt);
			ensure!(accused.commitment.commitment == expected, Error::<T>::NoChallengeCommitment);
			ensure!(accused.claim.weights.is_of(weights), Error::<T>::WeightsMismatch);
			Self::proved(&accused.spec, *record, proof).map(|_| ())
		};
		check().map_err(Self::refusal)?;
		Self::admit("OdaChallenge", (id, challenger), T::DefencePriority::get(), Weight::zero())
	}

	/// Evaluates what `authorize` has checked.
	pub(crate) fn do_challenge(
		challenger: T::AccountId,
		id: SubmissionId,
		record: u32,
		proof: &RangeProof,
		weights: &[u8],
		cost: Weight,
	) -> Result<Weight, DispatchError> {
		let Accusation { submission, commitment, spec, claimed, .. } =
			Self::accusation(id, record, &challenger, cost)?;
		let bytes = proof.unverified().ok_or(Error::<T>::ProofChunksMismatch)?;
		let actual = court::score(&spec, weights, bytes).map_err(|_| Error::<T>::EvaluationFailed)?;

		Self::prune_challenges(id, T::Clock::get());
		let mut spent = T::WeightInfo::challenge().saturating_add(cost);
		if actual == claimed {
			let mut commitments = ChallengeCommitments::<T>::get(id);
			commitments.retain(|commitment| commitment.who != challenger);
			Self::store_challenges(id, commitments);
			let burned = T::Currency::burn_up(HoldReason::Challenge, &challenger, commitment.bond);
			T::Evidence::saw(&challenger, Deed::ChallengeFailed(id));
			let score = claimed;
			Self::deposit_event(Event::ChallengeFailed { submission: id, record, score, challenger, burned });
		} else {
			// Who answered has been asked already: accusing is their duty, not a business.
			let answered = T::Committees::answered(TaskId::Submission(id), &challenger);
			let rewarded = (!answered).then_some(&challenger);
			let (slashed, reward) =
				T::Currency::punish(HoldReason::Submission, &submission.trainer, submission.bond);
			let paid = rewarded.map_or_else(Zero::zero, |who| T::Currency::reward(who, reward));
			T::Evidence::saw(&challenger, Deed::Challenged(id));
			let ending = Ending::Overturned { challenger: challenger.clone() };
			Self::deposit_event(Event::Overturned {
				submission: id,
				record,
				claimed,
				actual,
				challenger,
				slashed,
				paid,
			});
			let ended = Self::fall(id, &submission, ending);
			spent.saturating_accrue(T::WeightInfo::advance(ended));
		}
		Ok(spent)
	}

	/// A claim falls whose trainer has paid: who signed it pays too, and the next one starts. How many ended instead
	/// of starting.
	pub(crate) fn fall(id: SubmissionId, submission: &SubmissionOf<T>, ending: Ending<T::AccountId>) -> u32 {
		T::Evidence::saw(&submission.trainer, Deed::Overturned(id));
		let innocent = T::Committees::close(TaskId::Submission(id), ending);
		Self::pay_fee(id, &submission.trainer, &submission.terms, &innocent, Rest::Burn);
		Verifying::<T>::remove(submission.model);
		Self::forget_claim(submission);
		Self::end(id, submission);
		Self::advance(&submission.model)
	}

	/// The bytes of `record` of the model's data, if the proof shows them.
	pub(crate) fn proved<'a>(
		spec: &ModelSpec,
		record: u32,
		proof: &'a RangeProof,
	) -> Result<&'a [u8], Error<T>> {
		court::record(spec, record, proof).map_err(|e| match e {
			ProofError::OutOfRange => Error::<T>::RecordOutOfRange,
			ProofError::OtherRange | ProofError::NotTheEnd => Error::<T>::ProofForOtherRange,
			ProofError::ChunkBytes => Error::<T>::ProofChunksMismatch,
			ProofError::SiblingCount => Error::<T>::ProofSiblingsMismatch,
			ProofError::RootMismatch => Error::<T>::ProofRootMismatch,
		})
	}
}
