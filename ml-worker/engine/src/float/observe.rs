//! How large a tensor's values are, for its scale.

use crate::EngineError;
use tch::{Kind, Tensor};

/// What of a batch counts as its range.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observer {
	/// The greatest magnitude.
	Max,
	/// The magnitude that this fraction (0.5 to 1) of the values does not exceed: gives up outliers for
	/// resolution.
	Percentile(f64),
}

/// Percentiles are taken from at most this many values, evenly spaced.
const SAMPLE: i64 = 1 << 16;

impl Observer {
	/// The range of `values`.
	pub(crate) fn range(self, values: &Tensor) -> Result<f64, EngineError> {
		let values = values.f_detach()?.f_abs()?.f_reshape([-1])?;
		let n = values.numel() as i64;
		if n == 0 {
			return Ok(0.0);
		}
		let range = match self {
			Self::Max => values.f_max()?,
			Self::Percentile(fraction) => {
				let sample = values.f_slice(0, None, None, (n / SAMPLE).max(1))?;
				let k = (sample.numel() as f64 * fraction.clamp(0.5, 1.0)).ceil() as i64;
				sample.f_kthvalue(k.clamp(1, sample.numel() as i64), 0, false)?.0
			}
		};
		Ok(range.f_to_kind(Kind::Double)?.f_double_value(&[])?)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn max_is_the_greatest_magnitude() {
		let values = Tensor::from_slice(&[1.0f32, -7.0, 3.0]);
		assert_eq!(Observer::Max.range(&values).unwrap(), 7.0);
	}

	#[test]
	fn a_percentile_gives_up_outliers() {
		let mut values = vec![1.0f32; 999];
		values.push(100.0);
		let values = Tensor::from_slice(&values);
		assert_eq!(Observer::Percentile(0.99).range(&values).unwrap(), 1.0);
		assert_eq!(Observer::Percentile(1.0).range(&values).unwrap(), 100.0);
	}
}
