//! A model's specification as a file for people: JSON, with roots in hexadecimal.

use crate::out_file;
use oda_engine::float::Tables;
use oda_evaluator::{DataSource, Graph, ModelSpec, Objective};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fs, path::Path};

/// The most bytes that a specification file may have.
const MAX_BYTES: u64 = 4 << 20;

/// A specification file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
	/// What the model computes.
	pub graph: Graph,
	/// What it is verified by.
	pub objective: Objective,
	/// What it is verified on.
	pub data: DataSource,
	/// What is in the graph's lookup tables when training starts from scratch; not part of the model.
	#[serde(default, skip_serializing_if = "Tables::is_empty")]
	pub tables: Tables,
}

impl SpecFile {
	/// A specification as a file.
	pub fn new(spec: &ModelSpec, tables: Tables) -> Self {
		Self { graph: spec.graph.clone(), objective: spec.objective.clone(), data: spec.data, tables }
	}

	/// The specification.
	pub fn spec(&self) -> ModelSpec {
		ModelSpec { graph: self.graph.clone(), objective: self.objective.clone(), data: self.data }
	}
}

/// Reads a specification file and checks what it says.
pub fn read(path: &Path) -> anyhow::Result<SpecFile> {
	let file: SpecFile = json(path)?;
	file.spec().validate().map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	Ok(file)
}

/// Reads a JSON file of bounded length.
pub fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
	let len = fs::metadata(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?.len();
	anyhow::ensure!(len <= MAX_BYTES, "{} is too long", path.display());
	let text = fs::read(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	serde_json::from_slice(&text).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))
}

/// Writes a specification file.
pub fn write(path: &Path, file: &SpecFile) -> anyhow::Result<()> {
	let text = serde_json::to_string_pretty(file)?;
	out_file::write(path, (text + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::{
		graph::{DType, Node, Op, TensorType, VERSION},
		model::{DatasetRef, Metric, TargetSpec},
	};
	use oda_primitives::BlobRef;

	/// One that flattens four bytes and takes the greatest.
	fn spec() -> ModelSpec {
		ModelSpec {
			graph: Graph {
				version: VERSION,
				inputs: vec![TensorType::new(DType::I8, [2, 2])],
				params: vec![],
				nodes: vec![Node {
					op: Op::Reshape,
					inputs: vec![0],
					output: TensorType::new(DType::I8, [4]),
				}],
				outputs: vec![1],
			},
			objective: Objective {
				metric: Metric::Accuracy,
				target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
				min_improvement: 1,
				confidence: None,
			},
			data: DataSource::Fixed(DatasetRef { blob: BlobRef { root: [7; 32], len: 15 }, records: 3 }),
		}
	}

	#[test]
	fn a_specification_survives_its_file() {
		let file = tempfile::NamedTempFile::new().unwrap();
		write(file.path(), &SpecFile::new(&spec(), Tables::new())).unwrap();
		assert_eq!(read(file.path()).unwrap().spec(), spec());
	}

	#[test]
	fn an_invalid_specification_is_refused_with_its_reason() {
		let file = tempfile::NamedTempFile::new().unwrap();
		let mut bad = spec();
		bad.objective.min_improvement = 0;
		write(file.path(), &SpecFile::new(&bad, Tables::new())).unwrap();
		let error = read(file.path()).unwrap_err().to_string();
		assert!(error.contains("minimum improvement"), "{error}");
	}

	#[test]
	fn a_misspelt_field_is_refused() {
		let file = tempfile::NamedTempFile::new().unwrap();
		write(file.path(), &SpecFile::new(&spec(), Tables::new())).unwrap();
		let text = fs::read_to_string(file.path()).unwrap().replace("\"records\"", "\"recrods\"");
		fs::write(file.path(), text).unwrap();
		assert!(read(file.path()).is_err());
	}

	#[test]
	fn a_plain_encoding_of_a_specification_is_understood() {
		let file = tempfile::NamedTempFile::new().unwrap();
		fs::write(file.path(), serde_json::to_string(&spec()).unwrap()).unwrap();
		assert_eq!(read(file.path()).unwrap().spec(), spec());
	}
}
