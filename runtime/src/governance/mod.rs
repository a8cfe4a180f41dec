//! How the chain governs itself: referenda, on which tiers vote.
//!
//! ```text
//! submit ──► [proposals] ──► Referenda ──(prepared, deposit placed)──► deciding ──► approved ──► Scheduler
//!            tier, room          ▲                                                                   │
//!                                └── tallies ── TierVoting ◄── tiers ── Reputation      the call, by its origin
//! ```
//!
//! - [`tracks`] says for each kind of proposal who may make it, how long it takes and what it needs.
//! - [`origins`] are what the calls of approved referenda are dispatched by, one a track, beside root.
//! - [`proposals`] keeps the number of ongoing referenda within what queues and agendas hold, and counts the blocks by
//!   which referenda and the scheduler go.
//! - [`pauses`] lifts pauses that have lasted for a voting period.
//!
//! Nobody else has any power: there is no key that can do what a referendum can.

pub mod origins;
pub mod pauses;
pub mod proposals;
pub mod tracks;
