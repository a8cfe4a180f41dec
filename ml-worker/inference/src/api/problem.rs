//! Refusals, as RFC 9457 writes them.

use serde::{Deserialize, Serialize};

/// What precedes the name of each kind of problem.
const PREFIX: &str = "urn:oda:problem:";

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
	/// A URI that names the kind: [`ProblemKind::uri`].
	#[serde(rename = "type", default)]
	pub kind: String,
	/// The kind in words, the same each time.
	#[serde(default)]
	pub title: String,
	/// The HTTP status.
	#[serde(default)]
	pub status: u16,
	/// What is the matter this time.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub detail: Option<String>,
}

impl Problem {
	/// A problem of this kind, with what is the matter this time.
	pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
		Self {
			kind: kind.uri(),
			title: kind.title().to_owned(),
			status: kind.status(),
			detail: Some(detail.into()),
		}
	}

	/// Its kind; `None` if it is none of these.
	pub fn known(&self) -> Option<ProblemKind> {
		let name = self.kind.strip_prefix(PREFIX)?;
		ProblemKind::ALL.into_iter().find(|kind| kind.name() == name)
	}
}

macro_rules! kinds {
	($($(#[$doc:meta])* $kind:ident, $status:literal, $name:literal, $title:literal;)*) => {
		/// The kinds of problems.
		#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
		pub enum ProblemKind {
			$($(#[$doc])* $kind,)*
		}

		impl ProblemKind {
			/// All of them.
			pub const ALL: [Self; [$($status),*].len()] = [$(Self::$kind),*];

			/// The HTTP status with which it is sent.
			pub fn status(self) -> u16 {
				match self { $(Self::$kind => $status,)* }
			}

			/// What it is called, the last part of its URI.
			pub fn name(self) -> &'static str {
				match self { $(Self::$kind => $name,)* }
			}

			/// What it means.
			pub fn title(self) -> &'static str {
				match self { $(Self::$kind => $title,)* }
			}
		}
	};
}

kinds! {
	/// A body or header is not what it should be.
	Malformed, 400, "malformed", "The request is malformed";
	/// No voucher came with the request.
	PaymentRequired, 402, "payment-required", "The request has to be paid for";
	/// The voucher promises too little, or for another version than the one that answers: the challenge says what would do.
	VoucherTooLow, 402, "voucher-too-low", "The voucher does not pay for this request";
	/// The voucher's nonce was used: the challenge says how far the channel has come.
	NonceUsed, 402, "nonce-used", "The voucher's nonce was used";
	/// The payment's envelope names another chain than the provider's.
	OtherChain, 402, "other-chain", "The payment is for another chain";
	/// The voucher key did not sign the voucher or closing for this chain: another key did, or for another chain. A signature
	/// does not say which.
	VoucherForged, 402, "voucher-forged", "The channel's voucher key did not sign this for this chain";
	/// The voucher promises more than the channel holds: top it up.
	DepositTooLow, 402, "deposit-too-low", "The channel's deposit does not cover the voucher";
	/// The channel is closing, closed, about to expire, or another provider's or model's: open another.
	ChannelUnusable, 402, "channel-unusable", "The channel cannot pay for this request";
	/// The request is not allowed.
	Forbidden, 403, "forbidden", "This is not allowed";
	/// What may be spent is spent.
	SpendingLimit, 403, "spending-limit", "No more may be spent";
	/// There is nothing at this path.
	NotFound, 404, "not-found", "There is nothing at this path";
	/// The provider does not answer this model now.
	UnknownModel, 404, "unknown-model", "The provider does not answer this model";
	/// The chain has no such channel.
	UnknownChannel, 404, "unknown-channel", "There is no such channel";
	/// The provider does not have this answer, or it is somebody else's.
	UnknownReceipt, 404, "unknown-receipt", "The provider does not have this answer";
	/// The path has no such method.
	MethodNotAllowed, 405, "method-not-allowed", "The path does not have this method";
	/// The request's body did not arrive in time.
	TooSlow, 408, "too-slow", "The request did not arrive in time";
	/// Another request of the channel is being answered.
	Busy, 409, "busy", "Another request of this channel is being answered";
	/// The closing gives the provider less than it has earned.
	ClosingTooLow, 409, "closing-too-low", "The closing does not cover what the channel was charged";
	/// The body is larger than the provider takes.
	TooLarge, 413, "too-large", "The request is too large";
	/// The body is not JSON.
	UnsupportedMedia, 415, "unsupported-media", "The request's media type is not supported";
	/// An input does not fit the model, or there are too many.
	Unfit, 422, "unfit", "The input does not fit the model";
	/// The key or the voucher was used with another body.
	KeyReused, 422, "key-reused", "The idempotency key or the voucher was used for another request";
	/// The channel is not in a final block yet: ask again.
	ChannelNotFinal, 425, "channel-not-final", "The channel is not in a final block yet";
	/// Too many requests of this channel or from this address.
	TooMany, 429, "too-many", "There are too many requests";
	/// The headers are larger than the provider takes.
	HeadersTooLarge, 431, "headers-too-large", "The request's headers are too large";
	/// A provider's answer is not what was paid for.
	BadAnswer, 502, "bad-answer", "The provider's answer is not what was paid for";
	/// The provider's queue is full, or its node is away.
	Unavailable, 503, "unavailable", "The provider cannot answer now";
	/// A request was paid for and waits for its answer: asked again, it costs nothing more.
	Unanswered, 504, "unanswered", "The provider has not answered yet";
}

impl ProblemKind {
	/// The URI that names it.
	pub fn uri(self) -> String {
		format!("{PREFIX}{}", self.name())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn each_kind_is_known_again_by_its_uri() {
		for kind in ProblemKind::ALL {
			let text = serde_json::to_string(&Problem::new(kind, "why")).unwrap();
			let problem: Problem = serde_json::from_str(&text).unwrap();
			assert_eq!((problem.known(), problem.status), (Some(kind), kind.status()));
		}
	}

	#[test]
	fn a_problem_of_anybody_elses_is_read_and_not_known() {
		let problem: Problem = serde_json::from_str(r#"{"title":"Bad gateway","instance":"/x"}"#).unwrap();
		assert_eq!(problem.known(), None);
	}
}
