//! Paid inference: offers, channels, one-shot requests and disputes.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, Receipt, View, Weight,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use generated::{
	bounded_collections::bounded_vec::BoundedVec,
	pallet_inference::types::{
		Channel as StoredChannel, ChannelState, Offer as StoredOffer, OfferedModel as StoredModel,
		Request as StoredRequest, RequestState, Shared as StoredShared, Terms as StoredTerms,
	},
	sp_runtime::MultiSignature,
};
use oda_primitives::{
	ChannelId, Closing, ModelId, RangeProof, Receipt as ServiceReceipt, RequestId, Tick, VersionId, Voucher,
	decimal, hexadecimal, inference::Price,
};
use serde::{Deserialize, Serialize};

/// A signature of a voucher, a closing or a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
	/// By an ed25519 key.
	Ed25519(#[serde(with = "hexadecimal")] [u8; 64]),
	/// By an sr25519 key.
	Sr25519(#[serde(with = "hexadecimal")] [u8; 64]),
}

impl From<Signed> for MultiSignature {
	fn from(signature: Signed) -> Self {
		match signature {
			Signed::Ed25519(bytes) => Self::Ed25519(bytes),
			Signed::Sr25519(bytes) => Self::Sr25519(bytes),
		}
	}
}

/// How long a provider takes, and asks to be given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct OfferTerms {
	/// Ticks between the user's wish to close a channel and its end.
	pub grace: Tick,
	/// Ticks in which a one-shot request is answered.
	pub answer: Tick,
}

impl From<OfferTerms> for StoredTerms {
	fn from(terms: OfferTerms) -> Self {
		Self { grace: terms.grace, answer: terms.answer }
	}
}

/// A model that a provider answers for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct OfferedModel {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// What an inference costs.
	pub price: Price,
}

/// What a provider offers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Offer {
	/// Where it answers: a URL.
	pub endpoint: String,
	/// The key that signs its receipts.
	pub key: AccountId,
	/// What it answers for.
	pub models: Vec<OfferedModel>,
	/// Its time limits.
	pub terms: OfferTerms,
	/// The most inputs of one request.
	pub max_count: u32,
}

impl Offer {
	/// The price of a model that is offered.
	pub fn price(&self, model: &ModelId) -> Option<Price> {
		self.models.iter().find(|offered| offered.model == *model).map(|offered| offered.price)
	}
}

impl<Ticket> From<StoredOffer<AccountId, Ticket>> for Offer {
	fn from(offer: StoredOffer<AccountId, Ticket>) -> Self {
		let models = offer.models.0.into_iter();
		Self {
			endpoint: String::from_utf8_lossy(&offer.endpoint.0).into_owned(),
			key: offer.key,
			models: models
				.map(|offered| OfferedModel { model: offered.model, price: offered.price.0 })
				.collect(),
			terms: OfferTerms { grace: offer.terms.grace, answer: offer.terms.answer },
			max_count: offer.max_count,
		}
	}
}

/// How far a channel is on its way to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelPhase {
	/// It pays.
	Open,
	/// The user has asked for its end, which anybody may bring about from this tick on.
	Closing(Tick),
	/// It has ended, and is kept until this tick for the receipts that name it.
	Closed(Tick),
}

/// A deposit of a user's for what one provider answers about one model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Channel {
	/// Its number.
	pub id: ChannelId,
	/// The account that pays.
	pub user: AccountId,
	/// The account that is paid.
	pub provider: AccountId,
	/// What is asked.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The key that signs vouchers.
	pub key: AccountId,
	/// The key that signs receipts.
	pub receipt_key: AccountId,
	/// The price when it was opened.
	pub price: Price,
	/// Everything that was ever put in.
	#[serde(with = "decimal")]
	pub deposit: Balance,
	/// Everything that was ever claimed.
	#[serde(with = "decimal")]
	pub claimed: Balance,
	/// Ticks between the user's wish to close it and its end.
	pub grace: Tick,
	/// For how many ticks its receipts are to be good.
	pub receipts: Tick,
	/// The first tick at which anybody may end it without notice.
	pub expires_at: Tick,
	/// How far it is on its way to its end.
	pub phase: ChannelPhase,
}

impl Channel {
	fn stored<Ticket>(id: ChannelId, channel: StoredChannel<AccountId, Balance, Ticket>) -> Self {
		Self {
			id,
			user: channel.user,
			provider: channel.provider,
			model: channel.model,
			key: channel.key,
			receipt_key: channel.receipt_key,
			price: channel.price.0,
			deposit: channel.deposit,
			claimed: channel.claimed,
			grace: channel.grace,
			receipts: channel.receipts,
			expires_at: channel.expires_at,
			phase: match channel.state {
				ChannelState::Open => ChannelPhase::Open,
				ChannelState::Closing { at } => ChannelPhase::Closing(at),
				ChannelState::Closed { until } => ChannelPhase::Closed(until),
			},
		}
	}

	/// The tick at which anybody may end it; `None` if it has ended.
	pub fn ends_at(&self) -> Option<Tick> {
		match self.phase {
			ChannelPhase::Open => Some(self.expires_at),
			ChannelPhase::Closing(at) => Some(at.min(self.expires_at)),
			ChannelPhase::Closed(_) => None,
		}
	}
}

/// How far a one-shot request has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OneShotPhase {
	/// It can be answered until this tick.
	Asked(Tick),
	/// A version has answered, which can be disputed until this tick.
	Answered(VersionId, Tick),
}

/// A request whose price is in escrow and whose answer is on chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OneShot {
	/// Its number.
	pub id: RequestId,
	/// The account that pays.
	pub user: AccountId,
	/// The account that is asked.
	pub provider: AccountId,
	/// What is asked.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The head when it was asked: nothing older answers it.
	pub version: VersionId,
	/// The key that signs the receipt.
	pub receipt_key: AccountId,
	/// The root of the inputs.
	#[serde(with = "hexadecimal")]
	pub input: [u8; 32],
	/// The number of inputs.
	pub count: u32,
	/// What is in escrow.
	#[serde(with = "decimal")]
	pub price: Balance,
	/// Ticks for which an answer can be disputed.
	pub dispute: Tick,
	/// How far it has come.
	pub phase: OneShotPhase,
}

impl OneShot {
	fn stored<Ticket>(id: RequestId, request: StoredRequest<AccountId, Balance, Ticket>) -> Self {
		Self {
			id,
			user: request.user,
			provider: request.provider,
			model: request.model,
			version: request.version,
			receipt_key: request.receipt_key,
			input: request.input,
			count: request.count,
			price: request.price,
			dispute: request.dispute,
			phase: match request.state {
				RequestState::Asked { until } => OneShotPhase::Asked(until),
				RequestState::Answered { version, until } => OneShotPhase::Answered(version, until),
			},
		}
	}
}

/// Who got what of a fee.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct FeeParts {
	/// The provider.
	#[serde(with = "decimal")]
	pub provider: Balance,
	/// The trainer.
	#[serde(with = "decimal")]
	pub trainer: Balance,
	/// The trainers of the models that it descends from.
	#[serde(with = "decimal")]
	pub royalty: Balance,
	/// The block author.
	#[serde(with = "decimal")]
	pub author: Balance,
	/// The treasury.
	#[serde(with = "decimal")]
	pub treasury: Balance,
	/// The model's storage account.
	#[serde(with = "decimal")]
	pub storage: Balance,
	/// Nobody.
	#[serde(with = "decimal")]
	pub burned: Balance,
}

impl From<StoredShared<Balance>> for FeeParts {
	fn from(shared: StoredShared<Balance>) -> Self {
		let StoredShared { provider, trainer, royalty, author, treasury, storage, burned } = shared;
		Self { provider, trainer, royalty, author, treasury, storage, burned }
	}
}

/// What the court found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
	/// The provider signed something wrong.
	Misserved {
		/// What its stake lost.
		#[serde(with = "decimal")]
		slashed: Balance,
		/// What of it the user was given.
		#[serde(with = "decimal")]
		refunded: Balance,
	},
	/// The output is right.
	Failed {
		/// The user's bond, which was burned.
		#[serde(with = "decimal")]
		burned: Balance,
	},
}

/// What a dispute shows the court.
#[derive(Clone, Debug)]
pub struct Evidence {
	/// What the provider signed.
	pub receipt: ServiceReceipt,
	/// Its signature.
	pub signature: Signed,
	/// The index of the input.
	pub index: u32,
	/// The input, proved against the root of all inputs.
	pub input: RangeProof,
	/// Its outputs, proved against the root of all outputs.
	pub output: RangeProof,
	/// The weights, whole.
	pub weights: Vec<u8>,
	/// What the court takes: [`View::dispute_cost`].
	pub cost: Weight,
}

/// What the chain asks of paid inference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct InferenceTerms {
	/// What a provider has of its own at stake at least, and loses for a wrong answer.
	#[serde(with = "decimal")]
	pub receipt_slash: Balance,
	/// Ticks for which a channel's receipts have to be good.
	pub receipt_life: Tick,
	/// Ticks for which the answer to a one-shot request can be disputed.
	pub answer_dispute: Tick,
	/// The shortest grace period, in ticks.
	pub min_grace: Tick,
	/// The longest grace period, and the longest time to answer a one-shot request, in ticks.
	pub max_grace: Tick,
	/// The longest term of a channel, in ticks.
	pub max_term: Tick,
	/// The least deposit of a channel.
	#[serde(with = "decimal")]
	pub min_deposit: Balance,
	/// The most models of an offer.
	pub max_models: u32,
	/// The most vouchers of one claim.
	pub max_claims: u32,
}

impl View {
	/// What the chain asks of paid inference.
	pub async fn inference_terms(&self) -> Result<InferenceTerms, ChainError> {
		use generated::oda_runtime::parameters::{RuntimeParametersValue, governed};
		let values = entries!(self, runtime::storage().parameters().parameters(), |_key, value| value);
		macro_rules! governed {
			($name:ident) => {
				values
					.iter()
					.find_map(|value| match value {
						RuntimeParametersValue::Inference(governed::inference::ParametersValue::$name(
							value,
						)) => Some(*value),
						_ => None,
					})
					.ok_or(ChainError::Missing(stringify!($name)))?
			};
		}
		let constants = runtime::constants().inference();
		macro_rules! constant {
			($name:ident) => {
				self.at.constants().entry(constants.$name()).map_err(node)?
			};
		}
		Ok(InferenceTerms {
			receipt_slash: governed!(ReceiptSlash),
			receipt_life: governed!(ReceiptLife),
			answer_dispute: governed!(AnswerDispute),
			min_grace: governed!(MinGrace),
			max_grace: constant!(max_grace),
			max_term: constant!(max_term),
			min_deposit: governed!(MinDeposit),
			max_models: constant!(max_models),
			max_claims: constant!(max_claims),
		})
	}

	/// What a provider offers.
	pub async fn offer(&self, provider: &AccountId) -> Result<Option<Offer>, ChainError> {
		Ok(get!(self, runtime::storage().inference().offers(), *provider).map(Offer::from))
	}

	/// What all providers offer, in no order.
	pub async fn offers(&self) -> Result<Vec<(AccountId, Offer)>, ChainError> {
		let address = runtime::storage().inference().offers();
		Ok(entries!(self, address, |key, offer| (key.0, Offer::from(offer))))
	}

	/// What a request of so many inputs costs at a provider; `None` if it does not offer the model, lacks the stake that
	/// an offer needs, or the model is not active: then no channel can be opened.
	pub async fn inference_price(
		&self,
		provider: &AccountId,
		model: ModelId,
		count: u32,
	) -> Result<Option<Balance>, ChainError> {
		self.ask(runtime::view_functions().inference().price(*provider, model, count)).await
	}

	/// A channel; `None` if there is none of this number, or it has been removed.
	pub async fn channel(&self, id: ChannelId) -> Result<Option<Channel>, ChainError> {
		let stored = get!(self, runtime::storage().inference().channels(), id);
		Ok(stored.map(|channel| Channel::stored(id, channel)))
	}

	/// All channels, in no order.
	pub async fn channels(&self) -> Result<Vec<Channel>, ChainError> {
		let address = runtime::storage().inference().channels();
		Ok(entries!(self, address, |key, channel| Channel::stored(key.0, channel)))
	}

	/// A one-shot request; `None` if there is none of this number, or it has ended.
	pub async fn one_shot(&self, id: RequestId) -> Result<Option<OneShot>, ChainError> {
		let stored = get!(self, runtime::storage().inference().requests(), id);
		Ok(stored.map(|request| OneShot::stored(id, request)))
	}

	/// All one-shot requests that have not ended, in no order.
	pub async fn one_shots(&self) -> Result<Vec<OneShot>, ChainError> {
		let address = runtime::storage().inference().requests();
		Ok(entries!(self, address, |key, request| OneShot::stored(key.0, request)))
	}

	/// What the court takes for a receipt of a model.
	pub async fn dispute_cost(&self, model: ModelId) -> Result<Option<Weight>, ChainError> {
		let weight = self.ask(runtime::view_functions().inference().dispute_cost(model)).await?;
		Ok(weight.map(|weight| Weight { ref_time: weight.ref_time, proof_size: weight.proof_size }))
	}

	/// The inputs of the one-shot requests made in this block.
	pub async fn one_shot_inputs(&self) -> Result<Vec<(RequestId, Vec<u8>)>, ChainError> {
		let events = self.at.events().fetch().await.map_err(node)?;
		let requested = events.find::<runtime::inference::events::Requested>();
		requested.map(|event| event.map(|event| (event.request, event.input)).map_err(node)).collect()
	}

	/// The answers to one-shot requests in this block, with their outputs.
	pub async fn one_shot_answers(&self) -> Result<Vec<(ServiceReceipt, Vec<u8>)>, ChainError> {
		let events = self.at.events().fetch().await.map_err(node)?;
		let answered = events.find::<runtime::inference::events::Answered>();
		answered.map(|event| event.map(|event| (event.receipt.0, event.output)).map_err(node)).collect()
	}
}

impl Chain {
	/// Publishes what the account answers for, or changes it.
	pub fn set_offer(&self, key: &Key, offer: &Offer) -> Call {
		let models = offer.models.iter();
		let models =
			models.map(|offered| StoredModel { model: offered.model, price: offered.price.into() }).collect();
		let endpoint = BoundedVec(offer.endpoint.clone().into_bytes());
		let (models, terms) = (BoundedVec(models), offer.terms.into());
		let call = runtime::transactions().inference().set_offer(
			endpoint,
			offer.key,
			models,
			terms,
			offer.max_count,
		);
		self.submit(key, call)
	}

	/// Withdraws the account's offer.
	pub fn remove_offer(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().inference().remove_offer())
	}

	/// Opens a channel for `term` ticks; its number. `voucher_key` signs its vouchers, the account's own key by default.
	#[allow(clippy::too_many_arguments, reason = "what a channel consists of")]
	pub fn open_channel(
		&self,
		key: &Key,
		provider: AccountId,
		model: ModelId,
		deposit: Balance,
		voucher_key: Option<AccountId>,
		terms: OfferTerms,
		term: Tick,
	) -> Call<(ChannelId, Receipt)> {
		let inference = runtime::transactions().inference();
		let call = inference.open(provider, model, deposit, voucher_key, terms.into(), term);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::inference::events::Opened>()?;
			let event = event.ok_or(ChainError::Missing("the event of a channel"))?;
			Ok((event.channel, receipt))
		})
	}

	/// Puts more into a channel.
	pub fn top_up_channel(&self, key: &Key, channel: ChannelId, amount: Balance) -> Call {
		self.submit(key, runtime::transactions().inference().top_up(channel, amount))
	}

	/// Redeems vouchers of any channels; who got what of each that was redeemed, by channel.
	pub fn claim_vouchers(
		&self,
		key: &Key,
		vouchers: Vec<(Voucher, Signed)>,
	) -> Call<(Vec<(ChannelId, FeeParts)>, Receipt)> {
		let vouchers = vouchers.into_iter();
		let vouchers = vouchers.map(|(voucher, signature)| (voucher.into(), signature.into())).collect();
		let call = runtime::transactions().inference().claim(BoundedVec(vouchers));
		self.signed(key, call, |receipt| {
			let claimed = receipt.all::<runtime::inference::events::Claimed>()?;
			Ok((claimed.into_iter().map(|event| (event.channel, event.shared.into())).collect(), receipt))
		})
	}

	/// Ends a channel, as its provider, with a last voucher.
	pub fn close_channel(&self, key: &Key, channel: ChannelId, last: Option<(Voucher, Signed)>) -> Call {
		let last = last.map(|(voucher, signature)| (voucher.into(), signature.into()));
		self.submit(key, runtime::transactions().inference().close(channel, last))
	}

	/// Ends a channel as user and provider agreed.
	pub fn close_channel_agreed(
		&self,
		key: &Key,
		closing: Closing,
		of_user: Signed,
		of_provider: Signed,
	) -> Call {
		let inference = runtime::transactions().inference();
		self.submit(key, inference.close_agreed(closing.into(), of_user.into(), of_provider.into()))
	}

	/// Asks for a channel's end, as its user; the tick at which it can be [finished](Self::finish_channel).
	pub fn begin_close_channel(&self, key: &Key, channel: ChannelId) -> Call<(Tick, Receipt)> {
		let call = runtime::transactions().inference().begin_close(channel);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::inference::events::CloseBegun>()?;
			let event = event.ok_or(ChainError::Missing("the event of a channel that closes"))?;
			Ok((event.at, receipt))
		})
	}

	/// Ends a channel whose grace period or term has passed; anybody may.
	pub fn finish_channel(&self, key: &Key, channel: ChannelId) -> Call {
		self.submit(key, runtime::transactions().inference().finish_close(channel))
	}

	/// Removes a closed channel whose receipts are too old; anybody may.
	pub fn remove_channel(&self, key: &Key, channel: ChannelId) -> Call {
		self.submit(key, runtime::transactions().inference().remove(channel))
	}

	/// Asks a provider on chain; the request's number and what is in escrow.
	pub fn request_inference(
		&self,
		key: &Key,
		provider: AccountId,
		model: ModelId,
		input: Vec<u8>,
		count: u32,
		limit: Balance,
	) -> Call<(RequestId, Balance, Receipt)> {
		let inference = runtime::transactions().inference();
		let call = inference.request(provider, model, BoundedVec(input), count, limit);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::inference::events::Requested>()?;
			let event = event.ok_or(ChainError::Missing("the event of a request"))?;
			Ok((event.request, event.price, receipt))
		})
	}

	/// Answers a one-shot request.
	pub fn answer_request(
		&self,
		key: &Key,
		request: RequestId,
		version: VersionId,
		output: Vec<u8>,
		expires: Tick,
		signature: Signed,
	) -> Call {
		let inference = runtime::transactions().inference();
		self.submit(key, inference.answer(request, version, BoundedVec(output), expires, signature.into()))
	}

	/// Ends a one-shot request that is due; anybody may.
	pub fn settle_request(&self, key: &Key, request: RequestId) -> Call {
		self.submit(key, runtime::transactions().inference().settle(request))
	}

	/// Takes a receipt to court.
	pub fn dispute(&self, key: &Key, evidence: Evidence) -> Call<(DisputeOutcome, Receipt)> {
		let cost = generated::sp_weights::weight_v2::Weight {
			ref_time: evidence.cost.ref_time,
			proof_size: evidence.cost.proof_size,
		};
		let call = runtime::transactions().inference().dispute(
			evidence.receipt.into(),
			evidence.signature.into(),
			evidence.index,
			evidence.input.into(),
			evidence.output.into(),
			BoundedVec(evidence.weights),
			cost,
		);
		self.signed(key, call, |receipt| {
			use runtime::inference::events;
			if let Some(event) = receipt.find::<events::Misserved>()? {
				let (slashed, refunded) = (event.slashed, event.refunded);
				return Ok((DisputeOutcome::Misserved { slashed, refunded }, receipt));
			}
			let event = receipt.find::<events::DisputeFailed>()?;
			let event = event.ok_or(ChainError::Missing("the event of a dispute"))?;
			Ok((DisputeOutcome::Failed { burned: event.burned }, receipt))
		})
	}
}

impl Key {
	/// Signs a message for the chain, or for a provider or user to take there.
	pub fn signed(&self, message: &[u8]) -> Signed {
		Signed::Sr25519(self.sign(message))
	}
}
