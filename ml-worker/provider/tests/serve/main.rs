//! A provider over loopback HTTP, with a chain that is played and the real evaluator.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod channels;
mod crashes;
mod limits;
mod models;
mod payments;
mod refusals;
mod tls;
mod world;
