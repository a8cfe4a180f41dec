//! Float models.

use super::reader::{OwnedView, Reader, graph_hash, read, write};
use crate::{
	EngineError,
	float::{FloatModel, Table},
};
use oda_evaluator::{Graph, Objective};
use std::path::Path;
use tch::{Device, Tensor};

#[derive(serde::Serialize, serde::Deserialize)]
struct Metadata {
	format: String,
	graph: String,
}

const FORMAT: &str = "float/1";

/// Writes a float model: `weight.{param}` and `bias.{param}` in `F32`, the scale of every value, add factors
/// and tables in `F64`. Atomic.
///
/// # Errors
///
/// A file error.
pub fn save_float(path: &Path, model: &FloatModel) -> Result<(), EngineError> {
	let metadata = Metadata { format: FORMAT.into(), graph: graph_hash(model.graph()) };
	write(path, float_tensors(model)?, &metadata)
}

/// Reads what [`save_float`] wrote.
///
/// # Errors
///
/// A file error, a file for another graph, a missing or unknown tensor, one of another type or shape or with
/// a value that is not finite.
pub fn load_float(
	path: &Path,
	graph: &Graph,
	objective: &Objective,
	device: Device,
) -> Result<FloatModel, EngineError> {
	let bytes = read(path)?;
	let mut reader = Reader::new(&bytes)?;
	let metadata: Metadata = reader.metadata()?;
	if metadata.format != FORMAT {
		return Err(EngineError::Metadata { key: "format" });
	}
	let expected = graph_hash(graph);
	if metadata.graph != expected {
		return Err(EngineError::OtherGraph { expected, found: metadata.graph });
	}
	let mut model = FloatModel::empty(graph, objective, device)?;
	take_float(&mut reader, &mut model)?;
	reader.finish()?;
	Ok(model)
}

/// A model's state as tensors.
pub(crate) fn float_tensors(model: &FloatModel) -> Result<Vec<(String, OwnedView)>, EngineError> {
	let mut tensors = Vec::new();
	for (name, tensor) in model.trainable() {
		tensors.push((name, OwnedView::floats(tensor)?));
	}
	tensors.push(("scales".into(), OwnedView::doubles(&model.scales)));
	let observed: Vec<u8> = model.observed.iter().map(|&o| o.into()).collect();
	tensors.push(("observed".into(), OwnedView::bytes(observed)));
	for (param, factor) in &model.factors {
		tensors.push((format!("factor.{param}"), OwnedView::doubles(&[*factor])));
	}
	for (param, table) in &model.tables {
		let mut values: Vec<f64> = table.values.iter().map(|&v| v.into()).collect();
		values.extend([table.input_scale, table.output_scale]);
		tensors.push((format!("table.{param}"), OwnedView::doubles(&values)));
	}
	Ok(tensors)
}

/// Takes a model's state out of a file.
pub(crate) fn take_float(reader: &mut Reader<'_>, model: &mut FloatModel) -> Result<(), EngineError> {
	use crate::float::Role;
	let device = model.device;
	for (param, role) in model.plan.role.clone().into_iter().enumerate() {
		let t = model.graph.params[param].clone();
		let shape: Vec<usize> = t.shape.iter().map(|&d| d as usize).collect();
		let param = param as u16;
		let tensor = |values: &[f32]| -> Result<Tensor, EngineError> {
			let shape: Vec<i64> = t.shape.iter().map(|&d| d.into()).collect();
			let tensor = Tensor::f_from_slice(values)?.f_reshape(shape)?.f_to_device(device)?;
			Ok(tensor.f_set_requires_grad(true)?)
		};
		match role {
			Role::Weight => {
				let values = reader.floats(&format!("weight.{param}"), &shape)?;
				model.weights.insert(param, tensor(&values)?);
			}
			Role::Bias => {
				let values = reader.floats(&format!("bias.{param}"), &shape)?;
				model.biases.insert(param, tensor(&values)?);
			}
			Role::AddMult => {
				let factor = reader.doubles(&format!("factor.{param}"), 1)?;
				model.factors.insert(param, factor[0]);
			}
			Role::Table => {
				let mut values = reader.doubles(&format!("table.{param}"), 258)?;
				let scales = values.split_off(256);
				let values = values.into_iter().map(|v| v as i32).collect();
				let table = Table { values, input_scale: scales[0], output_scale: scales[1] };
				table.check(param, t.dtype)?;
				model.tables.insert(param, table);
			}
			Role::Mult | Role::Shift | Role::AddShift => {}
		}
	}
	let scales = reader.doubles("scales", model.scales.len())?;
	if scales.iter().any(|s| *s <= 0.0) {
		return Err(EngineError::TensorValue { name: "scales".into() });
	}
	let observed = reader.take("observed", safetensors::Dtype::U8, Some(&[model.observed.len()]))?;
	model.observed = observed.iter().map(|&o| o != 0).collect();
	model.scales = scales;
	Ok(())
}
