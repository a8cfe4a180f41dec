//! The graph: what a model computes, as data.
//!
//! A value is named by an index: the graph's inputs come first, then one value per node, in order. Weights,
//! requantisation constants and tables are *parameters*, named by their index in [`Graph::params`], so two
//! nodes may share one. Encodings are pinned: a variant's index never changes and is never reused; indices
//! 8 and up are free for operators to come.

#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The semantics that this crate implements. A graph names its version, and keeps it for ever.
pub const VERSION: u8 = 1;

/// The type of a tensor's elements. All are little-endian wherever they are bytes.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum DType {
	/// Signed 8 bit: the type of everything that is multiplied and accumulated.
	#[codec(index = 0)]
	I8,
	/// Unsigned 8 bit.
	#[codec(index = 1)]
	U8,
	/// Signed 16 bit.
	#[codec(index = 2)]
	I16,
	/// Unsigned 16 bit.
	#[codec(index = 3)]
	U16,
	/// Signed 32 bit.
	#[codec(index = 4)]
	I32,
}

impl DType {
	/// Bytes per element.
	pub const fn size(self) -> u64 {
		match self {
			DType::I8 | DType::U8 => 1,
			DType::I16 | DType::U16 => 2,
			DType::I32 => 4,
		}
	}

	/// The least value.
	pub const fn min(self) -> i32 {
		match self {
			DType::I8 => i8::MIN as i32,
			DType::U8 | DType::U16 => 0,
			DType::I16 => i16::MIN as i32,
			DType::I32 => i32::MIN,
		}
	}

	/// The greatest value.
	pub const fn max(self) -> i32 {
		match self {
			DType::I8 => i8::MAX as i32,
			DType::U8 => u8::MAX as i32,
			DType::I16 => i16::MAX as i32,
			DType::U16 => u16::MAX as i32,
			DType::I32 => i32::MAX,
		}
	}

	/// `value`, or the bound of this type that it exceeds.
	pub fn saturate(self, value: i64) -> i32 {
		let clamped = value.clamp(self.min() as i64, self.max() as i64);
		i32::try_from(clamped).unwrap_or_default()
	}
}

/// A tensor's element type and shape, without its values.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TensorType {
	/// The type of the elements.
	pub dtype: DType,
	/// The extent of each axis, outermost first; images are `[height, width, channels]`. Elements lie in
	/// row-major order, the last axis contiguous.
	pub shape: Vec<u32>,
}

/// How many elements such axes have; 1 without axes. Saturates at `u64::MAX`.
pub(crate) fn elements_of(shape: &[u32]) -> u64 {
	shape.iter().fold(1u64, |n, &extent| n.saturating_mul(extent.into()))
}

impl TensorType {
	/// A tensor type from its parts.
	pub fn new(dtype: DType, shape: impl Into<Vec<u32>>) -> Self {
		Self { dtype, shape: shape.into() }
	}

	/// How many elements; 1 for a shape without axes. Saturates at `u64::MAX`.
	pub fn elements(&self) -> u64 {
		elements_of(&self.shape)
	}

	/// How many bytes. Saturates at `u64::MAX`.
	pub fn bytes(&self) -> u64 {
		self.elements().saturating_mul(self.dtype.size())
	}
}

/// Requantisation parameters of a dense or convolution node: three parameter indices, each a vector with one
/// element per output channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Requant {
	/// `I32 [channels]`, added to the accumulator.
	pub bias: u16,
	/// `I32 [channels]`, the multiplier.
	pub mult: u16,
	/// `U8 [channels]`, the right shift; values over 62 act as 62.
	pub shift: u16,
}

/// Rows and columns added around an image.
#[derive(
	Clone, Copy, Default, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Padding {
	/// Rows above.
	pub top: u16,
	/// Rows below.
	pub bottom: u16,
	/// Columns to the left.
	pub left: u16,
	/// Columns to the right.
	pub right: u16,
}

/// What a node computes. `docs/evaluator.md` defines each to the bit.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Op {
	/// `I8 [.., k]` × weight `I8 [n, k]` → `[.., n]` of any type, requantised per output channel.
	#[codec(index = 0)]
	Dense {
		/// Parameter index of the weight.
		weight: u16,
		/// The requantisation parameters, `n` channels.
		requant: Requant,
	},
	/// `I8 [h, w, c]` ∗ weight `I8 [o, kh, kw, c / groups]` → `[h', w', o]` of any type, requantised per
	/// output channel. Padding is zero. Output channel `j` sees the input channels of group
	/// `j / (o / groups)`.
	#[codec(index = 1)]
	Conv2d {
		/// Parameter index of the weight.
		weight: u16,
		/// The requantisation parameters, `o` channels.
		requant: Requant,
		/// Steps between windows: down, across.
		stride: [u16; 2],
		/// Zeros around the image.
		padding: Padding,
		/// Into how many groups the channels are cut; `c` for a depthwise convolution of multiplier `o / c`.
		groups: u32,
	},
	/// The greatest of each window and channel, `[h, w, c]` → `[h', w', c]`, same type. Padding is the
	/// type's minimum.
	#[codec(index = 2)]
	MaxPool2d {
		/// Window: height, width.
		kernel: [u16; 2],
		/// Steps between windows: down, across.
		stride: [u16; 2],
		/// What is added around the image; less than the window on each side.
		padding: Padding,
	},
	/// `floor((2Σ + N) / 2N)` of each window of `N` elements and channel, `[h, w, c]` → `[h', w', c]`, same
	/// type.
	#[codec(index = 3)]
	AvgPool2d {
		/// Window: height, width.
		kernel: [u16; 2],
		/// Steps between windows: down, across.
		stride: [u16; 2],
	},
	/// `(a · lhs_mult + b · rhs_mult + half) >> shift`, elementwise over two tensors of one shape and of 8 or
	/// 16 bit types, saturated to any output type.
	#[codec(index = 4)]
	Add {
		/// Parameter index of the left multiplier, `I32 [1]`.
		lhs_mult: u16,
		/// Parameter index of the right multiplier, `I32 [1]`.
		rhs_mult: u16,
		/// Parameter index of the right shift, `U8 [1]`; values over 62 act as 62.
		shift: u16,
	},
	/// The same elements under the output's shape.
	#[codec(index = 5)]
	Reshape,
	/// `table[x − min]`, elementwise over an 8 bit tensor; the output has the table's type.
	#[codec(index = 6)]
	Lookup {
		/// Parameter index of the table, `[256]` of any type.
		table: u16,
	},
	/// Each element confined to `min..=max`, same type.
	#[codec(index = 7)]
	Clamp {
		/// The lower bound, a value of the tensor's type.
		min: i32,
		/// The upper bound, a value of the tensor's type, not below `min`.
		max: i32,
	},
}

impl Op {
	/// The operator's name in errors and listings.
	pub const fn name(&self) -> &'static str {
		match self {
			Op::Dense { .. } => "dense",
			Op::Conv2d { .. } => "conv2d",
			Op::MaxPool2d { .. } => "max_pool2d",
			Op::AvgPool2d { .. } => "avg_pool2d",
			Op::Add { .. } => "add",
			Op::Reshape => "reshape",
			Op::Lookup { .. } => "lookup",
			Op::Clamp { .. } => "clamp",
		}
	}
}

/// One step of the graph.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Node {
	/// What it computes.
	pub op: Op,
	/// The values it reads, each an index below its own.
	pub inputs: Vec<u16>,
	/// The type of the value it makes. Stated, and checked against what the operator makes of its inputs.
	pub output: TensorType,
}

/// A model's computation. See [`Graph::validate`] for what makes one valid.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Graph {
	/// Which semantics the graph has: [`VERSION`].
	pub version: u8,
	/// What it reads. A record's input bytes are these tensors one after the other.
	pub inputs: Vec<TensorType>,
	/// What training changes. A weights blob is these tensors one after the other, nothing else.
	pub params: Vec<TensorType>,
	/// The steps, each reading only what comes before it.
	pub nodes: Vec<Node>,
	/// The values that are the result.
	pub outputs: Vec<u16>,
}

impl Graph {
	/// The type of value `index`: an input, or a node's output.
	pub fn value_type(&self, index: usize) -> Option<&TensorType> {
		match index.checked_sub(self.inputs.len()) {
			None => self.inputs.get(index),
			Some(node) => self.nodes.get(node).map(|n| &n.output),
		}
	}

	/// Bytes of a record's input part.
	pub fn input_bytes(&self) -> u64 {
		self.inputs.iter().fold(0u64, |n, t| n.saturating_add(t.bytes()))
	}

	/// Bytes of what it makes of a record: of its outputs, one after the other.
	pub fn output_bytes(&self) -> u64 {
		let bytes = |output: &u16| self.value_type(usize::from(*output)).map_or(0, |t| t.bytes());
		self.outputs.iter().map(bytes).fold(0, u64::saturating_add)
	}

	/// Bytes of a weights blob.
	pub fn param_bytes(&self) -> u64 {
		self.params.iter().fold(0u64, |n, t| n.saturating_add(t.bytes()))
	}
}

impl MaxEncodedLen for Graph {
	fn max_encoded_len() -> usize {
		crate::limits::MAX_GRAPH_BYTES
	}
}
