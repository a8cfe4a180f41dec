//! A user, with a chain and providers that are played. Each provider is a real HTTP server on this machine,
//! and does for each request what it was told to, or answers it as it should.

#![allow(
	missing_docs,
	unreachable_pub,
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_sign_loss,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used
)]

mod answers;
mod channels;
mod charges;
mod chores;
mod fake_chain;
mod fake_provider;
mod lost;
mod proxy;
mod world;
