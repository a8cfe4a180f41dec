//! Whether an answer is what was paid for, and whether what a provider says of a channel is true.
//!
//! An answer that passes can be taken to court: the provider has signed which weights made which output of
//! which input. One that does not pass is worth nothing, and its provider is not paid again.

use crate::api::{Charged, InferAnswer, InferRequest, Input, SignedVoucher};
use oda_client::AccountId;
use oda_primitives::{
	BlobRef, ModelId, Tick, VersionId,
	inference::{ChannelId, Payment, Voucher, request_hash},
};

/// Ticks by which a provider's node may be behind the user's without its receipts being taken for too short.
pub const BEHIND: Tick = 16;

/// What an answer has to be.
pub struct Expected<'a> {
	/// The hash of block 0.
	pub genesis: &'a [u8; 32],
	/// The key that signs the channel's receipts.
	pub receipt_key: &'a AccountId,
	/// What it was paid with.
	pub paid: &'a SignedVoucher,
	/// What was asked.
	pub request: &'a InferRequest,
	/// The root of the weights of the voucher's version.
	pub weights: &'a [u8; 32],
	/// Bytes of one input.
	pub input: u64,
	/// Bytes of one output.
	pub output: u64,
	/// The most that it may cost, in planck.
	pub price: u128,
	/// The first tick at which the receipt may be no evidence any more.
	pub expires: Tick,
	/// What bytes an input is made into, where one knows.
	pub encode: &'a dyn Fn(&Input) -> Option<Vec<u8>>,
}

/// What is wrong with an answer, or with what a provider says of a channel. The provider gets no voucher any
/// more.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Wrong {
	/// It is JSON, but no answer.
	#[error("the answer cannot be read: {0}")]
	Unreadable(String),
	/// The receipt key did not sign the receipt for this chain.
	#[error("the receipt is not signed by the channel's receipt key for this chain")]
	Signature,
	/// The receipt is paid from something else.
	#[error("the receipt is paid from {0:?}, not from this channel")]
	Payment(Payment),
	/// The receipt is for another request of the channel.
	#[error("the receipt is for request {got}, not for {asked}")]
	Nonce {
		/// The receipt's nonce.
		got: u64,
		/// The voucher's.
		asked: u64,
	},
	/// Another model answered.
	#[error("another model answered")]
	Model,
	/// Another version answered than was paid for.
	#[error("version {got} answered, version {asked} was paid for")]
	Version {
		/// The answer's.
		got: VersionId,
		/// The voucher's.
		asked: VersionId,
	},
	/// The receipt names other weights than the version has on chain.
	#[error("the receipt names other weights than the version has on chain")]
	Weights,
	/// The receipt is for another number of inputs.
	#[error("the receipt is for {got} inputs, not for {asked}")]
	Count {
		/// The receipt's.
		got: u32,
		/// The request's.
		asked: usize,
	},
	/// The receipt is for another request.
	#[error("the receipt names another request")]
	Request,
	/// It costs more than agreed.
	#[error("the receipt says {price} planck, more than the {agreed} that were agreed")]
	Price {
		/// The receipt's.
		price: u128,
		/// The most that it may cost.
		agreed: u128,
	},
	/// The receipt is evidence for too short a time.
	#[error("the receipt is evidence until tick {expires}, but has to be until {needed}")]
	Expires {
		/// The receipt's.
		expires: Tick,
		/// What the channel says.
		needed: Tick,
	},
	/// The inputs have another length.
	#[error("the inputs have {got} bytes, not {needed}")]
	InputLength {
		/// The answer's.
		got: usize,
		/// What the model and the number of inputs say.
		needed: u64,
	},
	/// The receipt is for other inputs than the answer shows.
	#[error("the receipt is for other inputs than the answer shows")]
	InputRoot,
	/// An input is not the one that was asked.
	#[error("input {0} is not the one that was asked")]
	OtherInput(usize),
	/// There is not one answer for each input.
	#[error("there are {got} answers to {asked} inputs")]
	Answers {
		/// The answers.
		got: usize,
		/// The inputs.
		asked: usize,
	},
	/// An output has another length.
	#[error("output {index} has {got} bytes, not {needed}")]
	OutputLength {
		/// Which one.
		index: usize,
		/// The answer's.
		got: usize,
		/// What the model says.
		needed: u64,
	},
	/// The receipt is for other outputs than the answer shows.
	#[error("the receipt is for other outputs than the answer shows")]
	OutputRoot,
	/// The provider says that it is owed more, and shows no voucher.
	#[error("the provider says that the channel was charged {0} planck, without a voucher")]
	Unproven(u128),
	/// The provider shows a voucher that the user's key did not sign for this channel and chain.
	#[error("the provider claims a voucher that we never signed")]
	NeverSigned,
	/// The provider says that it is owed more than the voucher that it shows.
	#[error("the provider says that the channel was charged {spent} planck, its voucher promises {promised}")]
	BeyondVoucher {
		/// What the provider says.
		spent: u128,
		/// What the voucher says.
		promised: u128,
	},
	/// The provider says that it was paid for a request that it has not answered.
	#[error("the provider charged request {0} without answering it")]
	Unanswered(u64),
}

/// Checks an answer. Returns the number of inputs of which only the provider knows how they were made into
/// bytes: they are not tensors, and `encode` knows nothing of them.
///
/// # Errors
///
/// The first thing that is [`Wrong`].
pub fn check(answer: &InferAnswer, expected: &Expected<'_>) -> Result<usize, Wrong> {
	let InferAnswer { receipt, signature, .. } = answer;
	if !signature.verify(&receipt.message(expected.genesis), expected.receipt_key) {
		return Err(Wrong::Signature);
	}
	let voucher = &expected.paid.voucher;
	if receipt.payment != Payment::Channel(voucher.channel) {
		return Err(Wrong::Payment(receipt.payment));
	}
	if receipt.nonce != voucher.nonce {
		return Err(Wrong::Nonce { got: receipt.nonce, asked: voucher.nonce });
	}
	if answer.model != expected.request.model {
		return Err(Wrong::Model);
	}
	if answer.version != voucher.version {
		return Err(Wrong::Version { got: answer.version, asked: voucher.version });
	}
	if receipt.weights != *expected.weights {
		return Err(Wrong::Weights);
	}
	if receipt.price > expected.price {
		return Err(Wrong::Price { price: receipt.price, agreed: expected.price });
	}
	if receipt.expires.saturating_add(BEHIND) < expected.expires {
		return Err(Wrong::Expires { expires: receipt.expires, needed: expected.expires });
	}
	let unknown = check_inputs(answer, expected)?;
	check_outputs(answer, expected)?;
	Ok(unknown)
}

fn check_inputs(answer: &InferAnswer, expected: &Expected<'_>) -> Result<usize, Wrong> {
	let receipt = &answer.receipt;
	let inputs = &expected.request.inputs;
	if usize::try_from(receipt.count) != Ok(inputs.len()) {
		return Err(Wrong::Count { got: receipt.count, asked: inputs.len() });
	}
	let model: &ModelId = &expected.request.model;
	if receipt.request != request_hash(model, &receipt.input, receipt.count) {
		return Err(Wrong::Request);
	}
	let got = answer.input.len();
	let needed = expected.input.saturating_mul(receipt.count.into());
	if u64::try_from(got) != Ok(needed) {
		return Err(Wrong::InputLength { got, needed });
	}
	if BlobRef::of(&answer.input).root != receipt.input {
		return Err(Wrong::InputRoot);
	}
	let mut unknown = 0usize;
	// A graph has inputs, and each has bytes.
	let each = usize::try_from(expected.input).unwrap_or(usize::MAX).max(1);
	for (index, (input, bytes)) in inputs.iter().zip(answer.input.chunks(each)).enumerate() {
		let asked = match input {
			Input::Tensor(tensor) => Some(tensor.clone()),
			other => (expected.encode)(other),
		};
		match asked {
			Some(asked) if asked != bytes => return Err(Wrong::OtherInput(index)),
			Some(_) => {}
			None => unknown = unknown.saturating_add(1),
		}
	}
	Ok(unknown)
}

fn check_outputs(answer: &InferAnswer, expected: &Expected<'_>) -> Result<(), Wrong> {
	let (got, asked) = (answer.answers.len(), expected.request.inputs.len());
	if got != asked {
		return Err(Wrong::Answers { got, asked });
	}
	let needed = expected.output;
	for (index, answer) in answer.answers.iter().enumerate() {
		let got = answer.output.len();
		if u64::try_from(got) != Ok(needed) {
			return Err(Wrong::OutputLength { index, got, needed });
		}
	}
	if BlobRef::of(&answer.outputs()).root != answer.receipt.output {
		return Err(Wrong::OutputRoot);
	}
	Ok(())
}

/// What follows from what a provider says that a channel was charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
	/// Nothing that was not known.
	None,
	/// The user did sign a voucher that it has forgotten, or for which it never saw an answer: this is where
	/// to go on.
	Known {
		/// What was charged, in planck.
		spent: u128,
		/// The highest voucher.
		last: SignedVoucher,
	},
}

/// What a user knows of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<'a> {
	/// The hash of block 0.
	pub genesis: &'a [u8; 32],
	/// The channel.
	pub channel: ChannelId,
	/// The user's voucher key.
	pub key: &'a AccountId,
	/// What was charged, in planck.
	pub spent: u128,
	/// The last voucher.
	pub last: Option<&'a SignedVoucher>,
	/// Whether the last voucher pays for a request that has no answer yet.
	pub waits: bool,
	/// Vouchers whose requests the provider refused.
	pub refused: &'a [Voucher],
}

/// Checks what a provider says that a channel was charged. Nothing is believed but what the user's own key
/// has signed.
///
/// # Errors
///
/// What is [`Wrong`].
pub fn check_charge(charged: &Charged, known: &Known<'_>) -> Result<News, Wrong> {
	let more = charged.spent > known.spent;
	let Some(last) = charged.last else {
		return if more { Err(Wrong::Unproven(charged.spent)) } else { Ok(News::None) };
	};
	let ours = known.last.map(|last| last.voucher);
	// One's own words need no signature. Schnorrkel's are not the same twice.
	let genuine = ours == Some(last.voucher)
		|| last.voucher.channel == known.channel && last.is_by(known.key, known.genesis);
	if !genuine {
		return Err(Wrong::NeverSigned);
	}
	if charged.spent > last.voucher.amount {
		return Err(Wrong::BeyondVoucher { spent: charged.spent, promised: last.voucher.amount });
	}
	let unanswered = known.waits && ours == Some(last.voucher) || known.refused.contains(&last.voucher);
	if more && unanswered {
		return Err(Wrong::Unanswered(last.voucher.nonce));
	}
	let newer = ours.is_none_or(|ours| last.voucher.nonce > ours.nonce || last.voucher.amount > ours.amount);
	if !more && !newer {
		return Ok(News::None);
	}
	let last = if newer { last } else { known.last.copied().unwrap_or(last) };
	Ok(News::Known { spent: charged.spent.max(known.spent), last })
}
