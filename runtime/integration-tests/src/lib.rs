//! The whole runtime without processes: a chain whose blocks go through the runtime's wasm as a node makes them, and a
//! small world of models and weights to act in.
//!
//! What one pallet does is tested in the pallet; what all do together under any calls, by the fuzzer. Here is what takes
//! more than one runtime, or more than one pallet: `tests/upgrade.rs` rehearses an upgrade from the last runtime, which
//! lies in `previous/`, with something of every kind under way; `tests/calls.rs` holds the encoding of transactions to
//! `transaction_version`; `tests/road.rs` takes a submission from its commitment to the head, and `tests/adversaries.rs`
//! lets everybody cheat who can, and counts who owns what afterwards.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "whatever goes wrong here has to be seen"
)]

pub mod books;
pub mod chain;
pub mod world;

/// The runtime of the last `spec_version`; `scripts/previous-runtime.sh` replaces it.
pub const PREVIOUS: &[u8] = include_bytes!("../previous/oda_runtime.compressed.wasm");

/// The runtime of this tree.
pub fn current() -> &'static [u8] {
	oda_runtime::WASM_BINARY.expect("the runtime was built with its wasm")
}
