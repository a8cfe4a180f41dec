//! The model of the demo and the scenarios: the handwritten digits of `data/digits`.

use crate::Worker;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
	fs::File,
	path::{Path, PathBuf},
};

/// Width and height of a digit, in pixels.
const SIDE: u32 = 8;
/// Bytes of a record: a byte a pixel, from 0 to 16, and the digit that they show.
const RECORD: usize = 65;
/// What the card calls the classes.
const LABELS: &str = "0,1,2,3,4,5,6,7,8,9";

/// A registered model.
#[derive(Clone, Debug)]
pub struct Digits {
	/// The model's id, as the worker prints it.
	pub model: String,
	/// The root of the records to train on.
	pub train_set: String,
	/// Where its specification lies.
	pub spec: PathBuf,
}

/// A file of `data/digits`.
pub fn file(name: &str) -> String {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits");
	folder.join(name).to_string_lossy().into_owned()
}

/// A text in a JSON object.
pub fn text(value: &Value, pointer: &str) -> Result<String> {
	let found = value.pointer(pointer).with_context(|| format!("no {pointer} in {value}"))?;
	Ok(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}

/// Stores the data and writes the specification; what it takes to register.
pub async fn prepare(worker: &Worker) -> Result<Digits> {
	let train_set = text(&worker.result(&["blobs", "add", &file("train.bin")]).await?, "/root")?;
	let spec = worker.base().join("digits.json");
	let out = spec.to_string_lossy();
	let made = worker
		.result(&["model", "init", "--template", "digits", "--data", &file("validation.bin"), "--out", &out])
		.await?;
	Ok(Digits { model: text(&made, "/model")?, train_set, spec })
}

/// The root of random weights of this seed.
pub async fn random_weights(worker: &Worker, digits: &Digits, seed: &str) -> Result<String> {
	let spec = digits.spec.to_string_lossy();
	let made =
		worker.result(&["model", "random", &spec, "--data", &digits.train_set, "--seed", seed]).await?;
	text(&made, "/weights/root")
}

/// Registers the model with random weights, and waits until they are version 0.
pub async fn register(worker: &Worker, digits: &Digits, seen: impl FnMut(&Value)) -> Result<()> {
	let weights = random_weights(worker, digits, "1").await?;
	let spec = digits.spec.to_string_lossy();
	worker.follow(&["model", "register", "--yes", &spec, "--weights", &weights], seen).await?;
	Ok(())
}

/// Trains, from the head unless `rest` says otherwise; what came of it.
pub async fn train(
	worker: &Worker,
	digits: &Digits,
	rest: &[&str],
	seen: impl FnMut(&Value),
) -> Result<Value> {
	let mut args = vec!["train", "--model", &digits.model, "--data", &digits.train_set];
	args.extend(rest);
	worker.follow(&args, seen).await?.pop().context("training printed nothing")
}

/// Gives the model a card, by which it is asked with pictures. Its head is `trainer`'s.
pub async fn set_card(trainer: &Worker, digits: &Digits) -> Result<()> {
	let (spec, card) = (digits.spec.to_string_lossy(), trainer.base().join("card.json"));
	let card = card.to_string_lossy();
	let pictures = ["--input", "image", "--resize", "area", "--scale", "16/255", "--labels", LABELS];
	let make = ["card", "make", "--spec", &spec, "--title", "Handwritten digits", "--out", &card];
	trainer.result(&[&make[..], &pictures].concat()).await?;
	trainer.result(&["card", "set", &digits.model, &card]).await?;
	Ok(())
}

/// A digit as a PNG file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
	/// Where it lies.
	pub path: String,
	/// The digit that it shows.
	pub digit: String,
}

/// Writes the first records of a file of `data/digits` as pictures into `folder`, at most so many.
pub fn pictures(name: &str, most: usize, folder: &Path) -> Result<Vec<Picture>> {
	std::fs::create_dir_all(folder)?;
	let data = std::fs::read(file(name))?;
	let records = data.chunks_exact(RECORD).take(most).enumerate();
	let pictures = records.map(|(index, record)| {
		let (digit, pixels) = record.split_last().context("a record is empty")?;
		// The card makes 0 to 16 of a brightness of 0 to 255.
		let bright = |pixel: &u8| u8::try_from(u16::from(*pixel).saturating_mul(255).saturating_add(8) / 16);
		let bright: Vec<u8> = pixels.iter().map(bright).collect::<Result<_, _>>()?;
		let path = folder.join(format!("{name}-{index}.png"));
		let mut encoder = png::Encoder::new(File::create(&path)?, SIDE, SIDE);
		encoder.set_color(png::ColorType::Grayscale);
		encoder.set_depth(png::BitDepth::Eight);
		let mut writer = encoder.write_header()?;
		writer.write_image_data(&bright)?;
		writer.finish()?;
		Ok(Picture { path: path.to_string_lossy().into_owned(), digit: digit.to_string() })
	});
	pictures.collect()
}
