//! The card itself: its fields, what bounds them, and whether it fits a graph.

use oda_evaluator::{
	Graph,
	graph::TensorType,
	limits::{MAX_RANK, MAX_TENSOR_BYTES},
};
use oda_primitives::MAX_CARD_LEN;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The most bytes that a card may have, as JSON: 64 KiB, as the chain has it.
#[allow(clippy::cast_possible_truncation, reason = "it is 64 KiB")]
pub const MAX_BYTES: usize = MAX_CARD_LEN as usize;
/// The most labels.
pub const MAX_LABELS: usize = 4_096;
/// The most characters of a title, a licence and a label.
const MAX_LINE: usize = 100;
/// The most characters of a description.
const MAX_DESCRIPTION: usize = 4_000;

/// What a model is about, and what its tensors mean. As a file it is JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
	/// What it is called: a line of at most 100 characters.
	pub title: String,
	/// What it is for, what it was trained on, what it is bad at: at most 4,000 characters, which may be several lines.
	#[serde(default, skip_serializing_if = "String::is_empty")]
	pub description: String,
	/// Under which terms its weights are: a line of at most 100 characters, such as an SPDX expression.
	#[serde(default, skip_serializing_if = "String::is_empty")]
	pub licence: String,
	/// How an input is made.
	pub input: Input,
	/// What an output means.
	pub output: Output,
}

/// How an input is made of what somebody asks. All but [`Tensor`](Self::Tensor) are whole numbers, each of which
/// [`Scale`] makes an element of the model's only input, in their order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
	/// A picture: of each pixel its channels, from 0 to 255, row by row from the top.
	Image {
		/// Pixels from left to right.
		width: u32,
		/// Pixels from top to bottom.
		height: u32,
		/// 1: grey; 3: red, green, blue; 4: these and opacity.
		channels: u8,
		/// What is done with a picture of another size.
		#[serde(default)]
		resize: Resize,
		/// How a channel becomes an element.
		#[serde(default, skip_serializing_if = "Scale::is_identity")]
		scale: Scale,
	},
	/// Numbers, such as measurements over time.
	Series {
		/// The extent of each axis, outermost first; the last one is the quickest to vary.
		shape: Vec<u32>,
		/// How a number becomes an element.
		#[serde(default, skip_serializing_if = "Scale::is_identity")]
		scale: Scale,
	},
	/// The bytes of any file, such as a text.
	Bytes {
		/// How many the model takes; what is longer is refused.
		length: u32,
		/// What follows a file that is shorter.
		#[serde(default)]
		padding: u8,
		/// How a byte, from 0 to 255, becomes an element.
		#[serde(default, skip_serializing_if = "Scale::is_identity")]
		scale: Scale,
	},
	/// The model's input tensors as they are, one after the other: little-endian, row-major.
	Tensor,
}

/// What is done with a picture that has not the model's size. Its proportions are not kept.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
	/// It is refused.
	#[default]
	Exact,
	/// Each pixel is the one that lies under its centre: of `w` from `W`, number `⌊(2x + 1)·W / 2w⌋`.
	Nearest,
	/// Each pixel is the average of the area that it covers, parts of pixels by their parts; halves are rounded up.
	Area,
}

/// How a number becomes an element of a tensor: `⌊number · num / den + ½⌋ + offset`, or the bound of the tensor's type
/// that this exceeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scale {
	/// What it is multiplied with.
	pub num: i32,
	/// What it is divided by.
	pub den: NonZeroU32,
	/// What is added.
	pub offset: i32,
}

impl Default for Scale {
	fn default() -> Self {
		Self { num: 1, den: NonZeroU32::MIN, offset: 0 }
	}
}

impl Scale {
	/// Whether it changes nothing.
	fn is_identity(&self) -> bool {
		*self == Self::default()
	}

	/// What a number becomes, before it is confined to a type.
	pub(crate) fn of(&self, number: i64) -> i128 {
		// No product of an `i64` and an `i32` comes near the end of an `i128`.
		let den = i128::from(self.den.get());
		let twice = i128::from(number).saturating_mul(i128::from(self.num)).saturating_mul(2);
		let rounded = twice.saturating_add(den).checked_div_euclid(den.saturating_mul(2));
		rounded.unwrap_or_default().saturating_add(i128::from(self.offset))
	}
}

/// What an output means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
	/// A score for each class; the greatest wins, of equal ones the first.
	Classes {
		/// What the classes are called, in the order of the scores.
		labels: Vec<String>,
	},
	/// Numbers that stand for themselves.
	Numbers,
}

/// Why something is no card.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
	/// It is longer than cards may be.
	#[error("a card has at most {MAX_BYTES} bytes; this has {0}")]
	TooLong(usize),
	/// It is not the JSON of a card.
	#[error("this is no card: {0}")]
	Json(#[from] serde_json::Error),
	/// A text that has to be there is not.
	#[error("the {0} is empty")]
	Empty(&'static str),
	/// A text is too long.
	#[error("the {0} has more than {1} characters")]
	TooManyCharacters(&'static str, usize),
	/// A text has a character that does not show what it does: a control character, or one that turns the direction of
	/// what follows.
	#[error("the {0} has a character that cannot be shown: {1:?}")]
	Unshowable(&'static str, char),
	/// There are too many labels.
	#[error("a card has at most {MAX_LABELS} labels; this has {0}")]
	TooManyLabels(usize),
	/// There is nothing to choose from.
	#[error("classes without labels")]
	NoLabels,
	/// A picture has channels that no PNG has.
	#[error("a picture has 1, 3 or 4 channels, not {0}")]
	Channels(u8),
	/// An input has an axis without elements, or no axis.
	#[error("an input without elements")]
	NoElements,
	/// An input has too many axes.
	#[error("an input has at most {MAX_RANK} axes; this has {0}")]
	TooManyAxes(usize),
	/// An input has more elements than any tensor.
	#[error("an input has at most {MAX_TENSOR_BYTES} elements; this has {0}")]
	TooManyElements(u64),
}

/// Why a card is not one of this model.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unfit {
	/// A picture, numbers or bytes become one tensor; the model has several.
	#[error("the model has {0} inputs; such a card has to take them as a tensor")]
	SeveralInputs(usize),
	/// Another number of elements.
	#[error("the card's input has {card} elements, the model's {model}")]
	InputElements {
		/// What the card says.
		card: u64,
		/// What the graph says.
		model: u64,
	},
	/// As many elements, but not the picture's height, width and channels in this order.
	#[error("the card's picture has the shape {card:?}, the model's input {model:?}")]
	InputShape {
		/// Height, width and channels, as the card says.
		card: [u32; 3],
		/// What the graph says.
		model: Vec<u32>,
	},
	/// Classes are scored by one tensor; the model has several.
	#[error("the model has {0} outputs; classes have one")]
	SeveralOutputs(usize),
	/// Another number of classes.
	#[error("the card has {card} labels, the model scores {model} classes")]
	Labels {
		/// What the card says.
		card: u64,
		/// What the graph says.
		model: u64,
	},
}

impl Card {
	/// Reads a card.
	///
	/// # Errors
	///
	/// [`CardError`], for whatever it is that makes it none. Nothing of it is kept then, and no more than a few times its
	/// length is allocated before.
	pub fn parse(bytes: &[u8]) -> Result<Self, CardError> {
		if bytes.len() > MAX_BYTES {
			return Err(CardError::TooLong(bytes.len()));
		}
		let card: Self = serde_json::from_slice(bytes)?;
		card.validate()?;
		Ok(card)
	}

	/// The card as a file, which [`parse`](Self::parse) reads.
	///
	/// # Errors
	///
	/// [`CardError`], if `parse` would refuse it.
	pub fn to_json(&self) -> Result<String, CardError> {
		self.validate()?;
		let json = serde_json::to_string_pretty(self)? + "\n";
		if json.len() > MAX_BYTES { Err(CardError::TooLong(json.len())) } else { Ok(json) }
	}

	/// What the classes are called, if the model has such.
	pub fn labels(&self) -> &[String] {
		match &self.output {
			Output::Classes { labels } => labels,
			Output::Numbers => &[],
		}
	}

	/// Whether its fields keep to their bounds.
	fn validate(&self) -> Result<(), CardError> {
		line("title", &self.title)?;
		if !self.licence.is_empty() {
			line("licence", &self.licence)?;
		}
		shown("description", &self.description, MAX_DESCRIPTION, |c| c == '\n')?;
		match &self.output {
			Output::Classes { labels } if labels.is_empty() => return Err(CardError::NoLabels),
			Output::Classes { labels } if labels.len() > MAX_LABELS => {
				return Err(CardError::TooManyLabels(labels.len()));
			}
			Output::Classes { labels } => labels.iter().try_for_each(|label| line("label", label))?,
			Output::Numbers => {}
		}
		let shape = match &self.input {
			Input::Image { channels, .. } if ![1, 3, 4].contains(channels) => {
				return Err(CardError::Channels(*channels));
			}
			Input::Image { width, height, channels, .. } => vec![*height, *width, u32::from(*channels)],
			Input::Series { shape, .. } => shape.clone(),
			Input::Bytes { length, .. } => vec![*length],
			Input::Tensor => return Ok(()),
		};
		match elements(&shape) {
			_ if shape.len() > MAX_RANK => Err(CardError::TooManyAxes(shape.len())),
			_ if shape.is_empty() => Err(CardError::NoElements),
			0 => Err(CardError::NoElements),
			many if many > MAX_TENSOR_BYTES => Err(CardError::TooManyElements(many)),
			_ => Ok(()),
		}
	}

	/// Whether the card is one of a model with this graph.
	///
	/// # Errors
	///
	/// [`Unfit`]: the input or the output is another.
	pub fn check(&self, graph: &Graph) -> Result<(), Unfit> {
		let image = match self.input {
			Input::Image { width, height, channels, .. } => Some([height, width, u32::from(channels)]),
			_ => None,
		};
		let stated = match &self.input {
			Input::Image { .. } => image.as_ref().map(|shape| elements(shape)),
			Input::Series { shape, .. } => Some(elements(shape)),
			Input::Bytes { length, .. } => Some(u64::from(*length)),
			Input::Tensor => None,
		};
		if let Some(card) = stated {
			let [input] = graph.inputs.as_slice() else {
				return Err(Unfit::SeveralInputs(graph.inputs.len()));
			};
			if card != input.elements() {
				return Err(Unfit::InputElements { card, model: input.elements() });
			}
			// A model may take a picture as one long vector; if it takes an image, then this one.
			if let Some(card) = image
				&& input.shape.len() == card.len()
				&& input.shape != card
			{
				return Err(Unfit::InputShape { card, model: input.shape.clone() });
			}
		}
		if let Output::Classes { labels } = &self.output {
			let [output] = graph.outputs.as_slice() else {
				return Err(Unfit::SeveralOutputs(graph.outputs.len()));
			};
			let card = u64::try_from(labels.len()).unwrap_or(u64::MAX);
			let model = graph.value_type(usize::from(*output)).map_or(0, TensorType::elements);
			if card != model {
				return Err(Unfit::Labels { card, model });
			}
		}
		Ok(())
	}
}

/// How many elements such axes have.
fn elements(shape: &[u32]) -> u64 {
	shape.iter().fold(1u64, |count, extent| count.saturating_mul((*extent).into()))
}

/// A text of one line that is not empty.
fn line(what: &'static str, text: &str) -> Result<(), CardError> {
	if text.trim().is_empty() {
		return Err(CardError::Empty(what));
	}
	shown(what, text, MAX_LINE, |_| false)
}

/// A text that people can read, wherever it is printed, and that changes nothing else there.
fn shown(what: &'static str, text: &str, most: usize, also: fn(char) -> bool) -> Result<(), CardError> {
	// In this order: of a text that is too long no more is looked at.
	if text.chars().nth(most).is_some() {
		return Err(CardError::TooManyCharacters(what, most));
	}
	match text.chars().find(|&c| (c.is_control() && !also(c)) || is_unshowable(c)) {
		Some(c) => Err(CardError::Unshowable(what, c)),
		None => Ok(()),
	}
}

/// Whether a character turns the direction of the text around it, or ends a line without being a control character.
fn is_unshowable(c: char) -> bool {
	const TURNS: [(char, char); 4] = [
		('\u{61c}', '\u{61c}'),
		('\u{200e}', '\u{200f}'),
		('\u{202a}', '\u{202e}'),
		('\u{2066}', '\u{2069}'),
	];
	const ENDS: (char, char) = ('\u{2028}', '\u{2029}');
	TURNS.iter().chain([&ENDS]).any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::graph::{DType, Node, Op, VERSION};

	/// A graph that gives back its inputs under other shapes.
	fn graph(inputs: &[(DType, &[u32])], outputs: &[&[u32]]) -> Graph {
		let count = u16::try_from(inputs.len()).unwrap();
		let node = |(number, shape): (usize, &&[u32])| Node {
			op: Op::Reshape,
			inputs: vec![u16::try_from(number).unwrap()],
			output: TensorType::new(inputs[number].0, *shape),
		};
		Graph {
			version: VERSION,
			inputs: inputs.iter().map(|(dtype, shape)| TensorType::new(*dtype, *shape)).collect(),
			params: vec![],
			nodes: outputs.iter().enumerate().map(node).collect(),
			outputs: (0..u16::try_from(outputs.len()).unwrap()).map(|n| count + n).collect(),
		}
	}

	fn image(height: u32, width: u32, channels: u8) -> Input {
		Input::Image { width, height, channels, resize: Resize::Exact, scale: Scale::default() }
	}

	fn classes(labels: &[&str]) -> Output {
		Output::Classes { labels: labels.iter().map(|label| (*label).to_owned()).collect() }
	}

	fn card(input: Input, output: Output) -> Card {
		Card { title: "A card".into(), description: String::new(), licence: String::new(), input, output }
	}

	/// What is said of a card of which one field is this JSON.
	fn refused(field: &str, json: &str) -> CardError {
		let mut fields = vec![("title", "\"A card\""), ("input", "\"tensor\""), ("output", "\"numbers\"")];
		fields.retain(|(name, _)| *name != field);
		fields.push((field, json));
		let body: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
		Card::parse(format!("{{ {} }}", body.join(", ")).as_bytes()).unwrap_err()
	}

	#[test]
	fn a_card_survives_its_file() {
		let full = Card {
			title: "Ziffern, 数字".into(),
			description: "Handwritten digits.\nBad at letters.".into(),
			licence: "CC-BY-4.0".into(),
			input: Input::Image {
				width: 8,
				height: 4,
				channels: 3,
				resize: Resize::Area,
				scale: Scale { num: -16, den: NonZeroU32::new(255).unwrap(), offset: 16 },
			},
			output: classes(&["zero", "one"]),
		};
		let bytes = Input::Bytes { length: 9, padding: 32, scale: Scale::default() };
		let series = Input::Series { shape: vec![3, 2], scale: Scale::default() };
		let others = [bytes, series, Input::Tensor].map(|input| card(input, Output::Numbers));
		for card in [full].iter().chain(&others) {
			assert_eq!(&Card::parse(card.to_json().unwrap().as_bytes()).unwrap(), card);
		}
	}

	#[test]
	fn what_is_not_said_is_usual() {
		let json =
			br#"{"title":"t","input":{"image":{"width":2,"height":1,"channels":1}},"output":"numbers"}"#;
		assert_eq!(Card::parse(json).unwrap(), {
			let mut card = card(image(1, 2, 1), Output::Numbers);
			card.title = "t".into();
			card
		});
	}

	#[test]
	fn a_file_that_is_too_long_is_refused_before_it_is_read() {
		let file = vec![b' '; MAX_BYTES + 1];
		assert!(matches!(Card::parse(&file), Err(CardError::TooLong(len)) if len == MAX_BYTES + 1));
	}

	#[test]
	fn what_is_no_json_of_a_card_is_refused() {
		let deep = "[".repeat(MAX_BYTES);
		for bad in ["", "{", "[]", "null", "{}", &deep, "{\"title\":\"a\",\"title\":\"b\"}"] {
			assert!(matches!(Card::parse(bad.as_bytes()), Err(CardError::Json(_))), "{bad:.20}");
		}
		assert!(matches!(Card::parse(&[0xff, 0xfe]), Err(CardError::Json(_))));
		assert!(matches!(refused("colour", "1"), CardError::Json(_)));
		assert!(matches!(
			refused("input", r#"{"image":{"width":1,"height":1,"channels":1,"x":0}}"#),
			CardError::Json(_)
		));
		assert!(matches!(
			refused("input", r#"{"series":{"shape":[1],"scale":{"den":0}}}"#),
			CardError::Json(_)
		));
		assert!(matches!(refused("input", r#"{"bytes":{"length":-1}}"#), CardError::Json(_)));
		assert!(matches!(refused("input", r#"{"bytes":{"length":1.5}}"#), CardError::Json(_)));
	}

	#[test]
	fn texts_keep_to_their_lengths() {
		let text = |count| format!("\"{}\"", "ü".repeat(count));
		assert!(matches!(refused("title", "\" \""), CardError::Empty("title")));
		assert!(matches!(refused("title", &text(101)), CardError::TooManyCharacters("title", 100)));
		assert!(matches!(refused("licence", &text(101)), CardError::TooManyCharacters("licence", 100)));
		assert!(matches!(
			refused("description", &text(4_001)),
			CardError::TooManyCharacters("description", 4_000)
		));
		let label = format!("{{\"classes\":{{\"labels\":[{}]}}}}", text(101));
		assert!(matches!(refused("output", &label), CardError::TooManyCharacters("label", 100)));
	}

	#[test]
	fn characters_that_change_what_is_printed_around_them_are_refused() {
		for bad in ["\\u001b[2J", "a\\nb", "\\u0000", "\\u202etxt", "\\u2066", "\\u0085"] {
			assert!(
				matches!(refused("title", &format!("\"a{bad}\"")), CardError::Unshowable("title", _)),
				"{bad}"
			);
		}
		assert!(matches!(refused("description", "\"a\\tb\""), CardError::Unshowable("description", '\t')));
		let label = r#"{"classes":{"labels":["a","b\r"]}}"#;
		assert!(matches!(refused("output", label), CardError::Unshowable("label", '\r')));
	}

	#[test]
	fn labels_are_some_and_not_too_many() {
		let of = |labels: usize| {
			let labels = vec!["\"a\""; labels].join(",");
			refused("output", &format!("{{\"classes\":{{\"labels\":[{labels}]}}}}"))
		};
		assert!(matches!(of(0), CardError::NoLabels));
		assert!(matches!(of(MAX_LABELS + 1), CardError::TooManyLabels(count) if count == MAX_LABELS + 1));
		assert!(matches!(refused("output", r#"{"classes":{"labels":["a",""]}}"#), CardError::Empty("label")));
	}

	#[test]
	fn inputs_have_elements_and_not_more_than_a_tensor() {
		let image = |width: u64, height: u64, channels: u64| {
			refused(
				"input",
				&format!(r#"{{"image":{{"width":{width},"height":{height},"channels":{channels}}}}}"#),
			)
		};
		assert!(matches!(image(2, 2, 2), CardError::Channels(2)));
		assert!(matches!(image(0, 2, 1), CardError::NoElements));
		assert!(matches!(image(1 << 31, 1 << 31, 4), CardError::TooManyElements(u64::MAX)));
		assert!(matches!(image(2_048, 2_049, 1), CardError::TooManyElements(_)));
		let series = |shape: &str| refused("input", &format!(r#"{{"series":{{"shape":{shape}}}}}"#));
		assert!(matches!(series("[]"), CardError::NoElements));
		assert!(matches!(series("[1,1,1,1,1]"), CardError::TooManyAxes(5)));
		assert!(matches!(refused("input", r#"{"bytes":{"length":0}}"#), CardError::NoElements));
	}

	#[test]
	fn a_card_of_the_models_input_and_classes_fits() {
		let graph = graph(&[(DType::I8, &[2, 3, 1])], &[&[6]]);
		let labels = classes(&["a", "b", "c", "d", "e", "f"]);
		assert_eq!(card(image(2, 3, 1), labels.clone()).check(&graph), Ok(()));
		let series = Input::Series { shape: vec![6], scale: Scale::default() };
		assert_eq!(card(series, Output::Numbers).check(&graph), Ok(()));
		let bytes = Input::Bytes { length: 6, padding: 0, scale: Scale::default() };
		assert_eq!(card(bytes, Output::Numbers).check(&graph), Ok(()));
		assert_eq!(card(Input::Tensor, labels).check(&graph), Ok(()));
	}

	#[test]
	fn a_picture_may_be_a_long_vector_but_no_other_picture() {
		let flat = graph(&[(DType::I8, &[6])], &[&[6]]);
		assert_eq!(card(image(2, 3, 1), Output::Numbers).check(&flat), Ok(()));
		let turned = graph(&[(DType::I8, &[3, 2, 1])], &[&[6]]);
		let unfit = Unfit::InputShape { card: [2, 3, 1], model: vec![3, 2, 1] };
		assert_eq!(card(image(2, 3, 1), Output::Numbers).check(&turned), Err(unfit));
	}

	#[test]
	fn a_card_of_another_input_does_not_fit() {
		let one = graph(&[(DType::I8, &[6])], &[&[6]]);
		let bytes = Input::Bytes { length: 5, padding: 0, scale: Scale::default() };
		let unfit = Unfit::InputElements { card: 5, model: 6 };
		assert_eq!(card(bytes.clone(), Output::Numbers).check(&one), Err(unfit));
		let two = graph(&[(DType::I8, &[5]), (DType::I8, &[1])], &[&[5]]);
		assert_eq!(card(bytes, Output::Numbers).check(&two), Err(Unfit::SeveralInputs(2)));
		assert_eq!(card(Input::Tensor, Output::Numbers).check(&two), Ok(()));
	}

	#[test]
	fn a_card_of_other_classes_does_not_fit() {
		let one = graph(&[(DType::I8, &[3])], &[&[3]]);
		let labels = classes(&["a", "b"]);
		assert_eq!(card(Input::Tensor, labels.clone()).check(&one), Err(Unfit::Labels { card: 2, model: 3 }));
		let two = graph(&[(DType::I8, &[2]), (DType::I8, &[2])], &[&[2], &[2]]);
		assert_eq!(card(Input::Tensor, labels).check(&two), Err(Unfit::SeveralOutputs(2)));
	}

	#[test]
	fn scaling_rounds_halves_up_and_never_overflows() {
		let scale = |num, den, offset| Scale { num, den: NonZeroU32::new(den).unwrap(), offset };
		assert_eq!([0, 8, 255].map(|pixel| scale(16, 255, 0).of(pixel)), [0, 1, 16]);
		assert_eq!([-3, -1, 1, 3].map(|number| scale(1, 2, 0).of(number)), [-1, 0, 1, 2]);
		assert_eq!([0, 255].map(|pixel| scale(-1, 1, 127).of(pixel)), [127, -128]);
		assert_eq!(scale(i32::MIN, 1, i32::MIN).of(i64::MIN), (1i128 << 94) - (1 << 31));
	}
}
