//! A provider that answers as it should, unless it is told to do otherwise.

use crate::fake_chain::{FACTS, FakeChain, GENESIS, GRACE, MODEL, RECEIPTS};
use axum::{
	Router,
	body::{Body, Bytes},
	extract::{Path, State as Shared},
	http::{HeaderMap, StatusCode, header},
	response::Response,
	routing::{get, post},
};
use futures::stream;
use oda_client::Key;
use oda_evaluator::graph::DType;
use oda_inference::{
	Offer,
	api::{
		Accepted, Answer, ChannelState, Charged, CloseAnswer, Extra, IDEMPOTENCY_KEY, InferAnswer,
		InferRequest, Input, JSON, Limits, Models, PAYMENT_REQUIRED, PROBLEM_JSON, PaymentPayload,
		PaymentRequired, Problem, ProblemKind, Quote, QuoteRequest, Resource, ServedModel, Signature,
		SignedClosing, SignedVoucher, Tensor, Terms,
	},
};
use oda_primitives::{
	BlobRef, Receipt, VersionId,
	inference::{Payment, Price, request_hash},
};
use std::{
	collections::{BTreeMap, VecDeque},
	sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, task::JoinHandle};

pub const PRICE: u128 = 100;
pub const TERMS: Terms = Terms { grace: GRACE, answer: 10 };

/// What a provider does with one request.
pub enum Act {
	/// Changes the answer before it signs the receipt.
	Before(fn(&mut InferAnswer)),
	/// Changes the answer after it has signed the receipt.
	After(fn(&mut InferAnswer)),
	/// Signs for another chain.
	OtherChain,
	/// Answers, and the connection breaks.
	Lost,
	/// Answers, and says nothing for ever.
	Silent,
	/// Answers, and goes on talking for ever.
	Endless,
	/// Answers, with a header of 1 MiB.
	HugeHeader,
	/// Answers, but with a page for people.
	Html,
	/// Gives the same receipt as for the request before.
	OldReceipt,
	/// Refuses.
	Refuse(ProblemKind),
	/// Refuses, but nobody knows why.
	Status(u16),
	/// Sends elsewhere.
	Redirect(String),
	/// Takes the voucher, says that it is paid, and asks for more.
	Withhold,
	/// Says of the channel what it is told to.
	Claim(fn(&mut Charged)),
}

pub struct State {
	chain: FakeChain,
	key: Key,
	pub acts: VecDeque<Act>,
	/// Requests to infer that have arrived, with whatever was paid.
	pub seen: Vec<SignedVoucher>,
	/// The nonces that were served, each once.
	pub served: Vec<u64>,
	pub spent: u128,
	pub last: Option<SignedVoucher>,
	/// What was asked with which voucher and key, and the answer.
	pub answers: BTreeMap<u64, (SignedVoucher, String, Bytes, Vec<u8>)>,
	pub version: VersionId,
	/// The version that it says it would answer with.
	pub quoted: Option<VersionId>,
	pub price: Price,
	pub serves: bool,
	pub agrees: bool,
	pub account: oda_client::AccountId,
	/// Seconds after which it wants to be asked again.
	pub retry_after: u64,
}

#[derive(Clone)]
pub struct FakeProvider {
	state: Arc<Mutex<State>>,
	endpoint: String,
	server: Arc<JoinHandle<()>>,
}

impl FakeProvider {
	/// Starts one and makes its offer: `PRICE` for a request, and `per_mmac` more for each input.
	pub async fn start(chain: &FakeChain, name: &str, per_mmac: u128) -> Self {
		let key = Key::from_uri(name).unwrap();
		let price = Price { per_request: PRICE, per_mmac };
		let state = State {
			chain: chain.clone(),
			account: key.account(),
			key: key.clone(),
			acts: VecDeque::new(),
			seen: Vec::new(),
			served: Vec::new(),
			spent: 0,
			last: None,
			answers: BTreeMap::new(),
			version: 0,
			quoted: None,
			price,
			serves: true,
			agrees: true,
			retry_after: 0,
		};
		let state = Arc::new(Mutex::new(state));
		let router = Router::new()
			.route("/v1/models", get(models))
			.route("/v1/quote", post(quote))
			.route("/v1/infer", post(infer))
			.route("/v1/channels/{id}", get(channel))
			.route("/v1/channels/{id}/receipts/{nonce}", get(receipt))
			.route("/v1/channels/{id}/close", post(close))
			.with_state(state.clone());
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let endpoint = format!("http://{}", listener.local_addr().unwrap());
		let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
		let offer = Offer {
			provider: key.account(),
			endpoint: endpoint.clone(),
			receipt_key: key.account(),
			model: MODEL,
			price,
			terms: TERMS,
			max_count: 4,
		};
		chain.state().offers.push(offer);
		Self { state, endpoint, server: Arc::new(server) }
	}

	pub fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap()
	}

	/// What it does with the next requests.
	pub fn will(&self, acts: impl IntoIterator<Item = Act>) {
		self.state().acts.extend(acts);
	}

	pub fn endpoint(&self) -> &str {
		&self.endpoint
	}

	pub fn account(&self) -> oda_client::AccountId {
		self.state().key.account()
	}

	/// Goes away for good.
	pub fn stop(&self) {
		self.server.abort();
	}
}

type S = Shared<Arc<Mutex<State>>>;

fn body(status: u16, media: &str, body: impl Into<Body>) -> Response {
	Response::builder().status(status).header(header::CONTENT_TYPE, media).body(body.into()).unwrap()
}

fn json(value: &impl serde::Serialize) -> Response {
	body(200, JSON, serde_json::to_vec(value).unwrap())
}

fn problem(kind: ProblemKind) -> Response {
	body(kind.status(), PROBLEM_JSON, serde_json::to_vec(&Problem::new(kind, "so")).unwrap())
}

fn refused(kind: ProblemKind, after: u64) -> Response {
	let mut response = problem(kind);
	response.headers_mut().insert(header::RETRY_AFTER, after.into());
	response
}

async fn models(Shared(state): S) -> Response {
	let state = state.lock().unwrap();
	let tensor = |bytes| Tensor { dtype: DType::U8, shape: vec![bytes as u32], bytes };
	let served = ServedModel {
		model: MODEL,
		version: state.version,
		weights: state.chain.state().weights[&state.version],
		score: 1,
		price: state.price,
		macs: FACTS.macs,
		inputs: vec![tensor(FACTS.input)],
		outputs: vec![tensor(FACTS.output)],
		card: None,
		limits: Limits { max_count: 4, max_body: 1 << 20 },
	};
	json(&Models {
		genesis: GENESIS,
		provider: state.account,
		receipt_key: state.key.account(),
		terms: TERMS,
		models: if state.serves { vec![served] } else { Vec::new() },
	})
}

async fn quote(Shared(state): S, asked: Bytes) -> Response {
	let asked: QuoteRequest = serde_json::from_slice(&asked).unwrap();
	let state = state.lock().unwrap();
	let version = state.quoted.unwrap_or(state.version);
	json(&Quote { model: asked.model, version, price: state.price.of(FACTS.macs, asked.count) })
}

/// What is to be paid, with what it knows of the channel.
fn payment_required(state: &State, kind: ProblemKind, charged: Option<Charged>) -> Response {
	let extra = Extra {
		genesis: GENESIS,
		model: MODEL,
		version: state.version,
		price: state.price,
		receipt_key: state.key.account(),
		terms: TERMS,
		channel: charged,
	};
	let accepted = Accepted::new(state.price.of(FACTS.macs, 1), state.key.account(), 60, extra);
	let resource = Resource { url: String::new(), description: String::new(), mime_type: JSON.to_owned() };
	let required = PaymentRequired::new("pay", resource, accepted.clone());
	let mut response = problem(kind);
	response.headers_mut().insert(PAYMENT_REQUIRED, required.to_header().parse().unwrap());
	let challenge = accepted.to_www_authenticate("here").parse().unwrap();
	response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
	response
}

fn charged(state: &State, id: u64) -> Charged {
	let nonce = state.last.map_or(0, |last| last.voucher.nonce);
	Charged { id, spent: state.spent, nonce, last: state.last }
}

/// What the played model makes of an input.
pub fn encoded(input: &Input) -> Vec<u8> {
	let bytes = match input {
		Input::Tensor(bytes) | Input::Png(bytes) | Input::Bytes(bytes) => bytes.clone(),
		Input::Numbers(numbers) => numbers.iter().map(|number| *number as u8).collect(),
	};
	let mut bytes = bytes;
	bytes.resize(FACTS.input as usize, 0);
	bytes
}

pub fn output(input: &[u8]) -> Vec<u8> {
	vec![input.iter().fold(0, |sum, byte| sum ^ byte), input[0]]
}

fn made(
	state: &State,
	paid: &SignedVoucher,
	request: &InferRequest,
	price: u128,
	act: &Option<Act>,
) -> InferAnswer {
	let inputs: Vec<Vec<u8>> = request.inputs.iter().map(encoded).collect();
	let outputs: Vec<Vec<u8>> = inputs.iter().map(|input| output(input)).collect();
	let input = inputs.concat();
	let (root, count) = (BlobRef::of(&input).root, inputs.len() as u32);
	let (weights, tick) = {
		let chain = state.chain.state();
		(chain.weights[&state.version], chain.tick)
	};
	let receipt = Receipt {
		payment: Payment::Channel(paid.voucher.channel),
		request: request_hash(&request.model, &root, count),
		weights,
		input: root,
		output: BlobRef::of(&outputs.concat()).root,
		count,
		price,
		nonce: paid.voucher.nonce,
		expires: tick + RECEIPTS,
	};
	let answers = outputs.into_iter().map(|output| Answer { output, class: None, label: None, scores: None });
	let signature = Signature::Sr25519([0; 64]);
	let (model, version) = (request.model, state.version);
	let mut answer = InferAnswer { model, version, answers: answers.collect(), receipt, signature, input };
	if let Some(Act::Before(change)) = act {
		change(&mut answer);
	}
	let chain = if matches!(act, Some(Act::OtherChain)) { [8; 32] } else { GENESIS };
	answer.signature = Signature::of(&answer.receipt.message(&chain), &state.key);
	if let Some(Act::After(change)) = act {
		change(&mut answer);
	}
	answer
}

async fn infer(Shared(state): S, headers: HeaderMap, asked: Bytes) -> Response {
	let mut state = state.lock().unwrap();
	let Some(PaymentPayload { voucher: paid, .. }) = PaymentPayload::from_headers(&headers).unwrap() else {
		return payment_required(&state, ProblemKind::PaymentRequired, None);
	};
	state.seen.push(paid);
	let key = headers[IDEMPOTENCY_KEY].to_str().unwrap().to_owned();
	let act = state.acts.pop_front();
	let id = paid.voucher.channel;
	match &act {
		Some(Act::Refuse(kind)) => return refused(*kind, state.retry_after),
		Some(Act::Status(status)) => return body(*status, "text/plain", "no"),
		Some(Act::Redirect(to)) => {
			let mut response = body(307, "text/plain", "there");
			response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
			return response;
		}
		Some(Act::Withhold) => {
			state.spent += PRICE;
			state.last = Some(paid);
			return payment_required(&state, ProblemKind::VoucherTooLow, Some(charged(&state, id)));
		}
		Some(Act::Claim(change)) => {
			let mut charged = charged(&state, id);
			change(&mut charged);
			return payment_required(&state, ProblemKind::VoucherTooLow, Some(charged));
		}
		_ => {}
	}
	let known = state.answers.get(&paid.voucher.nonce).filter(|(known, ..)| *known == paid).cloned();
	let bytes = match known {
		Some((_, known, body, bytes)) => {
			if known != key || body != asked {
				return problem(ProblemKind::KeyReused);
			}
			bytes
		}
		None => {
			let channel = state.chain.state().channels.get(&id).copied();
			let Some(channel) = channel else { return problem(ProblemKind::UnknownChannel) };
			if !paid.is_by(&channel.key, &GENESIS) {
				return problem(ProblemKind::VoucherForged);
			}
			let Ok(request) = serde_json::from_slice::<InferRequest>(&asked) else {
				return problem(ProblemKind::Malformed);
			};
			let price = channel.price.of(FACTS.macs, request.inputs.len() as u32);
			let stale = state.last.is_some_and(|last| paid.voucher.nonce <= last.voucher.nonce);
			if stale {
				return payment_required(&state, ProblemKind::NonceUsed, Some(charged(&state, id)));
			}
			if paid.voucher.amount < state.spent + price || paid.voucher.version != state.version {
				return payment_required(&state, ProblemKind::VoucherTooLow, Some(charged(&state, id)));
			}
			if paid.voucher.amount > channel.deposit {
				return payment_required(&state, ProblemKind::DepositTooLow, Some(charged(&state, id)));
			}
			let mut answer = made(&state, &paid, &request, price, &act);
			state.spent += answer.receipt.price;
			if matches!(act, Some(Act::OldReceipt)) {
				let (.., bytes) = state.answers.values().next_back().unwrap();
				let old: InferAnswer = serde_json::from_slice(bytes).unwrap();
				(answer.receipt, answer.signature) = (old.receipt, old.signature);
			}
			let bytes = serde_json::to_vec(&answer).unwrap();
			state.last = Some(paid);
			state.served.push(paid.voucher.nonce);
			state.answers.insert(paid.voucher.nonce, (paid, key, asked, bytes.clone()));
			bytes
		}
	};
	let start = Ok::<_, std::io::Error>(Bytes::from_static(b"{"));
	match act {
		Some(Act::Lost) => {
			let broken = stream::iter([start, Err(std::io::ErrorKind::BrokenPipe.into())]);
			body(200, JSON, Body::from_stream(broken))
		}
		Some(Act::Silent) => {
			let silent = futures::StreamExt::chain(stream::iter([start]), stream::pending());
			body(200, JSON, Body::from_stream(silent))
		}
		Some(Act::Endless) => {
			let chunk = Bytes::from(vec![b' '; 1 << 20]);
			body(
				200,
				JSON,
				Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()))),
			)
		}
		Some(Act::HugeHeader) => {
			let mut response = body(200, JSON, bytes);
			response.headers_mut().insert("x-huge", "a".repeat(1 << 20).parse().unwrap());
			response
		}
		Some(Act::Html) => body(200, "text/html", "<p>Please log in to this network.</p>"),
		_ => body(200, JSON, bytes),
	}
}

async fn channel(Shared(state): S, Path(channel): Path<u64>) -> Response {
	let state = state.lock().unwrap();
	let Charged { spent, nonce, last, .. } = charged(&state, channel);
	json(&ChannelState { channel, spent, last, nonce })
}

async fn receipt(Shared(state): S, Path((_, nonce)): Path<(u64, u64)>, headers: HeaderMap) -> Response {
	let state = state.lock().unwrap();
	let key = headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
	match state.answers.get(&nonce).filter(|(_, known, ..)| Some(known.as_str()) == key) {
		Some((.., bytes)) => body(200, JSON, bytes.clone()),
		None => problem(ProblemKind::UnknownReceipt),
	}
}

async fn close(Shared(state): S, asked: Bytes) -> Response {
	let closing: SignedClosing = serde_json::from_slice(&asked).unwrap();
	let state = state.lock().unwrap();
	if !state.agrees || closing.closing.amount < state.spent {
		return problem(ProblemKind::ClosingTooLow);
	}
	json(&CloseAnswer { signature: Signature::of(&closing.closing.message(&GENESIS), &state.key) })
}

/// A server that counts who comes.
pub async fn trap() -> (String, Arc<Mutex<usize>>) {
	let seen = Arc::new(Mutex::new(0));
	let counted = seen.clone();
	let router = Router::new().fallback(move || async move {
		*counted.lock().unwrap() += 1;
		StatusCode::OK
	});
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	let url = format!("http://{}/v1/infer", listener.local_addr().unwrap());
	tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
	(url, seen)
}
