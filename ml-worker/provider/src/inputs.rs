//! Inputs as a model takes them, and outputs as people read them: what cards are for.

use oda_cards::{AskError, Asked, Card};
use oda_evaluator::{Graph, Tensor, graph::TensorType};
use oda_inference::api::{Answer, Input};

/// Elements of an output that is written as integers too, at most: beyond, its bytes are enough.
pub(crate) const MAX_SCORES: u64 = 1_024;

/// Why an input does not fit its model.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InputError {
	/// Tensors of another size.
	#[error("the model's inputs have {wanted} bytes, this tensor has {given}")]
	TensorLength {
		/// Bytes of the model's inputs.
		wanted: u64,
		/// Bytes of the tensor.
		given: usize,
	},
	/// Something that only a card says how to read.
	#[error("the model has no card that says how {0} becomes an input: send numbers or a tensor")]
	NoCard(&'static str),
	/// Another number of numbers.
	#[error("the model takes {wanted} numbers, these are {given}")]
	Count {
		/// What the model takes.
		wanted: u64,
		/// How many there are.
		given: usize,
	},
	/// A number that no element can be.
	#[error("number {index} is no whole number from {least} to {most}")]
	Number {
		/// Which of the numbers.
		index: usize,
		/// The least that the element can be.
		least: i64,
		/// The greatest.
		most: i64,
	},
	/// What the card says.
	#[error("{0}")]
	Card(String),
}

impl From<AskError> for InputError {
	fn from(error: AskError) -> Self {
		Self::Card(error.to_string())
	}
}

/// The canonical bytes of an input: those of the graph's inputs, one after the other.
///
/// # Errors
///
/// [`InputError`].
pub fn canonical(graph: &Graph, card: Option<&Card>, input: Input) -> Result<Vec<u8>, InputError> {
	let question = match (input, card) {
		(Input::Tensor(bytes), _) => {
			let (wanted, given) = (graph.input_bytes(), bytes.len());
			return match u64::try_from(given) {
				Ok(length) if length == wanted => Ok(bytes),
				_ => Err(InputError::TensorLength { wanted, given }),
			};
		}
		(Input::Numbers(numbers), None) => return elements(&graph.inputs, &numbers),
		(Input::Png(_), None) => return Err(InputError::NoCard("a picture")),
		(Input::Bytes(_), None) => return Err(InputError::NoCard("a file")),
		(input, Some(card)) => (input, card),
	};
	Ok(match question {
		(Input::Numbers(numbers), card) => card.input_of(graph, &Asked::Numbers(whole(&numbers)?))?,
		(Input::Png(file), card) => card.input_of(graph, &Asked::Png(&file))?,
		(Input::Bytes(bytes) | Input::Tensor(bytes), card) => card.input_of(graph, &Asked::Bytes(&bytes))?,
	})
}

/// A number without a fraction that every JSON library keeps as it is, within bounds.
fn number(index: usize, number: f64, least: i64, most: i64) -> Result<i64, InputError> {
	// Beyond 2^53, neighbouring whole numbers are the same `f64`.
	const EXACT: f64 = 9_007_199_254_740_992.0;
	#[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
	let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
	let within = whole.filter(|number| (least..=most).contains(number));
	within.ok_or(InputError::Number { index, least, most })
}

fn whole(numbers: &[f64]) -> Result<Vec<i64>, InputError> {
	const MOST: i64 = 1 << 53;
	numbers.iter().enumerate().map(|(index, given)| number(index, *given, -MOST, MOST)).collect()
}

/// The elements of tensors, from one number each.
fn elements(tensors: &[TensorType], numbers: &[f64]) -> Result<Vec<u8>, InputError> {
	let wanted = tensors.iter().fold(0u64, |sum, tensor| sum.saturating_add(tensor.elements()));
	let given = numbers.len();
	if u64::try_from(given) != Ok(wanted) {
		return Err(InputError::Count { wanted, given });
	}
	let types = tensors.iter().flat_map(|tensor| {
		std::iter::repeat_n(tensor.dtype, usize::try_from(tensor.elements()).unwrap_or_default())
	});
	let mut bytes = Vec::new();
	for ((index, given), dtype) in numbers.iter().enumerate().zip(types) {
		let value = number(index, *given, dtype.min().into(), dtype.max().into())?;
		bytes.extend(value.to_le_bytes().into_iter().take(usize::try_from(dtype.size()).unwrap_or_default()));
	}
	Ok(bytes)
}

/// An output, with what it means.
pub fn answer(graph: &Graph, card: Option<&Card>, output: Vec<u8>) -> Answer {
	let mut answer = Answer { output, class: None, label: None, scores: None };
	let shown = outputs(graph).iter().fold(0u64, |sum, tensor| sum.saturating_add(tensor.elements()));
	let shown = shown <= MAX_SCORES;
	match card.map(|card| card.answer_of(graph, &answer.output)) {
		Some(Ok(oda_cards::Answer::Class { index, label, scores })) => {
			answer.class = u32::try_from(index).ok();
			answer.label = Some(label);
			answer.scores = shown.then(|| scores.iter().map(|scored| scored.score).collect());
		}
		Some(Ok(oda_cards::Answer::Numbers(numbers))) => answer.scores = shown.then_some(numbers),
		// A card of another model never gets here; its bytes alone are what the provider answers for.
		Some(Err(_)) | None => answer.scores = shown.then(|| integers(graph, &answer.output)),
	}
	answer
}

/// The types of the graph's outputs.
pub(crate) fn outputs(graph: &Graph) -> Vec<&TensorType> {
	graph.outputs.iter().filter_map(|output| graph.value_type(usize::from(*output))).collect()
}

fn integers(graph: &Graph, output: &[u8]) -> Vec<i32> {
	let mut rest = output;
	let mut integers = Vec::new();
	for tensor in outputs(graph) {
		let length = usize::try_from(tensor.bytes()).unwrap_or(usize::MAX);
		let Some((bytes, after)) = rest.split_at_checked(length) else { break };
		if let Some(tensor) = Tensor::from_le_bytes(tensor, bytes) {
			integers.extend((0..tensor.len()).filter_map(|at| tensor.get(at)));
		}
		rest = after;
	}
	integers
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::graph::{DType, Node, Op, VERSION};

	/// Gives back its two inputs.
	fn graph(dtypes: [DType; 2]) -> Graph {
		let [a, b] = dtypes.map(|dtype| TensorType::new(dtype, [2]));
		let reshape =
			|input, t: &TensorType| Node { op: Op::Reshape, inputs: vec![input], output: t.clone() };
		let nodes = vec![reshape(0, &a), reshape(1, &b)];
		Graph { version: VERSION, inputs: vec![a, b], params: vec![], nodes, outputs: vec![2, 3] }
	}

	fn numbers(numbers: &[f64]) -> Result<Vec<u8>, InputError> {
		canonical(&graph([DType::I8, DType::U16]), None, Input::Numbers(numbers.to_vec()))
	}

	#[test]
	fn a_tensor_is_taken_as_it_is_if_it_has_the_models_size() {
		let graph = graph([DType::I8, DType::U8]);
		let tensor = |bytes: &[u8]| canonical(&graph, None, Input::Tensor(bytes.to_vec()));
		assert_eq!(tensor(&[1, 2, 3, 4]), Ok(vec![1, 2, 3, 4]));
		assert_eq!(tensor(&[1, 2, 3]), Err(InputError::TensorLength { wanted: 4, given: 3 }));
	}

	#[test]
	fn numbers_become_elements_of_the_models_types() {
		assert_eq!(numbers(&[-1.0, 127.0, 258.0, 65_535.0]), Ok(vec![255, 127, 2, 1, 255, 255]));
	}

	#[test]
	fn numbers_that_no_element_can_be_are_refused() {
		for (index, bad) in [(0, 128.0), (1, 0.5), (2, -1.0), (3, 65_536.0), (3, f64::NAN), (0, 1e300)] {
			let mut given = [0.0; 4];
			given[index] = bad;
			assert!(
				matches!(numbers(&given), Err(InputError::Number { index: at, .. }) if at == index),
				"{bad}"
			);
		}
		assert_eq!(numbers(&[0.0; 3]), Err(InputError::Count { wanted: 4, given: 3 }));
	}

	#[test]
	fn pictures_and_files_need_a_card() {
		let graph = graph([DType::I8, DType::U8]);
		for input in [Input::Png(vec![]), Input::Bytes(vec![])] {
			assert!(matches!(canonical(&graph, None, input), Err(InputError::NoCard(_))));
		}
	}

	#[test]
	fn a_card_says_how_an_input_is_made_and_what_an_output_means() {
		let card = br#"{
			"title": "The greater one",
			"input": { "series": { "shape": [2], "scale": { "num": 1, "den": 10 } } },
			"output": { "classes": { "labels": ["first", "second"] } }
		}"#;
		let card = Card::parse(card).unwrap();
		let t = TensorType::new(DType::I8, [2]);
		let node = Node { op: Op::Reshape, inputs: vec![0], output: TensorType::new(DType::I8, [1, 2]) };
		let graph =
			Graph { version: VERSION, inputs: vec![t], params: vec![], nodes: vec![node], outputs: vec![1] };
		let input = canonical(&graph, Some(&card), Input::Numbers(vec![120.0, 998.0])).unwrap();
		assert_eq!(input, [12, 100]);
		let read = answer(&graph, Some(&card), input);
		assert_eq!((read.class, read.label.as_deref()), (Some(1), Some("second")));
		assert_eq!(read.scores, Some(vec![12, 100]));
		let half = canonical(&graph, Some(&card), Input::Numbers(vec![0.5, 1.0]));
		assert!(matches!(half, Err(InputError::Number { index: 0, .. })));
	}

	#[test]
	fn an_output_without_a_card_is_shown_as_integers() {
		let graph = graph([DType::I8, DType::U16]);
		let read = answer(&graph, None, vec![255, 127, 2, 1, 255, 255]);
		assert_eq!(read.scores, Some(vec![-1, 127, 258, 65_535]));
		assert_eq!((read.class, read.label), (None, None));
	}
}
