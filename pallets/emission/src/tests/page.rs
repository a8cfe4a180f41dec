//! The page for people shows what the schedule says.

use super::*;
use std::{fs, path::Path};

/// What the page's command is given: the cap in ODA, and the ticks to a halving, which are four years.
const CAP: u128 = 100_000_000;
const HALVING: u64 = 42_076_800;
const UNIT: u128 = 1_000_000_000_000;

#[test]
fn the_page_shows_the_schedules_numbers() {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emission.md");
	let page = fs::read_to_string(path).unwrap();
	assert!(page.contains(&format!("--example curve -- {CAP} {HALVING} ")), "the command has these numbers");
	let schedule = Schedule { cap: CAP * UNIT, halving: HALVING };
	let mut years = 0;
	for line in page.lines() {
		let cells: Vec<&str> = line.split('|').map(str::trim).collect();
		let Some(Ok(year)) = cells.get(1).map(|cell| cell.parse::<u64>()) else { continue };
		let total = cells[4].replace(',', "").parse::<u128>().unwrap();
		assert_eq!(total, (schedule.issued(year * HALVING / 4) + UNIT / 2) / UNIT, "year {year}");
		years += 1;
	}
	assert_eq!(years, 24);
}
