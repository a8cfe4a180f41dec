//! Bounds: rules that [`Graph::validate`](crate::Graph::validate) and
//! [`ModelSpec::validate`](crate::ModelSpec::validate) apply, never part of an encoding, so they can be
//! raised without changing a model's id.

/// Bytes of an encoded graph.
pub const MAX_GRAPH_BYTES: usize = 16 * 1024;
/// Inputs of a graph.
pub const MAX_INPUTS: usize = 16;
/// Parameters of a graph.
pub const MAX_PARAMS: usize = 1_024;
/// Nodes of a graph.
pub const MAX_NODES: usize = 256;
/// Outputs of a graph.
pub const MAX_OUTPUTS: usize = 16;
/// Axes of a tensor.
pub const MAX_RANK: usize = 4;
/// Bytes of one tensor.
pub const MAX_TENSOR_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of all activations alive at once; with the parameters it fits a wasm memory.
pub const MAX_LIVE_BYTES: u64 = 16 * 1024 * 1024;
/// Products in one accumulator: `131_071 · 128 · 128 < 2³¹`, so no sum leaves an `i32`.
pub const MAX_ACCUMULATION: u64 = 131_071;
/// Bytes of a packed list of per-record scores.
pub const MAX_SCORE_BYTES: u64 = 64 * 1024;
/// The largest Ladder step.
pub const MAX_MIN_IMPROVEMENT: u64 = 1 << 48;
/// The largest numerator and denominator of McNemar's threshold.
pub const MAX_CONFIDENCE: u32 = 1_000_000;
/// The largest `logit_scale_log2`.
pub const MAX_LOGIT_SCALE_LOG2: u8 = 16;
