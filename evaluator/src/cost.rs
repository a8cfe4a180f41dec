//! What evaluating one record costs, as a vector.
//!
//! One number cannot be fair to every graph: a multiply-accumulate in a wide dense layer is far cheaper than
//! one in a depthwise convolution. Each component has its own coefficient, measured at its worst shape.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The work of one record. Every component is exact, and saturates at `u64::MAX`.
#[derive(
	Clone, Copy, Default, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
	/// Multiply-accumulates of dense nodes.
	pub dense_macs: u64,
	/// Multiply-accumulates of convolutions.
	pub conv_macs: u64,
	/// Elements gathered into convolution patches: positions × groups × products in an accumulator.
	pub patch_elements: u64,
	/// Accumulators requantised: outputs of dense, convolution and add.
	pub requants: u64,
	/// Elements read by pools, reshapes, lookups, clamps and the metric.
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

impl Cost {
	/// Multiply-accumulates of all kinds.
	pub fn macs(&self) -> u64 {
		self.dense_macs.saturating_add(self.conv_macs)
	}
}
