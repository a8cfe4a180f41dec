//! The models of `data/digits` on records of their validation set.

use crate::case::of_model;
use oda_evaluator::ModelSpec;
use serde_json::Value;
use std::{error::Error, fs, path::Path};

/// Records of each model.
const RECORDS: usize = 8;

/// The network, trained a little and to the end.
pub(crate) fn all() -> Result<Vec<Value>, Box<dyn Error>> {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits");
	let model: ModelSpec = serde_json::from_slice(&fs::read(folder.join("model.json"))?)?;
	let data = fs::read(folder.join("validation.bin"))?;
	let mut cases = Vec::new();
	for name in ["early.bin", "trained.bin"] {
		let weights = fs::read(folder.join(name))?;
		for (i, record) in data.chunks(model.record_bytes() as usize).take(RECORDS).enumerate() {
			cases.push(of_model(&format!("{name}, record {i}"), &model, &weights, record));
		}
	}
	Ok(cases)
}
