//! Metrics: how good one output is, as an `i32`; higher is better.

use crate::{
	graph::TensorType,
	model::{Metric, Objective},
	tensor::Tensor,
};

/// The greatest loss of one position under cross-entropy, bits × 2¹⁶: what a target out of range scores.
pub const MAX_LOSS: u64 = 128 << 16;

/// `round(2³⁰ · 2^(−k / 256))` for `k` in `0..=256`, little-endian `u32`s.
static EXP2: &[u8] = include_bytes!("../tables/exp2.u32le");

/// `round(2¹⁶ · log2(1 + k / 256))` for `k` in `0..=256`, little-endian `u32`s.
static LOG2: &[u8] = include_bytes!("../tables/log2.u32le");

/// A table's value at `fraction / 2¹⁶`, linear between its entries, rounded towards the lower index.
fn interpolate(table: &[u8], fraction: u64) -> u64 {
	let entries = table.as_chunks::<4>().0;
	let index = usize::try_from(fraction.wrapping_shr(8)).unwrap_or(usize::MAX);
	let entry = |i: usize| entries.get(i).map_or(0, |e| u64::from(u32::from_le_bytes(*e)));
	let (from, to) = (entry(index), entry(index.saturating_add(1)));
	let step = from.abs_diff(to).saturating_mul(fraction & 0xff).wrapping_shr(8);
	if to < from { from.saturating_sub(step) } else { from.saturating_add(step) }
}

/// `−log2 softmax(logits)[target]` in bits × 2¹⁶, a logit `l` meaning `2^(l / 2^scale)`.
fn cross_entropy(logits: impl Iterator<Item = i32> + Clone, target: i32, scale: u8) -> u64 {
	let class = usize::try_from(target).ok().and_then(|t| logits.clone().nth(t));
	let (Some(class), Some(greatest)) = (class, logits.clone().max()) else {
		return MAX_LOSS;
	};
	let widen = 16u32.saturating_sub(scale.into());
	let one = 1u64.wrapping_shl(scale.into());
	let sum = logits.fold(0u64, |sum, logit| {
		let below = u64::from(greatest.abs_diff(logit));
		let fraction = (below & one.saturating_sub(1)).wrapping_shl(widen);
		let whole = u32::try_from(below.wrapping_shr(scale.into())).unwrap_or(u32::MAX);
		let term = interpolate(EXP2, fraction).checked_shr(whole).unwrap_or(0);
		sum.saturating_add(term)
	});
	// The greatest logit alone gives 2³⁰, so the logarithm is not negative.
	let top = 63u32.saturating_sub(sum.leading_zeros());
	let normal = sum.wrapping_shl(sum.leading_zeros());
	let fraction = normal.wrapping_shr(47) & 0xffff;
	u64::from(top.saturating_sub(30))
		.wrapping_shl(16)
		.saturating_add(interpolate(LOG2, fraction))
		.saturating_add(u64::from(greatest.abs_diff(class)).wrapping_shl(widen))
		.min(MAX_LOSS)
}

/// The index of the greatest logit; of equals, the lowest.
fn argmax(logits: impl Iterator<Item = i32>) -> Option<usize> {
	let mut best: Option<(usize, i32)> = None;
	for (index, logit) in logits.enumerate() {
		if best.is_none_or(|(_, most)| logit > most) {
			best = Some((index, logit));
		}
	}
	best.map(|(index, _)| index)
}

impl Objective {
	/// The score of one output against the record's target bytes.
	///
	/// Total: a target out of range, or an output or target of another size than the model's, scores the
	/// metric's worst, never an error.
	pub fn score(&self, output: &Tensor, output_type: &TensorType, target: &[u8]) -> i32 {
		let target = Tensor::from_le_bytes(&self.target.tensor, target);
		let target = |index: usize| target.as_ref().and_then(|t| t.get(index));
		let counts = |t: &Option<i32>| t.is_none() || *t != self.target.ignore;
		let last = output_type.shape.last().map_or(1, |&n| crate::ops::index(n)).max(1);
		let positions = output.len().checked_div(last).unwrap_or_default();
		let logits = |position: usize| {
			let start = position.saturating_mul(last);
			(start..start.saturating_add(last)).map_while(|i| output.get(i))
		};
		match self.metric {
			Metric::Accuracy => (0..positions).fold(0i32, |sum, p| {
				let t = target(p);
				let right = t.and_then(|t| usize::try_from(t).ok()) == argmax(logits(p));
				sum.saturating_add((t.is_some() && counts(&t) && right).into())
			}),
			Metric::CrossEntropy { logit_scale_log2 } => {
				let loss = (0..positions).fold(0u64, |sum, p| {
					let t = target(p);
					if !counts(&t) {
						return sum;
					}
					let loss = t.map_or(MAX_LOSS, |t| cross_entropy(logits(p), t, logit_scale_log2));
					sum.saturating_add(loss)
				});
				negative(loss)
			}
			Metric::SquaredError => {
				let loss = (0..output.len()).fold(0u64, |sum, i| {
					let t = target(i);
					if !counts(&t) {
						return sum;
					}
					let off = t.zip(output.get(i)).map_or(u64::MAX, |(t, y)| y.abs_diff(t).into());
					sum.saturating_add(off.saturating_mul(off))
				});
				negative(loss)
			}
		}
	}
}

/// A loss as a score: minus it, at least `−i32::MAX`.
fn negative(loss: u64) -> i32 {
	i32::try_from(loss).map_or(-i32::MAX, |loss| loss.saturating_neg())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		graph::DType,
		model::{Objective, TargetSpec},
	};
	use alloc::{vec, vec::Vec};

	fn objective(metric: Metric, dtype: DType, shape: Vec<u32>) -> Objective {
		let target = TargetSpec { tensor: TensorType::new(dtype, shape), ignore: None };
		Objective { metric, target, min_improvement: 1, confidence: None }
	}

	fn score(o: &Objective, shape: &[u32], logits: &[i32], target: &[u8]) -> i32 {
		o.score(&Tensor::I32(logits.to_vec()), &TensorType::new(DType::I32, shape), target)
	}

	#[test]
	#[allow(
		clippy::float_arithmetic,
		clippy::cast_sign_loss,
		reason = "checks the tables against their formula"
	)]
	fn tables_are_their_formula() {
		for k in 0..=256u32 {
			let at = |table: &[u8]| u32::from_le_bytes(table.as_chunks::<4>().0[k as usize]);
			let x = f64::from(k) / 256.0;
			assert_eq!(at(EXP2), (2f64.powi(30) * (-x).exp2()).round() as u32);
			assert_eq!(at(LOG2), (65_536.0 * (1.0 + x).log2()).round() as u32);
		}
		assert_eq!((EXP2.len(), LOG2.len()), (257 * 4, 257 * 4));
	}

	#[test]
	fn accuracy_takes_the_lowest_of_equals() {
		let o = objective(Metric::Accuracy, DType::U8, vec![]);
		assert_eq!(score(&o, &[3], &[5, 7, 7], &[1]), 1);
		assert_eq!(score(&o, &[3], &[5, 7, 7], &[2]), 0);
	}

	#[test]
	fn accuracy_sums_over_leading_positions() {
		let o = objective(Metric::Accuracy, DType::U8, vec![2]);
		assert_eq!(score(&o, &[2, 2], &[0, 1, 1, 0], &[1, 0]), 2);
	}

	#[test]
	fn an_ignored_position_does_not_count() {
		let mut o = objective(Metric::Accuracy, DType::U8, vec![2]);
		o.target.ignore = Some(0);
		assert_eq!(score(&o, &[2, 2], &[0, 1, 1, 0], &[1, 0]), 1);
		o.metric = Metric::CrossEntropy { logit_scale_log2: 0 };
		assert_eq!(score(&o, &[2, 2], &[0, 40, 1, 0], &[1, 0]), 0);
	}

	#[test]
	fn a_target_out_of_range_scores_the_worst() {
		let mut o = objective(Metric::Accuracy, DType::I8, vec![]);
		assert_eq!(score(&o, &[2], &[0, 1], &[2]), 0);
		assert_eq!(score(&o, &[2], &[0, 1], &[255]), 0);
		o.metric = Metric::CrossEntropy { logit_scale_log2: 4 };
		assert_eq!(score(&o, &[2], &[0, 1], &[2]), -(MAX_LOSS as i32));
		assert_eq!(score(&o, &[2], &[0, 1], &[255]), -(MAX_LOSS as i32));
	}

	#[test]
	fn cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() {
		let o = objective(Metric::CrossEntropy { logit_scale_log2: 8 }, DType::U8, vec![]);
		for n in [1u32, 2, 4, 16] {
			let logits = vec![-3; n as usize];
			assert_eq!(score(&o, &[n], &logits, &[0]), -((n.ilog2() as i32) << 16));
		}
	}

	#[test]
	#[allow(clippy::float_arithmetic, reason = "checks against the real function")]
	fn cross_entropy_is_close_to_the_real_one() {
		let o = objective(Metric::CrossEntropy { logit_scale_log2: 8 }, DType::U8, vec![]);
		let mut seed = 1u64;
		for _ in 0..1_000 {
			let logits: Vec<i32> = (0..10)
				.map(|_| {
					seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
					(seed >> 33) as i32 % 2_000
				})
				.collect();
			let got = f64::from(score(&o, &[10], &logits, &[3])) / -65_536.0;
			let real = |l: i32| (f64::from(l) / 256.0).exp2();
			let want = -(real(logits[3]) / logits.iter().map(|&l| real(l)).sum::<f64>()).log2();
			assert!((got - want).abs() < 1e-4, "{got} is not {want}");
		}
	}

	#[test]
	fn cross_entropy_of_extremes_is_bounded() {
		let o = objective(Metric::CrossEntropy { logit_scale_log2: 0 }, DType::U8, vec![]);
		assert_eq!(score(&o, &[2], &[i32::MIN, i32::MAX], &[0]), -(MAX_LOSS as i32));
		assert_eq!(score(&o, &[2], &[i32::MIN, i32::MAX], &[1]), 0);
	}

	#[test]
	fn squared_error_sums_and_saturates() {
		let o = objective(Metric::SquaredError, DType::I8, vec![2]);
		assert_eq!(score(&o, &[2], &[3, -4], &[0, 0]), -25);
		assert_eq!(score(&o, &[2], &[i32::MIN, i32::MAX], &[0, 0]), -i32::MAX);
	}
}
