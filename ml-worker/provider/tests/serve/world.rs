//! What the tests are played in: a chain, an engine that can be stopped, a provider, and users.

use http_body_util::{BodyExt, Full};
use hyper::{
	Method, Request, Response, StatusCode,
	body::{Body, Bytes, Incoming},
	header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use oda_client::{AccountId, Key};
use oda_evaluator::{
	Graph,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
};
use oda_inference::api::{
	ChannelState as Known, IDEMPOTENCY_KEY, INFER_PATH, InferAnswer, InferRequest, Input, JSON, PAYMENT,
	PROBLEM_JSON, PaymentRequired, Problem, ProblemKind, SignedVoucher, Terms,
};
use oda_primitives::{ChannelId, ModelId, VersionId, Voucher, inference::Price};
use oda_provider::{
	Away, Chain, Config, Engine, Handle, Limits, Loaded, RunError, Server, Times,
	chain::{Channel, ChannelState, Head, Model, Offer, Reply},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
	collections::HashMap,
	error::Error,
	net::{Ipv4Addr, SocketAddr},
	path::Path,
	sync::{
		Arc, Condvar, Mutex, MutexGuard,
		atomic::{AtomicUsize, Ordering},
	},
	time::{Duration, SystemTime},
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

pub(crate) const GENESIS: [u8; 32] = [7; 32];
pub(crate) const MODEL: ModelId = [1; 32];
pub(crate) const WEIGHTS: [u8; 32] = [9; 32];
pub(crate) const CHANNEL: ChannelId = 3;
/// What a request of one input costs, in planck: 10 of it per request, and 2 multiply-accumulates.
pub(crate) const PRICE: u128 = 11;
pub(crate) const DEPOSIT: u128 = 1_000;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap()
}

/// Two numbers to one: 3·a − 2·b + 10.
pub(crate) fn graph() -> Graph {
	Graph {
		version: VERSION,
		inputs: vec![TensorType::new(DType::I8, [2])],
		params: vec![
			TensorType::new(DType::I8, [1, 2]),
			TensorType::new(DType::I32, [1]),
			TensorType::new(DType::I32, [1]),
			TensorType::new(DType::U8, [1]),
		],
		nodes: vec![Node {
			op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
			inputs: vec![0],
			output: TensorType::new(DType::I32, [1]),
		}],
		outputs: vec![1],
	}
}

const PARAMETERS: [u8; 11] = [3, 254, 10, 0, 0, 0, 1, 0, 0, 0, 0];

pub(crate) fn user() -> Key {
	Key::from_uri("//Alice").unwrap()
}

pub(crate) fn receipt_key() -> Key {
	Key::from_uri("//Bob").unwrap()
}

pub(crate) const PROVIDER: AccountId = AccountId([5; 32]);

/// What the chain says at its last final block.
#[derive(Clone)]
pub(crate) struct Finalised {
	pub(crate) head: Head,
	pub(crate) offer: Option<Offer>,
	pub(crate) models: HashMap<ModelId, Model>,
	pub(crate) channels: HashMap<ChannelId, Channel>,
	/// Channels of the best block.
	pub(crate) coming: Vec<ChannelId>,
	pub(crate) away: bool,
}

/// A chain that is played: what is final now, and the channels of each block that has been.
pub(crate) struct Played(Mutex<Finalised>, Mutex<HashMap<[u8; 32], HashMap<ChannelId, Channel>>>);

pub(crate) fn channel() -> Channel {
	Channel {
		provider: PROVIDER,
		model: MODEL,
		key: user().account(),
		receipt_key: receipt_key().account(),
		price: price(),
		deposit: DEPOSIT,
		claimed: 0,
		receipts: 100,
		expires_at: 10_000,
		state: ChannelState::Open,
	}
}

fn price() -> Price {
	Price { per_request: 10, per_mmac: 1 }
}

pub(crate) fn model() -> Model {
	Model { graph: Arc::new(graph()), macs: 2, version: 4, weights: WEIGHTS, score: 99, card: None }
}

impl Played {
	fn new() -> Self {
		let offer = Offer {
			provider: PROVIDER,
			endpoint: "https://example.com:8080/".to_owned(),
			key: receipt_key().account(),
			models: vec![(MODEL, price())],
			terms: Terms { grace: 50, answer: 20 },
			max_count: 16,
		};
		let head = Head { hash: [0; 32], number: 1, tick: 100, made: SystemTime::now() };
		let models = HashMap::from([(MODEL, model())]);
		let channels = HashMap::from([(CHANNEL, channel())]);
		let (coming, away, offer) = (Vec::new(), false, Some(offer));
		let past = HashMap::from([(head.hash, channels.clone())]);
		Self(Mutex::new(Finalised { head, offer, models, channels, coming, away }), Mutex::new(past))
	}

	/// Remembers what the last final block is like.
	fn remember(&self, state: &Finalised) {
		lock(&self.1).insert(state.head.hash, state.channels.clone());
	}

	/// Something happens, in a new final block; says its number.
	pub(crate) fn change(&self, change: impl FnOnce(&mut Finalised)) -> u64 {
		let mut state = lock(&self.0);
		change(&mut state);
		state.head.number += 1;
		state.head.tick += 1;
		let name = state.head.number.to_le_bytes();
		state.head.hash[..8].copy_from_slice(&name);
		state.head.made = SystemTime::now();
		self.remember(&state);
		state.head.number
	}

	/// Something that is no new block.
	pub(crate) fn touch(&self, change: impl FnOnce(&mut Finalised)) {
		let mut state = lock(&self.0);
		change(&mut state);
		self.remember(&state);
	}

	fn say<T: Send + 'static>(&self, what: impl FnOnce(&Finalised) -> T) -> Reply<'_, T> {
		let state = lock(&self.0);
		let said = if state.away { Err(Away("so it is played".to_owned())) } else { Ok(what(&state)) };
		Box::pin(async { said })
	}
}

impl Chain for Played {
	fn genesis(&self) -> [u8; 32] {
		GENESIS
	}

	fn head(&self) -> Reply<'_, Head> {
		self.say(|state| state.head)
	}

	fn offer(&self, _: [u8; 32]) -> Reply<'_, Option<Offer>> {
		self.say(|state| state.offer.clone())
	}

	fn model(&self, _: [u8; 32], model: ModelId) -> Reply<'_, Option<Model>> {
		self.say(|state| state.models.get(&model).cloned())
	}

	fn channel(&self, at: [u8; 32], channel: ChannelId) -> Reply<'_, Option<Channel>> {
		self.say(|_| lock(&self.1).get(&at).and_then(|channels| channels.get(&channel).cloned()))
	}

	fn is_coming(&self, channel: ChannelId) -> Reply<'_, bool> {
		self.say(|state| state.coming.contains(&channel))
	}
}

/// What becomes of an evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Mood {
	#[default]
	Works,
	Waits,
	Fails,
	Panics,
}

/// An engine that can be stopped.
#[derive(Default)]
pub(crate) struct Gate {
	pub(crate) loaded: Loaded,
	mood: Mutex<Mood>,
	changed: Condvar,
	/// How many inputs were evaluated, or are about to be.
	pub(crate) seen: AtomicUsize,
}

impl Gate {
	pub(crate) fn set(&self, mood: Mood) {
		*lock(&self.mood) = mood;
		self.changed.notify_all();
	}

	/// Waits until so many inputs have come.
	pub(crate) async fn has_seen(&self, inputs: usize) {
		while self.seen.load(Ordering::Relaxed) < inputs {
			sleep(Duration::from_millis(1)).await;
		}
	}
}

impl Engine for Gate {
	fn is_ready(&self, model: &ModelId, version: VersionId) -> bool {
		self.loaded.is_ready(model, version)
	}

	fn run(&self, model: &ModelId, version: VersionId, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, RunError> {
		self.seen.fetch_add(inputs.len(), Ordering::Relaxed);
		let mood = *self.changed.wait_while(lock(&self.mood), |mood| *mood == Mood::Waits).unwrap();
		match mood {
			Mood::Fails => Err(RunError::Failed("so it is played".to_owned())),
			Mood::Panics => panic!("so it is played"),
			_ => self.loaded.run(model, version, inputs),
		}
	}
}

/// Everything.
pub(crate) struct World {
	pub(crate) chain: Arc<Played>,
	pub(crate) engine: Arc<Gate>,
	pub(crate) folder: TempDir,
	pub(crate) handle: Handle,
}

pub(crate) fn load(engine: &Gate, version: VersionId) {
	let evaluate = oda_engine::Engine::reference(1).load(&graph(), &PARAMETERS).unwrap();
	engine.loaded.insert(MODEL, version, evaluate);
}

pub(crate) fn config(folder: &Path) -> Config {
	let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
	let mut config = Config::new(listen, folder.to_owned(), receipt_key());
	config.times = Times { poll: Duration::from_millis(2), ..Times::default() };
	config.limits = Limits { address: oda_provider::Rate { second: 0, burst: 0 }, ..Limits::default() };
	config
}

impl World {
	pub(crate) async fn new() -> Self {
		Self::with(|_| {}).await
	}

	/// With another configuration.
	pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
		let (chain, engine) = (Arc::new(Played::new()), Arc::new(Gate::default()));
		load(&engine, 4);
		let folder = tempfile::tempdir().unwrap();
		let mut config = config(folder.path());
		change(&mut config);
		let handle = Server::start(config, chain.clone(), engine.clone()).await.unwrap();
		let world = Self { chain, engine, folder, handle };
		world.reaches(1).await;
		world
	}

	/// The same chain and engine with another provider, on a folder.
	pub(crate) async fn again(&self, folder: TempDir) -> Self {
		let (chain, engine) = (self.chain.clone(), self.engine.clone());
		let handle = Server::start(config(folder.path()), chain.clone(), engine.clone()).await.unwrap();
		let world = Self { chain, engine, folder, handle };
		world.reaches(1).await;
		world
	}

	/// Waits until the provider knows a block.
	pub(crate) async fn reaches(&self, number: u64) {
		while self.handle.head().is_none_or(|head| head.number < number) {
			sleep(Duration::from_millis(1)).await;
		}
	}

	/// Something happens on the chain, and the provider knows.
	pub(crate) async fn change(&self, change: impl FnOnce(&mut Finalised)) {
		let number = self.chain.change(change);
		self.reaches(number).await;
	}

	pub(crate) fn address(&self) -> SocketAddr {
		self.handle.address()
	}

	pub(crate) async fn get(&self, path: &str) -> Answered {
		send(self.address(), request(Method::GET, path, &[], Bytes::new())).await
	}

	pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &impl Serialize) -> Answered {
		let body = serde_json::to_vec(body).unwrap();
		send(self.address(), request(Method::POST, path, headers, body.into())).await
	}

	/// Asks the model, paying with a voucher.
	pub(crate) async fn pay(&self, voucher: SignedVoucher, question: &InferRequest) -> Answered {
		self.post(INFER_PATH, &[(PAYMENT, &voucher.to_header())], question).await
	}

	/// Asks the model, paying with a voucher, under a key.
	pub(crate) async fn pay_as(
		&self,
		key: &str,
		voucher: SignedVoucher,
		question: &InferRequest,
	) -> Answered {
		let headers = [(PAYMENT, &*voucher.to_header()), (IDEMPOTENCY_KEY, key)];
		self.post(INFER_PATH, &headers, question).await
	}

	/// What the provider knows of the channel.
	pub(crate) async fn known(&self) -> Known {
		self.get(&format!("/v1/channels/{CHANNEL}")).await.ok()
	}
}

/// A voucher for the first `nonce` requests of one input.
pub(crate) fn voucher(nonce: u64) -> SignedVoucher {
	signed(Voucher { channel: CHANNEL, version: 4, amount: PRICE * u128::from(nonce), nonce })
}

/// The same signature each time, so that vouchers can be compared: those of sr25519 are random.
pub(crate) fn signed(voucher: Voucher) -> SignedVoucher {
	static SIGNED: Mutex<Vec<SignedVoucher>> = Mutex::new(Vec::new());
	let mut known = lock(&SIGNED);
	if let Some(signed) = known.iter().find(|signed| signed.voucher == voucher) {
		return *signed;
	}
	let signed = SignedVoucher::sign(voucher, &user(), &GENESIS);
	known.push(signed);
	signed
}

/// A question with these inputs.
pub(crate) fn question(inputs: &[[f64; 2]]) -> InferRequest {
	let inputs = inputs.iter().map(|numbers| Input::Numbers(numbers.to_vec())).collect();
	InferRequest { model: MODEL, inputs }
}

pub(crate) fn request(
	method: Method,
	path: &str,
	headers: &[(&str, &str)],
	body: Bytes,
) -> Request<Full<Bytes>> {
	let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
	for (name, value) in headers {
		request = request.header(*name, *value);
	}
	if !body.is_empty() && !headers.iter().any(|(name, _)| *name == CONTENT_TYPE.as_str()) {
		request = request.header(CONTENT_TYPE, JSON);
	}
	request.body(Full::new(body)).unwrap()
}

/// Sends a request on a connection of its own, and checks that the answer is one that the description has.
pub(crate) async fn send<B>(address: SocketAddr, request: Request<B>) -> Answered
where
	B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
	let stream = TcpStream::connect(address).await.unwrap();
	let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
	tokio::spawn(connection);
	let (method, path) = (request.method().clone(), request.uri().path().to_owned());
	let reply = Answered::of(sender.send_request(request).await.unwrap()).await;
	reply.is_described(&method, &path);
	reply
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
	pub(crate) status: StatusCode,
	pub(crate) headers: HeaderMap,
	pub(crate) body: Bytes,
}

impl Answered {
	pub(crate) async fn of(response: Response<Incoming>) -> Self {
		let (parts, body) = response.into_parts();
		let body = body.collect().await.unwrap().to_bytes();
		Self { status: parts.status, headers: parts.headers, body }
	}

	pub(crate) fn ok<T: DeserializeOwned>(&self) -> T {
		assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
		assert_eq!(self.headers[CONTENT_TYPE], JSON);
		serde_json::from_slice(&self.body).unwrap()
	}

	pub(crate) fn answer(&self) -> InferAnswer {
		self.ok()
	}

	/// It is a refusal of this kind; says why.
	pub(crate) fn refused(&self, kind: ProblemKind) -> String {
		assert_eq!(self.headers[CONTENT_TYPE], PROBLEM_JSON, "{:?}", self.status);
		let problem: Problem = serde_json::from_slice(&self.body).unwrap();
		assert_eq!(problem.known(), Some(kind), "{problem:?}");
		assert_eq!((self.status.as_u16(), problem.status), (kind.status(), kind.status()));
		problem.detail.unwrap()
	}

	/// What a 402 asks for.
	pub(crate) fn challenge(&self) -> PaymentRequired {
		PaymentRequired::parse(self.headers["payment-required"].to_str().unwrap()).unwrap()
	}

	/// Seconds after which to ask again.
	pub(crate) fn retry_after(&self) -> u64 {
		self.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap()
	}

	fn is_described(&self, method: &Method, path: &str) {
		let parts: Vec<&str> = path.split('/').collect();
		let path = match parts.as_slice() {
			["", "v1", "channels", _] => "/v1/channels/{channel}",
			["", "v1", "channels", _, "receipts", _] => "/v1/channels/{channel}/receipts/{nonce}",
			["", "v1", "channels", _, "close"] => "/v1/channels/{channel}/close",
			_ => path,
		};
		let description: serde_json::Value = serde_json::from_str(oda_provider::description()).unwrap();
		let operation = &description["paths"][path][method.as_str().to_lowercase()];
		if operation.is_object() {
			let response = &operation["responses"][self.status.as_str()];
			assert!(response.is_object(), "{method} {path} says {} without having said so", self.status);
			let media = self.headers.get(CONTENT_TYPE).map(|media| media.to_str().unwrap());
			let described = media.is_none_or(|media| response["content"][media].is_object());
			assert!(described, "{method} {path} {}: {media:?}", self.status);
			let described =
				!self.headers.contains_key(RETRY_AFTER) || response["headers"]["Retry-After"].is_object();
			assert!(
				described,
				"{method} {path} {} says when to ask again without having said so",
				self.status
			);
		}
	}
}
