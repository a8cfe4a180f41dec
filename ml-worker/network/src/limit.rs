//! Limits on how fast something may go.

use std::{
	sync::{Mutex, PoisonError},
	time::{Duration, Instant},
};

/// How much of a second may be used at once after a pause.
const BURST: Duration = Duration::from_millis(50);

/// So many bytes a second, for all who share it.
pub(crate) struct Throttle {
	rate: u64,
	/// When what has been taken so far is used up.
	paid: Mutex<Instant>,
}

impl Throttle {
	/// `rate` in bytes a second; 0: no limit.
	pub(crate) fn new(rate: u64) -> Self {
		Self { rate, paid: Mutex::new(Instant::now()) }
	}

	/// Waits until `bytes` more may go.
	pub(crate) async fn take(&self, bytes: u64) {
		if self.rate == 0 {
			return;
		}
		let wait = self.reserve(bytes, Instant::now());
		if !wait.is_zero() {
			tokio::time::sleep(wait).await;
		}
	}

	fn reserve(&self, bytes: u64, now: Instant) -> Duration {
		let cost = Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.rate.max(1));
		let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
		let earliest = now.checked_sub(BURST).unwrap_or(now);
		*paid = (*paid).max(earliest) + cost;
		paid.saturating_duration_since(now)
	}
}

/// So many a second on average, twice as many at once.
pub(crate) struct Bucket {
	left: f64,
	filled: Instant,
}

impl Bucket {
	pub(crate) fn new(rate: u32) -> Self {
		Self { left: f64::from(rate) * 2.0, filled: Instant::now() }
	}

	/// When one was last asked for.
	pub(crate) fn used(&self) -> Instant {
		self.filled
	}

	/// Takes one, if there is one.
	pub(crate) fn take(&mut self, rate: u32, now: Instant) -> bool {
		let since = now.saturating_duration_since(self.filled).as_secs_f64();
		self.left = (self.left + since * f64::from(rate)).min(f64::from(rate) * 2.0);
		self.filled = now;
		let enough = self.left >= 1.0;
		if enough {
			self.left -= 1.0;
		}
		enough
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_throttle_lets_through_its_rate() {
		let throttle = Throttle::new(1000);
		let start = Instant::now() + Duration::from_secs(1);
		let last = (0..20).map(|_| throttle.reserve(100, start)).max().unwrap();
		assert_eq!(last, Duration::from_millis(1950));
	}

	#[test]
	fn a_bucket_lets_through_its_rate() {
		let mut bucket = Bucket::new(10);
		let start = Instant::now();
		let taken = |bucket: &mut Bucket, at| (0..100).filter(|_| bucket.take(10, at)).count();
		assert_eq!(taken(&mut bucket, start), 20);
		assert_eq!(taken(&mut bucket, start + Duration::from_millis(500)), 5);
	}
}
