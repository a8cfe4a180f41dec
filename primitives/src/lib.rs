//! The vocabulary that the chain and the worker share.
//!
//! * [`blob`]: a blob is any byte string, named by its BLAKE3 root and its length;
//! * [`proof`]: a proof that a byte range belongs to a blob, which the runtime can check;
//! * `decimal`: amounts in files for people and programs, with the feature `serde`;
//! * [`hash`]: domain-separated hashes, so that a value hashed for one purpose never passes for another;
//! * [`message`]: what somebody signs off chain and the chain reads;
//! * [`outputs`]: what a verifier found of every record, under one root;
//! * [`refusal`]: the codes with which the chain refuses calls that nobody signed;
//! * [`storage`]: which bytes of a blob its keepers are challenged for;
//! * `hexadecimal`: bytes in files for people, with the feature `serde`;
//! * [`inference`]: what users and providers of inference sign, and what it costs;
//! * [`id`]: what models, versions, submissions, deals and rounds are called.
//!
//! ```
//! use oda_primitives::{BlobRef, RangeProof};
//!
//! let blob: Vec<u8> = (0..5_000u32).flat_map(|i| i.to_le_bytes()).collect();
//! let reference = BlobRef::of(&blob);
//! let proof = RangeProof::new(&blob, 4_000..4_008).expect("the range lies within the blob");
//! assert_eq!(proof.verify(&reference, 4_000..4_008), Ok(&blob[4_000..4_008]));
//! assert!(proof.verify(&reference, 4_004..4_012).is_err());
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

pub mod blob;
#[cfg(feature = "serde")]
pub mod decimal;
pub mod hash;
#[cfg(feature = "serde")]
pub mod hexadecimal;
pub mod id;
pub mod inference;
pub mod message;
pub mod outputs;
pub mod proof;
pub mod refusal;
pub mod storage;

pub use blob::{BlobRef, CHUNK_LEN, MAX_BLOB_LEN, MAX_CARD_LEN};
pub use id::{DealId, ModelId, RoundNumber, SubmissionId, TaskId, Tick, VersionId};
pub use inference::{ChannelId, Closing, Payment, Receipt, RequestId, Voucher};
pub use message::Verdict;
pub use outputs::{OutputProof, OutputProofError, OutputTree};
pub use proof::{ProofError, RangeProof};
