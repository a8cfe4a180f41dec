//! The court charges at least for the instructions that evaluating a record takes in the runtime's own wasm, and for
//! what it reads from far apart: both are the same on every machine. `scripts/benchmarks.sh court` measures how long they
//! take on one.
//!
//! A challenge's own weight was measured with an evaluation of 250 nodes that do nothing in it, which is more than
//! the fixed costs of any evaluation. So the instructions of 200 of them are charged for here too.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a test")]

use oda_benchmarks::{
	court::{Case, DISTANT_BYTE, INSTRUCTIONS_PER_MICROSECOND, cases},
	wasm::Chain,
};

const PICOSECONDS: u128 = 1_000_000;

#[test]
fn the_court_should_charge_for_every_instruction_and_every_distant_byte() {
	let mut chain = Chain::default();
	let counted: Vec<(Case, u64)> = cases()
		.expect("valid graphs")
		.into_iter()
		.map(|case| {
			let instructions = case.count(&mut chain).expect("the runtime evaluates");
			(case, instructions)
		})
		.collect();
	let idle = counted.iter().find(|(case, _)| case.idle).expect("a case of idle nodes").1;
	let mut under = 0;
	for (case, instructions) in &counted {
		let computing =
			u128::from(instructions.saturating_sub(idle)) * PICOSECONDS / INSTRUCTIONS_PER_MICROSECOND;
		let needed = computing + u128::from(case.distant) * DISTANT_BYTE;
		let charged = case.charged.as_nanos() * 1_000;
		if charged < needed {
			under += 1;
			println!(
				"{}: charged {charged} ps, needs {needed} for {instructions} instructions and {} distant bytes",
				case.name, case.distant
			);
		}
	}
	assert_eq!(under, 0, "of {} cases are charged less than they need", counted.len());
}

#[test]
fn a_count_should_be_the_same_each_time() {
	let mut chain = Chain::default();
	let cases = cases().expect("valid graphs");
	let case = cases.first().expect("there are cases");
	let once = case.count(&mut chain).expect("the runtime evaluates");
	// Each has the chain know another model, which leaves the count as it is.
	for other in cases.iter().skip(1).take(3) {
		other.count(&mut chain).expect("the runtime evaluates");
	}
	assert!(once > 0);
	assert_eq!(case.count(&mut chain).expect("the runtime evaluates"), once);
	assert_eq!(case.count(&mut Chain::default()).expect("the runtime evaluates"), once);
}
