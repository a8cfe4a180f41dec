//! Training for the integer graph, quantisation, and exact evaluation of many records at once.
//!
//! * [`Engine`], [`Evaluate`] (in [`evaluate`]): scores and output roots of all records, by what is fastest and gives
//!   the reference's bits: libtorch on a graphics processor ([`exact`]), else the processor's integer instructions
//!   ([`cpu`]), else the reference;
//! * [`agreement`]: whether all of these give the same scores and roots, on as many records as one likes;
//! * [`builder`]: graphs from layers;
//! * [`mod@float`]: a trainable float model made from a graph, with quantisation simulated; [`quantise`]: from
//!   it to a weights blob;
//! * [`mod@train`]: training, resumable, the same for the same seed;
//! * weights and float models as safetensors, in [`files`].
//!
//! ```
//! use oda_engine::{Engine, EngineConfig, builder::GraphBuilder, quantise::random_weights};
//! use oda_evaluator::{graph::{DType, TensorType}, model::*};
//!
//! // Two numbers in, two logits out.
//! let mut b = GraphBuilder::new();
//! let x = b.input(DType::I8, [2]);
//! let y = b.dense(x, 2, DType::I16)?;
//! let graph = b.build([y])?.graph;
//! let objective = Objective {
//!     metric: Metric::Accuracy,
//!     target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
//!     min_improvement: 1,
//!     confidence: None,
//! };
//! let weights = random_weights(&graph, &objective, 42, &Default::default(), &[])?;
//! let engine = Engine::start(&EngineConfig::default());
//! let outputs = engine.load(&graph, &weights)?.infer(&[3, 5])?;
//! assert_eq!(outputs[0].len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	clippy::indexing_slicing,
	reason = "not consensus code: a graph is validated before any index or product is taken from it, and \
	          every result that matters is compared with the reference"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

pub mod agreement;
mod batch;
pub mod builder;
pub mod cpu;
mod error;
pub mod evaluate;
pub mod exact;
pub mod files;
pub mod float;
pub mod quantise;
pub mod records;
pub mod rng;
mod self_check;
#[cfg(test)]
#[path = "../../../tests/src/skipped.rs"]
mod skipped;
mod threads;
pub mod train;
pub mod weights;

pub use cpu::CpuKernel;
pub use error::EngineError;
pub use evaluate::{Backend, DeviceChoice, Engine, EngineConfig, Evaluate, RecordResult, output_root};
pub use float::FloatModel;
pub use records::Records;
pub use self_check::{SelfCheckError, self_check};
pub use train::{TrainConfig, Trained, train};
