//! Paid inference over HTTP, the user's side: asks providers, pays from channels, and checks each answer.
//!
//! # Who promises what
//!
//! A *user* puts a deposit into a channel for one *provider* and one model. Each request brings a *voucher*:
//! of the deposit, so much in all is the provider's. Each answer comes with a *receipt*: these weights made
//! these outputs of these inputs, for this price. A wrong receipt costs the provider its stake, so nobody has
//! to be trusted, as long as the user checks each receipt. This crate does.
//!
//! * [`Payer::infer`] finds a provider, opens or tops up a channel, signs, sends, checks, and keeps answer
//!   and receipt;
//! * [`Payer::chores`] are what is to be done when nobody asks, so that nothing is lost or left lying;
//! * [`Wallet`] is what must outlast the process, a folder a channel;
//! * [`provider::Provider`] is a provider as reached over HTTP, [`api`] what both sides say there;
//! * [`verify`] says what is wrong with an answer, and what of a provider's claims is believed;
//! * [`Chain`] is what is needed of the chain, for the caller to connect;
//! * [`Proxy`] is a local server that pays, for programs that know nothing of all this.
//!
//! # What holds whatever happens
//!
//! * **Nobody pays twice.** A voucher and its request are on disk before they are sent. A time-out is no
//!   refusal: the same is asked again, with the same voucher, and no other provider is paid for it meanwhile.
//! * **Nobody pays more than agreed.** Each voucher promises what was charged before, and what the channel's
//!   price makes of the request, which is at most the user's limit.
//! * **Only one's own signature is believed.** A provider that says more was charged has to show a voucher
//!   that the user's own key signed. So a user who lost its wallet gets back what it signed, and nobody gets
//!   anything else.
//! * **A provider that was wrong once is not paid again.** Nothing more is signed for that channel, the
//!   evidence is kept, and the deposit comes back after the grace period. An output that is known to be wrong
//!   is taken to court, by whoever starts next if this process ends.
//!
//! What this crate does not do: it evaluates no model. To find out whether an output is right, one runs the
//! model, or has [`Payer::dispute`] make the chain do it.
//!
//! # Use
//!
//! ```
//! use oda_client::Key;
//! use oda_inference::{Chain, Deposits, Http, PayError, Payer, Question, Times, Wallet, api::Input};
//! use std::{path::Path, sync::Arc};
//!
//! async fn ask(chain: impl Chain, folder: &Path, model: [u8; 32], digit: Vec<u8>) -> Result<(), PayError> {
//!     let wallet = Wallet::open(folder, chain.genesis())?;
//!     let key = Key::from_uri("//Alice//vouchers").expect("a development key");
//!     let http = Http::new(Times::default()).expect("TLS is there");
//!     let deposits = Deposits { requests: 100, most: 5_000_000_000_000, term: 100_000 };
//!     // Nothing is known of pictures here: the provider is believed how it makes a tensor of one.
//!     let encode = Arc::new(|_: &_, _: &Input| None);
//!     let payer = Payer::new(chain, wallet, key, http, deposits, encode)?;
//!
//!     let inputs = vec![Input::Tensor(digit)];
//!     let question = Question { model, inputs, limit: 1_000_000_000, provider: None, name: None };
//!     let paid = payer.infer(&question).await?;
//!     println!("{:?}, for {} planck", paid.answer.answers, paid.answer.receipt.price);
//!     Ok(())
//! }
//! ```

#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

pub mod api;
mod chain;
mod lock;
mod payer;
pub mod provider;
pub mod proxy;
pub mod verify;
pub mod wallet;

pub use chain::{Chain, ChainFault, Channel, ChannelStatus, Evidence, Model, Offer, Opening, Verdict};
pub use lock::Turn;
pub use payer::{Chore, Closed, Deposits, Encode, Paid, PayError, Payer, Question};
pub use provider::{Http, Provider, Times};
pub use proxy::{Proxy, ProxySettings, SpendingLimits};
pub use wallet::{Ledger, Record, Wallet, WalletError};
