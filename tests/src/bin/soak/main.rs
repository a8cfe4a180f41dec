//! A network under constant load, to see whether what its processes take stays flat: memory, open files, threads,
//! tasks and disk of nodes and workers, sampled, plotted and held against bounds. Writes the figures of
//! `docs/soak.md`; started by `scripts/soak.sh`.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_precision_loss,
	reason = "counts, sizes and times, far from the ends of their types"
)]
#![cfg_attr(
	test,
	allow(
		clippy::cast_possible_truncation,
		clippy::cast_possible_wrap,
		clippy::cast_sign_loss,
		clippy::indexing_slicing,
		clippy::unwrap_used,
		reason = "tests"
	)
)]

mod events;
mod figures;
mod ladder;
mod load;
mod page;
mod plot;
mod sample;
mod world;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use events::Events;
use oda_e2e::{
	machine::{self, Machine},
	process::stopped,
};
use sample::Series;
use std::{
	convert::Infallible,
	path::{Path, PathBuf},
	time::Duration,
};
use tokio::time::Instant;
use world::{Processes, World};

/// Keeps a network under constant load, and says whether what its processes take stays flat.
#[derive(Parser)]
struct Args {
	/// How long the load lasts, in minutes; setting up comes before.
	#[arg(long, default_value_t = 5)]
	minutes: u64,
	/// Seconds between two samples.
	#[arg(long, default_value_t = 5)]
	every: u64,
	/// Write all samples to this file.
	#[arg(long)]
	csv: Option<PathBuf>,
	/// Write the figures into this page, between its marks, and the plot beside it.
	#[arg(long)]
	page: Option<PathBuf>,
	/// Keep chains, blobs and logs in this folder instead of a temporary one.
	#[arg(long, value_name = "DIR")]
	keep: Option<PathBuf>,
}

/// What a run came to.
struct Report {
	machine: Machine,
	load_before: String,
	minutes: u64,
	/// Blocks that became final during the load.
	blocks: u64,
	series: Vec<Series>,
	events: Events,
	/// What is wrong; nothing if all is as it should be.
	faults: Vec<String>,
}

/// How long finality may take to go on once the load is over. It only ends a run that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks at all processes every so many seconds.
async fn watch(processes: &mut Processes, series: &mut [Series], every: u64) -> Result<Infallible> {
	let begun = Instant::now();
	loop {
		processes.check_alive()?;
		let at = begun.elapsed().as_secs_f64();
		for one in &mut *series {
			one.sample(at).await?;
		}
		tokio::time::sleep(Duration::from_secs(every)).await;
	}
}

async fn soak(args: &Args, base: &Path) -> Result<Report> {
	ensure!(args.minutes > 0 && args.every > 0, "there must be minutes, and seconds between samples");
	let (machine, load_before) = (Machine::read()?, machine::load());
	let begun = Instant::now();
	let say = |what: &str| eprintln!("[{:>4} s] {what}", begun.elapsed().as_secs());
	say("starting the network and the workers");
	let mut world = World::start(base).await?;
	let mut series: Vec<Series> = world.watched()?.into_iter().map(Series::new).collect();
	while !sample::all_answer(&series).await {
		world.processes.check_alive()?;
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	let before = world.shared.chain.finalised().await?.number();
	say("the load begins");
	let until = Instant::now() + Duration::from_secs(60 * args.minutes);
	let mut counted = Events::default();
	tokio::select! {
		() = load::run(&world.shared) => bail!("the load has ended by itself"),
		Err(error) = events::follow(&world.shared.url, &mut counted) => {
			return Err(error.context("following the chain"));
		}
		Err(error) = watch(&mut world.processes, &mut series, args.every) => {
			return Err(error.context("looking at the processes"));
		}
		() = tokio::time::sleep_until(until) => {}
	}
	say("the load is over");
	let mut faults = world.shared.failures();
	let last = world.shared.chain.finalised().await?.number();
	let goes_on = tokio::time::timeout(PATIENCE, world.shared.chain.finalised_after(last + 2)).await;
	match goes_on {
		Ok(view) => drop(view?),
		Err(_) => faults.push(format!("nothing became final after block {last}")),
	}
	world.processes.check_alive()?;
	faults.extend(counted.missing());
	faults.extend(world.complaints()?);
	faults.extend(series.iter().flat_map(figures::not_flat));
	let blocks = last - before;
	Ok(Report { machine, load_before, minutes: args.minutes, blocks, series, events: counted, faults })
}

async fn run(args: &Args) -> Result<()> {
	let temporary = tempfile::tempdir()?;
	let base = args.keep.clone().unwrap_or_else(|| temporary.path().into());
	std::fs::create_dir_all(&base)?;
	// The node wants to know where it is.
	let base = base.canonicalize()?;
	let report = soak(args, &base).await?;
	println!("{}", page::figures_text(&report)?);
	if let Some(path) = &args.csv {
		std::fs::write(path, page::csv(&report.series)).with_context(|| path.display().to_string())?;
	}
	if let Some(path) = &args.page {
		page::write(path, &report)?;
	}
	if !report.faults.is_empty() {
		bail!("not as it should be:\n  {}", report.faults.join("\n  "));
	}
	Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
	let args = Args::parse();
	tokio::select! {
		result = run(&args) => result,
		// Dropping the run kills its processes.
		asked = stopped() => {
			asked?;
			bail!("interrupted; everything that was started has been stopped")
		},
	}
}
