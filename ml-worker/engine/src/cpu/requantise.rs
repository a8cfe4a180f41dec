//! Requantisation in a form that compilers turn into vector instructions: channels in blocks, the rows of each in an
//! inner loop.

use super::LANES;
use oda_evaluator::{Tensor, arithmetic::MAX_SHIFT, graph::DType, kernel::Requantise};

/// Appends what the reference would; always inlined, so that it is compiled for its caller's instructions.
#[inline(always)]
pub(super) fn append(sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor) {
	match y {
		Tensor::I8(y) => extend(sums, parameters, y, DType::I8, |v| v as i8),
		Tensor::U8(y) => extend(sums, parameters, y, DType::U8, |v| v as u8),
		Tensor::I16(y) => extend(sums, parameters, y, DType::I16, |v| v as i16),
		Tensor::U16(y) => extend(sums, parameters, y, DType::U16, |v| v as u16),
		Tensor::I32(y) => extend(sums, parameters, y, DType::I32, |v| v as i32),
	}
}

#[inline(always)]
fn extend<T: Copy + Default>(
	sums: &[i32],
	parameters: &Requantise<'_>,
	y: &mut Vec<T>,
	dtype: DType,
	narrow: impl Fn(i64) -> T + Copy,
) {
	let n = parameters.bias.len().max(1);
	let start = y.len();
	y.resize(start + sums.len(), T::default());
	let y = &mut y[start..];
	let range = [i64::from(dtype.min()), i64::from(dtype.max())];
	for first in (0..n).step_by(LANES) {
		let len = LANES.min(n - first);
		let channels = Channels::new(parameters, first, len);
		for (sums, y) in sums.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
			let (sums, y) = (&sums[first..][..len], &mut y[first..][..len]);
			match (sums.as_array::<LANES>(), y.as_mut_array::<LANES>()) {
				// Of known length, so that it becomes straight vector code.
				(Some(sums), Some(y)) => channels.apply(sums, y, range, narrow),
				_ => channels.apply(sums, y, range, narrow),
			}
		}
	}
}

/// The parameters of some channels, widened.
struct Channels {
	bias: [i32; LANES],
	mult: [i64; LANES],
	half: [i64; LANES],
	shift: [u32; LANES],
}

impl Channels {
	#[inline(always)]
	fn new(parameters: &Requantise<'_>, first: usize, len: usize) -> Self {
		let mut channels = Self { bias: [0; LANES], mult: [0; LANES], half: [0; LANES], shift: [0; LANES] };
		for i in 0..len {
			let shift = parameters.shift[first + i].min(MAX_SHIFT);
			channels.bias[i] = parameters.bias[first + i];
			channels.mult[i] = parameters.mult[first + i].into();
			channels.half[i] = if shift > 0 { 1 << (shift - 1) } else { 0 };
			channels.shift[i] = shift.into();
		}
		channels
	}

	/// See [`oda_evaluator::arithmetic::requantise`] for why nothing wraps.
	#[inline(always)]
	fn apply<T>(&self, sums: &[i32], y: &mut [T], [min, max]: [i64; 2], narrow: impl Fn(i64) -> T) {
		let channels = self.bias.iter().zip(&self.mult).zip(&self.half).zip(&self.shift);
		for ((y, &sum), (((&bias, &mult), &half), &shift)) in y.iter_mut().zip(sums).zip(channels) {
			let a = i64::from(sum.saturating_add(bias));
			*y = narrow(a.wrapping_mul(mult).wrapping_add(half).wrapping_shr(shift).clamp(min, max));
		}
	}
}
