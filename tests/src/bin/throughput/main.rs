//! How many transactions a second a chain of one validator takes, by the method of *standard transactions per
//! second*: presigned calls of as many accounts, more of them waiting than a block can hold, counted in the
//! blocks by the blocks' own time. Writes `docs/throughput.md`; started by `scripts/throughput.sh`.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_precision_loss,
	reason = "counts and times, far from the ends of their types"
)]

mod chain;
mod count;
mod load;
mod page;
mod wire;

use anyhow::{Context as _, Result, bail, ensure};
use chain::{Call, Crowd, World};
use clap::Parser;
use count::Figures;
use oda_e2e::{
	machine::{self, Machine},
	process::stopped,
};
use std::{path::PathBuf, sync::Arc, time::Instant};

/// Measures how many transactions a second a chain of one validator takes.
#[derive(Parser)]
struct Args {
	/// How many transactions of each kind to send, each from an account of its own.
	#[arg(default_value_t = 30_000)]
	transactions: u32,
	/// The calls to measure.
	#[arg(long, value_enum, value_delimiter = ',', default_values_t = [Call::Transfer, Call::Commit])]
	calls: Vec<Call>,
	/// The lengths of a slot to measure with, in milliseconds.
	#[arg(long, value_delimiter = ',', default_values_t = [1_000, 3_000])]
	slots: Vec<u64>,
	/// How many models the commitments go to.
	#[arg(long, default_value_t = 8)]
	models: u32,
	/// Write the page to this file, if the load was enough to measure anything.
	#[arg(long)]
	out: Option<PathBuf>,
	/// More options for the node, after `--`.
	#[arg(last = true)]
	node_options: Vec<String>,
}

/// One call at one length of a slot.
struct Run {
	call: Call,
	slot_millis: u64,
	load_before: String,
	figures: Figures,
}

async fn measure(args: &Args, crowd: &Crowd, call: Call, slot_millis: u64) -> Result<Run> {
	let started = Instant::now();
	let say = |what: &str| {
		eprintln!("[{:>4} s] {}, slots of {slot_millis} ms: {what}", started.elapsed().as_secs(), call.name())
	};
	let load_before = machine::load();
	say("starting a node");
	let mut world = World::start(crowd, slot_millis, call == Call::Commit, &args.node_options).await?;
	let models = match call {
		Call::Transfer => Vec::new(),
		Call::Commit => {
			say(&format!("registering {} models, and having their first versions accepted", args.models));
			world.register().await?
		}
	};
	say("signing");
	let transactions = Arc::new(load::presign(&world, crowd, call, &models).await?);
	say("sending");
	let watched = load::watch(&world);
	let sent = load::send(&mut world, &transactions).await?;
	say(&format!("sent in {:.1} s; waiting until all are final", sent.seconds()));
	let blocks = count::blocks(&mut world, &transactions).await?;
	let figures = count::figures(&world, &blocks, &sent, &watched, slot_millis)?;
	say(&format!("{:.0} a second", figures.rate));
	Ok(Run { call, slot_millis, load_before, figures })
}

/// What was typed, but for where the page goes.
fn command() -> String {
	let mut words = vec!["scripts/throughput.sh".to_owned()];
	let mut typed = std::env::args().skip(1);
	while let Some(word) = typed.next() {
		match word.as_str() {
			"--out" => drop(typed.next()),
			_ if word.starts_with("--out=") => {}
			_ => words.push(word),
		}
	}
	words.join(" ")
}

async fn run(args: &Args) -> Result<()> {
	ensure!(args.transactions > 0, "there must be transactions to send");
	ensure!(args.models > 0, "commitments need a model");
	let machine = Machine::read()?;
	let crowd = Crowd::new(args.transactions, args.models)?;
	let mut runs = Vec::new();
	for call in &args.calls {
		for slot_millis in &args.slots {
			runs.push(measure(args, &crowd, *call, *slot_millis).await?);
		}
	}
	let page = page::write(&page::Subject {
		command: command(),
		transactions: args.transactions,
		models: args.models,
		machine: &machine,
		runs: &runs,
	});
	println!("{page}");
	match &args.out {
		Some(path) if runs.iter().all(|run| run.figures.full) => {
			std::fs::write(path, page).with_context(|| path.display().to_string())?;
		}
		Some(path) => eprintln!("{} stays as it is: too few transactions to fill blocks", path.display()),
		None => {}
	}
	Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
	let args = Args::parse();
	tokio::select! {
		result = run(&args) => result,
		// Dropping the run kills its node.
		asked = stopped() => {
			asked?;
			bail!("interrupted; everything that was started has been stopped")
		},
	}
}
