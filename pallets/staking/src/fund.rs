//! A fund: an amount and the shares of it. All arithmetic of stakes is here, and every rounding favours the fund.
//!
//! * Who enters gets as many shares as its amount is worth, rounded down.
//! * Who leaves gives up as many shares as the amount is worth, rounded up, or gets what its shares are worth, rounded
//!   down.
//!
//! So what one share is worth never falls by somebody's entering or leaving, and rises only by the fractions that
//! rounding leaves behind. A fund that lost everything begins a new *generation*: shares of an older one are worth
//! nothing, and nobody has to find them first.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{
	Rounding, SaturatedConversion,
	helpers_128bit::multiply_by_rational_with_rounding,
	traits::{AtLeast32BitUnsigned, Zero},
};
use scale_info::TypeInfo;

/// A thousandth of its amount is the most that rounding may cost whoever enters.
const MOST_LOST: u32 = 1_000;

/// Why a fund takes an amount from nobody at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoEntry {
	/// A share is worth so much that rounding would take more than a thousandth of the amount.
	TooCoarse,
	/// A share is worth so little that the shares cannot be counted.
	TooFine,
}

/// A number of shares, of the generation in which they were made.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Shares {
	/// How many.
	pub count: u128,
	/// The generation of the fund.
	pub generation: u32,
}

/// An amount and the shares of it.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Fund<Balance> {
	/// The amount.
	pub stake: Balance,
	/// The shares of it that there are.
	pub supply: u128,
	/// How often the fund has lost everything.
	pub generation: u32,
}

impl<Balance: AtLeast32BitUnsigned + Copy> Fund<Balance> {
	/// How many of these shares count: none of a generation that lost everything.
	pub fn live(&self, shares: Shares) -> u128 {
		if shares.generation == self.generation { shares.count } else { 0 }
	}

	/// What the shares are worth, rounded down.
	pub fn worth(&self, shares: Shares) -> Balance {
		let count = self.live(shares).min(self.supply);
		let stake: u128 = self.stake.saturated_into();
		multiply_by_rational_with_rounding(count, stake, self.supply, Rounding::Down)
			.map_or_else(Zero::zero, SaturatedConversion::saturated_into)
	}

	/// Takes in an amount; the shares of it that were made.
	pub fn enter(&mut self, amount: Balance) -> Result<Shares, NoEntry> {
		let mut after = *self;
		let shares = after.admit(amount)?;
		// What the first can do to whoever comes next is bounded here, whatever made a share dear.
		let lost = amount.saturating_sub(after.worth(shares));
		if lost.saturating_mul(MOST_LOST.into()) > amount {
			return Err(NoEntry::TooCoarse);
		}
		*self = after;
		Ok(shares)
	}

	/// Takes in an amount however much of it rounding takes: at most one unit as long as a share is worth no more than one,
	/// as in a fund that never [gains](Self::gain).
	pub fn admit(&mut self, amount: Balance) -> Result<Shares, NoEntry> {
		let value: u128 = amount.saturated_into();
		let count = if self.supply == 0 {
			value
		} else {
			let stake = self.stake.saturated_into();
			multiply_by_rational_with_rounding(value, self.supply, stake, Rounding::Down)
				.ok_or(NoEntry::TooFine)?
		};
		self.supply = self.supply.checked_add(count).ok_or(NoEntry::TooFine)?;
		self.stake = self.stake.saturating_add(amount);
		Ok(Shares { count, generation: self.generation })
	}

	/// How many shares have to be given up for an amount, rounded up; all that there are if it is more than the fund
	/// has.
	pub fn price(&self, amount: Balance) -> u128 {
		let (value, stake) = (amount.saturated_into(), self.stake.saturated_into());
		multiply_by_rational_with_rounding(value, self.supply, stake, Rounding::Up)
			.map_or(self.supply, |count| count.min(self.supply))
	}

	/// Takes shares back; the amount that leaves, all of it with the last ones.
	pub fn leave(&mut self, shares: Shares) -> Balance {
		let amount = self.worth(shares);
		self.supply = self.supply.saturating_sub(self.live(shares));
		self.stake = self.stake.saturating_sub(amount);
		amount
	}

	/// Raises what is behind each share.
	pub fn gain(&mut self, amount: Balance) {
		self.stake = self.stake.saturating_add(amount);
	}

	/// Lowers what is behind each share. When nothing is left, all shares are worthless, and the next generation begins.
	pub fn lose(&mut self, amount: Balance) {
		self.stake = self.stake.saturating_sub(amount);
		if self.stake.is_zero() && self.supply > 0 {
			self.supply = 0;
			self.generation = self.generation.wrapping_add(1);
		}
	}
}
