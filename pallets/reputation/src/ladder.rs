//! What each tier needs.

use alloc::vec::Vec;
use oda_pallet_traits::Tier;
use polkadot_sdk::sp_runtime::{Perbill, SaturatedConversion};

/// The points that the tiers need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ladder {
	/// The points at which an account rises to tier 1, 2, and so on.
	pub thresholds: Vec<u64>,
	/// The part of a threshold by which an account may fall below it and keep the tier.
	pub hysteresis: Perbill,
}

impl Ladder {
	/// The points below which an account that rose at `threshold` falls.
	pub fn floor(&self, threshold: u64) -> u64 {
		threshold.saturating_sub(self.hysteresis.mul_floor(threshold))
	}

	/// Whether each tier needs more than the one before, and no more than any two that are together as high:
	/// one at which an account rises, and one that another *keeps*. So an account that is split in two comes
	/// no further.
	///
	/// With a hysteresis it is not enough that `θ(s + t) ≤ θ(s) + θ(t)`: one part rises and falls back as far
	/// as it may, then the other rises, and together they never had the points of tier `s + t`.
	pub fn is_sound(&self) -> bool {
		let thresholds = &self.thresholds;
		let rises = thresholds.windows(2).all(|pair| pair.first() < pair.last());
		let floors: Vec<u64> = thresholds.iter().map(|threshold| self.floor(*threshold)).collect();
		// Those below it from the lowest up, and from the highest down: each pair is together as high.
		let splits = thresholds.iter().enumerate().all(|(below, threshold)| {
			let down = floors.iter().take(below).rev();
			thresholds.iter().zip(down).all(|(risen, kept)| *threshold <= risen.saturating_add(*kept))
		});
		rises && splits && floors.first().is_some_and(|first| *first > 0)
	}

	/// The tier of an account of so many points and units of bond that was of tier `was`.
	pub fn tier(&self, points: u64, was: Tier, units: u64) -> Tier {
		let risen = self.thresholds.iter().take_while(|threshold| points >= **threshold).count();
		let kept = self.thresholds.iter().take(was.into());
		let kept = kept.take_while(|threshold| points >= self.floor(**threshold)).count();
		units.min(risen.max(kept).saturated_into()).saturated_into()
	}
}
