//! Whether every way to evaluate gives the same.

use anyhow::{Result, bail};
use oda_benchmarks::machine;
use oda_engine::agreement::agreement;
use std::time::Instant;

/// Compares all backends of this machine and prints what came of it. A record of which two find different things is a
/// failure.
pub(crate) fn compare(seed: u64, records: u64) -> Result<()> {
	println!("{}", machine::describe());
	let begun = Instant::now();
	let threads = std::thread::available_parallelism().map_or(1, usize::from);
	let mut told = 0;
	let found = agreement(seed, records, threads, |done| {
		let tenths = done.saturating_mul(10).checked_div(records).unwrap_or_default();
		if tenths > told {
			told = tenths;
			eprintln!("{done} of {records} records");
		}
	})?;
	let (graphs, records) = (found.graphs, found.records);
	println!(
		"{records} records of {graphs} random models, seeds from {seed} on, took {:.0?}",
		begun.elapsed()
	);
	println!("{} multiply-accumulates by each backend, {} bytes of outputs", found.macs, found.output_bytes);
	let operators = found.operators.iter().map(|(name, nodes)| format!("{nodes} {name}"));
	println!("nodes: {}", operators.collect::<Vec<_>>().join(", "));
	println!("scores that differ, output roots that differ:");
	for pair in &found.pairs {
		println!("{:8} {:8}  {}", pair.scores, pair.output_roots, pair.backends.join(" and "));
	}
	if let Some(difference) = &found.first {
		bail!("not all agree: {difference}");
	}
	println!("All agree on every record.");
	Ok(())
}
