//! A trainable float model made from the graph, with the quantisation it will get simulated while it trains.
//!
//! Every value has a *scale*: an integer `q` of the graph stands for the real `q · scale`. Weights are
//! quantised per output channel and symmetrically, activations per tensor, and the gradient passes the
//! rounding unchanged (a straight-through estimator), clipped where the integers saturate.
//!
//! * Jacob et al. 2018, *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//!   Inference*: the scheme, and quantisation-aware training;
//! * Krishnamoorthi 2018, *Quantizing deep convolutional networks for efficient inference*: per-channel
//!   weights;
//! * Bengio, Léonard and Courville 2013, *Estimating or Propagating Gradients Through Stochastic Neurons*:
//!   the straight-through estimator;
//! * He et al. 2015, *Delving Deep into Rectifiers*: the initial weights.
//!
//! Where values must share a scale they do: a pool, a reshape and a clamp keep their input's; nodes that
//! share requantisation parameters share the scales these stand for; an add that uses one multiplier twice
//! ties its two operands. Clamp bounds at the type's own bounds are saturation, not part of the function;
//! bounds elsewhere, except 0, have a meaning only under a known scale, so there the scale is fixed
//! ([`default_scale`]).

pub(crate) mod fake;
mod forward;
mod init;
mod model;
mod observe;
mod plan;
mod table;

pub use forward::Mode;
pub use model::FloatModel;
pub use observe::Observer;
pub(crate) use plan::Role;
pub use plan::default_scale;
pub use table::{Table, Tables};
