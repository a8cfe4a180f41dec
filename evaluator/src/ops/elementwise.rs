//! Operators that look at one position at a time.

use super::append;
use crate::{
	arithmetic::scaled_add,
	graph::DType,
	tensor::{Tensor, for_elements},
};
use alloc::vec::Vec;

/// Elements that are widened at a time, so that a whole tensor never is.
const BLOCK: usize = 64;

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
	let mut y = Tensor::with_capacity(dtype, len);
	for start in (0..len).step_by(BLOCK) {
		let rest = len.saturating_sub(start);
		append(&mut y, block(start).iter().take(rest).copied());
	}
	y
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

/// Each element within `min..=max`, which are values of the type.
pub(crate) fn clamp(x: &Tensor, min: i32, max: i32) -> Option<Tensor> {
	fn each<T: Copy + Ord + TryFrom<i32>>(x: &[T], min: i32, max: i32) -> Option<Vec<T>> {
		let (min, max) = (T::try_from(min).ok()?, T::try_from(max).ok()?);
		Some(x.iter().map(|&e| e.max(min).min(max)).collect())
	}
	Some(match x {
		Tensor::I8(x) => Tensor::I8(each(x, min, max)?),
		Tensor::U8(x) => Tensor::U8(each(x, min, max)?),
		Tensor::I16(x) => Tensor::I16(each(x, min, max)?),
		Tensor::U16(x) => Tensor::U16(each(x, min, max)?),
		Tensor::I32(x) => Tensor::I32(each(x, min, max)?),
	})
}
