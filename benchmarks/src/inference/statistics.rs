//! The arithmetic of measurements.

/// The value that this part of all does not exceed, by the nearest rank; 0 of nothing.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
	let mut sorted = values.to_vec();
	sorted.sort_by(f64::total_cmp);
	#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among the values")]
	let rank = (part * sorted.len() as f64).ceil() as usize;
	sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
}

/// The value in the middle; of an even number, the mean of the two there; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
	let mut sorted = values.to_vec();
	sorted.sort_by(f64::total_cmp);
	let (lower, upper) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
	match (sorted.get(lower), sorted.get(upper)) {
		(Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
		_ => 0.0,
	}
}

/// Which part of `whole` is more than `without`.
pub(crate) fn share(whole: f64, without: f64) -> f64 {
	1.0 - without / whole
}

/// By how much each of these values exceeds the one before, on the line that fits them best, and the standard
/// error of that; `None` of fewer than three.
pub(crate) fn growth(values: &[f64]) -> Option<[f64; 2]> {
	let count = values.len() as f64;
	let free = count - 2.0;
	if free < 1.0 {
		return None;
	}
	let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
	let points = || (0u32..).map(|at| f64::from(at) - middle).zip(values.iter().map(|value| value - mean));
	let squares: f64 = points().map(|(x, _)| x * x).sum();
	let slope = points().map(|(x, y)| x * y).sum::<f64>() / squares;
	let off: f64 = points().map(|(x, y)| (y - slope * x).powi(2)).sum();
	Some([slope, (off / free / squares).sqrt()])
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_quantile_is_a_value_of_which_so_many_are_not_above() {
		let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
		let of = |part| quantile(&values, part);
		assert_eq!([of(0.0), of(0.5), of(0.99), of(1.0)], [1.0, 50.0, 99.0, 100.0]);
		assert_eq!((quantile(&[7.0], 0.99), quantile(&[], 0.5)), (7.0, 0.0));
	}

	#[test]
	fn a_median_lies_in_the_middle() {
		assert_eq!([median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 3.0, 2.0]), median(&[])], [2.0, 2.5, 0.0]);
	}

	#[test]
	fn a_share_is_what_the_rest_is_not() {
		assert_eq!([share(4.0, 3.0), share(4.0, 4.0), share(4.0, 5.0)], [0.25, 0.0, -0.25]);
	}

	#[test]
	fn growth_is_that_of_the_line_and_its_error_that_of_what_is_off_the_line() {
		assert_eq!(growth(&[1.0, 3.0, 5.0]), Some([2.0, 0.0]));
		assert_eq!(growth(&[1.0, 3.0, 3.0, 1.0]), Some([0.0, 0.4_f64.sqrt()]));
		assert_eq!([growth(&[1.0, 2.0]), growth(&[])], [None, None]);
	}
}
