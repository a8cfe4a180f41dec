//! How good weights are, in integers and in floats.

use super::loss;
use crate::{
	EngineError,
	batch::Batch,
	evaluate::Evaluate,
	float::{FloatModel, Mode},
	records::Records,
};
use oda_evaluator::{Objective, model::Metric};
use std::ops::ControlFlow;

/// A measurement on some records.
#[derive(Clone, Copy, Default, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Measure {
	/// The sum of the objective's scores, higher is better; 0 for floats, which have none.
	pub score: i64,
	/// Positions answered correctly; 0 for a squared error.
	pub correct: u64,
	/// Positions that count; 0 for a squared error.
	pub counted: u64,
	/// The mean loss in the units of training; 0 for integers.
	pub loss: f64,
}

impl Measure {
	/// Correct of counted, 0 to 1; `None` for a squared error.
	pub fn accuracy(&self) -> Option<f64> {
		(self.counted > 0).then(|| self.correct as f64 / self.counted as f64)
	}

	/// The float model on `records`; [`Mode::Float`] is the network before quantisation. `each` is called after each
	/// batch and may stop the work.
	///
	/// # Errors
	///
	/// A libtorch error; [`EngineError::Cancelled`] if `each` stopped it.
	pub fn of_float(
		model: &FloatModel,
		records: &Records<'_>,
		mode: Mode,
		mut each: impl FnMut() -> ControlFlow<()>,
	) -> Result<Self, EngineError> {
		let _guard = tch::no_grad_guard();
		let (graph, objective) = (model.graph(), model.objective());
		let mut measure = Self::default();
		for start in (0..records.len()).step_by(BATCH) {
			let indices: Vec<usize> = (start..records.len().min(start + BATCH)).collect();
			let batch = Batch::gather(graph, objective, records, &indices, model.device())?;
			let output = model.forward(&batch.inputs, mode)?;
			let scale = model.scales[model.output()];
			let loss = loss::loss(objective, &output, &batch.target, scale, 0.0)?.f_double_value(&[])?;
			measure.loss += loss * indices.len() as f64 / records.len() as f64;
			if objective.metric != Metric::SquaredError {
				let (correct, counted) = loss::correct(&output, &batch.target, objective.target.ignore)?;
				measure.correct += correct;
				measure.counted += counted;
			}
			if each().is_break() {
				return Err(EngineError::Cancelled);
			}
		}
		Ok(measure)
	}

	/// Integer weights on `records`, by the exact evaluation that everyone uses. `each` is called after each batch and
	/// may stop the work.
	///
	/// # Errors
	///
	/// An evaluation error; [`EngineError::Cancelled`] if `each` stopped it.
	pub fn of_integers(
		model: &Evaluate,
		objective: &Objective,
		records: &Records<'_>,
		mut each: impl FnMut() -> ControlFlow<()>,
	) -> Result<Self, EngineError> {
		let mut measure = Self::default();
		let accuracy = Objective { metric: Metric::Accuracy, ..objective.clone() };
		let classes = objective.metric != Metric::SquaredError;
		let t = records.output_type();
		model.outputs(records, |start, batch| {
			for (i, outputs) in batch.iter().enumerate() {
				let (Some(output), target) = (outputs.first(), records.target(start + i)) else { continue };
				measure.score += i64::from(objective.score(output, t, target));
				if classes {
					measure.correct += u64::from(accuracy.score(output, t, target).unsigned_abs());
					measure.counted += positions(objective, target);
				}
			}
			each()
		})?;
		Ok(measure)
	}
}

/// Records measured at once.
const BATCH: usize = 256;

/// How many targets count.
fn positions(objective: &Objective, target: &[u8]) -> u64 {
	let values = oda_evaluator::Tensor::from_le_bytes(&objective.target.tensor, target);
	let Some(values) = values else { return 0 };
	let counts = |i: &usize| values.get(*i).is_some() && values.get(*i) != objective.target.ignore;
	(0..values.len()).filter(counts).count() as u64
}
