//! Evaluating records, by whatever gives the right bits fastest.

use crate::{CpuKernel, EngineError, cpu, exact::ExactModel, records::Records, self_check, threads};
use oda_evaluator::{Evaluator, Graph, ModelSpec, Tensor};
use std::{
	borrow::Cow,
	ops::ControlFlow,
	sync::{
		Mutex, PoisonError,
		atomic::{AtomicU64, Ordering},
	},
};
use tch::Device;

/// Where to evaluate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
	/// The first CUDA device if there is one that passes the self-check, else the CPU.
	#[default]
	Auto,
	/// The CPU.
	Cpu,
	/// The CUDA device of this index.
	Cuda(usize),
}

impl DeviceChoice {
	/// The CUDA device to try.
	fn cuda(self) -> Option<Device> {
		match self {
			Self::Auto => tch::Cuda::is_available().then_some(Device::Cuda(0)),
			Self::Cpu => None,
			Self::Cuda(index) => Some(Device::Cuda(index)),
		}
	}

	/// The device to train on: floats need no self-check.
	pub fn for_training(self) -> Device {
		self.cuda().unwrap_or(Device::Cpu)
	}
}

/// How an [`Engine`] is set up.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
	/// Where to evaluate and train.
	pub device: DeviceChoice,
	/// Use the reference evaluator only.
	pub reference: bool,
	/// Threads on the CPU, at most; 0 for one a core. Small work takes one.
	pub threads: usize,
	/// Bytes of scratch memory that a batch may take on a CUDA device. A graph of which not one record fits is
	/// evaluated on the CPU.
	pub memory: u64,
}

impl Default for EngineConfig {
	fn default() -> Self {
		Self { device: DeviceChoice::Auto, reference: false, threads: 0, memory: 512 << 20 }
	}
}

/// What evaluates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
	/// libtorch, on a device.
	Libtorch(Device),
	/// The evaluator, with these instructions.
	Cpu(CpuKernel),
}

/// An evaluation backend, checked once when it starts. Cheap to keep for the life of a process.
#[derive(Clone, Debug)]
pub struct Engine {
	device: Option<Device>,
	/// Where training runs: floats need no self-check.
	training: Device,
	kernel: CpuKernel,
	threads: usize,
	memory: u64,
}

impl Engine {
	/// Chooses what is fastest and gives the reference's bits (see [`self_check`](crate::self_check())), at last the
	/// reference itself. Never fails: what was refused is logged.
	pub fn start(config: &EngineConfig) -> Self {
		let threads = threads::count(config.threads);
		let training = config.device.for_training();
		let mut engine =
			Self { device: None, training, kernel: CpuKernel::REFERENCE, threads, memory: config.memory };
		if config.reference {
			return engine;
		}
		threads::set_for(threads, 0);
		let passes = |backend| {
			let checked = self_check(backend);
			match &checked {
				Ok(()) => tracing::info!(?backend, threads, "gives the reference's bits"),
				Err(error) => tracing::warn!(?backend, %error, "not used for exact evaluation"),
			}
			checked.is_ok()
		};
		let device = config.device.cuda().filter(|&device| passes(Backend::Libtorch(device)));
		let kernel = CpuKernel::all().into_iter().find(|&kernel| passes(Backend::Cpu(kernel)));
		engine.device = device;
		engine.kernel = kernel.unwrap_or(CpuKernel::REFERENCE);
		engine
	}

	/// This kernel on up to `threads` threads, unchecked.
	pub fn cpu(kernel: CpuKernel, threads: usize) -> Self {
		Self { device: None, training: Device::Cpu, kernel, threads: threads.max(1), memory: 0 }
	}

	/// The reference evaluator on up to `threads` threads.
	pub fn reference(threads: usize) -> Self {
		Self::cpu(CpuKernel::REFERENCE, threads)
	}

	/// libtorch on this device, with at most `memory` bytes of scratch for a batch, unchecked. What it cannot do, the
	/// reference does on one thread.
	pub fn libtorch(device: Device, memory: u64) -> Self {
		Self { device: Some(device), memory, ..Self::reference(1) }
	}

	/// The same, but for exact evaluation, which the reference does.
	pub fn as_reference(&self) -> Self {
		Self { device: None, kernel: CpuKernel::REFERENCE, ..self.clone() }
	}

	/// The device that training runs on.
	pub fn training_device(&self) -> Device {
		self.training
	}

	/// Threads on the CPU, at most.
	pub fn threads(&self) -> usize {
		self.threads
	}

	/// What was chosen.
	pub fn backend(&self) -> Backend {
		self.device.map_or(Backend::Cpu(self.kernel), Backend::Libtorch)
	}

	/// Prepares a model for evaluation.
	///
	/// # Errors
	///
	/// An invalid graph or weights of another length. What libtorch cannot do (too large, out of memory) the CPU
	/// does.
	pub fn load(&self, graph: &Graph, weights: &[u8]) -> Result<Evaluate, EngineError> {
		// Also for libtorch: it validates, and it is the fallback.
		let evaluator = Evaluator::with_kernel(self.kernel, Cow::Owned(graph.clone()), weights)?;
		let fast =
			self.device.and_then(|device| match ExactModel::new(graph, weights, device, self.memory) {
				Ok(model) => Some((device, Mutex::new(model))),
				Err(error) => {
					tracing::warn!(%error, "this model is evaluated on the CPU");
					None
				}
			});
		Ok(Evaluate { evaluator, fast, threads: self.threads, fallbacks: AtomicU64::new(0) })
	}
}

/// One record's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordResult {
	/// The score by the model's objective.
	pub score: i32,
	/// The BLAKE3 root of the outputs' little-endian bytes, one output after the other, before the metric: what verifiers
	/// commit to, and what the court finds of the record.
	pub output_root: [u8; 32],
}

/// The BLAKE3 root of one record's outputs, as [`RecordResult`] has it.
pub fn output_root(outputs: &[Tensor]) -> [u8; 32] {
	let mut hasher = blake3::Hasher::new();
	for output in outputs {
		hasher.update(&output.to_le_bytes());
	}
	*hasher.finalize().as_bytes()
}

/// A model ready to evaluate; may be shared between threads.
pub struct Evaluate {
	evaluator: Evaluator<'static, CpuKernel>,
	fast: Option<(Device, Mutex<ExactModel>)>,
	threads: usize,
	fallbacks: AtomicU64,
}

impl Evaluate {
	/// What evaluates.
	pub fn backend(&self) -> Backend {
		let cpu = Backend::Cpu(*self.evaluator.kernel());
		self.fast.as_ref().map_or(cpu, |(device, _)| Backend::Libtorch(*device))
	}

	/// How many batches libtorch failed on, so that the CPU evaluated them.
	pub fn fallbacks(&self) -> u64 {
		self.fallbacks.load(Ordering::Relaxed)
	}

	/// The graph.
	pub fn graph(&self) -> &Graph {
		self.evaluator.graph()
	}

	/// The outputs for one record's input bytes.
	pub fn infer(&self, input: &[u8]) -> Result<Vec<Tensor>, EngineError> {
		// One record gains nothing from libtorch, and this never waits for a batch under way.
		Ok(self.evaluator.run(input)?)
	}

	/// The outputs of every record, in order, a batch at a time. `each` gets the index of the batch's first
	/// record and the batch's outputs, and may stop the work.
	///
	/// # Errors
	///
	/// [`EngineError::Cancelled`] if `each` stopped it.
	pub fn outputs(
		&self,
		records: &Records<'_>,
		mut each: impl FnMut(usize, Vec<Vec<Tensor>>) -> ControlFlow<()>,
	) -> Result<(), EngineError> {
		let mut start = 0;
		while start < records.len() {
			let outputs = self.batch(records, start)?;
			let done = outputs.len();
			if each(start, outputs).is_break() {
				return Err(EngineError::Cancelled);
			}
			start += done;
		}
		Ok(())
	}

	/// The next batch from record `start` on: at least one record.
	fn batch(&self, records: &Records<'_>, start: usize) -> Result<Vec<Vec<Tensor>>, EngineError> {
		if let Some((device, model)) = &self.fast {
			let model = model.lock().unwrap_or_else(PoisonError::into_inner);
			// Batches for progress too, not only for memory.
			let n = model.batch().min(256).min(records.len() - start);
			threads::set_for(self.threads, self.evaluator.cost().macs.saturating_mul(n as u64));
			match model.run(records.from(start), records.record_len(), n) {
				Ok(outputs) => return Ok(outputs),
				Err(error) => {
					tracing::warn!(?device, %error, "batch goes to the CPU");
					self.fallbacks.fetch_add(1, Ordering::Relaxed);
				}
			}
		}
		cpu::batch(&self.evaluator, records, start, self.threads)
	}

	/// Every record's score and output root, in order and in one pass. The outputs are dropped batch by batch: what is
	/// kept is 36 bytes a record. `progress` gets how many records are done, and may stop the work.
	///
	/// # Errors
	///
	/// Data that is no whole number of the model's records; [`EngineError::Cancelled`].
	pub fn evaluate(
		&self,
		spec: &ModelSpec,
		data: &[u8],
		mut progress: impl FnMut(usize) -> ControlFlow<()>,
	) -> Result<Vec<RecordResult>, EngineError> {
		let records = Records::of(&spec.graph, &spec.objective, data)?;
		let output_type = records.output_type();
		let mut results = Vec::with_capacity(records.len());
		self.outputs(&records, |start, batch| {
			for (i, outputs) in batch.iter().enumerate() {
				let Some(output) = outputs.first() else { continue };
				results.push(RecordResult {
					score: spec.objective.score(output, output_type, records.target(start + i)),
					output_root: output_root(outputs),
				});
			}
			progress(results.len())
		})?;
		Ok(results)
	}

	/// Every record's score.
	///
	/// # Errors
	///
	/// As [`evaluate`](Self::evaluate).
	pub fn scores(&self, spec: &ModelSpec, data: &[u8]) -> Result<Vec<i32>, EngineError> {
		let results = self.evaluate(spec, data, |_| ControlFlow::Continue(()))?;
		Ok(results.into_iter().map(|r| r.score).collect())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::testing::random_case;

	fn fastest() -> CpuKernel {
		CpuKernel::all()[0]
	}

	#[test]
	fn an_engine_may_be_told_to_use_the_reference() {
		let engine = Engine::start(&EngineConfig { reference: true, ..Default::default() });
		assert_eq!(engine.backend(), Backend::Cpu(CpuKernel::REFERENCE));
	}

	#[test]
	fn a_model_over_the_memory_budget_falls_back() {
		let kernel = fastest();
		// libtorch on the CPU stands for a CUDA device.
		let engine = Engine { kernel, ..Engine::libtorch(Device::Cpu, 1) };
		let case = random_case(1);
		let model = engine.load(&case.graph, &case.weights).unwrap();
		assert_eq!(model.backend(), Backend::Cpu(kernel));
	}

	#[test]
	fn an_absent_cuda_device_falls_back() {
		if tch::Cuda::is_available() {
			crate::skipped::skipped("an_absent_cuda_device_falls_back", "there is a CUDA device");
			return;
		}
		let engine = Engine::start(&EngineConfig { device: DeviceChoice::Cuda(0), ..Default::default() });
		assert_eq!(engine.backend(), Backend::Cpu(fastest()));
	}

	#[test]
	fn all_backends_agree_batch_by_batch() {
		let kernel = fastest();
		// libtorch on the CPU stands for a CUDA device.
		let cpu = Engine::cpu(kernel, 2);
		let libtorch = Engine::libtorch(Device::Cpu, 1 << 30);
		for seed in 0..20 {
			let case = random_case(seed);
			let len = case.graph.input_bytes() as usize;
			let inputs = case.inputs.repeat(90);
			let records = Records::inputs_only(&case.graph, &inputs).unwrap();
			let collect = |engine: &Engine| {
				let mut all = Vec::new();
				let model = engine.load(&case.graph, &case.weights).unwrap();
				model
					.outputs(&records, |start, batch| {
						assert_eq!(start, all.len());
						all.extend(batch);
						ControlFlow::Continue(())
					})
					.unwrap();
				all
			};
			let all = collect(&Engine::reference(2));
			assert_eq!(all.len(), inputs.len() / len);
			assert_eq!(all, collect(&libtorch), "libtorch, seed {seed}");
			assert_eq!(all, collect(&cpu), "{}, seed {seed}", kernel.name());
		}
	}

	#[test]
	fn stopping_is_reported() {
		let case = random_case(3);
		let model = Engine::reference(1).load(&case.graph, &case.weights).unwrap();
		let records = Records::inputs_only(&case.graph, &case.inputs).unwrap();
		let stopped = model.outputs(&records, |_, _| ControlFlow::Break(()));
		assert!(matches!(stopped, Err(EngineError::Cancelled)));
	}

	#[test]
	fn weights_of_another_length_are_refused() {
		let case = random_case(3);
		let mut weights = case.weights;
		weights.push(0);
		assert!(matches!(Engine::reference(1).load(&case.graph, &weights), Err(EngineError::Eval(_))));
	}
}
