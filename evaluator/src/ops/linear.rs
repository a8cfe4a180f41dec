//! Dense and convolution: `i8 × i8 → i32`, then requantisation per output channel.

use super::{collect, index, overlap};
use crate::{
	arithmetic::requantise,
	graph::{DType, Padding},
	tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Requantisation parameters of a node, one element per output channel.
pub(crate) struct Requantise<'a> {
	pub(crate) bias: &'a [i32],
	pub(crate) mult: &'a [i32],
	pub(crate) shift: &'a [u8],
}

impl Requantise<'_> {
	/// Accumulators, channel fastest, to a tensor of `dtype`.
	fn apply(&self, accumulators: &[i32], dtype: DType) -> Tensor {
		let channels = || self.bias.iter().zip(self.mult).zip(self.shift);
		let values = accumulators.chunks(self.bias.len().max(1)).flat_map(|row| {
			row.iter().zip(channels()).map(|(&acc, ((&b, &m), &s))| requantise(acc, b, m, s, dtype))
		});
		collect(dtype, accumulators.len(), values)
	}
}

/// `Σ a · b`. Wrapping never happens: at most 131,071 products of at most 2¹⁴ each.
#[inline]
fn dot(a: &[i8], b: &[i8]) -> i32 {
	a.iter().zip(b).fold(0i32, |sum, (&x, &y)| sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(y))))
}

/// `x [.., k]` × `weight [n, k]`.
pub(crate) fn dense(
	x: &[i8],
	weight: &[i8],
	k: u32,
	requantise: &Requantise<'_>,
	dtype: DType,
) -> Option<Tensor> {
	let k = index(k).max(1);
	let rows = x.len().checked_div(k)?;
	let mut accumulators = Vec::with_capacity(rows.checked_mul(weight.len().checked_div(k)?)?);
	accumulators.extend(x.chunks_exact(k).flat_map(|row| weight.chunks_exact(k).map(move |w| dot(row, w))));
	Some(requantise.apply(&accumulators, dtype))
}

/// `x [h, w, c]` ∗ `weight [o, kh, kw, c / groups]` → `[oh, ow, o]`: gathers each patch, then multiplies it
/// with the rows of its group's weights.
#[expect(clippy::too_many_arguments, reason = "a convolution has these many independent extents")]
pub(crate) fn conv2d(
	x: &[i8],
	image: [u32; 3],
	weight: &[i8],
	kernel: &[u32],
	stride: [u16; 2],
	padding: &Padding,
	groups: u32,
	out: [u32; 3],
	requantise: &Requantise<'_>,
	dtype: DType,
) -> Option<Tensor> {
	let [h, w, c] = image.map(index);
	let [oh, ow, o] = out.map(index);
	let &[_, kh, kw, cg] = kernel else { return None };
	let [kh, kw, cg] = [kh, kw, cg].map(index);
	let groups = index(groups);
	let row = kw.checked_mul(cg)?;
	let k = kh.checked_mul(row)?.max(1);
	let group_weights = weight.len().checked_div(groups)?.max(1);
	let mut patch = vec![0i8; k];
	let mut accumulators = Vec::with_capacity(oh.checked_mul(ow)?.checked_mul(o)?);
	for oy in 0..oh {
		let (above, y0, rows) = overlap(oy, stride[0].into(), padding.top.into(), kh, h);
		for ox in 0..ow {
			let (before, x0, columns) = overlap(ox, stride[1].into(), padding.left.into(), kw, w);
			for (group, weights) in weight.chunks_exact(group_weights).enumerate() {
				patch.fill(0);
				for (y, line) in (y0..).zip(patch.chunks_exact_mut(row.max(1)).skip(above).take(rows)) {
					let start = y.checked_mul(w)?.checked_add(x0)?.checked_mul(c)?;
					let pixels = x.get(start..)?.get(..columns.checked_mul(c)?)?;
					let line = line.get_mut(before.checked_mul(cg)?..)?;
					if groups == 1 {
						line.get_mut(..pixels.len())?.copy_from_slice(pixels);
					} else {
						let first = group.checked_mul(cg)?;
						for (pixel, to) in pixels.chunks_exact(c).zip(line.chunks_exact_mut(cg)) {
							to.copy_from_slice(pixel.get(first..)?.get(..cg)?);
						}
					}
				}
				accumulators.extend(weights.chunks_exact(k).map(|w| dot(&patch, w)));
			}
		}
	}
	Some(requantise.apply(&accumulators, dtype))
}
