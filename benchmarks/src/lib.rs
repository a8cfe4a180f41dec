//! What the benchmarks, and the test that the court charges enough, measure with.

#![allow(clippy::arithmetic_side_effects, reason = "floats, times and tensors")]

mod counted;
pub mod court;
pub mod float;
pub mod machine;
pub mod wasm;
