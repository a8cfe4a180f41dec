//! The evaluator against a deliberately naive one: 128-bit integers, one loop per index, straight from the
//! definitions in `docs/evaluator.md`.

#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod evaluate;

use evaluate::evaluate;
use oda_evaluator::{Evaluator, testing::random_case};
use proptest::prelude::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	#[test]
	fn random_graphs_agree(seed in any::<u64>()) {
		let case = random_case(seed);
		let evaluator = Evaluator::new(&case.graph, &case.weights).expect("the case is valid");
		for input in case.inputs.chunks(case.graph.input_bytes() as usize) {
			let outputs = evaluator.run(input).expect("the input fits");
			for (output, naive) in outputs.iter().zip(evaluate(&case.graph, &case.weights, input)) {
				let output: Vec<i128> =
					(0..output.len()).map(|i| output.get(i).expect("within the tensor").into()).collect();
				prop_assert_eq!(output, naive, "seed {}", seed);
			}
		}
	}

	#[test]
	fn any_bytes_either_decode_to_a_graph_that_is_judged_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
		use codec::Decode;
		if let Ok(graph) = oda_evaluator::Graph::decode(&mut &bytes[..]) {
			let _ = graph.validate();
		}
	}

	#[test]
	fn a_valid_graph_with_any_field_changed_is_judged_without_panic(seed in any::<u64>(), at in any::<usize>(), with in any::<u8>()) {
		use codec::{Decode, Encode};
		let case = random_case(seed);
		let mut bytes = case.graph.encode();
		let at = at % bytes.len();
		bytes[at] = with;
		let Ok(graph) = oda_evaluator::Graph::decode(&mut &bytes[..]) else { return Ok(()) };
		let Ok(cost) = graph.validate() else { return Ok(()) };
		if cost.macs > 1 << 24 || cost.element_ops > 1 << 24 || cost.activation_bytes > 1 << 24 {
			return Ok(());
		}
		let weights = vec![0x55; graph.param_bytes() as usize];
		let input = vec![0x80; graph.input_bytes() as usize];
		let evaluator = Evaluator::new(&graph, &weights).expect("the graph is valid");
		let outputs = evaluator.run(&input).expect("the input fits");
		prop_assert_eq!(outputs.len(), graph.outputs.len());
	}
}
