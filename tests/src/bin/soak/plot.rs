//! The plot: a row a measure, nodes on the left and workers on the right, a line a process.

use crate::sample::{Group, Measure, Series};
use std::fmt::Write;

/// Colours that people with weak colour vision can tell apart (Okabe and Ito).
const COLOURS: [&str; 8] =
	["#000000", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#999999"];
const LEFT: f64 = 70.0;
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 130.0;
/// From a column to the next.
const COLUMN: f64 = LEFT + WIDTH + 30.0;
/// From a row to the next.
const ROW: f64 = HEIGHT + 60.0;
/// Above the first row: names of processes.
const HEAD: f64 = 90.0;

/// A value of 1, 2 or 5 times a power of ten, such that a few of it make up the whole.
fn step(whole: f64) -> f64 {
	let rough = (whole / 4.0).max(1e-9);
	let power = 10f64.powf(rough.log10().floor());
	let factors = [1.0, 2.0, 5.0, 10.0];
	factors.into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough)
}

/// A panel's frame, and what is in it.
fn panel(svg: &mut String, at: (f64, f64), measure: Measure, all: &[&Series]) -> std::fmt::Result {
	let points: Vec<_> = all.iter().map(|series| series.points(measure)).collect();
	let values = || points.iter().flatten();
	let end = values().map(|(at, _)| at / 60.0).fold(0.1, f64::max);
	let most = values().map(|(_, value)| *value).fold(1.0, f64::max);
	let (step_x, step_y) = (step(end), step(most));
	let top = (most / step_y).ceil() * step_y;
	let x = |minutes: f64| at.0 + LEFT + WIDTH * minutes / end;
	let y = |value: f64| at.1 + HEIGHT * (1.0 - value / top);
	let (left, right, bottom) = (x(0.0), x(end), y(0.0));
	writeln!(
		svg,
		"<text x=\"{left:.0}\" y=\"{:.0}\" font-weight=\"bold\">{}</text>",
		at.1 - 8.0,
		measure.name()
	)?;
	let mut value = 0.0;
	while value <= top + step_y / 2.0 {
		let y = y(value);
		writeln!(svg, "<path d=\"M{left:.0} {y:.1}H{right:.0}\" stroke=\"#dddddd\"/>")?;
		writeln!(
			svg,
			"<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
			left - 6.0,
			y + 4.0
		)?;
		value += step_y;
	}
	let mut minutes = 0.0;
	while minutes <= end + 1e-6 {
		let x = x(minutes);
		writeln!(svg, "<path d=\"M{x:.1} {bottom:.0}v4\" stroke=\"#333333\"/>")?;
		writeln!(
			svg,
			"<text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{minutes}</text>",
			bottom + 17.0
		)?;
		minutes += step_x;
	}
	for (points, colour) in points.iter().zip(COLOURS) {
		let mut path = String::new();
		for (at, value) in points {
			let letter = if path.is_empty() { 'M' } else { 'L' };
			write!(path, "{letter}{:.1} {:.1}", x(at / 60.0), y(*value))?;
		}
		if !path.is_empty() {
			writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\"/>")?;
		}
	}
	Ok(())
}

/// The picture as SVG.
pub(crate) fn picture(series: &[Series]) -> Result<String, std::fmt::Error> {
	let mut svg = String::new();
	let (width, height) = (2.0 * COLUMN, HEAD + ROW * Measure::ALL.len() as f64 + 10.0);
	writeln!(
		svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\">"
	)?;
	writeln!(svg, "<title>What the processes take, by minutes of load: nodes left, workers right</title>")?;
	writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")?;
	for (group, left) in [(Group::Node, 0.0), (Group::Worker, COLUMN)] {
		let all: Vec<_> = series.iter().filter(|series| series.of.group == group).collect();
		for (number, (series, colour)) in all.iter().zip(COLOURS).enumerate() {
			let (x, y) = (left + LEFT + (number % 3) as f64 * 140.0, 20.0 + (number / 3) as f64 * 18.0);
			writeln!(svg, "<path d=\"M{x:.0} {:.0}h16\" stroke=\"{colour}\" stroke-width=\"3\"/>", y - 4.0)?;
			writeln!(svg, "<text x=\"{:.0}\" y=\"{y:.0}\">{}</text>", x + 22.0, series.of.name)?;
		}
		for (row, measure) in Measure::ALL.into_iter().enumerate() {
			panel(&mut svg, (left, HEAD + row as f64 * ROW), measure, &all)?;
		}
		let (x, y) = (left + LEFT + WIDTH / 2.0, height - 8.0);
		writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\">minutes of load</text>")?;
	}
	svg.push_str("</svg>\n");
	Ok(svg)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_few_round_steps_make_up_the_whole() {
		for (whole, expected) in [(1.0, 0.5), (5.0, 2.0), (60.0, 20.0), (173.0, 50.0), (4_000.0, 1_000.0)] {
			assert!((step(whole) - expected).abs() < 1e-9, "{whole}: {}", step(whole));
		}
	}
}
