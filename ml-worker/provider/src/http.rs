//! The routes, and what stands before them.
//!
//! Every refusal is a problem of RFC 9457, also those that a framework would write itself: nothing is extracted from a request
//! that could be refused by anybody else.

use crate::{
	openapi,
	pace::{Pace, household},
	provider::{Ask, Provider},
	refused::Refused,
};
use axum::{
	Json, Router,
	body::{Body, Bytes},
	extract::{FromRequestParts, Path, Request, State},
	http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
	middleware::{self, Next},
	response::{IntoResponse, Response},
	routing::{get, post},
};
use futures::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use oda_inference::api::{
	ChannelState, CloseAnswer, IDEMPOTENCY_KEY, INFER_PATH, JSON, MAX_REQUEST, MAX_SMALL, MODELS_PATH,
	Models, PaymentPayload, ProblemKind, QUOTE_PATH, Quote, is_idempotency_key,
};
use oda_primitives::ChannelId;
use serde::de::DeserializeOwned;
use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};
use tokio::{sync::Semaphore, time::timeout};

/// Maximum number of bytes of a request's headers, with its path. A payment takes less than a tenth of it.
const MAX_HEADERS: usize = 32 << 10;

/// Maximum number of a request's headers.
const MAX_HEADER_COUNT: usize = 100;

/// The address of whoever asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What the routes share.
struct Shared {
	provider: Arc<Provider>,
	pace: Pace<IpAddr>,
	/// Bytes of bodies that may be in memory.
	bodies: Arc<Semaphore>,
}

type Service = State<Arc<Shared>>;

pub(crate) fn router(provider: Arc<Provider>) -> Router {
	let limits = &provider.config.limits;
	let shared = Arc::new(Shared {
		pace: Pace::new(limits.address),
		bodies: Arc::new(Semaphore::new(limits.bodies.min(Semaphore::MAX_PERMITS))),
		provider,
	});
	Router::new()
		.route(MODELS_PATH, get(models))
		.route(QUOTE_PATH, post(quote))
		.route(INFER_PATH, post(infer))
		.route("/v1/channels/{channel}", get(channel))
		.route("/v1/channels/{channel}/receipts/{nonce}", get(receipt))
		.route("/v1/channels/{channel}/close", post(close))
		.route("/openapi.json", get(description))
		.route("/healthz", get(health))
		.fallback(nothing)
		.method_not_allowed_fallback(no_method)
		.layer(middleware::from_fn_with_state(shared.clone(), guard))
		.with_state(shared)
}

/// What a path is called in the metrics.
fn label(path: &str) -> &'static str {
	match path {
		MODELS_PATH => MODELS_PATH,
		QUOTE_PATH => QUOTE_PATH,
		INFER_PATH => INFER_PATH,
		"/openapi.json" => "/openapi.json",
		"/healthz" => "/healthz",
		_ if path.starts_with("/v1/channels/") => "/v1/channels",
		_ => "other",
	}
}

/// Counts a request, and refuses it if it comes too early or is too large; contains a panic.
async fn guard(State(shared): Service, request: Request, next: Next) -> Response {
	let (start, path) = (Instant::now(), label(request.uri().path()));
	let response = match admit(&shared, &request, start) {
		Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
			tracing::error!(path, "answering a request panicked");
			Refused::unavailable("answering this request failed; nothing was charged").into_response()
		}),
		Err(refused) => refused.into_response(),
	};
	shared.provider.metrics.request(path, response.status().as_u16(), start.elapsed());
	response
}

fn admit(shared: &Shared, request: &Request, now: Instant) -> Result<(), Refused> {
	if let Some(Peer(address)) = request.extensions().get() {
		let early = shared.pace.take(household(*address), now);
		early.map_err(|wait| {
			Refused::new(ProblemKind::TooMany, "too many requests from this address").in_time(wait)
		})?;
	}
	let headers = request.headers();
	let sizes = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
	let size = sizes.fold(request.uri().path().len(), usize::saturating_add);
	if size > MAX_HEADERS || headers.len() > MAX_HEADER_COUNT {
		let detail = format!("at most {MAX_HEADERS} bytes and {MAX_HEADER_COUNT} headers");
		return Err(Refused::new(ProblemKind::HeadersTooLarge, detail));
	}
	Ok(())
}

async fn nothing() -> Refused {
	Refused::new(ProblemKind::NotFound, "see /openapi.json")
}

async fn no_method(method: Method) -> Refused {
	Refused::new(ProblemKind::MethodNotAllowed, format!("this path has no {method}"))
}

async fn models(State(shared): Service) -> Result<Json<Models>, Refused> {
	shared.provider.models().map(Json)
}

async fn quote(State(shared): Service, request: Request) -> Result<Json<Quote>, Refused> {
	let request = small(&shared, request).await?;
	shared.provider.quote(&request).map(Json)
}

async fn infer(State(shared): Service, request: Request) -> Result<Response, Refused> {
	let (parts, body) = request.into_parts();
	is_json(&parts.headers)?;
	let key = idempotency_key(&parts.headers)?;
	let paid = PaymentPayload::from_headers(&parts.headers).map_err(Refused::malformed)?;
	let limit = shared.provider.config.limits.body.min(MAX_REQUEST);
	let length = announced(&parts.headers, limit)?;
	let room = u32::try_from(length.unwrap_or(limit)).unwrap_or(u32::MAX);
	let room = shared.bodies.clone().try_acquire_many_owned(room);
	let room =
		room.map_err(|_| Refused::unavailable("the requests under way take all the memory there is"))?;
	let body = read(&shared, body, limit).await?;
	let answer = shared.provider.infer(Ask { paid, key, body, room }).await?;
	Ok(bytes(answer))
}

async fn channel(State(shared): Service, At([channel]): At<1>) -> Result<Json<ChannelState>, Refused> {
	shared.provider.channel(channel).await.map(Json)
}

async fn receipt(
	State(shared): Service,
	At([channel, nonce]): At<2>,
	headers: HeaderMap,
) -> Result<Response, Refused> {
	let key = idempotency_key(&headers)?;
	shared.provider.receipt(channel, nonce, key).await.map(bytes)
}

async fn close(
	State(shared): Service,
	At([channel]): At<1>,
	request: Request,
) -> Result<Json<CloseAnswer>, Refused> {
	let closing = small(&shared, request).await?;
	shared.provider.close(channel, closing).await.map(Json)
}

async fn description() -> Response {
	bytes(openapi::json().into())
}

/// Whether it would answer.
async fn health(State(shared): Service) -> Result<StatusCode, Refused> {
	shared.provider.view.now()?;
	Ok(StatusCode::NO_CONTENT)
}

/// JSON that is written already.
fn bytes(json: Vec<u8>) -> Response {
	([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], json).into_response()
}

/// The numbers in a path.
struct At<const N: usize>([ChannelId; N]);

impl<const N: usize> FromRequestParts<Arc<Shared>> for At<N> {
	type Rejection = Refused;

	async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refused> {
		let malformed =
			|| Refused::malformed("a channel or a nonce is a number of 64 bits in decimal digits");
		let path = Path::<Vec<(String, String)>>::from_request_parts(parts, shared).await;
		let Path(found) = path.map_err(|_| malformed())?;
		let numbers = found.iter().map(|(_, text)| {
			let plain = text.bytes().all(|byte| byte.is_ascii_digit());
			text.parse().ok().filter(|_| plain)
		});
		let numbers: Option<Vec<u64>> = numbers.collect();
		numbers.and_then(|numbers| numbers.try_into().ok()).map(Self).ok_or_else(malformed)
	}
}

fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
	let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
	let essence = media.and_then(|media| media.split(';').next()).map(str::trim);
	let plain = headers.get_all(header::CONTENT_ENCODING).iter().all(|coding| coding == "identity");
	if plain && essence.is_some_and(|essence| essence.eq_ignore_ascii_case(JSON)) {
		return Ok(());
	}
	Err(Refused::new(ProblemKind::UnsupportedMedia, format!("the body has to be {JSON}, and not compressed")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refused> {
	let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
	let key = values.next().map(|value| value.to_str().unwrap_or_default());
	if values.next().is_some() || key.is_some_and(|key| !is_idempotency_key(key)) {
		return Err(Refused::malformed(
			"Idempotency-Key has to be one key of 1 to 64 visible ASCII characters",
		));
	}
	Ok(key.map(str::to_owned))
}

/// How many bytes a body is said to have.
fn announced(headers: &HeaderMap, limit: usize) -> Result<Option<usize>, Refused> {
	let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
	let length = length.map(|length| length.parse().unwrap_or(usize::MAX));
	if length.is_some_and(|length| length > limit) {
		return Err(too_large(limit));
	}
	Ok(length)
}

fn too_large(limit: usize) -> Refused {
	Refused::new(ProblemKind::TooLarge, format!("at most {limit} bytes"))
}

/// A whole body, if it is not too large and comes in time.
async fn read(shared: &Shared, body: Body, limit: usize) -> Result<Bytes, Refused> {
	let time = shared.provider.config.times.body;
	let slow =
		|| Refused::new(ProblemKind::TooSlow, format!("the body took longer than {} s", time.as_secs()));
	let body = timeout(time, Limited::new(body, limit).collect()).await.map_err(|_| slow())?;
	let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
		Some(_) => too_large(limit),
		None => Refused::malformed("the body ended early"),
	})?;
	Ok(body.to_bytes())
}

async fn small<T: DeserializeOwned>(shared: &Shared, request: Request) -> Result<T, Refused> {
	let (parts, body) = request.into_parts();
	is_json(&parts.headers)?;
	announced(&parts.headers, MAX_SMALL)?;
	let body = read(shared, body, MAX_SMALL).await?;
	serde_json::from_slice(&body).map_err(Refused::malformed)
}
