//! What must hold of the storage at any time.

use crate::{pallet::*, types::*, *};
use alloc::collections::BTreeMap;
use polkadot_sdk::{
	frame_support::traits::fungible::InspectHold,
	sp_runtime::{
		SaturatedConversion, TryRuntimeError,
		traits::{Saturating, Zero},
	},
};

/// What accounts should have on hold, by reason.
struct Owed<T: Config>(BTreeMap<(T::AccountId, u8), (HoldReason, BalanceOf<T>)>);

impl<T: Config> Owed<T> {
	fn add(&mut self, who: &T::AccountId, reason: HoldReason, amount: BalanceOf<T>) {
		let key = (who.clone(), reason.encode().first().copied().unwrap_or_default());
		let (_, sum) = self.0.entry(key).or_insert((reason, Zero::zero()));
		*sum = sum.saturating_add(amount);
	}
}

impl<T: Config> Pallet<T> {
	/// Checks the pallet's invariants over all of its storage.
	///
	/// * A submission is stored, indexed, counted, queued or being verified, and has scores and known weights, as its
	///   phase says, and nothing of the kind is left without a submission.
	/// * Queues are in commit order, and wait for what is being verified. Challenge commitments stand only against what is being verified, one
	///   an account, and a full list of them holds it.
	/// * Weights are demanded only of what is being verified and was not shown, or of a head.
	/// * A bounty counts exactly the live submissions that can earn it.
	/// * What is on hold of bonds, fees, challenge commitments, demands and bounties is exactly what the storage says.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut owed = Owed::<T>(BTreeMap::new());
		Self::try_submissions(&mut owed)?;
		Self::try_turns()?;
		Self::try_orphans()?;
		Self::try_challenges(&mut owed)?;
		Self::try_demands(&mut owed)?;
		Self::try_bounties(&mut owed)?;
		for ((who, _), (reason, amount)) in owed.0 {
			let held = T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(held == amount, "what is on hold is not what the storage says");
		}
		Ok(())
	}

	fn try_submissions(owed: &mut Owed<T>) -> Result<(), TryRuntimeError> {
		let mut of_model = BTreeMap::<ModelId, u32>::new();
		let mut of_trainer = BTreeMap::<(ModelId, T::AccountId), u32>::new();
		for (id, submission) in Submissions::<T>::iter() {
			let model = submission.model;
			ensure!(id < NextSubmission::<T>::get(), "a submission has a number not given yet");
			ensure!(Live::<T>::contains_key(model, id), "a submission is not indexed");
			of_model.entry(model).or_default().saturating_inc();
			of_trainer.entry((model, submission.trainer.clone())).or_default().saturating_inc();
			owed.add(&submission.trainer, HoldReason::Submission, submission.bond);
			// Zero amounts too, so that what is held too much shows.
			let fee = submission.phase.claim().map_or_else(Zero::zero, |_| submission.terms.fee);
			owed.add(&submission.trainer, HoldReason::VerificationFee, fee);

			let queued = Queue::<T>::get(model).contains(&id);
			let verifying = Verifying::<T>::get(model) == Some(id);
			let (in_queue, in_verification) = match submission.phase {
				Phase::Committed => (false, false),
				Phase::Queued(_) => (true, false),
				Phase::Verifying { .. } => (false, true),
			};
			ensure!(queued == in_queue, "the queue does not match a submission's phase");
			ensure!(verifying == in_verification, "the verifying one does not match a submission's phase");
			ensure!(
				ClaimedScores::<T>::contains_key(id) == (in_queue || in_verification),
				"the score lists do not match a submission's phase"
			);
			if let Some(claim) = submission.phase.claim() {
				let known = KnownWeights::<T>::get(model, claim.weights.root);
				ensure!(
					known.is_some_and(|known| known.submission == id),
					"a revealed submission's weights are not known"
				);
			}
		}
		for (model, count) in &of_model {
			ensure!(LiveOfModel::<T>::get(model) == *count, "a model's count of submissions is wrong");
		}
		ensure!(
			LiveOfModel::<T>::iter().count() == of_model.len(),
			"a model without submissions has a count"
		);
		for ((model, trainer), count) in &of_trainer {
			ensure!(
				LiveOfTrainer::<T>::get(model, trainer) == *count,
				"a trainer's count of submissions is wrong"
			);
			ensure!(*count <= T::MaxLive::get(), "a trainer has too many submissions");
		}
		ensure!(
			LiveOfTrainer::<T>::iter().count() == of_trainer.len(),
			"a trainer without submissions has a count"
		);
		Ok(())
	}

	fn try_turns() -> Result<(), TryRuntimeError> {
		for (model, queue) in Queue::<T>::iter() {
			ensure!(!queue.is_empty(), "an empty queue is stored");
			ensure!(queue.iter().is_sorted(), "a queue is not in commit order");
			ensure!(Verifying::<T>::contains_key(model), "a queue waits for nothing");
			for id in queue {
				let submission = Submissions::<T>::get(id).ok_or("a queued submission does not exist")?;
				ensure!(submission.model == model, "a submission is in another model's queue");
			}
		}
		for (model, id) in Verifying::<T>::iter() {
			let submission =
				Submissions::<T>::get(id).ok_or("a submission that is being verified does not exist")?;
			ensure!(submission.model == model, "a submission is verified for another model");
			ensure!(
				T::Committees::status(TaskId::Submission(id)).is_some(),
				"the verifiers do not know what they verify"
			);
		}
		Ok(())
	}

	fn try_orphans() -> Result<(), TryRuntimeError> {
		for (model, id, ()) in Live::<T>::iter() {
			let submission = Submissions::<T>::get(id).ok_or("an index names no submission")?;
			ensure!(submission.model == model, "a submission is indexed under another model");
		}
		for id in ClaimedScores::<T>::iter_keys() {
			ensure!(Submissions::<T>::contains_key(id), "a score list belongs to no submission");
		}
		for (_, root, known) in KnownWeights::<T>::iter() {
			let Some(submission) = Submissions::<T>::get(known.submission) else { continue };
			let weights = submission.phase.claim().map(|claim| claim.weights.root);
			ensure!(weights == Some(root), "known weights belong to another submission");
		}
		Ok(())
	}

	fn try_challenges(owed: &mut Owed<T>) -> Result<(), TryRuntimeError> {
		for (id, commitments) in ChallengeCommitments::<T>::iter() {
			ensure!(!commitments.is_empty(), "an empty list of challenge commitments is stored");
			let submission =
				Submissions::<T>::get(id).ok_or("a challenge commitment stands against nothing")?;
			let Phase::Verifying { held_until, .. } = submission.phase else {
				return Err("a challenge commitment stands against what is not being verified".into());
			};
			let mut who: Vec<_> = commitments.iter().map(|commitment| &commitment.who).collect();
			who.sort_unstable();
			who.dedup();
			ensure!(
				who.len() == commitments.len(),
				"somebody has two challenge commitments against one submission"
			);
			let last = commitments.last().filter(|last| commitments.is_full() && last.holds);
			ensure!(
				last.is_none_or(|last| held_until > last.expires_at),
				"a full list of challenge commitments does not hold its submission"
			);
			for commitment in &commitments {
				owed.add(&commitment.who, HoldReason::Challenge, commitment.bond);
			}
		}
		Ok(())
	}

	fn try_demands(owed: &mut Owed<T>) -> Result<(), TryRuntimeError> {
		for (target, demand) in Demands::<T>::iter() {
			let weights = match target {
				Target::Submission(id) => {
					let phase = Submissions::<T>::get(id).map(|submission| submission.phase);
					let Some(Phase::Verifying { claim, held_until, shown: false, .. }) = phase else {
						return Err("weights are demanded of what is not being verified, or was shown".into());
					};
					ensure!(held_until >= demand.until, "a demand does not hold its submission");
					claim.weights
				}
				Target::Head(model) => T::Models::head(&model).ok_or("a demand without a head")?.weights,
			};
			ensure!(weights == demand.weights, "other weights are demanded than there are");
			ensure!(demand.who.is_some() || demand.bond.is_zero(), "nobody has a bond for a demand");
			if let Some(who) = &demand.who {
				owed.add(who, HoldReason::Demand, demand.bond);
			}
		}
		Ok(())
	}

	fn try_bounties(owed: &mut Owed<T>) -> Result<(), TryRuntimeError> {
		for (model, bounties) in Bounties::<T>::iter() {
			ensure!(!bounties.is_empty(), "an empty list of bounties is stored");
			for bounty in &bounties {
				ensure!(bounty.id < NextBounty::<T>::get(), "a bounty has a number not given yet");
				let pending = Live::<T>::iter_key_prefix(model)
					.filter_map(Submissions::<T>::get)
					.filter(|submission| submission.committed_at < bounty.until)
					.count();
				ensure!(
					bounty.pending == pending.saturated_into::<u32>(),
					"a bounty's count of submissions is wrong"
				);
				owed.add(&bounty.poster, HoldReason::Bounty, bounty.amount);
			}
		}
		Ok(())
	}
}
