//! Re-running objectives: the same for whoever submits, verifies or watches.
//!
//! Specifications, weights and data come from strangers. What they may take of memory and time is limited, and
//! checked before it is taken.

use crate::metrics::Metrics;
use oda_blobs::{BlobError, BlobSource};
use oda_engine::{Engine, EngineError, RecordResult};
use oda_evaluator::{Evaluator, ModelSpec, Scores, SpecError};
use oda_primitives::{BlobRef, ModelId, ProofError, RangeProof};
use serde::{Deserialize, Serialize};
use std::{
	collections::HashMap,
	ops::ControlFlow,
	sync::{
		Arc, Mutex, PoisonError,
		atomic::{AtomicBool, Ordering},
	},
	time::{Duration, Instant},
};
use tokio::sync::{OnceCell, Semaphore};

/// What evaluating a stranger's model may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
	/// Mebibytes of data that are loaded.
	pub data_mib: u64,
	/// Mebibytes of weights that are loaded.
	pub weights_mib: u64,
	/// Seconds that evaluating all records may take.
	pub seconds: u64,
	/// Models that are evaluated at the same time.
	pub parallel: usize,
}

impl Default for Limits {
	fn default() -> Self {
		Self { data_mib: 4_096, weights_mib: 256, seconds: 3_600, parallel: 1 }
	}
}

/// Why a model was not evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
	/// The weights or the data are not here.
	#[error("blob {} ({} bytes) is not here", hex::encode(.0.root), .0.len)]
	Missing(BlobRef),
	/// A blob is larger than this worker loads.
	#[error("a blob of {len} bytes is over the limit of {limit}")]
	TooLarge {
		/// Bytes it has.
		len: u64,
		/// Bytes allowed.
		limit: u64,
	},
	/// The blob store failed.
	#[error(transparent)]
	Blob(BlobError),
	/// The specification is not valid.
	#[error("the specification: {0}")]
	Spec(#[from] SpecError),
	/// The engine failed.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// There is no such record, or no proof of it.
	#[error("record {0}: {1}")]
	Record(u32, ProofError),
	/// It took longer than allowed.
	#[error("evaluating took longer than {} s", .0.as_secs())]
	Timeout(Duration),
	/// It stopped for a reason that is a fault of this program.
	#[error("evaluating failed unexpectedly")]
	Crashed,
}

impl EvaluationError {
	/// What a blob could not be read for.
	pub(crate) fn of_blob(error: BlobError, blob: &BlobRef) -> Self {
		if error.is_absent() { Self::Missing(*blob) } else { Self::Blob(error) }
	}

	/// Whether the same would fail again in the same way.
	pub fn is_final(&self) -> bool {
		matches!(self, Self::TooLarge { .. } | Self::Spec(_) | Self::Record(..))
	}

	/// Whether it may go better later, when the blobs are here.
	pub fn is_missing(&self) -> bool {
		matches!(self, Self::Missing(_))
	}
}

fn check_limit(blob: &BlobRef, limit_mib: u64) -> Result<(), EvaluationError> {
	let limit = limit_mib.saturating_mul(1 << 20);
	if blob.len > limit {
		return Err(EvaluationError::TooLarge { len: blob.len, limit });
	}
	Ok(())
}

/// A blob that must be small enough, and here.
fn load(source: &dyn BlobSource, blob: &BlobRef, limit_mib: u64) -> Result<Vec<u8>, EvaluationError> {
	check_limit(blob, limit_mib)?;
	source.get(blob).map_err(|error| EvaluationError::of_blob(error, blob))
}

/// Stops the work of a future that is dropped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
	fn drop(&mut self) {
		self.0.store(true, Ordering::Relaxed);
	}
}

/// What every record came to, in order.
pub type Results = Arc<Vec<RecordResult>>;

type Cell = Arc<OnceCell<Results>>;

/// What evaluates; shared by all roles of a process, so that none repeats another's work.
pub struct Workbench {
	engine: Engine,
	source: Arc<dyn BlobSource>,
	limits: Limits,
	metrics: Arc<Metrics>,
	slots: Semaphore,
	done: Mutex<HashMap<(ModelId, [u8; 32]), Cell>>,
}

/// How many models' results are kept, each of 36 bytes a record. What is committed to is in the journal.
const KEPT: usize = 8;

impl Workbench {
	/// One that evaluates with `engine` what it finds in `source`, and counts that in `metrics`.
	pub fn new(engine: Engine, source: Arc<dyn BlobSource>, limits: Limits, metrics: Arc<Metrics>) -> Self {
		let slots = Semaphore::new(limits.parallel.max(1));
		Self { engine, source, limits, metrics, slots, done: Mutex::default() }
	}

	/// What evaluates.
	pub fn engine(&self) -> &Engine {
		&self.engine
	}

	/// Where blobs come from.
	pub fn source(&self) -> &Arc<dyn BlobSource> {
		&self.source
	}

	/// What evaluating may take.
	pub fn limits(&self) -> Limits {
		self.limits
	}

	/// Whether a model's data and these weights are small enough to be loaded: asked before a byte is fetched.
	///
	/// # Errors
	///
	/// [`EvaluationError::TooLarge`].
	pub fn check_limits(&self, spec: &ModelSpec, weights: &BlobRef) -> Result<(), EvaluationError> {
		check_limit(weights, self.limits.weights_mib)?;
		check_limit(&spec.data.dataset().blob, self.limits.data_mib)
	}

	/// The score and the output's root of every record. `progress` is told how many are done.
	pub async fn results(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		progress: impl FnMut(usize) + Send + 'static,
	) -> Result<Results, EvaluationError> {
		let cell = {
			let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
			if done.len() >= KEPT {
				done.retain(|_, cell| !cell.initialized());
			}
			Arc::clone(done.entry((spec.id(), weights.root)).or_default())
		};
		cell.get_or_try_init(|| self.evaluate(spec, weights, progress)).await.cloned()
	}

	async fn evaluate(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		mut progress: impl FnMut(usize) + Send + 'static,
	) -> Result<Results, EvaluationError> {
		let Ok(_slot) = self.slots.acquire().await else { return Err(EvaluationError::Crashed) };
		let stop = Arc::new(AtomicBool::new(false));
		let _stop = StopOnDrop(Arc::clone(&stop));
		let (engine, source, limits) = (self.engine.clone(), Arc::clone(&self.source), self.limits);
		let (spec, weights, metrics) = (spec.clone(), *weights, Arc::clone(&self.metrics));
		let work = move || {
			spec.validate()?;
			let allowed = Duration::from_secs(limits.seconds);
			let weights = load(&*source, &weights, limits.weights_mib)?;
			let data = load(&*source, &spec.data.dataset().blob, limits.data_mib)?;
			let model = engine.load(&spec.graph, &weights)?;
			let (started, mut counted) = (Instant::now(), 0);
			let results = model.evaluate(&spec, &data, |done| {
				metrics.records(done - counted);
				counted = done;
				progress(done);
				if stop.load(Ordering::Relaxed) || started.elapsed() > allowed {
					ControlFlow::Break(())
				} else {
					ControlFlow::Continue(())
				}
			});
			match results {
				Err(EngineError::Cancelled) => Err(EvaluationError::Timeout(allowed)),
				Err(error) => Err(error.into()),
				Ok(results) => {
					metrics.evaluated(started.elapsed());
					Ok(Arc::new(results))
				}
			}
		};
		let result = tokio::task::spawn_blocking(work).await.unwrap_or(Err(EvaluationError::Crashed));
		if result.as_ref().is_err_and(|error| !error.is_missing()) {
			self.metrics.evaluation_failed();
		}
		result
	}

	/// What the reference evaluator says of one record, and the proof of the record's bytes: what a claim is
	/// measured by before money is put on it. Of the data no more is read than the record.
	pub async fn evidence(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		record: u32,
	) -> Result<Evidence, EvaluationError> {
		let (source, limits) = (Arc::clone(&self.source), self.limits);
		let (spec, weights) = (spec.clone(), *weights);
		let work = move || {
			spec.validate()?;
			let range =
				spec.record_range(record).ok_or(EvaluationError::Record(record, ProofError::OutOfRange))?;
			let weights = load(&*source, &weights, limits.weights_mib)?;
			let data = spec.data.dataset().blob;
			let proof =
				source.prove(&data, range.clone()).map_err(|error| EvaluationError::of_blob(error, &data))?;
			let bytes = proof.verify(&data, range).map_err(|error| EvaluationError::Record(record, error))?;
			let evaluator = Evaluator::new(&spec.graph, &weights).map_err(EngineError::from)?;
			let score = spec.score_record(&evaluator, bytes).map_err(EngineError::from)?;
			Ok(Evidence { record, score, proof, weights })
		};
		tokio::task::spawn_blocking(work).await.unwrap_or(Err(EvaluationError::Crashed))
	}

	/// The first record whose claimed score is wrong, confirmed by the reference evaluator; `None` if all are
	/// right.
	pub async fn first_wrong(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		claimed: &[u8],
		progress: impl FnMut(usize) + Send + 'static,
	) -> Result<Option<Wrong>, EvaluationError> {
		let results = self.results(spec, weights, progress).await?;
		let Some((record, claimed, found)) = first_difference(spec, claimed, &scores(&results)) else {
			return Ok(None);
		};
		let evidence = self.evidence(spec, weights, record).await?;
		if evidence.score != found {
			tracing::error!(record, found, reference = evidence.score, "the engine and the reference differ");
		}
		if evidence.score == claimed {
			return Err(EvaluationError::Crashed);
		}
		Ok(Some(Wrong { claimed, evidence }))
	}
}

/// The scores alone.
pub fn scores(results: &[RecordResult]) -> Vec<i32> {
	results.iter().map(|result| result.score).collect()
}

/// The score that a packed list claims of a record; none is the least.
pub(crate) fn claimed_score(spec: &ModelSpec, claimed: &[u8], record: u32) -> i32 {
	let list = Scores::new(spec.score_kind(), spec.records(), claimed).ok();
	list.and_then(|list| list.get(record)).unwrap_or(i32::MIN)
}

/// The first record on which a packed list differs from what was found. A list that is none differs on the first.
fn first_difference(spec: &ModelSpec, claimed: &[u8], found: &[i32]) -> Option<(u32, i32, i32)> {
	let list = Scores::new(spec.score_kind(), spec.records(), claimed).ok();
	let claimed = |record: u32| list.as_ref().and_then(|list| list.get(record)).unwrap_or(i32::MIN);
	(0u32..).zip(found).find_map(|(record, &found)| {
		let claimed = claimed(record);
		(claimed != found).then_some((record, claimed, found))
	})
}

/// One record, and all that the court needs to evaluate it.
#[derive(Clone, Debug)]
pub struct Evidence {
	/// Its index.
	pub record: u32,
	/// What it scores.
	pub score: i32,
	/// That the data has its bytes there.
	pub proof: RangeProof,
	/// The weights.
	pub weights: Vec<u8>,
}

/// A claimed score that is wrong.
#[derive(Clone, Debug)]
pub struct Wrong {
	/// What was claimed.
	pub claimed: i32,
	/// What is so.
	pub evidence: Evidence,
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use oda_blobs::Store;
	use oda_evaluator::{
		DataSource, DatasetRef, Graph, Objective, ScoreKind,
		graph::{DType, Node, Op, TensorType, VERSION},
		model::{Metric, TargetSpec},
		scores,
	};

	/// Three records of four logits and a class each; the model hands the logits through. The middle one is
	/// classified wrongly.
	pub(crate) fn case(store: &Store) -> (ModelSpec, BlobRef) {
		let data = [9, 0, 0, 0, 0, /**/ 9, 0, 0, 0, 1, /**/ 0, 0, 9, 0, 2];
		let spec = ModelSpec {
			graph: Graph {
				version: VERSION,
				inputs: vec![TensorType::new(DType::I8, [2, 2])],
				params: vec![],
				nodes: vec![Node {
					op: Op::Reshape,
					inputs: vec![0],
					output: TensorType::new(DType::I8, [4]),
				}],
				outputs: vec![1],
			},
			objective: Objective {
				metric: Metric::Accuracy,
				target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
				min_improvement: 1,
				confidence: None,
			},
			data: DataSource::Fixed(DatasetRef { blob: store.put(&data).unwrap(), records: 3 }),
		};
		(spec, store.put(&[]).unwrap())
	}

	impl Workbench {
		/// Lets nobody evaluate for as long as what this returns is held.
		pub(crate) async fn occupy(&self) -> tokio::sync::SemaphorePermit<'_> {
			self.slots.acquire_many(self.limits.parallel as u32).await.unwrap()
		}
	}

	fn bench(store: &Store, limits: Limits) -> Workbench {
		Workbench::new(Engine::reference(1), Arc::new(store.clone()), limits, Arc::default())
	}

	fn store() -> (tempfile::TempDir, Store) {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		(base, store)
	}

	#[tokio::test]
	async fn scores_are_the_objectives() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let results = bench(&store, Limits::default()).results(&spec, &weights, |_| ()).await.unwrap();
		assert_eq!(super::scores(&results), [1, 0, 1]);
	}

	#[tokio::test]
	async fn an_honest_claim_has_no_wrong_record() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let claimed = scores::pack(ScoreKind::Bit, &[1, 0, 1]).unwrap();
		let wrong = bench(&store, Limits::default()).first_wrong(&spec, &weights, &claimed, |_| ()).await;
		assert!(wrong.unwrap().is_none());
	}

	#[tokio::test]
	async fn a_false_claim_is_found_and_proved() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let claimed = scores::pack(ScoreKind::Bit, &[1, 1, 1]).unwrap();
		let wrong = bench(&store, Limits::default()).first_wrong(&spec, &weights, &claimed, |_| ()).await;
		let wrong = wrong.unwrap().unwrap();
		assert_eq!((wrong.evidence.record, wrong.claimed, wrong.evidence.score), (1, 1, 0));
		let bytes = wrong.evidence.proof.verify(&spec.data.dataset().blob, 5..10).unwrap();
		assert_eq!(bytes, [9, 0, 0, 0, 1]);
	}

	#[tokio::test]
	async fn absent_weights_are_missing_and_may_come() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		store.remove(&weights.root).unwrap();
		let bench = bench(&store, Limits::default());
		assert!(bench.results(&spec, &weights, |_| ()).await.unwrap_err().is_missing());
		store.put(&[]).unwrap();
		assert!(bench.results(&spec, &weights, |_| ()).await.is_ok());
	}

	#[tokio::test]
	async fn a_blob_over_the_limit_is_neither_fetched_nor_loaded() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let bench = bench(&store, Limits { data_mib: 0, ..Limits::default() });
		store.remove(&spec.data.dataset().blob.root).unwrap();
		assert!(bench.check_limits(&spec, &weights).unwrap_err().is_final());
		let error = bench.results(&spec, &weights, |_| ()).await.unwrap_err();
		assert!(matches!(error, EvaluationError::TooLarge { len: 15, limit: 0 }));
	}

	#[tokio::test]
	async fn evaluating_has_a_time_limit() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let bench = bench(&store, Limits { seconds: 0, ..Limits::default() });
		let slow = bench.results(&spec, &weights, |_| std::thread::sleep(Duration::from_millis(5))).await;
		assert!(matches!(slow, Err(EvaluationError::Timeout(_))));
	}

	#[test]
	fn a_list_that_is_none_differs_on_the_first_record() {
		let (_base, store) = store();
		let (spec, _) = case(&store);
		assert_eq!(first_difference(&spec, &[], &[1, 0, 1]).map(|d| d.0), Some(0));
	}
}
