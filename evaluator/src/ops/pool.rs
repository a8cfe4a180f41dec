//! Pooling over windows of an image, per channel.

use super::{collect, index, overlap};
use crate::{
	arithmetic::rounded_mean,
	graph::Padding,
	tensor::{Tensor, for_elements},
};
use alloc::{vec, vec::Vec};

/// Folds each window of the images `x [.., h, w, c]` per channel, from `start` by `step` to what `finish` makes of it; padding is
/// passed over.
#[expect(clippy::too_many_arguments, reason = "a pool has these many independent extents")]
fn fold_windows<T: Copy, A: Copy>(
	x: &[T],
	[h, w, c]: [usize; 3],
	[oh, ow]: [usize; 2],
	kernel: [u16; 2],
	stride: [u16; 2],
	padding: &Padding,
	start: A,
	step: impl Fn(A, T) -> A,
	finish: impl Fn(A) -> i32,
) -> Option<Vec<i32>> {
	let image = h.checked_mul(w)?.checked_mul(c)?.max(1);
	let images = x.len().checked_div(image)?;
	let mut result = Vec::with_capacity(images.checked_mul(oh)?.checked_mul(ow)?.checked_mul(c)?);
	// A row of accumulators at a time, for they may be wider than what comes of them.
	let mut line = vec![start; ow.checked_mul(c)?];
	for (image, oy) in x.chunks_exact(image).flat_map(|image| (0..oh).map(move |oy| (image, oy))) {
		let (_, y0, rows) = overlap(oy, stride[0].into(), padding.top.into(), kernel[0].into(), h);
		line.fill(start);
		for (ox, cell) in line.chunks_exact_mut(c.max(1)).enumerate() {
			let (_, x0, columns) = overlap(ox, stride[1].into(), padding.left.into(), kernel[1].into(), w);
			for y in (y0..).take(rows) {
				let start = y.checked_mul(w)?.checked_add(x0)?.checked_mul(c)?;
				let pixels = image.get(start..)?.get(..columns.checked_mul(c)?)?;
				for pixel in pixels.chunks_exact(c.max(1)) {
					for (acc, &value) in cell.iter_mut().zip(pixel) {
						*acc = step(*acc, value);
					}
				}
			}
		}
		result.extend(line.iter().map(|&acc| finish(acc)));
	}
	Some(result)
}

/// The greatest of each window. A window never lies in the padding alone, so the type's minimum, which
/// padding counts as, is reached only if it is there.
#[expect(clippy::useless_conversion, reason = "the elements of one type are `i32` already")]
pub(crate) fn max_pool2d(
	x: &Tensor,
	image: [u32; 3],
	out: [u32; 3],
	kernel: [u16; 2],
	stride: [u16; 2],
	padding: &Padding,
) -> Option<Tensor> {
	let image = image.map(index);
	let [oh, ow, _] = out.map(index);
	let values = for_elements!(x, v => {
		let step = |acc: i32, value| acc.max(i32::from(value));
		fold_windows(v, image, [oh, ow], kernel, stride, padding, x.dtype().min(), step, |acc| acc)?
	});
	Some(collect(x.dtype(), values.len(), values.iter().copied()))
}

/// The rounded mean of each window. Up to 2²² elements of 32 bits sum within an `i64`.
pub(crate) fn avg_pool2d(
	x: &Tensor,
	image: [u32; 3],
	out: [u32; 3],
	kernel: [u16; 2],
	stride: [u16; 2],
) -> Option<Tensor> {
	let image = image.map(index);
	let [oh, ow, _] = out.map(index);
	let count = u32::from(kernel[0]).checked_mul(kernel[1].into())?;
	let dtype = x.dtype();
	let mean = |sum: i64| dtype.saturate(rounded_mean(sum, count));
	let values = for_elements!(x, v => {
		let step = |acc: i64, value| acc.saturating_add(i64::from(value));
		fold_windows(v, image, [oh, ow], kernel, stride, &Padding::default(), 0i64, step, mean)?
	});
	Some(collect(dtype, values.len(), values.iter().copied()))
}
