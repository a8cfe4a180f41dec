//! A weights blob: the parameters' raw little-endian bytes, in the graph's order.

use crate::EngineError;
use oda_evaluator::{Graph, graph::DType};

/// A weights blob cut into its parameters, without copying.
pub struct Params<'a> {
	parts: Vec<&'a [u8]>,
}

impl<'a> Params<'a> {
	/// Cuts `weights`.
	///
	/// # Errors
	///
	/// [`EngineError::WeightsLength`] if it has not the length that `graph` needs.
	pub fn split(graph: &Graph, weights: &'a [u8]) -> Result<Self, EngineError> {
		let expected = graph.param_bytes();
		if weights.len() as u64 != expected {
			return Err(EngineError::WeightsLength { expected, found: weights.len() as u64 });
		}
		let mut rest = weights;
		let mut parts = Vec::with_capacity(graph.params.len());
		for t in &graph.params {
			// Fits: the sum of all is the length of a slice.
			let (part, after) = rest.split_at(t.bytes() as usize);
			parts.push(part);
			rest = after;
		}
		Ok(Self { parts })
	}

	/// Parameter `index` as it lies in the blob.
	pub fn bytes(&self, index: u16) -> &'a [u8] {
		self.parts[usize::from(index)]
	}

	/// Parameter `index`, of type `I8`.
	pub fn signed(&self, index: u16) -> Vec<i8> {
		self.bytes(index).iter().map(|b| b.cast_signed()).collect()
	}

	/// Parameter `index`, of type `I32`.
	pub fn words(&self, index: u16) -> Vec<i32> {
		self.bytes(index).as_chunks::<4>().0.iter().map(|w| i32::from_le_bytes(*w)).collect()
	}

	/// Parameter `index`, whose elements are of type `dtype`, widened.
	pub fn values(&self, index: u16, dtype: DType) -> Vec<i32> {
		let bytes = self.bytes(index);
		match dtype {
			DType::I8 => bytes.iter().map(|b| i32::from(b.cast_signed())).collect(),
			DType::U8 => bytes.iter().map(|&b| i32::from(b)).collect(),
			DType::I16 => {
				bytes.as_chunks::<2>().0.iter().map(|w| i32::from(i16::from_le_bytes(*w))).collect()
			}
			DType::U16 => {
				bytes.as_chunks::<2>().0.iter().map(|w| i32::from(u16::from_le_bytes(*w))).collect()
			}
			DType::I32 => self.words(index),
		}
	}
}

/// The little-endian bytes of `values` as elements of `dtype`; each has to be in range.
pub(crate) fn to_bytes(values: &[i32], dtype: DType) -> Vec<u8> {
	match dtype {
		DType::I8 | DType::U8 => values.iter().map(|&v| v as u8).collect(),
		DType::I16 | DType::U16 => values.iter().flat_map(|&v| (v as u16).to_le_bytes()).collect(),
		DType::I32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
	}
}
