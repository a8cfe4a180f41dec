//! The off-chain worker: trains, submits, verifies, watches.
//!
//! The binary `ml-worker` is [`cli`] and [`commands`] over the rest, which end-to-end tests may use by itself:
//!
//! * [`amount`]: amounts, as people write them;
//! * [`context`]: settings, blobs, journal, chain and engine of one process;
//! * [`evaluation`]: re-running objectives under limits, and evidence for a single record;
//! * [`journal`]: what must outlive the process;
//! * [`metrics`]: what operators watch;
//! * [`submission`] and [`challenge`]: what is begun on the chain and seen through to its end;
//! * [`roles`]: the services.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_precision_loss,
	clippy::indexing_slicing,
	reason = "not consensus code: counts of blocks, ticks and records, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

pub mod amount;
pub mod challenge;
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod demand;
pub mod due;
pub mod evaluation;
pub mod journal;
pub mod metrics;
pub mod out_file;
pub mod output;
pub mod peers;
pub mod registration;
pub mod roles;
pub mod spec_file;
pub mod submission;
pub mod training;
