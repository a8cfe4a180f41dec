//! How much may be minted by when: Bitcoin's schedule, in ticks.
//!
//! Bitcoin's subsidy is `50 BTC >> (height / 210_000)` (`GetBlockSubsidy` in Bitcoin Core's `validation.cpp`), so that
//! fewer than 21 million ever exist. Here the height is the number of ticks since the emission started, and the first
//! amount follows from the cap:
//!
//! ```text
//! rate(t)    = ⌊cap ÷ (2 · halving)⌋ >> (t ÷ halving)          a tick
//! issued(t)  = rate(0) + rate(1) + … + rate(t − 1)              ≤ cap
//! ```
//!
//! All of it is whole numbers. The halves that do not divide are lost, never given: the sum stays below
//! `2 · halving · rate(0) ≤ cap`.
//!
//! ```
//! use pallet_emission::Schedule;
//!
//! let bitcoin = Schedule { cap: 21_000_000 * 100_000_000, halving: 210_000 };
//! assert_eq!(bitcoin.rate(0), 50 * 100_000_000);
//! assert_eq!(bitcoin.issued(u64::MAX), 2_099_999_997_690_000);
//! ```

use oda_primitives::Tick;

/// A capped schedule that halves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
	/// What is never exceeded, in planck.
	pub cap: u128,
	/// The ticks after which a tick's amount is half of what it was. With 0, nothing is issued.
	pub halving: Tick,
}

impl Schedule {
	/// What a tick issues until the first halving.
	fn first(&self) -> u128 {
		self.cap.checked_div(u128::from(self.halving).saturating_mul(2)).unwrap_or_default()
	}

	/// What the tick issues that follows `ticks` others.
	pub fn rate(&self, ticks: Tick) -> u128 {
		let halvings = ticks.checked_div(self.halving).unwrap_or_default();
		u32::try_from(halvings)
			.ok()
			.and_then(|halvings| self.first().checked_shr(halvings))
			.unwrap_or_default()
	}

	/// What the first `ticks` issue together. Looks at no more than 128 halvings.
	pub fn issued(&self, ticks: Tick) -> u128 {
		let (mut left, mut rate, mut total) = (ticks, self.first(), 0u128);
		while left > 0 && rate > 0 {
			let span = left.min(self.halving);
			total = total.saturating_add(rate.saturating_mul(span.into()));
			left = left.saturating_sub(span);
			rate /= 2;
		}
		total
	}

	/// How many ticks after the first `ticks` the amount halves next; `None` once nothing is issued.
	pub fn next_halving(&self, ticks: Tick) -> Option<Tick> {
		let since = ticks.checked_rem(self.halving)?;
		(self.rate(ticks) > 0).then(|| self.halving.saturating_sub(since))
	}
}
