//! What an account can do, one method a call. Each is signed, sent, and waited for until it is final.

use crate::{
	AccountId, Balance, BountyId, Chain, ChainError, Key, Receipt, Target, Weight,
	runtime::{self, runtime_types as generated},
};
use generated::bounded_collections::bounded_vec::BoundedVec;
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, ModelId, RangeProof, SubmissionId, Tick};

impl Chain {
	/// Announces a model that is going to be registered: `commitment` hides it.
	pub async fn announce(&self, key: &Key, commitment: [u8; 32]) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().model_registry().announce(commitment)).await
	}

	/// Removes an announcement of this account's.
	pub async fn remove_announcement(&self, key: &Key, commitment: [u8; 32]) -> Result<Receipt, ChainError> {
		let call = runtime::transactions().model_registry().remove_announcement(key.account(), commitment);
		self.submit(key, &call).await
	}

	/// Registers a model that was announced under `salt`.
	pub async fn register(
		&self,
		key: &Key,
		spec: &ModelSpec,
		length_proof: RangeProof,
		parent: Option<ModelId>,
		salt: [u8; 32],
	) -> Result<Receipt, ChainError> {
		let call = runtime::transactions().model_registry().register(
			spec.clone().into(),
			length_proof.into(),
			parent,
			salt,
		);
		self.submit(key, &call).await
	}

	/// Closes a model to new submissions.
	pub async fn retire(&self, key: &Key, model: ModelId) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().model_registry().retire(model)).await
	}

	/// Deletes a pending model that nobody has submitted to.
	pub async fn abandon(&self, key: &Key, model: ModelId) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().model_registry().abandon(model)).await
	}

	/// Commits to weights; the submission's number.
	pub async fn commit(
		&self,
		key: &Key,
		model: ModelId,
		commitment: [u8; 32],
	) -> Result<(SubmissionId, Receipt), ChainError> {
		let call = runtime::transactions().training().commit(model, commitment);
		let receipt = self.submit(key, &call).await?;
		let event = receipt.find::<runtime::training::events::Committed>()?;
		let event = event.ok_or(ChainError::Missing("the event of a commitment"))?;
		Ok((event.submission, receipt))
	}

	/// Opens a commitment and claims the score of every record.
	pub async fn reveal(
		&self,
		key: &Key,
		submission: SubmissionId,
		weights: BlobRef,
		salt: [u8; 32],
		scores: Vec<u8>,
	) -> Result<Receipt, ChainError> {
		let call =
			runtime::transactions().training().reveal(submission, weights.into(), salt, BoundedVec(scores));
		self.submit(key, &call).await
	}

	/// Takes back a commitment that can no longer win through no fault of the trainer's.
	pub async fn withdraw(
		&self,
		key: &Key,
		submission: SubmissionId,
		weights: BlobRef,
		salt: [u8; 32],
	) -> Result<Receipt, ChainError> {
		let call = runtime::transactions().training().withdraw(submission, weights.into(), salt);
		self.submit(key, &call).await
	}

	/// Does what has become due for a submission.
	pub async fn settle(&self, key: &Key, submission: SubmissionId) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().training().settle(submission)).await
	}

	/// Commits to evidence against a submission.
	pub async fn commit_challenge(
		&self,
		key: &Key,
		submission: SubmissionId,
		commitment: [u8; 32],
	) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().training().commit_challenge(submission, commitment)).await
	}

	/// Has the runtime evaluate one record: free of charge, authorised by the evidence.
	#[allow(clippy::too_many_arguments, reason = "the call's own parameters")]
	pub async fn challenge(
		&self,
		submission: SubmissionId,
		record: u32,
		challenger: AccountId,
		salt: [u8; 32],
		proof: RangeProof,
		weights: Vec<u8>,
		cost: Weight,
	) -> Result<(ChallengeOutcome, Receipt), ChainError> {
		let cost =
			generated::sp_weights::weight_v2::Weight { ref_time: cost.ref_time, proof_size: cost.proof_size };
		let call = runtime::transactions().training().challenge(
			submission,
			record,
			challenger,
			salt,
			proof.into(),
			BoundedVec(weights),
			cost,
		);
		let receipt = self.submit_unsigned(&call).await?;
		let outcome = match receipt.find::<runtime::training::events::Overturned>()? {
			Some(event) => ChallengeOutcome::Overturned {
				claimed: event.claimed,
				actual: event.actual,
				slashed: event.slashed,
				paid: event.paid,
			},
			None => ChallengeOutcome::Failed,
		};
		Ok((outcome, receipt))
	}

	/// Demands that weights be shown.
	pub async fn demand(&self, key: &Key, target: Target) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().training().demand(target.into())).await
	}

	/// Posts demanded weights: free of charge, authorised by the weights.
	pub async fn post_weights(&self, target: Target, weights: Vec<u8>) -> Result<Receipt, ChainError> {
		let call = runtime::transactions().training().post_weights(target.into(), BoundedVec(weights));
		self.submit_unsigned(&call).await
	}

	/// Lets a head fall whose weights were demanded and not posted in time.
	pub async fn revert(&self, key: &Key, model: ModelId) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().training().revert(model)).await
	}

	/// Promises a reward for weights of at least some score; its number.
	pub async fn post_bounty(
		&self,
		key: &Key,
		model: ModelId,
		threshold: i64,
		amount: Balance,
		until: Tick,
	) -> Result<(BountyId, Receipt), ChainError> {
		let call = runtime::transactions().training().post_bounty(model, threshold, amount, until);
		let receipt = self.submit(key, &call).await?;
		let event = receipt.find::<runtime::training::events::BountyPosted>()?;
		let event = event.ok_or(ChainError::Missing("the event of a bounty"))?;
		Ok((event.bounty, receipt))
	}

	/// Takes a bounty back.
	pub async fn withdraw_bounty(
		&self,
		key: &Key,
		model: ModelId,
		bounty: BountyId,
	) -> Result<Receipt, ChainError> {
		self.submit(key, &runtime::transactions().training().withdraw_bounty(model, bounty)).await
	}

	/// Moves money.
	pub async fn transfer(&self, key: &Key, to: AccountId, amount: Balance) -> Result<Receipt, ChainError> {
		let call = runtime::transactions().balances().transfer_keep_alive(to.into(), amount);
		self.submit(key, &call).await
	}
}

/// What came of a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ChallengeOutcome {
	/// The claimed score was wrong.
	Overturned {
		/// The score that the trainer claimed.
		claimed: i32,
		/// The score that the runtime found.
		actual: i32,
		/// How much the trainer lost.
		slashed: Balance,
		/// How much of that the challenger got.
		paid: Balance,
	},
	/// The claimed score was right.
	Failed,
}
