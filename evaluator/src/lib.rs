//! The integer graph, and the one reference that says what it computes.
//!
//! No float takes part: activations and weights are integers, `int8 × int8` sums exactly in 32 bits, and
//! every rounding is written down, so any device in any order gets the same bits. The runtime runs this
//! crate on one record as the court of last instance; the worker runs it, or something faster that agrees
//! with it bit for bit. `docs/evaluator.md` is the specification.
//!
//! * [`graph`]: what a model computes, as data; [`limits`]: how large it may be;
//! * [`Graph::validate`] (in [`validate`]): what makes it valid, and its [`cost`];
//! * [`Evaluator`] (in [`execute`], with `ops` and [`arithmetic`]): runs it on one record, or several; [`kernel`]: what
//!   multiplies for it;
//! * [`memory`]: what evaluating a record takes of the runtime's heap;
//! * [`model`]: graph, objective and data together, and their id; [`spec`]: what makes that valid;
//! * `testing`, with the feature of that name: random valid graphs, for comparing evaluators;
//! * [`metric`], [`scores`], [`judge`]: how good an output is, the list of all records' scores, and whether
//!   one list beats another.
//!
//! ```
//! use oda_evaluator::{graph::*, Evaluator, Tensor};
//!
//! // Two inputs to one output: y = (3·a − 2·b + 10) · 1 >> 0.
//! let graph = Graph {
//!     version: VERSION,
//!     inputs: vec![TensorType::new(DType::I8, [2])],
//!     params: vec![
//!         TensorType::new(DType::I8, [1, 2]),
//!         TensorType::new(DType::I32, [1]),
//!         TensorType::new(DType::I32, [1]),
//!         TensorType::new(DType::U8, [1]),
//!     ],
//!     nodes: vec![Node {
//!         op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
//!         inputs: vec![0],
//!         output: TensorType::new(DType::I32, [1]),
//!     }],
//!     outputs: vec![1],
//! };
//! let cost = graph.validate().expect("the graph is valid");
//! assert_eq!(cost.macs, 2);
//! let weights = [3, 254, /* bias */ 10, 0, 0, 0, /* mult */ 1, 0, 0, 0, /* shift */ 0];
//! let evaluator = Evaluator::new(&graph, &weights).expect("the weights fit the graph");
//! assert_eq!(evaluator.run(&[7, 5]), Ok(vec![Tensor::I32(vec![21 - 10 + 10])]));
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(clippy::float_arithmetic)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_possible_wrap,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

pub mod arithmetic;
pub mod cost;
pub mod execute;
pub mod graph;
pub mod judge;
pub mod kernel;
pub mod limits;
pub mod memory;
pub mod metric;
pub mod model;
mod ops;
pub mod scores;
pub mod spec;
mod tensor;
#[cfg(feature = "testing")]
pub mod testing;
pub mod validate;

pub use cost::Cost;
pub use execute::{EvalError, Evaluator};
pub use graph::Graph;
pub use judge::{Comparison, NotBetter};
pub use kernel::{Kernel, Loops};
pub use model::{DataSource, DatasetRef, ModelSpec, Objective};
pub use scores::{ScoreKind, Scores, ScoresError};
pub use spec::SpecError;
pub use tensor::Tensor;
pub use validate::GraphError;
