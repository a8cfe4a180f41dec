//! How many threads work takes.

/// Multiply-accumulates below which a second thread costs more than it brings. libtorch's spin while they wait,
/// which on a busy machine makes short operations many times slower.
const SMALL: u64 = 1 << 27;

/// `configured`, or one a core for 0.
pub(crate) fn count(configured: usize) -> usize {
	match configured {
		0 => std::thread::available_parallelism().map_or(1, usize::from),
		n => n,
	}
}

/// Up to `most` threads for `macs` multiply-accumulates.
pub(crate) fn worth(most: usize, macs: u64) -> usize {
	if macs < SMALL { 1 } else { most.max(1) }
}

/// Lets libtorch use as many threads as the work is worth. The setting is the process's, so whoever starts a piece of
/// work sets it anew; it never changes an exact result.
pub(crate) fn set_for(most: usize, macs: u64) {
	let n = i32::try_from(worth(most, macs)).unwrap_or(1);
	if tch::get_num_threads() != n {
		tch::set_num_threads(n);
	}
}
