//! Real challenges, in the runtime's own wasm: the court charges at least for the instructions that each takes, and for
//! what it reads from far apart. Both are the same on every machine. `scripts/benchmarks.sh court` measures how long they
//! take on one.
//!
//! Two prices are held against what they are for.
//!
//! * What evaluating a record is charged, against the instructions beyond those of the same challenge with a wrong record,
//!   which is refused when everything was checked but the score. These are the evaluation, the verdict and its
//!   consequences. A challenge's own weight was measured with an evaluation of 250 nodes that do nothing in it, which is
//!   more than the fixed costs of any evaluation; so what a challenge with 200 of them takes is charged for here too, and
//!   the consequences with it.
//! * What the whole extrinsic is charged, against all its instructions. The weights hold reads and writes of the state
//!   too, which are no instructions; so this one is met more easily.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use oda_benchmarks::{
	court::{Case, DISTANT_BYTE, INSTRUCTIONS_PER_MICROSECOND, cases},
	wasm::{Chain, Taken},
};

const PICOSECONDS: u128 = 1_000_000;

#[test]
fn the_court_should_charge_for_every_instruction_and_every_distant_byte() {
	let mut chain = Chain::default();
	let counted: Vec<(Case, Taken<u64>)> = cases(&chain)
		.expect("models that are admitted")
		.into_iter()
		.map(|mut case| {
			let instructions = case.count(&mut chain).expect("the challenge overturns");
			(case, instructions)
		})
		.collect();
	let idle = counted.iter().find(|(case, _)| case.idle).expect("a case of idle nodes").1.judging;
	let (mut under, mut least) = (0, [(f64::MAX, ""); 2]);
	for (case, Taken { whole, judging }) in &counted {
		let evaluating = (case.charged.judging, judging.saturating_sub(idle));
		for (least, (charged, instructions)) in
			least.iter_mut().zip([evaluating, (case.charged.whole, *whole)])
		{
			let computing = u128::from(instructions) * PICOSECONDS / INSTRUCTIONS_PER_MICROSECOND;
			let needed = computing + u128::from(case.distant) * DISTANT_BYTE;
			let charged = charged.as_nanos() * 1_000;
			let ratio = charged as f64 / needed.max(1) as f64;
			if ratio < least.0 {
				*least = (ratio, &case.name);
			}
			if charged < needed {
				under += 1;
				println!(
					"{}: charged {charged} ps, needs {needed} for {instructions} instructions and {} distant bytes",
					case.name, case.distant
				);
			}
		}
	}
	println!(
		"charged / needed is least for evaluating: {:?}; for the whole challenge: {:?}",
		least[0], least[1]
	);
	assert_eq!(under, 0, "of {} cases are charged less than they need", counted.len());
}

#[test]
fn a_count_should_be_the_same_each_time() {
	let mut chain = Chain::default();
	let mut cases = cases(&chain).expect("models that are admitted");
	let [case, others @ ..] = &mut cases[..] else { panic!("there are cases") };
	let once = case.count(&mut chain).expect("the challenge overturns");
	for other in others.iter_mut().take(3) {
		other.count(&mut chain).expect("the challenge overturns");
	}
	assert!(once.judging > 0 && once.whole > once.judging);
	assert_eq!(case.count(&mut chain).expect("the challenge overturns"), once);
	assert_eq!(case.count(&mut Chain::default()).expect("the challenge overturns"), once);
}
