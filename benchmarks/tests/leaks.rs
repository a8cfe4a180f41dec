//! Attacks on the court's memory, in the runtime's own wasm under the executor of a node.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use oda_benchmarks::wasm::{Chain, model};
use oda_evaluator::{
	Graph, ModelSpec,
	memory::{MAX_HEAP_BYTES, MAX_POWER_BYTES},
	model::Metric,
	testing::{memory::shrinking, networks, random_case},
};
use oda_runtime::Runtime;
use pallet_model_registry::{Error, Pallet};
use polkadot_sdk::{sc_executor::DEFAULT_HEAP_ALLOC_PAGES, sp_runtime::DispatchResult};

/// The least heap that a node gives the runtime, in bytes.
const HEAP: u64 = DEFAULT_HEAP_ALLOC_PAGES as u64 * 64 * 1024;

/// A model of this graph, weights and a record.
fn case(graph: Graph) -> (ModelSpec, Vec<u8>, Vec<u8>) {
	let bytes = |len: u64| vec![1; usize::try_from(len).expect("a small graph")];
	let (weights, input) = (bytes(graph.param_bytes()), bytes(graph.input_bytes()));
	let (spec, record) = model(graph, Metric::SquaredError, &input).expect("a graph with an output");
	(spec, weights, record)
}

/// What the registry says of a model.
fn check(spec: &ModelSpec) -> DispatchResult {
	Pallet::<Runtime>::check_spec(spec)?;
	Ok(())
}

/// What evaluating a record of it takes of the runtime's heap, beyond a call that does not evaluate; `None` if it traps.
fn taken((spec, weights, record): (ModelSpec, Vec<u8>, Vec<u8>)) -> Option<u64> {
	let mut chain = Chain::default();
	let model = chain.insert(spec);
	chain.heap(model, &weights, &record)
}

/// The largest model of this kind that the registry admits; the next it refuses, for its memory.
fn largest_admitted(graph: impl Fn(usize) -> Graph) -> usize {
	let admitted =
		(1..).take_while(|&n| check(&case(graph(n)).0).is_ok()).last().expect("the least is admitted");
	let next = check(&case(graph(admitted + 1)).0);
	assert_eq!(next, Err(Error::<Runtime>::RecordTakesTooMuchMemory.into()));
	admitted
}

#[test]
fn leak_a_model_that_exhausts_the_wasm_heap_should_trap_and_be_refused() {
	// Tensors of 2ᵏ + 2 bytes, each k in a phase of its own; never more than 16 MiB of them live.
	let attack = case(shrinking(&[5, 13, 29, 61, 17]));
	let cost = attack.0.validate().expect("it is valid");
	assert!(cost.nodes > 240 && cost.live_bytes <= 16 << 20);
	// Its price alone does not tell: that is a matter of the margin.
	assert!(attack.0.heap().bytes() > MAX_HEAP_BYTES);
	assert!(check(&attack.0).is_err());
	assert_eq!(taken(attack), None, "the court traps");
}

#[test]
fn leak_the_worst_admitted_models_should_run_in_half_of_the_wasm_heap() {
	const { assert!(2 * MAX_HEAP_BYTES <= HEAP && MAX_POWER_BYTES < MAX_HEAP_BYTES) };
	let last = largest_admitted(|n| shrinking(&[2, 6, 14, n]));
	let worst = case(shrinking(&[2, 6, 14, last]));
	let said = worst.0.heap().bytes();
	assert!(said > MAX_HEAP_BYTES * 99 / 100, "{said} bytes are not near the bound");
	let took = taken(worst).expect("it runs");
	println!("near the bound: {said} bytes were computed, {took} taken");
	assert!(took <= said + ALLOWANCE && took > said / 2, "{took} bytes taken, {said} computed");
}

/// What a call takes beside the evaluation and its arguments: the specification from the state, and small things.
const ALLOWANCE: u64 = 1 << 20;

#[test]
fn leak_no_evaluation_should_take_more_of_the_heap_than_was_computed() {
	let (mut graphs, mut near) = (0, 0);
	let random = (0..6).map(|seed| random_case(seed).graph);
	for graph in random.chain([networks::resnet20(), shrinking(&[2, 6]), shrinking(&[1, 1, 1, 9, 9])]) {
		let case = case(graph);
		let said = case.0.heap().bytes();
		let took = taken(case).expect("it runs");
		assert!(took <= said + ALLOWANCE, "{took} bytes taken, {said} computed");
		graphs += 1;
		near += u32::from(took * 2 > said);
	}
	println!("{near} of {graphs} took over half of what was computed");
}
