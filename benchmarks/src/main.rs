//! Measures how many multiply-accumulates a second the evaluator does, beside its peers in the same run, and writes the
//! page about it; or what the court charges for a record, beside the time that it takes; or whether every way to evaluate
//! gives the same; or what payments add to inference.

#![allow(clippy::arithmetic_side_effects, reason = "floats, times and tensors")]
#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing))]

mod agreement;
mod inference;
mod measure;
mod prices;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use measure::{Figures, SHAPES, Shape};
use oda_benchmarks::machine;
use oda_evaluator::{ModelSpec, testing::networks};
use std::{fmt::Write, fs, path::PathBuf};
use tikv_jemallocator::Jemalloc;

/// As in the worker.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// How fast integer graphs are evaluated, what the court charges for it, whether all agree, and what payments add.
#[derive(Parser)]
struct Arguments {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Measures exact evaluation beside float32 and int8 in libtorch, and writes a page about it.
	Evaluation(Evaluation),
	/// Measures what the court charges for a record beside the time that it takes here, in shapes as awkward as we could
	/// think of: tells whether this machine is fast enough for a validator. Takes two minutes.
	Court {
		/// How often each is measured; the least time counts.
		#[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
		repeats: u16,
		/// Only cases in whose name this occurs.
		#[arg(long, default_value = "")]
		only: String,
	},
	/// Evaluates records of random models by every backend of this machine and as the court does it, and compares scores
	/// and output roots. Fails with the first record of which two find different things. A million records take a
	/// minute on two cores.
	Agreement {
		/// How many records.
		#[arg(long, default_value_t = 1_000_000)]
		records: u64,
		/// The first model's seed; each model after it has the next.
		#[arg(long, default_value_t = 0)]
		seed: u64,
	},
	/// Measures what payments add to inference: vouchers beside bare signatures, paid beside unpaid requests, channels that are
	/// settled, and a provider's memory under overload; writes a page about it. A quarter of an hour.
	Inference(inference::Inference),
	/// Asks a provider for far more than it can do, and says what becomes of its memory and of the requests.
	Overload(inference::Overloading),
	/// What these two measure.
	#[command(hide = true)]
	Serve(inference::Serve),
}

#[derive(Args)]
struct Evaluation {
	/// Where the page goes; else it is printed.
	#[arg(long)]
	out: Option<PathBuf>,
	/// A Python with PyTorch of the same version as libtorch, to prepare its int8 kernels with.
	#[arg(long)]
	python: PathBuf,
	/// The demonstration's model.
	#[arg(long, default_value = "data/digits/model.json")]
	demo: PathBuf,
	/// How often each is measured, all in turn; the best counts.
	#[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
	rounds: u8,
}

const PAGE: &str = include_str!("page.md");

fn main() -> Result<()> {
	match Arguments::parse().command {
		Command::Evaluation(arguments) => evaluation(arguments),
		Command::Court { repeats, only } => prices::measure(repeats.into(), &only),
		Command::Agreement { records, seed } => agreement::compare(seed, records),
		Command::Inference(inference) => inference.run(),
		Command::Overload(overloading) => overloading.run(),
		Command::Serve(serve) => serve.run(),
	}
}

fn evaluation(arguments: Evaluation) -> Result<()> {
	let demo = fs::read_to_string(&arguments.demo).context("the demonstration's model")?;
	let demo: ModelSpec = serde_json::from_str(&demo)?;
	let mut tables = String::new();
	for (name, graph) in [
		("ResNet-20, images of 32 × 32", networks::resnet20()),
		("Perceptron of 784, 128 and 10 units", networks::perceptron()),
		("The demonstration's network, images of 8 × 8", demo.graph),
	] {
		let figures = measure::network(&graph, &arguments.python, arguments.rounds)?;
		let macs = graph.validate()?.macs;
		writeln!(tables, "### {name}: {:.2} million multiply-accumulates\n", macs as f64 / 1e6)?;
		tables.push_str(&table(&figures)?);
		tables.push('\n');
	}
	let page = PAGE
		.replace("{machine}", &machine::describe())
		.replace("{tables}", tables.trim_end())
		.replace("{rounds}", &arguments.rounds.to_string());
	match arguments.out {
		Some(path) => fs::write(path, page)?,
		None => print!("{page}"),
	}
	Ok(())
}

/// A row for each contender, a column for each shape: G a second, and times float32.
fn table(figures: &Figures) -> Result<String> {
	let mut table = String::from("| |");
	for Shape { records, threads } in SHAPES {
		write!(table, " {records} × {threads} |")?;
	}
	table.push_str("\n|---|");
	table.push_str(&"---:|".repeat(SHAPES.len()));
	table.push('\n');
	for (name, speeds) in &figures.rows {
		write!(table, "| {name} |")?;
		for (speed, float) in speeds.iter().zip(&figures.float32) {
			match speed {
				Some(speed) => write!(table, " {:.1} ({:.2}) |", speed / 1e9, speed / float)?,
				None => table.push_str(" |"),
			}
		}
		table.push('\n');
	}
	Ok(table)
}
