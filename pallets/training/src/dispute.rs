//! Disputes: what a task's members see differently, the court settles by running the record.
//!
//! Nobody commits to it and nobody earns by it. Somebody does it all the same: the task stands still until then, and with it
//! the trainer's bond, the members' stakes and fee, and every submission that waits behind it. Each of these who has the
//! weights and the data can end it, and who lacks the weights can demand them.
//!
//! The court learns the record's score on the way. If it is not the claimed one, the claim can only fall. But whoever has
//! committed to evidence before keeps the right to show it, and is paid as ever: or a liar whose friends made the
//! dispute could have the record run and rob every challenger of the reward, at the sight of the commitment. Only when no
//! challenge commitment lives any more, [`settle`](Pallet::settle) lets the claim fall for nobody's benefit: the bond is burned,
//! all of it.

use crate::{pallet::*, types::*, *};
use oda_evaluator::ModelSpec;
use oda_pallet_traits::TaskStatus;
use polkadot_sdk::sp_runtime::{SaturatedConversion, transaction_validity::TransactionValidityWithRefund};

/// What a dispute is about, once all is checked that can be without evaluating.
struct Dispute<T: Config> {
	submission: SubmissionOf<T>,
	claim: Claim,
	spec: ModelSpec,
	claimed: i32,
}

impl<T: Config> Pallet<T> {
	/// What checking a disputed record with weights and proof of so many bytes costs.
	pub(crate) fn authorize_resolve_weight(weights: usize, proof: usize) -> Weight {
		T::WeightInfo::authorize_resolve_dispute(weights.saturated_into(), proof.saturated_into())
	}

	/// What is disputed, if the court can run it now at this cost.
	fn disputed(id: SubmissionId, record: u32, cost: Weight) -> Result<Dispute<T>, Error<T>> {
		let submission = Submissions::<T>::get(id).ok_or(Error::<T>::UnknownSubmission)?;
		let Phase::Verifying { claim, .. } = submission.phase else {
			return Err(Error::<T>::NotVerifying);
		};
		let status = T::Committees::status(TaskId::Submission(id));
		ensure!(status == Some(TaskStatus::Disputed(record)), Error::<T>::NotDisputed);
		let spec = T::Models::spec(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		let standing = T::Models::standing(&submission.model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(cost == Self::resolution_price(&spec, &standing.work), Error::<T>::WrongCost);
		let claimed = Self::claimed(id, &spec, record).ok_or(Error::<T>::RecordOutOfRange)?;
		Ok(Dispute { submission, claim, spec, claimed })
	}

	/// The court's price for a record's score and output.
	pub(crate) fn resolution_price(spec: &ModelSpec, work: &Work) -> Weight {
		let output = T::OutputWeight::convert(spec.graph.output_bytes());
		T::EvaluationWeight::convert(work.cost).saturating_add(output)
	}

	/// A disputed record by nobody's account: the cheap checks first, then the hashes of what it shows.
	pub(crate) fn authorize_resolve_dispute(
		_source: TransactionSource,
		id: &SubmissionId,
		record: &u32,
		proof: &RangeProof,
		weights: &WeightBytes,
		cost: &Weight,
	) -> TransactionValidityWithRefund {
		let check = || {
			let disputed = Self::disputed(*id, *record, *cost)?;
			ensure!(disputed.claim.weights.is_of(weights), Error::<T>::WeightsMismatch);
			Self::proved(&disputed.spec, *record, proof).map(|_| ())
		};
		check().map_err(Self::refusal)?;
		Self::admit("OdaDispute", (id, record), T::DefencePriority::get(), Weight::zero())
	}

	/// Evaluates what `authorize` has checked.
	pub(crate) fn do_resolve_dispute(
		id: SubmissionId,
		record: u32,
		proof: &RangeProof,
		weights: &[u8],
		cost: Weight,
	) -> DispatchResult {
		let Dispute { mut submission, spec, claimed, .. } = Self::disputed(id, record, cost)?;
		let bytes = proof.unverified().ok_or(Error::<T>::ProofChunksMismatch)?;
		let court::Finding { score: actual, output } =
			court::find(&spec, weights, bytes).map_err(|_| Error::<T>::EvaluationFailed)?;
		T::Committees::resolve(TaskId::Submission(id), record, output)?;
		if let Phase::Verifying { refuted, .. } = &mut submission.phase
			&& actual != claimed
		{
			*refuted = true;
			Submissions::<T>::insert(id, submission);
		}
		Self::deposit_event(Event::DisputeResolved { submission: id, record, output, claimed, actual });
		Ok(())
	}
}
