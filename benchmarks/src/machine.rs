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
	let flags = field("flags");
	let has = |flag: &&str| flags.split_whitespace().any(|found| found == *flag);
	let sets: Vec<&str> = ["avx2", "avx512_vnni", "amx_int8"].into_iter().filter(has).collect();
	format!("{cores} cores of {} ({}), {memory} of memory", field("model name"), sets.join(", "))
}
