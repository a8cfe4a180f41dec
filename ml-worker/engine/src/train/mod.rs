//! Training: quantisation-aware, resumable, the same for the same seed.
//!
//! Training data and held-out data are two things, and training never sees the held-out one: it is only
//! measured on, with the integer weights, by the exact evaluation that everyone else will use. Stopping at an
//! accuracy and keeping the best epoch do choose by it; where that matters, hand in a held-out set of your
//! own.
//!
//! An epoch's random numbers follow from the seed and the epoch alone, so a resumed run continues exactly
//! where the killed one was.
//!
//! The same seed gives the same weights on the same machine with the same libtorch. It is floats that are summed, and
//! the order in which libtorch sums them depends on its version, on the processor's vector instructions, on the device
//! and, for work large enough to be shared, on the number of threads ([`Engine::threads`](crate::Engine::threads)): on
//! another machine the weights may be others, as good. What they score is the same everywhere.

mod augment;
mod checkpoint;
mod config;
mod history;
pub(crate) mod loss;
mod measure;
mod optimiser;
mod run;
mod schedule;

pub use augment::Augment;
pub use config::{Keep, TrainConfig};
pub use history::{Epoch, Precision, Progress, Stop};
pub use measure::Measure;
pub use optimiser::OptimiserConfig;
pub use run::{Start, Task, Trained, train};
pub use schedule::Schedule;
