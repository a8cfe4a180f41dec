//! What users and providers of inference say to each other over HTTP.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/models` | | [`Models`]: what the provider answers now |
//! | `POST /v1/quote` | [`QuoteRequest`] | [`Quote`]: who would answer, and for how much |
//! | `POST /v1/infer` | [`InferRequest`] | [`InferAnswer`], or 402 with a [`PaymentRequired`] |
//! | `GET /v1/channels/{id}` | | [`ChannelState`]: what the provider knows of a channel |
//! | `GET /v1/channels/{id}/receipts/{nonce}` | | [`InferAnswer`], the one that was given before |
//! | `POST /v1/channels/{id}/close` | [`SignedClosing`] | [`CloseAnswer`] |
//!
//! Everything else is a [`Problem`], with the media type [`PROBLEM_JSON`].
//!
//! # Paying
//!
//! A [`SignedVoucher`] goes with an inference as base64 of its JSON in the header [`PAYMENT`] (or in one of
//! the others that [`PaymentPayload::from_headers`] reads). Its amount is at least what the channel was
//! charged before plus the price of this request; its nonce is greater than that of every request before. It
//! need not be the next number: a request that the provider refused has used one up. The receipt repeats the
//! nonce.
//!
//! The version that the voucher names answers, or none: if it is not the one that is served, the provider
//! refuses with a [`ProblemKind::VoucherTooLow`] whose challenge names the version that is. A receipt is
//! evidence for at least as many ticks as the channel says, counted from a tick that is not before the
//! user's: a provider adds a few, because its node may be behind.
//!
//! A request that is asked again has the same voucher, the same body and the same [`IDEMPOTENCY_KEY`]. The
//! provider answers it byte for byte as before and charges nothing. The same voucher or key with another body
//! is a [`ProblemKind::KeyReused`]. Vouchers become public when they are claimed, keys do not: an answer is
//! given again by its nonce only to a user who sends its key.
//!
//! A 402 says the price twice, for two families of clients: in the header [`PAYMENT_REQUIRED`] as x402
//! (version 2) has it, and in `WWW-Authenticate` as the HTTP authentication scheme `Payment` does. If it is
//! about a channel that the provider knows, [`Extra::channel`] has what it was charged, and the last voucher
//! as evidence.
//!
//! ```
//! use oda_inference::api::{PaymentPayload, SignedVoucher};
//! use oda_client::Key;
//! use oda_primitives::inference::Voucher;
//!
//! let (key, genesis) = (Key::from_uri("//Alice").unwrap(), [7; 32]);
//! let voucher = Voucher { channel: 1, version: 0, amount: 500, nonce: 1 };
//! let signed = SignedVoucher::sign(voucher, &key, &genesis);
//! assert!(signed.is_by(&key.account(), &genesis));
//! assert_eq!(PaymentPayload::parse(&signed.to_header()).unwrap().voucher, signed);
//! ```

mod account;
mod base64;
mod bodies;
mod challenge;
mod problem;
mod signed;

pub use bodies::{
	Answer, ChannelState, CloseAnswer, InferAnswer, InferRequest, Input, Limits, Models, Quote, QuoteRequest,
	ServedModel, Tensor, Terms,
};
pub use challenge::{Accepted, Charged, Extra, PaymentRequired, Resource, network};
pub use problem::{Problem, ProblemKind};
pub use signed::{HeaderError, PaymentPayload, Signature, SignedClosing, SignedVoucher};

use oda_primitives::inference::ChannelId;

/// Path of [`Models`].
pub const MODELS_PATH: &str = "/v1/models";
/// Path to which a [`QuoteRequest`] is sent.
pub const QUOTE_PATH: &str = "/v1/quote";
/// Path to which an [`InferRequest`] is sent.
pub const INFER_PATH: &str = "/v1/infer";

/// Header in which a user pays: base64 of the JSON of a [`SignedVoucher`].
pub const PAYMENT: &str = "payment";
/// Header in which a client of x402 pays.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// Header in which a 402 says what is to be paid, as x402 has it.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// Header that names a request. Asked again, it has the same name.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Media type of everything else.
pub const JSON: &str = "application/json";

/// Maximum number of bytes of an [`InferRequest`]. A provider may take less: [`Limits::max_body`].
pub const MAX_REQUEST: usize = 32 << 20;
/// Maximum number of bytes of an [`InferAnswer`], which holds the inputs too.
pub const MAX_ANSWER: usize = 64 << 20;
/// Maximum number of bytes of [`Models`], cards included.
pub const MAX_MODELS: usize = 4 << 20;
/// Maximum number of bytes of any other body.
pub const MAX_SMALL: usize = 64 << 10;
/// Maximum number of bytes of a header that pays.
pub const MAX_PAYMENT: usize = 4 << 10;
/// Maximum number of bytes of each of the two headers of a 402.
pub const MAX_CHALLENGE: usize = 6 << 10;
/// Maximum number of bytes of an [`IDEMPOTENCY_KEY`], which are visible ASCII; at least one.
pub const MAX_IDEMPOTENCY_KEY: usize = 64;
/// Maximum number of models that one provider answers.
pub const MAX_SERVED: usize = 16;

/// Path of what a provider knows of a channel: [`ChannelState`].
pub fn channel_path(channel: ChannelId) -> String {
	format!("/v1/channels/{channel}")
}

/// Path of the answer to a request of a channel.
pub fn receipt_path(channel: ChannelId, nonce: u64) -> String {
	format!("/v1/channels/{channel}/receipts/{nonce}")
}

/// Path to which a [`SignedClosing`] is sent.
pub fn close_path(channel: ChannelId) -> String {
	format!("/v1/channels/{channel}/close")
}

/// Whether a text can be an [`IDEMPOTENCY_KEY`].
pub fn is_idempotency_key(text: &str) -> bool {
	(1..=MAX_IDEMPOTENCY_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
