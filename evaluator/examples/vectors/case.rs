//! One test vector.

use codec::Encode;
use oda_evaluator::{
	Evaluator, Graph, ModelSpec,
	graph::{DType, TensorType},
};
use serde_json::{Value, json};

/// What the reference makes of an input.
fn outputs(graph: &Graph, weights: &[u8], input: &[u8]) -> Vec<Vec<i32>> {
	let evaluator = Evaluator::new(graph, weights).unwrap_or_else(|e| panic!("{e}: {graph:?}"));
	let outputs = evaluator.run(input).unwrap_or_else(|e| panic!("{e}: {graph:?}"));
	outputs.iter().map(|y| (0..y.len()).filter_map(|i| y.get(i)).collect()).collect()
}

/// A graph evaluated on one input.
pub(crate) fn of_graph(name: &str, graph: &Graph, weights: &[u8], input: &[u8]) -> Value {
	let cost = graph.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
	json!({
		"name": name,
		"graph": hex::encode(graph.encode()),
		"weights": hex::encode(weights),
		"record": hex::encode(input),
		"outputs": outputs(graph, weights, input),
		"cost": cost,
	})
}

/// A model scored on one record.
pub(crate) fn of_model(name: &str, model: &ModelSpec, weights: &[u8], record: &[u8]) -> Value {
	let cost = model.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
	let evaluator = Evaluator::new(&model.graph, weights).unwrap_or_else(|e| panic!("{name}: {e}"));
	let score = model.score_record(&evaluator, record).unwrap_or_else(|e| panic!("{name}: {e}"));
	let input = &record[..model.graph.input_bytes() as usize];
	json!({
		"name": name,
		"model": hex::encode(model.encode()),
		"id": hex::encode(model.id()),
		"weights": hex::encode(weights),
		"record": hex::encode(record),
		"outputs": outputs(&model.graph, weights, input),
		"score": score,
		"cost": cost,
	})
}

/// The bytes of a tensor with these values, which must be of its type.
pub(crate) fn bytes(t: &TensorType, values: impl IntoIterator<Item = i32>) -> Vec<u8> {
	let width = t.dtype.size() as usize;
	let bytes: Vec<u8> = values.into_iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect();
	assert_eq!(bytes.len() as u64, t.bytes(), "{t:?}");
	bytes
}

/// The bounds of a type, their neighbours, and the numbers around 0.
pub(crate) fn edges(dtype: DType) -> Vec<i32> {
	let (min, max) = (dtype.min(), dtype.max());
	let mut edges = vec![min, min + 1, -2, -1, 0, 1, 2, 3, max - 1, max];
	edges.retain(|v| (min..=max).contains(v));
	edges
}
