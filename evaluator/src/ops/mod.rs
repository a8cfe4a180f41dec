//! The operators, one group a file. Each takes what [`validate`](crate::Graph::validate) has checked and
//! returns `None` only if it was not.

mod elementwise;
mod linear;
mod pool;

pub(crate) use elementwise::{add, clamp, lookup};
pub(crate) use linear::{Requantise, conv2d, dense};
pub(crate) use pool::{avg_pool2d, max_pool2d};

use crate::{graph::DType, tensor::Tensor};

/// A tensor of `values`, which are within the type.
#[expect(
	clippy::cast_possible_truncation,
	clippy::cast_sign_loss,
	reason = "every caller saturates to `dtype` or takes the values from a tensor of it"
)]
pub(crate) fn collect(dtype: DType, values: impl Iterator<Item = i32>) -> Tensor {
	match dtype {
		DType::I8 => Tensor::I8(values.map(|v| v as i8).collect()),
		DType::U8 => Tensor::U8(values.map(|v| v as u8).collect()),
		DType::I16 => Tensor::I16(values.map(|v| v as i16).collect()),
		DType::U16 => Tensor::U16(values.map(|v| v as u16).collect()),
		DType::I32 => Tensor::I32(values.collect()),
	}
}

/// An extent as an index: extents fit, as tensors are at most 4 MiB.
pub(crate) fn index(extent: u32) -> usize {
	usize::try_from(extent).unwrap_or(usize::MAX)
}

/// Where a window that starts at `at · stride − before` overlaps an axis: the window elements before the
/// overlap, the first overlapped index of the axis, and how many are overlapped.
pub(crate) fn overlap(
	at: usize,
	stride: usize,
	before: usize,
	window: usize,
	extent: usize,
) -> (usize, usize, usize) {
	let start = at.saturating_mul(stride);
	let skipped = before.saturating_sub(start).min(window);
	let first = start.saturating_sub(before).min(extent);
	let count = window.saturating_sub(skipped).min(extent.saturating_sub(first));
	(skipped, first, count)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn overlap_clips_both_sides() {
		assert_eq!(overlap(0, 1, 1, 3, 8), (1, 0, 2));
		assert_eq!(overlap(3, 1, 1, 3, 8), (0, 2, 3));
		assert_eq!(overlap(7, 1, 1, 3, 8), (0, 6, 2));
		assert_eq!(overlap(0, 1, 2, 3, 1), (2, 0, 1));
	}
}
