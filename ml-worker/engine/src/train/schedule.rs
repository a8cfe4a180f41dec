//! How the learning rate develops.

/// The learning rate over a run, as a factor of the optimiser's rate.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
	/// Stays.
	Constant,
	/// Falls to 0 along half a cosine (Loshchilov and Hutter 2017, *SGDR*).
	Cosine,
	/// Multiplied by `factor` at each of these parts of the run (0 to 1).
	Step {
		/// When.
		at: Vec<f64>,
		/// By what.
		factor: f64,
	},
}

impl Schedule {
	/// The factor at `step` of `steps`, the first `warm_up` of which rise linearly.
	pub fn factor(&self, step: u64, steps: u64, warm_up: u32) -> f64 {
		let warm_up = u64::from(warm_up);
		if step < warm_up {
			return (step + 1) as f64 / (warm_up + 1) as f64;
		}
		let part = (step - warm_up) as f64 / steps.saturating_sub(warm_up).max(1) as f64;
		match self {
			Self::Constant => 1.0,
			Self::Cosine => 0.5 * (1.0 + (core::f64::consts::PI * part.min(1.0)).cos()),
			Self::Step { at, factor } => factor.powi(at.iter().filter(|&&a| part >= a).count() as i32),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn warm_up_rises_to_the_full_rate() {
		let factors: Vec<f64> = (0..5).map(|s| Schedule::Constant.factor(s, 100, 4)).collect();
		assert_eq!(factors, [0.2, 0.4, 0.6, 0.8, 1.0]);
	}

	#[test]
	fn a_cosine_falls_from_1_to_0() {
		assert_eq!(Schedule::Cosine.factor(0, 100, 0), 1.0);
		assert!((Schedule::Cosine.factor(50, 100, 0) - 0.5).abs() < 1e-9);
		assert!(Schedule::Cosine.factor(99, 100, 0) < 0.001);
	}

	#[test]
	fn steps_multiply() {
		let s = Schedule::Step { at: vec![0.5, 0.75], factor: 0.1 };
		assert_eq!(s.factor(49, 100, 0), 1.0);
		assert_eq!(s.factor(50, 100, 0), 0.1);
		assert!((s.factor(80, 100, 0) - 0.01).abs() < 1e-12);
	}
}
