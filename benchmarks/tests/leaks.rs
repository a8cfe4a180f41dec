//! Attacks on the court's memory: real challenges, in the runtime's own wasm under the executor of a node.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use oda_benchmarks::wasm::{Chain, Taken, model};
use oda_evaluator::{
	Graph,
	memory::{MAX_HEAP_BYTES, MAX_POWER_BYTES},
	model::Metric,
	testing::{memory::shrinking, networks, random_case},
};
use oda_runtime::Runtime;
use oda_trials::{Case, Trial, longest};
use pallet_model_registry::{Error, Pallet};
use polkadot_sdk::{sc_executor::DEFAULT_HEAP_ALLOC_PAGES, sp_runtime::DispatchResult};

/// The least heap that a node gives the runtime, in bytes.
const HEAP: u64 = DEFAULT_HEAP_ALLOC_PAGES as u64 * 64 * 1024;

/// A model of this graph with one record, and weights.
fn case(graph: Graph) -> Case {
	let bytes = |len: u64| vec![1; usize::try_from(len).expect("a small graph")];
	let (weights, input) = (bytes(graph.param_bytes()), bytes(graph.input_bytes()));
	let (spec, data) = model(graph, Metric::SquaredError, &input).expect("a graph with an output");
	Case { spec, data, weights, record: 0 }
}

/// What the registry says of a model.
fn check(case: &Case) -> DispatchResult {
	Pallet::<Runtime>::check_spec(&case.spec)?;
	Ok(())
}

/// What a challenge of an admitted model takes of the runtime's heap; it overturns the submission.
fn taken(chain: &Chain, case: Case) -> Taken<u64> {
	let mut hearing =
		chain.open(Trial::new(case).expect("it is admitted")).expect("a block takes the challenge");
	// In the executor as a node uses it, and in a memory of its own.
	chain.hear(&mut hearing).expect("it overturns");
	let taken = chain.heap(&mut hearing).expect("it overturns");
	assert!(taken.whole <= HEAP);
	taken
}

/// The largest model of this kind that the registry admits; the next it refuses, for its memory.
fn largest_admitted(graph: impl Fn(usize) -> Graph) -> usize {
	let admitted =
		(1..).take_while(|&n| check(&case(graph(n))).is_ok()).last().expect("the least is admitted");
	let next = check(&case(graph(admitted + 1)));
	assert_eq!(next, Err(Error::<Runtime>::RecordTakesTooMuchMemory.into()));
	admitted
}

#[test]
fn leak_a_model_that_exhausts_the_wasm_heap_should_trap_and_be_refused() {
	// Tensors of 2ᵏ + 2 bytes, each k in a phase of its own; never more than 16 MiB of them live.
	let attack = case(shrinking(&[5, 13, 29, 61, 17]));
	let cost = attack.spec.validate().expect("it is valid");
	assert!(cost.nodes > 240 && cost.live_bytes <= 16 << 20);
	// Its price alone does not tell: that is a matter of the margin.
	assert!(attack.spec.heap().bytes() > MAX_HEAP_BYTES);
	assert!(check(&attack).is_err());
	let trial = Trial::of_refused(attack, &case(shrinking(&[2]))).expect("the decoy is admitted");
	let chain = Chain::default();
	let mut hearing = chain.open(trial).expect("all is right that is checked without evaluating");
	let trap = chain.hear(&mut hearing).expect_err("the court traps").to_string();
	assert!(trap.contains("wasm trap") || trap.contains("Allocator"), "{trap}");
}

#[test]
fn leak_the_worst_admitted_models_should_run_in_half_of_the_wasm_heap() {
	const { assert!(2 * MAX_HEAP_BYTES <= HEAP && MAX_POWER_BYTES < MAX_HEAP_BYTES) };
	let last = largest_admitted(|n| shrinking(&[2, 6, 14, n]));
	let worst = case(shrinking(&[2, 6, 14, last]));
	let said = worst.spec.heap().bytes();
	assert!(said > MAX_HEAP_BYTES * 99 / 100, "{said} bytes are not near the bound");
	let Taken { whole, judging: took } = taken(&Chain::default(), worst);
	println!("near the bound: {said} bytes were computed, {took} taken, {whole} by the whole challenge");
	assert!(took <= said + ALLOWANCE && took > said / 2, "{took} bytes taken, {said} computed");
}

#[test]
fn leak_the_longest_challenge_should_leave_an_evaluation_its_half_of_the_wasm_heap() {
	let Taken { whole, judging } = taken(&Chain::default(), longest().expect("there is a longest one"));
	let bytes = whole - judging;
	println!("the longest challenge: {whole} bytes taken, {bytes} of them before it is evaluated");
	assert!(bytes <= HEAP - MAX_HEAP_BYTES, "{bytes} bytes taken");
}

/// What a challenge takes beside the evaluation and its own bytes: the specification from the state, and what the verdict
/// changes.
const ALLOWANCE: u64 = 1 << 20;

#[test]
fn leak_no_evaluation_should_take_more_of_the_heap_than_was_computed() {
	let chain = Chain::default();
	let (mut graphs, mut near) = (0, 0);
	let random = (0..).map(|seed| random_case(seed).graph).filter(|graph| graph.outputs.len() == 1).take(6);
	for graph in random.chain([networks::resnet20(), shrinking(&[2, 6]), shrinking(&[1, 1, 1, 9, 9])]) {
		let case = case(graph);
		let said = case.spec.heap().bytes();
		let took = taken(&chain, case).judging;
		assert!(took <= said + ALLOWANCE, "{took} bytes taken, {said} computed");
		graphs += 1;
		near += u32::from(took * 2 > said);
	}
	println!("{near} of {graphs} took over half of what was computed");
}
