//! Paying for inference: the chain and its models, as a user of [`oda_inference`] sees them.
//!
//! What a user has signed and received lies under the base path, in `wallets/`, a folder an account. Beside it lies the key that
//! signs vouchers: it is no account's, so that the account's own key is needed for deposits alone.

use crate::{
	amount::oda,
	card,
	context::Context,
	evaluation::{EvaluationError, check_limit},
	journal::rename_into,
	people,
	trust::{Advice, Trust},
};
use anyhow::{Context as _, bail, ensure};
use oda_blobs::BlobSource;
use oda_cards::{Answer, AnswerError, Asked, Card, Output, Scale};
use oda_client::{
	AccountId, Chain, ChainError, ChainMark, ChannelPhase, DisputeOutcome, Key, KeyFile, NamedCard,
	OfferTerms, Secret, Signed,
	errors::{Inference, RuntimeError},
};
use oda_engine::{Engine, EngineError, Records};
use oda_evaluator::{Graph, Tensor};
use oda_inference::{
	ChainFault, Channel, ChannelStatus, Deposits, Evidence, Http, Model, Offer, Opening, Paid, Payer, Times,
	Verdict, Wallet,
	api::{Input, Signature, SignedClosing, Terms},
};
use oda_primitives::{BlobRef, ChannelId, ModelId, Tick, VersionId, inference::Payment};
use serde_json::json;
use std::{
	collections::HashMap,
	fs,
	io::ErrorKind,
	ops::ControlFlow,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};

/// The folder of all accounts' wallets, under the base path.
const WALLETS: &str = "wallets";
/// For how long a card is looked for among peers.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how long a card that could not be got is looked for again.
const AGAIN: Duration = Duration::from_secs(60);
/// For how long another process may open a channel from the same wallet.
const OPENING: Duration = Duration::from_secs(120);

type Subjects = Arc<Mutex<HashMap<ModelId, Arc<Subject>>>>;

/// The chain, as an account sees it that pays for inference; cheap to clone.
#[derive(Clone)]
pub struct User {
	context: Context,
	chain: Chain,
	key: Key,
	vouchers: Key,
	subjects: Subjects,
	trust: Trust,
}

/// Opens an account's wallet, to pay from it.
///
/// # Errors
///
/// The node, the wallet or its voucher key cannot be used.
pub async fn open(context: &Context, key: Key, deposits: Deposits) -> anyhow::Result<Payer<User>> {
	let chain = context.chain().await?;
	context.mark_chain(&chain).await?;
	let folder = folder(context, &key.account());
	let wallet = Wallet::open(&folder, chain.genesis())?;
	let vouchers = voucher_key(&folder)?;
	let subjects = Subjects::default();
	let known = Arc::clone(&subjects);
	let encode = move |model: &ModelId, input: &Input| {
		let subject = known.lock().unwrap_or_else(PoisonError::into_inner).get(model).cloned();
		subject?.tensor(input)
	};
	let trust = Trust::of(wallet.folder(), chain.genesis(), key.account());
	let user = User { context: context.clone(), chain, key, vouchers: vouchers.clone(), subjects, trust };
	let http = Http::new(Times::default()).context("connections to providers")?;
	Ok(Payer::new(user, wallet, vouchers, http, deposits, Arc::new(encode))?)
}

/// The folder of an account's wallets and voucher key.
fn folder(context: &Context, account: &AccountId) -> PathBuf {
	context.settings().base_path.join(WALLETS).join(account.to_string())
}

/// Whether an account has a wallet, on any chain.
pub(crate) fn has_wallet(context: &Context, account: &AccountId) -> bool {
	folder(context, account).is_dir()
}

/// The key that signs an account's vouchers, which is made when there is none. Whoever has it can promise the deposits of
/// open channels to their providers, and nothing else.
fn voucher_key(folder: &Path) -> Result<Key, ChainError> {
	let path = folder.join("voucher.key");
	if !path.exists() {
		let written = KeyFile::write_plain(&path, &Secret::generate()?);
		// Another process may have been first.
		if !path.exists() {
			written?;
		}
	}
	KeyFile::read(&path)?
		.open(|| Err(ChainError::Key(format!("{} is encrypted, which no voucher key is", path.display()))))
}

/// Sets aside what wallets know of the chain of a mark, which is no more: another one of its genesis gives the same numbers to
/// other channels.
pub(crate) fn set_aside(base: &Path, mark: &ChainMark) -> anyhow::Result<()> {
	let wallets = base.join(WALLETS);
	let accounts = match fs::read_dir(&wallets) {
		Ok(accounts) => accounts,
		Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
		Err(error) => return Err(error).with_context(|| wallets.display().to_string()),
	};
	for account in accounts {
		let account = account.with_context(|| wallets.display().to_string())?.path();
		// As the wallet calls it.
		let wallet = account.join(hex::encode(&mark.genesis[..16]));
		if wallet.exists() {
			rename_into(&wallet, &account.join("earlier").join(hex::encode(&mark.hash[..8])))?;
		}
	}
	Ok(())
}

impl User {
	/// The account that pays.
	pub fn account(&self) -> AccountId {
		self.key.account()
	}

	/// The connection to the chain.
	pub fn connection(&self) -> &Chain {
		&self.chain
	}

	/// What a model is asked with; `None` if it is not registered. Its card is looked for among peers for a moment.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn subject(&self, id: ModelId) -> anyhow::Result<Option<Arc<Subject>>> {
		let view = self.chain.finalised().await?;
		let named = view.card(id).await?;
		let known = self.subjects.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
		if let Some(known) = known
			&& known.named == named.as_ref().map(|named| named.blob)
			&& (known.card.is_some() || named.is_none() || known.looked.elapsed() < AGAIN)
		{
			return Ok(Some(known));
		}
		let Some(model) = view.model(id).await? else { return Ok(None) };
		let graph = view.spec(id).await?.context("the model has no specification")?.graph;
		let card = match &named {
			Some(named) => self.card(named, &graph).await,
			None => None,
		};
		let facts = Model { macs: model.cost.macs, input: graph.input_bytes(), output: graph.output_bytes() };
		let named = named.map(|named| named.blob);
		let subject = Arc::new(Subject { graph, card, facts, named, looked: Instant::now() });
		let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
		subjects.insert(id, Arc::clone(&subject));
		Ok(Some(subject))
	}

	/// A card, if it can be got and is one of a model with this graph.
	async fn card(&self, named: &NamedCard, graph: &Graph) -> Option<Card> {
		let fetched = tokio::time::timeout(PATIENCE, card::fetch(&self.context, named)).await;
		let card = fetched.unwrap_or_else(|_| Err(anyhow::anyhow!("no peer has given it")));
		match card.and_then(|card| Ok(card.check(graph).map(|()| card)?)) {
			Ok(card) => Some(card),
			Err(error) => {
				let (card, error) = (hex::encode(named.blob.root), format!("{error:#}"));
				tracing::warn!(card, error, "the model's card cannot be used");
				None
			}
		}
	}

	/// Offers at which a channel about a model can be opened, the cheapest first, and what each asks for one
	/// input, in planck.
	///
	/// # Errors
	///
	/// The node cannot be asked; there is no such model.
	pub async fn offers_for(&self, model: ModelId) -> anyhow::Result<Vec<(u128, Offer)>> {
		let macs = self.subject(model).await?.context("there is no such model")?.facts.macs;
		let offers = self.offered(Some(model)).await?.into_iter();
		let mut offers: Vec<(u128, Offer)> = offers.map(|offer| (offer.price.of(macs, 1), offer)).collect();
		offers.sort_by_key(|(price, offer)| (*price, offer.provider));
		Ok(offers)
	}

	/// Those of the offers that are taken: of one provider, if it is named, and of none that gave this
	/// account a wrong answer.
	///
	/// # Errors
	///
	/// As those of [`offers_for`](Self::offers_for); the named provider gave this account a wrong answer.
	pub async fn offers_of(
		&self,
		model: ModelId,
		provider: Option<&AccountId>,
	) -> anyhow::Result<Vec<Offer>> {
		let wronged = self.trust.wronged()?;
		if let Some(provider) = provider.filter(|provider| wronged.contains(&provider.0)) {
			let provider = people::account(provider);
			bail!(
				"{provider} gave this account a wrong answer, as a court has found: it is not asked any more"
			);
		}
		let offers = self.offers_for(model).await?.into_iter().map(|(_, offer)| offer);
		let taken = |offer: &Offer| {
			let named = provider.is_none_or(|provider| *provider == offer.provider);
			named && !wronged.contains(&offer.provider.0)
		};
		Ok(offers.filter(taken).collect())
	}

	/// What speaks for and against providers: what was paid to them, as far as this account has seen it, and
	/// what courts have found.
	///
	/// # Errors
	///
	/// The node cannot be asked; what was seen before cannot be read or written.
	pub async fn advice(&self) -> anyhow::Result<Advice> {
		self.trust.advice(&self.chain.finalised().await?).await
	}

	/// Takes note of what was paid to providers, for [`advice`](Self::advice).
	///
	/// # Errors
	///
	/// As those of `advice`.
	pub async fn observe_payments(&self) -> anyhow::Result<()> {
		self.trust.observe(&self.chain.finalised().await?).await.map(drop)
	}

	/// The offers for a model at which a channel can be opened; or all that there are.
	async fn offered(&self, wanted: Option<ModelId>) -> Result<Vec<Offer>, ChainError> {
		let view = self.chain.finalised().await?;
		let mut offers = Vec::new();
		for (provider, offer) in view.offers().await? {
			for offered in &offer.models {
				if let Some(model) = wanted
					&& (model != offered.model || view.inference_price(&provider, model, 1).await?.is_none())
				{
					continue;
				}
				offers.push(Offer {
					provider,
					endpoint: offer.endpoint.clone(),
					receipt_key: offer.key,
					model: offered.model,
					price: offered.price,
					terms: Terms { grace: offer.terms.grace, answer: offer.terms.answer },
					max_count: offer.max_count,
				});
			}
		}
		Ok(offers)
	}

	/// A blob's bytes, from the store or from peers.
	async fn blob(&self, blob: &BlobRef) -> anyhow::Result<Vec<u8>> {
		let store = self.context.store();
		if let Ok(bytes) = store.get(blob) {
			return Ok(bytes);
		}
		self.context.obtain(blob).await?;
		// So that a service deletes it when the chain names it no more.
		store.mark_passing(&blob.root)?;
		Ok(store.get(blob)?)
	}

	/// Runs the model on what was asked: the first input whose output is another than was answered, if there is one. What is
	/// found is confirmed by the reference evaluator.
	///
	/// # Errors
	///
	/// Weights that are too large, or that nobody gives; the model takes longer than allowed.
	pub async fn first_wrong(&self, paid: &Paid) -> anyhow::Result<Option<u32>> {
		let answer = &paid.answer;
		let subject = self.subject(answer.model).await?.context("there is no such model any more")?;
		let version = self.chain.finalised().await?.version(answer.model, answer.version).await?;
		let weights = version.context("the model has no such version any more")?.weights;
		let bench = self.context.bench().await?;
		let limits = bench.limits();
		check_limit(&weights, limits.weights_mib)?;
		let weights = self.blob(&weights).await?;
		let outputs: Vec<Vec<u8>> = answer.answers.iter().map(|answer| answer.output.clone()).collect();
		let inputs = answer.input.clone();
		let work = move || {
			let run = Run {
				graph: &subject.graph,
				weights: &weights,
				inputs: &inputs,
				outputs: &outputs,
				limit: Duration::from_secs(limits.seconds),
			};
			loop {
				let engine = bench.engine();
				let Some(index) = run.first_wrong(&engine)? else { return Ok(None) };
				if run.only(index).first_wrong(&engine.as_reference())?.is_some() {
					return Ok(Some(index as u32));
				}
				if !bench.distrust(index as u32) {
					return Err(EvaluationError::Crashed);
				}
			}
		};
		Ok(tokio::task::spawn_blocking(work).await??)
	}

	async fn take_to_court(&self, evidence: Evidence) -> anyhow::Result<Verdict> {
		let Evidence { receipt, signature, index, input, output } = evidence;
		let Payment::Channel(channel) = receipt.payment else { bail!("the receipt is not a channel's") };
		let nonce = receipt.nonce;
		let view = self.chain.finalised().await?;
		let Some(oda_client::Channel { model, provider, .. }) = view.channel(channel).await? else {
			return Ok(Verdict::TooLate);
		};
		let cost = view.dispute_cost(model).await?.context("no court can judge this model")?;
		let weights = self.context.locate(&receipt.weights).await?;
		let weights = weights.context("nobody is known who has the weights that the receipt names")?;
		let weights = self.blob(&weights).await?;
		let signature = signed(signature);
		let evidence = oda_client::Evidence { receipt, signature, index, input, output, weights, cost };
		let (outcome, receipt) = match self.chain.dispute(&self.key, evidence).await {
			Ok(judged) => judged,
			Err(error) => {
				let verdict = judged_before(&error).ok_or(error)?;
				self.remember_verdict(verdict, &provider);
				return Ok(verdict);
			}
		};
		let text = match &outcome {
			DisputeOutcome::Misserved { slashed, refunded } => format!(
				"the court found output {index} of request {nonce} wrong: the provider loses {}, and {} is yours",
				oda(*slashed),
				oda(*refunded)
			),
			DisputeOutcome::Failed { burned } => format!(
				"the court found output {index} of request {nonce} right: the bond of {} is burned",
				oda(*burned)
			),
		};
		self.context.output().event(
			"disputed",
			&text,
			json!({ "channel": channel, "nonce": nonce, "index": index, "outcome": outcome, "receipt": receipt }),
		);
		let verdict = match outcome {
			DisputeOutcome::Misserved { .. } => Verdict::Wrong,
			DisputeOutcome::Failed { .. } => Verdict::Right,
		};
		self.remember_verdict(verdict, &provider);
		Ok(verdict)
	}

	/// Remembers a provider whose answer was found wrong. What the court has said stands, whether that
	/// succeeds or not.
	fn remember_verdict(&self, verdict: Verdict, provider: &AccountId) {
		if verdict == Verdict::Wrong
			&& let Err(error) = self.trust.blame(provider)
		{
			tracing::warn!(%provider, error = format!("{error:#}"), "it may be asked again");
		}
	}
}

/// What the court said of a receipt before, if that is why it does not judge.
fn judged_before(error: &ChainError) -> Option<Verdict> {
	match error.module()? {
		RuntimeError::Inference(Inference::AlreadyDisputed) => Some(Verdict::Wrong),
		RuntimeError::Inference(Inference::ReceiptExpired | Inference::UnknownChannel) => {
			Some(Verdict::TooLate)
		}
		_ => None,
	}
}

/// Well, too, if somebody else has closed the channel, or had it forgotten, meanwhile.
fn over<T>(done: Result<T, ChainError>) -> Result<(), ChainFault> {
	match done {
		Err(error)
			if matches!(
				error.module(),
				Some(RuntimeError::Inference(Inference::ChannelClosed | Inference::UnknownChannel))
			) =>
		{
			Ok(())
		}
		done => Ok(done.map(drop)?),
	}
}

impl oda_inference::Chain for User {
	fn genesis(&self) -> [u8; 32] {
		self.chain.genesis()
	}

	async fn tick(&self) -> Result<Tick, ChainFault> {
		Ok(self.chain.finalised().await?.tick().await?)
	}

	async fn model(&self, model: ModelId) -> Result<Option<Model>, ChainFault> {
		Ok(self.subject(model).await?.map(|subject| subject.facts))
	}

	async fn weights(&self, model: ModelId, version: VersionId) -> Result<Option<[u8; 32]>, ChainFault> {
		let version = self.chain.finalised().await?.version(model, version).await?;
		Ok(version.map(|version| version.weights.root))
	}

	async fn offers(&self, model: Option<ModelId>) -> Result<Vec<Offer>, ChainFault> {
		let wronged = self.trust.wronged()?;
		let mut offers = self.offered(model).await?;
		offers.retain(|offer| !wronged.contains(&offer.provider.0));
		Ok(offers)
	}

	async fn channel(&self, id: ChannelId) -> Result<Option<Channel>, ChainFault> {
		Ok(self.chain.finalised().await?.channel(id).await?.map(|channel| seen(&channel)))
	}

	async fn channels(&self) -> Result<Vec<(ChannelId, Channel)>, ChainFault> {
		let mut channels = self.chain.finalised().await?.channels().await?;
		channels.retain(|channel| channel.user == self.account());
		Ok(channels.into_iter().map(|channel| (channel.id, seen(&channel))).collect())
	}

	async fn least_deposit(&self) -> Result<u128, ChainFault> {
		Ok(self.chain.finalised().await?.inference_terms().await?.min_deposit)
	}

	async fn open(&self, opening: Opening) -> Result<ChannelId, ChainFault> {
		let Opening { provider, model, deposit, key, terms, term } = opening;
		let terms = OfferTerms { grace: terms.grace, answer: terms.answer };
		let call = self.chain.open_channel(&self.key, provider, model, deposit, Some(key), terms, term);
		let (id, _) = call.await?;
		Ok(id)
	}

	async fn top_up(&self, id: ChannelId, amount: u128) -> Result<(), ChainFault> {
		self.chain.top_up_channel(&self.key, id, amount).await?;
		Ok(())
	}

	async fn begin_close(&self, id: ChannelId) -> Result<(), ChainFault> {
		self.chain.begin_close_channel(&self.key, id).await?;
		Ok(())
	}

	async fn finish_close(&self, id: ChannelId) -> Result<(), ChainFault> {
		over(self.chain.finish_channel(&self.key, id).await)
	}

	async fn close_agreed(&self, closing: SignedClosing, of_provider: Signature) -> Result<(), ChainFault> {
		let SignedClosing { closing, signature } = closing;
		let (of_user, of_provider) = (signed(signature), signed(of_provider));
		self.chain.close_channel_agreed(&self.key, closing, of_user, of_provider).await?;
		Ok(())
	}

	async fn remove(&self, id: ChannelId) -> Result<(), ChainFault> {
		over(self.chain.remove_channel(&self.key, id).await)
	}

	async fn dispute(&self, evidence: Evidence) -> Result<Verdict, ChainFault> {
		Ok(self.take_to_court(evidence).await?)
	}
}

fn signed(signature: Signature) -> Signed {
	match signature {
		Signature::Ed25519(bytes) => Signed::Ed25519(bytes),
		Signature::Sr25519(bytes) => Signed::Sr25519(bytes),
	}
}

/// A channel, as payers look at it.
fn seen(channel: &oda_client::Channel) -> Channel {
	Channel {
		user: channel.user,
		provider: channel.provider,
		model: channel.model,
		key: channel.key,
		receipt_key: channel.receipt_key,
		price: channel.price,
		deposit: channel.deposit,
		claimed: channel.claimed,
		grace: channel.grace,
		receipts: channel.receipts,
		expires_at: channel.expires_at,
		state: match channel.phase {
			ChannelPhase::Open => ChannelStatus::Open,
			ChannelPhase::Closing(at) => ChannelStatus::Closing { at },
			ChannelPhase::Closed(until) => ChannelStatus::Closed { until },
		},
	}
}

/// Opens a channel about a model, with the cheapest provider if none is named: its number, and the offer.
///
/// # Errors
///
/// Nobody offers the model; the deposit is too small; the chain or the wallet cannot be used.
pub async fn open_channel(
	payer: &Payer<User>,
	model: ModelId,
	provider: Option<&AccountId>,
	deposit: u128,
	term: Tick,
) -> anyhow::Result<(ChannelId, Offer)> {
	use oda_inference::Chain as _;
	let user = payer.chain();
	let offer = user.offers_of(model, provider).await?.into_iter().next();
	let offer = offer.context("no provider with a stake offers the model, or not the one that is named")?;
	let least = user.connection().finalised().await?.inference_terms().await?.min_deposit;
	ensure!(deposit >= least, "a channel has at least {}", oda(least));
	let _turn = payer.wallet().turn("opening", OPENING).await?;
	let Offer { provider, model, terms, .. } = offer;
	let opening = Opening { provider, model, deposit, key: user.vouchers.account(), terms, term };
	let id = user.open(opening).await.map_err(|fault| anyhow::anyhow!(fault))?;
	remember(payer, id).await?;
	Ok((id, offer))
}

/// Sees to it that the wallet knows a channel of the account's.
///
/// # Errors
///
/// The chain does not know it, or it is another account's; the chain or the wallet cannot be used.
pub async fn remember(payer: &Payer<User>, id: ChannelId) -> anyhow::Result<()> {
	let user = payer.chain();
	let channel = user.connection().finalised().await?.channel(id).await?;
	let channel = channel.with_context(|| format!("there is no channel {id}"))?;
	ensure!(
		channel.user == user.account(),
		"channel {id} is that of {}, not of this account",
		people::account(&channel.user)
	);
	let offer = user.connection().finalised().await?.offer(&channel.provider).await?;
	let endpoint = offer.map(|offer| offer.endpoint).unwrap_or_default();
	Ok(payer.wallet().add(id, &seen(&channel), &endpoint)?)
}

/// How files become inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
	/// As the model's card says.
	Card,
	/// Whole numbers, as text: the elements of the model's only input, not scaled.
	Numbers,
	/// The bytes of the input tensors.
	Tensor,
}

/// What a model is asked with, and how its answers are read.
#[derive(Debug)]
pub struct Subject {
	graph: Graph,
	card: Option<Card>,
	facts: Model,
	/// The blob that the chain names as its card.
	named: Option<BlobRef>,
	looked: Instant,
}

/// A card for a model of which none is known.
fn stand_in(input: oda_cards::Input) -> Card {
	let (title, description, licence) = Default::default();
	Card { title, description, licence, input, output: Output::Numbers }
}

impl Subject {
	/// The bytes of one input, made of a file's.
	///
	/// # Errors
	///
	/// The file is none that is read in this way, or the model has no card that says how.
	pub fn input(&self, file: &[u8], reading: Reading) -> anyhow::Result<Vec<u8>> {
		match (reading, &self.card) {
			(Reading::Card, Some(card)) => Ok(card.input_of(&self.graph, &card.question(file)?)?),
			(Reading::Card, None) => {
				bail!("no card is known that says how this becomes an input: --as numbers, or --as tensor")
			}
			(Reading::Numbers, _) => self.elements(file),
			(Reading::Tensor, _) => {
				let card = stand_in(oda_cards::Input::Tensor);
				Ok(card.input_of(&self.graph, &Asked::Bytes(file))?)
			}
		}
	}

	/// The elements of the model's only input, which are numbers in a file.
	fn elements(&self, file: &[u8]) -> anyhow::Result<Vec<u8>> {
		let [tensor] = self.graph.inputs.as_slice() else {
			bail!("the model has {} inputs: --as tensor takes their bytes", self.graph.inputs.len());
		};
		let (shape, scale) = (tensor.shape.clone(), Scale::default());
		let card = stand_in(oda_cards::Input::Series { shape, scale });
		let asked = card.question(file)?;
		if let Asked::Numbers(numbers) = &asked {
			let (least, most) = (i64::from(tensor.dtype.min()), i64::from(tensor.dtype.max()));
			let beyond = (1..).zip(numbers).find(|(_, number)| !(least..=most).contains(*number));
			if let Some((place, number)) = beyond {
				bail!(
					"number {place} is {number}; an element of the model's input is from {least} to {most}"
				);
			}
		}
		Ok(card.input_of(&self.graph, &asked)?)
	}

	/// Reads an output.
	///
	/// # Errors
	///
	/// It is none of this model.
	pub fn answer(&self, output: &[u8]) -> Result<Answer, AnswerError> {
		match &self.card {
			Some(card) => card.answer_of(&self.graph, output),
			None => stand_in(oda_cards::Input::Tensor).answer_of(&self.graph, output),
		}
	}

	/// The bytes that a provider should make of an input; `None` if that is not known here.
	fn tensor(&self, input: &Input) -> Option<Vec<u8>> {
		let asked = match input {
			Input::Tensor(bytes) => return Some(bytes.clone()),
			Input::Png(file) => Asked::Png(file),
			Input::Bytes(bytes) => Asked::Bytes(bytes),
			Input::Numbers(numbers) => {
				// Beyond 2^53, neighbouring whole numbers are the same `f64`.
				let whole = |number: &f64| number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
				if !numbers.iter().all(whole) {
					return None;
				}
				Asked::Numbers(numbers.iter().map(|number| *number as i64).collect())
			}
		};
		self.card.as_ref()?.input_of(&self.graph, &asked).ok()
	}
}

/// A model's weights, some inputs one after the other, and the outputs that are said to be theirs.
#[derive(Clone, Copy)]
struct Run<'a> {
	graph: &'a Graph,
	weights: &'a [u8],
	inputs: &'a [u8],
	outputs: &'a [Vec<u8>],
	/// What running it may take.
	limit: Duration,
}

impl Run<'_> {
	/// The first input whose output is another.
	fn first_wrong(&self, engine: &Engine) -> Result<Option<usize>, EvaluationError> {
		let model = engine.load(self.graph, self.weights)?;
		let records = Records::inputs_only(self.graph, self.inputs)?;
		let started = Instant::now();
		let mut wrong = None;
		let ran = model.outputs(&records, |first, batch| {
			let outputs =
				batch.iter().map(|tensors| tensors.iter().flat_map(Tensor::to_le_bytes).collect::<Vec<u8>>());
			let differs = |(index, output): &(usize, Vec<u8>)| self.outputs.get(*index) != Some(output);
			wrong = (first..).zip(outputs).find(differs).map(|(index, _)| index);
			match wrong.is_some() || started.elapsed() > self.limit {
				true => ControlFlow::Break(()),
				false => ControlFlow::Continue(()),
			}
		});
		match ran {
			Err(EngineError::Cancelled) if wrong.is_none() => Err(EvaluationError::Timeout(self.limit)),
			Ok(()) | Err(EngineError::Cancelled) => Ok(wrong),
			Err(error) => Err(error.into()),
		}
	}

	/// The same with one input alone.
	fn only(&self, index: usize) -> Self {
		let each = self.graph.input_bytes() as usize;
		let (inputs, outputs) = (&self.inputs[index * each..][..each], &self.outputs[index..=index]);
		Self { inputs, outputs, ..*self }
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_evaluator::graph::{DType, Node, Op, TensorType, VERSION};
	use std::os::unix::fs::PermissionsExt;

	/// A model that gives back its only input of two elements.
	fn subject(dtype: DType, card: Option<&[u8]>) -> Subject {
		let tensor = TensorType::new(dtype, [2]);
		let node = Node { op: Op::Reshape, inputs: vec![0], output: tensor.clone() };
		let graph = Graph {
			version: VERSION,
			inputs: vec![tensor],
			params: vec![],
			nodes: vec![node],
			outputs: vec![1],
		};
		let card = card.map(|card| Card::parse(card).unwrap());
		let facts = Model { macs: 0, input: graph.input_bytes(), output: graph.output_bytes() };
		Subject { graph, card, facts, named: None, looked: Instant::now() }
	}

	const CARD: &[u8] = br#"{
		"title": "The greater one",
		"input": { "series": { "shape": [2], "scale": { "num": 1, "den": 10 } } },
		"output": { "classes": { "labels": ["first", "second"] } }
	}"#;

	#[test]
	fn a_file_is_read_as_the_card_says_or_as_one_is_told() {
		let subject = subject(DType::I8, Some(CARD));
		assert_eq!(subject.input(b"[120, 998]", Reading::Card).unwrap(), [12, 100]);
		assert_eq!(subject.input(b"[12, -1]", Reading::Numbers).unwrap(), [12, 255]);
		assert_eq!(subject.input(&[7, 8], Reading::Tensor).unwrap(), [7, 8]);
		assert!(matches!(subject.answer(&[7, 8]).unwrap(), Answer::Class { index: 1, .. }));
	}

	#[test]
	fn without_a_card_one_has_to_say_how_a_file_is_read() {
		let subject = subject(DType::U8, None);
		assert!(subject.input(b"1 2", Reading::Card).unwrap_err().to_string().contains("--as numbers"));
		assert_eq!(subject.input(b"1 255", Reading::Numbers).unwrap(), [1, 255]);
		assert_eq!(subject.answer(&[7, 200]).unwrap(), Answer::Numbers(vec![7, 200]));
		assert!(subject.tensor(&Input::Png(vec![1])).is_none());
	}

	#[test]
	fn each_file_that_is_no_input_has_its_own_error() {
		let subject = subject(DType::U8, None);
		for (file, reading, what) in [
			(&b"1 256"[..], Reading::Numbers, "number 2 is 256"),
			(&b"-1 0"[..], Reading::Numbers, "from 0 to 255"),
			(&b"1"[..], Reading::Numbers, "2 numbers, not with 1"),
			(&b"1 x"[..], Reading::Numbers, "number 2"),
			(&b"1"[..], Reading::Tensor, "2 bytes, not 1"),
		] {
			let error = subject.input(file, reading).unwrap_err().to_string();
			assert!(error.contains(what), "{error}");
		}
	}

	#[test]
	fn what_a_provider_should_make_of_an_input_follows_from_the_card() {
		let subject = subject(DType::I8, Some(CARD));
		assert_eq!(subject.tensor(&Input::Numbers(vec![120.0, 998.0])), Some(vec![12, 100]));
		assert_eq!(subject.tensor(&Input::Numbers(vec![0.5, 1.0])), None);
		assert_eq!(subject.tensor(&Input::Tensor(vec![1, 2])), Some(vec![1, 2]));
	}

	#[test]
	fn a_wrong_output_is_found_by_its_index() {
		let graph = subject(DType::I8, None).graph;
		let inputs = [1u8, 2, 3, 4, 5, 6];
		let run = |outputs: &[Vec<u8>], engine: &Engine| {
			let limit = Duration::from_secs(600);
			let run = Run { graph: &graph, weights: &[], inputs: &inputs, outputs, limit };
			let wrong = run.first_wrong(engine).unwrap();
			if let Some(index) = wrong {
				assert_eq!(run.only(index).first_wrong(engine).unwrap(), Some(0));
			}
			wrong
		};
		let mut outputs: Vec<Vec<u8>> = inputs.chunks(2).map(<[u8]>::to_vec).collect();
		let engine = Engine::reference(1);
		assert_eq!(run(&outputs, &engine), None);
		outputs[2][0] = 9;
		assert_eq!(run(&outputs, &engine), Some(2));
		outputs[1].pop();
		assert_eq!(run(&outputs, &engine), Some(1));
	}

	#[test]
	fn a_voucher_key_is_made_once_and_its_owner_alone_reads_it() {
		let folder = tempfile::tempdir().unwrap();
		let key = voucher_key(folder.path()).unwrap();
		assert_eq!(voucher_key(folder.path()).unwrap().account(), key.account());
		let mode = fs::metadata(folder.path().join("voucher.key")).unwrap().permissions().mode();
		assert_eq!(mode & 0o777, 0o600);
	}

	#[test]
	fn what_a_wallet_knows_of_a_chain_that_is_no_more_is_set_aside() {
		let base = tempfile::tempdir().unwrap();
		let mark = |genesis| ChainMark { genesis, number: 1, hash: [9; 32] };
		set_aside(base.path(), &mark([1; 32])).unwrap();
		let folder = base.path().join(WALLETS).join("5Grw");
		let wallet = |genesis| Wallet::open(&folder, genesis).unwrap();
		let channel = Channel {
			user: AccountId([1; 32]),
			provider: AccountId([2; 32]),
			model: [3; 32],
			key: AccountId([4; 32]),
			receipt_key: AccountId([5; 32]),
			price: oda_primitives::inference::Price { per_request: 1, per_mmac: 0 },
			deposit: 1,
			claimed: 0,
			grace: 1,
			receipts: 1,
			expires_at: 2,
			state: ChannelStatus::Open,
		};
		for genesis in [[1; 32], [2; 32]] {
			wallet(genesis).add(7, &channel, "http://localhost").unwrap();
		}
		set_aside(base.path(), &mark([1; 32])).unwrap();
		assert!(wallet([1; 32]).records().unwrap().is_empty());
		assert_eq!(wallet([2; 32]).records().unwrap().len(), 1);
		assert!(folder.join("earlier").exists());
	}
}
