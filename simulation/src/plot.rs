//! Plots: a panel a strategy, a line a share, by weeks.

use crate::{
	days::{Outcome, Sample},
	population::{HIGHEST, Strategy},
};
use std::fmt::{Result, Write};

/// Colours that people with weak colour vision can tell apart (Okabe and Ito).
const COLOURS: [&str; 6] = ["#56b4e9", "#009e73", "#e69f00", "#d55e00", "#0072b2", "#cc79a7"];
const LEFT: f64 = 50.0;
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 150.0;
/// From a panel to the next.
const COLUMN: f64 = LEFT + WIDTH + 20.0;
const ROW: f64 = HEIGHT + 70.0;
const HEAD: f64 = 30.0;

/// A line of a panel.
struct Line {
	values: Vec<f64>,
	colour: &'static str,
	dashed: bool,
}

/// The head of a picture that is so large.
fn open(svg: &mut String, width: f64, height: f64, title: &str) -> Result {
	writeln!(
		svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\">"
	)?;
	writeln!(svg, "<title>{title}</title>")?;
	writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")
}

/// A frame from 0 to `top`, with what the values are called there, and lines in it; a value a week.
fn panel(svg: &mut String, at: (f64, f64), name: &str, top: (f64, &str), lines: &[Line]) -> Result {
	let weeks = lines.iter().map(|line| line.values.len()).max().unwrap_or_default().max(2);
	let x = |week: f64| at.0 + LEFT + WIDTH * week / (weeks - 1) as f64;
	let y = |value: f64| at.1 + HEIGHT * (1.0 - value / top.0);
	let (left, right, bottom) = (x(0.0), at.0 + LEFT + WIDTH, y(0.0));
	writeln!(svg, "<text x=\"{left:.0}\" y=\"{:.0}\" font-weight=\"bold\">{name}</text>", at.1 - 8.0)?;
	for quarter in 0..=4 {
		let part = f64::from(quarter) / 4.0;
		let y = y(top.0 * part);
		writeln!(svg, "<path d=\"M{left:.0} {y:.1}H{right:.0}\" stroke=\"#dddddd\"/>")?;
		let (x, y, unit) = (left - 6.0, y + 4.0, top.1);
		let value = if unit.is_empty() { top.0 * part } else { 100.0 * part };
		writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.1}\" text-anchor=\"end\">{value:.0}{unit}</text>")?;
	}
	for week in (0..weeks).step_by(13) {
		let (x, y) = (x(week as f64), bottom + 17.0);
		writeln!(svg, "<path d=\"M{x:.1} {bottom:.0}v4\" stroke=\"#333333\"/>")?;
		writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.0}\" text-anchor=\"middle\">{week}</text>")?;
	}
	for Line { values, colour, dashed } in lines {
		let mut path = String::new();
		for (week, value) in values.iter().enumerate() {
			let letter = if week == 0 { 'M' } else { 'L' };
			write!(path, "{letter}{:.1} {:.1}", x(week as f64), y(*value))?;
		}
		let (dash, width) = if *dashed { (" stroke-dasharray=\"3 3\"", 1.0) } else { ("", 1.6) };
		writeln!(
			svg,
			"<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}/>"
		)?;
	}
	let (x, y) = (left + WIDTH / 2.0, bottom + 34.0);
	writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\">weeks</text>")
}

/// What a line of a colour means.
fn key(svg: &mut String, at: (f64, f64), colour: &str, dashed: bool, text: &str) -> Result {
	let dash = if dashed { " stroke-dasharray=\"3 3\"" } else { "" };
	let (x, y) = at;
	writeln!(svg, "<path d=\"M{x:.0} {:.0}h24\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", y - 4.0)?;
	writeln!(svg, "<text x=\"{:.0}\" y=\"{y:.0}\">{text}</text>", x + 30.0)
}

/// The malicious share of something in each strategy, for each share of accounts or stake, beside what it is
/// by stake alone.
pub fn shares(
	title: &str,
	runs: &[&Outcome],
	of: fn(&Sample) -> f64,
	by_stake: fn(&Sample) -> f64,
) -> std::result::Result<String, std::fmt::Error> {
	let mut svg = String::new();
	open(&mut svg, 3.0 * COLUMN, HEAD + 2.0 * ROW, title)?;
	let mut given: Vec<f64> = runs.iter().map(|run| run.setup.share).collect();
	given.sort_by(f64::total_cmp);
	given.dedup();
	for (number, strategy) in Strategy::ALL.into_iter().enumerate() {
		let at = ((number % 3) as f64 * COLUMN, HEAD + (number / 3) as f64 * ROW);
		let mut lines = Vec::new();
		for run in runs.iter().filter(|run| run.setup.strategy == strategy) {
			let of_share = given.iter().position(|share| *share == run.setup.share);
			let colour = of_share.and_then(|index| COLOURS.get(index)).copied().unwrap_or("#000000");
			lines.push(Line { values: run.weekly(by_stake), colour, dashed: true });
			lines.push(Line { values: run.weekly(of), colour, dashed: false });
		}
		panel(&mut svg, at, strategy.name(), (1.0, " %"), &lines)?;
	}
	let at = (2.0 * COLUMN + LEFT, HEAD + ROW + 12.0);
	for (number, (share, colour)) in given.iter().zip(COLOURS).enumerate() {
		let text = format!("f = {share}");
		key(&mut svg, (at.0, at.1 + number as f64 * 20.0), colour, false, &text)?;
	}
	key(&mut svg, (at.0, at.1 + given.len() as f64 * 20.0), "#666666", true, "by stake alone")?;
	svg.push_str("</svg>\n");
	Ok(svg)
}

/// How many accounts have come how far, where nobody is malicious.
pub fn tiers(honest: &Outcome) -> std::result::Result<String, std::fmt::Error> {
	let mut svg = String::new();
	open(&mut svg, COLUMN + 130.0, HEAD + ROW, "Accounts that have at least each tier, all honest")?;
	let mut lines = Vec::new();
	for (tier, colour) in (1..=HIGHEST).zip(COLOURS) {
		let at_least = |day: &[u32; HIGHEST + 1]| f64::from(day.iter().skip(tier).sum::<u32>());
		let values = honest.tiers.iter().step_by(7).map(at_least).collect();
		lines.push(Line { values, colour, dashed: false });
		let at = (COLUMN, HEAD + tier as f64 * 20.0);
		key(&mut svg, at, colour, false, &format!("tier {tier} or higher"))?;
	}
	panel(&mut svg, (0.0, HEAD), "accounts", (honest.setup.accounts as f64, ""), &lines)?;
	svg.push_str("</svg>\n");
	Ok(svg)
}
