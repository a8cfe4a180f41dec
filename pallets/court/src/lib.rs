//! The court of last instance: the runtime evaluates one record, or one input, itself.
//!
//! Objectives are integer functions, so whoever claims a wrong score of a record, or signs a wrong output, is found out by
//! whoever shows the runtime that record and the weights. This library is what every pallet with such claims takes from
//! one place:
//!
//! * [`record`] takes a record from its proof, [`score`] says what it scores, [`output_root`] what a receipt's output
//!   must hash to, [`find`] both from one evaluation, and [`makes`] what the output is;
//! * [`Price`] says what an evaluation weighs, from the coefficients of its [`Cost`](oda_evaluator::Cost), and
//!   [`OutputPrice`] what hashing its output weighs;
//! * [`Limits`] says which models can be judged at all.
//!
//! ```
//! use oda_evaluator::ModelSpec;
//! use oda_pallet_court as court;
//! use oda_primitives::RangeProof;
//!
//! /// Whether somebody who shows a record and the weights has found a wrong score.
//! fn wrong(spec: &ModelSpec, index: u32, proof: &RangeProof, weights: &[u8], claimed: i32) -> Option<bool> {
//!     let record = court::record(spec, index, proof).ok()?;
//!     Some(court::score(spec, weights, record).ok()? != claimed)
//! }
//! ```
//!
//! It stores nothing, and knows no account and no money. Its benchmarks measure the coefficients.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_possible_wrap,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod evaluate;
#[cfg(feature = "runtime-benchmarks")]
mod graphs;
mod limits;
#[cfg(test)]
mod tests;
mod weights;

pub use evaluate::{Finding, NotEvaluated, find, makes, output_root, record, score};
pub use limits::{CHALLENGE_OVERHEAD, Limits, Unfit, challenge_bytes};
pub use weights::{OutputPrice, Price, WeightInfo};
