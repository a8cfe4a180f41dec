//! What makes a model specification valid, and scoring by it.

#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

use crate::{
	cost::Cost,
	execute::{EvalError, Evaluator},
	graph::elements_of,
	kernel::Kernel,
	limits::*,
	model::{Metric, ModelSpec},
	scores::ScoreKind,
	tensor::Tensor,
	validate::GraphError,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Why a model specification is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SpecError {
	/// The graph is not valid.
	#[codec(index = 0)]
	Graph(GraphError),
	/// The graph has not exactly one output, which is what is scored.
	#[codec(index = 1)]
	OutputCount,
	/// The target's shape is not the one that the metric compares the output with, or too large.
	#[codec(index = 2)]
	TargetShape,
	/// A logit scale over [`MAX_LOGIT_SCALE_LOG2`].
	#[codec(index = 3)]
	LogitScale,
	/// The minimum improvement is 0 or over [`MAX_MIN_IMPROVEMENT`].
	#[codec(index = 4)]
	MinImprovement,
	/// A confidence with a metric other than accuracy, or with a term that is 0 or over [`MAX_CONFIDENCE`].
	#[codec(index = 5)]
	Confidence,
	/// The data has no records.
	#[codec(index = 6)]
	NoRecords,
	/// Records × record size is not the data blob's length.
	#[codec(index = 7)]
	DataLength,
	/// The list of per-record scores would exceed [`MAX_SCORE_BYTES`].
	#[codec(index = 8)]
	TooManyRecords,
}

impl From<GraphError> for SpecError {
	fn from(error: GraphError) -> Self {
		Self::Graph(error)
	}
}

impl fmt::Display for SpecError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Graph(error) => return write!(f, "invalid graph: {error}"),
			Self::OutputCount => "the graph has not exactly one output",
			Self::TargetShape => "the target's shape is not the one the metric needs",
			Self::LogitScale => "the logit scale is too large",
			Self::MinImprovement => "the minimum improvement is 0 or too large",
			Self::Confidence => "a confidence needs the accuracy metric and terms in bounds",
			Self::NoRecords => "the data has no records",
			Self::DataLength => "records times record size is not the data's length",
			Self::TooManyRecords => "the list of scores would be too long",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for SpecError {}

impl ModelSpec {
	/// Checks the graph, the objective and the data against each other; returns what scoring one record
	/// costs.
	pub fn validate(&self) -> Result<Cost, SpecError> {
		let mut cost = self.graph.validate()?;
		let [output] = self.graph.outputs.as_slice() else {
			return Err(SpecError::OutputCount);
		};
		let output = self.graph.value_type(usize::from(*output)).ok_or(SpecError::OutputCount)?;
		let target = &self.objective.target.tensor;
		let leading = output.shape.split_last().map_or(&[][..], |(_, leading)| leading);
		let expected = match self.objective.metric {
			Metric::Accuracy | Metric::CrossEntropy { .. } => leading,
			Metric::SquaredError => output.shape.as_slice(),
		};
		if target.shape != expected || target.bytes() > MAX_TENSOR_BYTES {
			return Err(SpecError::TargetShape);
		}
		if let Metric::CrossEntropy { logit_scale_log2 } = self.objective.metric
			&& logit_scale_log2 > MAX_LOGIT_SCALE_LOG2
		{
			return Err(SpecError::LogitScale);
		}
		if !(1..=MAX_MIN_IMPROVEMENT).contains(&self.objective.min_improvement) {
			return Err(SpecError::MinImprovement);
		}
		if let Some(confidence) = self.objective.confidence {
			let bounds = 1..=MAX_CONFIDENCE;
			let bounded = bounds.contains(&confidence.p) && bounds.contains(&confidence.q);
			if self.objective.metric != Metric::Accuracy || !bounded {
				return Err(SpecError::Confidence);
			}
		}
		let data = self.data.dataset();
		if data.records == 0 {
			return Err(SpecError::NoRecords);
		}
		if self.record_bytes().checked_mul(data.records.into()) != Some(data.blob.len) {
			return Err(SpecError::DataLength);
		}
		if self.score_kind().packed_bytes(data.records) > MAX_SCORE_BYTES {
			return Err(SpecError::TooManyRecords);
		}
		cost.rows = cost.rows.saturating_add(elements_of(leading));
		cost.element_ops = cost.element_ops.saturating_add(output.elements());
		Ok(cost)
	}

	/// How this model's per-record scores are packed: accuracy of a single position is a bit.
	pub fn score_kind(&self) -> ScoreKind {
		let single = self.objective.target.tensor.shape.is_empty();
		if self.objective.metric == Metric::Accuracy && single { ScoreKind::Bit } else { ScoreKind::I32 }
	}

	/// A record's input and its target.
	pub fn split_record<'a>(&self, record: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), EvalError> {
		let input = usize::try_from(self.graph.input_bytes()).map_err(|_| EvalError::RecordLength)?;
		let (input, target) = record.split_at_checked(input).ok_or(EvalError::RecordLength)?;
		if target.len() as u64 != self.objective.target.tensor.bytes() {
			return Err(EvalError::RecordLength);
		}
		Ok((input, target))
	}

	/// Scores the outputs that the graph makes of a record's input, by the record's target.
	pub fn score_outputs(&self, outputs: &[Tensor], target: &[u8]) -> Result<i32, EvalError> {
		let output = outputs.first().ok_or(EvalError::Inconsistent)?;
		let index = self.graph.outputs.first().ok_or(EvalError::Inconsistent)?;
		let t = self.graph.value_type(usize::from(*index)).ok_or(EvalError::Inconsistent)?;
		Ok(self.objective.score(output, t, target))
	}

	/// Evaluates and scores one record: its input bytes, then its target's.
	pub fn score_record<K: Kernel>(
		&self,
		evaluator: &Evaluator<'_, K>,
		record: &[u8],
	) -> Result<i32, EvalError> {
		let (input, target) = self.split_record(record)?;
		self.score_outputs(&evaluator.run(input)?, target)
	}
}
