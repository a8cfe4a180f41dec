//! What the chain has of submissions, demands and bounties.

use super::{Bounty, ChallengeCommitment, Claim, Demand, Phase, Submission, Target};
use crate::{
	AccountId, Balance, ChainError, View, Weight,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use oda_primitives::{ModelId, SubmissionId};

impl View {
	/// The per-record scores of a model's head, packed.
	pub async fn head_scores(&self, id: ModelId) -> Result<Option<Vec<u8>>, ChainError> {
		Ok(get!(self, runtime::storage().training().head_scores(), id).map(|list| list.scores.0))
	}

	/// A live submission.
	pub async fn submission(&self, id: SubmissionId) -> Result<Option<Submission>, ChainError> {
		Ok(get!(self, runtime::storage().training().submissions(), id).map(|s| submission_from(id, s)))
	}

	/// All live submissions, in commit order.
	pub async fn submissions(&self) -> Result<Vec<Submission>, ChainError> {
		let address = runtime::storage().training().submissions();
		let mut submissions = entries!(self, address, |key, value| submission_from(key.0, value));
		submissions.sort_by_key(|submission| submission.id);
		Ok(submissions)
	}

	/// The number of the last submission to come; every lower one was committed already.
	pub async fn next_submission(&self) -> Result<SubmissionId, ChainError> {
		Ok(get!(self, runtime::storage().training().next_submission(),).unwrap_or_default())
	}

	/// The per-record scores that a live submission claims, packed.
	pub async fn claimed_scores(&self, id: SubmissionId) -> Result<Option<Vec<u8>>, ChainError> {
		Ok(get!(self, runtime::storage().training().claimed_scores(), id).map(|list| list.scores.0))
	}

	/// The submissions to a model that wait to be verified, in commit order.
	pub async fn queue(&self, id: ModelId) -> Result<Vec<SubmissionId>, ChainError> {
		Ok(get!(self, runtime::storage().training().queue(), id).map(|queue| queue.0).unwrap_or_default())
	}

	/// The submission to a model that is being verified.
	pub async fn verifying(&self, id: ModelId) -> Result<Option<SubmissionId>, ChainError> {
		Ok(get!(self, runtime::storage().training().verifying(), id))
	}

	/// The challenge commitments against a submission that is being verified.
	pub async fn challenge_commitments(
		&self,
		id: SubmissionId,
	) -> Result<Vec<ChallengeCommitment>, ChainError> {
		let commitments = get!(self, runtime::storage().training().challenge_commitments(), id);
		Ok(commitments
			.map(|commitments| commitments.0)
			.unwrap_or_default()
			.into_iter()
			.map(|stored| ChallengeCommitment {
				who: stored.who,
				commitment: stored.commitment,
				bond: stored.bond,
				opens_at: stored.opens_at,
				expires_at: stored.expires_at,
			})
			.collect())
	}

	/// The demands for weights that nobody has answered.
	pub async fn demands(&self) -> Result<Vec<Demand>, ChainError> {
		let address = runtime::storage().training().demands();
		let mut demands = entries!(self, address, |key, value| demand_from(key.0, value));
		demands.sort_by_key(|demand| demand.until);
		Ok(demands)
	}

	/// The demand for a submission's or a head's weights.
	pub async fn demand(&self, target: Target) -> Result<Option<Demand>, ChainError> {
		let demand = get!(self, runtime::storage().training().demands(), target.into());
		Ok(demand.map(|demand| demand_from(target.into(), demand)))
	}

	/// The weights that were posted on demands in this block, each by a transaction of its own.
	pub async fn posted_weights(&self) -> Result<Vec<(Target, Vec<u8>)>, ChainError> {
		let events = self.at.events().fetch().await.map_err(node)?;
		if !events.has::<runtime::training::events::WeightsPosted>() {
			return Ok(Vec::new());
		}
		let extrinsics = self.at.extrinsics().fetch().await.map_err(node)?;
		let mut posted = Vec::new();
		for extrinsic in extrinsics.iter() {
			let extrinsic = extrinsic.map_err(node)?;
			let call = extrinsic.decode_call_data_fields_as::<runtime::training::calls::PostWeights>();
			let Some(call) = call.transpose().map_err(node)? else { continue };
			let events = extrinsic.events().await.map_err(node)?;
			if events.has::<runtime::training::events::WeightsPosted>() {
				posted.push((call.target.into(), call.weights.0));
			}
		}
		Ok(posted)
	}

	/// What having the court run a disputed record of a model weighs.
	pub async fn resolution_cost(&self, model: ModelId) -> Result<Option<Weight>, ChainError> {
		let weight = self.ask(runtime::view_functions().training().resolution_cost(model)).await?;
		Ok(weight.map(|weight| Weight { ref_time: weight.ref_time, proof_size: weight.proof_size }))
	}

	/// The bounties on a model.
	pub async fn bounties(&self, id: ModelId) -> Result<Vec<Bounty>, ChainError> {
		let bounties = get!(self, runtime::storage().training().bounties(), id);
		Ok(bounties
			.map(|bounties| bounties.0)
			.unwrap_or_default()
			.into_iter()
			.map(|bounty| Bounty {
				id: bounty.id,
				poster: bounty.poster,
				threshold: bounty.threshold,
				amount: bounty.amount,
				until: bounty.until,
				pending: bounty.pending,
			})
			.collect())
	}
}

fn claim_from(claim: generated::pallet_training::types::Claim, fee: Balance) -> Claim {
	Claim {
		weights: claim.weights.0,
		score: claim.score,
		hash: claim.hash,
		fee,
		revealed_at: claim.revealed_at,
	}
}

fn submission_from(
	id: SubmissionId,
	submission: generated::pallet_training::types::Submission<AccountId, Balance>,
) -> Submission {
	use generated::pallet_training::types::Phase as Stored;
	let terms = submission.terms;
	Submission {
		id,
		model: submission.model,
		trainer: submission.trainer,
		commitment: submission.commitment,
		committed_at: submission.committed_at,
		opens_at: submission.opens_at,
		closes_at: submission.closes_at,
		head_at_commit: submission.head_at_commit,
		bond: submission.bond,
		phase: match submission.phase {
			Stored::Committed => Phase::Committed,
			Stored::Queued(claim) => Phase::Queued { claim: claim_from(claim, terms.fee) },
			Stored::Verifying { claim, opened_at, open_until, held_until, shown, refuted } => {
				Phase::Verifying {
					claim: claim_from(claim, terms.fee),
					opened_at,
					open_until,
					held_until,
					challenge_window: terms.challenge_window,
					shown,
					refuted,
				}
			}
		},
	}
}

fn demand_from(
	target: generated::pallet_training::types::Target,
	demand: generated::pallet_training::types::Demand<AccountId, Balance>,
) -> Demand {
	Demand {
		target: target.into(),
		who: demand.who,
		bond: demand.bond,
		price: demand.price,
		weights: demand.weights.0,
		until: demand.until,
	}
}
