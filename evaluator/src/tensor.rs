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
		if bytes.len() as u64 != t.bytes() {
			return None;
		}
		fn words<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
			bytes.as_chunks::<N>().0.iter().map(|c| from(*c)).collect()
		}
		Some(match t.dtype {
			DType::I8 => Tensor::I8(words(bytes, i8::from_le_bytes)),
			DType::U8 => Tensor::U8(bytes.to_vec()),
			DType::I16 => Tensor::I16(words(bytes, i16::from_le_bytes)),
			DType::U16 => Tensor::U16(words(bytes, u16::from_le_bytes)),
			DType::I32 => Tensor::I32(words(bytes, i32::from_le_bytes)),
		})
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
