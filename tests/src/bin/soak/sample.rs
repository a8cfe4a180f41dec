//! What a process takes, from `/proc`, from its metrics, and of its folder.

use anyhow::{Context, Result};
use std::{
	collections::HashSet,
	fs,
	io::{self, ErrorKind},
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::TcpStream,
};

/// Whose process it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Group {
	/// `oda-node`.
	Node,
	/// `ml-worker`.
	Worker,
}

/// A process that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
	pub(crate) name: String,
	pub(crate) group: Group,
	/// The process's number.
	pub(crate) id: u32,
	/// What it keeps on disk.
	pub(crate) folder: PathBuf,
	/// The port of its metrics, if it has any.
	pub(crate) metrics: Option<u16>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Measure {
	/// Resident memory that is the process's alone, in MiB. Pages of files are not in it: the kernel takes them away
	/// when it needs them.
	Memory,
	/// Open file descriptors, sockets included, but for the tables of a node's database.
	Files,
	/// Threads, but for those that serve a node's requests.
	Threads,
	/// Asynchronous tasks.
	Tasks,
	/// Blocks of the file system under its folder, in MiB.
	Disk,
}

impl Measure {
	pub(crate) const ALL: [Self; 5] = [Self::Memory, Self::Files, Self::Threads, Self::Tasks, Self::Disk];

	pub(crate) fn name(self) -> &'static str {
		match self {
			Self::Memory => "memory, MiB",
			Self::Files => "open files",
			Self::Threads => "threads",
			Self::Tasks => "tasks",
			Self::Disk => "disk, MiB",
		}
	}
}

/// What a process took at a time, in the order of [`Measure::ALL`]; nothing where it does not tell.
pub(crate) struct Sample {
	/// Seconds since the load began.
	pub(crate) at: f64,
	pub(crate) values: [Option<f64>; 5],
	/// MiB of a node's database that wait in its log.
	pub(crate) waiting: f64,
}

/// All samples of a process.
pub(crate) struct Series {
	pub(crate) of: Watched,
	pub(crate) samples: Vec<Sample>,
}

const MIB: f64 = 1_048_576.0;

impl Series {
	pub(crate) fn new(of: Watched) -> Self {
		Self { of, samples: Vec::new() }
	}

	/// Takes another sample.
	pub(crate) async fn sample(&mut self, at: f64) -> Result<()> {
		let Watched { name, group, id, folder, metrics } = &self.of;
		let status =
			fs::read_to_string(format!("/proc/{id}/status")).with_context(|| format!("{name} is gone"))?;
		let field = |field: &str| -> Option<f64> {
			let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
			line.split_whitespace().next()?.parse().ok()
		};
		let memory = field("RssAnon").map(|kib| kib / 1024.0);
		let files = files(*id).with_context(|| format!("{name} is gone"))?;
		let tasks = match metrics {
			Some(port) => tasks(*group, &ask(*port).await.with_context(|| format!("the metrics of {name}"))?),
			None => None,
		};
		let all = |_: &Path| true;
		let disk = used(folder, &all).with_context(|| folder.display().to_string())? as f64 / MIB;
		let waiting = match group {
			Group::Node => used(folder, &is_log)? as f64 / MIB,
			Group::Worker => 0.0,
		};
		let values = [memory, Some(files), threads(*id), tasks, Some(disk)];
		self.samples.push(Sample { at, values, waiting });
		Ok(())
	}

	/// The times and values of a measure.
	pub(crate) fn points(&self, measure: Measure) -> Vec<(f64, f64)> {
		let of = |sample: &Sample| Some((sample.at, (*sample.values.get(measure as usize)?)?));
		self.samples.iter().filter_map(of).collect()
	}
}

/// The open files of a process that [count](counted).
fn files(id: u32) -> io::Result<f64> {
	let files = fs::read_dir(format!("/proc/{id}/fd"))?.flatten();
	// One that was closed meanwhile leads nowhere any more.
	Ok(counted(files.filter_map(|file| fs::read_link(file.path()).ok())) as f64)
}

/// How many of these open files count. ParityDB keeps a table open for each size of values that it has come to store, no
/// more than 256 in each of its columns; most are made when it first moves what is in its log. Each is left out once: to
/// open one again is a leak.
fn counted(open: impl Iterator<Item = PathBuf>) -> usize {
	let mut tables = HashSet::new();
	open.filter(|path| !is_numbered(path, "table_") || !tables.insert(path.clone())).count()
}

/// The threads of a process. A node's requests have a pool of their own, of as many as were ever served at once; it lets
/// one go that nobody needs for ten seconds, which does not happen under a constant load, and has no more than
/// `--rpc-max-connections`.
fn threads(id: u32) -> Option<f64> {
	let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten();
	// One that has ended meanwhile has no name any more.
	let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
	Some(names.filter(|name| name.trim_end() != "rpc").count() as f64)
}

/// Whether all processes serve their metrics.
pub(crate) async fn all_answer(series: &[Series]) -> bool {
	for port in series.iter().filter_map(|series| series.of.metrics) {
		if ask(port).await.is_err() {
			return false;
		}
	}
	true
}

/// The metrics that a process serves.
async fn ask(port: u16) -> io::Result<String> {
	let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
	let request = format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
	stream.write_all(request.as_bytes()).await?;
	let mut answer = Vec::new();
	stream.read_to_end(&mut answer).await?;
	Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// How many asynchronous tasks there are, by these metrics.
fn tasks(group: Group, text: &str) -> Option<f64> {
	let sum = |metric: &str| -> Option<f64> {
		let of = |line: &str| -> Option<f64> {
			let rest = line.strip_prefix(metric)?;
			rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse().ok()).flatten()
		};
		let mut values = text.lines().filter_map(of).peekable();
		values.peek()?;
		Some(values.sum())
	};
	match group {
		Group::Node => {
			Some(sum("substrate_tasks_spawned_total")? - sum("substrate_tasks_ended_total").unwrap_or(0.0))
		}
		Group::Worker => sum("oda_worker_async_tasks"),
	}
}

/// Whether a file is a part of the log of ParityDB.
fn is_log(path: &Path) -> bool {
	is_numbered(path, "log")
}

/// Whether a file is called so, and then has numbers: `log7`, `table_03_a7`.
fn is_numbered(path: &Path, name: &str) -> bool {
	let numbers = path.file_name().and_then(|file| file.to_str()?.strip_prefix(name));
	let digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'_';
	numbers.is_some_and(|numbers| !numbers.is_empty() && numbers.bytes().all(digit))
}

/// Bytes that the wanted files of a folder take on disk. What goes while it is looked at is not there.
fn used(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> io::Result<u64> {
	let gone = |error: &io::Error| error.kind() == ErrorKind::NotFound;
	let entries = match fs::read_dir(folder) {
		Err(error) if gone(&error) => return Ok(0),
		entries => entries?,
	};
	let mut sum = 0;
	for entry in entries {
		let entry = entry?;
		sum += match entry.metadata() {
			Ok(found) if found.is_dir() => used(&entry.path(), wanted)?,
			Ok(found) if wanted(&entry.path()) => 512 * found.blocks(),
			Ok(_) => 0,
			Err(error) if gone(&error) => 0,
			Err(error) => return Err(error),
		};
	}
	Ok(sum)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn tasks_of_a_node_are_those_that_have_not_ended() {
		let text = "# TYPE substrate_tasks_spawned_total counter\n\
			substrate_tasks_spawned_total{chain=\"a\",task_name=\"x y\"} 7\n\
			substrate_tasks_spawned_total{task_name=\"z\"} 2\n\
			substrate_tasks_spawned_total_not 100\n\
			substrate_tasks_ended_total{reason=\"finished\",task_name=\"z\"} 2\n";
		assert_eq!(tasks(Group::Node, text), Some(7.0));
		assert_eq!(tasks(Group::Node, "substrate_tasks_spawned_total 3"), Some(3.0));
		assert_eq!(tasks(Group::Worker, "oda_worker_async_tasks 12\n# EOF\n"), Some(12.0));
		assert_eq!(tasks(Group::Worker, text), None);
	}

	#[test]
	fn a_table_is_left_out_once_and_counts_when_it_is_opened_again() {
		let open = |paths: &[&str]| counted(paths.iter().map(PathBuf::from));
		assert_eq!(open(&["full/table_00_01", "full/table_00_a1", "full/log1", "socket:[3]"]), 2);
		assert_eq!(open(&["full/table_00_01", "full/table_00_01", "full/table_00_01"]), 2);
	}

	#[test]
	fn a_table_of_the_database_is_told_from_its_other_files() {
		let files =
			["full/table_03_a7", "full/table_", "full/table_03.tmp", "full/index_03_17", "socket:[3]"];
		let tables = files.map(|name| is_numbered(Path::new(name), "table_"));
		assert_eq!(tables, [true, false, false, false, false]);
	}

	#[test]
	fn the_database_s_log_is_told_from_its_other_files() {
		let logs = ["full/log0", "full/log12", "full/log", "full/metadata", "full/table_00_00", "node.log"];
		assert_eq!(logs.map(|name| is_log(Path::new(name))), [true, true, false, false, false, false]);
	}

	#[tokio::test]
	async fn a_sample_sees_what_this_process_opens_and_writes() {
		let folder = tempfile::tempdir().unwrap();
		let of = Watched {
			name: "this".into(),
			group: Group::Worker,
			id: std::process::id(),
			folder: folder.path().into(),
			metrics: None,
		};
		let mut series = Series::new(of);
		series.sample(0.0).await.unwrap();
		fs::create_dir(folder.path().join("inner")).unwrap();
		fs::write(folder.path().join("inner/file"), vec![1; 3 << 20]).unwrap();
		let open: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
		let memory = vec![1u8; 32 << 20];
		series.sample(1.0).await.unwrap();
		let grown = |measure| {
			let points = series.points(measure);
			points[1].1 - points[0].1
		};
		assert!((3.0..3.1).contains(&grown(Measure::Disk)), "{}", grown(Measure::Disk));
		// Other tests of this process open and free at the same time.
		assert!(grown(Measure::Files) >= 40.0, "{}", grown(Measure::Files));
		assert!(grown(Measure::Memory) >= 16.0, "{}", grown(Measure::Memory));
		assert!(series.points(Measure::Tasks).is_empty());
		drop((open, memory));
	}
}
