//! The float model's forward pass.

use super::{FloatModel, Observer, fake};
use crate::EngineError;
use oda_evaluator::graph::{DType, Node, Op, Padding};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// How the forward pass computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
	/// In floats throughout: the network before quantisation.
	Float,
	/// With every rounding and saturation of the integers simulated.
	Quantised,
}

impl FloatModel {
	/// The output in real units, `f32 [batch, shape..]`. `inputs` hold the records' integers as `f32`, one
	/// tensor `[batch, shape..]` for each input of the graph.
	pub fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Tensor, EngineError> {
		self.run(inputs, mode, None)
	}

	/// The output, and how large every value was.
	pub(crate) fn forward_observed(
		&self,
		inputs: &[Tensor],
		mode: Mode,
		observer: Observer,
	) -> Result<(Tensor, Vec<f64>), EngineError> {
		let mut ranges = Vec::new();
		let output = self.run(inputs, mode, Some((observer, &mut ranges)))?;
		Ok((output, ranges))
	}

	/// How large every value is, in floats.
	pub(crate) fn ranges(&self, inputs: &[Tensor], observer: Observer) -> Result<Vec<f64>, EngineError> {
		let _guard = tch::no_grad_guard();
		Ok(self.forward_observed(inputs, Mode::Float, observer)?.1)
	}

	fn run(
		&self,
		inputs: &[Tensor],
		mode: Mode,
		mut observe: Option<(Observer, &mut Vec<f64>)>,
	) -> Result<Tensor, EngineError> {
		if inputs.len() != self.graph.inputs.len() {
			return Err(EngineError::Config("as many input tensors as the graph has inputs"));
		}
		let channels = match mode {
			Mode::Float => BTreeMap::new(),
			Mode::Quantised => self.channel_scales()?,
		};
		let mut values = Vec::with_capacity(self.plan.group.len());
		for (value, input) in inputs.iter().enumerate() {
			if let Some((_, ranges)) = &mut observe {
				ranges.push(0.0);
			}
			values.push(input.f_multiply_scalar(self.value_scale(value))?);
		}
		for (index, node) in self.graph.nodes.iter().enumerate() {
			let own = values.len();
			let (scale, dtype) = (self.value_scale(own), node.output.dtype);
			let x = &values[usize::from(node.inputs[0])];
			let y = match &node.op {
				Op::Dense { .. } | Op::Conv2d { .. } => self.linear(index, node, x, &channels)?,
				Op::MaxPool2d { kernel, stride, padding } => max_pool(x, *kernel, *stride, padding)?,
				Op::AvgPool2d { kernel, stride } => average_pool(x, *kernel, *stride)?,
				Op::Add { lhs_mult, rhs_mult, .. } => {
					let factor = |param: &u16| self.factors.get(param).copied().unwrap_or(1.0);
					let rhs = &values[usize::from(node.inputs[1])];
					x.f_multiply_scalar(factor(lhs_mult))?.f_add(&rhs.f_multiply_scalar(factor(rhs_mult))?)?
				}
				Op::Reshape => {
					let shape = node.output.shape.iter().map(|&d| i64::from(d));
					x.f_reshape(core::iter::once(-1).chain(shape).collect::<Vec<_>>())?
				}
				Op::Lookup { table } => self.lookup(node, *table, x, mode)?,
				Op::Clamp { min, max } => {
					let low = if *min == dtype.min() { f64::NEG_INFINITY } else { f64::from(*min) * scale };
					let high = if *max == dtype.max() { f64::INFINITY } else { f64::from(*max) * scale };
					x.f_clamp(low, high)?
				}
			};
			// A type without negative values is a rectifier, whatever the precision.
			let y = if dtype.min() == 0 { y.f_relu()? } else { y };
			if let Some((observer, ranges)) = &mut observe {
				let matters = if self.plan.positive[own] { &y.f_relu()? } else { &y };
				ranges.push(observer.range(matters)?);
			}
			let rounds = matches!(
				node.op,
				Op::Dense { .. } | Op::Conv2d { .. } | Op::Add { .. } | Op::AvgPool2d { .. }
			);
			let fine = dtype == DType::I32;
			values.push(match mode {
				// An i32 neither rounds nor saturates noticeably, and f32 could not show it.
				Mode::Quantised if rounds && !fine => fake::activation(&y, dtype, scale)?,
				_ => y,
			});
		}
		let output = usize::from(self.graph.outputs[0]);
		Ok(values.swap_remove(output))
	}

	/// The per-channel weight scales of each group of linear nodes that share them.
	pub(crate) fn channel_scales(&self) -> Result<BTreeMap<usize, Tensor>, EngineError> {
		let _guard = tch::no_grad_guard();
		let mut scales: BTreeMap<usize, Tensor> = BTreeMap::new();
		for l in &self.plan.linear {
			let x = usize::from(self.graph.nodes[l.node].inputs[0]);
			let (weight, bias) = (self.weight(l.weight)?, self.bias(l.requant.bias)?);
			let own = fake::channel_scales(weight, bias, self.value_scale(x))?;
			let joint = match scales.get(&l.group) {
				Some(other) => other.f_maximum(&own)?,
				None => own,
			};
			scales.insert(l.group, joint);
		}
		Ok(scales)
	}

	pub(crate) fn weight(&self, param: u16) -> Result<&Tensor, EngineError> {
		self.weights.get(&param).ok_or(EngineError::NotTrainable("a weight is not set"))
	}

	pub(crate) fn bias(&self, param: u16) -> Result<&Tensor, EngineError> {
		self.biases.get(&param).ok_or(EngineError::NotTrainable("a bias is not set"))
	}

	/// Dense or convolution, in real units, before the output is rounded.
	fn linear(
		&self,
		index: usize,
		node: &Node,
		x: &Tensor,
		channels: &BTreeMap<usize, Tensor>,
	) -> Result<Tensor, EngineError> {
		let (Op::Dense { weight, requant } | Op::Conv2d { weight, requant, .. }) = &node.op else {
			return Err(EngineError::NotTrainable("not a linear node"));
		};
		let (w, b) = (self.weight(*weight)?, self.bias(requant.bias)?);
		let group = self.plan.linear.iter().find(|l| l.node == index).map_or(index, |l| l.group);
		let quantised = match channels.get(&group) {
			Some(scales) => {
				let input_scale = self.value_scale(usize::from(node.inputs[0]));
				Some((fake::weight(w, scales)?, fake::bias(b, scales, input_scale)?))
			}
			None => None,
		};
		let (w, b) = quantised.as_ref().map_or((w, b), |(w, b)| (w, b));
		match &node.op {
			Op::Conv2d { stride, padding, groups, .. } => {
				let x = pad(x, padding, 0.0)?.f_permute([0, 3, 1, 2])?;
				let w = w.f_permute([0, 3, 1, 2])?;
				let stride = stride.map(i64::from);
				let y = x.f_conv2d(&w, Some(b), stride, [0, 0], [1, 1], i64::from(*groups))?;
				Ok(y.f_permute([0, 2, 3, 1])?)
			}
			_ => Ok(x.f_linear(w, Some(b))?),
		}
	}

	/// The table's function: linear between its entries; rounded when quantised, with the slope of the
	/// line (a finite difference) as gradient.
	fn lookup(&self, node: &Node, param: u16, x: &Tensor, mode: Mode) -> Result<Tensor, EngineError> {
		let table = self.tables.get(&param).ok_or(EngineError::MissingTable { param })?;
		let value = usize::from(node.inputs[0]);
		let lowest = f64::from(self.dtype(value).min());
		let real: Vec<f32> =
			table.values.iter().map(|&v| (f64::from(v) * table.output_scale) as f32).collect();
		let real = Tensor::f_from_slice(&real)?.f_to_device(self.device)?;
		let entry = |index: &Tensor| -> Result<Tensor, EngineError> {
			let index = index.f_detach()?.f_to_kind(Kind::Int64)?.f_reshape([-1])?;
			Ok(real.f_index_select(0, &index)?.f_reshape(x.size())?)
		};
		let position =
			x.f_divide_scalar(self.value_scale(value))?.f_add_scalar(-lowest)?.f_clamp(0.0, 255.0)?;
		let below = position.f_detach()?.f_floor()?.f_clamp_max(254.0)?;
		let (from, to) = (entry(&below)?, entry(&below.f_add_scalar(1.0)?)?);
		let smooth = from.f_add(&to.f_sub(&from)?.f_mul(&position.f_sub(&below)?)?)?;
		match mode {
			Mode::Float => Ok(smooth),
			Mode::Quantised => {
				fake::straight_through(&smooth, &entry(&fake::round(&position)?.f_clamp(0.0, 255.0)?)?)
			}
		}
	}
}

/// `x [batch, h, w, c]` with `value` around each image.
fn pad(x: &Tensor, padding: &Padding, value: f64) -> Result<Tensor, EngineError> {
	if *padding == Padding::default() {
		return Ok(x.shallow_clone());
	}
	let Padding { top, bottom, left, right } = *padding;
	let around = [0, 0, left.into(), right.into(), top.into(), bottom.into()];
	Ok(x.f_pad(around, "constant", value)?)
}

fn max_pool(
	x: &Tensor,
	kernel: [u16; 2],
	stride: [u16; 2],
	padding: &Padding,
) -> Result<Tensor, EngineError> {
	let x = pad(x, padding, f64::NEG_INFINITY)?.f_permute([0, 3, 1, 2])?;
	let (kernel, stride) = (kernel.map(i64::from), stride.map(i64::from));
	Ok(x.f_max_pool2d(kernel, stride, [0, 0], [1, 1], false)?.f_permute([0, 2, 3, 1])?)
}

fn average_pool(x: &Tensor, kernel: [u16; 2], stride: [u16; 2]) -> Result<Tensor, EngineError> {
	let x = x.f_permute([0, 3, 1, 2])?;
	let (kernel, stride) = (kernel.map(i64::from), stride.map(i64::from));
	Ok(x.f_avg_pool2d(kernel, stride, [0, 0], false, true, None)?.f_permute([0, 2, 3, 1])?)
}
