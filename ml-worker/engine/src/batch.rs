//! Records as tensors, for training.

use crate::{EngineError, exact::from_bytes, records::Records};
use oda_evaluator::{Graph, Objective};
use tch::{Device, Kind, Tensor};

/// Some records on a device.
pub(crate) struct Batch {
	/// The integers of each input as `f32 [n, shape..]`.
	pub inputs: Vec<Tensor>,
	/// The targets as `Int64 [n, shape..]`.
	pub target: Tensor,
}

impl Batch {
	/// The records of these indices, which must exist.
	pub(crate) fn gather(
		graph: &Graph,
		objective: &Objective,
		records: &Records<'_>,
		indices: &[usize],
		device: Device,
	) -> Result<Self, EngineError> {
		let inputs: Vec<Vec<u8>> = indices.iter().map(|&i| records.input(i).to_vec()).collect();
		Self::from_inputs(graph, objective, records, indices, &inputs, device)
	}

	/// The records of these indices with other input bytes.
	pub(crate) fn from_inputs(
		graph: &Graph,
		objective: &Objective,
		records: &Records<'_>,
		indices: &[usize],
		inputs: &[Vec<u8>],
		device: Device,
	) -> Result<Self, EngineError> {
		let n = indices.len() as i64;
		let mut tensors = Vec::with_capacity(graph.inputs.len());
		let mut offset = 0;
		for t in &graph.inputs {
			let len = t.bytes() as usize;
			let bytes: Vec<u8> = inputs.iter().flat_map(|input| &input[offset..][..len]).copied().collect();
			tensors.push(from_bytes(t, n, &bytes, device)?.f_to_kind(Kind::Float)?);
			offset += len;
		}
		let bytes: Vec<u8> = indices.iter().flat_map(|&i| records.target(i)).copied().collect();
		let target = from_bytes(&objective.target.tensor, n, &bytes, device)?.f_to_kind(Kind::Int64)?;
		Ok(Self { inputs: tensors, target })
	}
}
