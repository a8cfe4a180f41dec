//! Weights that answer: fetched, loaded and checked.

use super::{Agent, chain::Headed};
use crate::{
	background::Again,
	evaluation::{EvaluationError, Workbench},
	wanted::Waiting,
};
use anyhow::Context as _;
use oda_blobs::BlobSource;
use oda_engine::{Evaluate, Records, output_root};
use oda_evaluator::Graph;
use oda_primitives::BlobRef;
use std::{ops::ControlFlow, sync::Arc};

/// Inputs of each version that the reference evaluates, too.
const CHECKED: usize = 4;

impl Agent {
	/// Has a head answer.
	pub(super) async fn load(&self, headed: Headed) -> anyhow::Result<Again> {
		let context = &self.actor.context;
		let bench = context.bench().await?;
		bench.check_weights(&headed.head.weights)?;
		let weights = self.weights(headed.head.weights).await?;
		let graph = Arc::clone(&headed.graph);
		let work = tokio::task::spawn_blocking(move || checked(&bench, &graph, &weights));
		let evaluate = work.await.context("loading weights")??;
		let (model, version) = (headed.model, headed.head.number);
		self.loaded.insert(model, version, evaluate);
		let name = hex::encode(model);
		context.output().event(
			"answers",
			format!("version {version} of model {name} answers"),
			serde_json::json!({ "model": name, "version": version }),
		);
		Ok(Again::After(1))
	}

	/// Weights, from the store or, in time, from peers.
	async fn weights(&self, blob: BlobRef) -> anyhow::Result<Vec<u8>> {
		let mut waiting = Waiting::new(&self.actor.context, &self.actor.chain);
		loop {
			let store = self.actor.context.store().clone();
			match tokio::task::spawn_blocking(move || store.get(&blob)).await? {
				Ok(bytes) => return Ok(bytes),
				Err(error) if error.is_absent() => waiting.wait(blob).await?,
				Err(error) => return Err(error.into()),
			}
		}
	}
}

/// Loads weights, and has the reference find the same for a few inputs: a wrong bit costs the stake.
fn checked(bench: &Workbench, graph: &Graph, weights: &[u8]) -> anyhow::Result<Evaluate> {
	let mut inputs = vec![0; CHECKED * usize::try_from(graph.input_bytes())?];
	getrandom::fill(&mut inputs).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
	loop {
		let engine = bench.engine();
		let evaluate = engine.load(graph, weights)?;
		let found = roots(&evaluate, &inputs)?;
		let expected = roots(&engine.as_reference().load(graph, weights)?, &inputs)?;
		match (0..).zip(found.iter().zip(&expected)).find(|(_, (found, expected))| found != expected) {
			None if found.len() == CHECKED => return Ok(evaluate),
			Some((input, _)) if bench.distrust(input) => {}
			_ => return Err(EvaluationError::Crashed.into()),
		}
	}
}

/// The root of each input's outputs.
fn roots(evaluate: &Evaluate, inputs: &[u8]) -> anyhow::Result<Vec<[u8; 32]>> {
	let records = Records::inputs_only(evaluate.graph(), inputs)?;
	let mut roots = Vec::new();
	evaluate.outputs(&records, |_, batch| {
		roots.extend(batch.iter().map(|outputs| output_root(outputs)));
		ControlFlow::Continue(())
	})?;
	Ok(roots)
}
