//! Checkpoints: all that a run carries from one epoch to the next.

use super::{Epoch, Measure, Start, Task, TrainConfig, run::State};
use crate::{
	EngineError,
	files::{OwnedView, Reader, float_tensors, graph_hash, take_float, write},
};
use codec::Encode;
use safetensors::Dtype;
use serde_json::{Map, Value};
use std::path::Path;
use tch::Tensor;

/// What makes a run this run: a checkpoint of another one is refused.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Identity {
	graph: String,
	objective: String,
	start: String,
	training: String,
	held_out: String,
	config: Map<String, Value>,
}

impl Identity {
	pub(super) fn of(task: &Task<'_>, start: Start<'_>, config: &TrainConfig) -> Self {
		let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
		Self {
			graph: graph_hash(task.graph),
			objective: hash(&task.objective.encode()),
			start: match start {
				Start::Seed(tables) => {
					format!("seed {}", hash(&serde_json::to_vec(tables).unwrap_or_default()))
				}
				Start::Weights(weights) => format!("weights {}", hash(weights)),
			},
			training: hash(task.training),
			held_out: hash(task.held_out),
			config: config.identity(),
		}
	}

	/// What differs in `other`, which is the run that would go on.
	fn difference(&self, other: &Self) -> Option<String> {
		let named = [
			("the graph", self.graph != other.graph),
			("the objective", self.objective != other.objective),
			("the start", self.start != other.start),
			("the training data", self.training != other.training),
			("the held-out data", self.held_out != other.held_out),
		];
		let named =
			named.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| format!("{name} differs"));
		let names =
			self.config.keys().chain(other.config.keys().filter(|name| !self.config.contains_key(*name)));
		let settings = names.filter_map(|name| {
			let (there, here) = (self.config.get(name), other.config.get(name));
			let shown = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), Value::to_string);
			(there != here).then(|| format!("{name} is {} there and {} here", shown(there), shown(here)))
		});
		let all: Vec<String> = named.chain(settings).collect();
		(!all.is_empty()).then(|| all.join("; "))
	}
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Metadata {
	format: String,
	identity: Identity,
	steps: u64,
	history: Vec<Epoch>,
	best: Option<(Measure, Measure)>,
}

const FORMAT: &str = "checkpoint/2";

/// Writes a checkpoint, atomically.
pub(super) fn save(path: &Path, identity: &Identity, state: &State) -> Result<(), EngineError> {
	let mut tensors = float_tensors(&state.model)?;
	for (i, (name, _)) in state.model.trainable().into_iter().enumerate() {
		tensors.push((format!("first.{name}"), OwnedView::floats(&state.optimiser.first[i])?));
		tensors.push((format!("second.{name}"), OwnedView::floats(&state.optimiser.second[i])?));
	}
	if let Some((weights, ..)) = &state.best {
		tensors.push(("best".into(), OwnedView::bytes(weights.clone())));
	}
	let metadata = Metadata {
		format: FORMAT.into(),
		identity: identity.clone(),
		steps: state.optimiser.steps,
		history: state.history.clone(),
		best: state.best.as_ref().map(|(_, integer, float)| (*integer, *float)),
	};
	write(path, tensors, &metadata)
}

/// Puts a checkpoint's content into `state`, which must be a fresh one of the same run.
pub(super) fn load(path: &Path, identity: &Identity, state: &mut State) -> Result<(), EngineError> {
	let bytes = std::fs::read(path).map_err(|source| EngineError::Io { path: path.to_path_buf(), source })?;
	let mut reader = Reader::new(&bytes)?;
	let metadata: Metadata = reader.metadata()?;
	if metadata.format != FORMAT {
		return Err(EngineError::Metadata { key: "format" });
	}
	if let Some(what) = metadata.identity.difference(identity) {
		return Err(EngineError::OtherRun { path: path.to_path_buf(), what });
	}
	take_float(&mut reader, &mut state.model)?;
	let device = state.model.device();
	for (i, (name, tensor)) in state.model.trainable().into_iter().enumerate() {
		let shape: Vec<usize> = tensor.size().iter().map(|&d| d as usize).collect();
		for (prefix, slot) in
			[("first", &mut state.optimiser.first[i]), ("second", &mut state.optimiser.second[i])]
		{
			let values = reader.floats(&format!("{prefix}.{name}"), &shape)?;
			*slot = Tensor::f_from_slice(&values)?.f_reshape(tensor.size())?.f_to_device(device)?;
		}
	}
	state.optimiser.steps = metadata.steps;
	state.best = match metadata.best {
		Some((integer, float)) => {
			let len = state.model.graph().param_bytes() as usize;
			Some((reader.take("best", Dtype::U8, Some(&[len]))?.to_vec(), integer, float))
		}
		None => None,
	};
	reader.finish()?;
	state.history = metadata.history;
	Ok(())
}
