//! Requantisation in `i64` tensors: the arithmetic of version 1, operation by operation.

use super::convert::kind;
use crate::EngineError;
use oda_evaluator::graph::DType;
use tch::{Device, Kind, Tensor as Torch};

/// The largest right shift; greater ones act as this.
const MAX_SHIFT: u8 = 62;

/// What is added before a shift so that it rounds half up, and the shift itself.
pub(super) fn rounding(shift: u8) -> (i64, i64) {
	let shift = shift.min(MAX_SHIFT);
	let half = if shift > 0 { 1i64 << (shift - 1) } else { 0 };
	(half, i64::from(shift))
}

/// Confines an `i64` tensor to `dtype` and stores it as that.
pub(super) fn saturate(mut values: Torch, dtype: DType) -> Result<Torch, EngineError> {
	let _ = values.f_clamp_(i64::from(dtype.min()), i64::from(dtype.max()))?;
	Ok(values.f_to_kind(kind(dtype))?)
}

/// A linear node's requantisation, one element per output channel.
pub(super) struct Requantise {
	bias: Torch,
	mult: Torch,
	half: Torch,
	shift: Torch,
}

impl Requantise {
	pub(super) fn new(bias: &[i32], mult: &[i32], shift: &[u8], device: Device) -> Result<Self, EngineError> {
		let wide = |values: &[i32]| -> Result<Torch, EngineError> {
			Ok(Torch::f_from_slice(values)?.f_to_kind(Kind::Int64)?.f_to_device(device)?)
		};
		let (half, shift): (Vec<i64>, Vec<i64>) = shift.iter().map(|&s| rounding(s)).unzip();
		Ok(Self {
			bias: wide(bias)?,
			mult: wide(mult)?,
			half: Torch::f_from_slice(&half)?.f_to_device(device)?,
			shift: Torch::f_from_slice(&shift)?.f_to_device(device)?,
		})
	}

	/// Sums `[.., channels]`, which it may overwrite, to elements of `dtype`.
	pub(super) fn apply(&self, mut sums: Torch, dtype: DType) -> Result<Torch, EngineError> {
		let _ = sums.f_add_(&self.bias)?;
		let _ = sums.f_clamp_(i64::from(i32::MIN), i64::from(i32::MAX))?;
		let _ = sums.f_mul_(&self.mult)?;
		let _ = sums.f_add_(&self.half)?;
		let _ = sums.f_bitwise_right_shift_(&self.shift)?;
		saturate(sums, dtype)
	}
}
