//! What evaluates.

use oda_engine::{Evaluate, Records};
use oda_primitives::{ModelId, VersionId};
use std::{
	collections::HashMap,
	ops::ControlFlow,
	sync::{Arc, PoisonError, RwLock},
};

/// Why a batch could not be evaluated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RunError {
	/// The version is not loaded.
	#[error("this version of the model is not loaded")]
	NotLoaded,
	/// The evaluator refused.
	#[error("the evaluation failed: {0}")]
	Failed(String),
	/// The evaluator panicked.
	#[error("the evaluation panicked")]
	Panicked,
	/// The evaluator gave something else than an output for each input.
	#[error("the evaluation gave another number of outputs, or outputs of another size")]
	Inconsistent,
}

/// Evaluates inputs, exactly.
pub trait Engine: Send + Sync {
	/// Whether this version of a model can be evaluated now.
	fn is_ready(&self, model: &ModelId, version: VersionId) -> bool;

	/// The output of each input: the canonical bytes of the graph's outputs, one after the other. Blocks; may panic.
	fn run(&self, model: &ModelId, version: VersionId, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, RunError>;
}

/// The models that are loaded.
#[derive(Default)]
pub struct Loaded(RwLock<HashMap<(ModelId, VersionId), Arc<Evaluate>>>);

impl Loaded {
	/// Serves a version of a model from now on.
	pub fn insert(&self, model: ModelId, version: VersionId, evaluate: Evaluate) {
		let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
		loaded.insert((model, version), Arc::new(evaluate));
	}

	/// Stops serving what is not to be kept. What is being evaluated is finished.
	pub fn retain(&self, mut keep: impl FnMut(&ModelId, VersionId) -> bool) {
		let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
		loaded.retain(|(model, version), _| keep(model, *version));
	}

	fn get(&self, model: &ModelId, version: VersionId) -> Option<Arc<Evaluate>> {
		self.0.read().unwrap_or_else(PoisonError::into_inner).get(&(*model, version)).cloned()
	}
}

impl Engine for Loaded {
	fn is_ready(&self, model: &ModelId, version: VersionId) -> bool {
		self.get(model, version).is_some()
	}

	fn run(&self, model: &ModelId, version: VersionId, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, RunError> {
		let evaluate = self.get(model, version).ok_or(RunError::NotLoaded)?;
		let failed = |error: oda_engine::EngineError| RunError::Failed(error.to_string());
		let bytes = inputs.concat();
		let records = Records::inputs_only(evaluate.graph(), &bytes).map_err(failed)?;
		let mut results = Vec::with_capacity(inputs.len());
		evaluate
			.outputs(&records, |_, batch| {
				results.extend(batch.iter().map(|outputs| {
					outputs.iter().flat_map(|output| output.to_le_bytes()).collect::<Vec<u8>>()
				}));
				ControlFlow::Continue(())
			})
			.map_err(failed)?;
		Ok(results)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::{Evaluator, testing::random_case};

	#[test]
	fn a_batch_gives_each_input_the_outputs_that_the_reference_gives_it() {
		for seed in 0..20 {
			let case = random_case(seed);
			let loaded = Loaded::default();
			let evaluate = oda_engine::Engine::reference(1).load(&case.graph, &case.weights).unwrap();
			loaded.insert([1; 32], 3, evaluate);
			let inputs: Vec<&[u8]> = case.inputs.chunks(case.inputs.len() / case.count).collect();
			let reference = Evaluator::new(&case.graph, &case.weights).unwrap();
			let expected: Vec<Vec<u8>> = inputs
				.iter()
				.map(|input| reference.run(input).unwrap().iter().flat_map(|t| t.to_le_bytes()).collect())
				.collect();
			assert_eq!(loaded.run(&[1; 32], 3, &inputs), Ok(expected), "seed {seed}");
		}
	}

	#[test]
	fn what_is_not_loaded_is_not_ready() {
		let case = random_case(1);
		let loaded = Loaded::default();
		let evaluate = oda_engine::Engine::reference(1).load(&case.graph, &case.weights).unwrap();
		loaded.insert([1; 32], 3, evaluate);
		assert!(
			loaded.is_ready(&[1; 32], 3) && !loaded.is_ready(&[1; 32], 2) && !loaded.is_ready(&[2; 32], 3)
		);
		loaded.retain(|_, version| version > 3);
		assert_eq!(loaded.run(&[1; 32], 3, &[]), Err(RunError::NotLoaded));
	}
}
