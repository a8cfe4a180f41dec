//! `vpmaddwd`: two products of words, added to 32 bits, in 8 lanes.
//!
//! `vpmaddubsw`, which would take bytes, saturates.

use super::{LANES, requantise};
use core::arch::x86_64::{__m256i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi32};
use oda_evaluator::{Tensor, kernel::Requantise};

/// Products that a lane adds at once.
const STEP: usize = 2;
/// Rows of `x` that share each load of weights.
const ROWS: usize = 4;

pub(super) fn available() -> bool {
	is_x86_feature_detected!("avx2")
}

/// A weight, 16 channels a block: for every two of `k` the two of each channel; zeros beyond the end.
pub struct Packed {
	blocks: Vec<Vec<[[i16; STEP * 8]; 2]>>,
	/// Channels.
	n: usize,
}

impl Packed {
	pub(super) fn new(weight: &[i8], k: usize) -> Self {
		let block = |channels: &[i8]| {
			let mut weights = vec![[[0; STEP * 8]; 2]; k.div_ceil(STEP)];
			for (lane, channel) in channels.chunks_exact(k).enumerate() {
				for (to, from) in weights.iter_mut().zip(channel.chunks(STEP)) {
					for (to, &from) in to.as_flattened_mut()[lane * STEP..].iter_mut().zip(from) {
						*to = from.into();
					}
				}
			}
			weights
		};
		Self { blocks: weight.chunks(k * LANES).map(block).collect(), n: weight.len() / k }
	}
}

/// Two elements of each of `R` rows.
type Column<const R: usize> = [[i16; STEP]; R];

/// `x [m, k]` times the packed weight into `sums [m, n]`.
#[target_feature(enable = "avx2")]
pub(super) fn multiply(x: &[i8], packed: &Packed, k: usize, sums: &mut [i32]) {
	let whole = x.len() / (k * ROWS) * ROWS;
	let (x, x_rest) = x.split_at(whole * k);
	let (sums, sums_rest) = sums.split_at_mut(whole * packed.n);
	rows::<ROWS>(x, packed, k, sums);
	rows::<1>(x_rest, packed, k, sums_rest);
}

/// `R` rows of `x` at a time.
#[target_feature(enable = "avx2")]
fn rows<const R: usize>(x: &[i8], packed: &Packed, k: usize, sums: &mut [i32]) {
	let mut columns: Vec<Column<R>> = vec![[[0; STEP]; R]; if x.is_empty() { 0 } else { k.div_ceil(STEP) }];
	for (x, sums) in x.chunks_exact(k * R).zip(sums.chunks_exact_mut(packed.n * R)) {
		for (r, x) in x.chunks_exact(k).enumerate() {
			for (column, two) in columns.iter_mut().zip(x.chunks(STEP)) {
				for (to, &from) in column[r].iter_mut().zip(two) {
					*to = from.into();
				}
			}
		}
		for (i, block) in packed.blocks.iter().enumerate() {
			for (lanes, sums) in tile(&columns, block).into_iter().zip(sums.chunks_exact_mut(packed.n)) {
				let lanes: [i32; LANES] = bytemuck::cast(lanes);
				for (to, from) in sums[i * LANES..].iter_mut().zip(lanes) {
					*to = from;
				}
			}
		}
	}
}

#[target_feature(enable = "avx2")]
fn tile<const R: usize>(columns: &[Column<R>], weights: &[[[i16; STEP * 8]; 2]]) -> [[__m256i; 2]; R] {
	let mut sums = [[_mm256_set1_epi32(0); 2]; R];
	for (column, w) in columns.iter().zip(weights) {
		let w: [__m256i; 2] = bytemuck::cast(*w);
		for r in 0..R {
			let x = _mm256_set1_epi32(bytemuck::cast(column[r]));
			for b in 0..2 {
				sums[r][b] = _mm256_add_epi32(sums[r][b], _mm256_madd_epi16(x, w[b]));
			}
		}
	}
	sums
}

#[target_feature(enable = "avx2")]
pub(super) fn requantise(sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor) {
	requantise::append(sums, parameters, y);
}
