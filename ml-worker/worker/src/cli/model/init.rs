//! Specification files.

use crate::{
	cli::{Global, blob},
	spec_file::{self, SpecFile},
};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use oda_engine::{
	builder::{Built, Conv, GraphBuilder},
	float::Tables,
};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, GraphError, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Confidence, Metric, TargetSpec},
};
use serde_json::json;
use std::path::PathBuf;

/// Graphs that `model init` knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Template {
	/// Images of 8 × 8 pixels in ten classes; a small convolutional network.
	Digits,
	/// Images of 28 × 28 pixels in ten classes; a convolutional network of three stages.
	Mnist,
}

/// What `model init` needs.
#[derive(Debug, Args)]
pub struct ModelInitArgs {
	/// A graph and objective that come with the worker.
	#[arg(long, value_enum, conflicts_with_all = ["graph", "objective"], required_unless_present = "graph")]
	pub template: Option<Template>,
	/// A file with a graph, as JSON.
	#[arg(long, value_name = "FILE", requires = "objective")]
	pub graph: Option<PathBuf>,
	/// A file with an objective, as JSON.
	#[arg(long, value_name = "FILE")]
	pub objective: Option<PathBuf>,
	/// The data that the model is scored on: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub data: String,
	/// By how much a new score must exceed the head's.
	#[arg(long, value_name = "SCORE")]
	pub min_improvement: Option<u64>,
	/// Do not ask that wins over the head be more than chance.
	#[arg(long)]
	pub no_confidence: bool,
	/// Where to write the specification.
	#[arg(long, short, value_name = "FILE")]
	pub out: PathBuf,
}

/// Two convolutions and a dense layer, for images of 8 × 8.
fn digits() -> Result<Built, GraphError> {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [8, 8, 1]);
	let x = stage(&mut b, x, 16)?;
	let x = stage(&mut b, x, 32)?;
	let x = b.flatten(x)?;
	let logits = b.dense(x, 10, DType::I16)?;
	b.build([logits])
}

/// Two convolutions and two dense layers, for images of 28 × 28.
fn mnist() -> Result<Built, GraphError> {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [28, 28, 1]);
	let x = stage(&mut b, x, 16)?;
	let x = stage(&mut b, x, 32)?;
	let x = b.flatten(x)?;
	let x = b.dense(x, 64, DType::I8)?;
	let x = b.relu(x)?;
	let logits = b.dense(x, 10, DType::I16)?;
	b.build([logits])
}

/// A convolution, nothing below 0, half the extent.
fn stage(
	b: &mut GraphBuilder,
	x: oda_engine::builder::Value,
	channels: u32,
) -> Result<oda_engine::builder::Value, GraphError> {
	let x = b.conv2d(x, Conv::same(channels, 3), DType::I8)?;
	let x = b.relu(x)?;
	b.max_pool(x, [2, 2], [2, 2])
}

/// One class index a record; wins over the head that are more than chance at the 5 % level.
fn classes() -> Objective {
	Objective {
		metric: Metric::Accuracy,
		target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
		min_improvement: 2,
		confidence: Some(Confidence { p: 384, q: 100 }),
	}
}

impl ModelInitArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let (graph, tables, mut objective) = match (args.template, &args.graph, &args.objective) {
			(Some(template), ..) => {
				let built = match template {
					Template::Digits => digits()?,
					Template::Mnist => mnist()?,
				};
				(built.graph, built.tables, classes())
			}
			(None, Some(graph), Some(objective)) => {
				(spec_file::json::<Graph>(graph)?, Tables::new(), spec_file::json::<Objective>(objective)?)
			}
			_ => bail!("give --template, or --graph and --objective"),
		};
		if let Some(step) = args.min_improvement {
			objective.min_improvement = step;
		}
		if args.no_confidence {
			objective.confidence = None;
		}
		let blob = blob(context, &args.data).await?;
		let mut spec =
			ModelSpec { graph, objective, data: DataSource::Fixed(DatasetRef { blob, records: 0 }) };
		let size = spec.record_bytes();
		ensure!(
			size > 0 && blob.len % size == 0,
			"the data has {} bytes, which is no whole number of records of {size}",
			blob.len
		);
		let records = u32::try_from(blob.len / size).context("too many records")?;
		spec.data = DataSource::Fixed(DatasetRef { blob, records });
		let cost = spec.validate()?;
		spec_file::write(&args.out, &SpecFile::new(&spec, tables))?;
		context.output().result(
			format!(
				"model 0x{}\n  {records} records of {size} bytes, {} bytes of weights, {} multiply-accumulates a \
			 record\n  written to {}",
				hex::encode(spec.id()),
				spec.graph.param_bytes(),
				cost.macs,
				args.out.display()
			),
			&json!({
				"model": format!("0x{}", hex::encode(spec.id())),
				"records": records,
				"record_bytes": size,
				"weights_bytes": spec.graph.param_bytes(),
				"cost": cost,
				"file": args.out,
			}),
		);
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_templates_are_valid() {
		for built in [digits().unwrap(), mnist().unwrap()] {
			assert!(built.graph.validate().is_ok());
		}
	}

	#[test]
	fn a_digits_record_is_64_pixels_and_a_class() {
		let spec = ModelSpec {
			graph: digits().unwrap().graph,
			objective: classes(),
			data: DataSource::Fixed(DatasetRef {
				blob: oda_primitives::BlobRef { root: [0; 32], len: 650 },
				records: 10,
			}),
		};
		assert_eq!(spec.record_bytes(), 65);
		assert!(spec.validate().is_ok());
	}

	#[test]
	fn the_digits_template_is_the_model_in_the_repository() {
		let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits/model.json");
		let committed = spec_file::read(&path).unwrap();
		assert_eq!(committed.graph, digits().unwrap().graph);
		assert_eq!(committed.objective, classes());
	}
}
