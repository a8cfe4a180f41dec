//! Whether a series is flat.

use crate::sample::{Group, Measure, Series};

/// The part of a run, from its beginning, in which caches fill and pools grow: it counts for nothing.
const WARM_UP: f64 = 0.2;
/// At most so many points make a slope: it looks at every pair of them.
const POINTS: usize = 1_000;

/// What a series came to, once it was warm.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Figures {
	/// The median of the first third.
	pub(crate) first: f64,
	/// The median of the last third.
	pub(crate) last: f64,
	/// How much it grows in an hour.
	pub(crate) hourly: f64,
	/// For how many hours it was looked at.
	pub(crate) hours: f64,
}

/// The middle one; of two the mean.
fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
	let mut values: Vec<f64> = values.into_iter().collect();
	values.sort_by(f64::total_cmp);
	let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
	Some((low + high) / 2.0)
}

/// The slope by Theil and Sen: the median of the slopes between all pairs of points. Up to 29 % of the points can be
/// anything, and it stays what it is.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
	let thinned: Vec<_> = points.iter().step_by(points.len().div_ceil(POINTS).max(1)).collect();
	let pairs = thinned.iter().enumerate().flat_map(|(at, (x, y))| {
		let later = thinned.iter().skip(at + 1).filter(move |(other, _)| other > x);
		later.map(move |(other, value)| (value - y) / (other - x))
	});
	median(pairs)
}

/// The points that count.
fn warm(points: &[(f64, f64)]) -> &[(f64, f64)] {
	let end = points.last().map_or(0.0, |(at, _)| *at);
	let from = points.partition_point(|(at, _)| *at < WARM_UP * end);
	points.get(from..).unwrap_or_default()
}

/// What some points came to; nothing if they are too few.
pub(crate) fn figures(points: &[(f64, f64)]) -> Option<Figures> {
	let points = warm(points);
	let third = points.len() / 3;
	let value = |(_, value): &(f64, f64)| *value;
	let first = median(points.get(..third)?.iter().map(value))?;
	let last = median(points.get(points.len() - third..)?.iter().map(value))?;
	let hours = (points.last()?.0 - points.first()?.0) / 3_600.0;
	Some(Figures { first, last, hourly: 3_600.0 * slope(points)?, hours })
}

/// How much a measure may grow: at once, because nothing is quite the same at two times, and in each hour.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
	pub(crate) once: f64,
	pub(crate) hourly: f64,
}

/// The bound of a measure; nothing for what grows by its nature: the blocks of a chain.
pub(crate) fn bound(group: Group, measure: Measure) -> Option<Bound> {
	let of = |once, hourly| Some(Bound { once, hourly });
	match (measure, group) {
		(Measure::Memory, Group::Node) => of(24.0, 16.0),
		(Measure::Memory, Group::Worker) => of(12.0, 8.0),
		(Measure::Files | Measure::Threads | Measure::Tasks, _) => of(10.0, 10.0),
		(Measure::Disk, Group::Worker) => of(4.0, 4.0),
		(Measure::Disk, Group::Node) => None,
	}
}

/// What is wrong with a growth, if it is too much: both by the slope, and from the first third to the last.
fn excess(figures: &Figures, bound: Bound) -> Option<String> {
	let allowed = bound.once + bound.hourly * figures.hours;
	let grown = figures.hourly * figures.hours;
	let risen = figures.last - figures.first;
	(grown > allowed || risen > allowed).then(|| {
		format!(
			"grew from {:.1} to {:.1}, by {:.1} an hour, where {allowed:.1} are allowed in {:.0} minutes",
			figures.first,
			figures.last,
			figures.hourly,
			60.0 * figures.hours
		)
	})
}

/// What a node's memory may grow by with its database's log. What has been written and is not in the tables yet is in
/// memory too, until there are 64 MiB of it: three bytes for one, with the tables that find it.
fn with_log(series: &Series) -> f64 {
	let waiting: Vec<_> = series.samples.iter().map(|sample| (sample.at, sample.waiting)).collect();
	let waiting = warm(&waiting).iter().map(|(_, mebibytes)| *mebibytes);
	let (least, most) = waiting.fold((f64::MAX, 0.0), |(least, most), one| (one.min(least), one.max(most)));
	3.0 * (most - least).max(0.0)
}

/// What is not flat of a process.
pub(crate) fn not_flat(series: &Series) -> Vec<String> {
	let fault = |measure: Measure| {
		let found = figures(&series.points(measure));
		let bound = bound(series.of.group, measure).map(|bound| match measure {
			Measure::Memory => Bound { once: bound.once + with_log(series), ..bound },
			_ => bound,
		});
		match (bound, found) {
			(Some(bound), Some(found)) => excess(&found, bound),
			_ => None,
		}
		.map(|fault| format!("{}, {}: {fault}", series.of.name, measure.name()))
	};
	Measure::ALL.into_iter().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Samples of so many minutes, each 5 s, of what a function says.
	fn over(minutes: u32, of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
		(0..=minutes * 12).map(|step| f64::from(step) * 5.0).map(|at| (at, of(at))).collect()
	}

	fn is_too_much(points: &[(f64, f64)], group: Group, measure: Measure) -> bool {
		excess(&figures(points).unwrap(), bound(group, measure).unwrap()).is_some()
	}

	#[test]
	fn caches_that_fill_at_first_are_no_leak() {
		let filling = over(5, |at| 100.0 + 80.0 * (at / 50.0).min(1.0));
		let found = figures(&filling).unwrap();
		assert_eq!((found.first, found.last, found.hourly), (180.0, 180.0, 0.0));
		assert!(!is_too_much(&filling, Group::Node, Measure::Memory));
	}

	#[test]
	fn peaks_are_no_leak() {
		let peaks = over(5, |at| if (at as u64).is_multiple_of(20) { 400.0 } else { 100.0 });
		assert!(!is_too_much(&peaks, Group::Worker, Measure::Memory));
	}

	#[test]
	fn ten_mebibytes_a_minute_are_a_leak_in_five_minutes_and_half_a_one_in_an_hour() {
		let leak = |minutes, a_minute: f64| over(minutes, |at| 100.0 + a_minute * at / 60.0);
		assert!(is_too_much(&leak(5, 10.0), Group::Node, Measure::Memory));
		assert!(is_too_much(&leak(5, 5.0), Group::Worker, Measure::Memory));
		assert!(is_too_much(&leak(60, 1.0), Group::Node, Measure::Memory));
		assert!(is_too_much(&leak(60, 0.5), Group::Worker, Measure::Memory));
	}

	#[test]
	fn a_file_that_each_submission_leaves_open_is_a_leak() {
		let leak = over(5, |at| 60.0 + (at / 15.0).floor());
		assert!(is_too_much(&leak, Group::Worker, Measure::Files));
		assert!(is_too_much(&leak, Group::Node, Measure::Tasks));
		let threads = over(60, |at| 30.0 + at / 60.0);
		assert!(is_too_much(&threads, Group::Node, Measure::Threads));
	}

	#[test]
	fn what_jumps_late_is_not_flat() {
		let jump = over(5, |at| if at < 240.0 { 100.0 } else { 200.0 });
		assert!(is_too_much(&jump, Group::Node, Measure::Memory));
	}

	#[test]
	fn the_slope_does_not_look_at_outliers() {
		let points: Vec<_> = (0..3_000u32)
			.map(|step| (f64::from(step), if step.is_multiple_of(5) { 1e9 } else { 2.0 * f64::from(step) }))
			.collect();
		assert!((slope(&points[1..]).unwrap() - 2.0).abs() < 1e-9);
		assert_eq!(slope(&points[..1]), None);
		assert_eq!(figures(&points[..2]), None);
	}
}
