//! Exact batch evaluation in libtorch, for graphics processors: the bits of the reference evaluator, many records at
//! once.
//!
//! Why it is exact:
//!
//! * a product of two `I8` is at most 2¹⁴ and a sum of at most 1,024 of them at most 2²⁴, so every partial
//!   sum of an `f32` matrix product, in whatever order, is an integer that `f32` holds exactly; longer sums
//!   are cut into pieces of 1,024 that are added as integers;
//! * a convolution is gathered into patches and becomes such a product: no cuDNN, no Winograd;
//! * requantisation, addition and averaging run on `i64` tensors, with arithmetic shifts.
//!
//! Whether this holds on a device is not taken on trust: [`self_check`](crate::self_check()) compares it with the reference.

mod convert;
mod elementwise;
mod linear;
mod memory;
mod pool;
mod program;
mod requant;

pub(crate) use convert::from_bytes;
pub use program::ExactModel;
