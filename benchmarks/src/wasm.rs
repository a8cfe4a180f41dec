//! Challenges in the runtime's own wasm, under the executor of a node.

use crate::counted::Counted;
use anyhow::{Context, Result, anyhow, bail, ensure};
use codec::{Decode, Encode};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
};
use oda_primitives::{BlobRef, SubmissionId};
use oda_runtime::{
	Hash, Header, Runtime, RuntimeCall, RuntimeEvent, System, UncheckedExtrinsic, WASM_BINARY,
	configs::system::RuntimeBlockWeights,
};
use oda_trials::{Trial, general};
use pallet_training::Submissions;
use polkadot_sdk::{
	frame_support::dispatch::GetDispatchInfo,
	pallet_timestamp,
	sc_executor::{DEFAULT_HEAP_ALLOC_STRATEGY, WasmExecutor},
	sc_executor_common::runtime_blob::RuntimeBlob,
	sp_consensus_babe::{
		BABE_ENGINE_ID,
		digests::{PreDigest, SecondaryPlainPreDigest},
	},
	sp_core::{
		Hasher,
		traits::{CallContext, CodeExecutor, Externalities, RuntimeCode, WrappedRuntimeCode},
	},
	sp_io::{SubstrateHostFunctions, TestExternalities},
	sp_runtime::{
		ApplyExtrinsicResult, Digest, DigestItem,
		traits::{BlakeTwo256, Header as _},
		transaction_validity::{TransactionSource, TransactionValidity},
	},
};
use std::time::{Duration, Instant};

/// The slot of the first block, that a challenge is put into.
const SLOT: u64 = 1_000;
/// The runtime's function that puts an extrinsic into a block.
pub(crate) const APPLY: &str = "BlockBuilder_apply_extrinsic";

/// The runtime in an executor with the settings of a node.
pub struct Chain {
	executor: WasmExecutor<SubstrateHostFunctions>,
	/// The runtime once more, with its instructions counted; compiled when first asked for.
	counted: Option<Counted>,
}

impl Default for Chain {
	fn default() -> Self {
		// What a node has unless its command line says otherwise.
		let executor = WasmExecutor::builder()
			.with_onchain_heap_alloc_strategy(DEFAULT_HEAP_ALLOC_STRATEGY)
			.with_offchain_heap_alloc_strategy(DEFAULT_HEAP_ALLOC_STRATEGY)
			.build();
		Self { executor, counted: None }
	}
}

/// A block that has begun, with its time set, and a challenge that can be put into it.
pub struct Hearing {
	state: TestExternalities,
	submission: SubmissionId,
	/// The challenge.
	challenge: Vec<u8>,
	/// The same with another record, which is refused after everything was checked that can be without evaluating.
	refused: Vec<u8>,
}

/// What a challenge takes of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken<T> {
	/// All of it, from decoding the extrinsic to its last event.
	pub whole: T,
	/// Beyond decoding and what can be checked without evaluating: the evaluation, the verdict and its consequences.
	pub judging: T,
}

/// A model whose output is scored by `metric`, and a record of it: `input`, and of classes the last, of numbers zeros.
///
/// # Errors
///
/// A graph without an output.
pub fn model(graph: Graph, metric: Metric, input: &[u8]) -> Result<(ModelSpec, Vec<u8>)> {
	let output = graph.outputs.first().and_then(|&output| graph.value_type(output.into()));
	let shape = &output.context("a graph has an output")?.shape;
	let (classes, positions) = shape.split_last().context("a tensor has an axis")?;
	let mut record = input.to_vec();
	let tensor = if metric == Metric::SquaredError {
		let numbers = TensorType::new(DType::I8, shape.as_slice());
		record.resize(input.len().saturating_add(usize::try_from(numbers.bytes())?), 0);
		numbers
	} else {
		let indices = TensorType::new(DType::I32, positions);
		record.extend((0..indices.elements()).flat_map(|_| classes.saturating_sub(1).to_le_bytes()));
		indices
	};
	let target = TargetSpec { tensor, ignore: None };
	let blob = BlobRef::of(&record);
	let objective = Objective { metric, target, min_improvement: 1, confidence: None };
	let data = DataSource::Fixed(DatasetRef { blob, records: 1 });
	Ok((ModelSpec { graph, objective, data }, record))
}

/// The runtime that this was built with.
pub(crate) fn wasm() -> Result<&'static [u8]> {
	WASM_BINARY.context("the runtime was built without its wasm")
}

/// What the runtime's weights say of a challenge: the dispatch, what authorises it, and what every extrinsic takes.
pub fn charged(trial: &Trial) -> Result<Duration> {
	let info = general(trial.challenge()?).get_dispatch_info();
	let base = RuntimeBlockWeights::get().get(info.class).base_extrinsic;
	Ok(Duration::from_nanos(info.total_weight().saturating_add(base).ref_time() / 1_000))
}

/// The slot of a block: the first one's, and each after that in the next.
fn slot(number: u32) -> u64 {
	SLOT.saturating_add(u64::from(number)).saturating_sub(1)
}

/// The header of a block, by the only validator.
pub(crate) fn header(number: u32) -> Header {
	let slot = slot(number).into();
	let author = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot });
	let digest = Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, author.encode())] };
	Header::new(number, Hash::default(), Hash::default(), Hash::default(), digest)
}

/// The extrinsic that sets the time of a block.
pub(crate) fn time(number: u32) -> Vec<u8> {
	let now = pallet_timestamp::Call::set { now: slot(number).saturating_mul(1_000) };
	UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(now)).encode()
}

/// Runs `run` on a state, and undoes what it did.
fn undone<R>(
	state: &mut TestExternalities,
	run: impl FnOnce(&mut TestExternalities) -> Result<R>,
) -> Result<R> {
	state.ext().storage_start_transaction();
	let result = run(state);
	let rolled = state.ext().storage_rollback_transaction();
	rolled.map_err(|()| anyhow!("the runtime left no transaction of the state open"))?;
	result
}

/// What the runtime answers to an extrinsic.
pub(crate) fn applied(answer: &[u8]) -> Result<ApplyExtrinsicResult> {
	Ok(ApplyExtrinsicResult::decode(&mut &*answer)?)
}

/// Fails unless the challenge was applied and the submission has fallen.
fn overturned(state: &mut TestExternalities, submission: SubmissionId, answer: &[u8]) -> Result<()> {
	match applied(answer)? {
		Ok(Ok(())) => {}
		other => bail!("the challenge is not applied: {other:?}"),
	}
	state.execute_with(|| {
		let fell = |event| {
			matches!(event, RuntimeEvent::Training(pallet_training::Event::Overturned { submission: id, .. })
				if id == submission)
		};
		ensure!(
			System::events().into_iter().any(|record| fell(record.event)),
			"the submission is overturned"
		);
		ensure!(!Submissions::<Runtime>::contains_key(submission), "an overturned submission is gone");
		Ok(())
	})
}

/// Fails unless the extrinsic is refused.
fn refused(answer: &[u8]) -> Result<()> {
	let answer = applied(answer)?;
	ensure!(answer.is_err(), "a challenge with a wrong record is not applied: {answer:?}");
	Ok(())
}

/// Puts the challenge into the block, and the one that is refused; what each takes.
fn both<T>(
	hearing: &mut Hearing,
	mut put: impl FnMut(&mut TestExternalities, &[u8]) -> Result<(Vec<u8>, T)>,
) -> Result<[T; 2]> {
	let Hearing { state, submission, challenge, refused: wrong } = hearing;
	let whole = undone(state, |state| {
		let (answer, taken) = put(state, challenge)?;
		overturned(state, *submission, &answer)?;
		Ok(taken)
	})?;
	let without = undone(state, |state| {
		let (answer, taken) = put(state, wrong)?;
		refused(&answer)?;
		Ok(taken)
	})?;
	Ok([whole, without])
}

impl Chain {
	/// Calls the runtime.
	pub(crate) fn call(&self, state: &mut TestExternalities, method: &str, input: &[u8]) -> Result<Vec<u8>> {
		let wasm = wasm()?;
		let code = RuntimeCode {
			code_fetcher: &WrappedRuntimeCode(wasm.into()),
			heap_pages: None,
			hash: BlakeTwo256::hash(wasm).encode(),
		};
		let context = CallContext::Onchain { import: false };
		let (result, _) = self.executor.call(&mut state.ext(), &code, method, input, context);
		result.map_err(|error| anyhow!("{method}: {error}"))
	}

	/// Has a challenger commit to the evidence, the pool take the challenge, and a block begin.
	///
	/// # Errors
	///
	/// A runtime that refuses one of these.
	pub fn open(&self, mut trial: Trial) -> Result<Hearing> {
		let genesis = Hash::default();
		trial.ripen(&genesis.0)?;
		let [challenge, wrong] =
			[trial.challenge()?, trial.refused_challenge()?].map(|call| general(call).encode());
		let mut state = TestExternalities::new(trial.storage);

		let offered = [TransactionSource::External.encode(), challenge.clone(), genesis.encode()].concat();
		let valid = undone(&mut state, |state| {
			self.call(state, "TaggedTransactionQueue_validate_transaction", &offered)
		})?;
		let valid = TransactionValidity::decode(&mut &valid[..])?;
		valid.map_err(|reason| anyhow!("the pool refuses the challenge: {reason:?}"))?;

		self.call(&mut state, "Core_initialize_block", &header(1).encode())?;
		let set = applied(&self.call(&mut state, APPLY, &time(1))?)?;
		ensure!(set == Ok(Ok(())), "the time is not set: {set:?}");
		Ok(Hearing { state, submission: trial.submission, challenge, refused: wrong })
	}

	/// Puts the challenge into the block, which overturns the submission; the one with another record is refused.
	///
	/// # Errors
	///
	/// A challenge that is not applied, or does not overturn it.
	pub fn hear(&self, hearing: &mut Hearing) -> Result<()> {
		both(hearing, |state, input| Ok((self.call(state, APPLY, input)?, ()))).map(|_| ())
	}

	/// The same in a memory of its own: the bytes of the wasm heap that it takes.
	///
	/// # Errors
	///
	/// A challenge that is not applied, or does not overturn the submission.
	pub fn heap(&self, hearing: &mut Hearing) -> Result<Taken<u64>> {
		let [whole, without] = both(hearing, |state, input| {
			let blob = RuntimeBlob::uncompress_if_needed(wasm()?)?;
			let mut ext = state.ext();
			let (answer, stats) =
				self.executor.uncached_call_with_allocation_stats(blob, &mut ext, true, APPLY, input);
			let answer = answer.map_err(|error| anyhow!("{error}"))?;
			Ok((answer, u64::from(stats.context("the executor counts")?.address_space_used)))
		})?;
		Ok(Taken { whole, judging: whole.saturating_sub(without) })
	}

	/// The least time of so many that it takes.
	///
	/// # Errors
	///
	/// A challenge that is not applied, or does not overturn the submission.
	pub fn time(&self, hearing: &mut Hearing, repeats: usize) -> Result<Taken<Duration>> {
		let mut least = [Duration::MAX; 2];
		for _ in 0..repeats {
			let took = both(hearing, |state, input| {
				let begun = Instant::now();
				let answer = self.call(state, APPLY, input)?;
				Ok((answer, begun.elapsed()))
			})?;
			for (least, took) in least.iter_mut().zip(took) {
				*least = took.min(*least);
			}
		}
		let [whole, without] = least;
		Ok(Taken { whole, judging: whole.saturating_sub(without) })
	}

	/// The instructions of the runtime's wasm that it takes: the same on every machine.
	///
	/// # Errors
	///
	/// A challenge that is not applied, or does not overturn the submission.
	pub fn count(&mut self, hearing: &mut Hearing) -> Result<Taken<u64>> {
		let counted = match &self.counted {
			Some(counted) => counted,
			None => self.counted.insert(Counted::new(wasm()?)?),
		};
		let [whole, without] = both(hearing, |state, input| counted.call(state, APPLY, input))?;
		Ok(Taken { whole, judging: whole.saturating_sub(without) })
	}
}
