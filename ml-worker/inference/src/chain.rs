//! What is needed of the chain, so that all else can be tested without one.

use crate::api::{Signature, SignedClosing, Terms};
use oda_client::AccountId;
use oda_primitives::{
	ModelId, RangeProof, Tick, VersionId,
	inference::{ChannelId, Price, Receipt},
};
use std::future::Future;

/// Why the chain could not be asked, or did not do what it should.
pub type ChainFault = Box<dyn std::error::Error + Send + Sync>;

/// The chain, as one user sees it. All that is read is final; calls return once what they did is final.
///
/// Each may be dropped at any time: what was sent may then be done or not, which the next look at the chain
/// tells.
pub trait Chain: Send + Sync + 'static {
	/// The hash of block 0.
	fn genesis(&self) -> [u8; 32];

	/// The present tick.
	fn tick(&self) -> impl Future<Output = Result<Tick, ChainFault>> + Send;

	/// The size and cost of a model; `None` if it is not registered.
	fn model(&self, model: ModelId) -> impl Future<Output = Result<Option<Model>, ChainFault>> + Send;

	/// The root of a version's weights; `None` if there is no such version.
	fn weights(
		&self,
		model: ModelId,
		version: VersionId,
	) -> impl Future<Output = Result<Option<[u8; 32]>, ChainFault>> + Send;

	/// The offers for a model, or all.
	fn offers(&self, model: Option<ModelId>) -> impl Future<Output = Result<Vec<Offer>, ChainFault>> + Send;

	/// A channel; `None` if it was removed, or never opened.
	fn channel(&self, id: ChannelId) -> impl Future<Output = Result<Option<Channel>, ChainFault>> + Send;

	/// The channels of the user's account, closed ones too.
	fn channels(&self) -> impl Future<Output = Result<Vec<(ChannelId, Channel)>, ChainFault>> + Send;

	/// The least deposit of a channel, in planck.
	fn least_deposit(&self) -> impl Future<Output = Result<u128, ChainFault>> + Send;

	/// Opens a channel from the user's account.
	fn open(&self, opening: Opening) -> impl Future<Output = Result<ChannelId, ChainFault>> + Send;

	/// Puts so many planck more into a channel.
	fn top_up(&self, id: ChannelId, amount: u128) -> impl Future<Output = Result<(), ChainFault>> + Send;

	/// Asks for the end of a channel, which comes after its grace period.
	fn begin_close(&self, id: ChannelId) -> impl Future<Output = Result<(), ChainFault>> + Send;

	/// Ends a channel whose grace period or term has passed.
	fn finish_close(&self, id: ChannelId) -> impl Future<Output = Result<(), ChainFault>> + Send;

	/// Ends a channel as user and provider have agreed.
	fn close_agreed(
		&self,
		closing: SignedClosing,
		of_provider: Signature,
	) -> impl Future<Output = Result<(), ChainFault>> + Send;

	/// Has a closed channel forgotten whose receipts are evidence no more.
	fn remove(&self, id: ChannelId) -> impl Future<Output = Result<(), ChainFault>> + Send;

	/// Takes a receipt to court.
	fn dispute(&self, evidence: Evidence) -> impl Future<Output = Result<Verdict, ChainFault>> + Send;
}

/// The size and cost of a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Model {
	/// Multiply-accumulates of one input.
	pub macs: u64,
	/// Bytes of one input.
	pub input: u64,
	/// Bytes of one output.
	pub output: u64,
}

/// A provider's offer to answer one model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
	/// The provider's account.
	pub provider: AccountId,
	/// The URL at which it answers.
	pub endpoint: String,
	/// The key that signs its receipts.
	pub receipt_key: AccountId,
	/// The model.
	pub model: ModelId,
	/// What it costs.
	pub price: Price,
	/// The provider's time limits.
	pub terms: Terms,
	/// Maximum number of inputs in one request.
	pub max_count: u32,
}

/// A channel to open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
	/// The provider's account.
	pub provider: AccountId,
	/// The model.
	pub model: ModelId,
	/// What the channel holds, in planck.
	pub deposit: u128,
	/// The key that signs vouchers.
	pub key: AccountId,
	/// The provider's time limits, as the user has seen them.
	pub terms: Terms,
	/// Ticks after which anybody may end the channel.
	pub term: Tick,
}

/// A channel, as the chain has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channel {
	/// The account that pays.
	pub user: AccountId,
	/// The account that is paid.
	pub provider: AccountId,
	/// The model.
	pub model: ModelId,
	/// The key that signs vouchers.
	pub key: AccountId,
	/// The key that signs receipts.
	pub receipt_key: AccountId,
	/// What it costs.
	pub price: Price,
	/// Everything that was ever put in, in planck.
	pub deposit: u128,
	/// What the provider has claimed of it, in planck.
	pub claimed: u128,
	/// Ticks between the user's wish to close the channel and its end.
	pub grace: Tick,
	/// Ticks for which receipts have to be good.
	pub receipts: Tick,
	/// The first tick at which anybody may end the channel.
	pub expires_at: Tick,
	/// How far it is on its way to its end.
	pub state: ChannelStatus,
}

impl Channel {
	/// Whether it pays at this tick, and long enough for the provider to claim what it was promised.
	pub fn pays(&self, tick: Tick) -> bool {
		self.state == ChannelStatus::Open && tick.saturating_add(self.grace) < self.expires_at
	}
}

/// How far a channel is on its way to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelStatus {
	/// It pays.
	Open,
	/// The user has asked for its end.
	Closing {
		/// The first tick at which anybody may finish it.
		at: Tick,
	},
	/// It has ended, and is kept for its receipts.
	Closed {
		/// The first tick at which anybody may remove it.
		until: Tick,
	},
}

/// What the court says of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
	/// The output is wrong, as it has found now or before: the provider is slashed once for a receipt.
	Wrong,
	/// The output is right. The user's bond is lost.
	Right,
	/// Nothing: the receipt is evidence no more.
	TooLate,
}

/// One input and its output, of which a provider has signed that they belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
	/// What the provider signed.
	pub receipt: Receipt,
	/// The signature of its receipt key.
	pub signature: Signature,
	/// The input's index.
	pub index: u32,
	/// The input, proved against the root of all inputs.
	pub input: RangeProof,
	/// Its output, proved against the root of all outputs.
	pub output: RangeProof,
}
