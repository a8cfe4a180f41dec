//! Asks, pays and checks.

mod chores;

pub use chores::Chore;

use crate::{
	api::{
		Charged, InferAnswer, InferRequest, Input, MAX_REQUEST, Models, ProblemKind, QuoteRequest,
		SignedClosing, SignedVoucher,
	},
	chain::{Chain, ChainFault, Channel, ChannelStatus, Evidence, Model, Offer, Opening},
	provider::{EndpointError, Failure, Fault, Http, Provider, Refusal},
	verify::{Expected, Known, News, Wrong, check, check_charge},
	wallet::{Answered, Asked, Ledger, Record, Wallet, WalletError},
};
use futures::{StreamExt, stream};
use oda_client::{AccountId, Key};
use oda_primitives::{Closing, ModelId, RangeProof, Tick, VersionId, Voucher, inference::ChannelId};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How often a request is paid for anew within one call, after the provider has said why it did not answer.
const CORRECTIONS: usize = 3;
/// Providers that are asked at the same time what they answer.
const AT_ONCE: usize = 8;

/// What bytes an input to a model is made into, as its card says; `None` if one does not know.
pub type Encode = Arc<dyn Fn(&ModelId, &Input) -> Option<Vec<u8>> + Send + Sync>;

/// How much is put into channels, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deposits {
	/// A deposit is for so many requests like the one that it is made for.
	pub requests: u32,
	/// The most that is in a channel and not spent, in planck.
	pub most: u128,
	/// Ticks after which anybody may end a channel.
	pub term: Tick,
}

/// A question.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
	/// The model.
	pub model: ModelId,
	/// The inputs, at least one.
	pub inputs: Vec<Input>,
	/// The most that it may cost, in planck.
	pub limit: u128,
	/// The provider that is to answer; `None` for any.
	pub provider: Option<AccountId>,
	/// What the user calls the question. Under the same name it is asked once, and answered the same way
	/// again as long as the answer is kept.
	pub name: Option<String>,
}

/// A checked answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Paid {
	/// The channel that paid.
	pub channel: ChannelId,
	/// The provider that answered.
	pub provider: AccountId,
	/// The answer.
	pub answer: InferAnswer,
	/// Number of inputs of which only the provider knows how they were made into bytes.
	pub unknown: usize,
	/// Whether an earlier call has paid for it.
	pub again: bool,
}

/// How a channel was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closed {
	/// At once, as the provider has agreed.
	Agreed,
	/// It ends after its grace period; [`Payer::tidy`] finishes it.
	Begun,
	/// It was closing or closed before.
	Before,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
	/// The chain could not be asked, or did not do what it should.
	#[error("the chain: {0}")]
	Chain(#[source] ChainFault),
	/// The wallet cannot be used.
	#[error(transparent)]
	Wallet(#[from] WalletError),
	/// The wallet is another chain's.
	#[error("the wallet is another chain's")]
	OtherChain,
	/// The chain has no such model.
	#[error("there is no such model")]
	UnknownModel,
	/// A question has no inputs.
	#[error("there is nothing to ask: the question has no inputs")]
	NoInputs,
	/// A question is too large.
	#[error("the question has {0} bytes, more than {max}", max = MAX_REQUEST)]
	TooLarge(usize),
	/// A tensor has another length than the model's inputs.
	#[error("input {index} has {got} bytes, the model takes {needed}")]
	InputLength {
		/// Which one.
		index: usize,
		/// Its length.
		got: usize,
		/// The model's.
		needed: u64,
	},
	/// A number in the question cannot be written.
	#[error("the question cannot be written: {0}")]
	Unwritable(String),
	/// The name was used for another question.
	#[error("the name {0:?} was used for another question")]
	NameUsed(String),
	/// No provider offers the model, or the provider that is to answer does not.
	#[error("no provider offers the model for that many inputs")]
	NoOffer,
	/// All providers take more.
	#[error("the cheapest provider takes {price} planck, more than the limit of {limit}")]
	TooDear {
		/// The least price.
		price: u128,
		/// The limit.
		limit: u128,
	},
	/// No provider has answered, and nothing was paid.
	#[error("no provider has answered: {}", each(.0))]
	Nobody(Vec<(AccountId, PayError)>),
	/// The provider's endpoint is none.
	#[error(transparent)]
	Endpoint(#[from] EndpointError),
	/// The provider cannot be asked, and nothing was paid.
	#[error(transparent)]
	Provider(Fault),
	/// The provider is not the one of the offer, or does not answer what it offers.
	#[error("the provider does not answer what it offers: {0}")]
	OtherOffer(&'static str),
	/// The provider refuses, and nothing was paid.
	#[error("the provider refuses: {0}")]
	Refused(Box<Refusal>),
	/// The provider would answer with a version that the chain does not have.
	#[error("the provider would answer with version {0}, which the chain does not have")]
	UnknownVersion(VersionId),
	/// The deposit that is needed is more than is allowed.
	#[error("{needed} planck would have to be in the channel, more than the {most} that are allowed")]
	Deposit {
		/// What has to be in the channel and not spent.
		needed: u128,
		/// The most that may.
		most: u128,
	},
	/// A channel was topped up, and the chain does not show it.
	#[error("channel {0} was topped up, which the chain does not show")]
	TopUpNotSeen(ChannelId),
	/// A channel pays no more: it is closing, closed, or its term ends.
	#[error("channel {0} pays no more")]
	Over(ChannelId),
	/// A channel's voucher key is not the wallet's.
	#[error("channel {0} has another voucher key")]
	OtherKey(ChannelId),
	/// Something was wrong before, so nothing is signed any more for this channel.
	#[error("channel {channel} is stopped: {reason}")]
	Stopped {
		/// The channel.
		channel: ChannelId,
		/// What was wrong.
		reason: String,
	},
	/// Something is wrong with the answer, or with what the provider says of the channel. Nothing is signed
	/// any more for it; the evidence is kept.
	#[error("channel {channel} is stopped: {wrong}")]
	Wrong {
		/// The channel.
		channel: ChannelId,
		/// What is wrong.
		#[source]
		wrong: Wrong,
	},
	/// The request was paid for, and may have been answered. It waits: asked again, it costs nothing more.
	#[error("request {nonce} of channel {channel} waits for its answer, ask again: {fault}")]
	Unanswered {
		/// The channel.
		channel: ChannelId,
		/// The request.
		nonce: u64,
		/// The most that it costs, in planck.
		price: u128,
		/// Why there is no answer.
		#[source]
		fault: Fault,
	},
	/// There is no such answer.
	#[error("the answer to request {nonce} of channel {channel} is not kept")]
	NotKept {
		/// The channel.
		channel: ChannelId,
		/// The request.
		nonce: u64,
	},
	/// There is no such input.
	#[error("the request has no input {0}")]
	NoInput(u32),
	/// The court found an output right that the user had called wrong.
	#[error("the court found output {index} of request {nonce} of channel {channel} right: the bond is lost")]
	FoundRight {
		/// The channel.
		channel: ChannelId,
		/// The request.
		nonce: u64,
		/// The index of the output.
		index: u32,
	},
	/// A receipt is evidence no more.
	#[error("the receipt of request {nonce} of channel {channel} is evidence no more")]
	TooLate {
		/// The channel.
		channel: ChannelId,
		/// The request.
		nonce: u64,
	},
}

/// What a provider says that this channel was charged.
fn charged(refusal: &Refusal, record: &Record) -> Option<Charged> {
	let charged = refusal.challenge.as_ref()?.accepted()?.extra.channel?;
	Some(charged).filter(|charged| charged.id == record.channel)
}

/// Whether bytes are as many as a model's input has.
fn is_input(model: &Model, bytes: &[u8]) -> bool {
	u64::try_from(bytes.len()) == Ok(model.input)
}

fn each(failures: &[(AccountId, PayError)]) -> String {
	let all = failures.iter().map(|(provider, error)| format!("{provider}: {error}"));
	all.collect::<Vec<_>>().join("; ")
}

impl PayError {
	/// Whether another provider may be asked: this one has not been paid, and it is not the question's fault.
	fn is_the_providers(&self) -> bool {
		match self {
			// Another one may take more.
			Self::Refused(refusal) => {
				!refusal.is_about_input() || refusal.kind() == Some(ProblemKind::TooLarge)
			}
			Self::Endpoint(_)
			| Self::Provider(_)
			| Self::OtherOffer(_)
			| Self::UnknownVersion(_)
			| Self::TooDear { .. }
			| Self::Deposit { .. }
			| Self::Over(_)
			| Self::OtherKey(_)
			| Self::Stopped { .. } => true,
			// Another request waits there: this one was not sent.
			Self::Wallet(WalletError::Busy { .. }) => true,
			_ => false,
		}
	}
}

/// Asks questions and pays for the answers, from the channels of one wallet.
pub struct Payer<C> {
	chain: C,
	wallet: Wallet,
	key: Key,
	http: Http,
	deposits: Deposits,
	encode: Encode,
}

/// A question as it is sent.
struct Prepared<'a> {
	question: &'a Question,
	request: InferRequest,
	body: String,
	digest: [u8; 32],
	count: u32,
	model: Model,
}

/// What has become of a request.
enum Outcome {
	Answered(Box<Paid>),
	/// It was not paid. The channel stands elsewhere than was thought.
	Corrected,
}

/// What follows from a 402.
enum Correction {
	/// To sign again.
	Again,
	/// To wait until the provider's node has seen what the user's has.
	Wait,
}

impl<C: Chain> Payer<C> {
	/// A payer. `key` signs vouchers, of channels that the chain opens from its account; `encode` says what
	/// it knows of inputs that are not tensors.
	///
	/// # Errors
	///
	/// [`PayError::OtherChain`]: the wallet is of another chain.
	pub fn new(
		chain: C,
		wallet: Wallet,
		key: Key,
		http: Http,
		deposits: Deposits,
		encode: Encode,
	) -> Result<Self, PayError> {
		if *wallet.genesis() != chain.genesis() {
			return Err(PayError::OtherChain);
		}
		Ok(Self { chain, wallet, key, http, deposits, encode })
	}

	/// The wallet.
	pub fn wallet(&self) -> &Wallet {
		&self.wallet
	}

	/// The chain.
	pub fn chain(&self) -> &C {
		&self.chain
	}

	/// What providers answer now. Those that cannot be reached are left out.
	///
	/// # Errors
	///
	/// [`PayError::Chain`].
	pub async fn models(&self) -> Result<Vec<Models>, PayError> {
		let mut offers = self.chain.offers(None).await.map_err(PayError::Chain)?;
		offers.sort_by_key(|offer| offer.provider);
		offers.dedup_by_key(|offer| offer.provider);
		let asked = offers.into_iter().map(|offer| async move {
			match self.offered(&offer).await {
				Ok((_, models)) => Some(models),
				Err(error) => {
					tracing::debug!(provider = %offer.provider, %error, "a provider is left out");
					None
				}
			}
		});
		Ok(stream::iter(asked).buffered(AT_ONCE).filter_map(|models| async { models }).collect().await)
	}

	/// Asks a question, and pays for it once.
	///
	/// Providers with which there is a channel are asked first, then the others, the cheapest first. A
	/// channel is opened or topped up if need be. A question that waits for its answer, because an earlier
	/// call was cut off, goes to the same provider with the same voucher.
	///
	/// May be dropped at any time: what was sent waits.
	///
	/// # Errors
	///
	/// [`PayError`] says why there is no answer, and whether something was paid.
	pub async fn infer(&self, question: &Question) -> Result<Paid, PayError> {
		let prepared = self.prepare(question).await?;
		let records = self.wallet.records()?;
		if let Some(paid) = self.kept(&prepared, &records)? {
			return Ok(paid);
		}
		if let Some(waiting) = records.iter().find(|record| prepared.waits_in(record))
			&& let Some(paid) = self.resumed(&prepared, waiting).await?
		{
			return Ok(paid);
		}
		let mut failures = Vec::new();
		for (offer, channels) in self.candidates(&prepared, records).await? {
			let provider = offer.as_ref().map(|offer| offer.provider);
			let provider = provider.or(channels.first().map(|record| record.provider));
			match self.ask_one(&prepared, offer, channels).await {
				Err(error) if error.is_the_providers() => failures.extend(provider.map(|who| (who, error))),
				other => return other,
			}
		}
		Err(PayError::Nobody(failures))
	}

	/// Goes on with the request of a channel that waits for its answer; `None` if none does, or the provider
	/// has not been paid for it.
	///
	/// # Errors
	///
	/// [`PayError`] says why there is no answer.
	pub async fn resume(&self, channel: ChannelId) -> Result<Option<Paid>, PayError> {
		let mut ledger = self.wallet.take(channel, self.patience()).await?;
		if ledger.waiting().is_none() {
			return Ok(None);
		}
		let provider = self.provider_of(ledger.record(), None).await?;
		match self.ask(&mut ledger, &provider, true).await? {
			Outcome::Answered(paid) => Ok(Some(*paid)),
			Outcome::Corrected => Ok(None),
		}
	}

	/// Gives up the request of a channel that waits for its answer. If the provider has answered it, it is
	/// paid for all the same.
	///
	/// # Errors
	///
	/// The wallet cannot be used.
	pub async fn abandon(&self, channel: ChannelId) -> Result<(), PayError> {
		Ok(self.wallet.take(channel, self.patience()).await?.release()?)
	}

	/// Learns from the provider what a channel was charged, after the wallet has lost it.
	///
	/// # Errors
	///
	/// [`PayError::Wrong`] if the provider claims what the user's key has not signed; the provider cannot be
	/// asked.
	pub async fn recover(&self, channel: ChannelId) -> Result<(), PayError> {
		let mut ledger = self.wallet.take(channel, self.patience()).await?;
		let provider = self.provider_of(ledger.record(), None).await?;
		self.finish(&mut ledger, &provider).await?;
		self.catch_up(&mut ledger, &provider).await
	}

	/// Closes a channel: at once if the provider agrees, else after its grace period. Nothing more is paid
	/// from it.
	///
	/// # Errors
	///
	/// The chain or the wallet cannot be used.
	pub async fn close(&self, channel: ChannelId) -> Result<Closed, PayError> {
		let mut ledger = self.wallet.take(channel, self.patience()).await?;
		let on_chain = self.channel(channel).await?;
		if on_chain.state != ChannelStatus::Open {
			return Ok(Closed::Before);
		}
		if ledger.record().stopped.is_none() {
			match self.close_agreed(&mut ledger, &on_chain).await {
				Ok(()) => return Ok(Closed::Agreed),
				Err(error @ (PayError::Chain(_) | PayError::Wallet(_))) => return Err(error),
				Err(error) => tracing::info!(channel, %error, "the provider does not agree to close now"),
			}
		}
		self.chain.begin_close(channel).await.map_err(PayError::Chain)?;
		Ok(Closed::Begun)
	}

	/// What shows the court the output of one input.
	fn evidence(&self, channel: ChannelId, nonce: u64, index: u32) -> Result<Evidence, PayError> {
		let not_kept = PayError::NotKept { channel, nonce };
		let InferAnswer { receipt, signature, answers, input, .. } =
			self.wallet.answer(channel, nonce)?.ok_or(not_kept)?;
		let outputs: Vec<u8> = answers.iter().flat_map(|answer| &answer.output).copied().collect();
		let part = |blob: &[u8]| {
			let each = u64::try_from(blob.len()).ok()?.checked_div(receipt.count.into())?;
			let start = each.checked_mul(index.into())?;
			RangeProof::new(blob, start..start.checked_add(each)?).ok()
		};
		let shown = part(&input).zip(part(&outputs)).filter(|_| index < receipt.count);
		let (input, output) = shown.ok_or(PayError::NoInput(index))?;
		Ok(Evidence { receipt, signature, index, input, output })
	}

	fn patience(&self) -> Duration {
		let times = self.http.times();
		times.patience.saturating_add(times.request)
	}

	/// Checks a question before anything is paid for it.
	async fn prepare<'a>(&self, question: &'a Question) -> Result<Prepared<'a>, PayError> {
		let Question { model, inputs, .. } = question;
		let count = u32::try_from(inputs.len()).ok().filter(|count| *count > 0).ok_or(PayError::NoInputs)?;
		let facts = self.chain.model(*model).await.map_err(PayError::Chain)?;
		let facts = facts.ok_or(PayError::UnknownModel)?;
		for (index, input) in inputs.iter().enumerate() {
			match input {
				Input::Tensor(bytes) if !is_input(&facts, bytes) => {
					return Err(PayError::InputLength { index, got: bytes.len(), needed: facts.input });
				}
				Input::Numbers(numbers) if numbers.iter().any(|number| !number.is_finite()) => {
					return Err(PayError::Unwritable(format!("input {index} has a number that is none")));
				}
				_ => {}
			}
		}
		let written = |request: &InferRequest| {
			serde_json::to_string(request).map_err(|error| PayError::Unwritable(error.to_string()))
		};
		let mut request = InferRequest { model: *model, inputs: inputs.clone() };
		// Whatever is known of the card when, a question is the same.
		let digest = blake3::hash(written(&request)?.as_bytes()).into();
		for input in request.inputs.iter_mut().filter(|input| !matches!(input, Input::Tensor(_))) {
			// What is signed for is then what was asked, however the provider reads the card.
			if let Some(bytes) = (self.encode)(model, input).filter(|bytes| is_input(&facts, bytes)) {
				*input = Input::Tensor(bytes);
			}
		}
		let body = written(&request)?;
		if body.len() > MAX_REQUEST {
			return Err(PayError::TooLarge(body.len()));
		}
		Ok(Prepared { question, request, body, digest, count, model: facts })
	}

	/// The answer to a question that was asked before under the same name.
	fn kept(&self, prepared: &Prepared<'_>, records: &[Record]) -> Result<Option<Paid>, PayError> {
		let Some(name) = &prepared.question.name else { return Ok(None) };
		let other = |digest: &[u8; 32]| *digest != prepared.digest;
		for record in records {
			let waits = record.waits.iter().filter(|asked| asked.name.as_ref() == Some(name));
			if waits.map(|asked| &asked.digest).any(other) {
				return Err(PayError::NameUsed(name.clone()));
			}
			for Answered { nonce, name: known, digest } in &record.answered {
				if known.as_ref() != Some(name) {
					continue;
				}
				if other(digest) {
					return Err(PayError::NameUsed(name.clone()));
				}
				if let Some(answer) = self.wallet.answer(record.channel, *nonce)? {
					let (channel, provider) = (record.channel, record.provider);
					let unknown = prepared.unknown();
					return Ok(Some(Paid { channel, provider, answer, unknown, again: true }));
				}
			}
		}
		Ok(None)
	}

	/// The answer to a question that an earlier call has paid for; `None` if that has changed.
	async fn resumed(&self, prepared: &Prepared<'_>, waiting: &Record) -> Result<Option<Paid>, PayError> {
		let mut ledger = self.wallet.take(waiting.channel, self.patience()).await?;
		if !prepared.waits_in(ledger.record()) {
			// Somebody else has got it meanwhile.
			return self.kept(prepared, &[ledger.record().clone()]);
		}
		let provider = self.provider_of(ledger.record(), None).await?;
		match self.ask(&mut ledger, &provider, true).await? {
			Outcome::Answered(paid) => Ok(Some(*paid)),
			Outcome::Corrected => Ok(None),
		}
	}

	/// The providers to ask, each with the channels that there are: first those with a channel, then the
	/// others, the cheapest first.
	async fn candidates(
		&self,
		prepared: &Prepared<'_>,
		records: Vec<Record>,
	) -> Result<Vec<(Option<Offer>, Vec<Record>)>, PayError> {
		let Prepared { question, count, model, .. } = prepared;
		let wanted =
			|provider: &AccountId| question.provider.as_ref().is_none_or(|wanted| wanted == provider);
		// One that has ended pays no more; but who was wrong in it is not asked again.
		let asked = |record: &Record| record.until.is_none() || record.stopped.is_some();
		let of_model = records.into_iter().filter(|r| r.model == question.model && wanted(&r.provider));
		let mut channels: Vec<Record> = of_model.filter(asked).collect();
		let offers = self.chain.offers(Some(question.model)).await.map_err(PayError::Chain)?;
		let offers = offers.into_iter().filter(|offer| wanted(&offer.provider));
		let (offers, small): (Vec<_>, Vec<_>) = offers.partition(|offer| offer.max_count >= *count);
		channels.retain(|record| small.iter().all(|offer| offer.provider != record.provider));
		let mut offers: Vec<(u128, Offer)> =
			offers.into_iter().map(|offer| (offer.price.of(model.macs, *count), offer)).collect();
		offers.sort_by_key(|(price, offer)| (*price, offer.provider));
		let cheapest = offers.first().map(|(price, _)| *price);
		offers.retain(|(price, _)| *price <= question.limit);
		let mut all: Vec<(Option<Offer>, Vec<Record>)> = Vec::new();
		for (_, offer) in offers {
			let own = channels.extract_if(.., |record| record.provider == offer.provider).collect();
			all.push((Some(offer), own));
		}
		// A provider that has withdrawn its offer, or raised its price, still answers on its channels.
		while let Some(provider) = channels.first().map(|record| record.provider) {
			all.push((None, channels.extract_if(.., |record| record.provider == provider).collect()));
		}
		all.sort_by_key(|(_, channels)| !channels.iter().any(|channel| channel.stopped.is_none()));
		match cheapest {
			_ if !all.is_empty() => Ok(all),
			Some(price) => Err(PayError::TooDear { price, limit: question.limit }),
			None => Err(PayError::NoOffer),
		}
	}

	/// Asks one provider, on a channel that there is or on a new one.
	async fn ask_one(
		&self,
		prepared: &Prepared<'_>,
		offer: Option<Offer>,
		channels: Vec<Record>,
	) -> Result<Paid, PayError> {
		// A provider that was wrong about a model is not asked again.
		let wrong = |record: &Record| record.stopped.clone().map(|reason| (record.channel, reason));
		if let Some((channel, reason)) = channels.iter().find_map(wrong) {
			return Err(PayError::Stopped { channel, reason });
		}
		let mut last = PayError::NoOffer;
		for record in channels {
			match self.ask_on(prepared, record.channel, offer.as_ref()).await {
				Err(error @ (PayError::Over(_) | PayError::OtherKey(_))) => last = error,
				other => return other,
			}
		}
		let Some(offer) = offer else { return Err(last) };
		let channel = self.opened(prepared, &offer).await?;
		self.ask_on(prepared, channel, Some(&offer)).await
	}

	/// The number of a channel with the provider that made the offer, which is opened if there is none.
	async fn opened(&self, prepared: &Prepared<'_>, offer: &Offer) -> Result<ChannelId, PayError> {
		let (provider, models) = self.offered(offer).await?;
		let served = models.models.iter().find(|served| served.model == offer.model);
		served.ok_or(PayError::OtherOffer("it does not answer the model now"))?;
		let _turn = self.wallet.turn("opening", self.patience()).await?;
		let tick = self.chain.tick().await.map_err(PayError::Chain)?;
		// A call that was cut off, or another process, may have opened it meanwhile.
		for (id, channel) in self.chain.channels().await.map_err(PayError::Chain)? {
			let ours = channel.key == self.key.account() && channel.model == offer.model;
			if ours && channel.provider == offer.provider && channel.pays(tick) {
				self.wallet.add(id, &channel, provider.endpoint())?;
				if self.wallet.record(id)?.stopped.is_none() {
					return Ok(id);
				}
			}
		}
		let price = offer.price.of(prepared.model.macs, prepared.count);
		let least = self.chain.least_deposit().await.map_err(PayError::Chain)?;
		let opening = Opening {
			provider: offer.provider,
			model: offer.model,
			deposit: self.deposit(price, least)?,
			key: self.key.account(),
			terms: offer.terms,
			term: self.deposits.term,
		};
		let id = self.chain.open(opening).await.map_err(PayError::Chain)?;
		let channel = self.channel(id).await?;
		self.wallet.add(id, &channel, provider.endpoint())?;
		tracing::info!(channel = id, provider = %offer.provider, channel.deposit, "opened a channel");
		Ok(id)
	}

	/// What is put into a channel from which a request takes `price`, and which needs `least` at least.
	fn deposit(&self, price: u128, least: u128) -> Result<u128, PayError> {
		let Deposits { requests, most, .. } = self.deposits;
		let needed = price.max(least);
		if needed > most {
			return Err(PayError::Deposit { needed, most });
		}
		Ok(price.saturating_mul(requests.into()).clamp(needed, most))
	}

	/// The provider that made an offer, if it is that one.
	async fn offered(&self, offer: &Offer) -> Result<(Provider, Models), PayError> {
		let provider = Provider::new(&self.http, &offer.endpoint)?;
		let models = provider.models().await.map_err(PayError::Provider)?;
		if models.genesis != self.chain.genesis() {
			return Err(PayError::OtherOffer("it is on another chain"));
		}
		if models.provider != offer.provider {
			return Err(PayError::OtherOffer("it has another account"));
		}
		if models.receipt_key != offer.receipt_key {
			return Err(PayError::OtherOffer("it signs receipts with another key"));
		}
		Ok((provider, models))
	}

	/// The provider of a channel, where it answers now.
	async fn provider_of(&self, record: &Record, offer: Option<&Offer>) -> Result<Provider, PayError> {
		let endpoint = match offer {
			Some(offer) => offer.endpoint.clone(),
			None => {
				let offers = self.chain.offers(Some(record.model)).await.map_err(PayError::Chain)?;
				let offer = offers.into_iter().find(|offer| offer.provider == record.provider);
				offer.map_or_else(|| record.endpoint.clone(), |offer| offer.endpoint)
			}
		};
		Ok(Provider::new(&self.http, &endpoint)?)
	}

	async fn channel(&self, id: ChannelId) -> Result<Channel, PayError> {
		self.chain.channel(id).await.map_err(PayError::Chain)?.ok_or(PayError::Over(id))
	}

	/// Asks on one channel.
	async fn ask_on(
		&self,
		prepared: &Prepared<'_>,
		id: ChannelId,
		offer: Option<&Offer>,
	) -> Result<Paid, PayError> {
		let mut ledger = self.wallet.take(id, self.patience()).await?;
		if let Some(reason) = &ledger.record().stopped {
			return Err(PayError::Stopped { channel: id, reason: reason.clone() });
		}
		let provider = self.provider_of(ledger.record(), offer).await?;
		// Another request may wait. Whatever becomes of it, this one was not sent.
		self.finish(&mut ledger, &provider).await.map_err(|error| match error {
			PayError::Unanswered { fault, .. } => PayError::Provider(fault),
			PayError::Wrong { channel, wrong } => PayError::Stopped { channel, reason: wrong.to_string() },
			other => other,
		})?;
		for _ in 0..CORRECTIONS {
			self.promise(prepared, &mut ledger, &provider).await?;
			if let Outcome::Answered(paid) = self.ask(&mut ledger, &provider, false).await? {
				return Ok(*paid);
			}
		}
		Err(PayError::Provider(Fault::Unreadable("it corrects what it was told, again and again".to_owned())))
	}

	/// Signs the voucher for a request, and remembers both.
	async fn promise(
		&self,
		prepared: &Prepared<'_>,
		ledger: &mut Ledger,
		provider: &Provider,
	) -> Result<(), PayError> {
		let Prepared { question, count, model, .. } = prepared;
		let id = ledger.record().channel;
		let quote = QuoteRequest { model: question.model, count: *count };
		let quote = provider.quote(&quote).await.map_err(|fault| match fault {
			Fault::Refused(refusal) => PayError::Refused(refusal),
			fault => PayError::Provider(fault),
		})?;
		let tick = self.chain.tick().await.map_err(PayError::Chain)?;
		let mut channel = self.channel(id).await?;
		if !channel.pays(tick) {
			return Err(PayError::Over(id));
		}
		if channel.key != self.key.account() {
			return Err(PayError::OtherKey(id));
		}
		// What the provider takes of new channels is another matter.
		let price = channel.price.of(model.macs, *count);
		if price > question.limit {
			return Err(PayError::TooDear { price, limit: question.limit });
		}
		let weights = self.chain.weights(question.model, quote.version).await.map_err(PayError::Chain)?;
		let weights = weights.ok_or(PayError::UnknownVersion(quote.version))?;
		if channel.claimed > ledger.record().promised() {
			// The chain has seen a voucher of this key that the wallet has lost.
			let spent = channel.claimed.max(ledger.record().spent);
			ledger.adopt(spent, None)?;
		}
		let record = ledger.record();
		let amount = record.spent.saturating_add(price).max(record.promised()).max(channel.claimed);
		if amount > channel.deposit {
			self.top_up(id, &channel, record.spent, amount, price).await?;
			channel = self.channel(id).await?;
			if amount > channel.deposit {
				return Err(PayError::TopUpNotSeen(id));
			}
		}
		let used = ledger.record().last.map_or(0, |last| last.voucher.nonce);
		let voucher = Voucher { channel: id, version: quote.version, amount, nonce: used.saturating_add(1) };
		let asked = Asked {
			key: self.fresh_key(&voucher),
			name: question.name.clone(),
			digest: prepared.digest,
			body: prepared.body.clone(),
			price,
			weights,
			input: model.input,
			output: model.output,
			expires: tick.saturating_add(channel.receipts),
		};
		let voucher = SignedVoucher::sign(voucher, &self.key, self.wallet.genesis());
		Ok(ledger.promise(voucher, asked, provider.endpoint())?)
	}

	/// An `Idempotency-Key` that nobody can guess: a signature of sr25519 has 256 random bits, and this one
	/// is never shown.
	fn fresh_key(&self, voucher: &Voucher) -> String {
		let message = [b"oda/request-key/1".as_slice(), &voucher.message(self.wallet.genesis())].concat();
		let hash = blake3::hash(&self.key.sign(&message)).to_hex();
		hash.get(..32).unwrap_or_default().to_owned()
	}

	async fn top_up(
		&self,
		id: ChannelId,
		channel: &Channel,
		spent: u128,
		amount: u128,
		price: u128,
	) -> Result<(), PayError> {
		let Deposits { requests, most, .. } = self.deposits;
		let needed = amount.saturating_sub(channel.deposit);
		let unspent = channel.deposit.saturating_sub(spent);
		let room = most.saturating_sub(unspent);
		if needed > room {
			return Err(PayError::Deposit { needed: unspent.saturating_add(needed), most });
		}
		let more = price.saturating_mul(requests.into()).clamp(needed, room);
		self.chain.top_up(id, more).await.map_err(PayError::Chain)?;
		tracing::info!(channel = id, more, "topped up a channel");
		Ok(())
	}

	/// Gets the answer to the request that waits, if one does, or its refusal.
	async fn finish(&self, ledger: &mut Ledger, provider: &Provider) -> Result<(), PayError> {
		if ledger.waiting().is_none() {
			return Ok(());
		}
		match self.ask(ledger, provider, true).await {
			Ok(_) | Err(PayError::Refused(_)) => Ok(()),
			Err(error) => Err(error),
		}
	}

	/// Sends the request that waits. `again` says whether an earlier call may have sent it.
	async fn ask(&self, ledger: &mut Ledger, provider: &Provider, again: bool) -> Result<Outcome, PayError> {
		let start = Instant::now();
		loop {
			let Some((paid, asked)) = ledger.waiting() else { return Ok(Outcome::Corrected) };
			let failure = match provider.infer(paid, &asked.key, &asked.body, again).await {
				Ok(bytes) => {
					return self.receive(ledger, &bytes, again).map(|paid| Outcome::Answered(Box::new(paid)));
				}
				Err(failure) => failure,
			};
			let Failure { fault, served } = failure;
			match fault {
				// A provider that has served says what was charged.
				Fault::Refused(refusal)
					if refusal.status == 402 && (!served || charged(&refusal, ledger.record()).is_some()) =>
				{
					match self.correct(ledger, &refusal)? {
						Correction::Again => return Ok(Outcome::Corrected),
						Correction::Wait => {
							let wait = refusal.retry_after.unwrap_or(self.http.times().pause);
							if start.elapsed().saturating_add(wait) > self.http.times().patience {
								ledger.refuse()?;
								return Err(PayError::Refused(refusal));
							}
							sleep(wait).await;
						}
					}
				}
				Fault::Refused(refusal) if !served || refusal.is_about_input() => {
					ledger.refuse()?;
					return Err(PayError::Refused(refusal));
				}
				fault if !served => {
					ledger.release()?;
					return Err(PayError::Provider(fault));
				}
				fault => {
					let (paid, asked) = ledger.waiting().unzip();
					return Err(PayError::Unanswered {
						channel: ledger.record().channel,
						nonce: paid.map_or(0, |paid| paid.voucher.nonce),
						price: asked.map_or(0, |asked| asked.price),
						fault,
					});
				}
			}
		}
	}

	/// Checks what came, and keeps it either way.
	fn receive(&self, ledger: &mut Ledger, bytes: &[u8], again: bool) -> Result<Paid, PayError> {
		let record = ledger.record();
		let (channel, provider) = (record.channel, record.provider);
		let checked = self.checked(record, bytes);
		match checked {
			Ok((answer, unknown)) => {
				ledger.receive(&answer)?;
				Ok(Paid { channel, provider, answer, unknown, again })
			}
			Err(wrong) => Err(self.stop(ledger, wrong, bytes)?),
		}
	}

	fn checked(&self, record: &Record, bytes: &[u8]) -> Result<(InferAnswer, usize), Wrong> {
		let unreadable = |error: serde_json::Error| Wrong::Unreadable(error.to_string());
		let answer: InferAnswer = serde_json::from_slice(bytes).map_err(unreadable)?;
		let (Some(paid), Some(asked)) = (&record.last, &record.waits) else {
			return Err(Wrong::Nonce { got: answer.receipt.nonce, asked: 0 });
		};
		let request: InferRequest = serde_json::from_str(&asked.body).map_err(unreadable)?;
		let encode = |input: &Input| (self.encode)(&request.model, input);
		let expected = Expected {
			genesis: &record.genesis,
			receipt_key: &record.receipt_key,
			paid,
			request: &request,
			weights: &asked.weights,
			input: asked.input,
			output: asked.output,
			price: asked.price,
			expires: asked.expires,
			encode: &encode,
		};
		let unknown = check(&answer, &expected)?;
		Ok((answer, unknown))
	}

	/// Signs no more for the channel, and keeps the evidence.
	fn stop(&self, ledger: &mut Ledger, wrong: Wrong, came: &[u8]) -> Result<PayError, PayError> {
		let channel = ledger.record().channel;
		tracing::warn!(channel, %wrong, "nothing is paid from this channel any more");
		ledger.stop(&wrong.to_string(), came)?;
		Ok(PayError::Wrong { channel, wrong })
	}

	/// Learns from a 402 what the channel was charged, as far as the user's own key has signed it.
	fn correct(&self, ledger: &mut Ledger, refusal: &Refusal) -> Result<Correction, PayError> {
		let accepted = refusal.challenge.as_ref().and_then(|challenge| challenge.accepted());
		if let Some(charged) = charged(refusal, ledger.record())
			&& self.believe(ledger, &charged)?
		{
			return Ok(Correction::Again);
		}
		let record = ledger.record();
		let price = record.waits.as_ref().map_or(0, |asked| asked.price);
		let version = record.last.map_or(0, |last| last.voucher.version);
		// The model has a new head.
		let moved = accepted.is_some_and(|accepted| accepted.extra.version != version);
		if refusal.kind() == Some(ProblemKind::DepositTooLow) && !moved {
			return Ok(Correction::Wait);
		}
		ledger.refuse()?;
		let changed = moved || accepted.is_some_and(|accepted| accepted.amount != price);
		if refusal.kind() == Some(ProblemKind::VoucherTooLow) && changed {
			return Ok(Correction::Again);
		}
		Err(PayError::Refused(Box::new(refusal.clone())))
	}

	/// Adopts what a provider says that the channel was charged, if it is news and the user's key has signed
	/// it.
	fn believe(&self, ledger: &mut Ledger, charged: &Charged) -> Result<bool, PayError> {
		let record = ledger.record();
		let known = Known {
			genesis: &record.genesis,
			channel: record.channel,
			key: &record.key,
			spent: record.spent,
			last: record.last.as_ref(),
			waits: record.waits.is_some(),
			refused: &record.refused,
		};
		match check_charge(charged, &known) {
			Ok(News::None) => Ok(false),
			Ok(News::Known { spent, last }) => {
				ledger.adopt(spent, Some(last))?;
				Ok(true)
			}
			Err(wrong) => {
				let came = serde_json::to_vec(charged).unwrap_or_default();
				Err(self.stop(ledger, wrong, &came)?)
			}
		}
	}

	/// Asks the provider what the channel was charged.
	async fn catch_up(&self, ledger: &mut Ledger, provider: &Provider) -> Result<(), PayError> {
		let id = ledger.record().channel;
		let state = provider.channel(id).await.map_err(PayError::Provider)?;
		if state.channel != id {
			return Err(PayError::OtherOffer("it speaks of another channel"));
		}
		let charged = Charged { id, spent: state.spent, nonce: state.nonce, last: state.last };
		self.believe(ledger, &charged)?;
		Ok(())
	}

	/// Closes a channel as the provider agrees.
	async fn close_agreed(&self, ledger: &mut Ledger, channel: &Channel) -> Result<(), PayError> {
		let provider = self.provider_of(ledger.record(), None).await?;
		self.finish(ledger, &provider).await?;
		self.catch_up(ledger, &provider).await?;
		let record = ledger.record();
		let tick = self.chain.tick().await.map_err(PayError::Chain)?;
		let closing = Closing {
			channel: record.channel,
			version: record.last.map_or(0, |last| last.voucher.version),
			amount: record.spent.max(channel.claimed),
			expires: tick.saturating_add(channel.grace),
		};
		let closing = SignedClosing::sign(closing, &self.key, self.wallet.genesis());
		let answer = provider.close(&closing).await.map_err(PayError::Provider)?;
		let message = closing.closing.message(self.wallet.genesis());
		let signed = |key| answer.signature.verify(&message, key);
		if !signed(&channel.receipt_key) && !signed(&channel.provider) {
			return Err(PayError::OtherOffer("it signs closings with another key"));
		}
		self.chain.close_agreed(closing, answer.signature).await.map_err(PayError::Chain)
	}
}

impl Prepared<'_> {
	/// Number of inputs of which only a provider knows how they are made into bytes.
	fn unknown(&self) -> usize {
		self.request.inputs.iter().filter(|input| !matches!(input, Input::Tensor(_))).count()
	}

	/// Whether this question waits for its answer there.
	fn waits_in(&self, record: &Record) -> bool {
		let wanted = &self.question.provider;
		wanted.is_none_or(|wanted| wanted == record.provider)
			&& record.waits.as_ref().is_some_and(|asked| {
				let name = &self.question.name;
				asked.digest == self.digest && (name.is_none() || asked.name == *name)
			})
	}
}

impl<C> std::fmt::Debug for Payer<C> {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Payer").field("wallet", &self.wallet).field("key", &self.key).finish_non_exhaustive()
	}
}
