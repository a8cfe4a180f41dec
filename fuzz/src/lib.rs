//! What is fuzzed: bytes go in, and a broken promise panics.
//!
//! * [`evaluator`]: bytes → graph → valid → evaluated: no panic, no more memory than the graph declares;
//! * [`runtime`]: bytes → blocks and calls through the runtime's own `Executive`: no panic, issuance conserved, holds
//!   within what is reserved, weights within what was declared, every pallet's invariants.
//!
//! `scripts/fuzz.sh` runs the targets under libFuzzer; `tests/corpus.rs` replays what they have found.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "whatever goes wrong here has to be seen"
)]

pub mod evaluator;
pub mod runtime;
pub mod starts;
mod state;
