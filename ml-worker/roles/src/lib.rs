//! The services of the worker: trainer, verifier, watcher, keeper, provider; and what they are made of.
//!
//! * [`service`]: what all services have in common;
//! * [`verifier`], [`watcher`], [`trainer`], [`keeper`], [`provider`], [`standing`] (of a validator): one module a role;
//! * [`context`]: settings, blobs, journal, chain and engine of one process;
//! * [`evaluation`]: re-running objectives under limits, and evidence for a single record;
//! * [`journal`]: what must outlive the process;
//! * [`submission`], [`challenge`] and [`registration`]: what is begun on the chain and seen through to its end;
//! * [`rewards`]: what stakes have earned; [`card`]: models' cards; [`payer`]: paying for inference, and
//!   [`trust`]: what speaks for providers;
//! * [`metrics`]: what operators watch; [`output`] and [`amount`]: what people read and write.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_precision_loss,
	clippy::indexing_slicing,
	reason = "not consensus code: counts of blocks, ticks and records, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

pub mod amount;
mod background;
pub mod card;
pub mod challenge;
pub mod context;
pub mod demand;
mod dispute;
pub mod due;
pub mod evaluation;
pub mod journal;
pub mod keeper;
pub mod metrics;
mod outbox;
pub mod output;
pub mod payer;
pub mod peers;
pub mod people;
#[cfg(test)]
mod played;
pub mod provider;
pub mod registration;
pub mod rewards;
pub mod service;
pub mod standing;
pub mod submission;
pub mod trainer;
pub mod training;
pub mod trust;
pub mod verifier;
mod wanted;
pub mod watcher;

/// All roles that there are, a line each.
pub const ROLES: &[service::Registration] = &[
	service::Registration::of::<verifier::Verifier>(),
	service::Registration::of::<watcher::Watcher>(),
	service::Registration::of::<trainer::Trainer>(),
	service::Registration::of::<keeper::Keeper>(),
	service::Registration::of::<provider::Provider>(),
	service::Registration::of::<standing::Validator>(),
];
