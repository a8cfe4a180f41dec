//! What becomes of a request, whoever brought it.

use crate::{
	Config,
	chain::{Channel, ChannelState},
	claims::{self, Claim},
	engine::{Engine, RunError},
	inputs,
	ledger::{Account, Asked, Held, Ledger, Promise, Request, Standing, Step},
	metrics::Metrics,
	pace::Pace,
	queue::{Place, Queue},
	refused::Refused,
	under_way::{UnderWay, Waiting},
	view::{Offered, Snapshot, View},
};
use axum::body::Bytes;
use futures::{StreamExt, stream};
use oda_inference::api::{
	self, Accepted, Charged, CloseAnswer, Extra, INFER_PATH, InferAnswer, InferRequest, Models,
	PaymentPayload, PaymentRequired, ProblemKind, Quote, QuoteRequest, Resource, Signature, SignedClosing,
	SignedVoucher,
};
use oda_primitives::{
	ChannelId, ModelId, Payment, Receipt, Tick,
	inference::{Price, request_hash},
};
use std::{sync::Arc, time::Instant};
use tokio::{
	sync::{OwnedSemaphorePermit, RwLock, oneshot, watch},
	task::{JoinError, spawn_blocking},
	time::timeout,
};

/// Seconds for which a price is said to be good: it changes when the offer does, which everybody can see coming.
const PRICE_SECONDS: u64 = 60;

/// Bytes of a request that are read at once, without another thread.
const SMALL: usize = 16 << 10;

/// Channels that are looked at together after a new block.
const TOGETHER: usize = 16;

/// What all parts of a provider share.
pub(crate) struct Provider {
	pub(crate) config: Config,
	pub(crate) view: View,
	pub(crate) ledger: Ledger,
	pub(crate) metrics: Metrics,
	pub(crate) claims: watch::Sender<Vec<Claim>>,
	engine: Arc<dyn Engine>,
	queue: Queue,
	pace: Pace<ChannelId>,
	/// Held by each request that was promised something for, until it is answered.
	promised: Arc<RwLock<()>>,
	/// Whose versions must stay loaded.
	pub(crate) under_way: UnderWay,
}

/// A request for an inference.
pub(crate) struct Ask {
	/// The voucher that came with it.
	pub(crate) paid: Option<PaymentPayload>,
	/// Its `Idempotency-Key`.
	pub(crate) key: Option<String>,
	pub(crate) body: Bytes,
	/// The memory that it takes.
	pub(crate) room: OwnedSemaphorePermit,
}

/// What a request asks, and of whom.
struct Question {
	snapshot: Arc<Snapshot>,
	offered: Arc<Offered>,
	inputs: Vec<api::Input>,
	count: u32,
	asked: Asked,
}

/// A request that is promised a price for.
struct Promised {
	held: Held,
	/// What is still to be written of it.
	promise: Option<Box<Promise>>,
	channel: Arc<Channel>,
	offered: Arc<Offered>,
	voucher: SignedVoucher,
	inputs: Arc<Vec<Vec<u8>>>,
	price: u128,
	place: Place,
	room: OwnedSemaphorePermit,
	waiting: Waiting,
}

impl Provider {
	pub(crate) fn new(config: Config, view: View, ledger: Ledger, engine: Arc<dyn Engine>) -> Self {
		let metrics = Metrics::default();
		Self {
			queue: Queue::new(engine.clone(), config.batching, metrics.clone()),
			pace: Pace::new(config.limits.channel),
			config,
			view,
			ledger,
			metrics,
			claims: watch::Sender::default(),
			engine,
			promised: Arc::default(),
			under_way: UnderWay::default(),
		}
	}

	/// Waits until everything that was promised something for is answered. Nothing new begins from then on.
	pub(crate) async fn finish(&self) {
		drop(self.promised.write().await);
	}

	/// What is answered now.
	pub(crate) fn models(&self) -> Result<Models, Refused> {
		let snapshot = self.view.now()?;
		let offer = snapshot.offer.as_ref();
		let offer = offer
			.ok_or_else(|| Refused::unavailable("the provider offers nothing on the chain").after(30))?;
		let ours = offer.key == self.config.key.account();
		if !ours {
			tracing::error!("the offer on the chain names another receipt key than this provider's");
		}
		let ready = |offered: &&Arc<Offered>| ours && self.is_ready(offered);
		Ok(Models {
			genesis: self.view.genesis,
			provider: offer.provider,
			receipt_key: offer.key,
			terms: offer.terms,
			models: snapshot.models.iter().filter(ready).map(|offered| offered.listed.clone()).collect(),
		})
	}

	fn is_ready(&self, offered: &Offered) -> bool {
		self.engine.is_ready(&offered.id, offered.model.version)
	}

	fn ensure_ready(&self, offered: &Offered) -> Result<(), Refused> {
		if self.is_ready(offered) {
			return Ok(());
		}
		let detail = format!("version {} of this model is being loaded", offered.model.version);
		Err(Refused::unavailable(detail).after(5))
	}

	/// A model that is answered now, and that answers so many inputs at once.
	fn offered(&self, snapshot: &Snapshot, id: &ModelId, count: u32) -> Result<Arc<Offered>, Refused> {
		let unknown = || Refused::new(ProblemKind::UnknownModel, "the provider does not answer this model");
		let offered = snapshot.model(id).ok_or_else(unknown)?;
		self.ensure_ready(offered)?;
		let most = offered.max_count;
		if count == 0 {
			return Err(Refused::unfit("there are no inputs"));
		}
		if count > most {
			return Err(Refused::unfit(format!("at most {most} inputs at once, not {count}")));
		}
		Ok(offered.clone())
	}

	/// What a request would cost in a channel that is opened now.
	pub(crate) fn quote(&self, request: &QuoteRequest) -> Result<Quote, Refused> {
		let snapshot = self.view.now()?;
		let offered = self.offered(&snapshot, &request.model, request.count)?;
		let price = offered.price.of(offered.model.macs, request.count);
		Ok(Quote { model: request.model, version: offered.model.version, price })
	}

	/// What is known of a channel.
	pub(crate) async fn channel(&self, id: ChannelId) -> Result<api::ChannelState, Refused> {
		let account = match self.ledger.account(id)? {
			Some(account) => account,
			None => {
				let (channel, _) = self.own_channel(id).await?;
				Arc::new(Account::new(id, channel.claimed))
			}
		};
		let (spent, last, nonce) = (account.spent(), account.promise.last, account.nonce());
		Ok(api::ChannelState { channel: id, spent, last, nonce })
	}

	/// An answer that was given before, to whoever knows its key.
	pub(crate) async fn receipt(
		&self,
		id: ChannelId,
		nonce: u64,
		key: Option<String>,
	) -> Result<Vec<u8>, Refused> {
		let unknown = || {
			let detail = "only the last answer of a channel is kept, for whoever sends its Idempotency-Key";
			Refused::new(ProblemKind::UnknownReceipt, detail)
		};
		let account = self.ledger.account(id)?.ok_or_else(unknown)?;
		let answered = account.served.last.as_ref().ok_or_else(unknown)?;
		if answered.voucher.nonce != nonce || key.is_none() || answered.asked.key != key {
			return Err(unknown());
		}
		self.ledger.answer(id, answered).await?.ok_or_else(unknown)
	}

	/// A channel of this provider.
	async fn own_channel(&self, id: ChannelId) -> Result<(Arc<Channel>, Arc<Snapshot>), Refused> {
		let snapshot = self.view.now()?;
		let channel = self.known_channel(&snapshot, id).await?;
		let ours = snapshot.offer.as_ref().is_none_or(|offer| offer.provider == channel.provider);
		if !ours {
			return Err(Refused::new(ProblemKind::UnknownChannel, "this channel is another provider's"));
		}
		Ok((channel, snapshot))
	}

	async fn known_channel(&self, snapshot: &Snapshot, id: ChannelId) -> Result<Arc<Channel>, Refused> {
		if let Some(channel) = self.view.channel(snapshot, id).await? {
			return Ok(channel);
		}
		if self.view.is_coming(id).await? {
			return Err(Refused::not_final());
		}
		Err(Refused::new(ProblemKind::UnknownChannel, format!("the chain has no channel {id}")))
	}

	/// Agrees to close a channel, if that gives the provider what it is owed.
	pub(crate) async fn close(&self, id: ChannelId, signed: SignedClosing) -> Result<CloseAnswer, Refused> {
		let closing = signed.closing;
		let (channel, snapshot) = self.own_channel(id).await?;
		if matches!(channel.state, ChannelState::Closed { .. }) {
			return Err(Refused::new(ProblemKind::UnknownChannel, "this channel is closed already"));
		}
		if closing.channel != id {
			return Err(Refused::malformed(format!("this closing is of channel {}", closing.channel)));
		}
		if !signed.is_by(&channel.key, &self.view.genesis) {
			return Err(self.forged("closing", &channel));
		}
		if channel.receipt_key != self.config.key.account() {
			return Err(Refused::unavailable("the provider does not have this channel's key any more"));
		}
		let tick = snapshot.head.tick;
		if closing.expires <= tick {
			let detail =
				format!("this closing expires at tick {}, which is over: it is {tick}", closing.expires);
			return Err(Refused::malformed(detail));
		}
		let held = self.ledger.hold(id, channel.claimed)?.ok_or_else(Refused::busy)?;
		let promise = held.account().agreed(&closing, &self.standing(&channel, tick)).map_err(|refusal| {
			let refused = Refused::from(refusal);
			match refused.kind {
				ProblemKind::VoucherTooLow => Refused::new(ProblemKind::ClosingTooLow, refused.detail),
				_ => refused,
			}
		})?;
		// From now on nothing is served: then it can be signed.
		held.promise(promise).await?;
		let message = closing.message(&self.view.genesis);
		Ok(CloseAnswer { signature: Signature::of(&message, &self.config.key) })
	}

	/// What is said of a signature that is not the channel's user's. It names neither its key nor its chain, so that nobody
	/// can tell which of the two is another one: whoever signed it is told both.
	fn forged(&self, what: &str, channel: &Channel) -> Refused {
		let (key, genesis) = (&channel.key, hex::encode(self.view.genesis));
		let detail = format!(
			"another key signed this {what}, or it was signed for another chain: it takes {key}, the channel's voucher \
			 key, on the chain whose genesis is 0x{genesis}"
		);
		Refused::new(ProblemKind::VoucherForged, detail)
	}

	fn standing(&self, channel: &Channel, tick: Tick) -> Standing {
		Standing { deposit: channel.deposit, claimed: channel.claimed, tick, credit: self.config.credit }
	}

	/// The answer to a question that is paid for: the bytes of an [`InferAnswer`].
	pub(crate) async fn infer(self: &Arc<Self>, ask: Ask) -> Result<Vec<u8>, Refused> {
		let snapshot = self.view.now()?;
		let (body, key) = (ask.body, ask.key);
		let parsed = aside(body.len(), move || {
			let asked = Asked { key, digest: *blake3::hash(&body).as_bytes() };
			serde_json::from_slice::<InferRequest>(&body).map(|request| (request, asked))
		});
		let parsed = parsed.await.map_err(|_| Refused::unavailable("reading the request failed"))?;
		let (request, asked) = parsed.map_err(Refused::malformed)?;
		let count = u32::try_from(request.inputs.len()).unwrap_or(u32::MAX);
		let offered = self.offered(&snapshot, &request.model, count)?;
		let question = Question { snapshot, offered, inputs: request.inputs, count, asked };
		let Some(PaymentPayload { voucher, network }) = ask.paid else {
			let refused = Refused::new(ProblemKind::PaymentRequired, "no voucher came with the request");
			return Err(self.challenge(&question, None, refused));
		};
		if network.is_some_and(|network| network != api::network(&self.view.genesis)) {
			let ours = api::network(&self.view.genesis);
			let detail = format!("this payment is for another chain: here it is {ours}");
			return Err(self.challenge(&question, None, Refused::new(ProblemKind::OtherChain, detail)));
		}
		self.paid(question, voucher, ask.room).await
	}

	async fn paid(
		self: &Arc<Self>,
		question: Question,
		voucher: SignedVoucher,
		room: OwnedSemaphorePermit,
	) -> Result<Vec<u8>, Refused> {
		let id = voucher.voucher.channel;
		let channel = self.known_channel(&question.snapshot, id).await?;
		let corrected = |refused: Refused| self.challenge(&question, Some((id, &channel)), refused);
		let unusable = |detail: &str| Refused::new(ProblemKind::ChannelUnusable, detail);
		if question.snapshot.offer.as_ref().is_none_or(|offer| offer.provider != channel.provider) {
			return Err(self.challenge(&question, None, unusable("this channel is another provider's")));
		}
		if !voucher.is_by(&channel.key, &self.view.genesis) {
			return Err(corrected(self.forged("voucher", &channel)));
		}
		// Only now: nobody else may use up what a channel may ask.
		self.pace.take(id, Instant::now()).map_err(|wait| {
			Refused::new(ProblemKind::TooMany, "too many requests of this channel").in_time(wait)
		})?;
		// What was paid for is given again, whatever has become of the channel.
		if let Some(account) = self.ledger.account(id)?
			&& account
				.is_answered(&voucher.voucher, &question.asked)
				.map_err(Refused::from)
				.map_err(corrected)?
			&& let Some(answered) = &account.served.last
			&& let Some(answer) = self.ledger.answer(id, answered).await?
		{
			return Ok(answer);
		}
		self.check_channel(&channel, &question).map_err(|detail| corrected(unusable(&detail)))?;
		let (version, offered) = (voucher.voucher.version, &question.offered);
		if version != offered.model.version {
			let detail =
				format!("the voucher is for version {version}; version {} answers", offered.model.version);
			return Err(corrected(Refused::new(ProblemKind::VoucherTooLow, detail)));
		}
		// From here on the version stays loaded.
		let waiting = self.under_way.begin((offered.id, version));
		self.ensure_ready(offered)?;
		let held = self.ledger.hold(id, channel.claimed)?.ok_or_else(Refused::busy)?;
		let price = channel.price.of(offered.model.macs, question.count);
		let request = Request { voucher: &voucher, asked: &question.asked, price };
		let standing = self.standing(&channel, question.snapshot.head.tick);
		let step = held.account().ask(&request, &standing).map_err(Refused::from).map_err(corrected)?;
		// Everything that could refuse it comes before the promise is taken.
		let place = self.queue.place().ok_or_else(|| Refused::unavailable("too many requests wait"))?;
		let inputs = canonical(question.offered.clone(), question.inputs).await?;
		let promise = match step {
			// It was answered since it was looked at.
			Step::Replay => return Err(Refused::busy()),
			Step::Resume => None,
			Step::Serve(promise) => Some(promise),
		};
		let (offered, inputs) = (question.offered, Arc::new(inputs));
		let promised =
			Promised { held, promise, channel, offered, voucher, inputs, price, place, room, waiting };
		self.promised(promised).await
	}

	/// Whether a channel can pay for a question now; why not.
	fn check_channel(&self, channel: &Channel, question: &Question) -> Result<(), String> {
		if channel.model != question.offered.id {
			return Err("this channel is for another model".to_owned());
		}
		if channel.receipt_key != self.config.key.account() {
			return Err("the provider does not have this channel's receipt key any more".to_owned());
		}
		match channel.state {
			ChannelState::Open => {}
			ChannelState::Closing { at } => return Err(format!("this channel is closing, at tick {at}")),
			ChannelState::Closed { .. } => return Err("this channel is closed".to_owned()),
		}
		let last = self.config.claims.last_call(channel);
		if question.snapshot.head.tick >= last {
			let expires = channel.expires_at;
			return Err(format!(
				"this channel expires at tick {expires}, and is not served from tick {last} on"
			));
		}
		Ok(())
	}

	/// Answers what is promised a price for, whether or not somebody waits for it.
	async fn promised(self: &Arc<Self>, promised: Promised) -> Result<Vec<u8>, Refused> {
		let (reply, answer) = oneshot::channel();
		let provider = self.clone();
		let busy = self.promised.clone().read_owned().await;
		tokio::spawn(async move {
			let answer = provider.serve(promised).await;
			// Who asked may be gone, and come again.
			drop(reply.send(answer));
			drop(busy);
		});
		match timeout(self.config.times.answer, answer).await {
			Ok(Ok(answer)) => answer,
			Ok(Err(_)) => Err(Refused::unavailable("the work failed; nothing was charged")),
			Err(_) => {
				let detail =
					"this is still worked on: ask again with the same voucher, it costs nothing more";
				Err(Refused::unavailable(detail))
			}
		}
	}

	async fn serve(&self, promised: Promised) -> Result<Vec<u8>, Refused> {
		let Promised { held, promise, channel, offered, voucher, inputs, price, place, room, waiting } =
			promised;
		let keep = async {
			let Some(promise) = promise else { return Ok(()) };
			held.promise(*promise).await.inspect(|()| self.metrics.voucher())
		};
		let key = (offered.id, offered.model.version);
		// What is evaluated is worth nothing to anybody until the promise is on disk: they need not wait for each other.
		let (kept, outputs) = tokio::join!(keep, self.queue.run(key, place, inputs.clone()));
		drop(waiting);
		kept?;
		let outputs = outputs?;
		let length = offered.model.graph.output_bytes();
		if outputs.iter().any(|output| u64::try_from(output.len()) != Ok(length)) {
			return Err(RunError::Inconsistent.into());
		}
		let tick = self.view.head().map_or(0, |head| head.tick);
		let expires = tick.saturating_add(channel.receipts).saturating_add(self.config.receipt_slack);
		let (genesis, signer) = (self.view.genesis, self.config.key.clone());
		let served = held.account().finished(price, expires);
		let served = served.ok_or_else(|| Refused::unavailable("this was answered already"))?;
		let answer = move || {
			let answer = answer(&offered, &voucher, &inputs, outputs, price, expires, &genesis, &signer);
			drop(room);
			serde_json::to_vec(&answer)
		};
		let answer = held.serve(served, answer).await?;
		self.metrics.spent(price);
		Ok(answer)
	}

	/// Adds to a refusal what would be accepted.
	fn challenge(
		&self,
		question: &Question,
		channel: Option<(ChannelId, &Channel)>,
		refused: Refused,
	) -> Refused {
		let Some(offer) = &question.snapshot.offer else { return refused };
		let offered = &question.offered;
		let price: Price = channel.map_or(offered.price, |(_, channel)| channel.price);
		let charged = channel.and_then(|(id, channel)| self.charged(id, channel));
		let extra = Extra {
			genesis: self.view.genesis,
			model: offered.id,
			version: offered.model.version,
			price,
			receipt_key: offer.key,
			terms: offer.terms,
			channel: charged,
		};
		let amount = price.of(offered.model.macs, question.count);
		let accepted = Accepted::new(amount, offer.provider, PRICE_SECONDS, extra);
		let endpoint = offer.endpoint.trim_end_matches('/');
		let resource = Resource {
			url: format!("{endpoint}{INFER_PATH}"),
			description: "An answer of a model, with a receipt".to_owned(),
			mime_type: api::JSON.to_owned(),
		};
		let required = PaymentRequired::new(refused.detail.clone(), resource, accepted);
		let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
		let host = host.split('/').next().unwrap_or_default().to_owned();
		refused.challenge(required, host)
	}

	fn charged(&self, id: ChannelId, channel: &Channel) -> Option<Charged> {
		let new = || Arc::new(Account::new(id, channel.claimed));
		// Of a damaged account nothing can be said.
		let account = self.ledger.account(id).ok()?.unwrap_or_else(new);
		Some(Charged { id, spent: account.spent(), nonce: account.nonce(), last: account.promise.last })
	}

	/// Looks at all channels as of a new final block: what is to be claimed, and what can be forgotten.
	pub(crate) async fn review(&self, snapshot: &Snapshot) {
		self.queue.retain(|(model, version)| {
			snapshot.model(model).is_some_and(|offered| offered.model.version == *version)
		});
		self.metrics.head(snapshot.head.number);
		let channels = stream::iter(self.ledger.channels())
			.map(|id| async move { (id, self.view.channel(snapshot, id).await) })
			.buffer_unordered(TOGETHER);
		let mut channels = std::pin::pin!(channels);
		let mut due = Vec::new();
		while let Some((id, channel)) = channels.next().await {
			let account = self.ledger.account(id);
			match (channel, account) {
				(Err(away), _) => {
					tracing::warn!(%away, "not all channels could be looked at");
					return;
				}
				(Ok(Some(channel)), Ok(Some(account))) => {
					let (policy, tick) = (&self.config.claims, snapshot.head.tick);
					due.extend(policy.due(id, &channel, &account.promise, tick));
				}
				(Ok(Some(_)), _) => {}
				(Ok(None), account) => {
					let receipts = account.ok().flatten().map_or(0, |account| account.served.receipts);
					if snapshot.head.tick >= receipts {
						match self.ledger.forget(id).await {
							Ok(true) => tracing::info!(channel = id, "the channel is over and forgotten"),
							Ok(false) => {}
							Err(error) => {
								tracing::warn!(channel = id, %error, "a channel cannot be forgotten")
							}
						}
					}
				}
			}
		}
		claims::sort(&mut due);
		self.metrics.claims(due.iter().fold(0, |sum, claim| claim.gain.saturating_add(sum)));
		self.metrics.channels(self.ledger.channels().len());
		self.claims.send_if_modified(|known| {
			let changed = *known != due;
			*known = due;
			changed
		});
	}
}

/// Does what takes time by the number of bytes: at once if that is less than handing it to another thread takes, else where it
/// keeps nothing else waiting.
async fn aside<T: Send + 'static>(
	bytes: usize,
	work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
	if bytes <= SMALL { Ok(work()) } else { spawn_blocking(work).await }
}

/// Bytes by which the time of reading an input is to be judged.
fn effort(input: &api::Input) -> usize {
	match input {
		api::Input::Tensor(bytes) => bytes.len(),
		api::Input::Numbers(numbers) => numbers.len().saturating_mul(size_of::<f64>()),
		// A small file may be a large picture.
		api::Input::Png(_) | api::Input::Bytes(_) => usize::MAX,
	}
}

/// The canonical bytes of all inputs.
async fn canonical(offered: Arc<Offered>, inputs: Vec<api::Input>) -> Result<Vec<Vec<u8>>, Refused> {
	let effort = inputs.iter().map(effort).fold(0, usize::saturating_add);
	let made = aside(effort, move || {
		let made = inputs.into_iter().enumerate().map(|(index, input)| {
			inputs::canonical(&offered.model.graph, offered.card.as_ref(), input)
				.map_err(|error| format!("input {index}: {error}"))
		});
		made.collect::<Result<Vec<_>, _>>()
	});
	let made = made.await.map_err(|_| Refused::unfit("an input cannot be read"))?;
	made.map_err(Refused::unfit)
}

#[expect(clippy::too_many_arguments, reason = "all of them are in the answer")]
fn answer(
	offered: &Offered,
	voucher: &SignedVoucher,
	inputs: &[Vec<u8>],
	outputs: Vec<Vec<u8>>,
	price: u128,
	expires: Tick,
	genesis: &[u8; 32],
	key: &oda_client::Key,
) -> InferAnswer {
	let input = inputs.concat();
	let mut output = blake3::Hasher::new();
	for bytes in &outputs {
		output.update(bytes);
	}
	let input_root = *blake3::hash(&input).as_bytes();
	let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
	let receipt = Receipt {
		payment: Payment::Channel(voucher.voucher.channel),
		request: request_hash(&offered.id, &input_root, count),
		weights: offered.model.weights,
		input: input_root,
		output: *output.finalize().as_bytes(),
		count,
		price,
		nonce: voucher.voucher.nonce,
		expires,
	};
	let signature = Signature::of(&receipt.message(genesis), key);
	let graph = &offered.model.graph;
	let answers = outputs.into_iter().map(|output| inputs::answer(graph, offered.card.as_ref(), output));
	InferAnswer {
		model: offered.id,
		version: offered.model.version,
		answers: answers.collect(),
		receipt,
		signature,
		input,
	}
}
