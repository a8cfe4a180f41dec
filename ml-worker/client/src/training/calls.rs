//! What an account can do about submissions, demands and bounties.

use super::{BountyId, Target};
use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, Receipt, Weight,
	runtime::{self, runtime_types as generated},
};
use generated::bounded_collections::bounded_vec::BoundedVec;
use oda_primitives::{BlobRef, ModelId, RangeProof, SubmissionId, Tick};

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

/// What the court found of a disputed record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Resolved {
	/// The score that the trainer claimed.
	pub claimed: i32,
	/// The score that the runtime found.
	pub actual: i32,
}

fn stored(weight: Weight) -> generated::sp_weights::weight_v2::Weight {
	generated::sp_weights::weight_v2::Weight { ref_time: weight.ref_time, proof_size: weight.proof_size }
}

impl Chain {
	/// Commits to weights; the submission's number.
	pub fn commit(&self, key: &Key, model: ModelId, commitment: [u8; 32]) -> Call<(SubmissionId, Receipt)> {
		let call = runtime::transactions().training().commit(model, commitment);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::training::events::Committed>()?;
			let event = event.ok_or(ChainError::Missing("the event of a commitment"))?;
			Ok((event.submission, receipt))
		})
	}

	/// Opens a commitment and claims the score of every record.
	pub fn reveal(
		&self,
		key: &Key,
		submission: SubmissionId,
		weights: BlobRef,
		salt: [u8; 32],
		scores: Vec<u8>,
	) -> Call {
		let call =
			runtime::transactions().training().reveal(submission, weights.into(), salt, BoundedVec(scores));
		self.submit(key, call)
	}

	/// Takes back a commitment that can no longer win through no fault of the trainer's.
	pub fn withdraw(&self, key: &Key, submission: SubmissionId, weights: BlobRef, salt: [u8; 32]) -> Call {
		let call = runtime::transactions().training().withdraw(submission, weights.into(), salt);
		self.submit(key, call)
	}

	/// Does what has become due for a submission.
	pub fn settle(&self, key: &Key, submission: SubmissionId) -> Call {
		self.submit(key, runtime::transactions().training().settle(submission))
	}

	/// Commits to evidence against a submission.
	pub fn commit_challenge(&self, key: &Key, submission: SubmissionId, commitment: [u8; 32]) -> Call {
		self.submit(key, runtime::transactions().training().commit_challenge(submission, commitment))
	}

	/// Has the runtime evaluate one record: free of charge, authorised by the evidence.
	#[allow(clippy::too_many_arguments, reason = "the call's own parameters")]
	pub fn challenge(
		&self,
		submission: SubmissionId,
		record: u32,
		challenger: AccountId,
		salt: [u8; 32],
		proof: RangeProof,
		weights: Vec<u8>,
		cost: Weight,
	) -> Call<(ChallengeOutcome, Receipt)> {
		let cost = stored(cost);
		let call = runtime::transactions().training().challenge(
			submission,
			record,
			challenger,
			salt,
			proof.into(),
			BoundedVec(weights),
			cost,
		);
		self.unsigned(call, |receipt| {
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
		})
	}

	/// Has the runtime run a record about which a submission's verifiers differ: free of charge, authorised by what it
	/// shows.
	pub fn resolve_dispute(
		&self,
		submission: SubmissionId,
		record: u32,
		proof: RangeProof,
		weights: Vec<u8>,
		cost: Weight,
	) -> Call<(Resolved, Receipt)> {
		let call = runtime::transactions().training().resolve_dispute(
			submission,
			record,
			proof.into(),
			BoundedVec(weights),
			stored(cost),
		);
		self.unsigned(call, |receipt| {
			let event = receipt.find::<runtime::training::events::DisputeResolved>()?;
			let event = event.ok_or(ChainError::Missing("the event of a resolved dispute"))?;
			Ok((Resolved { claimed: event.claimed, actual: event.actual }, receipt))
		})
	}

	/// Demands that weights be shown.
	pub fn demand(&self, key: &Key, target: Target) -> Call {
		self.submit(key, runtime::transactions().training().demand(target.into()))
	}

	/// Posts demanded weights: free of charge, authorised by the weights.
	pub fn post_weights(&self, target: Target, weights: Vec<u8>) -> Call {
		let call = runtime::transactions().training().post_weights(target.into(), BoundedVec(weights));
		self.unsigned(call, Ok)
	}

	/// Lets a head fall whose weights were demanded and not posted in time.
	pub fn revert(&self, key: &Key, model: ModelId) -> Call {
		self.submit(key, runtime::transactions().training().revert(model))
	}

	/// Promises a reward for weights of at least some score; its number.
	pub fn post_bounty(
		&self,
		key: &Key,
		model: ModelId,
		threshold: i64,
		amount: Balance,
		until: Tick,
	) -> Call<(BountyId, Receipt)> {
		let call = runtime::transactions().training().post_bounty(model, threshold, amount, until);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::training::events::BountyPosted>()?;
			let event = event.ok_or(ChainError::Missing("the event of a bounty"))?;
			Ok((event.bounty, receipt))
		})
	}

	/// Takes a bounty back.
	pub fn withdraw_bounty(&self, key: &Key, model: ModelId, bounty: BountyId) -> Call {
		self.submit(key, runtime::transactions().training().withdraw_bounty(model, bounty))
	}
}
