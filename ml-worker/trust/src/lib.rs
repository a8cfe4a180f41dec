//! Advice on providers of inference: a *graph score* for each, and the record of payments that it rests on.
//!
//! A graph score is personal. It starts at my own accounts and flows over payments: to the providers that I
//! paid, on to other users who paid them, on to providers whom those users paid. What made-up accounts pay
//! each other gains them nothing: all of them together have no more than what was paid between them and
//! others. It is advice: consensus knows nothing of it. The README has the formula, the bound, its proof, and
//! where it ends.
//!
//! ```
//! use oda_trust::{Interaction, Settings, scores};
//! use std::{collections::BTreeSet, num::NonZeroU64};
//!
//! let [me, other, paid, vouched_for, stranger] = [1, 2, 3, 4, 5].map(|byte| [byte; 32]);
//! let payment = |user, provider| Interaction { user, provider, amount: 1_000, tick: 10 };
//! let mine = [payment(me, paid)];
//! let others = [payment(other, paid), payment(other, vouched_for), payment([6; 32], stranger)];
//! let payments = [&mine[..], &others[..]].concat();
//! let settings = Settings { half_life: NonZeroU64::new(100).unwrap(), pairs: 1, passed: 50 };
//!
//! let scores = scores(&payments, &BTreeSet::from([me]), &BTreeSet::new(), 10, &settings);
//!
//! assert_eq!(scores[&paid].own, 500.0);
//! assert_eq!(scores[&vouched_for].through_others, 250.0);
//! // Unknown, which is not the same as worth nothing.
//! assert!(!scores.contains_key(&stranger));
//! ```

mod history;
mod score;

pub use history::{History, HistoryError, Limits, Observation};
pub use score::{Score, Settings, scores};

use oda_primitives::Tick;
use std::num::NonZeroU64;

/// The bytes of an account's id.
pub type Account = [u8; 32];

/// What a user paid a provider, as the chain saw it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interaction {
	/// The account that paid.
	pub user: Account,
	/// The account that was paid.
	pub provider: Account,
	/// What was redeemed, in planck.
	pub amount: u128,
	/// The tick at which that was seen.
	pub tick: Tick,
}

/// What is left of an amount, in planck, once it has halved with each `half_life` of ticks since `tick`.
fn decayed(amount: u128, tick: Tick, now: Tick, half_life: NonZeroU64) -> f64 {
	amount as f64 * (-(now.saturating_sub(tick) as f64) / half_life.get() as f64).exp2()
}

/// The amount that has decayed to nothing, in planck, and everything below it.
const NOTHING_BELOW: f64 = 1.0;
