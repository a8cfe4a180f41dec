//! How fast a blob goes over loopback, from one source and from several, beside other programs:
//! `scripts/network-benchmarks.sh` sets them up.
//!
//! ```text
//! throughput [MiB] [SUBJECT]...         measures, and prints a line for each
//! throughput --page FILE [MiB]          measures everything, half as much in memory too, and writes the page
//! ```
//!
//! Senders and receivers are processes of their own. `--dir DIR` says where the files lie, `--runs N` how often each
//! subject runs, `--sources N` how many send.

#![allow(
	clippy::unwrap_used,
	clippy::arithmetic_side_effects,
	clippy::cast_precision_loss,
	clippy::indexing_slicing,
	reason = "a measurement"
)]

mod copy;
mod exchange;
mod others;
mod page;
mod process;
mod subject;

use std::path::{Path, PathBuf};
use subject::{Bench, Subject};

/// Where files are in memory.
const MEMORY: &str = "/dev/shm";

fn main() {
	tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
	let args: Vec<String> = std::env::args().skip(1).collect();
	let text: Vec<&str> = args.iter().map(String::as_str).collect();
	match text[..] {
		["serve", store, transport] => exchange::serve(store, transport),
		["fetch", store, root, len, ref peers @ ..] => exchange::fetch(store, root, len, peers),
		["send", file, certificate, key] => copy::send(file, certificate, key),
		["receive", file, certificate, port] => copy::receive(file, certificate, port),
		_ => measure(args),
	}
}

fn measure(args: Vec<String>) {
	let (mut mib, mut runs, mut sources, mut page) = (1024, None, 1, None);
	let mut dir = std::env::temp_dir();
	let mut subjects = Vec::new();
	let mut args = args.into_iter();
	while let Some(arg) = args.next() {
		match arg.as_str() {
			"--dir" => dir = PathBuf::from(args.next().unwrap()),
			"--runs" => runs = Some(args.next().unwrap().parse().unwrap()),
			"--sources" => sources = args.next().unwrap().parse().unwrap(),
			"--page" => page = Some(PathBuf::from(args.next().unwrap())),
			number if number.parse::<u64>().is_ok() => mib = number.parse().unwrap(),
			name => subjects.push(Subject::parse(name)),
		}
	}
	let Some(page) = page else {
		let bench = Bench::new(&dir, mib);
		for _ in 0..runs.unwrap_or(1) {
			for subject in &subjects {
				println!("{}", bench.run(*subject, sources).line(subject.name(), mib));
			}
		}
		return;
	};
	page::write(&page, &[(&dir, mib), (Path::new(MEMORY), mib / 2)], runs.unwrap_or(5));
}
