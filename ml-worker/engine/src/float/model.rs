//! The float model's state.

use super::{
	plan::{Hold, Plan, default_scale, full_scale},
	table::Tables,
};
use crate::EngineError;
use oda_evaluator::{Graph, Objective, graph::DType, model::Metric};
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// A float model of a graph: trainable weights and biases, one scale per group of values that share one,
/// and the lookup tables.
///
/// Made by [`FloatModel::from_seed`] or [`FloatModel::from_integers`].
pub struct FloatModel {
	pub(crate) graph: Graph,
	pub(crate) objective: Objective,
	pub(crate) plan: Plan,
	pub(crate) device: Device,
	/// Trainable, by parameter index, in the graph's layout and in real units.
	pub(crate) weights: BTreeMap<u16, Tensor>,
	/// Trainable, by parameter index, in the real units of the node's output.
	pub(crate) biases: BTreeMap<u16, Tensor>,
	/// What an add's operand is multiplied by, by parameter index.
	pub(crate) factors: BTreeMap<u16, f64>,
	pub(crate) tables: Tables,
	/// The scale of each group; unused where a value is not its group's first.
	pub(crate) scales: Vec<f64>,
	/// Whether a free group has been observed.
	pub(crate) observed: Vec<bool>,
}

impl FloatModel {
	/// A model without weights.
	pub(crate) fn empty(graph: &Graph, objective: &Objective, device: Device) -> Result<Self, EngineError> {
		let fixed = !matches!(objective.metric, Metric::Accuracy);
		let plan = Plan::new(graph, fixed)?;
		if graph.outputs.len() != 1 {
			return Err(EngineError::NotTrainable("the graph has not exactly one output"));
		}
		let values = plan.group.len();
		let mut model = Self {
			graph: graph.clone(),
			objective: objective.clone(),
			plan,
			device,
			weights: BTreeMap::new(),
			biases: BTreeMap::new(),
			factors: BTreeMap::new(),
			tables: Tables::new(),
			scales: vec![1.0; values],
			observed: vec![false; values],
		};
		for value in (0..values).rev() {
			let group = model.plan.group[value];
			model.scales[group] = model.graph.value_type(value).map_or(1.0, |t| default_scale(t.dtype));
		}
		if let Metric::CrossEntropy { logit_scale_log2 } = objective.metric {
			// The logit l means 2^(l / 2^scale): in natural units l · ln 2 / 2^scale.
			let scale = core::f64::consts::LN_2 / f64::from(1u32 << logit_scale_log2.min(31));
			let output = model.output();
			model.scales[output] = scale;
		}
		Ok(model)
	}

	/// The graph.
	pub fn graph(&self) -> &Graph {
		&self.graph
	}

	/// The objective.
	pub fn objective(&self) -> &Objective {
		&self.objective
	}

	/// Where the weights are.
	pub fn device(&self) -> Device {
		self.device
	}

	/// What an integer 1 of value `index` stands for.
	pub fn scale(&self, index: usize) -> Option<f64> {
		self.plan.group.get(index).map(|&g| self.scales[g])
	}

	/// The trainable tensors, in a fixed order: name, tensor.
	pub fn trainable(&self) -> Vec<(String, &Tensor)> {
		let weights = self.weights.iter().map(|(i, t)| (format!("weight.{i}"), t));
		let biases = self.biases.iter().map(|(i, t)| (format!("bias.{i}"), t));
		weights.chain(biases).collect()
	}

	/// The scale group of the output.
	pub(crate) fn output(&self) -> usize {
		self.plan.group[usize::from(self.graph.outputs[0])]
	}

	pub(crate) fn dtype(&self, value: usize) -> DType {
		self.graph.value_type(value).map_or(DType::I8, |t| t.dtype)
	}

	/// The scale of the group that `value` belongs to.
	pub(crate) fn value_scale(&self, value: usize) -> f64 {
		self.scales[self.plan.group[value]]
	}

	/// Takes in the ranges observed in a batch, one per value, for the groups whose scale is free: the first
	/// as it is, later ones with weight `1 − momentum`.
	pub(crate) fn observe(&mut self, ranges: &[f64], momentum: f64) {
		let mut wanted: BTreeMap<usize, f64> = BTreeMap::new();
		for (value, &range) in ranges.iter().enumerate() {
			let group = self.plan.group[value];
			if self.plan.hold[group] == Hold::Free && range.is_finite() {
				let output = self.graph.outputs.iter().any(|&o| usize::from(o) == value);
				let scale = range / full_scale(self.dtype(value), output);
				let slot = wanted.entry(group).or_insert(0.0);
				*slot = slot.max(scale);
			}
		}
		for (group, scale) in wanted {
			// A range of 0 says nothing yet.
			if scale <= 0.0 {
				continue;
			}
			let old = if self.observed[group] { self.scales[group] } else { scale };
			self.scales[group] = old * momentum + scale * (1.0 - momentum);
			self.observed[group] = true;
		}
	}
}
