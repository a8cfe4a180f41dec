//! A local HTTP server that pays: for `curl`, and for programs that know nothing of channels.
//!
//! `POST /v1/infer` takes an [`InferRequest`] without any payment and returns the checked
//! [`InferAnswer`](crate::api::InferAnswer) of a provider; `GET /v1/models` says what can be asked. Everybody
//! who can reach it spends the wallet's money. Therefore
//!
//! * it listens on this machine alone, unless it is told otherwise;
//! * a request, a day and all days together have a limit, which outlasts the process;
//! * it answers no page of the web but those that it is told of: not by their `Origin`, and not under a name
//!   of their own that they make point here (DNS rebinding).
//!
//! An `Idempotency-Key` becomes the question's name: the same request under the same key is paid once, also
//! after the client or the proxy was cut off.

mod spending;

pub use spending::{Spending, SpendingLimits};

use crate::{
	api::{
		IDEMPOTENCY_KEY, INFER_PATH, InferRequest, JSON, MAX_REQUEST, MODELS_PATH, PAYMENT,
		PAYMENT_SIGNATURE, PROBLEM_JSON, Problem, ProblemKind, is_idempotency_key,
	},
	chain::Chain,
	payer::{Paid, PayError, Payer, Question},
	wallet::WalletError,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
	HeaderMap, Method, Request, Response, StatusCode,
	body::{Bytes, Incoming},
	header::{
		ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
		AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, VARY,
	},
	server::conn::http1,
	service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use spending::Purse;
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
	net::TcpListener,
	task::{JoinHandle, JoinSet},
	time::timeout,
};

/// Connections that are served at a time; further ones wait.
const CONNECTIONS: usize = 64;
/// How long a client may take to send a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of all headers of a request.
const MAX_HEADERS: usize = 16 << 10;
/// Says where a browser's request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Names of this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Where a proxy listens, and to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxySettings {
	/// Where it listens; port 0 stands for any that is free.
	pub address: SocketAddr,
	/// Whether the address may be one that others can reach.
	pub remote: bool,
	/// Names under which it is reached, beside those of this machine and its address; without a port.
	pub hosts: Vec<String>,
	/// Origins of the web pages that may ask, such as `http://localhost:5173`.
	pub origins: Vec<String>,
	/// What may be spent.
	pub limits: SpendingLimits,
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
	/// Others could reach the address, and that was not asked for.
	#[error("{0} can be reached from other machines, whose users would spend from this wallet")]
	Remote(SocketAddr),
	/// Nothing can listen at the address.
	#[error("nothing can listen at {address}: {error}")]
	Listen {
		/// The address.
		address: SocketAddr,
		/// Why.
		#[source]
		error: io::Error,
	},
}

/// A proxy, which serves until it is dropped.
#[derive(Debug)]
pub struct Proxy {
	address: SocketAddr,
	server: JoinHandle<()>,
}

impl Proxy {
	/// Starts a proxy that pays with `payer`.
	///
	/// # Errors
	///
	/// [`ProxyError`] says why it does not start.
	pub async fn start<C: Chain>(payer: Arc<Payer<C>>, settings: ProxySettings) -> Result<Self, ProxyError> {
		let address = settings.address;
		if !address.ip().is_loopback() && !settings.remote {
			return Err(ProxyError::Remote(address));
		}
		let listen = async {
			let listener = TcpListener::bind(address).await?;
			Ok((listener.local_addr()?, listener))
		};
		let (address, listener) = listen.await.map_err(|error| ProxyError::Listen { address, error })?;
		let purse = Purse::new(payer.wallet().clone(), settings.limits);
		let served = Served { payer, purse, address, hosts: settings.hosts, origins: settings.origins };
		Ok(Self { address, server: tokio::spawn(serve(listener, Arc::new(served))) })
	}

	/// Where it listens.
	pub fn address(&self) -> SocketAddr {
		self.address
	}
}

impl Drop for Proxy {
	fn drop(&mut self) {
		self.server.abort();
	}
}

struct Served<C> {
	payer: Arc<Payer<C>>,
	purse: Purse,
	address: SocketAddr,
	hosts: Vec<String>,
	origins: Vec<String>,
}

type Answer = Response<Full<Bytes>>;

async fn serve<C: Chain>(listener: TcpListener, served: Arc<Served<C>>) {
	// They end with this: who holds it aborts them too.
	let mut connections = JoinSet::new();
	loop {
		while connections.try_join_next().is_some() {}
		if connections.len() >= CONNECTIONS {
			connections.join_next().await;
		}
		let stream = match listener.accept().await {
			Ok((stream, _)) => stream,
			Err(error) => {
				// Out of files, perhaps: that passes.
				tracing::warn!(%error, "the proxy cannot take a connection");
				tokio::time::sleep(Duration::from_secs(1)).await;
				continue;
			}
		};
		let served = served.clone();
		connections.spawn(async move {
			let answer = service_fn(move |request| {
				let served = served.clone();
				async move { Ok::<_, Infallible>(served.answer(request).await) }
			});
			let mut server = http1::Builder::new();
			server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(MAX_HEADERS);
			if let Err(error) = server.serve_connection(TokioIo::new(stream), answer).await {
				tracing::debug!(%error, "a connection to the proxy");
			}
		});
	}
}

impl<C: Chain> Served<C> {
	async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Answer {
		let origin = request.headers().get(ORIGIN).cloned();
		let answered = match self.admit(request.headers()) {
			Ok(()) => self.route(request).await,
			Err(problem) => Err(problem),
		};
		let mut answer = answered.unwrap_or_else(|problem| refusal(&problem));
		// A page of another origin gets its refusal too, but cannot read it.
		if let Some(origin) = origin.filter(|origin| self.allows(origin)) {
			answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
			answer.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
		}
		answer
	}

	fn allows(&self, origin: &HeaderValue) -> bool {
		self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
	}

	/// Refuses browsers that were sent here by somebody else's page.
	fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
		let forbidden = |why: &str| Err(Problem::new(ProblemKind::Forbidden, why));
		let mut hosts = headers.get_all(HOST).iter();
		let host = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
		if !host.is_some_and(|host| self.is_host(host)) {
			return forbidden("the proxy is not reached under this name");
		}
		match headers.get(ORIGIN) {
			Some(origin) if self.allows(origin) => Ok(()),
			Some(_) => forbidden("pages of this origin may not ask"),
			None => match headers.get(FETCH_SITE).map(HeaderValue::as_bytes) {
				None | Some(b"none" | b"same-origin") => Ok(()),
				Some(_) => forbidden("pages of other sites may not ask"),
			},
		}
	}

	fn is_host(&self, host: &str) -> bool {
		// What follows the last colon is a port, unless that is within the brackets of an address.
		let name = match host.rsplit_once(':') {
			Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
			_ => host,
		};
		let ip = self.address.ip();
		let own = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
		let mut names =
			LOCAL.iter().copied().chain([own.as_str()]).chain(self.hosts.iter().map(String::as_str));
		names.any(|known| known.eq_ignore_ascii_case(name))
	}

	async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Result<Answer, Problem> {
		let method = request.method().clone();
		match request.uri().path() {
			INFER_PATH | MODELS_PATH if method == Method::OPTIONS => Ok(preflight()),
			INFER_PATH if method == Method::POST => self.infer(request).await,
			MODELS_PATH if method == Method::GET => self.models().await,
			INFER_PATH | MODELS_PATH => Err(Problem::new(
				ProblemKind::MethodNotAllowed,
				format!("{method} is not a method of this path"),
			)),
			_ => Err(Problem::new(ProblemKind::NotFound, "there are /v1/infer and /v1/models")),
		}
	}

	async fn models(&self) -> Result<Answer, Problem> {
		let providers = self.payer.models().await.map_err(|error| problem(&error))?;
		json(&serde_json::json!({ "providers": providers }))
	}

	async fn infer(self: &Arc<Self>, request: Request<Incoming>) -> Result<Answer, Problem> {
		let headers = request.headers();
		let malformed = |why: &str| Problem::new(ProblemKind::Malformed, why);
		if [PAYMENT, PAYMENT_SIGNATURE, AUTHORIZATION.as_str()].iter().any(|name| headers.contains_key(*name))
		{
			return Err(malformed("the proxy pays: leave the payment out"));
		}
		// A page of the web can send any other type without asking first.
		let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
		if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON)) {
			return Err(Problem::new(ProblemKind::UnsupportedMedia, "the body has to be application/json"));
		}
		let name = match headers.get(IDEMPOTENCY_KEY).map(|name| name.to_str()) {
			None => None,
			Some(Ok(name)) if is_idempotency_key(name) => Some(name.to_owned()),
			Some(_) => return Err(malformed("an Idempotency-Key has 1 to 64 visible characters")),
		};
		let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
		let body = timeout(PATIENCE, body).await;
		let body = body.map_err(|_| Problem::new(ProblemKind::TooSlow, "the body did not arrive in time"))?;
		let body = body.map_err(|error| {
			if error.is::<LengthLimitError>() {
				return Problem::new(
					ProblemKind::TooLarge,
					format!("a request has at most {MAX_REQUEST} bytes"),
				);
			}
			malformed("the body broke off")
		})?;
		let request: InferRequest =
			serde_json::from_slice(&body.to_bytes()).map_err(|error| malformed(&error.to_string()))?;
		// A client that leaves does not cut off what was paid for.
		let payer = self.clone();
		let paid = tokio::spawn(async move { payer.pay(request, name).await });
		let paid = paid.await.map_err(|_| Problem::new(ProblemKind::Unavailable, "the proxy is ending"))?;
		json(&paid?.answer)
	}

	/// Pays for a request, within the limits.
	async fn pay(&self, request: InferRequest, name: Option<String>) -> Result<Paid, Problem> {
		let InferRequest { model, inputs } = request;
		let reserved = self.purse.reserve().await?;
		let question = Question { model, inputs, limit: reserved.amount(), provider: None, name };
		let paid = self.payer.infer(&question).await;
		let spent = match &paid {
			// An earlier request's reservation covers it.
			Ok(paid) if paid.again => 0,
			Ok(paid) => paid.answer.receipt.price,
			Err(PayError::Unanswered { price, .. }) => *price,
			// The provider can claim what it was promised.
			Err(PayError::Wrong { .. } | PayError::Wallet(_)) => reserved.amount(),
			Err(_) => 0,
		};
		if let Err(error) = self.purse.settle(reserved, spent).await {
			tracing::warn!(%error, "what was reserved for a request counts as spent");
		}
		paid.map_err(|error| problem(&error))
	}
}

/// What a client is told of an error.
fn problem(error: &PayError) -> Problem {
	let kind = match error {
		PayError::Refused(refusal) if refusal.is_about_input() => {
			return Problem { status: refusal.status, ..refusal.problem.clone() };
		}
		PayError::UnknownModel | PayError::NoOffer => ProblemKind::UnknownModel,
		PayError::NoInputs | PayError::InputLength { .. } => ProblemKind::Unfit,
		PayError::Unwritable(_) => ProblemKind::Malformed,
		PayError::TooLarge(_) => ProblemKind::TooLarge,
		PayError::NameUsed(_) => ProblemKind::KeyReused,
		error if is_too_dear(error) => ProblemKind::SpendingLimit,
		PayError::Nobody(failures) if failures.iter().all(|(_, error)| is_too_dear(error)) => {
			ProblemKind::SpendingLimit
		}
		PayError::Wrong { .. } => ProblemKind::BadAnswer,
		PayError::Unanswered { .. } => ProblemKind::Unanswered,
		_ => ProblemKind::Unavailable,
	};
	Problem::new(kind, error.to_string())
}

fn is_too_dear(error: &PayError) -> bool {
	matches!(error, PayError::TooDear { .. } | PayError::Deposit { .. })
}

impl From<WalletError> for Problem {
	fn from(error: WalletError) -> Self {
		Self::new(ProblemKind::Unavailable, error.to_string())
	}
}

fn json(value: &impl serde::Serialize) -> Result<Answer, Problem> {
	let text = serde_json::to_vec(value);
	let text = text.map_err(|error| Problem::new(ProblemKind::Unavailable, error.to_string()))?;
	let mut answer = Response::new(Full::from(text));
	answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
	Ok(answer)
}

fn refusal(problem: &Problem) -> Answer {
	let mut answer = Response::new(Full::from(serde_json::to_vec(problem).unwrap_or_default()));
	*answer.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
	answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
	answer
}

fn preflight() -> Answer {
	let mut answer = Response::new(Full::default());
	*answer.status_mut() = StatusCode::NO_CONTENT;
	let headers = answer.headers_mut();
	headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
	headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, idempotency-key"));
	answer
}
