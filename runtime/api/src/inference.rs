//! Paid inference, as somebody sees it who asks for it.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use oda_primitives::{
	ModelId, Tick, VersionId,
	inference::{Price, Receipt, RequestId},
};
use polkadot_sdk::sp_runtime::MultiSignature;
use scale_info::TypeInfo;

/// What a provider offers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct OfferOverview<AccountId> {
	/// The account that is paid.
	pub provider: AccountId,
	/// The key that signs its receipts.
	pub receipt_key: AccountId,
	/// Where it answers: a URL.
	pub endpoint: Vec<u8>,
	/// The models that it answers for, and what an inference costs.
	pub models: Vec<(ModelId, Price)>,
	/// Ticks between a user's wish to close a channel and its end.
	pub grace: Tick,
	/// Ticks in which a one-shot request is answered.
	pub answer: Tick,
	/// The most inputs of one request.
	pub max_count: u32,
}

/// A channel.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ChannelOverview<AccountId, Balance> {
	/// The account that pays.
	pub user: AccountId,
	/// The account that is paid.
	pub provider: AccountId,
	/// What is asked.
	pub model: ModelId,
	/// The key that signs vouchers and closings for the user.
	pub voucher_key: AccountId,
	/// The key that signs the provider's receipts and closings.
	pub receipt_key: AccountId,
	/// What an inference costs.
	pub price: Price,
	/// Everything that was ever put in, in planck.
	pub deposit: Balance,
	/// Everything that was ever claimed, in planck.
	pub claimed: Balance,
	/// Ticks between the user's wish to close it and its end.
	pub grace: Tick,
	/// The first tick at which anybody may end it.
	pub expires_at: Tick,
	/// How far it is on its way to its end.
	pub state: ChannelState,
}

/// How far a channel is on its way to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum ChannelState {
	/// It pays.
	#[codec(index = 0)]
	Open,
	/// The user has asked for its end.
	#[codec(index = 1)]
	Closing {
		/// The first tick at which anybody may finish it.
		at: Tick,
	},
	/// What was left has gone back to the user.
	#[codec(index = 2)]
	Closed {
		/// The first tick at which anybody may remove it.
		until: Tick,
	},
}

/// How far a one-shot request has come. It goes from one to the next, and never back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, TypeInfo)]
pub enum RequestState {
	/// It has not been made.
	#[codec(index = 0)]
	Unknown,
	/// It waits for the provider.
	#[codec(index = 1)]
	Asked,
	/// The provider has answered.
	#[codec(index = 2)]
	Answered,
	/// It has ended.
	#[codec(index = 3)]
	Ended,
}

/// What happened to a one-shot request.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[allow(clippy::large_enum_variant, reason = "a block has few of them")]
pub enum RequestEvent<AccountId, Balance> {
	/// It was made.
	#[codec(index = 0)]
	Asked {
		/// The account that pays.
		user: AccountId,
		/// The account that is asked.
		provider: AccountId,
		/// The amount in escrow, in planck.
		price: Balance,
		/// The first tick at which it is too late to answer.
		until: Tick,
	},
	/// It was answered.
	#[codec(index = 1)]
	Answered {
		/// The version that answered.
		version: VersionId,
		/// What the provider signed.
		receipt: Receipt,
		/// The provider's signature.
		signature: MultiSignature,
		/// The outputs, one after the other.
		output: Vec<u8>,
	},
	/// Nobody earned by it: it was not answered in time, or wrongly.
	#[codec(index = 2)]
	Returned {
		/// The amount that went back to the user, in planck.
		returned: Balance,
	},
}

/// What one-shot requests met in a block, each with its number, and the index of the extrinsic by which it happened.
pub type RequestEvents<AccountId, Balance> = Vec<(RequestId, Option<u32>, RequestEvent<AccountId, Balance>)>;
