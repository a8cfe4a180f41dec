//! Changes to training inputs that do not change the answer.

use crate::rng::Rng;
use oda_evaluator::{Graph, graph::TensorType};

/// What is done to each training input, anew in each epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Augment {
	/// Nothing.
	None,
	/// Images `[h, w, c]` move by up to so many pixels each way; zeros move in.
	Shift(u16),
	/// As `Shift`, and every other one is mirrored left to right.
	ShiftAndFlip(u16),
}

impl Augment {
	/// `input` (one record's input bytes), changed.
	pub(crate) fn apply(self, graph: &Graph, input: &[u8], rng: &mut Rng) -> Vec<u8> {
		let (by, flip) = match self {
			Self::None => return input.to_vec(),
			Self::Shift(by) => (i64::from(by), false),
			Self::ShiftAndFlip(by) => (i64::from(by), rng.chance(50)),
		};
		let (down, right) = (rng.range(-by, by), rng.range(-by, by));
		let mut changed = Vec::with_capacity(input.len());
		let mut offset = 0;
		for t in &graph.inputs {
			let bytes = &input[offset..][..t.bytes() as usize];
			offset += bytes.len();
			match t.shape.len() {
				3 => changed.extend(image(t, bytes, down, right, flip)),
				_ => changed.extend_from_slice(bytes),
			}
		}
		changed
	}
}

fn image(t: &TensorType, bytes: &[u8], down: i64, right: i64, flip: bool) -> Vec<u8> {
	let (h, w) = (i64::from(t.shape[0]), i64::from(t.shape[1]));
	let pixel = (u64::from(t.shape[2]) * t.dtype.size()) as usize;
	let mut out = vec![0; bytes.len()];
	for y in 0..h {
		for x in 0..w {
			let from_x = if flip { w - 1 - x } else { x } - right;
			let from_y = y - down;
			if (0..h).contains(&from_y) && (0..w).contains(&from_x) {
				let (to, from) = ((y * w + x) as usize * pixel, (from_y * w + from_x) as usize * pixel);
				out[to..to + pixel].copy_from_slice(&bytes[from..from + pixel]);
			}
		}
	}
	out
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::graph::DType;

	#[test]
	fn an_image_moves_and_zeros_move_in() {
		let t = TensorType::new(DType::I8, [2, 2, 1]);
		assert_eq!(image(&t, &[1, 2, 3, 4], 1, 0, false), [0, 0, 1, 2]);
		assert_eq!(image(&t, &[1, 2, 3, 4], 0, -1, false), [2, 0, 4, 0]);
	}

	#[test]
	fn an_image_is_mirrored_by_pixels() {
		let t = TensorType::new(DType::I16, [1, 2, 1]);
		assert_eq!(image(&t, &[1, 2, 3, 4], 0, 0, true), [3, 4, 1, 2]);
	}
}
