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

/// How fast the values of a line through these points grow, in one of their `x`; 0 if all have the same `x`.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
	let count = points.len() as f64;
	let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
	let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), point| {
		let dx = point.0 - x;
		(above + dx * (point.1 - y), below + dx * dx)
	});
	if below > 0.0 { above / below } else { 0.0 }
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
	fn a_slope_is_that_of_the_line_through_the_points() {
		assert_eq!(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]), 2.0);
		assert_eq!(slope(&[(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)]), 0.0);
		assert_eq!([slope(&[(1.0, 5.0)]), slope(&[])], [0.0, 0.0]);
	}
}
