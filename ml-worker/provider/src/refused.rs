//! Refusals, as HTTP has them.

use crate::{
	chain::Away,
	engine::RunError,
	ledger::{LedgerError, Refusal},
};
use axum::{
	Json,
	http::{
		HeaderValue, StatusCode,
		header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE},
	},
	response::{IntoResponse, Response},
};
use oda_inference::api::{PAYMENT_REQUIRED, PROBLEM_JSON, PaymentRequired, Problem, ProblemKind};
use std::time::Duration;

/// Seconds after which to ask again what has to do with blocks.
const A_BLOCK: u64 = 3;

/// Why a request is refused. Nothing was charged.
#[derive(Debug)]
pub(crate) struct Refused {
	pub(crate) kind: ProblemKind,
	pub(crate) detail: String,
	/// Seconds.
	retry_after: Option<u64>,
	/// What would be accepted, and the protection space.
	challenge: Option<Box<(PaymentRequired, String)>>,
}

impl Refused {
	pub(crate) fn new(kind: ProblemKind, detail: impl ToString) -> Self {
		Self { kind, detail: detail.to_string(), retry_after: None, challenge: None }
	}

	pub(crate) fn malformed(detail: impl ToString) -> Self {
		Self::new(ProblemKind::Malformed, detail)
	}

	pub(crate) fn unfit(detail: impl ToString) -> Self {
		Self::new(ProblemKind::Unfit, detail)
	}

	/// It is to be asked again after so many seconds.
	pub(crate) fn after(self, seconds: u64) -> Self {
		Self { retry_after: Some(seconds), ..self }
	}

	/// It is to be asked again after so long, rounded up to seconds.
	pub(crate) fn in_time(self, wait: Duration) -> Self {
		let whole = wait.as_secs();
		self.after(if wait.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole.max(1) })
	}

	/// It is answered if this is paid.
	pub(crate) fn challenge(self, required: PaymentRequired, realm: String) -> Self {
		Self { challenge: Some(Box::new((required, realm))), ..self }
	}

	pub(crate) fn unavailable(detail: impl ToString) -> Self {
		Self::new(ProblemKind::Unavailable, detail).after(1)
	}

	pub(crate) fn busy() -> Self {
		Self::new(ProblemKind::Busy, "another request of this channel is being answered").after(1)
	}

	pub(crate) fn not_final() -> Self {
		let detail = "this channel is in the best block, but not in a final one yet";
		Self::new(ProblemKind::ChannelNotFinal, detail).after(A_BLOCK)
	}
}

impl From<Away> for Refused {
	fn from(away: Away) -> Self {
		Self::unavailable(away).after(A_BLOCK)
	}
}

impl From<LedgerError> for Refused {
	fn from(error: LedgerError) -> Self {
		tracing::error!(%error, "the ledger");
		// What the system says about its disk is nobody else's business.
		let detail = match error {
			LedgerError::Full => "the provider's disk is full; nothing was charged".to_owned(),
			LedgerError::Damaged(channel) => {
				format!("what the provider keeps of channel {channel} is damaged")
			}
			_ => "the provider's disk failed; nothing was charged".to_owned(),
		};
		Self::unavailable(detail).after(30)
	}
}

impl From<RunError> for Refused {
	fn from(error: RunError) -> Self {
		Self::unavailable(format!("{error}; nothing was charged"))
	}
}

impl From<Refusal> for Refused {
	fn from(refusal: Refusal) -> Self {
		let kind = match refusal {
			Refusal::OtherRequest => ProblemKind::KeyReused,
			Refusal::NonceUsed { .. } => ProblemKind::NonceUsed,
			Refusal::AmountFell { .. } | Refusal::Insufficient { .. } => ProblemKind::VoucherTooLow,
			Refusal::BeyondDeposit { .. } | Refusal::DepositUsed { .. } => ProblemKind::DepositTooLow,
			Refusal::Agreed { .. } => ProblemKind::ChannelUnusable,
		};
		Self::new(kind, refusal)
	}
}

impl IntoResponse for Refused {
	fn into_response(self) -> Response {
		let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
		let mut headers = HeaderMap::new();
		headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
		if let Some(seconds) = self.retry_after {
			headers.insert(RETRY_AFTER, seconds.into());
		}
		if let Some((required, realm)) = self.challenge.map(|challenge| *challenge) {
			// Base64 and quoted ASCII: always header values.
			if let Ok(value) = required.to_header().parse() {
				headers.insert(PAYMENT_REQUIRED, value);
			}
			let challenge = required.accepted().map(|accepted| accepted.to_www_authenticate(&realm));
			if let Some(Ok(value)) = challenge.map(|value| value.parse()) {
				headers.insert(WWW_AUTHENTICATE, value);
			}
		}
		(status, headers, Json(Problem::new(self.kind, self.detail))).into_response()
	}
}
