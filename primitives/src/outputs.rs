//! What a verifier found of every record, under one root: a Merkle tree over its outputs.
//!
//! A leaf is bound to its verifier, its task and its record, so that nobody can take another's. Leaves, inner nodes and
//! the root are hashed under domains of their own, and the root binds the number of records: the shape of the tree, and
//! with it the length of every proof, follows from that number alone. A level with an odd node promotes it.
//!
//! ```
//! use oda_primitives::{OutputTree, TaskId};
//!
//! let (verifier, task) = ([7u8; 32], TaskId::Submission(1));
//! let tree = OutputTree::new(&verifier, task, vec![[1; 32], [2; 32], [3; 32]]).expect("there are records");
//! let proof = tree.prove(2).expect("there are three");
//! assert_eq!(proof.verify(&tree.root(), &verifier, task, 2, 3), Ok(()));
//! // It shows nothing about another record, or for another verifier.
//! assert!(proof.verify(&tree.root(), &verifier, task, 1, 3).is_err());
//! assert!(proof.verify(&tree.root(), &[8u8; 32], task, 2, 3).is_err());
//! ```

use crate::{TaskId, hash::tagged};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use scale_info::TypeInfo;

/// The most siblings in a proof: the depth of the tree over `u32::MAX` records.
pub const MAX_OUTPUT_SIBLINGS: u32 = 32;

/// Why a proof of an output is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputProofError {
	/// There is no such record.
	OutOfRange,
	/// Too few or too many siblings for this record.
	SiblingCount,
	/// The output does not belong to the root.
	RootMismatch,
}

impl fmt::Display for OutputProofError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::OutOfRange => "there is no such record",
			Self::SiblingCount => "the proof has too few or too many siblings",
			Self::RootMismatch => "the output does not belong to the root",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for OutputProofError {}

/// The leaf of a record: domain `oda/leaf/1`.
fn leaf<AccountId: Encode>(verifier: &AccountId, task: TaskId, record: u32, output: &[u8; 32]) -> [u8; 32] {
	tagged("oda/leaf/1", (verifier, task, record, output))
}

/// An inner node: domain `oda/node/1`.
fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
	tagged("oda/node/1", (left, right))
}

/// The root of a tree whose top node is `top`: domain `oda/outputs/1`.
fn sealed(records: u32, top: &[u8; 32]) -> [u8; 32] {
	tagged("oda/outputs/1", (records, top))
}

/// The number of siblings in the proof of `record`, of `records`.
pub fn output_siblings(record: u32, records: u32) -> u32 {
	let (mut place, mut width, mut siblings) = (record, records, 0u32);
	while width > 1 {
		// All but the odd node at the end of a level have a sibling.
		if place ^ 1 < width {
			siblings = siblings.saturating_add(1);
		}
		place >>= 1;
		width = width.div_ceil(2);
	}
	siblings
}

/// A verifier's tree over the outputs of all records of a task; takes 96 bytes a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputTree {
	outputs: Vec<[u8; 32]>,
	/// From the leaves to the one node at the top.
	levels: Vec<Vec<[u8; 32]>>,
	root: [u8; 32],
}

impl OutputTree {
	/// The tree of `verifier` over the outputs' roots, in the order of the records; `None` if there is no record, or more
	/// than can be counted.
	pub fn new<AccountId: Encode>(
		verifier: &AccountId,
		task: TaskId,
		outputs: Vec<[u8; 32]>,
	) -> Option<Self> {
		let records = u32::try_from(outputs.len()).ok().filter(|records| *records > 0)?;
		let mut level: Vec<_> =
			(0..records).zip(&outputs).map(|(at, output)| leaf(verifier, task, at, output)).collect();
		let mut levels = Vec::new();
		while level.len() > 1 {
			let above = level
				.chunks(2)
				.filter_map(|pair| match pair {
					[left, right] => Some(node(left, right)),
					[odd] => Some(*odd),
					_ => None,
				})
				.collect();
			levels.push(core::mem::replace(&mut level, above));
		}
		let root = sealed(records, level.first()?);
		levels.push(level);
		Some(Self { outputs, levels, root })
	}

	/// The root, to which the verifier commits.
	pub fn root(&self) -> [u8; 32] {
		self.root
	}

	/// Proves the output of a record; `None` if there is no such record.
	pub fn prove(&self, record: u32) -> Option<OutputProof> {
		let mut place = usize::try_from(record).ok()?;
		let output = *self.outputs.get(place)?;
		let mut siblings = Vec::new();
		for level in &self.levels {
			siblings.extend(level.get(place ^ 1));
			place >>= 1;
		}
		Some(OutputProof { output, siblings })
	}
}

/// That a verifier's root was made over this output of a record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OutputProof {
	/// The BLAKE3 root of the bytes of the record's output, before the metric.
	pub output: [u8; 32],
	/// The nodes beside the path, from the leaf to the top; none where a level has no sibling.
	pub siblings: Vec<[u8; 32]>,
}

impl OutputProof {
	/// Checks the proof of `record`, of `records`, under `verifier`'s root. Hashes nothing if the proof has not exactly as
	/// many siblings as that record needs.
	pub fn verify<AccountId: Encode>(
		&self,
		root: &[u8; 32],
		verifier: &AccountId,
		task: TaskId,
		record: u32,
		records: u32,
	) -> Result<(), OutputProofError> {
		let implied = self.implied_root(verifier, task, record, records)?;
		if implied == *root { Ok(()) } else { Err(OutputProofError::RootMismatch) }
	}

	/// The one root under which this proof shows the output of `record`, of `records`, for `verifier`.
	pub fn implied_root<AccountId: Encode>(
		&self,
		verifier: &AccountId,
		task: TaskId,
		record: u32,
		records: u32,
	) -> Result<[u8; 32], OutputProofError> {
		if record >= records {
			return Err(OutputProofError::OutOfRange);
		}
		if self.siblings.len() as u64 != u64::from(output_siblings(record, records)) {
			return Err(OutputProofError::SiblingCount);
		}
		let mut siblings = self.siblings.iter();
		let (mut place, mut width) = (record, records);
		let mut hash = leaf(verifier, task, record, &self.output);
		while width > 1 {
			if place ^ 1 < width {
				let sibling = siblings.next().ok_or(OutputProofError::SiblingCount)?;
				hash = if place & 1 == 0 { node(&hash, sibling) } else { node(sibling, &hash) };
			}
			place >>= 1;
			width = width.div_ceil(2);
		}
		Ok(sealed(records, &hash))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::prelude::*;

	const VERIFIER: [u8; 32] = [9; 32];
	const TASK: TaskId = TaskId::Submission(7);

	fn outputs(records: u32) -> Vec<[u8; 32]> {
		(0..records).map(|at| tagged("test", at)).collect()
	}

	fn tree(records: u32) -> OutputTree {
		OutputTree::new(&VERIFIER, TASK, outputs(records)).unwrap()
	}

	/// Computed once from the definition, with another implementation of BLAKE2b.
	#[test]
	fn roots_are_pinned() {
		let root = |records| hex::encode(OutputTree::new(&VERIFIER, TASK, outputs(records)).unwrap().root());
		assert_eq!(root(1), PINNED[0]);
		assert_eq!(root(2), PINNED[1]);
		assert_eq!(root(3), PINNED[2]);
		assert_eq!(root(7), PINNED[3]);
	}

	const PINNED: [&str; 4] = [
		"40aa38b6bb702011e5b23b1cc3c4bbef9cb1b2d40e332f12257dcc58f59a3c95",
		"da401b4263ede90402d6cd5983ab201928a1db99063335f0422f7661c20684d3",
		"707e166a7ec90619faed9becffc673ef53ebf7afd27b8b33652273036600cbfe",
		"adc276239b5e77b6a946121f871d5b2f4f8342b412913b8832c59d45f52b8be7",
	];

	#[test]
	fn there_is_no_tree_over_nothing() {
		assert_eq!(OutputTree::new(&VERIFIER, TASK, vec![]), None);
	}

	#[test]
	fn every_record_of_every_small_tree_is_proved() {
		for records in 1..=70 {
			let tree = tree(records);
			for record in 0..records {
				let proof = tree.prove(record).unwrap();
				assert_eq!(proof.siblings.len() as u32, output_siblings(record, records));
				assert!(proof.siblings.len() as u32 <= u32::BITS - (records - 1).leading_zeros());
				assert_eq!(proof.verify(&tree.root(), &VERIFIER, TASK, record, records), Ok(()));
			}
			assert_eq!(tree.prove(records), None);
		}
	}

	#[test]
	fn no_tree_is_deeper_than_the_bound() {
		assert_eq!(output_siblings(0, u32::MAX), MAX_OUTPUT_SIBLINGS);
		assert!(output_siblings(u32::MAX - 1, u32::MAX) <= MAX_OUTPUT_SIBLINGS);
	}

	#[test]
	fn a_proof_shows_nothing_about_another_record_task_verifier_or_count() {
		for records in 2..=20 {
			let (tree, other) = (tree(records), tree(records + 1));
			for record in 0..records {
				let proof = tree.prove(record).unwrap();
				for wrong in (0..records + 2).filter(|wrong| *wrong != record) {
					assert!(proof.verify(&tree.root(), &VERIFIER, TASK, wrong, records).is_err());
				}
				assert!(proof.verify(&tree.root(), &[8u8; 32], TASK, record, records).is_err());
				assert!(proof.verify(&tree.root(), &VERIFIER, TaskId::Audit(7), record, records).is_err());
				for count in (0..2 * records + 2).filter(|count| *count != records) {
					assert!(proof.verify(&tree.root(), &VERIFIER, TASK, record, count).is_err(), "{count}");
				}
				assert!(proof.verify(&other.root(), &VERIFIER, TASK, record, records + 1).is_err());
			}
		}
	}

	/// The classic attack on trees that hash leaves and nodes alike, or promote an odd leaf without saying how many there
	/// are.
	#[test]
	fn an_inner_node_should_not_pass_for_an_output() {
		let three = tree(3);
		let [left, right] = [three.levels[0][0], three.levels[0][1]];
		// The node over the first two leaves, shown as the first of two records.
		let proof = OutputProof { output: node(&left, &right), siblings: vec![three.levels[0][2]] };
		for (record, records) in [(0, 2), (0, 3), (1, 2), (2, 3)] {
			assert!(proof.verify(&three.root(), &VERIFIER, TASK, record, records).is_err());
		}
	}

	#[test]
	fn a_proof_with_more_or_fewer_siblings_is_refused() {
		let tree = tree(9);
		for record in 0..9 {
			let proof = tree.prove(record).unwrap();
			let mut longer = proof.clone();
			longer.siblings.push([0; 32]);
			let mut shorter = proof.clone();
			shorter.siblings.pop();
			for other in [longer, shorter] {
				let refused = other.verify(&tree.root(), &VERIFIER, TASK, record, 9);
				assert_eq!(refused, Err(OutputProofError::SiblingCount));
			}
		}
		let refused = tree.prove(0).unwrap().verify(&tree.root(), &VERIFIER, TASK, 9, 9);
		assert_eq!(refused, Err(OutputProofError::OutOfRange));
	}

	#[test]
	fn every_single_bit_change_is_refused() {
		let tree = tree(5);
		for record in 0..5 {
			let proof = tree.prove(record).unwrap();
			for bit in 0..256 {
				let mut other = proof.clone();
				other.output[bit / 8] ^= 1 << (bit % 8);
				assert!(other.verify(&tree.root(), &VERIFIER, TASK, record, 5).is_err());
				for sibling in 0..proof.siblings.len() {
					let mut other = proof.clone();
					other.siblings[sibling][bit / 8] ^= 1 << (bit % 8);
					assert!(other.verify(&tree.root(), &VERIFIER, TASK, record, 5).is_err());
				}
				let mut root = tree.root();
				root[bit / 8] ^= 1 << (bit % 8);
				assert!(proof.verify(&root, &VERIFIER, TASK, record, 5).is_err());
			}
		}
	}

	proptest! {
		#[test]
		fn no_invented_proof_passes(
			records in 1..2_000u32, record: u32, output: [u8; 32],
			siblings in prop::collection::vec(any::<[u8; 32]>(), 0..14),
		) {
			let proof = OutputProof { output, siblings };
			let root = tree(records.min(50)).root();
			prop_assert!(proof.verify(&root, &VERIFIER, TASK, record % records, records).is_err());
		}

		#[test]
		fn any_record_is_proved(records in 1..3_000u32, record: u32) {
			let (tree, record) = (tree(records), record % records);
			let proof = tree.prove(record).unwrap();
			prop_assert_eq!(proof.verify(&tree.root(), &VERIFIER, TASK, record, records), Ok(()));
		}
	}
}
