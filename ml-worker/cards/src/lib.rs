//! Model cards: what a model is about, and how a question is made of a picture or a file.
//!
//! A model computes on tensors of integers. Its [`Card`], a small JSON file that the chain names, says what it is about
//! and what its tensors mean: so people ask with a PNG, with numbers or with any file, and read an answer. No float takes
//! part, so the same question is the same bytes everywhere, which a receipt can be checked against.
//!
//! * [`Card::parse`] reads a card, which a stranger wrote; [`Card::check`] holds it against a model's graph;
//! * [`Card::question`] says what a file is for a card; [`Card::input_of`] makes a tensor's bytes of it;
//! * [`Card::answer_of`] reads the model's output.
//!
//! ```
//! use oda_cards::{Answer, Asked, Card};
//! use oda_evaluator::graph::{DType, Graph, Node, Op, TensorType, VERSION};
//!
//! // A model that gives back what it is asked.
//! let node = Node { op: Op::Reshape, inputs: vec![0], output: TensorType::new(DType::I8, [2]) };
//! let inputs = vec![TensorType::new(DType::I8, [1, 2])];
//! let graph = Graph { version: VERSION, inputs, params: vec![], nodes: vec![node], outputs: vec![1] };
//! let card = Card::parse(
//!     br#"{
//!         "title": "The greater one",
//!         "input": { "series": { "shape": [2], "scale": { "num": 1, "den": 10 } } },
//!         "output": { "classes": { "labels": ["first", "second"] } }
//!     }"#,
//! )?;
//! card.check(&graph)?;
//! let input = card.input_of(&graph, &card.question(b"120, 998")?)?;
//! assert_eq!(input, [12, 100]);
//! let Answer::Class { label, .. } = card.answer_of(&graph, &input)? else { panic!("it has classes") };
//! assert_eq!(label, "second");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

mod answer;
mod card;
mod picture;
mod question;

pub use answer::{Answer, AnswerError, Scored};
pub use card::{Card, CardError, Input, MAX_BYTES, MAX_LABELS, Output, Resize, Scale, Unfit};
pub use picture::{MAX_FILE_BYTES, MAX_PIXELS, PictureError, Size};
pub use question::{AskError, Asked};
