//! What things are called.

/// `blake2_256("oda/model/1" ‖ SCALE(graph, objective, data source))`: changing any of the three makes
/// another model.
pub type ModelId = [u8; 32];

/// A model's versions are numbered from 0 in the order in which they became its head.
pub type VersionId = u32;

/// Submissions are numbered in commit order, over all models; never reused.
pub type SubmissionId = u64;

/// Storage deals are numbered in the order in which they were offered; never reused.
pub type DealId = u64;

/// Rounds of storage challenges are numbered from 1, and only those that started are counted.
pub type RoundNumber = u32;

/// Protocol time, counted by the `clock` pallet: advances by one in each block in which users can act.
pub type Tick = u64;
