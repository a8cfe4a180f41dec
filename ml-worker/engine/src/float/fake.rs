//! Simulated quantisation with straight-through gradients.

use crate::EngineError;
use oda_evaluator::graph::DType;
use tch::Tensor;

/// A channel's scale is at least this, so that a channel of zeros has one.
const LEAST_SCALE: f64 = 1e-10;
/// A bias stays below this in accumulator units, so that adding it cannot saturate.
const MOST_BIAS: f64 = (1u64 << 29) as f64;

/// `floor(x + ½)`: rounds as the integers' shift does.
pub(crate) fn round(x: &Tensor) -> Result<Tensor, EngineError> {
	Ok(x.f_add_scalar(0.5)?.f_floor()?)
}

/// `exact` in the forward pass, `smooth` in the backward pass.
pub(crate) fn straight_through(smooth: &Tensor, exact: &Tensor) -> Result<Tensor, EngineError> {
	Ok(smooth.f_add(&exact.f_sub(smooth)?.f_detach()?)?)
}

/// `x` as a tensor of `dtype` under `scale` would hold it; no gradient where it saturates.
pub(crate) fn activation(x: &Tensor, dtype: DType, scale: f64) -> Result<Tensor, EngineError> {
	let (low, high) = (f64::from(dtype.min()), f64::from(dtype.max()));
	let smooth = x.f_clamp(low * scale, high * scale)?;
	let exact = round(&smooth.f_divide_scalar(scale)?)?.f_clamp(low, high)?.f_multiply_scalar(scale)?;
	straight_through(&smooth, &exact)
}

/// The scale of each output channel of `weight [o, ..]`, whose `bias [o]` is added under `input_scale`.
pub(crate) fn channel_scales(
	weight: &Tensor,
	bias: &Tensor,
	input_scale: f64,
) -> Result<Tensor, EngineError> {
	let channels = bias.numel() as i64;
	let greatest = weight.f_detach()?.f_reshape([channels, -1])?.f_abs()?.f_amax([1], false)?;
	let by_bias = bias.f_detach()?.f_abs()?.f_divide_scalar(input_scale * MOST_BIAS)?;
	Ok(greatest.f_divide_scalar(127.0)?.f_maximum(&by_bias)?.f_clamp_min(LEAST_SCALE)?)
}

/// `scales [o]` in a shape that broadcasts over `weight [o, ..]`.
fn per_channel(weight: &Tensor, scales: &Tensor) -> Result<Tensor, EngineError> {
	let mut shape = vec![1; weight.dim()];
	if let Some(first) = shape.first_mut() {
		*first = -1;
	}
	Ok(scales.f_reshape(shape)?)
}

/// The integers of `weight [o, ..]`, as floats.
pub(crate) fn weight_integers(weight: &Tensor, scales: &Tensor) -> Result<Tensor, EngineError> {
	Ok(round(&weight.f_div(&per_channel(weight, scales)?)?)?.f_clamp(-127.0, 127.0)?)
}

/// `weight [o, ..]` as its integers stand for it.
pub(crate) fn weight(weight: &Tensor, scales: &Tensor) -> Result<Tensor, EngineError> {
	let exact = weight_integers(weight, scales)?.f_mul(&per_channel(weight, scales)?)?;
	straight_through(weight, &exact)
}

/// `bias [o]` as its integers stand for it.
pub(crate) fn bias(bias: &Tensor, scales: &Tensor, input_scale: f64) -> Result<Tensor, EngineError> {
	let unit = scales.f_multiply_scalar(input_scale)?;
	straight_through(bias, &round(&bias.f_div(&unit)?)?.f_mul(&unit)?)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn values(t: &Tensor) -> Vec<f32> {
		let mut v = vec![0.0; t.numel()];
		t.copy_data(&mut v, t.numel());
		v
	}

	#[test]
	fn activations_round_half_up_and_saturate() {
		let x = Tensor::from_slice(&[0.24f32, 0.25, -0.25, -0.26, 99.0, -99.0]);
		let y = activation(&x, DType::I8, 0.5).unwrap();
		assert_eq!(values(&y), [0.0, 0.5, 0.0, -0.5, 63.5, -64.0]);
	}

	#[test]
	fn the_gradient_passes_rounding_and_stops_at_saturation() {
		let x = Tensor::from_slice(&[0.3f32, 99.0, -99.0]).set_requires_grad(true);
		activation(&x, DType::I8, 0.5).unwrap().sum(tch::Kind::Float).backward();
		assert_eq!(values(&x.grad()), [1.0, 0.0, 0.0]);
	}

	#[test]
	fn each_channel_has_its_own_scale() {
		let w = Tensor::from_slice(&[1.27f32, -0.5, 0.0127, 0.005]).reshape([2, 2]);
		let scales =
			channel_scales(&w, &Tensor::zeros([2], (tch::Kind::Float, tch::Device::Cpu)), 1.0).unwrap();
		assert_eq!(values(&weight_integers(&w, &scales).unwrap()), [127.0, -50.0, 127.0, 50.0]);
	}

	#[test]
	fn a_huge_bias_widens_the_scale() {
		let w = Tensor::from_slice(&[1e-6f32]).reshape([1, 1]);
		let scales = channel_scales(&w, &Tensor::from_slice(&[1e6f32]), 1.0).unwrap();
		assert!(1e6 / values(&scales)[0] <= (1 << 29) as f32);
	}
}
