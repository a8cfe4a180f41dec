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
	ops::ControlFlow,
	sync::{
		Arc, Mutex, PoisonError, RwLock,
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

pub(crate) fn check_limit(blob: &BlobRef, limit_mib: u64) -> Result<(), EvaluationError> {
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

/// What a model's weights came to, or are about to.
struct Kept {
	/// The model, and the root of the weights.
	of: (ModelId, [u8; 32]),
	cell: Cell,
}

impl Kept {
	/// Bytes of memory.
	fn len(&self) -> usize {
		self.cell.get().map_or(0, |results| size_of_val(results.as_slice()))
	}
}

/// What evaluates; shared by all roles of a process, so that none repeats another's work.
pub struct Workbench {
	engine: RwLock<Engine>,
	source: Arc<dyn BlobSource>,
	limits: Limits,
	metrics: Arc<Metrics>,
	slots: Semaphore,
	/// What was asked for last is the last.
	done: Mutex<Vec<Kept>>,
	/// Bytes of results that are kept.
	room: usize,
	#[cfg(test)]
	pub(crate) fault: Mutex<Option<tests::Fault>>,
}

/// Bytes of results that are kept, 36 a record: those of seven million records. What is committed to is in the journal.
const ROOM: usize = 256 << 20;

/// Records of each model that the reference evaluates, too.
const CHECKED: u32 = 4;

impl Workbench {
	/// One that evaluates with `engine` what it finds in `source`, and counts that in `metrics`.
	pub fn new(engine: Engine, source: Arc<dyn BlobSource>, limits: Limits, metrics: Arc<Metrics>) -> Self {
		let slots = Semaphore::new(limits.parallel.max(1));
		Self {
			engine: RwLock::new(engine),
			source,
			limits,
			metrics,
			slots,
			done: Mutex::default(),
			room: ROOM,
			#[cfg(test)]
			fault: Mutex::default(),
		}
	}

	/// What evaluates: the reference, once something else was found to give other bits.
	pub fn engine(&self) -> Engine {
		self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
	}

	/// What evaluates gave other bits than the reference, which evaluates from now on; what was found before is
	/// forgotten. Whether it was not the reference itself.
	pub(crate) fn distrust(&self, record: u32) -> bool {
		let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
		let reference = engine.as_reference();
		let faulty = engine.backend() != reference.backend();
		#[cfg(test)]
		let faulty = self.fault.lock().unwrap().take().is_some() || faulty;
		tracing::error!(
			record,
			backend = ?engine.backend(),
			"what evaluates gave other bits than the reference, which evaluates from now on: this machine or its \
			 drivers are faulty"
		);
		*engine = reference;
		self.metrics.distrusted(&engine);
		// What is under way finds it out by itself.
		let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
		done.retain(|kept| !kept.cell.initialized());
		faulty
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
		self.check_weights(weights)?;
		check_limit(&spec.data.dataset().blob, self.limits.data_mib)
	}

	/// Whether weights are small enough to be loaded.
	///
	/// # Errors
	///
	/// [`EvaluationError::TooLarge`].
	pub(crate) fn check_weights(&self, weights: &BlobRef) -> Result<(), EvaluationError> {
		check_limit(weights, self.limits.weights_mib)
	}

	/// The score and the output's root of every record, of which the reference has found the same of a few. `progress` is
	/// told how many are done.
	pub async fn results(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		progress: impl FnMut(usize) + Send + 'static,
	) -> Result<Results, EvaluationError> {
		let cell = self.cell((spec.id(), weights.root));
		let results = cell.get_or_try_init(|| self.evaluate(spec, weights, progress)).await.cloned();
		self.make_room(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner));
		results
	}

	/// Where the results of a model's weights are, or will be.
	fn cell(&self, of: (ModelId, [u8; 32])) -> Cell {
		let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
		let known = done.iter().position(|kept| kept.of == of);
		let kept = known.map_or_else(|| Kept { of, cell: Cell::default() }, |at| done.remove(at));
		let cell = Arc::clone(&kept.cell);
		done.push(kept);
		cell
	}

	/// Drops what failed, and of what was found as much as there is no room for, but for the last.
	fn make_room(&self, done: &mut Vec<Kept>) {
		done.retain(|kept| kept.cell.initialized() || Arc::strong_count(&kept.cell) > 1);
		while done.len() > 1 && done.iter().map(Kept::len).sum::<usize>() > self.room {
			done.remove(0);
		}
	}

	async fn evaluate(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		mut progress: impl FnMut(usize) + Send + 'static,
	) -> Result<Results, EvaluationError> {
		let Ok(_slot) = self.slots.acquire().await else { return Err(EvaluationError::Crashed) };
		loop {
			let engine = self.engine();
			let results;
			(results, progress) = self.run(engine.clone(), spec, weights, progress).await?;
			let differs = self.spot_check(spec, weights, &results).await?;
			match differs {
				None if engine.backend() == self.engine().backend() => return Ok(Arc::new(results)),
				// It was found to be faulty elsewhere.
				None => {}
				Some(record) if self.distrust(record) => {}
				Some(_) => {
					self.metrics.evaluation_failed();
					return Err(EvaluationError::Crashed);
				}
			}
		}
	}

	/// Has the reference evaluate a few records, for a wrong bit costs money: the first of which it finds something else.
	async fn spot_check(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		results: &[RecordResult],
	) -> Result<Option<u32>, EvaluationError> {
		let mut chosen = [0; CHECKED as usize];
		getrandom::fill(&mut chosen).map_err(|_| EvaluationError::Crashed)?;
		let all = u64::from(spec.records());
		// One of each part, somewhere in it.
		let place =
			|(part, byte): (u64, u8)| (part * 256 + u64::from(byte)) * all / (u64::from(CHECKED) * 256);
		let mut records: Vec<u32> = (0..).zip(chosen).map(|chosen| place(chosen) as u32).collect();
		records.dedup();
		let reference = self.reference(spec, weights, &records).await?;
		let differs = |(record, found): &(u32, RecordResult)| results.get(*record as usize) != Some(found);
		Ok(records.into_iter().zip(reference).find(differs).map(|(record, _)| record))
	}

	async fn run<P: FnMut(usize) + Send + 'static>(
		&self,
		engine: Engine,
		spec: &ModelSpec,
		weights: &BlobRef,
		mut progress: P,
	) -> Result<(Vec<RecordResult>, P), EvaluationError> {
		let stop = Arc::new(AtomicBool::new(false));
		let _stop = StopOnDrop(Arc::clone(&stop));
		let (source, limits) = (Arc::clone(&self.source), self.limits);
		let (spec, weights, metrics) = (spec.clone(), *weights, Arc::clone(&self.metrics));
		#[cfg(test)]
		let fault = *self.fault.lock().unwrap();
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
					#[cfg(test)]
					let results = {
						let mut results = results;
						fault.inspect(|fault| fault(&mut results));
						results
					};
					Ok((results, progress))
				}
			}
		};
		let result = tokio::task::spawn_blocking(work).await.unwrap_or(Err(EvaluationError::Crashed));
		if result.as_ref().is_err_and(|error| !error.is_missing()) {
			self.metrics.evaluation_failed();
		}
		result
	}

	/// What the reference evaluator finds of some records, in their order. Of the data no more is read than these.
	pub(crate) async fn reference(
		&self,
		spec: &ModelSpec,
		weights: &BlobRef,
		records: &[u32],
	) -> Result<Vec<RecordResult>, EvaluationError> {
		let (source, limits) = (Arc::clone(&self.source), self.limits);
		let (spec, weights, records) = (spec.clone(), *weights, records.to_vec());
		let work = move || {
			spec.validate()?;
			let weights = load(&*source, &weights, limits.weights_mib)?;
			let evaluator = Evaluator::new(&spec.graph, &weights).map_err(EngineError::from)?;
			records
				.into_iter()
				.map(|record| judged(&*source, &spec, &evaluator, record))
				.map(|judged| Ok(judged?.0))
				.collect()
		};
		tokio::task::spawn_blocking(work).await.unwrap_or(Err(EvaluationError::Crashed))
	}

	/// What the reference evaluator says of one record, and the proof of the record's bytes: what a claim is
	/// measured by before money is put on it.
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
			let weights = load(&*source, &weights, limits.weights_mib)?;
			let evaluator = Evaluator::new(&spec.graph, &weights).map_err(EngineError::from)?;
			let (RecordResult { score, .. }, proof) = judged(&*source, &spec, &evaluator, record)?;
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
		let mut results = self.results(spec, weights, progress).await?;
		loop {
			let Some((record, claimed, found)) = first_difference(spec, claimed, &scores(&results)) else {
				return Ok(None);
			};
			let evidence = self.evidence(spec, weights, record).await?;
			if evidence.score == found {
				return Ok(Some(Wrong { claimed, evidence }));
			}
			if !self.distrust(record) {
				return Err(EvaluationError::Crashed);
			}
			results = self.results(spec, weights, |_| ()).await?;
		}
	}
}

/// What the reference finds of one record, and the proof of the record's bytes.
fn judged(
	source: &dyn BlobSource,
	spec: &ModelSpec,
	evaluator: &Evaluator<'_>,
	record: u32,
) -> Result<(RecordResult, RangeProof), EvaluationError> {
	let range = spec.record_range(record).ok_or(EvaluationError::Record(record, ProofError::OutOfRange))?;
	let data = spec.data.dataset().blob;
	let proof = source.prove(&data, range.clone()).map_err(|error| EvaluationError::of_blob(error, &data))?;
	let bytes = proof.verify(&data, range).map_err(|error| EvaluationError::Record(record, error))?;
	let (input, target) = spec.split_record(bytes).map_err(EngineError::from)?;
	let outputs = evaluator.run(input).map_err(EngineError::from)?;
	let score = spec.score_outputs(&outputs, target).map_err(EngineError::from)?;
	Ok((RecordResult { score, output_root: oda_engine::output_root(&outputs) }, proof))
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

	/// What an engine that gives wrong bits does to its results.
	pub(crate) type Fault = fn(&mut [RecordResult]);

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

	fn evaluated(bench: &Workbench, records: u32) -> bool {
		let text = bench.metrics.text().unwrap();
		text.lines().any(|line| line == format!("oda_worker_records_evaluated_total {records}"))
	}

	#[tokio::test]
	async fn what_was_found_is_not_sought_again_however_much_has_failed() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let bench = bench(&store, Limits::default());
		for byte in 0..20 {
			let missing = BlobRef { root: [byte; 32], len: 0 };
			assert!(bench.results(&spec, &missing, |_| ()).await.unwrap_err().is_missing());
		}
		bench.results(&spec, &weights, |_| ()).await.unwrap();
		bench.results(&spec, &weights, |_| ()).await.unwrap();
		assert!(evaluated(&bench, 3));
		assert_eq!(bench.done.lock().unwrap().len(), 1);
	}

	#[tokio::test]
	async fn as_many_results_are_kept_as_there_is_room_for() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let harder = Objective { min_improvement: 2, ..spec.objective.clone() };
		let other = ModelSpec { objective: harder, ..spec.clone() };
		// Three records of 36 bytes, and the next one's first.
		let bench = Workbench { room: 144, ..bench(&store, Limits::default()) };
		for (spec, records) in [(&spec, 3), (&other, 6), (&other, 6), (&spec, 9)] {
			bench.results(spec, &weights, |_| ()).await.unwrap();
			assert!(evaluated(&bench, records), "{records}");
		}
		let roomy = Workbench { room: 216, ..self::bench(&store, Limits::default()) };
		for (spec, records) in [(&spec, 3), (&other, 6), (&other, 6), (&spec, 6)] {
			roomy.results(spec, &weights, |_| ()).await.unwrap();
			assert!(evaluated(&roomy, records), "{records}");
		}
	}

	#[tokio::test]
	async fn what_gives_other_bits_than_the_reference_is_found_out_and_used_no_more() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let bench = bench(&store, Limits::default());
		let right = bench.results(&spec, &weights, |_| ()).await.unwrap();
		bench.done.lock().unwrap().clear();
		// Outputs alone, which no score shows.
		*bench.fault.lock().unwrap() =
			Some(|results| results.iter_mut().for_each(|result| result.output_root[0] ^= 1));
		let found = bench.results(&spec, &weights, |_| ()).await.unwrap();
		assert_eq!(found, right);
		let text = bench.metrics.text().unwrap();
		assert!(text.contains("oda_worker_engine_mismatches_total 1"), "{text}");
	}

	#[tokio::test]
	async fn a_score_of_which_the_reference_finds_another_accuses_nobody() {
		let (_base, store) = store();
		let (spec, weights) = case(&store);
		let bench = bench(&store, Limits::default());
		bench.results(&spec, &weights, |_| ()).await.unwrap();
		// A fault that the records which were chosen did not show.
		for kept in bench.done.lock().unwrap().iter_mut() {
			let mut results = kept.cell.get().unwrap().to_vec();
			results[2].score = 0;
			kept.cell = Arc::new(OnceCell::new_with(Some(Arc::new(results))));
		}
		*bench.fault.lock().unwrap() = Some(|_| ());
		let claimed = scores::pack(ScoreKind::Bit, &[1, 0, 1]).unwrap();
		assert!(bench.first_wrong(&spec, &weights, &claimed, |_| ()).await.unwrap().is_none());
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
