//! How many threads are used, by libtorch and beside it.

/// Multiply-accumulates below which a second thread costs more than it brings: OpenMP's threads spin while
/// they wait, which on a busy machine makes short operations many times slower.
const SMALL: u64 = 1 << 27;

/// `configured`, or one a core for 0.
pub(crate) fn count(configured: usize) -> usize {
	match configured {
		0 => std::thread::available_parallelism().map_or(1, usize::from),
		n => n,
	}
}

/// Lets libtorch use up to `most` threads for `macs` multiply-accumulates. The setting is the process's, so
/// whoever starts a piece of work sets it anew; it never changes an exact result.
pub(crate) fn set_for(most: usize, macs: u64) {
	let n = if macs < SMALL { 1 } else { i32::try_from(most).unwrap_or(1).max(1) };
	if tch::get_num_threads() != n {
		tch::set_num_threads(n);
	}
}
