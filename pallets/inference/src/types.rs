//! What the pallet keeps of offers, channels and one-shot requests.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_primitives::{ModelId, Tick, VersionId, inference::Price};
use polkadot_sdk::{
	frame_support::{BoundedVec, traits::ConstU32},
	sp_runtime::{Perbill, traits::Zero},
};
use scale_info::TypeInfo;

/// The most bytes that the inputs, or the outputs, of a one-shot request have: they are a part of the block.
pub const MAX_INLINE_BYTES: u32 = 64 * 1024;

/// The most bytes of an endpoint.
pub const MAX_ENDPOINT_BYTES: u32 = 256;

/// The most bytes of weights that a dispute shows: what registration admits.
pub const MAX_WEIGHT_BYTES: u32 = 2 * 1024 * 1024;

/// Where a provider answers: a URL.
pub type Endpoint = BoundedVec<u8, ConstU32<MAX_ENDPOINT_BYTES>>;

/// The inputs or the outputs of a one-shot request, one after the other.
pub type InlineBytes = BoundedVec<u8, ConstU32<MAX_INLINE_BYTES>>;

/// A model's weights, as a dispute shows them.
pub type WeightBytes = BoundedVec<u8, ConstU32<MAX_WEIGHT_BYTES>>;

/// How long a provider takes, and asks to be given.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Terms {
	/// Ticks between the user's wish to close a channel and its end, in which the provider claims its last voucher.
	pub grace: Tick,
	/// Ticks in which a one-shot request is answered.
	pub answer: Tick,
}

/// A model that a provider answers for, and what it takes for that.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OfferedModel {
	/// The model.
	pub model: ModelId,
	/// What an inference costs.
	pub price: Price,
}

/// What a provider offers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(MaxModels))]
pub struct Offer<AccountId, Ticket, MaxModels: polkadot_sdk::frame_support::traits::Get<u32>> {
	/// Where it answers.
	pub endpoint: Endpoint,
	/// The key that signs its receipts.
	pub key: AccountId,
	/// What it answers for.
	pub models: BoundedVec<OfferedModel, MaxModels>,
	/// Its time limits.
	pub terms: Terms,
	/// The most inputs of one request.
	pub max_count: u32,
	/// The provider's deposit for the offer.
	pub ticket: Ticket,
}

/// How far a channel is on its way to its end.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ChannelState {
	/// It pays.
	#[codec(index = 0)]
	Open,
	/// The user has asked for its end.
	#[codec(index = 1)]
	Closing {
		/// The first tick at which anybody may finish it. Until somebody does, vouchers are paid.
		at: Tick,
	},
	/// What was left has gone back to the user. It is kept for the receipts that name it.
	#[codec(index = 2)]
	Closed {
		/// The first tick at which anybody may remove it.
		until: Tick,
	},
}

/// A deposit of a user's for what one provider answers about one model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Channel<AccountId, Balance, Ticket> {
	/// The account that pays.
	pub user: AccountId,
	/// The account that is paid.
	pub provider: AccountId,
	/// What is asked.
	pub model: ModelId,
	/// The key that signs vouchers and closings for the user.
	pub key: AccountId,
	/// The key that signed the provider's receipts and closings when the channel was opened.
	pub receipt_key: AccountId,
	/// The price when the channel was opened.
	pub price: Price,
	/// Everything that was ever put in, in planck.
	pub deposit: Balance,
	/// Everything that was ever claimed, in planck; never more than the deposit.
	pub claimed: Balance,
	/// Ticks between the user's wish to close it and its end.
	pub grace: Tick,
	/// For how many ticks its receipts are to be good, and it is kept after its end.
	pub receipts: Tick,
	/// The first tick at which anybody may end it, without notice.
	pub expires_at: Tick,
	/// How far it is on its way to its end.
	pub state: ChannelState,
	/// The user's deposit for the entry.
	pub ticket: Ticket,
}

impl<AccountId, Balance, Ticket> Channel<AccountId, Balance, Ticket> {
	/// Whether money of the user's is still on hold for it.
	pub fn is_live(&self) -> bool {
		!matches!(self.state, ChannelState::Closed { .. })
	}

	/// Whether anybody may end it at this tick.
	pub fn is_over(&self, now: Tick) -> bool {
		match self.state {
			ChannelState::Open => now >= self.expires_at,
			ChannelState::Closing { at } => now >= at.min(self.expires_at),
			ChannelState::Closed { .. } => true,
		}
	}
}

/// How far a one-shot request has come.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RequestState {
	/// It waits for the provider.
	#[codec(index = 0)]
	Asked {
		/// The first tick at which it is too late to answer.
		until: Tick,
	},
	/// The provider has answered.
	#[codec(index = 1)]
	Answered {
		/// The version that answered.
		version: VersionId,
		/// The first tick at which the answer cannot be disputed any more and is paid.
		until: Tick,
	},
}

/// A request whose price is in escrow and whose answer is on chain.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Request<AccountId, Balance, Ticket> {
	/// The account that pays.
	pub user: AccountId,
	/// The account that is paid.
	pub provider: AccountId,
	/// What is asked.
	pub model: ModelId,
	/// The head when it was asked: nothing older answers it.
	pub version: VersionId,
	/// The key that signs the provider's receipt.
	pub receipt_key: AccountId,
	/// The root of the inputs, one after the other.
	pub input: [u8; 32],
	/// The number of inputs.
	pub count: u32,
	/// What is in escrow, in planck.
	pub price: Balance,
	/// Ticks for which an answer can be disputed.
	pub dispute: Tick,
	/// How far it has come.
	pub state: RequestState,
	/// The user's deposit for the entry.
	pub ticket: Ticket,
}

/// Who has which part of every fee. What is left of the whole is burned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Split {
	/// The provider's.
	pub provider: Perbill,
	/// That of the trainer of the version that answered.
	pub trainer: Perbill,
	/// That of the trainers of the models that it descends from: each has half of what the nearer ones left, the last all of it.
	/// The version's own trainer has it where it descends from none.
	pub royalty: Perbill,
	/// The block author's.
	pub author: Perbill,
	/// The treasury's.
	pub treasury: Perbill,
	/// That of the model's storage account.
	pub storage: Perbill,
}

impl Split {
	/// Whether the parts are no more than the whole.
	pub fn fits(&self) -> bool {
		let Self { provider, trainer, royalty, author, treasury, storage } = *self;
		[trainer, royalty, author, treasury, storage]
			.into_iter()
			.try_fold(provider, |sum, part| {
				polkadot_sdk::sp_runtime::traits::CheckedAdd::checked_add(&sum, &part)
			})
			.is_some_and(|sum| sum <= Perbill::one())
	}
}

/// What became of a fee, in planck. The parts are the whole.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Shared<Balance> {
	/// What the provider has.
	pub provider: Balance,
	/// What the trainer has.
	pub trainer: Balance,
	/// What the trainers have whose models this one descends from.
	pub royalty: Balance,
	/// What the block author has.
	pub author: Balance,
	/// What the treasury has, with what others could not hold.
	pub treasury: Balance,
	/// What the model's storage account has.
	pub storage: Balance,
	/// What is burned, roundings included.
	pub burned: Balance,
}

impl<Balance: Zero> Shared<Balance> {
	/// Nothing for anybody.
	pub fn nothing() -> Self {
		let [provider, trainer, royalty, author, treasury, storage, burned] =
			core::array::from_fn(|_| Balance::zero());
		Self { provider, trainer, royalty, author, treasury, storage, burned }
	}
}
