//! Operators that look at one position at a time.

use super::collect;
use crate::{
	arithmetic::scaled_add,
	graph::DType,
	tensor::{Tensor, for_elements},
};

/// Elements that are widened at a time, so that a whole tensor never is.
const BLOCK: usize = 32;

/// The elements from `start` on as `i32`, as many as there are up to `N`; the rest 0.
#[expect(clippy::useless_conversion, reason = "the elements of one type are `i32` already")]
fn widened<const N: usize>(x: &Tensor, start: usize) -> [i32; N] {
	let mut block = [0; N];
	for_elements!(x, v => {
		for (to, &from) in block.iter_mut().zip(v.get(start..).unwrap_or_default()) {
			*to = i32::from(from);
		}
	});
	block
}

/// A tensor of `len` elements from what `block` makes of each block's start.
fn blockwise(dtype: DType, len: usize, block: impl Fn(usize) -> [i32; BLOCK]) -> Tensor {
	collect(dtype, len, (0..len).step_by(BLOCK).flat_map(block).take(len))
}

/// Residual add, one rounding.
pub(crate) fn add(a: &Tensor, b: &Tensor, mults: [i32; 2], shift: u8, dtype: DType) -> Option<Tensor> {
	Some(blockwise(dtype, a.len().min(b.len()), |start| {
		let mut sums = widened::<BLOCK>(a, start);
		for (a, b) in sums.iter_mut().zip(widened::<BLOCK>(b, start)) {
			*a = scaled_add(*a, mults[0], b, mults[1], shift, dtype);
		}
		sums
	}))
}

/// `table[x − min]`; the table has an element for every value of the type.
pub(crate) fn lookup(x: &Tensor, table: &Tensor) -> Option<Tensor> {
	let entries = widened::<256>(table, 0);
	let least = x.dtype().min();
	let entry = |e: i32| entries.get(usize::try_from(e.saturating_sub(least)).ok()?).copied();
	Some(blockwise(table.dtype(), x.len(), |start| widened(x, start).map(|e| entry(e).unwrap_or_default())))
}

/// Each element within `min..=max`.
pub(crate) fn clamp(x: &Tensor, min: i32, max: i32) -> Option<Tensor> {
	Some(blockwise(x.dtype(), x.len(), |start| widened(x, start).map(|e| e.max(min).min(max))))
}
