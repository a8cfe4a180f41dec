//! Operators that look at one position at a time.

use super::collect;
use crate::{
	arithmetic::scaled_add,
	graph::DType,
	tensor::{Tensor, for_elements},
};
use alloc::vec::Vec;

/// The elements as `i32`.
#[expect(clippy::useless_conversion, reason = "the elements of one type are `i32` already")]
fn widened(x: &Tensor) -> Vec<i32> {
	for_elements!(x, v => v.iter().map(|&e| i32::from(e)).collect())
}

/// Residual add, one rounding.
pub(crate) fn add(a: &Tensor, b: &Tensor, mults: [i32; 2], shift: u8, dtype: DType) -> Option<Tensor> {
	let (a, b) = (widened(a), widened(b));
	let sums = a.iter().zip(&b).map(|(&a, &b)| scaled_add(a, mults[0], b, mults[1], shift, dtype));
	Some(collect(dtype, sums))
}

/// `table[x − min]`.
pub(crate) fn lookup(x: &Tensor, table: &Tensor) -> Option<Tensor> {
	let least = x.dtype().min();
	let entry = |e: i32| table.get(usize::try_from(e.saturating_sub(least)).ok()?);
	let values = widened(x).into_iter().map(entry).collect::<Option<Vec<_>>>()?;
	Some(collect(table.dtype(), values.into_iter()))
}

/// Each element within `min..=max`.
pub(crate) fn clamp(x: &Tensor, min: i32, max: i32) -> Option<Tensor> {
	Some(collect(x.dtype(), widened(x).into_iter().map(|e| e.max(min).min(max))))
}
