//! What the benchmarks measure with, and the tests that the court charges enough and that a pool costs as much however
//! many delegate.

#![allow(clippy::arithmetic_side_effects, reason = "floats, times and tensors")]

mod counted;
pub mod court;
pub mod float;
pub mod machine;
pub mod settlement;
pub mod stakes;
pub mod wasm;
