//! Whether every way to evaluate gives the same: random models, all of whose records are evaluated by every backend at
//! hand and, one at a time, as the court does it. Where a score or an output root differs, an honest verifier would be
//! accused.

use crate::{CpuKernel, Engine, EngineError, RecordResult, Records, rng::Rng, self_check::dense};
use oda_evaluator::{
	DataSource, DatasetRef, EvalError, Evaluator, Graph, ModelSpec, Objective, Tensor,
	graph::{DType, TensorType},
	limits::MAX_LOGIT_SCALE_LOG2,
	model::{Metric, TargetSpec},
	testing::random_case,
};
use oda_primitives::BlobRef;
use std::{
	collections::BTreeMap,
	fmt,
	ops::ControlFlow,
	panic::resume_unwind,
	sync::{Mutex, PoisonError},
};
use tch::Device;

/// A random model with weights and data: the same for the same seed.
#[derive(Clone, Debug)]
pub struct RandomModel {
	/// The model; its graph may have several outputs, of which the first is scored.
	pub spec: ModelSpec,
	/// Its weights.
	pub weights: Vec<u8>,
	/// Its records.
	pub data: Vec<u8>,
}

/// Most models have up to so many records, for as many different models as possible.
const FEW: i64 = 32;
/// A few have up to so many: more than any backend evaluates at once.
const MANY: i64 = 1_100;
/// But no more than fit in so many bytes, if one fits.
const DATA: u64 = 4 << 20;
/// Percent of the models that have a single layer, which shows its sums as they are: what a random graph makes of a
/// sum rarely depends on its last bits.
const BARE: u64 = 12;

impl RandomModel {
	/// The model of `seed`, with as many records as it has by its seed, but at most `most`.
	pub fn new(seed: u64, most: u32) -> Self {
		let mut rng = Rng::derive(seed, 1);
		let (graph, weights) = if rng.chance(BARE) {
			bare_sum(&mut rng)
		} else {
			let case = random_case(seed);
			(case.graph, case.weights)
		};
		let output = graph.outputs.first().and_then(|&value| graph.value_type(value.into()));
		let objective = random_objective(&mut rng, output);
		let many = rng.chance(3);
		let records = rng.range(1, if many { MANY } else { FEW }) as u64;
		let room = DATA / graph.input_bytes().saturating_add(objective.target.tensor.bytes()).max(1);
		let records = u32::try_from(records.min(room.max(1))).unwrap_or(1).min(most);
		let mut data = Vec::new();
		for _ in 0..records {
			for input in &graph.inputs {
				data.extend(random_bytes(&mut rng, input.bytes()));
			}
			data.extend(random_targets(&mut rng, &objective, output));
		}
		let blob = BlobRef::of(&data);
		let data_source = DataSource::Fixed(DatasetRef { blob, records });
		Self { spec: ModelSpec { graph, objective, data: data_source }, weights, data }
	}
}

/// One sum of products, of any length that is allowed, as it is.
fn bare_sum(rng: &mut Rng) -> (Graph, Vec<u8>) {
	let most = (1 << rng.range(1, 17)) - 1;
	let k = rng.range(most / 2 + 1, most);
	let (graph, mut weights) = dense(u32::try_from(k).unwrap_or(1), DType::I32);
	let operands = random_bytes(rng, k as u64);
	weights[..operands.len()].copy_from_slice(&operands);
	(graph, weights)
}

/// Bytes of one of several kinds: close to one extreme, so that sums of products become as large as they can be; a mix
/// of extremes; small; or any.
fn random_bytes(rng: &mut Rng, len: u64) -> Vec<u8> {
	let kind = rng.below(8);
	let byte = |rng: &mut Rng| match kind {
		0 | 1 => rng.range(125, 127) as u8,
		2 | 3 => rng.range(-128, -126) as u8,
		4 => *rng.pick(&[127u8, 128, 129]),
		5 => rng.range(-8, 8) as u8,
		_ => rng.next() as u8,
	};
	(0..len).map(|_| byte(rng)).collect()
}

/// Any of the metrics, with a target of the shape that it needs.
fn random_objective(rng: &mut Rng, output: Option<&TensorType>) -> Objective {
	let shape = output.map(|t| t.shape.as_slice()).unwrap_or_default();
	let leading = shape.split_last().map_or(shape, |(_, leading)| leading);
	let (metric, shape) = match rng.below(3) {
		0 => (Metric::Accuracy, leading),
		1 => {
			let logit_scale_log2 = rng.below(u64::from(MAX_LOGIT_SCALE_LOG2) + 1) as u8;
			(Metric::CrossEntropy { logit_scale_log2 }, leading)
		}
		_ => (Metric::SquaredError, shape),
	};
	let dtype = *rng.pick(&[DType::I8, DType::U8, DType::I16, DType::U16, DType::I32]);
	let ignore = rng.chance(30).then(|| rng.range(-1, 3) as i32);
	let target = TargetSpec { tensor: TensorType::new(dtype, shape), ignore };
	Objective { metric, target, min_improvement: 1, confidence: None }
}

/// Mostly classes that there are, where there are classes; else any values.
fn random_targets(rng: &mut Rng, objective: &Objective, output: Option<&TensorType>) -> Vec<u8> {
	let t = &objective.target.tensor;
	if objective.metric == Metric::SquaredError || rng.chance(10) {
		return random_bytes(rng, t.bytes());
	}
	let classes = output.and_then(|output| output.shape.last()).map_or(1, |&n| u64::from(n));
	let size = t.dtype.size() as usize;
	(0..t.elements()).flat_map(|_| rng.below(classes).to_le_bytes()[..size].to_vec()).collect()
}

/// Why a backend has no results to compare.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
	/// It failed.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// Another backend stood in for it, so that nothing would have been compared.
	#[error("another backend stood in for it")]
	StoodIn,
}

impl From<EvalError> for Failure {
	fn from(error: EvalError) -> Self {
		Self::Engine(error.into())
	}
}

/// Why the backends could not be compared.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}, {backend}: {failure}")]
pub struct NotCompared {
	/// The model's seed.
	pub seed: u64,
	/// The backend's name.
	pub backend: String,
	/// What was the matter.
	#[source]
	pub failure: Failure,
}

/// The results of all of a model's records.
type Results = Result<Vec<RecordResult>, Failure>;

/// A backend to compare with the others.
struct Subject {
	name: String,
	evaluate: Box<dyn Fn(&RandomModel) -> Results + Sync>,
}

impl Subject {
	fn new(name: impl Into<String>, evaluate: impl Fn(&RandomModel) -> Results + Sync + 'static) -> Self {
		Self { name: name.into(), evaluate: Box::new(evaluate) }
	}

	/// An engine, as the worker uses it.
	fn engine(name: impl Into<String>, engine: Engine) -> Self {
		Self::new(name, move |model| {
			let evaluate = engine.load(&model.spec.graph, &model.weights)?;
			let results = evaluate.evaluate(&model.spec, &model.data, |_| ControlFlow::Continue(()))?;
			if evaluate.backend() != engine.backend() || evaluate.fallbacks() > 0 {
				return Err(Failure::StoodIn);
			}
			Ok(results)
		})
	}

	/// The court, and every backend that this machine has.
	fn all() -> Vec<Self> {
		let mut subjects = vec![Self::new("court", court)];
		for kernel in CpuKernel::all() {
			subjects.push(Self::engine(kernel.name(), Engine::cpu(kernel, 2)));
		}
		subjects.push(Self::engine("libtorch, CPU", Engine::libtorch(Device::Cpu, SCRATCH)));
		let devices = usize::try_from(tch::Cuda::device_count()).unwrap_or_default();
		for device in 0..devices {
			let engine = Engine::libtorch(Device::Cuda(device), SCRATCH);
			subjects.push(Self::engine(format!("libtorch, CUDA {device}"), engine));
		}
		subjects
	}
}

/// Scratch memory for libtorch's batches, bytes.
const SCRATCH: u64 = 512 << 20;

/// What the court finds: the reference evaluator, one record at a time, and the hash of all of the outputs' bytes.
fn court(model: &RandomModel) -> Results {
	let RandomModel { spec, weights, data } = model;
	let records = Records::of(&spec.graph, &spec.objective, data).map_err(Failure::Engine)?;
	let evaluator = Evaluator::new(&spec.graph, weights)?;
	let result = |index| -> Result<RecordResult, Failure> {
		let outputs = evaluator.run(records.input(index))?;
		let bytes: Vec<u8> = outputs.iter().flat_map(Tensor::to_le_bytes).collect();
		let score = spec.score_record(&evaluator, records.record(index))?;
		Ok(RecordResult { score, output_root: BlobRef::of(&bytes).root })
	};
	(0..records.len()).map(result).collect()
}

/// How often two backends differed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
	/// Their names.
	pub backends: [String; 2],
	/// Records whose scores differ.
	pub scores: u64,
	/// Records whose output roots differ.
	pub output_roots: u64,
}

/// A record that two backends found different things of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
	/// The model's seed.
	pub seed: u64,
	/// The record's index.
	pub record: usize,
	/// The model's graph.
	pub graph: Graph,
	/// Who found what; nothing where a backend left the record out.
	pub found: [(String, Option<RecordResult>); 2],
}

impl fmt::Display for Difference {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "seed {}, record {}", self.seed, self.record)?;
		for (name, result) in &self.found {
			match result {
				Some(result) => {
					write!(
						f,
						"; {name}: score {}, outputs {}",
						result.score,
						hex::encode(result.output_root)
					)?;
				}
				None => write!(f, "; {name}: nothing")?,
			}
		}
		write!(f, "; graph {}", serde_json::to_string(&self.graph).map_err(|_| fmt::Error)?)
	}
}

/// What was compared, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agreement {
	/// Random models, each with a graph of its own.
	pub graphs: u64,
	/// Records, each evaluated by every backend.
	pub records: u64,
	/// Bytes of outputs behind the roots.
	pub output_bytes: u64,
	/// Multiply-accumulates by each backend.
	pub macs: u64,
	/// How many nodes there are of each operator in all graphs.
	pub operators: BTreeMap<&'static str, u64>,
	/// Every pair of backends.
	pub pairs: Vec<Pair>,
	/// The difference with the lowest seed.
	pub first: Option<Difference>,
}

impl Agreement {
	/// Nothing compared yet.
	fn of(subjects: &[Subject]) -> Self {
		let mut pairs = Vec::new();
		for (index, second) in subjects.iter().enumerate() {
			for first in &subjects[..index] {
				let backends = [first.name.clone(), second.name.clone()];
				pairs.push(Pair { backends, scores: 0, output_roots: 0 });
			}
		}
		Self { pairs, ..Self::default() }
	}

	/// Adds what each subject found of a model.
	fn add(&mut self, seed: u64, model: &RandomModel, subjects: &[Subject], found: &[Vec<RecordResult>]) {
		let graph = &model.spec.graph;
		let records = u64::from(model.spec.records());
		self.graphs += 1;
		self.records += records;
		let outputs = graph.outputs.iter().filter_map(|&value| graph.value_type(value.into()));
		self.output_bytes += records * outputs.map(TensorType::bytes).sum::<u64>();
		self.macs += records * graph.validate().map_or(0, |cost| cost.macs);
		for node in &graph.nodes {
			*self.operators.entry(node.op.name()).or_default() += 1;
		}
		let mut pairs = self.pairs.iter_mut();
		for second in 0..subjects.len() {
			for first in 0..second {
				let Some(pair) = pairs.next() else { return };
				// One more than there are, for a backend that finds more.
				for record in 0..=records as usize {
					let [a, b] = [first, second].map(|subject| found[subject].get(record).copied());
					if a == b {
						continue;
					}
					pair.scores += u64::from(a.map(|r| r.score) != b.map(|r| r.score));
					pair.output_roots += u64::from(a.map(|r| r.output_root) != b.map(|r| r.output_root));
					if self.first.as_ref().is_none_or(|known| (seed, record) < (known.seed, known.record)) {
						let name = |subject: usize| subjects[subject].name.clone();
						let found = [(name(first), a), (name(second), b)];
						self.first = Some(Difference { seed, record, graph: graph.clone(), found });
					}
				}
			}
		}
	}
}

/// Compares all backends at hand on `records` records of random models, those of `first_seed` and the seeds after it, on
/// up to `threads` threads. `progress` gets how many records are done.
///
/// # Errors
///
/// [`NotCompared`] if a backend fails, or another stands in for it. A difference is no error: see [`Agreement`].
pub fn agreement(
	first_seed: u64,
	records: u64,
	threads: usize,
	progress: impl FnMut(u64) + Send,
) -> Result<Agreement, NotCompared> {
	compare(&Subject::all(), first_seed, records, threads, progress)
}

fn compare(
	subjects: &[Subject],
	first_seed: u64,
	records: u64,
	threads: usize,
	progress: impl FnMut(u64) + Send,
) -> Result<Agreement, NotCompared> {
	let next = Mutex::new((first_seed, records));
	let done = Mutex::new((Agreement::of(subjects), progress));
	let work = || -> Result<(), NotCompared> {
		loop {
			let (seed, model) = {
				let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
				let (seed, left) = *next;
				if left == 0 {
					return Ok(());
				}
				let model = RandomModel::new(seed, u32::try_from(left).unwrap_or(u32::MAX));
				*next = (seed.wrapping_add(1), left - u64::from(model.spec.records()));
				(seed, model)
			};
			let mut found = Vec::with_capacity(subjects.len());
			for subject in subjects {
				match (subject.evaluate)(&model) {
					Ok(results) => found.push(results),
					Err(failure) => {
						// Nothing is left for the other threads.
						next.lock().unwrap_or_else(PoisonError::into_inner).1 = 0;
						return Err(NotCompared { seed, backend: subject.name.clone(), failure });
					}
				}
			}
			let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
			let (agreement, progress) = &mut *done;
			agreement.add(seed, &model, subjects, &found);
			progress(agreement.records);
		}
	};
	std::thread::scope(|scope| {
		let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
		// A panic goes on here.
		workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|panic| resume_unwind(panic)))
	})?;
	Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).0)
}

#[cfg(test)]
mod tests {
	use super::*;

	/// The court, and one who changes what it finds of one record.
	fn beside_a_liar(
		seed: u64,
		lie: impl Fn(&mut Vec<RecordResult>) + Sync + 'static,
	) -> Result<Agreement, NotCompared> {
		let liar = Subject::new("liar", move |model| {
			let mut found = court(model)?;
			if model.spec.graph == RandomModel::new(seed, 1).spec.graph {
				lie(&mut found);
			}
			Ok(found)
		});
		compare(&[Subject::new("court", court), liar], 0, 300, 2, |_| ())
	}

	fn differing(agreement: &Agreement) -> (u64, u64) {
		(agreement.pairs[0].scores, agreement.pairs[0].output_roots)
	}

	#[test]
	fn all_backends_agree_on_thousands_of_records() {
		let mut counted = 0;
		let agreement = agreement(0, 4_000, 2, |done| counted = done).unwrap();
		assert_eq!(agreement.first.as_ref().map(ToString::to_string), None);
		assert_eq!((agreement.records, counted), (4_000, 4_000));
		let backends = Subject::all().len();
		assert!(backends >= 3);
		assert_eq!(agreement.pairs.len(), backends * (backends - 1) / 2);
		assert!(agreement.pairs.iter().all(|pair| (pair.scores, pair.output_roots) == (0, 0)));
		assert_eq!(agreement.operators.len(), 8, "{:?}", agreement.operators);
	}

	#[test]
	fn the_same_models_are_compared_on_any_number_of_threads() {
		let subjects = [Subject::new("court", court), Subject::new("the same", court)];
		let of = |threads| compare(&subjects, 7, 500, threads, |_| ()).unwrap();
		assert_eq!(of(1), of(3));
	}

	#[test]
	fn models_are_of_every_metric_and_have_all_sizes() {
		let models: Vec<_> = (0..300).map(|seed| RandomModel::new(seed, u32::MAX)).collect();
		for model in &models {
			let bytes = model.spec.record_bytes() * u64::from(model.spec.records());
			assert_eq!(bytes, model.data.len() as u64);
		}
		let with = |has: fn(&ModelSpec) -> bool| models.iter().filter(|model| has(&model.spec)).count();
		assert!(with(|spec| spec.objective.metric == Metric::Accuracy) > 50);
		assert!(with(|spec| matches!(spec.objective.metric, Metric::CrossEntropy { .. })) > 50);
		assert!(with(|spec| spec.objective.metric == Metric::SquaredError) > 50);
		assert!(with(|spec| spec.graph.outputs.len() > 1) > 50);
		assert!(with(|spec| spec.records() == 1) > 0);
		assert!(with(|spec| spec.records() > 256) > 0);
		let long = |spec: &ModelSpec| spec.graph.params.iter().any(|t| t.elements() > 1_024);
		assert!(with(long) > 20);
	}

	#[test]
	fn a_score_that_differs_is_found_with_its_seed_and_graph() {
		let agreement = beside_a_liar(5, |found| found[0].score ^= 1).unwrap();
		assert_eq!(differing(&agreement), (1, 0));
		let first = agreement.first.unwrap();
		assert_eq!((first.seed, first.record), (5, 0));
		assert_eq!(first.graph, RandomModel::new(5, 1).spec.graph);
		assert!(first.to_string().starts_with("seed 5, record 0; court: score "));
	}

	#[test]
	fn an_output_root_that_differs_is_found() {
		let agreement = beside_a_liar(4, |found| found[0].output_root[31] ^= 1).unwrap();
		assert_eq!(differing(&agreement), (0, 1));
		assert_eq!(agreement.first.map(|first| first.seed), Some(4));
	}

	#[test]
	fn a_record_left_out_or_added_differs() {
		let agreement = beside_a_liar(3, |found| found.truncate(found.len() - 1)).unwrap();
		assert_eq!(differing(&agreement), (1, 1));
		let agreement = beside_a_liar(3, |found| found.push(found[0])).unwrap();
		assert_eq!(differing(&agreement), (1, 1));
	}

	#[test]
	fn of_several_differences_the_lowest_seed_is_named() {
		let subjects = [
			Subject::new("court", court),
			Subject::new("liar", |model| {
				let mut found = court(model)?;
				found.iter_mut().for_each(|result| result.score ^= 1);
				Ok(found)
			}),
		];
		let agreement = compare(&subjects, 11, 200, 3, |_| ()).unwrap();
		assert_eq!(differing(&agreement), (200, 0));
		assert_eq!(agreement.first.map(|first| (first.seed, first.record)), Some((11, 0)));
	}

	#[test]
	fn a_backend_for_which_another_stands_in_is_not_compared() {
		// No model fits in a byte, so the CPU evaluates them.
		let subject = Subject::engine("libtorch", Engine::libtorch(Device::Cpu, 1));
		let refused = compare(&[subject], 9, 10, 1, |_| ()).unwrap_err();
		assert!(matches!(refused, NotCompared { seed: 9, failure: Failure::StoodIn, .. }), "{refused}");
	}
}
