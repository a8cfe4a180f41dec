//! What the chain asks and grants.

use crate::{
	Balance, ChainError, Load, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::entries,
};
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, Tick};
use serde::Serialize;

/// What the chain asks and grants: what its runtime is built with, and what is governed, at one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Parameters {
	/// The part of the verifiers' fee that every task has.
	pub fee_base: Balance,
	/// What a trainer puts on hold for a submission.
	pub trainer_bond: Balance,
	/// What a challenger puts on hold for a commitment to evidence.
	pub challenge_bond: Balance,
	/// Ticks that a commitment must have aged before it is opened.
	pub min_commit_age: Tick,
	/// Ticks after the commitment from which on it can no longer be opened.
	pub reveal_window: Tick,
	/// Ticks between the last needed answer and the acceptance.
	pub challenge_window: Tick,
	/// Ticks that a challenge commitment must have aged before its challenge.
	pub min_challenge_age: Tick,
	/// Ticks for which a challenge commitment holds the window open.
	pub challenge_lifetime: Tick,
	/// The bond for each mebibyte that a keeper offers, and the stake for each of a replica.
	pub bond_per_mib: Balance,
	/// The least stake of a replica.
	pub min_stake: Balance,
	/// The number of replicas of a head's blob that its model's account asks for.
	pub head_replicas: u32,
	/// The rounds for which it asks at a time.
	pub head_rounds: u32,
	/// What it pays for each mebibyte and proved round to begin with; at most twice as much.
	pub head_price_per_mib: Balance,
	/// The longest blob that is kept from a model's account.
	pub head_max_len: u64,
	/// The least pay for a proved round.
	pub min_price: Balance,
	/// What a payer puts on hold for a deal, beside what its keepers can earn.
	pub deal_deposit: Balance,
	/// What an account must have.
	pub existential_deposit: Balance,
	/// Ticks for which demanded weights can be posted.
	pub demand_window: Tick,
	/// Ticks that a submission waits for verifiers to be drawn.
	pub verifier_patience: Tick,
	/// Ticks in which verifiers that committed can open.
	pub open_window: Tick,
	/// Ticks in which a disputed record can be resolved.
	pub dispute_window: Tick,
	/// The stake below which a verifier is not drawn.
	pub verifier_stake: Balance,
	/// The least that a verifier has room for.
	pub verifier_load: Load,
	/// The least amount of a bounty.
	pub min_bounty: Balance,
	/// The furthest end of a bounty, in ticks from now.
	pub max_bounty_term: Tick,
	/// The most that the court's evaluation of one record may weigh.
	pub max_evaluation: Weight,
	/// The largest weights blob, in bytes.
	pub max_weights_bytes: u64,
}

impl Parameters {
	/// What a replica of a blob of `len` bytes puts at stake of its keeper's bond.
	pub fn stake(&self, len: u64) -> Balance {
		self.bond_per_mib.saturating_mul(len.div_ceil(1 << 20).into()).max(self.min_stake)
	}

	/// What keeping the blobs of a head for its first term can cost its model's account at most, with the deals'
	/// deposits, which come back, and what an account must have.
	pub fn first_term(&self, weights: &BlobRef, data: &BlobRef) -> Balance {
		let term = |blob: &BlobRef| {
			if blob.len == 0 || blob.len > self.head_max_len {
				return 0;
			}
			let mib: Balance = blob.len.div_ceil(1 << 20).into();
			let most = self.head_price_per_mib.saturating_mul(mib).max(self.min_price).saturating_mul(2);
			let proofs = u64::from(self.head_replicas).saturating_mul(self.head_rounds.into());
			most.saturating_mul(proofs.into()).saturating_add(self.deal_deposit)
		};
		let both = if weights == data { 0 } else { term(data) };
		term(weights).saturating_add(both).saturating_add(self.existential_deposit)
	}
}

/// What registering a model, and submitting weights to it, put on hold of the account that does it. Transactions' fees
/// come on top.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Costs {
	/// The deposit for the announcement, from then until the model is registered.
	pub announcement: Balance,
	/// The deposit for the model, for as long as the chain keeps it.
	pub model: Balance,
	/// The trainer's bond, from the commitment until the submission has ended.
	pub bond: Balance,
	/// The verifiers' fee, from the reveal until they are paid with it.
	pub fee: Balance,
	/// The deposit for the list of scores, from the reveal on: until another head's takes its place, or the submission
	/// ends without becoming the head.
	pub scores: Balance,
	/// The deposit for the record that the weights were submitted, from the reveal on: for as long as they are a version,
	/// or until the submission ends without becoming one.
	pub weights: Balance,
}

impl View {
	/// What registering a model of this specification, or submitting weights to it, takes; `None` if the chain would
	/// refuse the specification.
	pub async fn costs(&self, spec: &ModelSpec) -> Result<Option<Costs>, ChainError> {
		let call = runtime::runtime_apis().oda_api().costs(spec.clone().into());
		let costs = self.at.runtime_apis().call(call).await.map_err(node)?;
		Ok(costs.map(|costs| Costs {
			announcement: costs.announcement,
			model: costs.model,
			bond: costs.bond,
			fee: costs.fee,
			scores: costs.scores,
			weights: costs.weights,
		}))
	}

	/// What the chain asks and grants.
	pub async fn parameters(&self) -> Result<Parameters, ChainError> {
		use generated::oda_runtime::parameters::{RuntimeParametersValue, governed};
		let address = runtime::storage().parameters().parameters();
		let values = entries!(self, address, |_key, value| value);
		macro_rules! governed {
			($group:ident, $pallet:ident, $name:ident) => {
				values
					.iter()
					.find_map(|value| match value {
						RuntimeParametersValue::$group(governed::$pallet::ParametersValue::$name(value)) => {
							Some(*value)
						}
						_ => None,
					})
					.ok_or(ChainError::Missing(stringify!($name)))?
			};
		}
		let constants = runtime::constants();
		macro_rules! constant {
			($pallet:ident, $name:ident) => {
				self.at.constants().entry(constants.$pallet().$name()).map_err(node)?
			};
		}
		let max_evaluation = constant!(model_registry, max_evaluation_weight);
		Ok(Parameters {
			fee_base: governed!(Training, training, FeeBase),
			trainer_bond: governed!(Training, training, TrainerBond),
			challenge_bond: governed!(Training, training, ChallengeBond),
			min_commit_age: governed!(Training, training, MinCommitAge),
			reveal_window: governed!(Training, training, RevealWindow),
			challenge_window: governed!(Training, training, ChallengeWindow),
			min_challenge_age: governed!(Training, training, MinChallengeAge),
			challenge_lifetime: governed!(Training, training, ChallengeLifetime),
			bond_per_mib: governed!(StorageDeals, storage_deals, BondPerMib),
			min_stake: governed!(StorageDeals, storage_deals, MinStake),
			head_replicas: constant!(storage_deals, head_replicas),
			head_rounds: constant!(storage_deals, head_rounds),
			head_price_per_mib: governed!(StorageDeals, storage_deals, HeadPricePerMib),
			head_max_len: constant!(storage_deals, head_max_len),
			min_price: governed!(StorageDeals, storage_deals, MinPrice),
			deal_deposit: constant!(storage_deals, deal_deposit),
			existential_deposit: constant!(balances, existential_deposit),
			demand_window: governed!(Training, training, DemandWindow),
			verifier_patience: governed!(Verification, verification, Patience),
			open_window: governed!(Verification, verification, OpenWindow),
			dispute_window: governed!(Verification, verification, DisputeWindow),
			verifier_stake: governed!(Verification, verification, MinStake),
			verifier_load: Load {
				time: governed!(Verification, verification, MinTime),
				bytes: governed!(Verification, verification, MinBytes),
			},
			min_bounty: governed!(Training, training, MinBounty),
			max_bounty_term: constant!(training, max_bounty_term),
			max_evaluation: Weight {
				ref_time: max_evaluation.ref_time,
				proof_size: max_evaluation.proof_size,
			},
			max_weights_bytes: constant!(model_registry, max_weights_bytes),
		})
	}
}

/// What a call weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Weight {
	/// Picoseconds on the reference machine.
	pub ref_time: u64,
	/// Bytes of proof.
	pub proof_size: u64,
}

impl Weight {
	/// The time in milliseconds on the reference machine.
	pub fn milliseconds(&self) -> f64 {
		self.ref_time as f64 / 1e9
	}
}
