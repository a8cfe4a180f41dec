//! Lookup tables: fixed while training.

use crate::EngineError;
use oda_evaluator::graph::DType;
use std::collections::BTreeMap;

/// The content of a lookup table, and what its integers stand for.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Table {
	/// 256 entries, for the least input first.
	pub values: Vec<i32>,
	/// What an input of 1 stands for.
	pub input_scale: f64,
	/// What an output of 1 stands for.
	pub output_scale: f64,
}

/// The tables of a graph, by parameter index.
pub type Tables = BTreeMap<u16, Table>;

impl Table {
	/// The table of `function`, from inputs of `input` (8 bit) to outputs of `output`, under these scales;
	/// rounded half up, saturated.
	pub fn of(
		function: impl Fn(f64) -> f64,
		input: DType,
		input_scale: f64,
		output: DType,
		output_scale: f64,
	) -> Self {
		let values = (0..256)
			.map(|i| {
				let y = function(f64::from(i + input.min()) * input_scale) / output_scale;
				output.saturate((y + 0.5).floor() as i64)
			})
			.collect();
		Self { values, input_scale, output_scale }
	}

	/// Checks that this may be parameter `param` of type `dtype`.
	pub(crate) fn check(&self, param: u16, dtype: DType) -> Result<(), EngineError> {
		let scales = [self.input_scale, self.output_scale];
		let range = dtype.min()..=dtype.max();
		let fits = self.values.len() == 256 && self.values.iter().all(|v| range.contains(v));
		if fits && scales.iter().all(|s| s.is_finite() && *s > 0.0) {
			return Ok(());
		}
		Err(EngineError::BadTable { param, dtype })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_table_holds_its_function() {
		let t = Table::of(f64::tanh, DType::I8, 1.0 / 32.0, DType::I8, 1.0 / 127.0);
		assert_eq!((t.values[128], t.values[0], t.values[255]), (0, -127, 127));
		assert_eq!(t.values[160], (127.0 * 1f64.tanh() + 0.5).floor() as i32);
	}

	#[test]
	fn a_table_of_another_length_is_refused() {
		let mut t = Table::of(|x| x, DType::I8, 1.0, DType::I8, 1.0);
		assert!(t.check(0, DType::I8).is_ok());
		t.values.pop();
		assert!(matches!(t.check(3, DType::I8), Err(EngineError::BadTable { param: 3, .. })));
	}
}
