//! What a run writes: the figures in words and tables, all samples, and the plot.

use crate::{
	Report,
	events::EXPECTED,
	figures::{bound, figures},
	plot,
	sample::{Group, Measure, Series},
};
use anyhow::{Context, Result};
use std::{fmt::Write, fs, path::Path};

/// Between these lines of a page stand the figures.
const MARKS: [&str; 2] = ["<!-- Written by scripts/soak.sh -->", "<!-- End of what is written -->"];

/// A number with as many digits as say something.
fn short(value: f64) -> String {
	// No minus before a zero.
	let value = if value.abs() < 0.05 { 0.0 } else { value };
	if value.abs() >= 100.0 || (value - value.round()).abs() < 0.05 {
		format!("{value:.0}")
	} else {
		format!("{value:.1}")
	}
}

/// A process's line of the table.
fn row(series: &Series) -> String {
	let mut row = format!("| {} |", series.of.name);
	for measure in Measure::ALL {
		row += &match figures(&series.points(measure)) {
			Some(found) => {
				format!(" {} → {} ({}) |", short(found.first), short(found.last), short(found.hourly))
			}
			None => " |".to_owned(),
		};
	}
	row + "\n"
}

/// What a node's database grows by with each block, in KiB.
fn per_block(series: &Series, minutes: f64, blocks: u64) -> Option<f64> {
	let hourly = figures(&series.points(Measure::Disk))?.hourly;
	let blocks_an_hour = blocks as f64 / minutes * 60.0;
	Some(1_024.0 * hourly / blocks_an_hour)
}

/// The figures, as a part of a page.
pub(crate) fn figures_text(report: &Report) -> Result<String, std::fmt::Error> {
	let Report { machine, load_before, minutes, blocks, series, events, faults } = report;
	let mut text = String::new();
	let line = |text: &mut String, words: String| {
		text.push_str(&words);
		text.push('\n');
	};
	line(
		&mut text,
		format!(
			"{minutes} minutes of load on {}, {} cores, {:.0} GiB, Linux {}; `{}`. The load average before was {load_before}.",
			machine.processor, machine.cores, machine.memory_gib, machine.kernel, machine.node
		),
	);
	line(&mut text, String::new());
	match faults.as_slice() {
		[] => line(
			&mut text,
			"**Everything was flat within the bounds**, and all of what follows happened.".into(),
		),
		faults => {
			line(&mut text, "**Not everything was as it should be:**\n".into());
			for fault in faults {
				line(&mut text, format!("* {fault}"));
			}
		}
	}
	let heads = Measure::ALL.map(Measure::name).join(" | ");
	writeln!(text, "\n| process | {heads} |\n| --- |{}", " --- |".repeat(Measure::ALL.len()))?;
	for series in series {
		text.push_str(&row(series));
	}
	writeln!(
		text,
		"\nEach: the median of the first third after the warm-up, that of the last third, and in parentheses the growth an hour."
	)?;
	let growth = series.iter().filter(|series| series.of.group == Group::Node);
	let growth = growth.filter_map(|series| {
		let each = per_block(series, *minutes as f64, *blocks)?;
		Some(format!("{}: {}", series.of.name, short(each)))
	});
	writeln!(text, "\nKiB of a node's database a block: {}.", growth.collect::<Vec<_>>().join("; "))?;
	writeln!(
		text,
		"\n| what happened | times |\n| --- | --- |\n| final blocks, setting up included | {} |",
		events.blocks
	)?;
	for (event, name) in EXPECTED {
		writeln!(text, "| {name} | {} |", events.count(event))?;
	}
	Ok(text)
}

/// The bounds, as a table.
pub(crate) fn bounds() -> String {
	let mut text = "| | at once | an hour |\n| --- | --- | --- |\n".to_owned();
	for measure in Measure::ALL {
		for (group, of) in [(Group::Node, "a node"), (Group::Worker, "a worker")] {
			if let Some(bound) = bound(group, measure) {
				text += &format!("| {of}: {} | {} | {} |\n", measure.name(), bound.once, bound.hourly);
			}
		}
	}
	text
}

/// All samples, a line each.
pub(crate) fn csv(series: &[Series]) -> String {
	let mut text = "seconds,process,memory_mib,open_files,threads,tasks,disk_mib\n".to_owned();
	for one in series {
		for sample in &one.samples {
			let values =
				sample.values.map(|value| value.map_or_else(String::new, |value| format!("{value:.3}")));
			text += &format!("{:.1},\"{}\",{}\n", sample.at, one.of.name, values.join(","));
		}
	}
	text
}

/// A page with other figures between its marks.
fn replaced(page: &str, figures: &str) -> Result<String> {
	let [begin, end] = MARKS;
	let (before, rest) = page.split_once(begin).context("the page has no mark where the figures begin")?;
	let (_, after) = rest.split_once(end).context("the page has no mark where the figures end")?;
	Ok(format!("{before}{begin}\n{figures}{end}{after}"))
}

/// Writes the figures into a page, and the plot beside it, under the page's name.
pub(crate) fn write(path: &Path, report: &Report) -> Result<()> {
	let page = fs::read_to_string(path).with_context(|| path.display().to_string())?;
	let figures = format!("\n{}\n{}\n", figures_text(report)?, bounds());
	fs::write(path, replaced(&page, &figures)?)?;
	fs::write(path.with_extension("svg"), plot::picture(&report.series)?)?;
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_what_is_between_the_marks_is_replaced() {
		let [begin, end] = MARKS;
		let page = format!("# Soak\n\n{begin}\nold\n{end}\n\nmore\n");
		let once = replaced(&page, "new\n").unwrap();
		assert_eq!(once, format!("# Soak\n\n{begin}\nnew\n{end}\n\nmore\n"));
		assert_eq!(replaced(&once, "new\n").unwrap(), once);
		assert!(replaced("# Soak\n", "new\n").is_err());
	}

	#[test]
	fn numbers_are_short() {
		for (value, text) in [(-0.01, "0"), (3.0, "3"), (3.24, "3.2"), (123.4, "123"), (-7.25, "-7.2")] {
			assert_eq!(short(value), text);
		}
	}
}
