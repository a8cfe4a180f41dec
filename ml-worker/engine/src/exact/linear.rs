//! Dense and convolution: integer sums through exact floating-point matrix products.

use super::requant::Requantise;
use crate::EngineError;
use oda_evaluator::graph::{DType, Padding};
use tch::{Device, Kind, Tensor as Torch};

/// The longest sum of products of two `I8` whose every partial sum is exact in `f32`: 1,024 · 2¹⁴ = 2²⁴.
const EXACT_IN_F32: i64 = 1_024;

/// `x [.., m, k] · w [.., k, n]`, both `f32` holding integers of 8 bits, to exact `i64` sums.
fn product(x: &Torch, w: &Torch, k: i64) -> Result<Torch, EngineError> {
	if k <= EXACT_IN_F32 {
		return Ok(x.f_matmul(w)?.f_to_kind(Kind::Int64)?);
	}
	let mut sums: Option<Torch> = None;
	for start in (0..k).step_by(EXACT_IN_F32 as usize) {
		let len = EXACT_IN_F32.min(k - start);
		let piece = x.f_narrow(-1, start, len)?.f_matmul(&w.f_narrow(-2, start, len)?)?;
		match &mut sums {
			// An i64 tensor takes the f32 sums, which are integers, without loss once they are converted.
			Some(sums) => {
				let _ = sums.f_add_(&piece.f_to_kind(Kind::Int64)?)?;
			}
			None => sums = Some(piece.f_to_kind(Kind::Int64)?),
		}
	}
	sums.ok_or(EngineError::Config("a sum of no products"))
}

/// `[.., k]` × weight `[n, k]`.
pub(super) struct Dense {
	/// `f32 [k, n]`.
	weight: Torch,
	k: i64,
	n: i64,
	requant: Requantise,
}

impl Dense {
	pub(super) fn new(
		weight: &[i8],
		n: u32,
		k: u32,
		requant: Requantise,
		device: Device,
	) -> Result<Self, EngineError> {
		let (n, k) = (i64::from(n), i64::from(k));
		let weight = Torch::f_from_slice(weight)?
			.f_to_device(device)?
			.f_to_kind(Kind::Float)?
			.f_reshape([n, k])?
			.f_transpose(0, 1)?
			.f_contiguous()?;
		Ok(Self { weight, k, n, requant })
	}

	/// `x`: `Int8 [batch, .., k]`; the result has `shape`.
	pub(super) fn apply(&self, x: &Torch, dtype: DType, shape: &[i64]) -> Result<Torch, EngineError> {
		let x = x.f_to_kind(Kind::Float)?.f_reshape([-1, self.k])?;
		let sums = product(&x, &self.weight, self.k)?.f_reshape([-1, self.n])?;
		Ok(self.requant.apply(sums, dtype)?.f_reshape(shape)?)
	}
}

/// `[h, w, c]` ∗ weight `[o, kh, kw, c / groups]`.
pub(super) struct Conv {
	/// `f32 [groups, kh · kw · c / groups, o / groups]`.
	weight: Torch,
	kernel: [i64; 2],
	stride: [i64; 2],
	padding: Padding,
	groups: i64,
	requant: Requantise,
}

impl Conv {
	pub(super) fn new(
		weight: &[i8],
		shape: &[u32],
		stride: [u16; 2],
		padding: Padding,
		groups: u32,
		requant: Requantise,
		device: Device,
	) -> Result<Self, EngineError> {
		let [o, kh, kw, cg] = shape else { return Err(EngineError::Config("a convolution's weight")) };
		let (o, kh, kw, cg, groups) =
			(i64::from(*o), i64::from(*kh), i64::from(*kw), i64::from(*cg), i64::from(groups));
		let weight = Torch::f_from_slice(weight)?
			.f_to_device(device)?
			.f_to_kind(Kind::Float)?
			.f_reshape([groups, o / groups, kh * kw * cg])?
			.f_transpose(1, 2)?
			.f_contiguous()?;
		Ok(Self { weight, kernel: [kh, kw], stride: stride.map(i64::from), padding, groups, requant })
	}

	/// `x`: `Int8 [batch, h, w, c]`; the result has `shape`, `[batch, h', w', o]`.
	pub(super) fn apply(&self, x: &Torch, dtype: DType, shape: &[i64]) -> Result<Torch, EngineError> {
		let [batch, oh, ow, o] = *shape else { return Err(EngineError::Config("a convolution's output")) };
		let x = pad(&x.f_to_kind(Kind::Float)?, &self.padding, 0.0)?;
		let (_, _, _, c) = x.size4()?;
		let [kh, kw] = self.kernel;
		let (groups, cg) = (self.groups, c / self.groups);
		let k = kh * kw * cg;
		// [batch, oh, ow, kh, kw, groups, cg], a view; then one patch matrix per group, a copy.
		let windows = windows(&x, self.kernel, self.stride, [oh, ow])?
			.f_reshape([batch, oh, ow, kh, kw, groups, cg])?;
		let sums = if groups == 1 {
			product(&windows.f_reshape([-1, k])?, &self.weight.f_squeeze_dim(0)?, k)?
		} else {
			let patches = windows.f_permute([5, 0, 1, 2, 3, 4, 6])?.f_reshape([groups, -1, k])?;
			// [groups, positions, o / groups] → [positions, o]
			product(&patches, &self.weight, k)?.f_permute([1, 0, 2])?.f_contiguous()?
		};
		Ok(self.requant.apply(sums.f_reshape([-1, o])?, dtype)?.f_reshape(shape)?)
	}
}

/// `x [batch, h, w, c]` with `value` around each image.
pub(super) fn pad(x: &Torch, padding: &Padding, value: f64) -> Result<Torch, EngineError> {
	if *padding == Padding::default() {
		return Ok(x.f_contiguous()?);
	}
	let Padding { top, bottom, left, right } = *padding;
	let around = [0, 0, left.into(), right.into(), top.into(), bottom.into()];
	Ok(x.f_pad(around, "constant", value)?.f_contiguous()?)
}

/// The windows of a contiguous `x [batch, h, w, c]` as a view `[batch, oh, ow, kh, kw, c]`.
pub(super) fn windows(
	x: &Torch,
	[kh, kw]: [i64; 2],
	[sh, sw]: [i64; 2],
	[oh, ow]: [i64; 2],
) -> Result<Torch, EngineError> {
	let (batch, h, w, c) = x.size4()?;
	Ok(x.f_as_strided([batch, oh, ow, kh, kw, c], [h * w * c, sh * w * c, sw * c, w * c, c, 1], None)?)
}
