//! Pooling over strided views, in integers.

use super::linear::{pad, windows};
use crate::EngineError;
use oda_evaluator::graph::{DType, Padding};
use tch::{Kind, Tensor as Torch};

use super::requant::saturate;

fn positions(shape: &[i64]) -> Result<[i64; 2], EngineError> {
	match *shape {
		[_, oh, ow, _] => Ok([oh, ow]),
		_ => Err(EngineError::Config("a pool's output")),
	}
}

/// The greatest of each window; padding is the type's minimum.
pub(super) fn max(
	x: &Torch,
	dtype: DType,
	shape: &[i64],
	kernel: [u16; 2],
	stride: [u16; 2],
	padding: &Padding,
) -> Result<Torch, EngineError> {
	let x = pad(x, padding, f64::from(dtype.min()))?;
	let windows = windows(&x, kernel.map(i64::from), stride.map(i64::from), positions(shape)?)?;
	Ok(windows.f_amax([3, 4], false)?)
}

/// `floor((2Σ + N) / 2N)` of each window.
pub(super) fn average(
	x: &Torch,
	dtype: DType,
	shape: &[i64],
	kernel: [u16; 2],
	stride: [u16; 2],
) -> Result<Torch, EngineError> {
	let count = i64::from(kernel[0]) * i64::from(kernel[1]);
	let x = x.f_contiguous()?;
	let windows = windows(&x, kernel.map(i64::from), stride.map(i64::from), positions(shape)?)?;
	let mut sums = windows.f_sum_dim_intlist([3i64, 4].as_slice(), false, Kind::Int64)?;
	let _ = sums.f_multiply_scalar_(2)?;
	let _ = sums.f_add_scalar_(count)?;
	let _ = sums.f_divide_scalar_mode_(2 * count, "floor")?;
	saturate(sums, dtype)
}
