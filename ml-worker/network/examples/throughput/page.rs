//! The page.

use crate::subject::{Bench, Sample, Subject};
use std::{collections::HashMap, fmt::Write, fs, path::Path, process::Command};

const ONE: [Subject; 5] = [Subject::Tcp, Subject::Quic, Subject::Copy, Subject::Rqbit, Subject::Curl];
const FOUR: [Subject; 3] = [Subject::Tcp, Subject::Quic, Subject::Rqbit];

/// What one round measured, by subject and number of sources.
type Round = HashMap<(Subject, usize), Sample>;

type Rounds = Vec<Round>;

/// Measures everything in each of these directories, with a blob of so many MiB, and writes the page.
pub(crate) fn write(page: &Path, places: &[(&Path, u64)], runs: usize) {
	let mut text = introduction();
	for (dir, mib) in places {
		let bench = Bench::new(dir, *mib);
		section(&mut text, &bench, &measure(&bench, runs));
	}
	text.push_str(ROWS);
	fs::write(page, text).unwrap();
	println!("Written: {}", page.display());
}

fn measure(bench: &Bench, runs: usize) -> Rounds {
	let mut all: Vec<_> =
		ONE.map(|subject| (subject, 1)).into_iter().chain(FOUR.map(|subject| (subject, 4))).collect();
	let mib = bench.blob.len >> 20;
	let round = |round| {
		let mut samples = HashMap::new();
		for (subject, sources) in &all {
			let sample = bench.run(*subject, *sources);
			println!("{round}/{runs}, {sources} source(s): {}", sample.line(subject.name(), mib));
			samples.insert((*subject, *sources), sample);
		}
		// Nobody always comes first.
		all.rotate_left(3);
		samples
	};
	(1..=runs).map(round).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
	values.sort_by(f64::total_cmp);
	let middle = values.len() / 2;
	if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn introduction() -> String {
	format!(
		"# Network benchmarks\n\n\
		 How fast a blob goes over loopback to a new file, from one source and from four, by `oda-network` and by other\n\
		 programs. `scripts/network-benchmarks.sh` measures it all and writes this page.\n\n\
		 {}, {}, {}.\n\
		 {}; {}; {}; {}.\n\n",
		machine(),
		said("date", &["-u", "+%Y-%m-%d"]),
		said("uname", &["-sr"]),
		said("rustc", &["--version"]),
		said(&std::env::var("RQBIT").unwrap_or_else(|_| "rqbit".into()), &["--version"]),
		said("curl", &["--version"]).split(" (").next().unwrap_or_default(),
		said("/usr/sbin/nginx", &["-v"]).replace("nginx version: ", ""),
	)
}

fn section(page: &mut String, bench: &Bench, rounds: &Rounds) {
	let samples = || rounds.iter().flat_map(HashMap::values);
	let slowest = samples().map(|sample| sample.time).fold(0.0, f64::max);
	writeln!(
		page,
		"## {} MiB to {}\n\n\
		 {} rounds, in each of which everything runs once, one after the other, begun with another each time; medians.\n\
		 While it ran, everything else on the machine used {:.2} processors (median of all runs). The slowest run took {:.1}\n\
		 seconds.\n",
		bench.blob.len >> 20,
		match file_system(bench.dir.path()).as_str() {
			"tmpfs" => "memory (tmpfs)".to_owned(),
			other => format!("a disk ({other})"),
		},
		rounds.len(),
		median(samples().map(Sample::others).collect()),
		slowest,
	)
	.unwrap();
	for (title, subjects, sources) in [("From one source", &ONE[..], 1), ("From four sources", &FOUR[..], 4)]
	{
		writeln!(
			page,
			"### {title}\n\n\
			 | | MB/s | slowest–fastest | processor seconds per GiB: senders | receiver | of the copy | of rqbit |\n\
			 |---|---:|---:|---:|---:|---:|---:|"
		)
		.unwrap();
		for subject in subjects {
			let of = |value: &dyn Fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
			let at = |samples: &Round| samples[&(*subject, sources)];
			let gib = bench.blob.len as f64 / f64::from(1 << 30);
			let rates = of(&|s| bench.blob.len as f64 / 1e6 / at(s).time);
			writeln!(
				page,
				"| {} | {:.0} | {:.0}–{:.0} | {:.2} | {:.2} | {:.2} | {:.2} |",
				subject.title(),
				median(rates.clone()),
				rates.iter().copied().fold(f64::MAX, f64::min),
				rates.iter().copied().fold(0.0, f64::max),
				median(of(&|s| at(s).senders / gib)),
				median(of(&|s| at(s).receiver / gib)),
				median(of(&|s| s[&(Subject::Copy, 1)].time / at(s).time)),
				median(of(&|s| s[&(Subject::Rqbit, sources)].time / at(s).time)),
			)
			.unwrap();
		}
		page.push('\n');
	}
}

const ROWS: &str = "\
The last two columns are medians of the quotients within a round: the copy always from one source, rqbit from as many.
Senders and receivers are processes of their own, and the senders have the file in memory. The time is that from the
receiver's start to its end, and until its file is synced. Processor seconds are user and system time of all threads.
After each run, what arrived is hashed. `oda-network` and the copy are built with `--release`.

A virtual machine may give memory back to its host soon after it was freed, and getting it back costs processor time. So
five seconds after the run before, a file of 15/16 of the length is written and deleted. Who takes long for the blob may
still pay for the rest, and who is quick does not: the figures for a disk tell as much of that as of the programs. Half
as much in memory is less troubled by it.

* **oda-network**: serves from a store and fetches into another, each group of 16 KiB checked against the BLAKE3 root
  when it is sent and when it arrives. TCP is secured by TLS 1.3 with AES-128-GCM, QUIC with ChaCha20-Poly1305.
* **copy over TLS**: rustls over one TCP connection, AES-256-GCM; the receiver hashes with BLAKE3 while it writes. One
  thread each.
* **rqbit**: BitTorrent over TCP, not encrypted, pieces checked with SHA-1; without table of peers, local discovery and
  trackers, the peers given by address. The seeders have checked their file before.
* **curl from nginx**: HTTPS with TLS 1.3, one process each. Nothing is hashed.
";

fn said(program: &str, args: &[&str]) -> String {
	let output = Command::new(program).args(args).output().unwrap();
	// nginx says its version where errors go.
	let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
	String::from_utf8(text).unwrap().lines().next().unwrap_or_default().to_owned()
}

fn machine() -> String {
	let info = fs::read_to_string("/proc/cpuinfo").unwrap();
	let models: Vec<_> = info.lines().filter_map(|line| line.strip_prefix("model name\t: ")).collect();
	let memory = fs::read_to_string("/proc/meminfo").unwrap();
	let kib: f64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
	let cores = std::thread::available_parallelism().unwrap();
	let model = models.first().copied().unwrap_or("an unnamed processor");
	format!("{cores} cores of {model}, {:.0} GiB of memory", kib / f64::from(1 << 20))
}

/// What kind of file system a directory lies on.
fn file_system(dir: &Path) -> String {
	said("findmnt", &["--noheadings", "--output", "FSTYPE", "--target", dir.to_str().unwrap()])
}
