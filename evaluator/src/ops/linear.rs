//! Dense and convolution: `i8 × i8 → i32`, then requantisation per output channel. A kernel does the arithmetic; here is
//! what it multiplies.

use super::{index, overlap};
use crate::{
	graph::{DType, Padding},
	kernel::{Kernel, Requantise},
	tensor::Tensor,
};
use alloc::vec;

/// Elements of patches that are gathered before they are multiplied, unless one has more: they stay in the cache.
const PATCHES: usize = 16 << 10;
/// And sums that come of them.
const SUMS: usize = 4 << 10;
/// Sums of a dense node that are requantised at a time, unless a row has more: many, so that its weight, which can be
/// large, is read seldom.
const DENSE_SUMS: usize = 64 << 10;
/// So few elements of a pixel are copied one by one: copying them at once would cost more.
const FEW: usize = 8;

/// Rows of a dense node's sums, `n` each, that are held at a time.
pub(crate) fn dense_block(n: usize, rows: usize) -> Option<usize> {
	Some(DENSE_SUMS.checked_div(n)?.min(rows).max(1))
}

/// Positions of a convolution whose patches, `k` elements each, and sums, `o` each, are held at a time.
pub(crate) fn conv_block(k: usize, o: usize, positions: usize) -> Option<usize> {
	Some(PATCHES.checked_div(k)?.min(SUMS.checked_div(o)?).max(1).min(positions))
}

/// `x [.., k]` × `weight [n, k]`.
pub(crate) fn dense<K: Kernel>(
	kernel: &K,
	x: &[i8],
	weight: &[i8],
	prepared: &K::Prepared,
	k: u32,
	requantise: &Requantise<'_>,
	dtype: DType,
) -> Option<Tensor> {
	let k = index(k).max(1);
	let n = weight.len().checked_div(k)?.max(1);
	let rows = x.len().checked_div(k)?;
	let block = dense_block(n, rows)?;

	let mut y = Tensor::with_capacity(dtype, rows.checked_mul(n)?);
	let mut sums = vec![0; block.checked_mul(n)?];
	for x in x.chunks(block.checked_mul(k)?) {
		let sums = sums.get_mut(..x.len().checked_div(k)?.checked_mul(n)?)?;
		kernel.multiply(x, weight, prepared, k, sums);
		kernel.requantise(sums, requantise, &mut y);
	}
	Some(y)
}

/// The extents of a convolution.
pub(crate) struct Conv2d<'a> {
	/// `[h, w, c]`.
	pub(crate) image: [u32; 3],
	/// `[o, kh, kw, c / groups]`.
	pub(crate) weight: &'a [u32],
	pub(crate) stride: [u16; 2],
	pub(crate) padding: &'a Padding,
	pub(crate) groups: u32,
	/// `[oh, ow, o]`.
	pub(crate) out: [u32; 3],
}

/// Images `x [.., h, w, c]` ∗ `weight [o, kh, kw, c / groups]` → `[.., oh, ow, o]`: gathers the patches of some
/// positions, then multiplies them with the weights of their group, of which there is one `prepared` each.
pub(crate) fn conv2d<K: Kernel>(
	kernel: &K,
	x: &[i8],
	weight: &[i8],
	prepared: &[K::Prepared],
	conv: &Conv2d<'_>,
	requantise: &Requantise<'_>,
	dtype: DType,
) -> Option<Tensor> {
	let [h, w, c] = conv.image.map(index);
	let [oh, ow, o] = conv.out.map(index);
	let o = o.max(1);
	let k = conv.weight.iter().skip(1).try_fold(1usize, |k, &extent| k.checked_mul(index(extent)))?.max(1);
	let groups = index(conv.groups).max(1);
	let n = o.checked_div(groups)?.max(1);
	let image = h.checked_mul(w)?.checked_mul(c)?;
	let positions = x.len().checked_div(image)?.checked_mul(oh)?.checked_mul(ow)?;
	let block = conv_block(k, o, positions)?;

	let mut y = Tensor::with_capacity(dtype, positions.checked_mul(o)?);
	let mut patches = vec![0i8; block.checked_mul(k)?];
	let mut sums = vec![0i32; block.checked_mul(o)?];
	// One group's sums, before they are put among the others'.
	let mut part = if groups > 1 { vec![0i32; block.checked_mul(n)?] } else { vec![] };
	for first in (0..positions).step_by(block.max(1)) {
		let count = block.min(positions.saturating_sub(first));
		let patches = patches.get_mut(..count.checked_mul(k)?)?;
		let sums = sums.get_mut(..count.checked_mul(o)?)?;
		let weights = weight.chunks_exact(n.checked_mul(k)?);
		for (group, (weight, prepared)) in weights.zip(prepared).enumerate() {
			gather(x, conv, first, group, patches)?;
			if groups == 1 {
				kernel.multiply(patches, weight, prepared, k, sums);
				break;
			}
			let part = part.get_mut(..count.checked_mul(n)?)?;
			kernel.multiply(patches, weight, prepared, k, part);
			let channel = group.checked_mul(n)?;
			for (sums, part) in sums.chunks_exact_mut(o).zip(part.chunks_exact(n)) {
				for (sum, &part) in sums.get_mut(channel..)?.iter_mut().zip(part) {
					*sum = part;
				}
			}
		}
		kernel.requantise(sums, requantise, &mut y);
	}
	Some(y)
}

/// The patches `[.., kh, kw, c / groups]` of one group at the output positions from `first` on, which are counted
/// through all images.
fn gather(x: &[i8], conv: &Conv2d<'_>, first: usize, group: usize, patches: &mut [i8]) -> Option<()> {
	let [h, w, c] = conv.image.map(index);
	let [oh, ow, _] = conv.out.map(index);
	let &[_, kh, kw, cg] = conv.weight else { return None };
	let [kh, kw, cg] = [kh, kw, cg].map(index);
	let row = kw.checked_mul(cg)?.max(1);
	let channel = group.checked_mul(cg)?;
	let mut lines = patches.chunks_exact_mut(kh.checked_mul(row)?.max(1));
	// The image's row, counted through all images, and the column in it.
	let (mut line, mut ox) = (first.checked_div(ow)?, first.checked_rem(ow)?);
	while lines.len() > 0 {
		let (image, oy) = (line.checked_div(oh)?, line.checked_rem(oh)?);
		let image = x.get(image.checked_mul(h)?.checked_mul(w)?.checked_mul(c)?..)?;
		let (above, y0, rows) = overlap(oy, conv.stride[0].into(), conv.padding.top.into(), kh, h);
		for (ox, patch) in (ox..ow).zip(&mut lines) {
			let (before, x0, columns) = overlap(ox, conv.stride[1].into(), conv.padding.left.into(), kw, w);
			if rows < kh || columns < kw {
				patch.fill(0);
			}
			for (y, to) in (y0..).zip(patch.chunks_exact_mut(row).skip(above).take(rows)) {
				let start = y.checked_mul(w)?.checked_add(x0)?.checked_mul(c)?;
				let pixels = image.get(start..)?.get(..columns.checked_mul(c)?)?;
				let to = to.get_mut(before.checked_mul(cg)?..)?;
				if cg == c {
					to.get_mut(..pixels.len())?.copy_from_slice(pixels);
				} else if cg < FEW {
					for element in 0..cg {
						let from = pixels.iter().skip(channel.checked_add(element)?).step_by(c);
						for (&from, to) in from.zip(to.iter_mut().skip(element).step_by(cg)) {
							*to = from;
						}
					}
				} else {
					for (pixel, to) in pixels.chunks_exact(c).zip(to.chunks_exact_mut(cg)) {
						to.copy_from_slice(pixel.get(channel..)?.get(..cg)?);
					}
				}
			}
		}
		line = line.checked_add(1)?;
		ox = 0;
	}
	Some(())
}
