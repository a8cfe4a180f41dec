//! Simulates reputation under attack, and writes `docs/simulation.md` with its plots; started by
//! `scripts/simulation.sh`.

use anyhow::Result;
use clap::Parser;
use oda_simulation::page::Study;
use std::path::PathBuf;

/// Reputation under attack: the real pallet, a thousand accounts, a year, and a share of them that is
/// malicious. Takes some minutes of one core.
#[derive(Parser)]
struct Arguments {
	/// The folder of the page and its plots.
	#[arg(long, default_value = "docs")]
	out: PathBuf,
	/// What all chance follows from.
	#[arg(long, default_value_t = 1)]
	seed: u64,
	/// How many accounts there are.
	#[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(20..))]
	accounts: u16,
	/// How many days, the pallet's periods.
	#[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(14..=3_650))]
	days: u16,
}

fn main() -> Result<()> {
	let Arguments { out, seed, accounts, days } = Arguments::parse();
	Study::run(accounts.into(), days.into(), seed)?.write(&out)?;
	println!("Written to {}", out.display());
	Ok(())
}
