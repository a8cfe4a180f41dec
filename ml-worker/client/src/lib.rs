//! The chain as the worker sees it: typed calls, storage and events.
//!
//! * [`Chain`] is a connection to a node, one that waits while the node is away, and knows its chain again;
//! * [`View`] is the state at one block. Claims are made on final state alone; [`Chain::defence_view`] is what one
//!   defends by;
//! * the calls are methods of [`Chain`] and return a [`Call`]: awaiting it signs it with a [`Key`], sends it, and
//!   follows it until it is in a final block. [`Call::send`] returns a [`Sent`] instead, which can be waited for
//!   later, in the best chain or until it is final. Nothing is sent twice: the same bytes are, until it is certain
//!   that no block can have them;
//! * [`ChainError`] has a variant for each reason, and [`errors`] the pallets' own;
//! * [`NamedBlobs`] are the blobs that the chain names, kept up to date;
//! * a [`KeyFile`] holds a key, encrypted or not; a [`Secret`] is what a new one is made from.
//!
//! Each pallet has a module with what is read of it and what it can be called for; all is at the root of the crate.
//!
//! ```no_run
//! # async fn transfer() -> Result<(), Box<dyn std::error::Error>> {
//! use oda_client::{AccountId, Chain, Key};
//!
//! let chain = Chain::connect("ws://127.0.0.1:9944", None).await?;
//! let bob: AccountId = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty".parse()?;
//! let mut sent = chain.transfer(&Key::from_uri("//Alice")?, bob, 1_000_000_000_000).send().await?;
//! println!("in block {}", sent.in_block().await?.block);
//! println!("final in block {}", sent.finalised().await?.block);
//! # Ok(())
//! # }
//! ```
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

mod balances;
mod call;
mod chain;
mod clock;
mod error;
mod finality;
mod governance;
mod inference;
mod key;
mod key_file;
mod link;
mod model_registry;
mod named;
mod outbox;
mod parameters;
mod peers;
#[cfg(any(test, feature = "played"))]
#[allow(
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::panic,
	clippy::unwrap_used,
	reason = "for tests: those of this crate, and of others that ask for it"
)]
pub mod played;
mod receipt;
mod reputation;
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
mod sent;
mod session;
mod staking;
mod storage_deals;
mod training;
mod verification;
mod view;

pub use balances::{Account, Balance, Hold};
pub use call::{Call, LIFETIME};
pub use chain::{Chain, ChainMark, NEAR_FINALITY};
pub use clock::Clock;
pub use error::{ChainError, Refusal, errors};
pub use governance::{Ballot, Referendum, Stage, Track};
pub use inference::{
	Channel, ChannelPhase, DisputeOutcome, Evidence, FeeParts, InferenceTerms, Offer, OfferTerms,
	OfferedModel, OneShot, OneShotPhase, Signed,
};
pub use key::{Key, Secret};
pub use key_file::{KeyFile, read_private};
pub use link::Observer;
pub use model_registry::{Announcement, Model, ModelStatus, NamedCard, Version};
pub use named::NamedBlobs;
pub use outbox::{Outbox, Place};
pub use parameters::{Costs, Parameters, Weight};
pub use receipt::Receipt;
pub use reputation::{NextTier, RecentDeed, Reputation, SourcePoints, Standing};
pub use sent::Sent;
pub use session::{NewKeys, ValidatorStatus, WaitingOffence};
pub use staking::{
	Leaving, Raise, StakeChange, StakeEvent, StakePool, StakePosition, StakeRole, StakeTerms, Withdrawn,
};
pub use storage_deals::{Deal, Keeper, Replica, Round, Slot, storage_account};
pub use subxt::utils::AccountId32 as AccountId;
pub use subxt_signer::{ExposeSecret, SecretString};
pub use training::{
	Bounty, BountyId, ChallengeCommitment, ChallengeOutcome, Claim, Demand, Happened, Phase, Resolved,
	Submission, SubmissionEvent, Target,
};
pub use verification::{Answer, Duty, Load, Seat, Seated, Task, TaskPhase, Verifier, VerifierStatus};
pub use view::View;
