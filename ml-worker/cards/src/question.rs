//! What somebody asks, as a tensor.

use crate::{
	Card, Input, PictureError, Scale, Unfit,
	picture::{self, Frame},
};
use oda_evaluator::{
	Graph,
	graph::{DType, TensorType},
};
use std::iter;

/// What somebody asks a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked<'a> {
	/// The bytes of a PNG file.
	Png(&'a [u8]),
	/// Bytes: of any file, or of tensors as they are.
	Bytes(&'a [u8]),
	/// Numbers, before they are scaled.
	Numbers(Vec<i64>),
}

/// Why no input could be made.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
	/// The card is not one of this model.
	#[error("the card does not fit the model: {0}")]
	Unfit(#[from] Unfit),
	/// The model is asked with something else.
	#[error("this model is asked with {0}")]
	AnotherKind(&'static str),
	/// The picture cannot be used.
	#[error(transparent)]
	Picture(#[from] PictureError),
	/// The file with the numbers is no text.
	#[error("numbers are a text; this file is none")]
	NoText,
	/// It has something else than whole numbers.
	#[error("number {place} of the file is no whole number of 64 bits: {text:?}")]
	NoNumber {
		/// Which of them, from 1.
		place: usize,
		/// How it begins.
		text: String,
	},
	/// Another number of numbers.
	#[error("this model is asked with {wanted} numbers, not with {given}")]
	Count {
		/// How many it takes.
		wanted: u64,
		/// How many were given.
		given: usize,
	},
	/// More bytes than the model takes.
	#[error("this model takes at most {most} bytes, not {given}")]
	TooLong {
		/// How many it takes.
		most: u32,
		/// How many were given.
		given: usize,
	},
	/// Not the bytes of the model's input tensors.
	#[error("the input tensors of this model have {wanted} bytes, not {given}")]
	TensorLength {
		/// How many they have.
		wanted: u64,
		/// How many were given.
		given: usize,
	},
}

impl Card {
	/// What a file asks a model with this card: a PNG, whole numbers as text (with blanks, commas, line breaks and
	/// brackets between them, such as a JSON array), or its bytes.
	///
	/// # Errors
	///
	/// The model takes numbers, and the file does not have them: [`AskError::NoText`], [`AskError::Count`] or
	/// [`AskError::NoNumber`].
	pub fn question<'a>(&self, file: &'a [u8]) -> Result<Asked<'a>, AskError> {
		match &self.input {
			Input::Image { .. } => Ok(Asked::Png(file)),
			Input::Bytes { .. } | Input::Tensor => Ok(Asked::Bytes(file)),
			Input::Series { shape, .. } => numbers(file, count_of(shape)).map(Asked::Numbers),
		}
	}

	/// One input of a model with this card and this graph, in the canonical bytes of its tensors. The same question gives
	/// the same bytes, everywhere.
	///
	/// # Errors
	///
	/// [`AskError`]. What is asked may be hostile: nothing is allocated that its own length, or the model's input, does not
	/// bound, but for a picture's [`MAX_PIXELS`](crate::MAX_PIXELS).
	pub fn input_of(&self, graph: &Graph, asked: &Asked<'_>) -> Result<Vec<u8>, AskError> {
		self.check(graph)?;
		match (&self.input, asked) {
			(Input::Image { width, height, channels, resize, scale }, Asked::Png(file)) => {
				let frame = Frame { width: *width, height: *height, channels: *channels };
				let pixels = picture::pixels(file, frame, *resize)?;
				Ok(elements(tensor(graph)?, scale, pixels.into_iter().map(i64::from)))
			}
			(Input::Series { shape, scale }, Asked::Numbers(numbers)) => {
				let (wanted, given) = (count_of(shape), numbers.len());
				if u64::try_from(given) != Ok(wanted) {
					return Err(AskError::Count { wanted, given });
				}
				Ok(elements(tensor(graph)?, scale, numbers.iter().copied()))
			}
			(Input::Bytes { length, padding, scale }, Asked::Bytes(bytes)) => {
				let (most, given) = (*length, bytes.len());
				let Some(missing) = usize::try_from(most).ok().and_then(|most| most.checked_sub(given))
				else {
					return Err(AskError::TooLong { most, given });
				};
				let padded = bytes.iter().chain(iter::repeat_n(padding, missing));
				Ok(elements(tensor(graph)?, scale, padded.copied().map(i64::from)))
			}
			(Input::Tensor, Asked::Bytes(bytes)) => {
				let (wanted, given) = (graph.input_bytes(), bytes.len());
				match u64::try_from(given) {
					Ok(len) if len == wanted => Ok(bytes.to_vec()),
					_ => Err(AskError::TensorLength { wanted, given }),
				}
			}
			(Input::Image { .. }, _) => Err(AskError::AnotherKind("a picture, as PNG")),
			(Input::Series { .. }, _) => Err(AskError::AnotherKind("numbers")),
			(Input::Bytes { .. }, _) => Err(AskError::AnotherKind("bytes")),
			(Input::Tensor, _) => Err(AskError::AnotherKind("the bytes of its input tensors")),
		}
	}
}

/// The only input of a graph that a card was checked against.
fn tensor(graph: &Graph) -> Result<&TensorType, Unfit> {
	graph.inputs.first().ok_or(Unfit::SeveralInputs(0))
}

/// How many numbers such a series has.
fn count_of(shape: &[u32]) -> u64 {
	shape.iter().fold(1u64, |count, extent| count.saturating_mul((*extent).into()))
}

/// Numbers, scaled, as the bytes of a tensor's elements.
fn elements(tensor: &TensorType, scale: &Scale, numbers: impl Iterator<Item = i64>) -> Vec<u8> {
	let dtype = tensor.dtype;
	let size = match dtype {
		DType::I8 | DType::U8 => 1,
		DType::I16 | DType::U16 => 2,
		DType::I32 => 4,
	};
	let mut bytes = Vec::with_capacity(numbers.size_hint().0.saturating_mul(size));
	for number in numbers {
		let scaled = scale.of(number).clamp(i64::MIN.into(), i64::MAX.into());
		let value = dtype.saturate(i64::try_from(scaled).unwrap_or_default());
		// In two's complement a smaller type has the lower bytes of a larger one.
		bytes.extend(value.to_le_bytes().iter().take(size));
	}
	bytes
}

/// The whole numbers in a text.
fn numbers(file: &[u8], wanted: u64) -> Result<Vec<i64>, AskError> {
	let text = str::from_utf8(file).map_err(|_| AskError::NoText)?;
	let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '[' | ']');
	let words = || text.split(between).filter(|word| !word.is_empty());
	// Counted first, so that no more are kept than are wanted.
	let given = words().count();
	if u64::try_from(given) != Ok(wanted) {
		return Err(AskError::Count { wanted, given });
	}
	let number = |(at, word): (usize, &str)| {
		word.parse().map_err(|_| AskError::NoNumber {
			place: at.saturating_add(1),
			text: word.chars().take(20).collect(),
		})
	};
	words().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{Output, Resize};
	use oda_evaluator::graph::{Node, Op, VERSION};
	use std::num::NonZeroU32;

	/// A graph that gives back its input.
	fn graph(dtype: DType, shape: &[u32]) -> Graph {
		let tensor = TensorType::new(dtype, shape);
		Graph {
			version: VERSION,
			inputs: vec![tensor.clone()],
			params: vec![],
			nodes: vec![Node { op: Op::Reshape, inputs: vec![0], output: tensor }],
			outputs: vec![1],
		}
	}

	fn card(input: Input) -> Card {
		let (description, licence) = (String::new(), String::new());
		Card { title: "A card".into(), description, licence, input, output: Output::Numbers }
	}

	fn series(shape: &[u32]) -> Card {
		card(Input::Series { shape: shape.to_vec(), scale: Scale::default() })
	}

	fn bytes(length: u32, padding: u8) -> Card {
		card(Input::Bytes { length, padding, scale: Scale::default() })
	}

	#[test]
	fn numbers_are_read_whatever_is_between_them() {
		let card = series(&[2, 2]);
		for file in ["1 -2\n3,4", "[[1, -2], [3, 4]]\n", "1;-2;3;+4", "\t1,,-2 , 3\r\n4\r\n"] {
			assert_eq!(card.question(file.as_bytes()).unwrap(), Asked::Numbers(vec![1, -2, 3, 4]), "{file}");
		}
	}

	#[test]
	fn a_file_without_the_numbers_is_refused() {
		let card = series(&[2]);
		assert!(matches!(card.question(&[0xff, 1]), Err(AskError::NoText)));
		assert!(matches!(card.question(b"1"), Err(AskError::Count { wanted: 2, given: 1 })));
		assert!(matches!(card.question(b"1 2 3"), Err(AskError::Count { wanted: 2, given: 3 })));
		for bad in ["1 x", "1 2.5", "1 1e3", "1 9223372036854775808", "1 0x10"] {
			assert!(
				matches!(card.question(bad.as_bytes()), Err(AskError::NoNumber { place: 2, .. })),
				"{bad}"
			);
		}
	}

	#[test]
	fn numbers_become_elements_of_the_tensors_type() {
		let asked = Asked::Numbers(vec![-1, 300, 70_000, i64::MIN]);
		let input = |dtype| series(&[4]).input_of(&graph(dtype, &[4]), &asked).unwrap();
		assert_eq!(input(DType::I8), [0xff, 127, 127, 0x80]);
		assert_eq!(input(DType::U8), [0, 255, 255, 0]);
		assert_eq!(input(DType::I16), [0xff, 0xff, 0x2c, 1, 0xff, 0x7f, 0, 0x80]);
		assert_eq!(input(DType::U16), [0, 0, 0x2c, 1, 0xff, 0xff, 0, 0]);
		let wide = [0xff, 0xff, 0xff, 0xff, 0x2c, 1, 0, 0, 0x70, 0x11, 1, 0, 0, 0, 0, 0x80];
		assert_eq!(input(DType::I32), wide);
	}

	#[test]
	fn numbers_are_scaled() {
		let scale = Scale { num: 3, den: NonZeroU32::new(2).unwrap(), offset: -10 };
		let card = card(Input::Series { shape: vec![3], scale });
		let input = card.input_of(&graph(DType::I8, &[3]), &Asked::Numbers(vec![0, 1, 100]));
		assert_eq!(input.unwrap(), [0xf6, 0xf8, 127]);
	}

	#[test]
	fn another_number_of_numbers_is_refused() {
		let asked = Asked::Numbers(vec![1; 3]);
		let refused = series(&[4]).input_of(&graph(DType::I8, &[4]), &asked);
		assert!(matches!(refused, Err(AskError::Count { wanted: 4, given: 3 })));
	}

	#[test]
	fn a_short_file_is_padded_and_a_long_one_refused() {
		let (card, graph) = (bytes(4, 32), graph(DType::U8, &[4]));
		let input = |file| card.input_of(&graph, &card.question(file).unwrap());
		assert_eq!(input(b"hi").unwrap(), b"hi  ");
		assert_eq!(input(b"").unwrap(), b"    ");
		assert_eq!(input(b"four").unwrap(), b"four");
		assert!(matches!(input(b"fives"), Err(AskError::TooLong { most: 4, given: 5 })));
	}

	#[test]
	fn tensors_are_taken_as_they_are() {
		let (card, graph) = (card(Input::Tensor), graph(DType::I16, &[2]));
		let input = |file| card.input_of(&graph, &card.question(file).unwrap());
		assert_eq!(input(&[1, 2, 3, 4]).unwrap(), [1, 2, 3, 4]);
		assert!(matches!(input(&[1, 2, 3]), Err(AskError::TensorLength { wanted: 4, given: 3 })));
	}

	#[test]
	fn each_kind_of_model_is_asked_with_its_own() {
		let image =
			Input::Image { width: 1, height: 1, channels: 1, resize: Resize::Exact, scale: Scale::default() };
		let graph = graph(DType::I8, &[1]);
		for card in [card(image), series(&[1]), bytes(1, 0), card(Input::Tensor)] {
			let questions = [Asked::Png(b"a"), Asked::Bytes(b"a"), Asked::Numbers(vec![1])];
			let answers = questions.map(|asked| card.input_of(&graph, &asked));
			let refused = answers.iter().filter(|a| matches!(a, Err(AskError::AnotherKind(_)))).count();
			assert_eq!(refused, 2, "{card:?}: {answers:?}");
		}
	}

	#[test]
	fn no_input_is_made_for_another_model() {
		let refused = bytes(4, 0).input_of(&graph(DType::U8, &[5]), &Asked::Bytes(b"four"));
		assert!(matches!(refused, Err(AskError::Unfit(_))));
	}
}
