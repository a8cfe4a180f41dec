//! What evaluating one record costs, as a vector.
//!
//! One number cannot be fair to every graph: beside its multiply-accumulates a layer has rows to begin, patches to
//! gather and sums to requantise, few in a wide dense layer and many in a depthwise convolution. Each component has
//! its own coefficient, measured at its worst shape.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The work of one record. Every component is exact, and saturates at `u64::MAX`.
#[derive(
	Clone, Copy, Default, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
	/// Multiply-accumulates of dense nodes and convolutions.
	pub macs: u64,
	/// Rows that are begun: of a dense node its input's, of a convolution its patches (positions × groups), of a pool its
	/// output's, and the positions that the metric scores.
	pub rows: u64,
	/// Lines of the patches, padding included: positions × groups × the kernel's height.
	pub patch_lines: u64,
	/// Elements in them: positions × groups × products in an accumulator.
	pub patch_elements: u64,
	/// Accumulators requantised: outputs of dense, convolution and add.
	pub requants: u64,
	/// Elements that pools, padding included, reshapes, lookups, clamps and the metric look at.
	pub element_ops: u64,
	/// Bytes of the parameters.
	pub param_bytes: u64,
	/// Bytes of all activations, the inputs included.
	pub activation_bytes: u64,
	/// Bytes of the activations that are alive at once, at most.
	pub live_bytes: u64,
	/// Nodes.
	pub nodes: u64,
}
