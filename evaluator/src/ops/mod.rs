//! The operators, one group a file. Each takes what [`validate`](crate::Graph::validate) has checked and
//! returns `None` only if it was not.

mod elementwise;
mod linear;
mod pool;

pub(crate) use elementwise::{add, clamp, lookup};
pub(crate) use linear::{Conv2d, conv_block, conv2d, dense, dense_block};
pub(crate) use pool::{avg_pool2d, max_pool2d};

use crate::{graph::DType, tensor::Tensor};

/// A tensor of `len` `values`, which are within the type; it takes no more memory than that.
pub(crate) fn collect(dtype: DType, len: usize, values: impl Iterator<Item = i32>) -> Tensor {
	let mut tensor = Tensor::with_capacity(dtype, len);
	append(&mut tensor, values.take(len));
	tensor
}

/// Appends `values`, which are within the tensor's type.
#[expect(
	clippy::cast_possible_truncation,
	clippy::cast_sign_loss,
	reason = "every caller saturates to the type or takes the values from a tensor of it"
)]
pub(crate) fn append(tensor: &mut Tensor, values: impl Iterator<Item = i32>) {
	match tensor {
		Tensor::I8(v) => v.extend(values.map(|v| v as i8)),
		Tensor::U8(v) => v.extend(values.map(|v| v as u8)),
		Tensor::I16(v) => v.extend(values.map(|v| v as i16)),
		Tensor::U16(v) => v.extend(values.map(|v| v as u16)),
		Tensor::I32(v) => v.extend(values),
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
