//! What was measured on.

use std::fs;

/// The processor, its cores and the memory, as Linux tells them.
pub fn describe() -> String {
	let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
	let field = |name: &str| {
		let line = cpuinfo.lines().find(|line| line.starts_with(name));
		line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
	};
	let cores = std::thread::available_parallelism().map_or(1, usize::from);
	let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
	let kib = meminfo.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
	let memory = kib.map_or_else(|| "unknown".into(), |kib| format!("{:.0} GiB", kib as f64 / 1_048_576.0));
	format!(
		"{cores} cores of {} (family {}, model {}, {} MHz), {memory} of memory",
		field("model name"),
		field("cpu family"),
		field("model\t"),
		field("cpu MHz"),
	)
}
