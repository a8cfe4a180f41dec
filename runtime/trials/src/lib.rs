//! A challenge as a block takes it: a chain on which a wrong score is being verified, and the extrinsics that overturn it.
//!
//! The state is made by the pallets' own calls, natively, on the genesis of a development chain; only the clock is put
//! forward. What follows is what a challenger sends: [`Trial::commit`], and some ticks later [`Trial::challenge`]. Tests of
//! the node and measurements of the court give them to the runtime's wasm.
//!
//! Never part of a chain.

mod extrinsic;
mod longest;

pub use extrinsic::{general, signed};
pub use longest::longest;

use anyhow::{Context, Result, anyhow, ensure};
use oda_evaluator::{Evaluator, ModelSpec, scores};
use oda_primitives::{BlobRef, RangeProof, SubmissionId, Tick, hash};
use oda_runtime::{
	ModelRegistry, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, Training,
	configs::protocol::EvaluationWeight,
	genesis_config_presets,
	parameters::governed::training::{MinChallengeAge, MinCommitAge},
};
use pallet_model_registry::{Models, Specs};
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	sc_chain_spec::json_merge,
	sp_genesis_builder::DEV_RUNTIME_PRESET,
	sp_keyring::Sr25519Keyring,
	sp_runtime::{BuildStorage, DispatchError, Storage, traits::Convert},
	sp_state_machine::BasicExternalities,
};

/// Who registers the model and claims a wrong score.
pub const TRAINER: Sr25519Keyring = Sr25519Keyring::Dave;
/// Who finds it.
pub const CHALLENGER: Sr25519Keyring = Sr25519Keyring::Eve;

/// The salt of everything that is committed to.
const SALT: [u8; 32] = [7; 32];

/// A model and its data, and weights whose score on a record will be claimed wrongly.
pub struct Case {
	/// The model; its data is `data`.
	pub spec: ModelSpec,
	/// Its records, one after the other.
	pub data: Vec<u8>,
	/// The weights.
	pub weights: Vec<u8>,
	/// The record whose score is wrong.
	pub record: u32,
}

/// A submission that is being verified, one of whose scores is wrong.
pub struct Trial {
	/// The chain's state, before its first block.
	pub storage: Storage,
	/// The submission.
	pub submission: SubmissionId,
	record: u32,
	proof: RangeProof,
	weights: Vec<u8>,
	cost: Weight,
}

/// The genesis of a development chain, without the runtime's code.
///
/// # Errors
///
/// A preset that does not build.
pub fn genesis() -> Result<Storage> {
	let patch = genesis_config_presets::get_preset(&DEV_RUNTIME_PRESET.into()).context("a known preset")?;
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default())?;
	json_merge(&mut config, serde_json::from_slice(&patch)?);
	let config: RuntimeGenesisConfig = serde_json::from_value(config)?;
	config.build_storage().map_err(|error| anyhow!(error))
}

/// A call that fails, as an error.
fn failed(error: DispatchError) -> anyhow::Error {
	anyhow!("{error:?}")
}

/// Lets so much of the protocol's time pass.
fn pass(ticks: Tick) {
	pallet_clock::Now::<Runtime>::mutate(|now| *now = now.saturating_add(ticks));
}

fn trainer() -> RuntimeOrigin {
	RuntimeOrigin::signed(TRAINER.to_account_id())
}

/// The hash of block 0, which is nothing before the first block.
fn genesis_hash() -> [u8; 32] {
	oda_pallet_funds::genesis_hash::<Runtime>()
}

/// Announces the case's model and registers it.
fn register(case: &Case) -> Result<()> {
	let commitment = hash::registration(&genesis_hash(), &TRAINER.to_account_id(), &case.spec.id(), &SALT);
	ModelRegistry::announce(trainer(), commitment).map_err(failed)?;
	pass(MinCommitAge::get());
	let proof = RangeProof::of_end(&case.data)?;
	ModelRegistry::register(trainer(), case.spec.clone().into(), proof, None, SALT).map_err(failed)
}

/// Makes the chain know a model that registration refuses: registers one that it admits, and puts the other into its
/// place.
fn smuggle(case: &Case, decoy: &Case) -> Result<()> {
	register(decoy)?;
	let (id, refused) = (decoy.spec.id(), case.spec.id());
	let mut model = Models::<Runtime>::take(id).context("it was registered")?;
	model.cost = case.spec.validate().map_err(|reason| anyhow!("{reason:?}"))?;
	model.records = case.spec.records();
	model.bytes = case.spec.graph.param_bytes().saturating_add(case.spec.data.dataset().blob.len);
	Specs::<Runtime>::remove(id);
	Models::<Runtime>::insert(refused, model);
	Specs::<Runtime>::insert(refused, case.spec.clone());
	Ok(())
}

/// What the case's weights score on its record, but for one.
fn wrong_scores(case: &Case) -> Result<Vec<u8>> {
	let range = case.spec.record_range(case.record).context("the data has that record")?;
	let record = case.data.get(usize::try_from(range.start)?..usize::try_from(range.end)?);
	let evaluator =
		Evaluator::new(&case.spec.graph, &case.weights).map_err(|reason| anyhow!("{reason:?}"))?;
	let actual = case
		.spec
		.score_record(&evaluator, record.context("the data is that long")?)
		.map_err(|reason| anyhow!("{reason:?}"))?;
	let mut list = vec![0; usize::try_from(case.spec.records())?];
	// A bit turns into the other one, a number into its neighbour.
	*list.get_mut(usize::try_from(case.record)?).context("a score for each record")? = actual ^ 1;
	Ok(scores::pack(case.spec.score_kind(), &list)?)
}

/// Submits the weights with a wrong score; the verification begins, for nobody else is in line.
fn submit(case: &Case) -> Result<SubmissionId> {
	let (model, weights) = (case.spec.id(), BlobRef::of(&case.weights));
	let commitment = hash::commitment(&genesis_hash(), &model, &TRAINER.to_account_id(), &weights, &SALT);
	Training::commit(trainer(), model, commitment).map_err(failed)?;
	let submission = *Training::submissions(model).first().context("a commitment is a submission")?;
	pass(MinCommitAge::get());
	let scores = wrong_scores(case)?.try_into().map_err(|_| anyhow!("a list that is too long"))?;
	Training::reveal(trainer(), submission, weights, SALT, scores)
		.map_err(|refused| failed(refused.error))?;
	ensure!(Training::verifying(model) == Some(submission), "the verification has begun");
	Ok(submission)
}

impl Trial {
	/// Registers the model and submits the weights.
	///
	/// # Errors
	///
	/// A model that registration refuses.
	pub fn new(case: Case) -> Result<Self> {
		Self::begin(case, register)
	}

	/// The same for a model that registration refuses, as if it had admitted it as it admits the `decoy`'s.
	///
	/// # Errors
	///
	/// A decoy that it refuses too.
	pub fn of_refused(case: Case, decoy: &Case) -> Result<Self> {
		Self::begin(case, |case| smuggle(case, decoy))
	}

	fn begin(case: Case, know: impl FnOnce(&Case) -> Result<()>) -> Result<Self> {
		let mut state = BasicExternalities::new(genesis()?);
		let submission = state.execute_with(|| {
			know(&case)?;
			submit(&case)
		})?;
		let Case { spec, data, weights, record } = case;
		let range = spec.record_range(record).context("the data has that record")?;
		let cost = EvaluationWeight::convert(spec.validate().map_err(|reason| anyhow!("{reason:?}"))?);
		let proof = RangeProof::new(&data, range)?;
		Ok(Self { storage: state.into_storages(), submission, record, proof, weights, cost })
	}

	/// What evaluating the record weighs: a part of what the challenge does.
	pub fn cost(&self) -> Weight {
		self.cost
	}

	fn commitment(&self, genesis: &[u8; 32]) -> [u8; 32] {
		let who = CHALLENGER.to_account_id();
		hash::challenge_commitment(genesis, self.submission, self.record, &who, &SALT)
	}

	/// The challenger's commitment to the evidence, on the chain with this genesis.
	pub fn commit(&self, genesis: &[u8; 32]) -> RuntimeCall {
		let commitment = self.commitment(genesis);
		pallet_training::Call::commit_challenge { submission: self.submission, commitment }.into()
	}

	/// The challenge, which nobody signs.
	///
	/// # Errors
	///
	/// Weights that are too long for one.
	pub fn challenge(&self) -> Result<RuntimeCall> {
		self.challenge_with(self.proof.clone())
	}

	/// A challenge that is refused after all that can be checked without evaluating was: its record has another last
	/// byte, so that the proof leads to another root.
	///
	/// # Errors
	///
	/// Weights that are too long for one.
	pub fn refused_challenge(&self) -> Result<RuntimeCall> {
		let mut proof = self.proof.clone();
		*proof.chunks.last_mut().context("a record has bytes")? ^= 1;
		self.challenge_with(proof)
	}

	fn challenge_with(&self, proof: RangeProof) -> Result<RuntimeCall> {
		let weights = self.weights.clone().try_into().map_err(|_| anyhow!("weights that are too long"))?;
		Ok(pallet_training::Call::challenge {
			submission: self.submission,
			record: self.record,
			challenger: CHALLENGER.to_account_id(),
			salt: SALT,
			proof,
			weights,
			cost: self.cost,
		}
		.into())
	}

	/// Commits to the evidence as if the first block's parent had this hash, and waits until the challenge can follow.
	///
	/// # Errors
	///
	/// A challenger that cannot pay the bond.
	pub fn ripen(&mut self, genesis: &[u8; 32]) -> Result<()> {
		let (submission, commitment) = (self.submission, self.commitment(genesis));
		let challenger = RuntimeOrigin::signed(CHALLENGER.to_account_id());
		BasicExternalities::execute_with_storage(&mut self.storage, || {
			Training::commit_challenge(challenger, submission, commitment).map_err(failed)?;
			pass(MinChallengeAge::get());
			Ok(())
		})
	}
}
