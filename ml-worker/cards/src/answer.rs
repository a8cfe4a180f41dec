//! What a model answers, in words and numbers.

use crate::{Card, Output, Unfit};
use oda_evaluator::{Graph, Tensor};
use serde::Serialize;

/// What a model answers. Numbers are the graph's own integers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
	/// The class with the greatest score.
	Class {
		/// Its place among the classes, from 0.
		index: usize,
		/// What it is called.
		label: String,
		/// All classes with their scores, in the card's order.
		scores: Vec<Scored>,
	},
	/// The elements of the outputs, one after the other.
	Numbers(Vec<i32>),
}

/// A class and its score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Scored {
	/// What the class is called.
	pub label: String,
	/// The greater, the likelier; in no unit.
	pub score: i32,
}

/// Why an output could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnswerError {
	/// The card is not one of this model.
	#[error("the card does not fit the model: {0}")]
	Unfit(#[from] Unfit),
	/// Not the bytes of the model's outputs.
	#[error("the outputs of this model have {wanted} bytes, not {given}")]
	Length {
		/// How many they have.
		wanted: u64,
		/// How many were given.
		given: usize,
	},
}

impl Card {
	/// Reads what a model with this card and this graph made of one input: the canonical bytes of its outputs.
	///
	/// # Errors
	///
	/// [`AnswerError`]: the card or the output is another model's.
	pub fn answer_of(&self, graph: &Graph, output: &[u8]) -> Result<Answer, AnswerError> {
		self.check(graph)?;
		let another = || AnswerError::Length { wanted: graph.output_bytes(), given: output.len() };
		let mut values = Vec::new();
		let mut rest = output;
		for number in &graph.outputs {
			let tensor = graph.value_type(usize::from(*number)).ok_or_else(another)?;
			let len = usize::try_from(tensor.bytes()).map_err(|_| another())?;
			let (bytes, after) = rest.split_at_checked(len).ok_or_else(another)?;
			let tensor = Tensor::from_le_bytes(tensor, bytes).ok_or_else(another)?;
			values.extend((0..tensor.len()).filter_map(|at| tensor.get(at)));
			rest = after;
		}
		if !rest.is_empty() {
			return Err(another());
		}
		let Output::Classes { labels } = &self.output else { return Ok(Answer::Numbers(values)) };
		let scores = labels.iter().zip(values).map(|(label, score)| Scored { label: label.clone(), score });
		let scores: Vec<Scored> = scores.collect();
		// Of equal ones the first, as the evaluator counts it.
		let mut best: Option<(usize, &Scored)> = None;
		for (index, scored) in scores.iter().enumerate() {
			if best.is_none_or(|(_, found)| scored.score > found.score) {
				best = Some((index, scored));
			}
		}
		let (index, label) = best.map(|(index, scored)| (index, scored.label.clone())).ok_or_else(another)?;
		Ok(Answer::Class { index, label, scores })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Input;
	use oda_evaluator::graph::{DType, Node, Op, TensorType, VERSION};

	/// A graph that gives back its inputs.
	fn graph(tensors: &[TensorType]) -> Graph {
		let count = u16::try_from(tensors.len()).unwrap();
		let node = |(number, tensor): (u16, &TensorType)| Node {
			op: Op::Reshape,
			inputs: vec![number],
			output: tensor.clone(),
		};
		Graph {
			version: VERSION,
			inputs: tensors.to_vec(),
			params: vec![],
			nodes: (0..).zip(tensors).map(node).collect(),
			outputs: (count..2 * count).collect(),
		}
	}

	fn card(output: Output) -> Card {
		let (description, licence) = (String::new(), String::new());
		Card { title: "A card".into(), description, licence, input: Input::Tensor, output }
	}

	fn classes(labels: [&str; 3]) -> Card {
		card(Output::Classes { labels: labels.map(str::to_owned).to_vec() })
	}

	#[test]
	fn the_class_with_the_greatest_score_is_the_answer() {
		let graph = graph(&[TensorType::new(DType::I16, [3])]);
		let output: Vec<u8> = [-300i16, 512, -1].iter().flat_map(|score| score.to_le_bytes()).collect();
		let answer = classes(["a", "b", "c"]).answer_of(&graph, &output).unwrap();
		let scored = |label: &str, score| Scored { label: label.into(), score };
		let scores = vec![scored("a", -300), scored("b", 512), scored("c", -1)];
		assert_eq!(answer, Answer::Class { index: 1, label: "b".into(), scores });
	}

	#[test]
	fn of_equal_scores_the_first_wins() {
		let graph = graph(&[TensorType::new(DType::U8, [3])]);
		let answer = classes(["a", "b", "c"]).answer_of(&graph, &[7, 9, 9]).unwrap();
		assert!(matches!(answer, Answer::Class { index: 1, .. }), "{answer:?}");
	}

	#[test]
	fn numbers_are_those_of_all_outputs() {
		let graph = graph(&[TensorType::new(DType::I8, [2]), TensorType::new(DType::I32, [])]);
		let answer = card(Output::Numbers).answer_of(&graph, &[1, 0xff, 0, 0, 0, 0x80]).unwrap();
		assert_eq!(answer, Answer::Numbers(vec![1, -1, i32::MIN]));
	}

	#[test]
	fn an_output_of_another_length_is_refused() {
		let graph = graph(&[TensorType::new(DType::I16, [3])]);
		for given in [0, 5, 7, 600] {
			let refused = classes(["a", "b", "c"]).answer_of(&graph, &vec![0; given]);
			assert_eq!(refused, Err(AnswerError::Length { wanted: 6, given }));
		}
	}

	#[test]
	fn an_output_of_another_model_is_refused() {
		let graph = graph(&[TensorType::new(DType::I8, [2])]);
		let refused = classes(["a", "b", "c"]).answer_of(&graph, &[1, 2]);
		assert_eq!(refused, Err(AnswerError::Unfit(Unfit::Labels { card: 3, model: 2 })));
	}

	#[test]
	fn an_answer_is_read_by_programs() {
		let graph = graph(&[TensorType::new(DType::I8, [3])]);
		let json = |card: Card| serde_json::to_value(card.answer_of(&graph, &[1, 2, 0]).unwrap()).unwrap();
		let class = json(classes(["a", "b", "c"]));
		assert_eq!((&class["class"]["index"], &class["class"]["label"]), (&1.into(), &"b".into()));
		assert_eq!(json(card(Output::Numbers)), serde_json::json!({ "numbers": [1, 2, 0] }));
	}
}
