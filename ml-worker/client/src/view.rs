//! The chain's state at one finalised block.

use crate::{
	Account, AccountId, Announcement, Balance, Bounty, ChainError, ChallengeCommitment, Claim, Demand, Hold,
	Model, ModelStatus, Phase, Submission, Target, Task, Verifier, Version, Weight,
	error::node,
	runtime::{self, runtime_types as generated},
};
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, ModelId, SubmissionId, TaskId, Tick, VersionId};
use serde::Serialize;
use subxt::{
	OnlineClientAtBlock, SubstrateConfig,
	utils::{H256, Static},
};

/// The chain's state at one finalised block. Everything read through one view belongs together.
#[derive(Clone)]
pub struct View {
	pub(crate) at: OnlineClientAtBlock<SubstrateConfig>,
}

/// Reads one value, or nothing.
macro_rules! get {
	($view:expr, $address:expr, $($key:expr),*) => {
		$view
			.at
			.storage()
			.try_fetch($address, ($($key,)*))
			.await
			.map_err(node)?
			.map(|value| value.decode())
			.transpose()
			.map_err(node)?
	};
}

/// Every entry of a storage map, as its keys and its value.
macro_rules! entries {
	($view:expr, $address:expr, |$keys:ident, $value:ident| $made:expr) => {{
		let mut entries = $view.at.storage().iter($address, ()).await.map_err(node)?;
		let mut found = Vec::new();
		while let Some(entry) = entries.next().await {
			let entry = entry.map_err(node)?;
			let $keys = entry.key().map_err(node)?.decode().map_err(node)?;
			let $value = entry.value().decode().map_err(node)?;
			found.push($made);
		}
		found
	}};
}

pub(crate) use {entries, get};

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
	/// Ticks that a submission waits for verifiers, when there are none.
	pub verifier_patience: Tick,
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

impl View {
	pub(crate) fn new(at: OnlineClientAtBlock<SubstrateConfig>) -> Self {
		Self { at }
	}

	/// The block's number.
	pub fn number(&self) -> u64 {
		self.at.block_number()
	}

	/// The block's hash.
	pub fn hash(&self) -> H256 {
		self.at.block_hash()
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
			verifier_patience: governed!(Training, training, VerifierPatience),
			min_bounty: governed!(Training, training, MinBounty),
			max_bounty_term: constant!(training, max_bounty_term),
			max_evaluation: Weight {
				ref_time: max_evaluation.ref_time,
				proof_size: max_evaluation.proof_size,
			},
			max_weights_bytes: constant!(model_registry, max_weights_bytes),
		})
	}

	/// The current tick.
	pub async fn tick(&self) -> Result<Tick, ChainError> {
		Ok(get!(self, runtime::storage().clock().now(),).unwrap_or_default())
	}

	/// A model.
	pub async fn model(&self, id: ModelId) -> Result<Option<Model>, ChainError> {
		Ok(get!(self, runtime::storage().model_registry().models(), id).map(|model| model_from(id, model)))
	}

	/// The announcements of an account.
	pub async fn announcements(&self, who: &AccountId) -> Result<Vec<Announcement>, ChainError> {
		let list = get!(self, runtime::storage().model_registry().announcements(), *who);
		let made = list.map(|list| list.0).unwrap_or_default();
		Ok(made
			.into_iter()
			.map(|announcement| Announcement {
				commitment: announcement.commitment,
				opens_at: announcement.opens_at,
				closes_at: announcement.closes_at,
			})
			.collect())
	}

	/// All models.
	pub async fn models(&self) -> Result<Vec<Model>, ChainError> {
		let address = runtime::storage().model_registry().models();
		let mut models = entries!(self, address, |key, value| model_from(key.0, value));
		models.sort_by_key(|model| (model.registered_at, model.id));
		Ok(models)
	}

	/// What a model computes, is verified by and is verified on.
	pub async fn spec(&self, id: ModelId) -> Result<Option<ModelSpec>, ChainError> {
		Ok(get!(self, runtime::storage().model_registry().specs(), id).map(|spec| spec.0))
	}

	/// A version of a model.
	pub async fn version(&self, id: ModelId, number: VersionId) -> Result<Option<Version>, ChainError> {
		let version = get!(self, runtime::storage().model_registry().versions(), id, number);
		Ok(version.map(|version| Version {
			number,
			trainer: version.trainer,
			weights: version.weights.0,
			score: version.score,
			submission: version.submission,
			accepted_at: version.accepted_at,
			replaced: version.replaced,
		}))
	}

	/// A model's head.
	pub async fn head(&self, model: &Model) -> Result<Option<Version>, ChainError> {
		match model.head {
			Some(number) => self.version(model.id, number).await,
			None => Ok(None),
		}
	}

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

	/// What the court's evaluation of one record of a model weighs, exactly; `None` if there is no such model.
	pub async fn court_price(&self, model: ModelId) -> Result<Option<Weight>, ChainError> {
		let overview = self
			.at
			.runtime_apis()
			.call(runtime::runtime_apis().oda_api().model(model))
			.await
			.map_err(node)?;
		let weight = overview.map(|model| model.evaluation_weight);
		Ok(weight.map(|weight| Weight { ref_time: weight.ref_time, proof_size: weight.proof_size }))
	}

	/// The demands for weights that nobody has answered.
	pub async fn demands(&self) -> Result<Vec<Demand>, ChainError> {
		let address = runtime::storage().training().demands();
		let mut demands = entries!(self, address, |key, value| demand_from(key.0, value));
		demands.sort_by_key(|demand| demand.until);
		Ok(demands)
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

	/// The demand for a submission's or a head's weights.
	pub async fn demand(&self, target: Target) -> Result<Option<Demand>, ChainError> {
		let demand = get!(self, runtime::storage().training().demands(), target.into());
		Ok(demand.map(|demand| demand_from(target.into(), demand)))
	}

	/// The open tasks about submissions, by number.
	pub async fn tasks(&self) -> Result<Vec<Task>, ChainError> {
		let address = runtime::storage().verification().tasks();
		let tasks = entries!(self, address, |key, value| (key.0.0, value));
		let mut tasks: Vec<_> = tasks
			.into_iter()
			.filter_map(|(id, task)| match id {
				TaskId::Submission(id) => Some(task_from(id, task)),
				TaskId::Receipt(_) | TaskId::Audit(_) => None,
			})
			.collect();
		tasks.sort_by_key(|task| task.id);
		Ok(tasks)
	}

	/// The open task about a submission.
	pub async fn task(&self, id: SubmissionId) -> Result<Option<Task>, ChainError> {
		let key = Static(TaskId::Submission(id));
		Ok(get!(self, runtime::storage().verification().tasks(), key).map(|task| task_from(id, task)))
	}

	/// The bonded verifiers, active or not.
	pub async fn verifiers(&self) -> Result<Vec<Verifier>, ChainError> {
		let verifiers = get!(self, runtime::storage().verification().verifiers(),);
		Ok(verifiers
			.map(|map| map.0)
			.into_iter()
			.flatten()
			.map(|(account, verifier)| Verifier { account, bond: verifier.bond, open: verifier.open })
			.collect())
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

	/// An account's money.
	pub async fn account(&self, account: &AccountId) -> Result<Account, ChainError> {
		let info = get!(self, runtime::storage().system().account(), *account);
		let holds = get!(self, runtime::storage().balances().holds(), *account);
		let (nonce, free, held) =
			info.map_or((0, 0, 0), |info| (info.nonce, info.data.free, info.data.reserved));
		let holds = holds
			.map(|holds| holds.0)
			.unwrap_or_default()
			.into_iter()
			.map(|hold| Hold { reason: format!("{:?}", hold.id), amount: hold.amount })
			.collect();
		Ok(Account { account: *account, nonce, free, held, holds })
	}
}

fn model_from<Ticket>(
	id: ModelId,
	model: generated::pallet_model_registry::types::Model<AccountId, Ticket>,
) -> Model {
	use generated::oda_pallet_traits::models::ModelStatus as Status;
	Model {
		id,
		registrar: model.registrar,
		status: match model.status {
			Status::Pending => ModelStatus::Pending,
			Status::Active => ModelStatus::Active,
			Status::Retired => ModelStatus::Retired,
		},
		parent: model.parent,
		head: model.head,
		live: model.live,
		cost: model.cost.0,
		records: model.records,
		registered_at: model.registered_at,
		free_at: model.free_at,
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
			Stored::Verifying { claim, opened_at, answers_until, held_until, shown } => Phase::Verifying {
				claim: claim_from(claim, terms.fee),
				opened_at,
				answers_until,
				held_until,
				challenge_window: terms.challenge_window,
				shown,
			},
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

impl From<Target> for generated::pallet_training::types::Target {
	fn from(target: Target) -> Self {
		match target {
			Target::Submission(id) => Self::Submission(id),
			Target::Head(model) => Self::Head(model),
		}
	}
}

impl From<generated::pallet_training::types::Target> for Target {
	fn from(target: generated::pallet_training::types::Target) -> Self {
		use generated::pallet_training::types::Target as Stored;
		match target {
			Stored::Submission(id) => Self::Submission(id),
			Stored::Head(model) => Self::Head(model),
		}
	}
}

fn task_from(
	id: SubmissionId,
	task: generated::pallet_verification::types::Task<AccountId, Balance>,
) -> Task {
	Task {
		id,
		members: task.members.0,
		quorum: task.quorum,
		asked: task.asked,
		opened_at: task.opened_at,
		until: task.until,
		answers: task.answers.0.into_iter().map(|(who, verdict)| (who, verdict.0)).collect(),
		passed_at: task.passed_at,
	}
}
