//! What turns gradients into steps. Written here, over tensors, so that its state can be kept in a
//! checkpoint.

use crate::EngineError;
use tch::{Device, Kind, Tensor};

/// The optimiser and its settings.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum OptimiserConfig {
	/// Stochastic gradient descent with (Nesterov's) momentum.
	Sgd {
		/// The learning rate.
		rate: f64,
		/// How much of the last step is kept (0 to below 1).
		momentum: f64,
		/// Look ahead along the momentum (Sutskever et al. 2013).
		nesterov: bool,
		/// L2 penalty, added to the gradient; not on biases.
		weight_decay: f64,
	},
	/// Adam (Kingma and Ba 2015); with `decoupled`, AdamW (Loshchilov and Hutter 2019).
	Adam {
		/// The learning rate.
		rate: f64,
		/// Decay of the mean of gradients.
		beta1: f64,
		/// Decay of the mean of squared gradients.
		beta2: f64,
		/// Added to the divisor.
		epsilon: f64,
		/// L2 penalty, or decay if decoupled; not on biases.
		weight_decay: f64,
		/// Whether weights decay by themselves, not through the gradient.
		decoupled: bool,
	},
}

impl Default for OptimiserConfig {
	fn default() -> Self {
		Self::adam_w(3e-3, 1e-2)
	}
}

impl OptimiserConfig {
	/// AdamW with the usual other settings.
	pub fn adam_w(rate: f64, weight_decay: f64) -> Self {
		Self::Adam { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay, decoupled: true }
	}

	/// Nesterov's momentum of 0.9.
	pub fn sgd(rate: f64, weight_decay: f64) -> Self {
		Self::Sgd { rate, momentum: 0.9, nesterov: true, weight_decay }
	}

	/// The learning rate.
	pub fn rate(&self) -> f64 {
		match *self {
			Self::Sgd { rate, .. } | Self::Adam { rate, .. } => rate,
		}
	}

	/// The same with another learning rate.
	pub fn with_rate(mut self, new: f64) -> Self {
		match &mut self {
			Self::Sgd { rate, .. } | Self::Adam { rate, .. } => *rate = new,
		}
		self
	}

	pub(crate) fn check(&self) -> Result<(), EngineError> {
		let (rate, decays, weight_decay) = match *self {
			Self::Sgd { rate, momentum, weight_decay, .. } => (rate, [momentum, 0.0], weight_decay),
			Self::Adam { rate, beta1, beta2, weight_decay, .. } => (rate, [beta1, beta2], weight_decay),
		};
		if !(rate.is_finite() && rate > 0.0) {
			return Err(EngineError::Config("the learning rate must be above 0"));
		}
		if !decays.iter().all(|d| (0.0..1.0).contains(d)) {
			return Err(EngineError::Config("momentum and betas must be in 0..1"));
		}
		if !(weight_decay.is_finite() && weight_decay >= 0.0) {
			return Err(EngineError::Config("weight_decay must not be negative"));
		}
		Ok(())
	}
}

/// An optimiser with its state.
pub(crate) struct Optimiser {
	config: OptimiserConfig,
	/// Per tensor: the mean of gradients (or the last step), and of their squares.
	pub first: Vec<Tensor>,
	pub second: Vec<Tensor>,
	pub steps: u64,
}

impl Optimiser {
	pub(crate) fn new(
		config: OptimiserConfig,
		tensors: &[(String, &Tensor)],
		device: Device,
	) -> Result<Self, EngineError> {
		let zeros = || -> Result<Vec<Tensor>, EngineError> {
			let each = |(_, t): &(String, &Tensor)| Tensor::f_zeros(t.size(), (Kind::Float, device));
			Ok(tensors.iter().map(each).collect::<Result<_, _>>()?)
		};
		Ok(Self { config, first: zeros()?, second: zeros()?, steps: 0 })
	}

	/// One step along the tensors' gradients, at `factor` of the learning rate; clears the gradients.
	pub(crate) fn step(&mut self, tensors: &[(String, &Tensor)], factor: f64) -> Result<(), EngineError> {
		let _guard = tch::no_grad_guard();
		self.steps += 1;
		for (i, (name, tensor)) in tensors.iter().enumerate() {
			let mut tensor = tensor.shallow_clone();
			let gradient = tensor.f_grad()?;
			if !gradient.defined() {
				continue;
			}
			let decays = name.starts_with("weight.");
			let (first, second) = (&mut self.first[i], &mut self.second[i]);
			match self.config {
				OptimiserConfig::Sgd { rate, momentum, nesterov, weight_decay } => {
					let mut g = gradient.f_detach()?;
					if decays && weight_decay > 0.0 {
						g = g.f_add(&tensor.f_multiply_scalar(weight_decay)?)?;
					}
					let _ = first.f_multiply_scalar_(momentum)?;
					let _ = first.f_add_(&g)?;
					let step = match nesterov {
						true => g.f_add(&first.f_multiply_scalar(momentum)?)?,
						false => first.f_multiply_scalar(1.0)?,
					};
					let _ = tensor.f_sub_(&step.f_multiply_scalar(rate * factor)?)?;
				}
				OptimiserConfig::Adam { rate, beta1, beta2, epsilon, weight_decay, decoupled } => {
					let mut g = gradient.f_detach()?;
					if decays && weight_decay > 0.0 {
						match decoupled {
							true => {
								let _ = tensor.f_multiply_scalar_(1.0 - rate * factor * weight_decay)?;
							}
							false => g = g.f_add(&tensor.f_multiply_scalar(weight_decay)?)?,
						}
					}
					let _ = first.f_lerp_(&g, 1.0 - beta1)?;
					let _ = second.f_lerp_(&g.f_square()?, 1.0 - beta2)?;
					let steps = self.steps.min(1 << 30) as i32;
					let (c1, c2) = (1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps));
					let divisor = second.f_divide_scalar(c2)?.f_sqrt()?.f_add_scalar(epsilon)?;
					let step = first.f_div(&divisor)?.f_multiply_scalar(rate * factor / c1)?;
					let _ = tensor.f_sub_(&step)?;
				}
			}
			tensor.zero_grad();
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Minimises (x − 3)² from 0.
	fn minimise(config: OptimiserConfig) -> f64 {
		let x = Tensor::from_slice(&[0.0f32]).set_requires_grad(true);
		let named = [("weight.0".to_string(), &x)];
		let mut optimiser = Optimiser::new(config, &named, Device::Cpu).unwrap();
		for _ in 0..300 {
			(&x - 3.0).square().sum(Kind::Float).backward();
			optimiser.step(&named, 1.0).unwrap();
		}
		x.double_value(&[0])
	}

	#[test]
	fn sgd_finds_a_minimum() {
		assert!((minimise(OptimiserConfig::sgd(0.01, 0.0)) - 3.0).abs() < 1e-3);
	}

	#[test]
	fn adam_finds_a_minimum() {
		assert!((minimise(OptimiserConfig::adam_w(0.1, 0.0)) - 3.0).abs() < 1e-2);
	}

	#[test]
	fn adam_steps_by_the_rate_at_first() {
		let x = Tensor::from_slice(&[0.0f32]).set_requires_grad(true);
		let named = [("weight.0".to_string(), &x)];
		let mut optimiser = Optimiser::new(OptimiserConfig::adam_w(0.1, 0.0), &named, Device::Cpu).unwrap();
		(&x - 3.0).square().sum(Kind::Float).backward();
		optimiser.step(&named, 1.0).unwrap();
		assert!((x.double_value(&[0]) - 0.1).abs() < 1e-6);
	}

	#[test]
	fn a_negative_rate_is_refused() {
		assert!(OptimiserConfig::sgd(-1.0, 0.0).check().is_err());
	}
}
