//! What was measured on.

use std::{fs, path::Path};

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

/// What kind of file system a folder lies on, such as `ext4`.
pub fn file_system(folder: &Path) -> String {
	let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
	file_system_of(&fs::read_to_string("/proc/self/mounts").unwrap_or_default(), &folder)
}

fn file_system_of(mounts: &str, folder: &Path) -> String {
	let found = mounts.lines().filter_map(|line| {
		let mut fields = line.split(' ').skip(1);
		let at = Path::new(fields.next()?);
		folder.starts_with(at).then_some((at.components().count(), fields.next()?))
	});
	// Of those at the same place, the last one is seen.
	found.max_by_key(|(depth, _)| *depth).map_or("unknown", |(_, kind)| kind).to_owned()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_folder_lies_on_the_nearest_file_system_above_it() {
		let mounts = "a / ext4 rw 0 0\nb /dev/shm tmpfs rw 0 0\nc /dev devtmpfs rw 0 0\n";
		let of = |folder| file_system_of(mounts, Path::new(folder));
		assert_eq!([of("/dev/shm/x"), of("/dev"), of("/home/dev/shm")], ["tmpfs", "devtmpfs", "ext4"]);
		assert_eq!(file_system_of("", Path::new("/")), "unknown");
	}
}
