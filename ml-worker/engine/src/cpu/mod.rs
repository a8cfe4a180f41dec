//! The evaluator with the processor's own integer instructions, chosen at run time.
//!
//! | instructions | what a lane of 32 bits adds at once |
//! |---|---|
//! | AVX-512 VNNI | four products of 8 bits (`vpdpbusd`) |
//! | AVX2 | two products of 16 bits (`vpmaddwd`) |
//! | others | whatever the compiler makes of the reference's loops |
//!
//! Why it is exact: no instruction used here rounds or saturates a sum of products, and one that passes through values
//! outside of 32 bits comes back, for it is taken modulo 2³².

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod batch;
mod requantise;

pub(crate) use batch::batch;

use oda_evaluator::{Kernel, Loops, Tensor, kernel::Requantise};

/// Output channels that are computed together.
const LANES: usize = 16;

/// The instructions that this processor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Set {
	#[cfg(target_arch = "x86_64")]
	Avx512Vnni,
	#[cfg(target_arch = "x86_64")]
	Avx2,
	Any,
}

/// The evaluator's kernel in one set of instructions, which this processor has: there is no other way to make one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuKernel(Set);

/// A weight matrix as the instructions read it, for only a kernel of these instructions makes one.
pub enum Packed {
	/// Bytes in fours.
	#[cfg(target_arch = "x86_64")]
	Avx512Vnni(avx512::Packed),
	/// Words in pairs.
	#[cfg(target_arch = "x86_64")]
	Avx2(avx2::Packed),
	/// Nothing: the weight is read as it is, by the reference's loops.
	Raw,
}

impl CpuKernel {
	/// The reference's loops.
	pub const REFERENCE: Self = Self(Set::Any);

	/// All that this processor has, the best first.
	pub fn all() -> Vec<Self> {
		Self::sets().map(Self).collect()
	}

	fn sets() -> impl Iterator<Item = Set> {
		[
			#[cfg(target_arch = "x86_64")]
			avx512::available().then_some(Set::Avx512Vnni),
			#[cfg(target_arch = "x86_64")]
			avx2::available().then_some(Set::Avx2),
			Some(Set::Any),
		]
		.into_iter()
		.flatten()
	}

	/// The instructions' name.
	pub fn name(self) -> &'static str {
		match self.0 {
			#[cfg(target_arch = "x86_64")]
			Set::Avx512Vnni => "avx512-vnni",
			#[cfg(target_arch = "x86_64")]
			Set::Avx2 => "avx2",
			Set::Any => "reference",
		}
	}
}

/// Rows of a weight, and elements of a row, below which blocks of 16 channels would be mostly empty.
const LEAST: usize = 8;

impl Kernel for CpuKernel {
	type Prepared = Packed;

	fn prepare(&self, weight: &[i8], k: usize) -> Packed {
		if k < LEAST || weight.len() < k * LEAST {
			return Packed::Raw;
		}
		match self.0 {
			#[cfg(target_arch = "x86_64")]
			Set::Avx512Vnni => Packed::Avx512Vnni(avx512::Packed::new(weight, k)),
			#[cfg(target_arch = "x86_64")]
			Set::Avx2 => Packed::Avx2(avx2::Packed::new(weight, k)),
			Set::Any => Packed::Raw,
		}
	}

	#[expect(unsafe_code, reason = "calls of functions for instructions that this processor has")]
	fn multiply(&self, x: &[i8], weight: &[i8], prepared: &Packed, k: usize, sums: &mut [i32]) {
		match prepared {
			// SAFETY: `prepare` made this for a kernel of these instructions, which there is only where `available` says
			// that the processor has them.
			#[cfg(target_arch = "x86_64")]
			Packed::Avx512Vnni(packed) => unsafe { avx512::multiply(x, packed, k, sums) },
			// SAFETY: as above.
			#[cfg(target_arch = "x86_64")]
			Packed::Avx2(packed) => unsafe { avx2::multiply(x, packed, k, sums) },
			Packed::Raw => Loops.multiply(x, weight, &(), k, sums),
		}
	}

	#[expect(unsafe_code, reason = "calls of functions for instructions that this processor has")]
	fn requantise(&self, sums: &[i32], parameters: &Requantise<'_>, y: &mut Tensor) {
		match self.0 {
			// SAFETY: there is such a kernel only where `available` says that the processor has these instructions.
			#[cfg(target_arch = "x86_64")]
			Set::Avx512Vnni => unsafe { avx512::requantise(sums, parameters, y) },
			// SAFETY: as above.
			#[cfg(target_arch = "x86_64")]
			Set::Avx2 => unsafe { avx2::requantise(sums, parameters, y) },
			Set::Any => Loops.requantise(sums, parameters, y),
		}
	}
}
