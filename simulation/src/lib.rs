//! Reputation under attack: the real pallet, a thousand accounts, a year, and a share of them that is
//! malicious.
//!
//! [`simulate`] runs `pallet-reputation` in a small [`runtime`], tells it day by day what honest and
//! malicious accounts do, and looks at the tiers that come of it: whose votes, seats and income are whose,
//! next to what stake alone would give. [`parameters`] has the values that the pallet is configured with. The
//! binary writes `docs/simulation.md`.
//!
//! ```
//! use oda_simulation::{Setup, ShareOf, Strategy, simulate};
//!
//! let setup = Setup { share: 0.2, accounts: 30, days: 14, ..Setup::new(Strategy::SelfDealing, ShareOf::Accounts) };
//! let outcome = simulate(&setup);
//! assert!(outcome.last().votes <= 1.0);
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]
#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_precision_loss,
	clippy::cast_sign_loss,
	clippy::indexing_slicing,
	reason = "counts, shares and amounts far from the ends of their types, and indices of the lists that they index"
)]

pub mod days;
pub mod page;
pub mod parameters;
pub mod plot;
pub mod population;
pub mod runtime;
#[cfg(test)]
mod tests;

pub use days::{Costs, Outcome, Sample, simulate};
pub use population::{Setup, ShareOf, Strategy};

/// What amounts are counted in, in planck.
pub type Balance = u128;

/// An ODA in planck.
pub const UNIT: Balance = 1_000_000_000_000;
