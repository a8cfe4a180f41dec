//! A model: graph, objective and data. Change one of the three and it is another model.

#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

use crate::{
	graph::{Graph, TensorType},
	limits,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_primitives::{BlobRef, ModelId, hash};
use scale_info::TypeInfo;

/// How one record is scored, as an `i32`; higher is better. `docs/evaluator.md` defines each to the bit.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Metric {
	/// How many positions have their target as greatest logit (ties: the lowest index). The target holds one
	/// class index per position of the output's leading axes.
	#[codec(index = 0)]
	Accuracy,
	/// Minus the cross-entropy in bits × 2¹⁶, a logit `l` meaning `2^(l / 2^logit_scale_log2)`. The target
	/// holds one class index per position of the output's leading axes.
	#[codec(index = 1)]
	CrossEntropy {
		/// Fractional bits of a logit, at most [`limits::MAX_LOGIT_SCALE_LOG2`].
		logit_scale_log2: u8,
	},
	/// Minus the sum of squared differences to a target of the output's shape.
	#[codec(index = 2)]
	SquaredError,
}

/// The part of a record that the output is compared with.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TargetSpec {
	/// Its type; a single class index has no axes.
	pub tensor: TensorType,
	/// A target value whose position does not count.
	pub ignore: Option<i32>,
}

/// McNemar's threshold `p / q`: with `b` records won and `c` lost, `(b − c)² · q ≥ p · (b + c)`. 384 / 100
/// is the 5 % level.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Confidence {
	/// The numerator.
	pub p: u32,
	/// The denominator, not 0.
	pub q: u32,
}

/// What a model is scored by, and what counts as better.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Objective {
	/// How a record is scored.
	pub metric: Metric,
	/// What it is compared with.
	pub target: TargetSpec,
	/// The Ladder step: by how much the sum of scores must exceed the head's. At least 1.
	pub min_improvement: u64,
	/// How surely the new weights must be better; accuracy only.
	pub confidence: Option<Confidence>,
}

/// A blob of fixed-size records: record `i` lies at `i · record size` and is the input bytes, then the
/// target.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct DatasetRef {
	/// The bytes.
	pub blob: BlobRef,
	/// How many records; times the record size it is the blob's length.
	pub records: u32,
}

/// What a model is scored on.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DataSource {
	/// One public set for ever. It can be trained on, and then it *is* the goal.
	#[codec(index = 0)]
	Fixed(DatasetRef),
}

impl DataSource {
	/// The set that submissions are scored on now.
	pub fn dataset(&self) -> &DatasetRef {
		match self {
			DataSource::Fixed(dataset) => dataset,
		}
	}
}

/// All that makes a model this model and no other.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ModelSpec {
	/// What it computes.
	pub graph: Graph,
	/// What it is scored by.
	pub objective: Objective,
	/// What it is scored on.
	pub data: DataSource,
}

impl ModelSpec {
	/// The model's name: domain `oda/model/1`.
	pub fn id(&self) -> ModelId {
		hash::tagged("oda/model/1", self)
	}

	/// Bytes of a record: input, then target.
	pub fn record_bytes(&self) -> u64 {
		self.graph.input_bytes().saturating_add(self.objective.target.tensor.bytes())
	}

	/// How many records the data has.
	pub fn records(&self) -> u32 {
		self.data.dataset().records
	}

	/// Where record `index` lies in the data blob; `None` past the end.
	pub fn record_range(&self, index: u32) -> Option<core::ops::Range<u64>> {
		if index >= self.records() {
			return None;
		}
		let size = self.record_bytes();
		let start = size.checked_mul(index as u64)?;
		Some(start..start.checked_add(size)?)
	}
}

impl MaxEncodedLen for ModelSpec {
	fn max_encoded_len() -> usize {
		// Metric 2, target 1 + 1 + 4 · MAX_RANK + 5, step 8, confidence 9, data 45: 87, rounded up.
		limits::MAX_GRAPH_BYTES.saturating_add(128)
	}
}
