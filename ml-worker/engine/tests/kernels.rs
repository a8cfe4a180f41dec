//! Each set of instructions multiplies as plain 64-bit arithmetic does, in every shape of its blocks.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	missing_docs,
	reason = "tests"
)]

use oda_engine::CpuKernel;
use oda_evaluator::{Kernel, Loops};

/// Around a tile's rows and the channels of a block, whole and not.
const ROWS: [usize; 6] = [1, 4, 7, 8, 9, 17];
const CHANNELS: [usize; 10] = [1, 3, 4, 5, 15, 16, 17, 31, 33, 48];
const LENGTHS: [usize; 7] = [1, 2, 3, 4, 8, 63, 144];

/// Extremes, in an order without a period that matters.
fn operands(len: usize, seed: usize) -> Vec<i8> {
	let one = |i: usize| [-128, 127, -127, 1, -1, 0, 77][(i * i + i * seed + seed) % 7];
	(0..len).map(one).collect()
}

fn naive(x: &[i8], weight: &[i8], k: usize) -> Vec<i32> {
	let dot =
		|x: &[i8], w: &[i8]| x.iter().zip(w).map(|(&x, &w)| i64::from(x) * i64::from(w)).sum::<i64>() as i32;
	x.chunks(k).flat_map(|x| weight.chunks(k).map(move |w| dot(x, w))).collect()
}

fn check(kernel: impl Kernel, name: &str, x: &[i8], weight: &[i8], k: usize) {
	let mut sums = vec![i32::MIN; x.len() / k * (weight.len() / k)];
	kernel.multiply(x, weight, &kernel.prepare(weight, k), k, &mut sums);
	assert_eq!(sums, naive(x, weight, k), "{name}: {} × {k} × {}", x.len() / k, weight.len() / k);
}

#[test]
fn every_shape_of_tiles_and_blocks_is_exact() {
	for (m, n, k) in
		ROWS.into_iter().flat_map(|m| CHANNELS.map(|n| (m, n))).flat_map(|(m, n)| LENGTHS.map(|k| (m, n, k)))
	{
		let (x, weight) = (operands(m * k, m), operands(n * k, n + 1));
		check(Loops, "loops", &x, &weight, k);
		for kernel in CpuKernel::all() {
			check(kernel, kernel.name(), &x, &weight, k);
		}
	}
}

#[test]
fn the_longest_sums_of_extremes_are_exact() {
	let k = 131_071;
	for (x, w) in [(-128, -128), (-128, 127), (127, -128), (127, 127)] {
		let (x, weight) = (vec![x; 9 * k], vec![w; 17 * k]);
		check(Loops, "loops", &x, &weight, k);
		for kernel in CpuKernel::all() {
			check(kernel, kernel.name(), &x, &weight, k);
		}
	}
}
