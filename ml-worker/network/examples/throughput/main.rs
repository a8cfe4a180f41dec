//! How fast a blob goes over loopback, from one source and from several, beside other programs:
//! `scripts/network-benchmarks.sh` sets them up.
//!
//! ```text
//! throughput [MiB] [SUBJECT]...         measures, and prints a line for each
//! throughput --page FILE [MiB]          measures everything, and writes the page
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

use oda_blobs::Store;
use std::{ops::ControlFlow, path::PathBuf};
use subject::{Bench, Subject};

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
	let temporary = tempfile::tempdir_in(&dir).unwrap();
	let store = Store::open(temporary.path()).unwrap();
	let random = std::io::Read::take(blake3::Hasher::new().finalize_xof(), mib << 20);
	let blob = store.put_reader(random, u64::MAX, |_| ControlFlow::Continue(())).unwrap();
	drop(store.slices(&blob).unwrap());
	let bench = Bench::new(temporary.path(), &store.path(&blob.root), blob);
	match page {
		Some(page) => page::write(&page, &bench, &dir, runs.unwrap_or(5)),
		None => {
			for _ in 0..runs.unwrap_or(1) {
				for subject in &subjects {
					println!("{}", bench.run(*subject, sources).line(subject.name(), mib));
				}
			}
		}
	}
}
