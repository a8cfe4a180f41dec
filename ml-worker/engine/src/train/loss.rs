//! What training minimises.

use crate::EngineError;
use oda_evaluator::{Objective, model::Metric};
use tch::{Kind, Reduction, Tensor};

/// A class index that does not count, in libtorch.
const IGNORED: i64 = -100;

/// The loss of real outputs against integer targets: mean cross-entropy in nats for accuracy and
/// cross-entropy (Ladder steps in accuracy have no gradient), mean squared error in real units for squared
/// error. Targets to ignore and classes out of range do not count.
pub(crate) fn loss(
	objective: &Objective,
	output: &Tensor,
	target: &Tensor,
	output_scale: f64,
	smoothing: f64,
) -> Result<Tensor, EngineError> {
	match objective.metric {
		Metric::Accuracy | Metric::CrossEntropy { .. } => {
			cross_entropy(output, target, objective.target.ignore, smoothing)
		}
		Metric::SquaredError => {
			let real = target.f_to_kind(Kind::Float)?.f_multiply_scalar(output_scale)?;
			let square = output.f_sub(&real)?.f_square()?;
			let Some(ignore) = objective.target.ignore else { return Ok(square.f_mean(Kind::Float)?) };
			let counts = target.f_ne(i64::from(ignore))?.f_to_kind(Kind::Float)?;
			let n = counts.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
			Ok(square.f_mul(&counts)?.f_sum(Kind::Float)?.f_div(&n)?)
		}
	}
}

/// Mean cross-entropy in nats of logits `[n, .., classes]` against class indices `[n, ..]`.
pub(crate) fn cross_entropy(
	logits: &Tensor,
	target: &Tensor,
	ignore: Option<i32>,
	smoothing: f64,
) -> Result<Tensor, EngineError> {
	let classes = logits.size().last().copied().unwrap_or(1);
	let target = classes_of(target, classes, ignore)?;
	let n = target.f_ne(IGNORED)?.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
	let logits = logits.f_reshape([-1, classes])?;
	let sum = logits.f_cross_entropy_loss(&target, None::<&Tensor>, Reduction::Sum, IGNORED, smoothing)?;
	Ok(sum.f_div(&n)?)
}

/// The targets as one list, with what does not count as [`IGNORED`].
fn classes_of(target: &Tensor, classes: i64, ignore: Option<i32>) -> Result<Tensor, EngineError> {
	let target = target.f_reshape([-1])?;
	let mut void = target.f_lt(0)?.f_logical_or(&target.f_ge(classes)?)?;
	if let Some(ignore) = ignore {
		void = void.f_logical_or(&target.f_eq(i64::from(ignore))?)?;
	}
	Ok(target.f_masked_fill(&void, IGNORED)?)
}

/// How many positions have their target as greatest logit, and how many count.
pub(crate) fn correct(
	logits: &Tensor,
	target: &Tensor,
	ignore: Option<i32>,
) -> Result<(u64, u64), EngineError> {
	let classes = logits.size().last().copied().unwrap_or(1);
	let target = target.f_reshape([-1])?;
	let right = logits.f_reshape([-1, classes])?.f_argmax(-1, false)?.f_eq_tensor(&target)?;
	let counts = match ignore {
		Some(ignore) => target.f_ne(i64::from(ignore))?,
		None => target.f_ones_like()?.f_to_kind(Kind::Bool)?,
	};
	let right = right.f_logical_and(&counts)?;
	let number = |t: &Tensor| -> Result<u64, EngineError> {
		Ok(t.f_sum(Kind::Int64)?.f_int64_value(&[])?.unsigned_abs())
	};
	Ok((number(&right)?, number(&counts)?))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn equal_logits_cost_the_logarithm_of_their_number() {
		let logits = Tensor::zeros([2, 4], (Kind::Float, tch::Device::Cpu));
		let target = Tensor::from_slice(&[0i64, 3]);
		let loss = cross_entropy(&logits, &target, None, 0.0).unwrap().double_value(&[]);
		assert!((loss - 4f64.ln()).abs() < 1e-6);
	}

	#[test]
	fn ignored_and_impossible_targets_do_not_count() {
		let logits = Tensor::from_slice(&[5.0f32, 0.0, 0.0, 5.0, 5.0, 0.0]).reshape([3, 2]);
		let some = cross_entropy(&logits, &Tensor::from_slice(&[0i64, 7, 9]), Some(9), 0.0).unwrap();
		let one = cross_entropy(&logits.narrow(0, 0, 1), &Tensor::from_slice(&[0i64]), None, 0.0).unwrap();
		assert!((some.double_value(&[]) - one.double_value(&[])).abs() < 1e-6);
	}

	#[test]
	fn a_batch_without_targets_costs_nothing() {
		let logits = Tensor::zeros([1, 2], (Kind::Float, tch::Device::Cpu));
		let loss = cross_entropy(&logits, &Tensor::from_slice(&[9i64]), Some(9), 0.0).unwrap();
		assert_eq!(loss.double_value(&[]), 0.0);
	}

	#[test]
	fn correct_answers_are_counted() {
		let logits = Tensor::from_slice(&[5.0f32, 0.0, 0.0, 5.0, 5.0, 0.0]).reshape([3, 2]);
		let target = Tensor::from_slice(&[0i64, 0, 1]);
		assert_eq!(correct(&logits, &target, None).unwrap(), (1, 3));
		assert_eq!(correct(&logits, &target, Some(1)).unwrap(), (1, 2));
	}
}
