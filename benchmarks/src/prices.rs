//! What the court charges beside the time that it takes here.

use anyhow::{Context, Result};
use oda_benchmarks::{
	court::{cases, hashing},
	machine,
	wasm::Chain,
};
use std::time::Duration;

/// Cases that are charged so many times the time that they take are shown only if they have a name.
const AMPLE: f64 = 2.0;

/// What was measured of a case.
struct Row {
	name: String,
	/// For evaluating it.
	charged: Duration,
	took: Duration,
	instructions: u64,
	/// How many times the time that it takes it is charged, evaluated or as a whole challenge, whichever is less.
	ratio: f64,
}

/// Measures cases and prints them, the one that is charged least for its time first. However long they take, it is no
/// failure.
pub(crate) fn measure(repeats: usize, only: &str) -> Result<()> {
	println!("{}", machine::describe());
	println!("hashing 16 MiB by BLAKE2b takes {:.2?}", hashing(repeats));
	let mut chain = Chain::default();
	let mut cases = cases(&chain)?;
	let idle = cases.iter_mut().find(|case| case.idle).context("a case of idle nodes")?;
	// What a challenge weighs in any case was measured with more of them.
	let idle = idle.time(&chain, repeats)?.judging;
	println!("nodes that do nothing, which a challenge is charged for in any case, take {idle:?}");
	let mut rows = Vec::new();
	for mut case in cases.into_iter().filter(|case| case.name.contains(only)) {
		let (took, instructions) = (case.time(&chain, repeats)?, case.count(&mut chain)?);
		// The verdict and its consequences are in both: they take the same for each.
		let of =
			|charged: Duration, took: Duration| charged.div_duration_f64(took.max(Duration::from_micros(1)));
		let judging = of(case.charged.judging + idle, took.judging);
		let ratio = judging.min(of(case.charged.whole, took.whole));
		rows.push(Row {
			name: case.name,
			charged: case.charged.judging,
			took: took.judging,
			instructions: instructions.judging,
			ratio,
		});
	}
	rows.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
	for Row { name, charged, took, instructions, ratio } in &rows {
		if *ratio < AMPLE || !name.starts_with("random") {
			let rate = *instructions as f64 / took.as_secs_f64() / 1e6;
			println!(
				"{ratio:8.2}  {name}: charged {charged:.2?}, took {took:.2?}; {rate:.0} instructions/µs"
			);
		}
	}
	let at = |percent: usize| {
		let row = rows.get(rows.len().saturating_sub(1) * percent / 100);
		row.map_or(0.0, |row| row.ratio)
	};
	println!("charged / took over {} cases:", rows.len());
	println!("  least {:.2}, 5 % {:.2}, half {:.2}, 95 % {:.2}", at(0), at(5), at(50), at(95));
	let enough = if at(0) < 1.0 { "too slow, or was too busy," } else { "fast enough" };
	println!("This machine is {enough} for a validator.");
	Ok(())
}
