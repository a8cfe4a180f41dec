//! The model of the demo and the scenarios: the handwritten digits of `data/digits`.

use crate::Worker;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

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
