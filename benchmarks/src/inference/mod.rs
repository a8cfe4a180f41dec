//! What payments add to inference.

mod client;
mod overload;
mod serve;
mod served;
mod statistics;
mod vouchers;
mod world;

pub(crate) use serve::Serve;

use anyhow::Result;
use clap::Args;
use oda_benchmarks::{
	machine,
	settlement::{CLAIMS, Settled},
};
use overload::Overload;
use served::Compared;
use std::{
	fmt::Write,
	fs,
	path::{Path, PathBuf},
};
use world::Network;

/// How often the vouchers are checked.
const VOUCHER_ROUNDS: usize = 100;

/// How many channels are settled.
const CHANNELS: u32 = 1_000;

/// How the measurement is made.
#[derive(Args)]
pub(crate) struct Inference {
	/// Where the page goes; else it is printed.
	#[arg(long)]
	out: Option<PathBuf>,
	/// How often each is measured, all in turn; the medians count.
	#[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
	rounds: u16,
	/// How long the provider is overloaded.
	#[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
	minutes: u64,
	/// A folder on a disk; that of temporary files if not given.
	#[arg(long)]
	disk: Option<PathBuf>,
	/// A folder in memory.
	#[arg(long, default_value = "/dev/shm")]
	memory: PathBuf,
}

/// How a provider is overloaded.
#[derive(Args)]
pub(crate) struct Overloading {
	/// How long.
	#[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
	minutes: u64,
	/// Where its ledger goes; with temporary files if not given.
	#[arg(long)]
	folder: Option<PathBuf>,
}

const PAGE: &str = include_str!("page.md");

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
	tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

impl Overloading {
	pub(crate) fn run(self) -> Result<()> {
		let folder = self.folder.unwrap_or_else(std::env::temp_dir);
		print!("{}", of_overload(&block_on(overload::measure(&folder, self.minutes))?)?);
		Ok(())
	}
}

impl Inference {
	pub(crate) fn run(self) -> Result<()> {
		let rounds = usize::from(self.rounds);
		let vouchers = of_vouchers(&vouchers::measure(VOUCHER_ROUNDS)?)?;
		let settled = of_settled(&Settled::of(CHANNELS)?)?;
		let disk = self.disk.clone().unwrap_or_else(std::env::temp_dir);
		let (mut served, mut backend) = (String::new(), String::new());
		for network in [Network::Digits, Network::Resnet20, Network::WideResnet] {
			let macs = network.load()?.graph.validate()?.macs;
			let name = network.name();
			writeln!(served, "### {name}: {:.2} million multiply-accumulates\n", macs as f64 / 1e6)?;
			for folder in [&disk, &self.memory] {
				let compared;
				(compared, backend) = block_on(served::measure(network, folder, rounds))?;
				served.push_str(&of_served(folder, served::disk(folder)?, &compared)?);
			}
		}
		let overload = of_overload(&block_on(overload::measure(&disk, self.minutes))?)?;
		let page = PAGE
			.replace("{machine}", &machine::describe())
			.replace("{backend}", &backend)
			.replace("{rounds}", &rounds.to_string())
			.replace("{vouchers}", vouchers.trim_end())
			.replace("{served}", served.trim_end())
			.replace("{settled}", settled.trim_end())
			.replace("{overload}", overload.trim_end());
		match self.out {
			Some(path) => fs::write(path, page)?,
			None => print!("{page}"),
		}
		Ok(())
	}
}

fn of_vouchers(all: &[vouchers::Figures]) -> Result<String> {
	let mut table =
		String::from("| key | signatures alone | vouchers | of the signatures |\n|---|---:|---:|---:|\n");
	for vouchers::Figures { scheme, bare, vouchers, ratio } in all {
		writeln!(table, "| {scheme} | {bare:.0} | {vouchers:.0} | {ratio:.3} |")?;
	}
	Ok(table)
}

fn of_served(folder: &Path, [place, replaced]: [f64; 2], all: &[Compared]) -> Result<String> {
	let kind = machine::file_system(folder);
	let mut text = format!(
		"The ledger on {kind}, where a write in place is on the disk after {place:.3} ms, a file that is replaced after \
		 {replaced:.3} ms:\n\n"
	);
	text.push_str(
		"| clients | | p50, ms | p99, ms | answers a second | processor, ms |\n|---:|---|---:|---:|---:|---:|\n",
	);
	for Compared { clients, paid, bare, shares } in all {
		for (name, phase) in [("unpaid", bare), ("paid", paid)] {
			writeln!(
				text,
				"| {clients} | {name} | {:.2} | {:.2} | {:.0} | {:.3} |",
				phase.p50, phase.p99, phase.rate, phase.processor
			)?;
		}
		let [p50, time, processor] = shares.map(|share| 100.0 * share);
		writeln!(text, "| {clients} | **payment's part** | {p50:.0} % | | {time:.0} % | {processor:.0} % |")?;
	}
	text.push('\n');
	Ok(text)
}

fn of_settled(settled: &Settled) -> Result<String> {
	let Settled { channels, blocks, weight, full, took, fees } = settled;
	let each = |whole: f64| whole / f64::from(*channels);
	let claims: Vec<String> = blocks.iter().map(ToString::to_string).collect();
	let mut table = String::from("| | |\n|---|---:|\n");
	writeln!(table, "| channels | {channels} |")?;
	writeln!(table, "| claims, of up to {CLAIMS} vouchers | {} |", blocks.iter().sum::<usize>())?;
	writeln!(table, "| **blocks** | **{}** |", blocks.len())?;
	writeln!(table, "| claims in each | {} |", claims.join(", "))?;
	writeln!(table, "| of what transactions may weigh, the fullest has used | {:.0} % |", 100.0 * full)?;
	writeln!(table, "| **weight of a channel** | **{:.2} ms** |", *weight as f64 / 1e9)?;
	writeln!(table, "| time of a channel, here | {:.2} ms |", each(took.as_secs_f64() * 1e3))?;
	writeln!(table, "| transaction fee of a channel | {:.6} ODA |", each(*fees as f64 / 1e12))?;
	Ok(table)
}

fn of_overload(overload: &Overload) -> Result<String> {
	let Overload { tally, memory: _, before, peak, minutes, callers } = overload;
	let mut statuses: Vec<u16> = tally.answers.keys().map(|(_, status)| *status).collect();
	statuses.sort_unstable();
	statuses.dedup();
	let mut text =
		format!("{callers} connections at a time, {minutes} minutes. Answers by their status:\n\n|");
	for status in &statuses {
		write!(text, " | {status}")?;
	}
	text.push_str(" |\n|---|");
	text.push_str(&"---:|".repeat(statuses.len()));
	text.push('\n');
	let mut kinds: Vec<_> = tally.answers.keys().map(|(kind, _)| *kind).collect();
	kinds.dedup();
	for kind in kinds {
		write!(text, "| those who {}", kind.name())?;
		for status in &statuses {
			let count = tally.answers.get(&(kind, *status)).copied().unwrap_or_default();
			write!(text, " | {count}")?;
		}
		text.push_str(" |\n");
	}
	text.push_str("| all");
	for status in &statuses {
		write!(text, " | {}", tally.of_status(*status))?;
	}
	text.push_str(" |\n\n");
	writeln!(text, "| | |\n|---|---:|")?;
	writeln!(text, "| requests whose sender hung up | {} |", tally.left)?;
	writeln!(
		text,
		"| **refusals that are not as they should be** | **{}** |",
		tally.improper.values().sum::<u64>()
	)?;
	writeln!(text, "| **requests without an answer** | **{}** |", tally.unanswered.values().sum::<u64>())?;
	writeln!(text, "| connections that could not be made | {} |", tally.unconnected.values().sum::<u64>())?;
	writeln!(text, "| memory before, MiB | {before:.0} |")?;
	writeln!(text, "| most memory at any time, MiB | {peak:.0} |")?;
	writeln!(text, "| memory after the warm-up, MiB | {:.0} |", overload.plateau())?;
	if let Some([growth, error]) = overload.growth() {
		writeln!(text, "| **its growth in a minute, MiB** | **{growth:.1} ± {error:.1}** |")?;
	}
	text.push('\n');
	let minutes: Vec<String> = overload.by_minute().iter().map(|memory| format!("{memory:.0}")).collect();
	writeln!(text, "MiB, the median of each minute: {}.", minutes.join(", "))?;
	for (fault, count) in tally.improper.iter().chain(&tally.unanswered).chain(&tally.unconnected) {
		writeln!(text, "\n* {count} × {fault}")?;
	}
	Ok(text)
}
