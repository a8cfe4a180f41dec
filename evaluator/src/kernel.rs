//! What multiplies and rescales: nearly all the work, and the one part that may be replaced by another that knows
//! the machine.

use crate::{arithmetic::requantise, ops::append, tensor::Tensor};

/// Requantisation parameters of a node, one element per output channel.
#[derive(Clone, Copy, Debug)]
pub struct Requantise<'a> {
	/// Added to the sums.
	pub bias: &'a [i32],
	/// What the result is multiplied by.
	pub mult: &'a [i32],
	/// And shifted right by.
	pub shift: &'a [u8],
}

/// Sums of products, and their requantisation. Every implementation gives the bits of [`Loops`].
///
/// `m` rows of `x` meet `n` rows of a weight, each of `k` elements, `k` from 1 to 131,071, so that a sum fits in 32 bits.
pub trait Kernel {
	/// What is made of a weight once, to multiply with it often.
	type Prepared;

	/// Prepares `weight [n, k]`.
	fn prepare(&self, weight: &[i8], k: usize) -> Self::Prepared;

	/// `x [m, k]` times the transpose of `weight [n, k]` into `sums [m, n]`, with what was prepared of that weight.
	/// Slices of other lengths give other sums, or panic.
	fn multiply(&self, x: &[i8], weight: &[i8], prepared: &Self::Prepared, k: usize, sums: &mut [i32]);

	/// Appends to `y` what [`requantise`](crate::arithmetic::requantise) makes of each of `sums [m, n]`, where `n` is
	/// the number of parameters.
	fn requantise(&self, sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor);
}

/// The reference: plain loops.
#[derive(Clone, Copy, Default, Debug)]
pub struct Loops;

/// `sum + x · w`. Wrapping never happens: at most 131,071 products of at most 2¹⁴ each.
#[inline]
fn multiply_add(sum: i32, x: i8, w: i8) -> i32 {
	sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(w)))
}

/// `Σ x · w` for four rows of weights.
#[inline]
fn dots(x: &[i8], [a, b, c, d]: [&[i8]; 4]) -> [i32; 4] {
	let terms = x.iter().zip(a).zip(b).zip(c).zip(d);
	terms.fold([0; 4], |[p, q, r, s], ((((&x, &a), &b), &c), &d)| {
		[multiply_add(p, x, a), multiply_add(q, x, b), multiply_add(r, x, c), multiply_add(s, x, d)]
	})
}

impl Kernel for Loops {
	type Prepared = ();

	fn prepare(&self, _: &[i8], _: usize) {}

	fn multiply(&self, x: &[i8], weight: &[i8], (): &(), k: usize, sums: &mut [i32]) {
		let k = k.max(1);
		let n = weight.len().checked_div(k).unwrap_or_default().max(1);
		for (x, sums) in x.chunks_exact(k).zip(sums.chunks_exact_mut(n)) {
			// Four at a time, so that `x` is read once for them.
			let (fours, rest) = sums.as_chunks_mut::<4>();
			let mut weights = weight.chunks_exact(k);
			for sums in fours {
				if let (Some(a), Some(b), Some(c), Some(d)) =
					(weights.next(), weights.next(), weights.next(), weights.next())
				{
					*sums = dots(x, [a, b, c, d]);
				}
			}
			for (sum, w) in rest.iter_mut().zip(weights) {
				*sum = x.iter().zip(w).fold(0, |sum, (&x, &w)| multiply_add(sum, x, w));
			}
		}
	}

	fn requantise(&self, sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor) {
		let dtype = y.dtype();
		let channels = || parameters.bias.iter().zip(parameters.mult).zip(parameters.shift);
		let rows = sums.chunks(parameters.bias.len().max(1));
		append(
			y,
			rows.flat_map(|row| {
				row.iter().zip(channels()).map(|(&sum, ((&b, &m), &s))| requantise(sum, b, m, s, dtype))
			}),
		);
	}
}
