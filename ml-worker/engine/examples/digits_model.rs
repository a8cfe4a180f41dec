//! Writes `data/digits/model.json`: a small convolutional network, scored by accuracy on `validation.bin`.
//!
//! `cargo run -p oda-engine --example digits_model`; with `--check` it compares instead.

use oda_engine::builder::{Conv, GraphBuilder};
use oda_evaluator::{
	DataSource, DatasetRef, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Confidence, Metric, TargetSpec},
};
use oda_primitives::BlobRef;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits");
	let data = std::fs::read(folder.join("validation.bin"))?;

	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [8, 8, 1]);
	let x = b.conv2d(x, Conv::same(16, 3), DType::I8)?;
	let x = b.relu(x)?;
	let x = b.max_pool(x, [2, 2], [2, 2])?;
	let x = b.conv2d(x, Conv::same(32, 3), DType::I8)?;
	let x = b.relu(x)?;
	let x = b.max_pool(x, [2, 2], [2, 2])?;
	let x = b.flatten(x)?;
	let logits = b.dense(x, 10, DType::I16)?;

	let spec = ModelSpec {
		graph: b.build([logits])?.graph,
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
			min_improvement: 2,
			confidence: Some(Confidence { p: 384, q: 100 }),
		},
		data: DataSource::Fixed(DatasetRef {
			blob: BlobRef::of(&data),
			records: u32::try_from(data.len() / 65)?,
		}),
	};
	let cost = spec.validate()?;
	let path = folder.join("model.json");
	let json = serde_json::to_string_pretty(&spec)? + "\n";
	if std::env::args().any(|a| a == "--check") {
		if std::fs::read_to_string(&path)? != json {
			return Err("model.json differs".into());
		}
		println!("model.json: same");
		return Ok(());
	}
	std::fs::write(&path, json)?;
	println!("model     {}", hex::encode(spec.id()));
	println!("weights   {} bytes", spec.graph.param_bytes());
	println!("cost      {} multiply-accumulates a record", cost.macs());
	for name in ["train.bin", "validation.bin"] {
		let bytes = std::fs::read(folder.join(name))?;
		println!("{name:<15} {} bytes, root {}", bytes.len(), hex::encode(BlobRef::of(&bytes).root));
	}
	Ok(())
}
