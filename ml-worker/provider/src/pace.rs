//! How fast the requests of one address, or one channel, may come.

use crate::Rate;
use std::{
	collections::HashMap,
	hash::Hash,
	net::{IpAddr, Ipv6Addr},
	sync::{Mutex, PoisonError},
	time::{Duration, Instant},
};

/// How many are remembered. Beyond, newcomers share one rate, so that nobody fills the memory with addresses.
const REMEMBERED: usize = 65_536;

/// A rate for each of many (the generic cell rate algorithm, ITU-T I.371).
pub(crate) struct Pace<K> {
	/// Time between two requests; `None`: no limit.
	every: Option<Duration>,
	/// By how much requests may come early.
	early: Duration,
	/// When the next request of each would be due, if all came in time. `None` stands for the newcomers.
	due: Mutex<HashMap<Option<K>, Instant>>,
	remembered: usize,
}

impl<K: Eq + Hash> Pace<K> {
	pub(crate) fn new(rate: Rate) -> Self {
		let every = Duration::from_secs(1).checked_div(rate.second);
		let early = every.unwrap_or_default().saturating_mul(rate.burst.saturating_sub(1));
		Self { every, early, due: Mutex::default(), remembered: REMEMBERED }
	}

	/// Takes a request.
	///
	/// # Errors
	///
	/// It comes too early, by so much.
	pub(crate) fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
		let Some(every) = self.every else { return Ok(()) };
		let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
		let mut who = Some(who);
		if due.len() >= self.remembered && !due.contains_key(&who) {
			due.retain(|_, due| *due > now);
			if due.len() >= self.remembered {
				who = None;
			}
		}
		let at = due.get(&who).copied().unwrap_or(now).max(now);
		let early = at.saturating_duration_since(now);
		if early > self.early {
			return Err(early.saturating_sub(self.early));
		}
		due.insert(who, at.checked_add(every).unwrap_or(at));
		Ok(())
	}
}

/// Whom an address belongs to: of IPv6, a network of 64 bits is one household.
pub(crate) fn household(address: IpAddr) -> IpAddr {
	match address.to_canonical() {
		IpAddr::V6(address) => {
			let [a, b, c, d, ..] = address.segments();
			Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
		}
		address => address,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const TEN: Rate = Rate { second: 10, burst: 5 };

	#[test]
	fn requests_come_at_the_rate_after_a_burst() {
		let (pace, start) = (Pace::new(TEN), Instant::now());
		let taken = |at| (0..100).filter(|_| pace.take("a", at).is_ok()).count();
		assert_eq!(taken(start), 5);
		assert_eq!(taken(start + Duration::from_millis(200)), 2);
		assert_eq!(taken(start + Duration::from_secs(60)), 5, "pauses are not saved up");
	}

	#[test]
	fn who_is_too_early_is_told_by_how_much() {
		let (pace, start) = (Pace::new(Rate { burst: 1, ..TEN }), Instant::now());
		assert_eq!(pace.take("a", start), Ok(()));
		assert_eq!(pace.take("a", start), Err(Duration::from_millis(100)));
		assert_eq!(pace.take("b", start), Ok(()), "others are not late for it");
		assert_eq!(pace.take("a", start + Duration::from_millis(100)), Ok(()));
	}

	#[test]
	fn no_rate_is_no_limit() {
		let pace = Pace::new(Rate { second: 0, burst: 0 });
		assert!((0..1000).all(|_| pace.take(1, Instant::now()).is_ok()));
	}

	#[test]
	fn no_more_is_remembered_than_there_is_room_for() {
		let (mut pace, start) = (Pace::new(Rate { burst: 1, ..TEN }), Instant::now());
		pace.remembered = 10;
		for i in 0..10 {
			pace.take(i, start).unwrap();
		}
		assert_eq!(pace.take(10, start), Ok(()));
		assert!(pace.take(11, start).is_err(), "newcomers share a rate");
		assert!(pace.due.lock().unwrap().len() <= 11);
		let later = start + Duration::from_secs(1);
		assert_eq!(
			(pace.take(12, later), pace.take(13, later)),
			(Ok(()), Ok(())),
			"the others are forgotten"
		);
	}

	#[test]
	fn a_household_is_one_address() {
		let household = |text: &str| household(text.parse().unwrap()).to_string();
		assert_eq!(household("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
		assert_eq!(household("192.0.2.1"), "192.0.2.1");
		assert_eq!(household("::ffff:192.0.2.1"), "192.0.2.1");
	}
}
