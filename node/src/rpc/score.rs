//! `oda_score`: what the court would find of a record, computed by the node itself.
//!
//! It is as much computing as a challenge may take of a block, for a request that costs nothing. So it is unsafe as
//! `--rpc-methods` means it, one is computed at a time, and whatever has the wrong length is refused before.

use crate::service::FullClient;
use jsonrpsee::{
	Extensions,
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use oda_evaluator::{Evaluator, ModelSpec};
use oda_primitives::ModelId;
use oda_runtime::Hash;
use oda_runtime_api::OdaApi;
use polkadot_sdk::*;
use sc_client_api::HeaderBackend;
use sc_rpc::DenyUnsafe;
use sp_api::ProvideRuntimeApi;
use sp_core::Bytes;
use std::{
	fmt,
	sync::{Arc, Mutex, TryLockError},
};

/// Codes of this method's errors follow this one; polkadot-sdk's methods use lower ones.
const ERROR: i32 = 21_000;

/// What a record scores.
#[rpc(server)]
pub(crate) trait ScoreApi {
	/// A record's score under these weights, by the model as it stands at block `at`, or at the best one. Nothing if
	/// there is no such model.
	#[method(name = "oda_score", blocking, with_extensions)]
	fn score(&self, model: Hash, weights: Bytes, record: Bytes, at: Option<Hash>) -> RpcResult<Option<i32>>;
}

/// Why there is no score.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Refusal {
	/// Another one is being computed.
	Busy,
	/// The runtime does not say what the model is.
	Runtime(String),
	/// The weights are not as long as the graph's parameters.
	WeightsLength { expected: u64, got: usize },
	/// The record is not as long as the model's.
	RecordLength { expected: u64, got: usize },
	/// The evaluator refuses what has the right lengths: its rules are not those that the model was registered by.
	Evaluation(String),
}

impl Refusal {
	fn code(&self) -> i32 {
		ERROR.saturating_add(match self {
			Self::Busy => 1,
			Self::Runtime(_) => 2,
			Self::WeightsLength { .. } => 3,
			Self::RecordLength { .. } => 4,
			Self::Evaluation(_) => 5,
		})
	}
}

impl fmt::Display for Refusal {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Busy => f.write_str("busy: the node computes one score at a time"),
			Self::Runtime(reason) => write!(f, "the runtime does not say what the model is: {reason}"),
			Self::WeightsLength { expected, got } => {
				write!(f, "the weights have {got} bytes, the model's have {expected}")
			}
			Self::RecordLength { expected, got } => {
				write!(f, "the record has {got} bytes, the model's have {expected}")
			}
			Self::Evaluation(reason) => write!(f, "the record cannot be evaluated: {reason}"),
		}
	}
}

impl From<Refusal> for ErrorObjectOwned {
	fn from(refusal: Refusal) -> Self {
		ErrorObject::owned(refusal.code(), refusal.to_string(), None::<()>)
	}
}

/// Answers the method; `specs` says what a model is, at a block or at the best one.
pub(crate) struct Score<S> {
	specs: S,
	/// Held by whoever is having a score computed.
	turn: Mutex<()>,
}

impl<S> Score<S> {
	/// Nobody has a score computed yet.
	pub(crate) fn new(specs: S) -> Self {
		Self { specs, turn: Mutex::new(()) }
	}
}

/// What the runtime says of a model.
pub(crate) fn specs(client: Arc<FullClient>) -> impl Specs {
	move |model: ModelId, at: Option<Hash>| {
		let at = at.unwrap_or_else(|| client.info().best_hash);
		client.runtime_api().spec(at, model).map_err(|error| error.to_string())
	}
}

/// What a model is, at a block or at the best one; or why that cannot be said.
pub(crate) trait Specs:
	Fn(ModelId, Option<Hash>) -> Result<Option<ModelSpec>, String> + Send + Sync + 'static
{
}
impl<F> Specs for F where
	F: Fn(ModelId, Option<Hash>) -> Result<Option<ModelSpec>, String> + Send + Sync + 'static
{
}

/// Whether these are so many bytes.
fn is(bytes: &[u8], expected: u64) -> bool {
	u64::try_from(bytes.len()).is_ok_and(|len| len == expected)
}

impl<S: Specs> Score<S> {
	fn compute(
		&self,
		model: ModelId,
		weights: &[u8],
		record: &[u8],
		at: Option<Hash>,
	) -> Result<Option<i32>, Refusal> {
		let _turn = match self.turn.try_lock() {
			Ok(turn) => turn,
			// There is nothing behind it that a panic could have left half done.
			Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
			Err(TryLockError::WouldBlock) => return Err(Refusal::Busy),
		};
		let Some(spec) = (self.specs)(model, at).map_err(Refusal::Runtime)? else { return Ok(None) };
		let (parameters, expected) = (spec.graph.param_bytes(), spec.record_bytes());
		if !is(weights, parameters) {
			return Err(Refusal::WeightsLength { expected: parameters, got: weights.len() });
		}
		if !is(record, expected) {
			return Err(Refusal::RecordLength { expected, got: record.len() });
		}
		let failed = |reason: &dyn fmt::Display| Refusal::Evaluation(reason.to_string());
		let evaluator = Evaluator::new(&spec.graph, weights).map_err(|reason| failed(&reason))?;
		spec.score_record(&evaluator, record).map(Some).map_err(|reason| failed(&reason))
	}
}

impl<S: Specs> ScoreApiServer for Score<S> {
	fn score(
		&self,
		extensions: &Extensions,
		model: Hash,
		weights: Bytes,
		record: Bytes,
		at: Option<Hash>,
	) -> RpcResult<Option<i32>> {
		extensions.get::<DenyUnsafe>().copied().unwrap_or(DenyUnsafe::Yes).check_if_safe()?;
		Ok(self.compute(model.0, &weights, &record, at)?)
	}
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "tests")]
mod tests {
	use super::*;
	use jsonrpsee::{Methods, MethodsError, core::traits::ToRpcParams, rpc_params};
	use oda_evaluator::{
		DataSource, DatasetRef, Objective,
		graph::{DType, TensorType},
		model::{Metric, TargetSpec},
		testing::networks,
	};
	use oda_primitives::BlobRef;
	use std::sync::mpsc;

	const MODEL: Hash = Hash::repeat_byte(7);

	/// A model of the perceptron, scored by cross-entropy; weights, and a record of it.
	fn known() -> (ModelSpec, Bytes, Bytes) {
		let graph = networks::perceptron();
		let (weights, mut record) = (networks::weights(&graph, 1), networks::inputs(&graph, 1, 2));
		record.extend(3i32.to_le_bytes());
		let target = TargetSpec { tensor: TensorType::new(DType::I32, []), ignore: None };
		let metric = Metric::CrossEntropy { logit_scale_log2: 7 };
		let objective = Objective { metric, target, min_improvement: 1, confidence: None };
		let blob = BlobRef { root: [0; 32], len: record.len() as u64 };
		let data = DataSource::Fixed(DatasetRef { blob, records: 1 });
		(ModelSpec { graph, objective, data }, weights.into(), record.into())
	}

	/// The methods of a node that knows this one model, with unsafe ones or without.
	fn methods(deny: DenyUnsafe) -> Methods {
		let specs = |model: ModelId, at: Option<Hash>| match at {
			Some(_) => Err("no such block".into()),
			None => Ok((model == MODEL.0).then(|| known().0)),
		};
		let mut module = Score::new(specs).into_rpc();
		module.extensions_mut().insert(deny);
		module.into()
	}

	async fn ask(module: &Methods, params: impl ToRpcParams) -> Result<Option<i32>, i32> {
		module.call("oda_score", params).await.map_err(|error| match error {
			MethodsError::JsonRpc(error) => error.code(),
			other => panic!("{other}"),
		})
	}

	#[tokio::test]
	async fn a_record_should_score_what_the_evaluator_says() {
		let (spec, weights, record) = known();
		let evaluator = Evaluator::new(&spec.graph, &weights).expect("weights of the model");
		let expected = spec.score_record(&evaluator, &record).expect("a record of the model");
		let module = methods(DenyUnsafe::No);
		assert_eq!(ask(&module, rpc_params![MODEL, weights, record]).await, Ok(Some(expected)));
	}

	#[tokio::test]
	async fn a_model_that_is_not_there_should_have_no_score() {
		let (_, weights, record) = known();
		let module = methods(DenyUnsafe::No);
		assert_eq!(ask(&module, rpc_params![Hash::zero(), weights, record]).await, Ok(None));
	}

	#[tokio::test]
	async fn leak_a_stranger_should_get_no_score() {
		let (_, weights, record) = known();
		let module = methods(DenyUnsafe::Yes);
		let code = jsonrpsee::types::error::ErrorCode::MethodNotFound.code();
		assert_eq!(ask(&module, rpc_params![MODEL, weights.clone(), record.clone()]).await, Err(code));
		// A server that says nothing about it counts as open to strangers.
		let silent = Score::new(|_: ModelId, _: Option<Hash>| Ok(Some(known().0))).into_rpc();
		assert_eq!(ask(&silent, rpc_params![MODEL, weights, record]).await, Err(code));
	}

	#[tokio::test]
	async fn leak_other_lengths_and_unknown_blocks_should_be_refused() {
		let (_, weights, record) = known();
		let module = methods(DenyUnsafe::No);
		let other = |bytes: &Bytes, longer: bool| {
			let mut bytes = bytes.to_vec();
			bytes.resize(if longer { bytes.len() + 1 } else { bytes.len() - 1 }, 0);
			Bytes::from(bytes)
		};
		for longer in [false, true] {
			let asked = rpc_params![MODEL, other(&weights, longer), record.clone()];
			let refused = Refusal::WeightsLength { expected: 0, got: 0 };
			assert_eq!(ask(&module, asked).await, Err(refused.code()));
			let asked = rpc_params![MODEL, weights.clone(), other(&record, longer)];
			let refused = Refusal::RecordLength { expected: 0, got: 0 };
			assert_eq!(ask(&module, asked).await, Err(refused.code()));
		}
		let asked = rpc_params![MODEL, weights, record, Hash::zero()];
		assert_eq!(ask(&module, asked).await, Err(Refusal::Runtime(String::new()).code()));
	}

	#[tokio::test]
	async fn leak_who_comes_while_a_score_is_computed_should_be_sent_away_at_once() {
		let (_, weights, record) = known();
		// The first to ask for the model says so, and goes on when it is told to.
		let (begun, at_work) = mpsc::channel();
		let (release, go) = mpsc::channel::<()>();
		let go = Mutex::new(go);
		let specs = move |_: ModelId, _: Option<Hash>| {
			// Only the first is waited for.
			begun.send(()).ok();
			go.lock().expect("nobody panics").recv().map_err(|error| error.to_string())?;
			Ok(Some(known().0))
		};
		let mut module = Score::new(specs).into_rpc();
		module.extensions_mut().insert(DenyUnsafe::No);
		let first = tokio::spawn({
			let (module, asked) = (module.clone(), rpc_params![MODEL, weights.clone(), record.clone()]);
			async move { ask(&module, asked).await }
		});
		let at_work = tokio::task::spawn_blocking(move || at_work.recv());
		at_work.await.expect("no panic").expect("the first one asks for the model");
		let asked = rpc_params![MODEL, weights.clone(), record.clone()];
		assert_eq!(ask(&module, asked).await, Err(Refusal::Busy.code()));
		release.send(()).expect("the first one waits");
		assert!(first.await.expect("no panic").is_ok_and(|score| score.is_some()));
		// Its turn is over.
		release.send(()).expect("the method is there");
		assert!(ask(&module, rpc_params![MODEL, weights, record]).await.is_ok_and(|score| score.is_some()));
	}
}
