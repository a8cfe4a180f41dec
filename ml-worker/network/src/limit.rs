//! Limits on how fast something may go, and on who holds how much of it.

use crate::shared::lock;
use std::{
	collections::HashMap,
	hash::Hash,
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

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

/// Something of which there is so much, for all who hold shares of it.
///
/// When all is taken, who holds most gives a share back to who would hold less: however many hold all they can, the next
/// one gets as much as each of them has.
pub(crate) struct Shares<K> {
	total: u64,
	most: u64,
	held: Mutex<Held<K>>,
}

struct Held<K> {
	sum: u64,
	by: HashMap<K, Holder>,
	/// The next share's number.
	next: u64,
}

/// What one holds: in all, and each share with its number, the latest last.
#[derive(Default)]
struct Holder {
	sum: u64,
	shares: Vec<(u64, u64, CancellationToken)>,
}

/// What somebody holds, until it is dropped or given to another one.
pub(crate) struct Share<K: Eq + Hash> {
	shares: Arc<Shares<K>>,
	holder: K,
	number: u64,
	revoked: CancellationToken,
}

impl<K: Clone + Eq + Hash> Shares<K> {
	/// `total` for all, and at most `most` for each.
	pub(crate) fn new(total: u64, most: u64) -> Arc<Self> {
		let held = Mutex::new(Held { sum: 0, by: HashMap::new(), next: 0 });
		Arc::new(Self { total, most, held })
	}

	/// Takes `amount` for `holder` from what is free.
	pub(crate) fn take(self: &Arc<Self>, holder: K, amount: u64) -> Option<Share<K>> {
		let mut held = lock(&self.held);
		let fits = held.holds(&holder).saturating_add(amount) <= self.most
			&& held.sum.saturating_add(amount) <= self.total;
		fits.then(|| {
			let revoked = CancellationToken::new();
			let number = held.add(holder.clone(), amount, revoked.clone());
			Share { shares: self.clone(), holder, number, revoked }
		})
	}

	/// Takes `amount` for `holder` from what is free, or from who holds most.
	pub(crate) fn claim(self: &Arc<Self>, holder: K, amount: u64) -> Option<Share<K>> {
		if amount > self.total {
			return None;
		}
		loop {
			let share = self.take(holder.clone(), amount);
			let mut held = lock(&self.held);
			let then = held.holds(&holder).saturating_add(amount);
			if share.is_some() || then > self.most {
				return share;
			}
			let largest = held.by.iter().max_by_key(|(_, other)| other.sum);
			let (largest, _) = largest.filter(|(_, other)| other.sum > then)?;
			let largest = largest.clone();
			held.revoke_latest(&largest);
		}
	}
}

impl<K: Eq + Hash> Held<K> {
	fn holds(&self, holder: &K) -> u64 {
		self.by.get(holder).map_or(0, |holder| holder.sum)
	}

	fn add(&mut self, holder: K, amount: u64, revoked: CancellationToken) -> u64 {
		let number = self.next;
		self.next += 1;
		self.sum += amount;
		let holder = self.by.entry(holder).or_default();
		holder.sum += amount;
		holder.shares.push((number, amount, revoked));
		number
	}

	fn revoke_latest(&mut self, holder: &K) {
		let latest = self.by.get(holder).and_then(|holder| holder.shares.last());
		if let Some((number, _, revoked)) = latest.cloned() {
			revoked.cancel();
			self.remove(holder, number);
		}
	}

	/// Takes a share back, unless that has been done.
	fn remove(&mut self, key: &K, number: u64) {
		let Some(holder) = self.by.get_mut(key) else { return };
		let Some(at) = holder.shares.iter().position(|(known, ..)| *known == number) else { return };
		let (_, amount, _) = holder.shares.remove(at);
		holder.sum -= amount;
		self.sum -= amount;
		if holder.shares.is_empty() {
			self.by.remove(key);
		}
	}
}

impl<K: Eq + Hash> Share<K> {
	/// Whether it was given to another one.
	pub(crate) fn is_revoked(&self) -> bool {
		self.revoked.is_cancelled()
	}

	/// Waits until it is given to another one: what it stands for has to end.
	pub(crate) async fn revoked(&self) {
		self.revoked.cancelled().await;
	}
}

impl<K: Eq + Hash> Drop for Share<K> {
	fn drop(&mut self) {
		lock(&self.shares.held).remove(&self.holder, self.number);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Claims shares of one until no more is given.
	fn fill(shares: &Arc<Shares<usize>>, holder: usize) -> Vec<Share<usize>> {
		std::iter::from_fn(|| shares.claim(holder, 1)).collect()
	}

	#[test]
	fn the_next_one_gets_as_much_as_each_who_came_before() {
		for holders in [1, 4, 16, 100] {
			let shares = Shares::new(1000, 400);
			// One after the other takes all it gets.
			let mut held: Vec<_> = (0..holders).map(|holder| fill(&shares, holder)).collect();
			let next = fill(&shares, holders).len();
			assert!(next + 1 >= 400.min(1000 / (holders + 1)), "{next} beside {holders}");
			held.iter_mut().for_each(|held| held.retain(|share| !share.is_revoked()));
			assert!(held.iter().map(Vec::len).sum::<usize>() + next <= 1000);
		}
	}

	#[test]
	fn long_shares_are_given_to_who_would_hold_less() {
		let shares = Shares::new(128, 32);
		let held: Vec<_> = (0..32).map(|number| shares.claim(number / 8, 4).unwrap()).collect();
		assert!(shares.take(9, 1).is_none(), "all is taken");
		let small = shares.claim(9, 1).unwrap();
		assert_eq!(held.iter().filter(|share| share.is_revoked()).count(), 1);
		assert!(shares.claim(0, 33).is_none() && shares.claim(9, u64::MAX).is_none());
		drop((held, small));
		assert_eq!(lock(&shares.held).sum, 0);
	}

	#[test]
	fn what_is_dropped_can_be_taken_again() {
		let shares = Shares::new(10, 10);
		let all = shares.take("a", 10);
		assert!(all.is_some() && shares.take("b", 1).is_none());
		drop(all);
		assert!(lock(&shares.held).by.is_empty(), "nobody is remembered who holds nothing");
		assert!(shares.take("b", 10).is_some());
		assert!(Shares::new(10, 4).take("b", 5).is_none());
	}

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
