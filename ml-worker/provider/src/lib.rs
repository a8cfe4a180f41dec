//! Paid inference over HTTP, the provider's side.
//!
//! A [`Server`] answers questions to models for vouchers of payment channels. It takes each request on this way:
//!
//! ```text
//!  connection.rs   how many connections, how long they may take, TLS (tls.rs)
//!  http.rs         routes; sizes, rates (pace.rs), and a problem of RFC 9457 for each refusal (refused.rs)
//!  provider.rs     who asks what: the model, the channel, the voucher's signature, the price
//!   ├ view.rs      the chain as of its last final block (chain.rs says what is needed of it)
//!   ├ inputs.rs    a picture, a file or numbers become the model's input, as its card says
//!   ├ ledger/      the voucher is written to disk, and meanwhile
//!   ├ queue.rs     what waits together is evaluated together (engine.rs)
//!   ├ ledger/      then the price and the answer are written to disk  ── before anything is delivered
//!  the answer, with a signed receipt
//! ```
//!
//! # What a provider risks, and a user
//!
//! Whoever dies at any moment, of a channel the provider has given no more than was promised to it (plus the credit that it
//! allows), and the user has paid for nothing that it cannot have: an equal voucher gets the same answer again, byte for byte.
//! The [ledger](Ledger) says why. A request that fails, for whatever reason, costs nothing. The channel's state is that of the
//! last final block, never older than it is known: who wants a channel to end is served no more on it.
//!
//! # Under load
//!
//! Everything is bounded: connections, headers, bodies, bodies together, requests that wait, answers. Beyond a bound there is
//! a refusal that says when to come again, not memory.
//!
//! # Afterwards
//!
//! [`Handle::claims`] says which vouchers to claim now ([`claims`]); sending them is the business of whoever started the
//! server. Accounts of channels that the chain has forgotten are deleted.

#![allow(
	clippy::cast_precision_loss,
	reason = "what is shown in metrics; amounts that count are never floats"
)]
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

pub mod chain;
pub mod claims;
mod config;
mod connection;
mod engine;
mod http;
pub mod inputs;
mod ledger;
mod metrics;
mod openapi;
mod pace;
mod provider;
mod queue;
mod refused;
mod server;
mod tls;
mod under_way;
mod view;

pub use chain::{Away, Chain};
pub use config::{Config, Limits, Rate, Times, Tls};
pub use engine::{Engine, Loaded, RunError};
pub use ledger::{
	Account, Answered, Asked, Held, Ledger, LedgerError, Promise, Promises, Refusal, Request, Served,
	Standing, Step,
};
pub use metrics::Metrics;
pub use openapi::json as description;
pub use queue::{Batching, Key, Outputs, Place, Queue};
pub use server::{Handle, Server, StartError};
pub use tls::TlsError;
