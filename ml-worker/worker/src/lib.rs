//! The off-chain worker: trains, submits, verifies, watches.
//!
//! The binary `ml-worker` is [`cli`] over `oda-roles`.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_precision_loss,
	clippy::indexing_slicing,
	reason = "not consensus code: counts of blocks, ticks and records, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod out_file;
#[cfg(test)]
mod pages;
pub mod spec_file;
