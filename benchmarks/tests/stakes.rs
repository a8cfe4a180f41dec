//! Paying a validator and slashing it, in the runtime's own wasm. Instructions are the same on every machine; what is read
//! and written is counted where the pallet is (`pallets/staking/src/tests/cost.rs`).

#![allow(clippy::expect_used, reason = "a test")]

use oda_benchmarks::stakes::Costs;

#[test]
fn a_payout_and_a_slash_should_take_as_many_instructions_with_a_hundred_thousand_delegators_as_with_ten() {
	let [few, many] = Costs::of([10, 100_000]).expect("it is paid and slashed");
	println!("with 10 delegators: {few:?}; with 100,000: {many:?}");
	for (few, many) in [(few.payout, many.payout), (few.slash, many.slash)] {
		// Else nothing was counted.
		assert!(few > 10_000, "{few} instructions");
		assert!(few.abs_diff(many).saturating_mul(20) <= few, "{few} and {many} instructions");
	}
}
