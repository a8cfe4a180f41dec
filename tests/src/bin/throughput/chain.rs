//! The chain that is measured, and who uses it.

use crate::wire::{BlockLimits, Wire};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use oda_blobs::Store;
use oda_client::{AccountId, Chain, Key, ModelStatus, Phase, TaskPhase};
use oda_e2e::{Node, Worker, node};
use oda_evaluator::{
	DataSource, DatasetRef, Evaluator, Graph, ModelSpec, Objective,
	graph::{DType, Node as Layer, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
	scores,
};
use oda_primitives::{BlobRef, ModelId, RangeProof, hash};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

const ODA: u128 = 1_000_000_000_000;
/// What each sender owns: enough for fees and for the bond of a commitment.
const ENDOWMENT: u128 = 1_000 * ODA;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Call {
	/// `balances.transfer_keep_alive`, from an account that has money to another that has some.
	Transfer,
	/// `training.commit`.
	Commit,
}

impl Call {
	pub(crate) fn name(self) -> &'static str {
		match self {
			Self::Transfer => "balances.transfer_keep_alive",
			Self::Commit => "training.commit",
		}
	}
}

/// Runs `make` for every number below `count`, on all cores; the results in order.
pub(crate) fn parallel<T: Send>(count: u32, make: impl Fn(u32) -> Result<T> + Sync) -> Result<Vec<T>> {
	let cores = std::thread::available_parallelism()?.get();
	let share = count.div_ceil(u32::try_from(cores)?).max(1);
	std::thread::scope(|scope| {
		let make = &make;
		let starts = (0..count).step_by(share as usize);
		let threads: Vec<_> = starts
			.map(|from| {
				scope.spawn(move || (from..count.min(from + share)).map(make).collect::<Result<Vec<T>>>())
			})
			.collect();
		let mut all = Vec::new();
		for thread in threads {
			all.extend(thread.join().ok().context("a thread panicked")??);
		}
		Ok(all)
	})
}

/// The accounts of a run: the same in every run.
pub(crate) struct Crowd {
	/// Who send, one transaction each.
	pub(crate) senders: Vec<Key>,
	/// Who are sent to, one transfer each.
	pub(crate) receivers: Vec<AccountId>,
	/// Who register the models, one each.
	registrars: Vec<Key>,
}

/// The key of a role and a number.
fn key(role: &str, number: u32) -> Result<Key> {
	let seed = hash::tagged("oda/throughput/1", (role, number));
	Ok(Key::from_uri(&format!("0x{}", hex::encode(seed)))?)
}

impl Crowd {
	pub(crate) fn new(count: u32, models: u32) -> Result<Self> {
		let receiver = |number| Ok(AccountId(hash::tagged("oda/throughput/1", ("receiver", number))));
		Ok(Self {
			senders: parallel(count, |number| key("sender", number))?,
			receivers: parallel(count, receiver)?,
			registrars: parallel(models, |number| key("registrar", number))?,
		})
	}
}

/// How many slots an epoch has if nothing has to be verified: as many as the runtime gives a chain that names no number.
pub(crate) const LONG_EPOCH: u64 = 1_200;

/// A specification with these accounts and slots. Where models are to be `verified`, epochs are short.
fn specification(crowd: &Crowd, slot_millis: u64, verified: bool, folder: &TempDir) -> Result<String> {
	node::specification(folder.path(), "dev", slot_millis, |genesis| {
		let balances = genesis.pointer_mut("/balances/balances").and_then(Value::as_array_mut);
		let balances = balances.context("the specification has no balances")?;
		let own = |account: &AccountId, amount: u128| json!([account.to_string(), amount]);
		let payers = crowd.senders.iter().chain(&crowd.registrars);
		balances.extend(payers.map(|key| own(&key.account(), ENDOWMENT)));
		balances.extend(crowd.receivers.iter().map(|account| own(account, ODA)));
		if !verified {
			let length =
				genesis.pointer_mut("/tempo/epochLength").context("the specification has no epochs")?;
			*length = LONG_EPOCH.into();
			// A task's patience lasts three epochs at least.
			node::set_windows(genesis, &[("verifierPatience", LONG_EPOCH.saturating_mul(3))])?;
		}
		// So that the models are ready soon; no transfer and no commitment looks at these.
		node::set_windows(genesis, &[("minCommitAge", 1), ("challenge", 1)])
	})
}

/// The records of every [`toy`]: two inputs and a class each.
const TOY_DATA: [u8; 6] = [1, 0, 0, 0, 1, 1];

/// A model as small as they come, but for this number no other's: two records, two inputs, two classes.
fn toy(number: u32) -> Result<ModelSpec> {
	let graph = Graph {
		version: VERSION,
		inputs: vec![TensorType::new(DType::I8, [2])],
		params: vec![
			TensorType::new(DType::I8, [2, 2]),
			TensorType::new(DType::I32, [2]),
			TensorType::new(DType::I32, [2]),
			TensorType::new(DType::U8, [2]),
		],
		nodes: vec![Layer {
			op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
			inputs: vec![0],
			output: TensorType::new(DType::I16, [2]),
		}],
		outputs: vec![1],
	};
	let objective = Objective {
		metric: Metric::Accuracy,
		target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
		min_improvement: u64::from(number) + 1,
		confidence: None,
	};
	let data = DataSource::Fixed(DatasetRef { blob: BlobRef::of(&TOY_DATA), records: 2 });
	let spec = ModelSpec { graph, objective, data };
	spec.validate().ok().context("the model for this measurement is not valid")?;
	Ok(spec)
}

/// A node of its own, and the way to it.
pub(crate) struct World {
	// Before the folder, so that the process ends before its files go.
	pub(crate) node: Node,
	pub(crate) chain: Chain,
	pub(crate) wire: Wire,
	pub(crate) limits: BlockLimits,
	registrars: Vec<Key>,
	folder: TempDir,
}

impl World {
	/// Starts one validator with slots of this length, on a fresh chain.
	pub(crate) async fn start(
		crowd: &Crowd,
		slot_millis: u64,
		verified: bool,
		options: &[String],
	) -> Result<Self> {
		let folder = tempfile::tempdir()?;
		let spec = specification(crowd, slot_millis, verified, &folder)?;
		let mut all: Vec<String> =
			["--chain", &spec, "--validator", "--alice", "--force-authoring"].map(Into::into).into();
		// Room for every transaction.
		let room = crowd.senders.len().max(8_192) * 2;
		// Blocks are looked at when all is over.
		all.extend(["--state-pruning".into(), "archive".into()]);
		all.extend(["--pool-limit".into(), room.to_string(), "--pool-kbytes".into(), room.to_string()]);
		all.extend_from_slice(options);
		let node = Node::start_with(folder.path(), all).await?;
		let chain = Chain::connect(&node.url(), Some(Duration::from_secs(60))).await?;
		// There is a block before the first that is counted.
		let first = chain.finalised_after(1).await?.number();
		let wire = Wire::connect(&node.url()).await?;
		let limits = wire.at(first).await?.limits()?;
		Ok(Self { node, chain, wire, limits, registrars: crowd.registrars.clone(), folder })
	}

	/// Models that anybody may commit to: each went the road that every model goes.
	pub(crate) async fn register(&self) -> Result<Vec<ModelId>> {
		let base = self.folder.path().join("verifier");
		let store = Store::open(&base)?;
		store.put(&TOY_DATA)?;
		let verifier = Worker::new(&self.node.url(), &base, "//Bob").with(&["--no-network"]);
		let verifying = verifier.service(&["verify"], &self.folder.path().join("verifier.log"))?;
		let mut roads = JoinSet::new();
		for (number, registrar) in self.registrars.iter().enumerate() {
			let spec = toy(u32::try_from(number)?)?;
			let weights = vec![1; usize::try_from(spec.graph.param_bytes())?];
			store.put(&weights)?;
			roads.spawn(activate(self.chain.clone(), registrar.clone(), spec, weights));
		}
		let models = roads.join_all().await.into_iter().collect();
		verifying.kill().await?;
		models
	}
}

/// Registers a model and brings its version 0; the chain's one verifier finds it as claimed, as it is.
async fn activate(chain: Chain, registrar: Key, spec: ModelSpec, weights: Vec<u8>) -> Result<ModelId> {
	let model = spec.id();
	let (salt, age) = ([7; 32], chain.finalised().await?.parameters().await?.min_commit_age);
	let hidden = hash::registration(&chain.genesis(), &registrar.account(), &model, &salt);
	let announced = chain.announce(&registrar, hidden).await?;
	chain.finalised_after(announced.block + age).await?;
	chain.register(&registrar, &spec, RangeProof::of_end(&TOY_DATA)?, None, salt).await?;
	let evaluator = Evaluator::new(&spec.graph, &weights)?;
	let record = usize::try_from(spec.record_bytes())?;
	let scores: Vec<i32> = TOY_DATA
		.chunks_exact(record)
		.map(|record| Ok(spec.score_record(&evaluator, record)?))
		.collect::<Result<_>>()?;

	let weights = BlobRef::of(&weights);
	let commitment = hash::commitment(&chain.genesis(), &model, &registrar.account(), &weights, &salt);
	let (submission, committed) = chain.commit(&registrar, model, commitment).await?;
	let parameters = chain.finalised().await?.parameters().await?;
	chain.finalised_after(committed.block + parameters.min_commit_age).await?;
	let claimed = scores::pack(spec.score_kind(), &scores)?;
	chain.reveal(&registrar, submission, weights, salt, claimed).await?;
	let mut view = chain.finalised().await?;
	loop {
		let Some(live) = view.submission(submission).await? else { break };
		let passed = view.task(submission).await?.and_then(|task| match task.phase {
			TaskPhase::Passed { at } => Some(at),
			_ => None,
		});
		if let (Phase::Verifying { open_until, .. }, Some(at)) = (live.phase, passed)
			&& view.tick().await? >= open_until.max(at.saturating_add(parameters.challenge_window))
		{
			chain.settle(&registrar, submission).await?;
			break;
		}
		view = chain.finalised_after(view.number()).await?;
	}
	let registered = chain.finalised().await?.model(model).await?.context("the model is gone")?;
	ensure!(registered.status == ModelStatus::Active, "version 0 of a model was not accepted");
	Ok(model)
}
