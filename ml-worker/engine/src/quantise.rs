//! From a float model to a weights blob (Jacob et al. 2018, §2).

use crate::{
	EngineError,
	evaluate::DeviceChoice,
	float::{FloatModel, Tables, fake},
	records::Records,
	weights::to_bytes,
};
use oda_evaluator::{Graph, Objective, graph::Op};
use tch::{Kind, Tensor};

/// A positive real factor as `mult / 2^shift` with 31 significant bits; what is too large or too small for
/// that becomes the nearest that can be written.
///
/// ```
/// # use oda_engine::quantise::multiplier;
/// assert_eq!(multiplier(1.0), (1 << 30, 30));
/// assert_eq!(multiplier(0.75 / 1024.0), (3 << 29, 41));
/// assert_eq!(multiplier(0.0), (0, 0));
/// ```
pub fn multiplier(real: f64) -> (i32, u8) {
	if real.is_nan() || real <= 0.0 {
		return (0, 0);
	}
	// real = m · 2^−shift with m in [2³⁰, 2³¹).
	let mut shift = 30 - real.log2().floor().clamp(-2_000.0, 2_000.0) as i32;
	shift = shift.clamp(0, 62);
	let mult = (real * 2f64.powi(shift)).round();
	if mult >= 2f64.powi(31) {
		return match shift {
			// Rounded up to 2³¹, or beyond any multiplier.
			1.. => ((mult / 2.0).min(f64::from(i32::MAX)) as i32, (shift - 1) as u8),
			_ => (i32::MAX, 0),
		};
	}
	(mult as i32, shift as u8)
}

/// The right shift under which every one of `factors` fits 31 bits: what the two operands of an add share.
fn common_shift(factors: impl Iterator<Item = f64>) -> u8 {
	let greatest = factors.map(f64::abs).fold(0.0, f64::max);
	if greatest <= 0.0 {
		return 0;
	}
	(29 - greatest.log2().floor() as i32).clamp(0, 62) as u8
}

impl FloatModel {
	/// The weights blob of this model: per-channel symmetric `I8` weights; `bias = round(b / (s_x · s_w))`;
	/// `mult / 2^shift = s_x · s_w / s_y`; tables as they are.
	pub fn quantise(&self) -> Result<Vec<u8>, EngineError> {
		let _guard = tch::no_grad_guard();
		let channels = self.channel_scales()?;
		let first = self.graph.inputs.len();
		let mut params: Vec<Option<Vec<i32>>> = vec![None; self.graph.params.len()];
		for l in &self.plan.linear {
			let node = &self.graph.nodes[l.node];
			let Some(scales) = channels.get(&l.group) else { continue };
			let s_x = self.value_scale(usize::from(node.inputs[0]));
			let s_y = self.value_scale(first + l.node);
			let real = doubles(scales)?;
			let weight = doubles(&fake::weight_integers(self.weight(l.weight)?, scales)?)?;
			let bias = doubles(self.bias(l.requant.bias)?)?;
			let (mults, shifts): (Vec<i32>, Vec<i32>) = real
				.iter()
				.map(|s_w| multiplier(s_x * s_w / s_y))
				.map(|(mult, shift)| (mult, i32::from(shift)))
				.unzip();
			// `as` saturates, and channel scales keep a bias far below the limit.
			let bias =
				bias.iter().zip(&real).map(|(b, s_w)| (b / (s_x * s_w) + 0.5).floor() as i32).collect();
			let weight = weight.iter().map(|&w| w as i32).collect();
			for (param, values) in [
				(l.weight, weight),
				(l.requant.bias, bias),
				(l.requant.mult, mults),
				(l.requant.shift, shifts),
			] {
				params[usize::from(param)].get_or_insert(values);
			}
		}
		self.quantise_adds(&mut params);
		for (&param, table) in &self.tables {
			params[usize::from(param)] = Some(table.values.clone());
		}
		let mut blob = Vec::with_capacity(self.graph.param_bytes() as usize);
		for (values, t) in params.iter().zip(&self.graph.params) {
			let values = values.as_ref().ok_or(EngineError::NotTrainable("a parameter was not set"))?;
			blob.extend(to_bytes(values, t.dtype));
		}
		Ok(blob)
	}

	fn quantise_adds(&self, params: &mut [Option<Vec<i32>>]) {
		let first = self.graph.inputs.len();
		// Each add: its multipliers' parameters and factors, and its shift's parameter.
		let adds: Vec<([(u16, f64); 2], u16)> = self
			.graph
			.nodes
			.iter()
			.enumerate()
			.filter_map(|(index, node)| {
				let Op::Add { lhs_mult, rhs_mult, shift } = node.op else { return None };
				let s_y = self.value_scale(first + index);
				let factor = |param: u16, operand: usize| {
					let own = self.factors.get(&param).copied().unwrap_or(1.0);
					(param, own * self.value_scale(usize::from(node.inputs[operand])) / s_y)
				};
				Some(([factor(lhs_mult, 0), factor(rhs_mult, 1)], shift))
			})
			.collect();
		// A multiplier's integer depends on its shift, so adds that share either share the shift's value:
		// the least that any add connected to them needs.
		let mut shifts: Vec<u8> =
			adds.iter().map(|(factors, _)| common_shift(factors.iter().map(|f| f.1))).collect();
		let connected = |a: &([(u16, f64); 2], u16), b: &([(u16, f64); 2], u16)| {
			a.1 == b.1 || a.0.iter().any(|x| b.0.iter().any(|y| x.0 == y.0))
		};
		for _ in 0..adds.len() {
			for i in 0..adds.len() {
				for j in 0..i {
					if connected(&adds[i], &adds[j]) {
						let least = shifts[i].min(shifts[j]);
						(shifts[i], shifts[j]) = (least, least);
					}
				}
			}
		}
		for ((factors, shift_param), shift) in adds.iter().zip(shifts) {
			for (param, factor) in factors {
				let mult = (factor * 2f64.powi(i32::from(shift))).round() as i32;
				params[usize::from(*param)].get_or_insert(vec![mult]);
			}
			params[usize::from(*shift_param)].get_or_insert(vec![i32::from(shift)]);
		}
	}
}

/// Random weights for a new model's version 0: a float model from `seed`, quantised with the scales that
/// `sample` (records of the objective's data; may be empty) calls for.
///
/// # Errors
///
/// As [`FloatModel::from_seed`].
pub fn random_weights(
	graph: &Graph,
	objective: &Objective,
	seed: u64,
	tables: &Tables,
	sample: &[u8],
) -> Result<Vec<u8>, EngineError> {
	let sample = Records::of(graph, objective, sample)?;
	let device = DeviceChoice::Cpu.for_training();
	FloatModel::from_seed(graph, objective, seed, tables, &sample, device)?.quantise()
}

fn doubles(t: &Tensor) -> Result<Vec<f64>, EngineError> {
	let t = t.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Double)?.f_contiguous()?;
	let mut values = vec![0.0; t.numel()];
	t.f_copy_data(&mut values, t.numel())?;
	Ok(values)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_multiplier_is_within_half_a_unit_in_31_bits() {
		for exponent in -300..=300 {
			let real = 1.234_567_89 * 10f64.powf(f64::from(exponent) / 40.0);
			let (mult, shift) = multiplier(real);
			let back = f64::from(mult) / 2f64.powi(i32::from(shift));
			assert!((back / real - 1.0).abs() < 2f64.powi(-30), "{real}: {mult} >> {shift}");
		}
	}

	#[test]
	fn a_multiplier_that_rounds_up_to_a_power_of_two_still_fits() {
		let (mult, shift) = multiplier(1.0 - 2f64.powi(-40));
		assert_eq!((mult, shift), (1 << 30, 30));
	}

	#[test]
	fn factors_out_of_range_become_the_nearest() {
		assert_eq!(multiplier(1e300), (i32::MAX, 0));
		assert_eq!(multiplier(1e-300), (0, 62));
		assert_eq!(multiplier(f64::NAN), (0, 0));
	}
}
