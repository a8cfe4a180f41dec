//! Where training starts: random weights, or somebody's integers.

use super::{
	FloatModel, Observer, Table, Tables,
	forward::Mode,
	plan::{Hold, Role},
};
use crate::{EngineError, batch::Batch, records::Records, rng::Rng, train::loss, weights::Params};
use oda_evaluator::{Graph, Objective, graph::Op, model::Metric};
use tch::{Device, Kind, Tensor};

/// Records that scales are first set from.
const CALIBRATION: usize = 512;

/// The rng purpose of initial weights.
const INIT: u64 = 0x696e_6974;

impl FloatModel {
	/// Random weights (He et al. 2015: normal, variance 2 / fan-in, 1 / fan-in where the output follows;
	/// biases 0), the same for the same seed everywhere.
	///
	/// `sample` sets the scales, if it is not empty; `tables` holds every lookup table of the graph.
	///
	/// # Errors
	///
	/// An invalid graph, one that cannot be trained ([`EngineError::ConflictingRoles`]), a missing or wrong
	/// table.
	pub fn from_seed(
		graph: &Graph,
		objective: &Objective,
		seed: u64,
		tables: &Tables,
		sample: &Records<'_>,
		device: Device,
	) -> Result<Self, EngineError> {
		let mut model = Self::empty(graph, objective, device)?;
		for (param, role) in model.plan.role.clone().into_iter().enumerate() {
			let t = &graph.params[param];
			let param = param as u16;
			let mut rng = Rng::derive(seed, INIT + u64::from(param));
			match role {
				Role::Weight => {
					let fan_in = t.shape.iter().skip(1).map(|&d| f64::from(d)).product::<f64>();
					let gain = if makes_output(graph, param) { 1.0 } else { 2.0 };
					let deviation = (gain / fan_in).sqrt();
					let values: Vec<f32> =
						(0..t.elements()).map(|_| (rng.normal() * deviation) as f32).collect();
					model.set_weight(param, &values)?;
				}
				Role::Bias => model.set_bias(param, &vec![0.0; t.elements() as usize])?,
				Role::AddMult => {
					model.factors.insert(param, 1.0);
				}
				Role::Table => {
					let table = tables.get(&param).ok_or(EngineError::MissingTable { param })?;
					table.check(param, t.dtype)?;
					model.tables.insert(param, table.clone());
				}
				Role::Mult | Role::Shift | Role::AddShift => {}
			}
		}
		model.apply_table_scales();
		model.calibrate(sample)?;
		Ok(model)
	}

	/// The float model of integer weights, to go on from a head that somebody else trained. The integers
	/// determine the function but no units: these are chosen so that activations are of ordinary size and,
	/// for accuracy, so that `sample` has the least cross-entropy.
	///
	/// # Errors
	///
	/// As [`from_seed`](Self::from_seed), and weights of another length.
	pub fn from_integers(
		graph: &Graph,
		objective: &Objective,
		weights: &[u8],
		sample: &Records<'_>,
		device: Device,
	) -> Result<Self, EngineError> {
		let mut model = Self::empty(graph, objective, device)?;
		let params = Params::split(graph, weights)?;
		model.calibrate_inputs(sample)?;
		model.take_integers(&params)?;
		if matches!(objective.metric, Metric::Accuracy) && !sample.is_empty() {
			let best = model.best_temperature(sample)?;
			let output = model.output();
			if model.plan.hold[output] == Hold::Free {
				// The units of the output group change, so the parameters around it change with them.
				model.scales[output] *= best;
				model.take_integers(&params)?;
			}
		}
		// The integers use their range as it is: observed.
		model.observed.fill(true);
		Ok(model)
	}

	fn set_weight(&mut self, param: u16, values: &[f32]) -> Result<(), EngineError> {
		let shape: Vec<i64> = self.graph.params[usize::from(param)].shape.iter().map(|&d| d.into()).collect();
		self.weights.insert(param, trainable(values, &shape, self.device)?);
		Ok(())
	}

	fn set_bias(&mut self, param: u16, values: &[f32]) -> Result<(), EngineError> {
		self.biases.insert(param, trainable(values, &[values.len() as i64], self.device)?);
		Ok(())
	}

	/// Gives the values around each table the table's scales, unless the objective fixes them.
	fn apply_table_scales(&mut self) {
		for (index, node) in self.graph.nodes.iter().enumerate() {
			let Op::Lookup { table } = node.op else { continue };
			let Some(table) = self.tables.get(&table) else { continue };
			let sides = [
				(usize::from(node.inputs[0]), table.input_scale),
				(self.graph.inputs.len() + index, table.output_scale),
			];
			for (value, scale) in sides {
				let group = self.plan.group[value];
				if self.plan.hold[group] != Hold::Output {
					self.scales[group] = scale;
				}
			}
		}
	}

	/// Sets the scales of the inputs, of a squared error's output, and of everything in between.
	fn calibrate(&mut self, sample: &Records<'_>) -> Result<(), EngineError> {
		self.calibrate_inputs(sample)?;
		if sample.is_empty() {
			return Ok(());
		}
		let indices: Vec<usize> = spread(sample.len());
		let batch = Batch::gather(&self.graph, &self.objective, sample, &indices, self.device)?;
		let ranges = self.ranges(&batch.inputs, Observer::Max)?;
		self.observe(&ranges, 0.0);
		Ok(())
	}

	/// Inputs get a root mean square of 1, and so do the targets of a squared error.
	fn calibrate_inputs(&mut self, sample: &Records<'_>) -> Result<(), EngineError> {
		if sample.is_empty() {
			return Ok(());
		}
		let indices = spread(sample.len());
		let batch = Batch::gather(&self.graph, &self.objective, sample, &indices, self.device)?;
		let scale = |t: &Tensor| -> Result<Option<f64>, EngineError> {
			let square = t.f_to_kind(Kind::Double)?.f_square()?.f_mean(Kind::Double)?.f_double_value(&[])?;
			Ok((square > 0.0).then(|| 1.0 / square.sqrt()))
		};
		for (value, input) in batch.inputs.iter().enumerate() {
			let group = self.plan.group[value];
			if self.plan.hold[group] == Hold::Input
				&& let Some(scale) = scale(input)?
			{
				self.scales[group] = scale;
			}
		}
		if matches!(self.objective.metric, Metric::SquaredError)
			&& let Some(scale) = scale(&batch.target)?
		{
			let output = self.output();
			self.scales[output] = scale;
		}
		Ok(())
	}

	/// Real weights from integers, under the scales there are: `y = s_y · M · (Σ w q + b)` with `q = x / s_x`.
	fn take_integers(&mut self, params: &Params<'_>) -> Result<(), EngineError> {
		let first = self.graph.inputs.len();
		let graph = self.graph.clone();
		let mut seen: std::collections::BTreeMap<u16, Vec<f64>> = Default::default();
		let mut settled = vec![false; self.scales.len()];
		for value in 0..first {
			settled[self.plan.group[value]] = true;
		}
		for (group, hold) in self.plan.hold.iter().enumerate() {
			settled[group] |= *hold != Hold::Free;
		}
		for (index, node) in graph.nodes.iter().enumerate() {
			let (x, y) = (usize::from(node.inputs[0]), first + index);
			let y_group = self.plan.group[y];
			match &node.op {
				Op::Dense { weight, requant } | Op::Conv2d { weight, requant, .. } => {
					let multipliers = real_multipliers(params, requant.mult, requant.shift);
					let units = |s_x: f64, s_y: f64| multipliers.iter().map(|m| s_y * m / s_x).collect();
					let s_x = self.value_scale(x);
					if let Some(shared) = seen.get(weight)
						&& !settled[y_group]
					{
						// The weight's units are settled by its first user: choose the output's to agree.
						let own: Vec<f64> = units(s_x, 1.0);
						let mut ratios: Vec<f64> = shared
							.iter()
							.zip(&own)
							.map(|(a, b)| a / b)
							.filter(|r| r.is_finite() && *r > 0.0)
							.collect();
						ratios.sort_by(f64::total_cmp);
						if let Some(&median) = ratios.get(ratios.len() / 2) {
							self.scales[y_group] = median;
						}
					}
					let s_y = self.scales[y_group];
					if !seen.contains_key(weight) {
						let unit: Vec<f64> = units(s_x, s_y);
						let integers = params.signed(*weight);
						let per = integers.len() / unit.len().max(1);
						let values: Vec<f32> = integers
							.iter()
							.enumerate()
							.map(|(i, &w)| (f64::from(w) * unit[i / per.max(1)]) as f32)
							.collect();
						self.set_weight(*weight, &values)?;
						seen.insert(*weight, unit);
					}
					let biases: Vec<f32> = params
						.words(requant.bias)
						.iter()
						.zip(&multipliers)
						.map(|(&b, m)| (f64::from(b) * m * s_y) as f32)
						.collect();
					self.set_bias(requant.bias, &biases)?;
				}
				Op::Add { lhs_mult, rhs_mult, shift } => {
					let divisor = 2f64.powi(i32::from(params.bytes(*shift)[0].min(62)));
					let s_y = self.scales[y_group];
					for (param, operand) in [(*lhs_mult, x), (*rhs_mult, usize::from(node.inputs[1]))] {
						let mult = f64::from(params.words(param)[0]);
						self.factors.insert(param, s_y * mult / divisor / self.value_scale(operand));
					}
				}
				Op::Lookup { table } => {
					let values = params.values(*table, graph.params[usize::from(*table)].dtype);
					let (input_scale, output_scale) = (self.value_scale(x), self.scales[y_group]);
					self.tables.insert(*table, Table { values, input_scale, output_scale });
				}
				_ => {}
			}
			settled[y_group] = true;
		}
		Ok(())
	}

	/// By what to multiply the logits so that the cross-entropy on `sample` is least.
	fn best_temperature(&self, sample: &Records<'_>) -> Result<f64, EngineError> {
		let _guard = tch::no_grad_guard();
		let batch = Batch::gather(&self.graph, &self.objective, sample, &spread(sample.len()), self.device)?;
		let logits = self.forward(&batch.inputs, Mode::Quantised)?;
		let mut best = (f64::INFINITY, 1.0);
		for step in -48..=48 {
			let factor = 2f64.powf(f64::from(step) / 2.0);
			let scaled = logits.f_multiply_scalar(factor)?;
			let loss = loss::cross_entropy(&scaled, &batch.target, self.objective.target.ignore, 0.0)?;
			let loss = loss.f_double_value(&[])?;
			if loss < best.0 {
				best = (loss, factor);
			}
		}
		Ok(best.1)
	}
}

fn trainable(values: &[f32], shape: &[i64], device: Device) -> Result<Tensor, EngineError> {
	let tensor = Tensor::f_from_slice(values)?.f_reshape(shape)?.f_to_device(device)?;
	Ok(tensor.f_set_requires_grad(true)?)
}

/// The real factor of each channel: `mult / 2^min(shift, 62)`.
fn real_multipliers(params: &Params<'_>, mult: u16, shift: u16) -> Vec<f64> {
	let shifts = params.bytes(shift);
	let real = |(m, s): (i32, &u8)| f64::from(m) / 2f64.powi(i32::from((*s).min(62)));
	params.words(mult).into_iter().zip(shifts).map(real).collect()
}

/// At most [`CALIBRATION`] indices below `n`, evenly spread.
fn spread(n: usize) -> Vec<usize> {
	(0..n.min(CALIBRATION)).map(|i| i * n / n.min(CALIBRATION)).collect()
}

/// Whether the node with this weight makes the output, perhaps through a reshape.
fn makes_output(graph: &Graph, weight: u16) -> bool {
	let first = graph.inputs.len();
	let mut value = graph.outputs.first().copied().map_or(0, usize::from);
	while let Some(node) = value.checked_sub(first).and_then(|n| graph.nodes.get(n)) {
		match node.op {
			Op::Dense { weight: w, .. } | Op::Conv2d { weight: w, .. } => return w == weight,
			Op::Reshape | Op::AvgPool2d { .. } => value = usize::from(node.inputs[0]),
			_ => return false,
		}
	}
	false
}
