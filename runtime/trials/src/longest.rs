//! The longest challenge that registration admits.

use crate::Case;
use anyhow::{Context, Result, ensure};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
};
use oda_primitives::{BlobRef, CHUNK_LEN};
use oda_runtime::{ModelRegistry, Runtime};
use pallet_model_registry::Error;
use pallet_training::types::MAX_WEIGHT_BYTES;

/// Outputs of the dense layer. With the numbers below, its weights have exactly as many bytes as can be shown to the chain.
const OUTPUTS: u32 = 39;
/// Bytes of an output's bias, multiplier and shift.
const REQUANT: u32 = 9;
/// Bytes of the multiplier and the shift of the addition.
const ADDITION: u32 = 5;
/// Numbers in a row.
const COLUMNS: u32 = (MAX_WEIGHT_BYTES - ADDITION) / OUTPUTS - REQUANT;
/// Records in the data: enough for one of them to begin at the end of a chunk, so that it touches one more.
const RECORDS: u32 = 6;
/// So many fewer rows than fit are tried as well: each leaves other room for small numbers.
const FEWER: u32 = 8;

/// So many rows through a dense layer, to which the greatest of so many small numbers are added: as many of these as make
/// the record as long as it can be.
fn graph(rows: u32, height: u32) -> Graph {
	let tensor = |dtype, shape: &[u32]| TensorType::new(dtype, shape);
	let node = |op, inputs: &[u16], shape: &[u32]| Node {
		op,
		inputs: inputs.to_vec(),
		output: TensorType::new(DType::I8, shape),
	};
	let window = [u16::try_from(height).unwrap_or(u16::MAX), 1];
	let greatest = Op::MaxPool2d { kernel: window, stride: window, padding: Padding::default() };
	let requant = Requant { bias: 1, mult: 2, shift: 3 };
	Graph {
		version: VERSION,
		inputs: vec![
			tensor(DType::I8, &[rows, COLUMNS]),
			tensor(DType::I8, &[rows.saturating_mul(height), 1, OUTPUTS]),
		],
		params: vec![
			tensor(DType::I8, &[OUTPUTS, COLUMNS]),
			tensor(DType::I32, &[OUTPUTS]),
			tensor(DType::I32, &[OUTPUTS]),
			tensor(DType::U8, &[OUTPUTS]),
			tensor(DType::I32, &[1]),
			tensor(DType::U8, &[1]),
		],
		nodes: vec![
			node(Op::Dense { weight: 0, requant }, &[0], &[rows, OUTPUTS]),
			node(greatest, &[1], &[rows, 1, OUTPUTS]),
			node(Op::Reshape, &[3], &[rows, OUTPUTS]),
			node(Op::Add { lhs_mult: 4, rhs_mult: 4, shift: 5 }, &[2, 4], &[rows, OUTPUTS]),
		],
		outputs: vec![5],
	}
}

/// A model of this graph, whose data is this blob.
fn model(graph: Graph, blob: impl FnOnce(usize) -> BlobRef) -> Result<ModelSpec> {
	let output = graph.value_type(5).context("the last node is the output")?;
	let target = TargetSpec { tensor: TensorType::new(DType::I8, output.shape.as_slice()), ignore: None };
	let objective = Objective { metric: Metric::SquaredError, target, min_improvement: 1, confidence: None };
	let record = graph.input_bytes().saturating_add(objective.target.tensor.bytes());
	let blob = blob(usize::try_from(record.saturating_mul(RECORDS.into()))?);
	Ok(ModelSpec { graph, objective, data: DataSource::Fixed(DatasetRef { blob, records: RECORDS }) })
}

/// So many bytes, none like its neighbours.
fn bytes(len: usize) -> Vec<u8> {
	(0..=u8::MAX).cycle().map(|byte| byte.wrapping_mul(37)).take(len).collect()
}

/// The longest challenge that registration admits: weights as long as can be shown to the chain, and a record that, with
/// its proof, takes the rest of the room. One row of small numbers more is refused for the challenge's length.
///
/// # Errors
///
/// Limits of registration that this model was not made for.
pub fn longest() -> Result<Case> {
	let spec = |rows, height| model(graph(rows, height), |len| BlobRef { root: [0; 32], len: len as u64 });
	let admitted =
		|rows, height| spec(rows, height).is_ok_and(|spec| ModelRegistry::check_spec(&spec).is_ok());
	let most = (1..).take_while(|&rows| admitted(rows, 1)).last().context("the least is admitted")?;
	let mut best = None;
	for rows in most.saturating_sub(FEWER).max(1)..=most {
		let height = (1..).take_while(|&height| admitted(rows, height)).last().context("one is admitted")?;
		best = best.max(Some((spec(rows, height)?.record_bytes(), rows, height)));
	}
	let (_, rows, height) = best.context("there are rows")?;
	let more = ModelRegistry::check_spec(&spec(rows, height.saturating_add(1))?);
	ensure!(matches!(more, Err(Error::<Runtime>::ChallengeTooLong)), "a longer one is {more:?}");

	let mut data = Vec::new();
	let spec = model(graph(rows, height), |len| {
		data = bytes(len);
		BlobRef::of(&data)
	})?;
	ensure!(spec.graph.param_bytes() == u64::from(MAX_WEIGHT_BYTES), "as much as can be shown");
	let weights = bytes(usize::try_from(spec.graph.param_bytes())?);
	let chunks = |&record: &u32| {
		let range = spec.record_range(record).unwrap_or_default();
		range.end.div_ceil(CHUNK_LEN).saturating_sub(range.start / CHUNK_LEN)
	};
	let record = (0..RECORDS).max_by_key(chunks).context("there are records")?;
	Ok(Case { spec, data, weights, record })
}
