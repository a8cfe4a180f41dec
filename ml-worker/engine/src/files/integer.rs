//! Integer weights.

use super::reader::{OwnedView, Reader, graph_hash, serialise};
use crate::{EngineError, weights::Params};
use oda_evaluator::{
	Graph,
	graph::{DType, TensorType},
};
use safetensors::Dtype;

#[derive(serde::Serialize, serde::Deserialize)]
struct Metadata {
	format: String,
	graph: String,
}

const FORMAT: &str = "weights/1";

fn dtype(dtype: DType) -> Dtype {
	match dtype {
		DType::I8 => Dtype::I8,
		DType::U8 => Dtype::U8,
		DType::I16 => Dtype::I16,
		DType::U16 => Dtype::U16,
		DType::I32 => Dtype::I32,
	}
}

fn shape(t: &TensorType) -> Vec<usize> {
	t.shape.iter().map(|&d| d as usize).collect()
}

/// A safetensors file of a weights blob: tensor `param.{i}` for each parameter, with its type and shape.
///
/// # Errors
///
/// A blob of another length than the graph's parameters.
pub fn export_weights(graph: &Graph, weights: &[u8]) -> Result<Vec<u8>, EngineError> {
	let params = Params::split(graph, weights)?;
	let tensors = graph
		.params
		.iter()
		.enumerate()
		.map(|(i, t)| {
			let data = params.bytes(i as u16).to_vec();
			(format!("param.{i}"), OwnedView { dtype: dtype(t.dtype), shape: shape(t), data })
		})
		.collect();
	serialise(tensors, &Metadata { format: FORMAT.into(), graph: graph_hash(graph) })
}

/// The weights blob of a safetensors file. A file without our metadata (made by another tool) is taken if its
/// tensors fit.
///
/// # Errors
///
/// Bytes that are no safetensors file, a file for another graph, a missing or unknown tensor, one of another
/// type or shape.
pub fn import_weights(graph: &Graph, file: &[u8]) -> Result<Vec<u8>, EngineError> {
	let mut reader = Reader::new(file)?;
	if let Ok(metadata) = reader.metadata::<Metadata>() {
		if metadata.format != FORMAT {
			return Err(EngineError::Metadata { key: "format" });
		}
		let expected = graph_hash(graph);
		if metadata.graph != expected {
			return Err(EngineError::OtherGraph { expected, found: metadata.graph });
		}
	}
	let mut weights = Vec::new();
	for (i, t) in graph.params.iter().enumerate() {
		weights.extend_from_slice(reader.take(&format!("param.{i}"), dtype(t.dtype), Some(&shape(t)))?);
	}
	reader.finish()?;
	Ok(weights)
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::testing::random_case;

	/// A case with parameters, and its file's tensors.
	fn case() -> (Graph, Vec<u8>, Vec<(String, OwnedView)>) {
		let case = (0..).map(random_case).find(|c| c.graph.params.len() > 3).unwrap();
		let params = Params::split(&case.graph, &case.weights).unwrap();
		let tensors = case.graph.params.iter().enumerate().map(|(i, t)| {
			let data = params.bytes(i as u16).to_vec();
			(format!("param.{i}"), OwnedView { dtype: dtype(t.dtype), shape: shape(t), data })
		});
		let tensors = tensors.collect();
		(case.graph, case.weights, tensors)
	}

	fn file(tensors: Vec<(String, OwnedView)>) -> Vec<u8> {
		safetensors::serialize(tensors, None).unwrap()
	}

	#[test]
	fn weights_survive_the_round_trip() {
		for seed in 0..50 {
			let case = random_case(seed);
			let file = export_weights(&case.graph, &case.weights).unwrap();
			assert_eq!(import_weights(&case.graph, &file).unwrap(), case.weights);
		}
	}

	#[test]
	fn the_same_weights_make_the_same_file() {
		let (graph, weights, _) = case();
		assert_eq!(export_weights(&graph, &weights).unwrap(), export_weights(&graph, &weights).unwrap());
	}

	#[test]
	fn a_file_of_another_tool_is_taken() {
		let (graph, weights, tensors) = case();
		assert_eq!(import_weights(&graph, &file(tensors)).unwrap(), weights);
	}

	#[test]
	fn a_file_for_another_graph_is_refused() {
		let (graph, weights, _) = case();
		let mut other = graph.clone();
		other.outputs.reverse();
		other.version = 2;
		let file = export_weights(&graph, &weights).unwrap();
		assert!(matches!(import_weights(&other, &file), Err(EngineError::OtherGraph { .. })));
	}

	#[test]
	fn a_missing_tensor_is_named() {
		let (graph, _, mut tensors) = case();
		tensors.remove(1);
		let refused = import_weights(&graph, &file(tensors));
		assert!(matches!(refused, Err(EngineError::MissingTensor { name }) if name == "param.1"));
	}

	#[test]
	fn an_unknown_tensor_is_named() {
		let (graph, _, mut tensors) = case();
		tensors.push(("extra".into(), OwnedView::bytes(vec![1])));
		let refused = import_weights(&graph, &file(tensors));
		assert!(matches!(refused, Err(EngineError::UnknownTensor { name }) if name == "extra"));
	}

	#[test]
	fn another_type_is_refused() {
		let (graph, _, mut tensors) = case();
		let view = &mut tensors[0].1;
		view.dtype = Dtype::F32;
		view.data = vec![0; view.shape.iter().product::<usize>() * 4];
		assert!(matches!(import_weights(&graph, &file(tensors)), Err(EngineError::TensorDtype { .. })));
	}

	#[test]
	fn another_shape_is_refused() {
		let (graph, _, mut tensors) = case();
		let view = &mut tensors[0].1;
		view.shape.push(1);
		assert!(matches!(import_weights(&graph, &file(tensors)), Err(EngineError::TensorShape { .. })));
	}

	#[test]
	fn a_truncated_file_is_refused() {
		let (graph, weights, _) = case();
		let file = export_weights(&graph, &weights).unwrap();
		for len in [0, 4, 8, file.len() / 2, file.len() - 1] {
			assert!(matches!(import_weights(&graph, &file[..len]), Err(EngineError::Safetensors(_))));
		}
	}
}
