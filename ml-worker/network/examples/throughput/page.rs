//! The page.

use crate::subject::{Bench, Sample, Subject};
use std::{collections::HashMap, fmt::Write, fs, path::Path, process::Command};

const ONE: [Subject; 5] = [Subject::Tcp, Subject::Quic, Subject::Copy, Subject::Rqbit, Subject::Curl];
const FOUR: [Subject; 3] = [Subject::Tcp, Subject::Quic, Subject::Rqbit];

/// What one round measured, by subject and number of sources.
type Round = HashMap<(Subject, usize), Sample>;

type Rounds = Vec<Round>;

/// Measures everything, and writes the page.
pub(crate) fn write(page: &Path, bench: &Bench, dir: &Path, runs: usize) {
	let mut all: Vec<_> =
		ONE.map(|subject| (subject, 1)).into_iter().chain(FOUR.map(|subject| (subject, 4))).collect();
	let mib = bench.blob.len >> 20;
	let mut rounds = Rounds::new();
	for round in 1..=runs {
		let mut samples = HashMap::new();
		for (subject, sources) in &all {
			let sample = bench.run(*subject, *sources);
			println!("{round}/{runs}, {sources} source(s): {}", sample.line(subject.name(), mib));
			samples.insert((*subject, *sources), sample);
		}
		rounds.push(samples);
		// Nobody always comes first.
		all.rotate_left(3);
	}
	fs::write(page, text(&rounds, bench, dir)).unwrap();
	println!("Written: {}", page.display());
}

fn median(mut values: Vec<f64>) -> f64 {
	values.sort_by(f64::total_cmp);
	let middle = values.len() / 2;
	if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn text(rounds: &Rounds, bench: &Bench, dir: &Path) -> String {
	let mut page = String::new();
	let others = rounds.iter().flat_map(|samples| samples.values().map(Sample::others)).collect();
	writeln!(
		page,
		"# Network benchmarks\n\n\
		 How fast a blob of {} MiB goes over loopback to a new file, from one source and from four, by `oda-network` and by\n\
		 other programs. `scripts/network-benchmarks.sh` measures it all and writes this page.\n\n\
		 {}, {}, {}.\n\
		 {}; {}; {}; {}.\n\
		 Files on {} ({}). {} rounds, in each of which everything runs once, one after the other,\n\
		 begun with another each time; medians.\n\
		 While it ran, everything else on the machine used {:.2} processors (median of all runs), writing back to the disk\n\
		 included.\n",
		bench.blob.len >> 20,
		machine(),
		said("date", &["-u", "+%Y-%m-%d"]),
		said("uname", &["-sr"]),
		said("rustc", &["--version"]),
		said(&std::env::var("RQBIT").unwrap_or_else(|_| "rqbit".into()), &["--version"]),
		said("curl", &["--version"]).split(" (").next().unwrap_or_default(),
		said("/usr/sbin/nginx", &["-v"]).replace("nginx version: ", ""),
		file_system(dir),
		if dir.starts_with("/dev/shm") { "memory" } else { "a disk" },
		rounds.len(),
		median(others),
	)
	.unwrap();
	for (title, subjects, sources) in [("From one source", &ONE[..], 1), ("From four sources", &FOUR[..], 4)]
	{
		writeln!(
			page,
			"## {title}\n\n\
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
	page.push_str(ROWS);
	page
}

const ROWS: &str = "\
The last two columns are medians of the quotients within a round: the copy always from one source, rqbit from as many.
Senders and receivers are processes of their own, and the senders have the file in memory. The time is that from the
receiver's start to its end, and until its file is synced to the disk. Processor seconds are user and system time of all
threads. Before each run, five seconds after the one before, a file of 15/16 of the length is written and deleted, so that
most memory for the page cache is there; after it, what arrived is hashed. `oda-network` and the copy are built with
`--release`.

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
