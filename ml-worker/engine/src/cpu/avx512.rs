//! `vpdpbusd`: four products of an unsigned and a signed byte, added to 32 bits, in 16 lanes.
//!
//! `x` is made unsigned by adding 128, so each sum begins with `−128 · Σ w`. The instruction is the one that does not
//! saturate.

use super::{LANES, requantise};
use core::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32};
use oda_evaluator::{Tensor, kernel::Requantise};

/// Products that a lane adds at once.
const STEP: usize = 4;
/// Rows of `x` that share each load of weights.
const ROWS: usize = 8;

pub(super) fn available() -> bool {
	is_x86_feature_detected!("avx512f")
		&& is_x86_feature_detected!("avx512bw")
		&& is_x86_feature_detected!("avx512dq")
		&& is_x86_feature_detected!("avx512vl")
		&& is_x86_feature_detected!("avx512vnni")
}

/// 16 channels of a weight.
struct Block {
	/// For every four of `k` the four of each channel; zeros beyond the end.
	weights: Vec<[i8; STEP * LANES]>,
	/// `−128 · Σ w`.
	start: [i32; LANES],
}

/// A weight, its channels in blocks.
pub struct Packed {
	blocks: Vec<Block>,
	/// Channels.
	n: usize,
}

impl Packed {
	pub(super) fn new(weight: &[i8], k: usize) -> Self {
		let block = |channels: &[i8]| {
			let mut weights = vec![[0; STEP * LANES]; k.div_ceil(STEP)];
			let mut start = [0i32; LANES];
			for (lane, channel) in channels.chunks_exact(k).enumerate() {
				for (to, from) in weights.iter_mut().zip(channel.chunks(STEP)) {
					to[lane * STEP..][..from.len()].copy_from_slice(from);
				}
				let sum: i32 = channel.iter().map(|&w| i32::from(w)).sum();
				start[lane] = sum.wrapping_mul(-128);
			}
			Block { weights, start }
		};
		Self { blocks: weight.chunks(k * LANES).map(block).collect(), n: weight.len() / k }
	}
}

/// Four elements of each of `R` rows.
type Column<const R: usize> = [[u8; STEP]; R];

/// `x [m, k]` times the packed weight into `sums [m, n]`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn multiply(x: &[i8], packed: &Packed, k: usize, sums: &mut [i32]) {
	let whole = x.len() / (k * ROWS) * ROWS;
	let (x, x_rest) = x.split_at(whole * k);
	let (sums, sums_rest) = sums.split_at_mut(whole * packed.n);
	rows::<ROWS, 2>(x, packed, k, sums);
	rows::<1, 4>(x_rest, packed, k, sums_rest);
}

/// `R` rows of `x` and `B` blocks at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn rows<const R: usize, const B: usize>(x: &[i8], packed: &Packed, k: usize, sums: &mut [i32]) {
	let n = packed.n;
	let (whole, rest) = packed.blocks.as_chunks::<B>();
	let mut columns: Vec<Column<R>> = vec![[[0; STEP]; R]; if x.is_empty() { 0 } else { k.div_ceil(STEP) }];
	for (x, sums) in x.chunks_exact(k * R).zip(sums.chunks_exact_mut(n * R)) {
		for (r, x) in x.chunks_exact(k).enumerate() {
			let (fours, last) = x.as_chunks::<STEP>();
			for (column, four) in columns.iter_mut().zip(fours) {
				column[r] = four.map(|x| x.cast_unsigned() ^ 128);
			}
			if let (Some(column), false) = (columns.last_mut(), last.is_empty()) {
				for (to, &from) in column[r].iter_mut().zip(last) {
					*to = from.cast_unsigned() ^ 128;
				}
			}
		}
		for (i, blocks) in whole.iter().enumerate() {
			store(tile(&columns, blocks), i * B * LANES, n, sums);
		}
		for (i, block) in rest.iter().enumerate() {
			store(tile(&columns, core::array::from_ref(block)), (whole.len() * B + i) * LANES, n, sums);
		}
	}
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile<const R: usize, const B: usize>(columns: &[Column<R>], blocks: &[Block; B]) -> [[__m512i; B]; R] {
	let weights: [&[_]; B] = core::array::from_fn(|b| &blocks[b].weights[..columns.len()]);
	let mut sums = [core::array::from_fn(|b| bytemuck::cast(blocks[b].start)); R];
	for (step, column) in columns.iter().enumerate() {
		let w: [__m512i; B] = core::array::from_fn(|b| bytemuck::cast(weights[b][step]));
		for r in 0..R {
			let x = _mm512_set1_epi32(i32::from_le_bytes(column[r]));
			for b in 0..B {
				sums[r][b] = _mm512_dpbusd_epi32(sums[r][b], x, w[b]);
			}
		}
	}
	sums
}

/// Channels from `first` on, as many as there are.
#[inline(always)]
fn store<const R: usize, const B: usize>(tile: [[__m512i; B]; R], first: usize, n: usize, sums: &mut [i32]) {
	for (blocks, sums) in tile.into_iter().zip(sums.chunks_exact_mut(n)) {
		for (lanes, sums) in blocks.into_iter().zip(sums[first..].chunks_mut(LANES)) {
			let lanes: [i32; LANES] = bytemuck::cast(lanes);
			match sums.as_mut_array::<LANES>() {
				Some(sums) => *sums = lanes,
				None => sums.copy_from_slice(&lanes[..sums.len()]),
			}
		}
	}
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn requantise(sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor) {
	requantise::append(sums, parameters, y);
}
