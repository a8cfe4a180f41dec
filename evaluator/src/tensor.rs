//! Values while a graph runs.

use crate::graph::{DType, TensorType};
use alloc::{vec, vec::Vec};

/// The elements of a tensor, in row-major order; the shape is kept by the graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tensor {
	/// Signed 8 bit.
	I8(Vec<i8>),
	/// Unsigned 8 bit.
	U8(Vec<u8>),
	/// Signed 16 bit.
	I16(Vec<i16>),
	/// Unsigned 16 bit.
	U16(Vec<u16>),
	/// Signed 32 bit.
	I32(Vec<i32>),
}

/// Runs an expression on the elements, whatever their type, with `$v` naming the vector.
macro_rules! for_elements {
	($tensor:expr, $v:ident => $body:expr) => {
		match $tensor {
			Tensor::I8($v) => $body,
			Tensor::U8($v) => $body,
			Tensor::I16($v) => $body,
			Tensor::U16($v) => $body,
			Tensor::I32($v) => $body,
		}
	};
}
pub(crate) use for_elements;

impl Tensor {
	/// A tensor of type `t` from its little-endian bytes; `None` if the length is not `t`'s.
	pub fn from_le_bytes(t: &TensorType, bytes: &[u8]) -> Option<Self> {
		(bytes.len() as u64 == t.bytes()).then(|| Self::from_records(t.dtype, core::iter::once(bytes)))
	}

	/// The elements of several tensors, one after the other, from the little-endian bytes of each.
	pub(crate) fn from_records<'a>(dtype: DType, records: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
		fn words<'a, const N: usize, T>(
			records: impl Iterator<Item = &'a [u8]> + Clone,
			from: fn([u8; N]) -> T,
		) -> Vec<T> {
			let len = records.clone().map(|record| record.as_chunks::<N>().0.len()).sum();
			let mut words = Vec::with_capacity(len);
			for record in records {
				words.extend(record.as_chunks::<N>().0.iter().map(|c| from(*c)));
			}
			words
		}
		match dtype {
			DType::I8 => Tensor::I8(words(records, i8::from_le_bytes)),
			DType::U8 => Tensor::U8(words(records, u8::from_le_bytes)),
			DType::I16 => Tensor::I16(words(records, i16::from_le_bytes)),
			DType::U16 => Tensor::U16(words(records, u16::from_le_bytes)),
			DType::I32 => Tensor::I32(words(records, i32::from_le_bytes)),
		}
	}

	/// No elements, and room for `len`.
	pub fn with_capacity(dtype: DType, len: usize) -> Self {
		match dtype {
			DType::I8 => Tensor::I8(Vec::with_capacity(len)),
			DType::U8 => Tensor::U8(Vec::with_capacity(len)),
			DType::I16 => Tensor::I16(Vec::with_capacity(len)),
			DType::U16 => Tensor::U16(Vec::with_capacity(len)),
			DType::I32 => Tensor::I32(Vec::with_capacity(len)),
		}
	}

	/// A tensor of `len` zeros.
	pub fn zeros(dtype: DType, len: usize) -> Self {
		match dtype {
			DType::I8 => Tensor::I8(vec![0; len]),
			DType::U8 => Tensor::U8(vec![0; len]),
			DType::I16 => Tensor::I16(vec![0; len]),
			DType::U16 => Tensor::U16(vec![0; len]),
			DType::I32 => Tensor::I32(vec![0; len]),
		}
	}

	/// The elements cut into tensors of `len` each, at least 1; what is left over is dropped.
	pub fn split(&self, len: usize) -> Vec<Self> {
		fn cut<T: Clone>(v: &[T], len: usize, make: fn(Vec<T>) -> Tensor) -> Vec<Tensor> {
			v.chunks_exact(len.max(1)).map(|part| make(part.to_vec())).collect()
		}
		match self {
			Tensor::I8(v) => cut(v, len, Tensor::I8),
			Tensor::U8(v) => cut(v, len, Tensor::U8),
			Tensor::I16(v) => cut(v, len, Tensor::I16),
			Tensor::U16(v) => cut(v, len, Tensor::U16),
			Tensor::I32(v) => cut(v, len, Tensor::I32),
		}
	}

	/// The type of the elements.
	pub fn dtype(&self) -> DType {
		match self {
			Tensor::I8(_) => DType::I8,
			Tensor::U8(_) => DType::U8,
			Tensor::I16(_) => DType::I16,
			Tensor::U16(_) => DType::U16,
			Tensor::I32(_) => DType::I32,
		}
	}

	/// How many elements.
	pub fn len(&self) -> usize {
		for_elements!(self, v => v.len())
	}

	/// Whether there are no elements.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Element `index`; `None` past the end.
	#[expect(clippy::useless_conversion, reason = "the elements of one type are `i32` already")]
	pub fn get(&self, index: usize) -> Option<i32> {
		for_elements!(self, v => v.get(index).map(|&x| i32::from(x)))
	}

	/// The elements as little-endian bytes.
	pub fn to_le_bytes(&self) -> Vec<u8> {
		for_elements!(self, v => v.iter().flat_map(|x| x.to_le_bytes()).collect())
	}
}
