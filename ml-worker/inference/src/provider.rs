//! A provider, as a user reaches it over HTTP.
//!
//! A provider is a stranger: bodies and headers are bounded, everything has a time limit, no redirection is
//! followed. [`Failure::served`] says whether a request that failed may have been served all the same. Then
//! it may only be asked again with the same voucher: a time-out is no refusal.

use crate::api::{Accepted, Resource};
use crate::api::{
	ChannelState, CloseAnswer, IDEMPOTENCY_KEY, INFER_PATH, InferAnswer, JSON, MAX_ANSWER, MAX_MODELS,
	MAX_SMALL, MODELS_PATH, Models, PAYMENT, PAYMENT_REQUIRED, PaymentRequired, Problem, ProblemKind,
	QUOTE_PATH, Quote, QuoteRequest, SignedClosing, SignedVoucher, channel_path, close_path, receipt_path,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
	HeaderMap, Method, Request, StatusCode, Uri,
	body::Bytes,
	header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
	client::legacy::{Client, connect::HttpConnector},
	rt::{TokioExecutor, TokioTimer},
};
use oda_primitives::inference::ChannelId;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::{Serialize, de::DeserializeOwned};
use std::{io, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Bytes of all headers of an answer after which no more is read; what one read brings may go beyond.
const MAX_HEADERS: usize = 64 << 10;
/// Number of headers of an answer.
const MAX_HEADER_COUNT: usize = 64;
/// Bytes of a URL, as on chain.
const MAX_ENDPOINT: usize = 256;
/// The longest wait between two tries of a provider that does not say how long.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a provider is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
	/// Time to reach it.
	pub connect: Duration,
	/// Time for one request and its whole answer.
	pub request: Duration,
	/// Time for which the same is asked again, after the first try, if it is busy or its answer was lost.
	pub patience: Duration,
	/// Time before the second try; it doubles from there, and a `Retry-After` goes before it.
	pub pause: Duration,
}

impl Default for Times {
	fn default() -> Self {
		Self {
			connect: Duration::from_secs(5),
			request: Duration::from_secs(60),
			patience: Duration::from_secs(60),
			pause: Duration::from_millis(250),
		}
	}
}

/// The connections to all providers.
#[derive(Clone, Debug)]
pub struct Http {
	client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
	times: Times,
}

impl Http {
	/// Trusts the certificates that the system trusts. If it has none, no provider with `https` can be
	/// reached.
	///
	/// # Errors
	///
	/// TLS cannot be set up.
	pub fn new(times: Times) -> io::Result<Self> {
		let builder = hyper_rustls::HttpsConnectorBuilder::new();
		match builder.with_provider_and_native_roots(ring::default_provider()) {
			Ok(builder) => Ok(Self::with(builder, times)),
			Err(error) => {
				tracing::warn!(%error, "the system trusts no certificate: no provider with TLS is reached");
				Self::trusting(times, RootCertStore::empty())
			}
		}
	}

	/// Trusts these certificates alone.
	///
	/// # Errors
	///
	/// TLS cannot be set up.
	pub fn trusting(times: Times, roots: RootCertStore) -> io::Result<Self> {
		let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
		let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
		let config = config.with_root_certificates(roots).with_no_client_auth();
		Ok(Self::with(hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config), times))
	}

	fn with(
		builder: hyper_rustls::HttpsConnectorBuilder<hyper_rustls::builderstates::WantsSchemes>,
		times: Times,
	) -> Self {
		let mut connector = HttpConnector::new();
		connector.enforce_http(false);
		connector.set_nodelay(true);
		connector.set_connect_timeout(Some(times.connect));
		let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
		let client = Client::builder(TokioExecutor::new())
			.pool_timer(TokioTimer::new())
			.http1_max_buf_size(MAX_HEADERS)
			.http1_max_headers(MAX_HEADER_COUNT)
			.build(connector);
		Self { client, times }
	}

	/// How long a provider is given.
	pub fn times(&self) -> &Times {
		&self.times
	}
}

/// Why an endpoint is not one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{url:?} is no endpoint of a provider: {reason}")]
pub struct EndpointError {
	url: String,
	reason: &'static str,
}

/// Why a provider has not answered.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Fault {
	/// There is no connection to it.
	#[error("the provider cannot be reached: {0}")]
	Unreachable(String),
	/// The connection broke.
	#[error("the connection to the provider broke: {0}")]
	Broken(String),
	/// It took too long.
	#[error("the provider has not answered in time")]
	TooSlow,
	/// The answer is longer than any answer is.
	#[error("the provider's answer has more than {0} bytes")]
	TooLong(usize),
	/// The answer is no JSON.
	#[error("the provider's answer is {0:?}, not JSON")]
	NotJson(String),
	/// The answer is not what it should be.
	#[error("the provider's answer cannot be read: {0}")]
	Unreadable(String),
	/// It sends to another address, where nobody is paid.
	#[error("the provider redirects (status {0}), which is not followed")]
	Redirected(u16),
	/// It refuses.
	#[error("the provider refuses: {0}")]
	Refused(Box<Refusal>),
}

/// A provider's refusal.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
	/// The HTTP status.
	pub status: u16,
	/// Why.
	pub problem: Problem,
	/// When to ask again.
	pub retry_after: Option<Duration>,
	/// What a 402 asks for.
	pub challenge: Option<PaymentRequired>,
}

impl std::fmt::Display for Refusal {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let Problem { title, detail, .. } = &self.problem;
		match detail {
			Some(detail) => write!(f, "{title} (status {}): {detail}", self.status),
			None => write!(f, "{title} (status {})", self.status),
		}
	}
}

impl Refusal {
	/// Its kind, if the provider knows what it is talking about.
	pub fn kind(&self) -> Option<ProblemKind> {
		self.problem.known().filter(|kind| kind.status() == self.status)
	}

	/// Whether the request itself is at fault, whenever and however often it is asked.
	pub fn is_about_input(&self) -> bool {
		use ProblemKind::{KeyReused, Malformed, TooLarge, Unfit, UnsupportedMedia};
		matches!(self.kind(), Some(Malformed | TooLarge | UnsupportedMedia | Unfit | KeyReused))
	}
}

impl Fault {
	/// Whether the request may have been served.
	pub fn is_uncertain(&self) -> bool {
		match self {
			Self::Unreachable(_) => false,
			Self::Refused(refusal) => matches!(refusal.kind(), None | Some(ProblemKind::Busy)),
			_ => true,
		}
	}

	/// Whether it may help to ask the same again.
	fn passes(&self) -> bool {
		use ProblemKind::{Busy, ChannelNotFinal, TooMany, TooSlow, Unavailable, UnknownChannel};
		match self {
			Self::Unreachable(_) | Self::Broken(_) | Self::TooSlow => true,
			Self::Refused(refusal) => match refusal.kind() {
				// Its node may be behind: the user has seen the channel in a final block.
				Some(kind) => {
					matches!(kind, Busy | ChannelNotFinal | TooMany | TooSlow | Unavailable | UnknownChannel)
				}
				None => matches!(refusal.status, 408 | 409 | 425 | 429 | 500..=599),
			},
			_ => false,
		}
	}

	fn retry_after(&self) -> Option<Duration> {
		match self {
			Self::Refused(refusal) => refusal.retry_after,
			_ => None,
		}
	}
}

/// How it ended to ask for an inference.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct Failure {
	/// The last fault.
	pub fault: Fault,
	/// Whether the request may have been served, by the last try or one before it.
	pub served: bool,
}

/// A provider.
#[derive(Clone, Debug)]
pub struct Provider {
	http: Http,
	base: String,
}

struct Reply {
	status: StatusCode,
	headers: HeaderMap,
	body: Bytes,
}

impl Provider {
	/// The provider at an endpoint: a URL of the scheme `http` or `https`, which may have a path and has
	/// nothing else.
	///
	/// # Errors
	///
	/// [`EndpointError`] says why it is none.
	pub fn new(http: &Http, endpoint: &str) -> Result<Self, EndpointError> {
		let refuse = |reason| EndpointError { url: endpoint.chars().take(MAX_ENDPOINT).collect(), reason };
		if endpoint.len() > MAX_ENDPOINT {
			return Err(refuse("it is too long"));
		}
		let uri: Uri = endpoint.parse().map_err(|_| refuse("it is no URL"))?;
		if !matches!(uri.scheme_str(), Some("http" | "https")) {
			return Err(refuse("its scheme is neither http nor https"));
		}
		let authority = uri.authority().ok_or_else(|| refuse("it has no host"))?;
		if authority.host().is_empty() || authority.as_str().contains('@') {
			return Err(refuse("it has no host, or a user"));
		}
		if uri.query().is_some() || endpoint.contains('#') {
			return Err(refuse("it has more than a path"));
		}
		Ok(Self { http: http.clone(), base: endpoint.trim_end_matches('/').to_owned() })
	}

	/// The URL at which it answers.
	pub fn endpoint(&self) -> &str {
		&self.base
	}

	/// What it answers now.
	///
	/// # Errors
	///
	/// [`Fault`] says why there is no answer.
	pub async fn models(&self) -> Result<Models, Fault> {
		self.get(MODELS_PATH, HeaderMap::new(), MAX_MODELS).await
	}

	/// The most that a request costs in a channel that is opened now. Asked again for a while if the provider
	/// is busy.
	///
	/// # Errors
	///
	/// [`Fault`] says why there is no answer.
	pub async fn quote(&self, question: &QuoteRequest) -> Result<Quote, Fault> {
		self.patiently(false, || self.post(QUOTE_PATH, HeaderMap::new(), body_of(question)?, MAX_SMALL))
			.await
			.map_err(|failure| failure.fault)
			.and_then(|bytes| from_json(&bytes))
	}

	/// Asks for an inference, the same again for a while if the provider is busy or the answer was lost.
	/// Returns the answer's bytes, which nobody has looked at.
	///
	/// `served` says whether the request was sent before and may have been served.
	///
	/// # Errors
	///
	/// [`Failure`] says why there is no answer, and whether the request may have been served.
	pub async fn infer(
		&self,
		paid: &SignedVoucher,
		key: &str,
		body: &str,
		served: bool,
	) -> Result<Bytes, Failure> {
		let headers = headers(&[(PAYMENT, &paid.to_header()), (IDEMPOTENCY_KEY, key)]);
		let headers = headers.map_err(|fault| Failure { fault, served })?;
		let body = Bytes::copy_from_slice(body.as_bytes());
		self.patiently(served, || self.post(INFER_PATH, headers.clone(), body.clone(), MAX_ANSWER)).await
	}

	/// What it knows of a channel.
	///
	/// # Errors
	///
	/// [`Fault`] says why there is no answer.
	pub async fn channel(&self, channel: ChannelId) -> Result<ChannelState, Fault> {
		self.get(&channel_path(channel), HeaderMap::new(), MAX_SMALL).await
	}

	/// The answer that it gave to a request before, whose `Idempotency-Key` was `key`. Nobody has checked it.
	///
	/// # Errors
	///
	/// [`Fault`] says why there is no answer.
	pub async fn recover(&self, channel: ChannelId, nonce: u64, key: &str) -> Result<InferAnswer, Fault> {
		self.get(&receipt_path(channel, nonce), headers(&[(IDEMPOTENCY_KEY, key)])?, MAX_ANSWER).await
	}

	/// Asks it to agree to a closing.
	///
	/// # Errors
	///
	/// [`Fault`] says why there is no answer.
	pub async fn close(&self, closing: &SignedClosing) -> Result<CloseAnswer, Fault> {
		let path = close_path(closing.closing.channel);
		from_json(&self.post(&path, HeaderMap::new(), body_of(closing)?, MAX_SMALL)?.await?)
	}

	async fn get<T: DeserializeOwned>(
		&self,
		path: &str,
		headers: HeaderMap,
		limit: usize,
	) -> Result<T, Fault> {
		let request = self.request(Method::GET, path, headers, Bytes::new())?;
		from_json(&judge(self.send(request, limit).await?)?)
	}

	/// The request is made at once, so that what can never be sent is no fault of the provider's.
	fn post(
		&self,
		path: &str,
		headers: HeaderMap,
		body: Bytes,
		limit: usize,
	) -> Result<impl Future<Output = Result<Bytes, Fault>>, Fault> {
		let request = self.request(Method::POST, path, headers, body)?;
		Ok(async move { judge(self.send(request, limit).await?) })
	}

	fn request(
		&self,
		method: Method,
		path: &str,
		headers: HeaderMap,
		body: Bytes,
	) -> Result<Request<Full<Bytes>>, Fault> {
		let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
		let request = request.header(USER_AGENT, concat!("oda/", env!("CARGO_PKG_VERSION")));
		let request = request.header(ACCEPT, JSON).header(CONTENT_TYPE, JSON);
		let mut request = request.body(Full::new(body)).map_err(|e| Fault::Unreachable(e.to_string()))?;
		request.headers_mut().extend(headers);
		Ok(request)
	}

	async fn send(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<Reply, Fault> {
		let sent = async {
			let response = self.http.client.request(request).await.map_err(|error| {
				let why = reasons(&error);
				if error.is_connect() { Fault::Unreachable(why) } else { Fault::Broken(why) }
			})?;
			let (parts, body) = response.into_parts();
			let limit = if parts.status == StatusCode::OK { limit } else { MAX_SMALL };
			let body = Limited::new(body, limit).collect().await.map_err(|error| {
				if error.is::<LengthLimitError>() {
					return Fault::TooLong(limit);
				}
				Fault::Broken(reasons(error.as_ref()))
			})?;
			Ok(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
		};
		timeout(self.http.times.request, sent).await.unwrap_or(Err(Fault::TooSlow))
	}

	/// Asks the same until there is an answer, asking again does not help, or patience ends.
	async fn patiently<F: Future<Output = Result<Bytes, Fault>>>(
		&self,
		mut served: bool,
		ask: impl Fn() -> Result<F, Fault>,
	) -> Result<Bytes, Failure> {
		let start = Instant::now();
		let mut pause = self.http.times.pause;
		loop {
			let asked = match ask() {
				Ok(asked) => asked.await,
				Err(fault) => return Err(Failure { fault, served }),
			};
			let fault = match asked {
				Ok(bytes) => return Ok(bytes),
				Err(fault) => fault,
			};
			served |= fault.is_uncertain();
			let wait = fault.retry_after().unwrap_or(pause);
			// A provider that cannot be reached has nothing of the user's: another is asked instead.
			let again = fault.passes() && (served || !matches!(fault, Fault::Unreachable(_)));
			if !again || start.elapsed().saturating_add(wait) > self.http.times.patience {
				return Err(Failure { fault, served });
			}
			tracing::debug!(%fault, ?wait, "a provider is asked again");
			sleep(wait).await;
			pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
		}
	}
}

fn headers(values: &[(&'static str, &str)]) -> Result<HeaderMap, Fault> {
	let mut headers = HeaderMap::new();
	for (name, value) in values {
		headers.insert(*name, value.parse().map_err(|_| Fault::Unreachable(format!("no header: {name}")))?);
	}
	Ok(headers)
}

fn body_of(value: &impl Serialize) -> Result<Bytes, Fault> {
	serde_json::to_vec(value).map(Into::into).map_err(|error| Fault::Unreachable(error.to_string()))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
	serde_json::from_slice(bytes).map_err(|error| Fault::Unreadable(error.to_string()))
}

/// The body of an answer that is one.
fn judge(reply: Reply) -> Result<Bytes, Fault> {
	let Reply { status, headers, body } = reply;
	if status == StatusCode::OK {
		let media = text(&headers, CONTENT_TYPE.as_str()).unwrap_or_default();
		let json = media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON));
		return if json { Ok(body) } else { Err(Fault::NotJson(media.chars().take(64).collect())) };
	}
	if status.is_redirection() {
		return Err(Fault::Redirected(status.as_u16()));
	}
	let mut problem: Problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
		kind: String::new(),
		title: String::new(),
		status: status.as_u16(),
		detail: None,
	});
	if problem.title.is_empty() {
		problem.title = status.canonical_reason().unwrap_or("no reason").to_owned();
	}
	let retry_after = text(&headers, RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok());
	Err(Fault::Refused(Box::new(Refusal {
		status: status.as_u16(),
		problem,
		retry_after: retry_after.map(Duration::from_secs),
		challenge: if status == StatusCode::PAYMENT_REQUIRED { challenge(&headers) } else { None },
	})))
}

/// What a 402 asks for, from whichever of its headers can be read.
fn challenge(headers: &HeaderMap) -> Option<PaymentRequired> {
	let x402 = text(headers, PAYMENT_REQUIRED).and_then(|value| PaymentRequired::parse(value).ok());
	x402.filter(|required| required.accepted().is_some()).or_else(|| {
		let mut values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
		let accepted = values.find_map(|value| Accepted::from_www_authenticate(value).ok())?;
		let resource =
			Resource { url: String::new(), description: String::new(), mime_type: JSON.to_owned() };
		Some(PaymentRequired::new("", resource, accepted))
	})
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
	headers.get(name)?.to_str().ok()
}

/// An error with what is behind it: the outermost alone says little.
fn reasons(error: &(dyn std::error::Error + 'static)) -> String {
	let mut all = error.to_string();
	let mut source = error.source();
	while let Some(error) = source {
		all = format!("{all}: {error}");
		source = error.source();
	}
	all
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::api::{Extra, Terms};
	use oda_primitives::inference::Price;

	fn provider(endpoint: &str) -> Result<Provider, EndpointError> {
		let http = Http::trusting(Times::default(), RootCertStore::empty()).unwrap();
		Provider::new(&http, endpoint)
	}

	#[test]
	fn an_endpoint_is_a_url_of_http_with_a_path_at_most() {
		assert_eq!(provider("https://host:1/a/").unwrap().endpoint(), "https://host:1/a");
		for bad in [
			"",
			"host:80",
			"ftp://host",
			"file:///etc/passwd",
			"http://",
			"http://user@host",
			"http://host/?a=b",
			"http://host/#a",
			"/v1",
			&format!("http://{}", "a".repeat(256)),
		] {
			assert!(provider(bad).is_err(), "{bad}");
		}
	}

	#[test]
	fn what_a_402_asks_for_is_read_from_whichever_header_says_it() {
		let key = oda_client::Key::from_uri("//Bob").unwrap().account();
		let extra = Extra {
			genesis: [1; 32],
			model: [2; 32],
			version: 3,
			price: Price { per_request: 4, per_mmac: 5 },
			receipt_key: key,
			terms: Terms { grace: 6, answer: 7 },
			channel: None,
		};
		let accepted = Accepted::new(8, key, 9, extra);
		let mut headers = HeaderMap::new();
		assert_eq!(challenge(&headers), None);
		headers.append(WWW_AUTHENTICATE, "Basic realm=x".parse().unwrap());
		headers.append(WWW_AUTHENTICATE, accepted.to_www_authenticate("here").parse().unwrap());
		assert_eq!(challenge(&headers).unwrap().accepted(), Some(&accepted));
		headers.insert(PAYMENT_REQUIRED, "damaged".parse().unwrap());
		assert_eq!(challenge(&headers).unwrap().accepted(), Some(&accepted));
		headers.clear();
		let resource = Resource { url: String::new(), description: String::new(), mime_type: String::new() };
		let required = PaymentRequired::new("pay", resource, accepted);
		headers.insert(PAYMENT_REQUIRED, required.to_header().parse().unwrap());
		assert_eq!(challenge(&headers), Some(required));
	}

	#[test]
	fn only_a_provider_that_cannot_be_reached_or_knows_why_it_refuses_has_not_served() {
		let refused = |kind: &str, status| {
			let problem = Problem { kind: kind.to_owned(), title: String::new(), status, detail: None };
			Fault::Refused(Box::new(Refusal { status, problem, retry_after: None, challenge: None }))
		};
		assert!(!Fault::Unreachable(String::new()).is_uncertain());
		assert!(!refused("urn:oda:problem:unavailable", 503).is_uncertain());
		assert!(refused("urn:oda:problem:busy", 409).is_uncertain());
		// Something between user and provider may say so.
		assert!(refused("", 502).is_uncertain());
		assert!(refused("urn:oda:problem:unavailable", 502).is_uncertain());
		assert!(Fault::TooSlow.is_uncertain());
	}
}
