//! Residual add, lookup and clamp.

use super::requant::{rounding, saturate};
use crate::EngineError;
use oda_evaluator::graph::DType;
use tch::{Kind, Tensor as Torch};

/// `(a · m₁ + b · m₂ + half) >> shift`, one rounding.
pub(super) fn add(
	lhs: &Torch,
	rhs: &Torch,
	[lhs_mult, rhs_mult]: [i32; 2],
	shift: u8,
	dtype: DType,
) -> Result<Torch, EngineError> {
	let (half, shift) = rounding(shift);
	// `to_kind` copies, as neither operand is i64 before.
	let mut sum = lhs.f_to_kind(Kind::Int64)?;
	let _ = sum.f_multiply_scalar_(i64::from(lhs_mult))?;
	let mut rhs = rhs.f_to_kind(Kind::Int64)?;
	let _ = rhs.f_multiply_scalar_(i64::from(rhs_mult))?;
	let _ = sum.f_add_(&rhs)?;
	let _ = sum.f_add_scalar_(half)?;
	let _ = sum.f_bitwise_right_shift_tensor_scalar_(shift)?;
	saturate(sum, dtype)
}

/// `table[x − min]`.
pub(super) fn lookup(x: &Torch, dtype: DType, table: &Torch) -> Result<Torch, EngineError> {
	let mut index = x.f_to_kind(Kind::Int64)?;
	let _ = index.f_add_scalar_(-i64::from(dtype.min()))?;
	Ok(table.f_index_select(0, &index.f_reshape([-1])?)?.f_reshape(x.size())?)
}

/// Each element confined to `min..=max`.
pub(super) fn clamp(x: &Torch, min: i32, max: i32) -> Result<Torch, EngineError> {
	Ok(x.f_clamp(i64::from(min), i64::from(max))?)
}
