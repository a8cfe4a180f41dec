//! The card of the digits in `data/digits`, from pictures to answers.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use oda_cards::{Answer, Asked, Card};
use oda_evaluator::{Evaluator, ModelSpec};
use std::{fs, path::Path};

/// Bytes of a record: its pixels, from 0 to 16, and the class.
const RECORD: usize = 65;

fn file(name: &str) -> Vec<u8> {
	fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits").join(name)).unwrap()
}

fn card() -> Card {
	Card::parse(&file("card.json")).unwrap()
}

fn model() -> ModelSpec {
	serde_json::from_slice(&file("model.json")).unwrap()
}

/// A picture of grey pixels, so many in each direction.
fn png(size: u32, pixels: &[u8]) -> Vec<u8> {
	let mut file = Vec::new();
	let mut encoder = png::Encoder::new(&mut file, size, size);
	encoder.set_color(png::ColorType::Grayscale);
	let mut writer = encoder.write_header().unwrap();
	writer.write_image_data(pixels).unwrap();
	writer.finish().unwrap();
	file
}

/// A record's pixels, from 0 to 255.
fn shades(record: &[u8]) -> Vec<u8> {
	record[..64].iter().map(|ink| u8::try_from((u32::from(*ink) * 255 + 8) / 16).unwrap()).collect()
}

#[test]
fn the_card_fits_the_model() {
	card().check(&model().graph).unwrap();
}

#[test]
fn a_picture_of_a_record_is_the_records_input() {
	let (card, graph) = (card(), model().graph);
	for record in file("validation.bin").chunks_exact(RECORD) {
		let picture = png(8, &shades(record));
		assert_eq!(card.input_of(&graph, &Asked::Png(&picture)).unwrap(), &record[..64]);
	}
}

#[test]
fn a_larger_picture_of_a_record_is_the_same_input() {
	let (card, graph) = (card(), model().graph);
	let data = file("validation.bin");
	let record = &data[..RECORD];
	let shades = shades(record);
	let larger: Vec<u8> = (0..32 * 32).map(|at| shades[at / 32 / 4 * 8 + at % 32 / 4]).collect();
	let input = card.input_of(&graph, &card.question(&png(32, &larger)).unwrap()).unwrap();
	assert_eq!(input, &record[..64]);
}

#[test]
fn people_who_ask_with_pictures_read_digits() {
	let (card, graph, weights) = (card(), model().graph, file("trained.bin"));
	let evaluator = Evaluator::new(&graph, &weights).unwrap();
	let data = file("validation.bin");
	let records: Vec<&[u8]> = data.chunks_exact(RECORD).take(100).collect();
	let right = records.iter().filter(|record| {
		let input = card.input_of(&graph, &Asked::Png(&png(8, &shades(record)))).unwrap();
		let output: Vec<u8> = evaluator.run(&input).unwrap().iter().flat_map(|t| t.to_le_bytes()).collect();
		let Answer::Class { index, label, scores } = card.answer_of(&graph, &output).unwrap() else {
			panic!("the digits are classes");
		};
		assert_eq!((label, scores.len()), (index.to_string(), 10));
		index == usize::from(record[64])
	});
	// Of all 540, 532 are right.
	assert!(right.count() >= 92);
}
