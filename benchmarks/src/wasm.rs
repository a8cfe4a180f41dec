//! The runtime's own wasm, under the executor of a node.

use crate::counted::Counted;
use anyhow::{Context, Result, anyhow, ensure};
use codec::{Decode, Encode};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
};
use oda_primitives::{BlobRef, ModelId};
use oda_runtime::{Runtime, WASM_BINARY};
use polkadot_sdk::sc_executor_common::runtime_blob::RuntimeBlob;
use polkadot_sdk::{
	sc_executor::WasmExecutor,
	sp_core::{
		Hasher,
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
	},
	sp_io::{SubstrateHostFunctions, TestExternalities},
	sp_runtime::traits::BlakeTwo256,
};
use std::time::{Duration, Instant};

/// A chain that knows models.
pub struct Chain {
	executor: WasmExecutor<SubstrateHostFunctions>,
	/// The runtime once more, with its instructions counted; compiled when first asked for.
	counted: Option<Counted>,
	state: TestExternalities,
}

impl Default for Chain {
	fn default() -> Self {
		Self { executor: WasmExecutor::builder().build(), counted: None, state: TestExternalities::default() }
	}
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
	let blob = BlobRef { root: [0; 32], len: record.len() as u64 };
	let objective = Objective { metric, target, min_improvement: 1, confidence: None };
	let data = DataSource::Fixed(DatasetRef { blob, records: 1 });
	Ok((ModelSpec { graph, objective, data }, record))
}

fn wasm() -> Result<&'static [u8]> {
	WASM_BINARY.context("the runtime was built without its wasm")
}

/// A record that the runtime refuses for its length, when it has read everything.
fn too_short(record: &[u8]) -> &[u8] {
	record.split_last().map_or(&[], |(_, rest)| rest)
}

impl Chain {
	/// Makes the chain know a model.
	pub fn insert(&mut self, spec: ModelSpec) -> ModelId {
		let model = spec.id();
		self.state.execute_with(|| pallet_model_registry::Specs::<Runtime>::insert(model, spec));
		model
	}

	/// Asks the runtime for a record's score; `None` if the record has another length than the model's. And how long it
	/// took, instantiation and decoding included.
	///
	/// # Errors
	///
	/// A call that fails.
	pub fn score(
		&mut self,
		model: ModelId,
		weights: &[u8],
		record: &[u8],
	) -> Result<(Option<i32>, Duration)> {
		let wasm = wasm()?;
		let code = RuntimeCode {
			code_fetcher: &WrappedRuntimeCode(wasm.into()),
			heap_pages: None,
			hash: BlakeTwo256::hash(wasm).encode(),
		};
		let call = (model, weights, record).encode();
		let mut ext = self.state.ext();
		let begun = Instant::now();
		let context = CallContext::Onchain { import: false };
		let (result, _) = self.executor.call(&mut ext, &code, "OdaApi_score", &call, context);
		let took = begun.elapsed();
		let score = result.map_err(|error| anyhow!("{error}"))?;
		Ok((Option::decode(&mut &score[..])?, took))
	}

	/// The bytes of the wasm heap that evaluating a record takes, beyond the call's own bytes, its decoded copies and what
	/// else the runtime takes for a call that evaluates nothing; `None` if the call fails.
	pub fn heap(&mut self, model: ModelId, weights: &[u8], record: &[u8]) -> Option<u64> {
		// Refused for its length, when everything has been read.
		let short = record.split_last().map_or(&[][..], |(_, rest)| rest);
		let without = self.taken(model, weights, short)?;
		Some(self.taken(model, weights, record)?.saturating_sub(without))
	}

	/// The bytes of the wasm heap that a call takes, in a memory of its own; `None` if it fails.
	fn taken(&mut self, model: ModelId, weights: &[u8], record: &[u8]) -> Option<u64> {
		let blob = RuntimeBlob::uncompress_if_needed(WASM_BINARY?).ok()?;
		let call = (model, weights, record).encode();
		let mut ext = self.state.ext();
		let (result, stats) =
			self.executor.uncached_call_with_allocation_stats(blob, &mut ext, true, "OdaApi_score", &call);
		result.ok()?;
		Some(stats?.address_space_used.into())
	}

	/// The least time of so many that evaluating a record takes, beyond reading the call and the model.
	///
	/// # Errors
	///
	/// A call that fails, or a record that the model does not take.
	pub fn time(
		&mut self,
		model: ModelId,
		weights: &[u8],
		record: &[u8],
		repeats: usize,
	) -> Result<Duration> {
		let (mut with, mut without) = (Duration::MAX, Duration::MAX);
		for _ in 0..repeats {
			let (score, took) = self.score(model, weights, record)?;
			ensure!(score.is_some(), "the runtime evaluates the record");
			with = with.min(took);
			let (score, took) = self.score(model, weights, too_short(record))?;
			ensure!(score.is_none(), "the runtime refuses a record that is too short");
			without = without.min(took);
		}
		Ok(with.saturating_sub(without))
	}

	/// The instructions of the runtime's wasm that evaluating a record takes, beyond reading the call and the model: the
	/// same on every machine.
	///
	/// # Errors
	///
	/// A call that fails, or a record that the model does not take.
	pub fn count(&mut self, model: ModelId, weights: &[u8], record: &[u8]) -> Result<u64> {
		let counted = match &self.counted {
			Some(counted) => counted,
			None => self.counted.insert(Counted::new(wasm()?)?),
		};
		let mut score = |record: &[u8]| -> Result<(Option<i32>, u64)> {
			let call = (model, weights, record).encode();
			let (score, instructions) = counted.call(&mut self.state, "OdaApi_score", &call)?;
			Ok((Option::decode(&mut &score[..])?, instructions))
		};
		let (scored, with) = score(record)?;
		ensure!(scored.is_some(), "the runtime evaluates the record");
		let (scored, without) = score(too_short(record))?;
		ensure!(scored.is_none(), "the runtime refuses a record that is too short");
		Ok(with.saturating_sub(without))
	}
}
