//! What things are called.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// `blake2_256("oda/model/1" ‖ SCALE(graph, objective, data source))`: changing any of the three makes
/// another model.
pub type ModelId = [u8; 32];

/// A model's versions are numbered from 0 in the order in which they became its head.
pub type VersionId = u32;

/// Submissions are numbered in commit order, over all models; never reused.
pub type SubmissionId = u64;

/// A task of verifiers, named by what they verify.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum TaskId {
	/// A trainer's claim: the scores of a submission.
	#[codec(index = 0)]
	Submission(SubmissionId),
	/// A provider's claim: the output of the inference that the receipt of this hash is for.
	#[codec(index = 1)]
	Receipt([u8; 32]),
	/// Settled work of somebody that is looked at again: the audit's number.
	#[codec(index = 2)]
	Audit(u64),
}

/// Storage deals are numbered in the order in which they were offered; never reused.
pub type DealId = u64;

/// Rounds of storage challenges are numbered from 1, and only those that started are counted.
pub type RoundNumber = u32;

/// Protocol time, counted by the `clock` pallet: advances by one in each block in which users can act.
pub type Tick = u64;
