//! Prints the emission by year as a table, and draws it.
//!
//! ```text
//! cargo run --locked -p pallet-emission --example curve -- CAP HALVING FILE.svg
//! ```
//!
//! `CAP` is in ODA, `HALVING` in ticks and taken for four years. The numbers are the pallet's own [`Schedule`]'s.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a tool that fails loudly")]

use pallet_emission::Schedule;
use std::{env, fmt::Write, fs};

/// A planck is the 10^12th of an ODA.
const UNIT: u128 = 1_000_000_000_000;
/// Halvings that the table and the plot show.
const HALVINGS: u64 = 6;
/// The plot's frame, in the picture's units.
const LEFT: u128 = 700;
const TOP: u128 = 300;
const WIDTH: u128 = 6_000;
const HEIGHT: u128 = 3_000;

fn main() {
	let usage = "CAP HALVING FILE.svg";
	let mut arguments = env::args().skip(1);
	let cap: u128 = arguments.next().expect(usage).parse().expect("CAP is a number of ODA");
	let halving: u64 = arguments.next().expect(usage).parse().expect("HALVING is a number of ticks");
	let file = arguments.next().expect(usage);
	let curve =
		Curve { schedule: Schedule { cap: cap * UNIT, halving }, year: halving / 4, years: 4 * HALVINGS };
	print!("{}", curve.table());
	fs::write(file, curve.picture()).expect("the picture can be written");
}

/// A schedule by years.
struct Curve {
	schedule: Schedule,
	/// The ticks of a year.
	year: u64,
	years: u64,
}

impl Curve {
	/// What is issued by the end of a year, in planck.
	fn total(&self, year: u64) -> u128 {
		self.schedule.issued(year * self.year)
	}

	/// What is issued in a year, in planck.
	fn in_year(&self, year: u64) -> u128 {
		self.total(year) - self.total(year - 1)
	}

	fn table(&self) -> String {
		let mut table = String::from(
			"| year | ODA a tick | ODA in the year | ODA in all | of the cap |\n|---|---|---|---|---|\n",
		);
		for year in 1..=self.years {
			let rate = self.schedule.rate((year - 1) * self.year);
			let total = self.total(year);
			let share = rounded(total * 10_000, self.schedule.cap);
			writeln!(
				table,
				"| {year} | {}.{:06} | {} | {} | {}.{:02} % |",
				rate / UNIT,
				rate % UNIT / 1_000_000,
				grouped(rounded(self.in_year(year), UNIT)),
				grouped(rounded(total, UNIT)),
				share / 100,
				share % 100,
			)
			.expect("a string takes everything");
		}
		table
	}

	fn x(&self, year: u64) -> u128 {
		LEFT + WIDTH * u128::from(year) / u128::from(self.years)
	}

	fn y(&self, amount: u128) -> u128 {
		TOP + HEIGHT - HEIGHT * amount / self.schedule.cap
	}

	fn picture(&self) -> String {
		let mut lines = String::new();
		let mut line = |text: String| {
			lines.push_str(&text);
			lines.push('\n');
		};
		let (right, bottom) = (LEFT + WIDTH, TOP + HEIGHT);
		line(format!(
			"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"130\" stroke-width=\"10\">",
			right + 300,
			bottom + 600
		));
		line("<title>ODA issued by year: in all, and in each year</title>".into());
		line("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>".into());
		for fifth in 0..=5u128 {
			let amount = self.schedule.cap * fifth / 5;
			let y = self.y(amount);
			line(format!("<path d=\"M{LEFT} {y}H{right}\" stroke=\"#dddddd\"/>"));
			let millions = amount / UNIT / 1_000_000;
			line(format!(
				"<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{millions} M</text>",
				LEFT - 80,
				y + 40
			));
		}
		for halving in 0..=HALVINGS {
			let x = self.x(4 * halving);
			line(format!("<path d=\"M{x} {bottom}v50\" stroke=\"#333333\"/>"));
			line(format!(
				"<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
				bottom + 200,
				4 * halving
			));
		}
		line(format!(
			"<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">years of 3 s ticks; the amount halves every four</text>",
			LEFT + WIDTH / 2,
			bottom + 450
		));
		let mut total = format!("M{LEFT} {bottom}");
		let mut yearly = format!("M{LEFT} {bottom}");
		for year in 1..=self.years {
			let (x, y) = (self.x(year), self.y(self.total(year)));
			total.push_str(&format!("L{x} {y}"));
			yearly.push_str(&format!("V{}H{x}", self.y(self.in_year(year))));
		}
		line(format!(
			"<path d=\"{yearly}V{bottom}Z\" fill=\"#f2b705\" fill-opacity=\"0.6\" stroke=\"#a67c00\"/>"
		));
		line(format!("<path d=\"{total}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"20\"/>"));
		line(format!("<path d=\"M{LEFT} {bottom}H{right}\" stroke=\"#333333\"/>"));
		let text = |x: u128, amount: u128, fill: &str, text: &str| {
			format!("<text x=\"{x}\" y=\"{}\" fill=\"{fill}\">{text}</text>", self.y(amount) - 80)
		};
		line(text(self.x(9), self.total(7), "#1f5fa8", "issued in all"));
		line(text(self.x(8) + 80, self.in_year(8), "#7a5b00", "issued in the year"));
		line(text(LEFT + 80, self.schedule.cap, "#333333", "the cap: never more"));
		lines.push_str("</svg>\n");
		lines
	}
}

/// A part of `whole`, rounded to the nearest.
fn rounded(part: u128, whole: u128) -> u128 {
	(part + whole / 2) / whole
}

/// A number with commas between thousands.
fn grouped(number: u128) -> String {
	let digits = number.to_string();
	let mut grouped = String::new();
	for (i, digit) in digits.chars().enumerate() {
		if i > 0 && (digits.len() - i).is_multiple_of(3) {
			grouped.push(',');
		}
		grouped.push(digit);
	}
	grouped
}
