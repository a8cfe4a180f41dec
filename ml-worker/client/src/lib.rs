//! The chain as the worker sees it: typed calls, storage and events.
//!
//! * [`Chain`] is a connection to a node, one that waits while the node is away;
//! * [`View`] is the state at one finalised block: nothing else is ever acted on;
//! * the calls are methods of [`Chain`]: each is signed by a [`Key`], sent, and followed until it is in a
//!   finalised block, and returns a [`Receipt`];
//! * [`Chain::send`] takes what a [`View`] has presigned, and [`Chain::contents`] tells what a block holds: for
//!   measuring;
//! * [`ChainError`] has a variant for each reason, and names a pallet's own errors.
//!
//! What the chain looks like is known at compile time from `metadata.scale`, which a test of the runtime compares
//! with the runtime; `scripts/metadata.sh` writes it anew. A node whose runtime differs in something that is used
//! is refused when that is used.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_precision_loss,
	reason = "not consensus code: block numbers and times, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used))]

mod calls;
mod chain;
mod error;
mod events;
mod finality;
mod key;
mod link;
mod load;
mod named;
mod outbox;
#[cfg(test)]
mod played;
mod receipt;
#[allow(
	missing_docs,
	unreachable_pub,
	dead_code,
	clippy::all,
	clippy::restriction,
	clippy::pedantic,
	reason = "generated"
)]
mod runtime;
mod storage;
mod submit;
mod types;
mod view;

pub use calls::ChallengeOutcome;
pub use chain::{Chain, ChainMark, NEAR_FINALITY};
pub use error::{ChainError, Refusal, errors};
pub use events::{Happened, SubmissionEvent};
pub use key::Key;
pub use link::Observer;
pub use load::{BlockLimits, Contents, Heads, Included};
pub use named::NamedBlobs;
pub use outbox::{Outbox, Place};
pub use receipt::Receipt;
pub use storage::{Deal, Keeper, Replica, Round, Slot, storage_account};
pub use submit::{Call, LIFETIME, Sent};
pub use subxt::utils::AccountId32 as AccountId;
pub use types::*;
pub use view::{Parameters, View};
