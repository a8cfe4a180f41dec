//! Inference that is paid, proved and can be taken to court.
//!
//! A **provider** bonds in `staking` and publishes an [`Offer`]: where it answers, for which models, at what price, and its
//! time limits. A **user** pays in one of two ways:
//!
//! * in a **channel** it holds a deposit for one provider and one model. Off chain each request brings back the answer with a
//!   signed [receipt](oda_primitives::Receipt), and the user returns a signed [voucher](oda_primitives::Voucher) for everything promised so far.
//!   The provider redeems the highest one: two transactions for any number of answers;
//! * a **one-shot request** is on chain whole: its price is in escrow, inputs and outputs are in blocks, and what is not
//!   answered in time costs nothing.
//!
//! ```text
//!            close by the provider, or agreed
//!        ┌─────────────────────────────────────┐
//! open ──┤                                     ├──► closed ── receipts are too old ──► removed
//!        └─ begin_close ─► closing ─ grace ─────┘
//!               vouchers are redeemed until it is closed
//!
//! asked ──┬── answered ──┬── nobody disputes in time: paid
//!         │              └── a dispute is won: the escrow goes back
//!         └── too late: the escrow goes back
//! ```
//!
//! A receipt is evidence until it expires: whoever paid for it shows the [court](oda_pallet_court) one input, what the receipt says
//! its outputs are, and the weights. A provider that signed a wrong output is slashed, once for each receipt, and the user
//! is made whole from that; a user who disputes a right output loses a bond.
//!
//! Every settled fee is [split](Split) by governed parameters. The parts are the whole: what rounding leaves is burned, and
//! what an account cannot hold is the treasury's.
//!
//! One file a behaviour: `offers`, `channels`, `requests`, `dispute`, `split` (who gets what), `audit` (the invariants).

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod channels;
mod dispute;
#[cfg(test)]
mod mock;
mod offers;
mod requests;
mod split;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, SetTick, Sr25519Helper};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_evaluator::Cost;
use oda_pallet_funds::{self as funds, Funds};
use oda_pallet_traits::{Evidence, Lineage, Models, OwnStakes, Payments};
use oda_primitives::{
	ChannelId, Closing, ModelId, Payment, RangeProof, Receipt, RequestId, Tick, VersionId, Voucher,
	inference::Price,
};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{Consideration, Footprint, fungible},
	},
	frame_system::pallet_prelude::*,
	sp_runtime::traits::{CheckedAdd, Convert, IdentifyAccount, Verify, Zero},
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// An amount.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountIdOf<T>>>::Balance;
/// A stored offer.
pub type OfferOf<T> = Offer<AccountIdOf<T>, <T as Config>::OfferDeposit, <T as Config>::MaxModels>;
/// A stored channel.
pub type ChannelOf<T> = Channel<AccountIdOf<T>, BalanceOf<T>, <T as Config>::ChannelDeposit>;
/// A stored request.
pub type RequestOf<T> = Request<AccountIdOf<T>, BalanceOf<T>, <T as Config>::RequestDeposit>;

/// The pallet; see the crate's documentation.
///
/// Two of the lints are for what FRAME's macros expand to; nothing written here uses either. The third: an event is made, and
/// written.
#[allow(clippy::cast_possible_truncation, clippy::expect_used, clippy::large_enum_variant)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What paid inference needs of the chain around it.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Protocol time.
		type Clock: Get<Tick>;

		/// Who keeps the models.
		type Models: Models<Self::AccountId>;

		/// Who earns from them.
		type Lineage: Lineage<Self::AccountId>;

		/// Who holds the stakes that answer for wrong outputs.
		type Stakes: OwnStakes<Self::AccountId, Currency = Self::Currency>;

		/// Who listens to what providers and users do.
		type Evidence: Evidence<Self::AccountId>;

		/// Who is told what users burned.
		type Payments: Payments<Self::AccountId, BalanceOf<Self>>;

		/// The author of the block, if it is known.
		type Author: Get<Option<Self::AccountId>>;

		/// The treasury's account.
		type Treasury: Get<Self::AccountId>;

		/// The storage account of a model.
		type ModelAccount: Convert<ModelId, Self::AccountId>;

		/// Who has which part of every fee, governed; the parts must [fit](Split::fits).
		type Split: Get<Split>;

		/// What receipts, vouchers and closings are signed with.
		type Signature: Verify<Signer = Self::Signer> + Parameter;

		/// Who signs them.
		type Signer: IdentifyAccount<AccountId = Self::AccountId>;

		/// The deposit for a stored offer; with [`HoldReason::OfferDeposit`].
		type OfferDeposit: Consideration<Self::AccountId, Footprint>;

		/// The deposit for a stored channel; with [`HoldReason::ChannelDeposit`].
		type ChannelDeposit: Consideration<Self::AccountId, Footprint>;

		/// The deposit for a stored request; with [`HoldReason::RequestDeposit`].
		type RequestDeposit: Consideration<Self::AccountId, Footprint>;

		/// What evaluating one record of this cost weighs.
		type EvaluationWeight: Convert<Cost, Weight>;

		/// What hashing an output of so many bytes weighs; comparing it weighs less.
		type OutputWeight: Convert<u64, Weight>;

		/// What a provider itself loses for a wrong output, and has at least at stake.
		type ReceiptSlash: Get<BalanceOf<Self>>;

		/// How many times its price a user gets back for a wrong answer, as far as the slash goes.
		type RefundRatio: Get<u32>;

		/// What a user gets back of what a won dispute cost.
		type DisputeFee: Get<BalanceOf<Self>>;

		/// What a user loses who disputes an output that is right.
		type DisputeBond: Get<BalanceOf<Self>>;

		/// For how many ticks a receipt is good at the most, and a channel is kept after its end.
		type ReceiptLife: Get<Tick>;

		/// For how many ticks the answer to a one-shot request can be disputed.
		type AnswerDispute: Get<Tick>;

		/// The shortest grace period, in ticks.
		type MinGrace: Get<Tick>;

		/// The longest grace period, and the longest time to answer a one-shot request, in ticks.
		#[pallet::constant]
		type MaxGrace: Get<Tick>;

		/// The longest term of a channel, in ticks.
		#[pallet::constant]
		type MaxTerm: Get<Tick>;

		/// The least deposit of a channel.
		type MinDeposit: Get<BalanceOf<Self>>;

		/// The most bytes that a dispute's weights, input and outputs have: what an ordinary transaction has room for.
		#[pallet::constant]
		type MaxDisputeBytes: Get<u64>;

		/// The most models of an offer.
		#[pallet::constant]
		type MaxModels: Get<u32>;

		/// The most vouchers of one claim.
		#[pallet::constant]
		type MaxClaims: Get<u32>;

		/// How far up a model's lineage royalties go.
		#[pallet::constant]
		type MaxAncestors: Get<u32>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;

		/// Makes signatures and sets the clock: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// What a channel can still pay.
		#[codec(index = 0)]
		Channel,
		/// The price of a one-shot request.
		#[codec(index = 1)]
		Request,
		/// The bond of a dispute that runs.
		#[codec(index = 2)]
		Dispute,
		/// The deposit for a stored offer.
		#[codec(index = 3)]
		OfferDeposit,
		/// The deposit for a stored channel.
		#[codec(index = 4)]
		ChannelDeposit,
		/// The deposit for a stored request.
		#[codec(index = 5)]
		RequestDeposit,
	}

	/// What each provider offers.
	#[pallet::storage]
	pub type Offers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, OfferOf<T>>;

	/// The number of the next channel.
	#[pallet::storage]
	pub type NextChannel<T: Config> = StorageValue<_, ChannelId, ValueQuery>;

	/// The channels, until their receipts are too old.
	#[pallet::storage]
	pub type Channels<T: Config> = StorageMap<_, Blake2_128Concat, ChannelId, ChannelOf<T>>;

	/// The number of the next one-shot request.
	#[pallet::storage]
	pub type NextRequest<T: Config> = StorageValue<_, RequestId, ValueQuery>;

	/// The one-shot requests that have not ended.
	#[pallet::storage]
	pub type Requests<T: Config> = StorageMap<_, Blake2_128Concat, RequestId, RequestOf<T>>;

	/// The receipts of channels, by [`Receipt::id`], for which a provider has been slashed. Each has cost it a slash, so that there
	/// are no more than stake pays for; they go with their channel.
	#[pallet::storage]
	pub type Disputed<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, Payment, Blake2_128Concat, [u8; 32], ()>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A provider published an offer, or changed it.
		#[codec(index = 0)]
		OfferSet {
			/// The provider.
			provider: T::AccountId,
		},
		/// A provider offers nothing any more.
		#[codec(index = 1)]
		OfferRemoved {
			/// The provider.
			provider: T::AccountId,
		},
		/// A user opened a channel.
		#[codec(index = 2)]
		Opened {
			/// The new channel's number.
			channel: ChannelId,
			/// The account that pays.
			user: T::AccountId,
			/// The account that is paid.
			provider: T::AccountId,
			/// The model that is asked.
			model: ModelId,
			/// The amount on hold, in planck.
			deposit: BalanceOf<T>,
			/// The first tick at which anybody may end it.
			expires_at: Tick,
		},
		/// A user put more into a channel.
		#[codec(index = 3)]
		ToppedUp {
			/// The channel.
			channel: ChannelId,
			/// Everything that was ever put in, in planck.
			deposit: BalanceOf<T>,
		},
		/// A voucher or a closing was redeemed.
		#[codec(index = 4)]
		Claimed {
			/// The channel that paid.
			channel: ChannelId,
			/// Everything that was ever claimed, in planck.
			claimed: BalanceOf<T>,
			/// The version of the model that earned.
			version: VersionId,
			/// Who got what of what was added.
			shared: Shared<BalanceOf<T>>,
		},
		/// A voucher among others was not redeemed.
		#[codec(index = 5)]
		ClaimRefused {
			/// The channel that the voucher names.
			channel: ChannelId,
			/// The reason.
			error: DispatchError,
		},
		/// A user wants a channel to end.
		#[codec(index = 6)]
		CloseBegun {
			/// The channel.
			channel: ChannelId,
			/// The first tick at which anybody may finish it.
			at: Tick,
		},
		/// A channel ended.
		#[codec(index = 7)]
		Closed {
			/// The channel.
			channel: ChannelId,
			/// The amount that went back to the user, in planck.
			returned: BalanceOf<T>,
			/// The first tick at which anybody may remove it.
			until: Tick,
		},
		/// A channel was removed, and its deposit for the entry returned.
		#[codec(index = 8)]
		Removed {
			/// The channel.
			channel: ChannelId,
		},
		/// A user made a one-shot request.
		#[codec(index = 9)]
		Requested {
			/// The new request's number.
			request: RequestId,
			/// The account that pays.
			user: T::AccountId,
			/// The account that is asked.
			provider: T::AccountId,
			/// The model that is asked.
			model: ModelId,
			/// The number of inputs.
			count: u32,
			/// The amount in escrow, in planck.
			price: BalanceOf<T>,
			/// The first tick at which it is too late to answer.
			until: Tick,
			/// The inputs, one after the other.
			input: Vec<u8>,
		},
		/// A provider answered a one-shot request.
		#[codec(index = 10)]
		Answered {
			/// The request.
			request: RequestId,
			/// The version that answered.
			version: VersionId,
			/// What the provider signed.
			receipt: Receipt,
			/// The provider's signature.
			signature: T::Signature,
			/// The outputs, one after the other.
			output: Vec<u8>,
		},
		/// An answered request was paid.
		#[codec(index = 11)]
		Settled {
			/// The request, which has ended.
			request: RequestId,
			/// The version that answered.
			version: VersionId,
			/// Who got what of its price.
			shared: Shared<BalanceOf<T>>,
		},
		/// A request ended that nobody earns by: it was not answered in time, or wrongly.
		#[codec(index = 12)]
		RequestReturned {
			/// The request, which has ended.
			request: RequestId,
			/// The amount that went back to the user, in planck.
			returned: BalanceOf<T>,
		},
		/// The court found an output that a provider signed wrong.
		#[codec(index = 13)]
		Misserved {
			/// The channel or request that the receipt is of.
			payment: Payment,
			/// The receipt's name.
			receipt: [u8; 32],
			/// The index of the input.
			index: u32,
			/// The provider that signed it.
			provider: T::AccountId,
			/// The amount that its stake lost, in planck.
			slashed: BalanceOf<T>,
			/// The amount of it that the user was given, in planck; the rest is burned.
			refunded: BalanceOf<T>,
		},
		/// A user disputed an output that is right.
		#[codec(index = 14)]
		DisputeFailed {
			/// The channel or request that the receipt is of.
			payment: Payment,
			/// The user who disputed it.
			user: T::AccountId,
			/// The user's bond, which was burned, in planck.
			burned: BalanceOf<T>,
		},
	}

	/// Why a call about paid inference is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The provider's own stake is not enough to answer for a wrong output, or it is chilled; in a dispute, nothing is left
		/// of it.
		#[codec(index = 0)]
		NotBonded,
		/// The endpoint is empty or not UTF-8.
		#[codec(index = 1)]
		BadEndpoint,
		/// The offer names no model.
		#[codec(index = 2)]
		NothingOffered,
		/// The offer names a model twice.
		#[codec(index = 3)]
		OfferedTwice,
		/// There is no such model.
		#[codec(index = 4)]
		UnknownModel,
		/// The model has no head yet, or is retired.
		#[codec(index = 5)]
		ModelNotActive,
		/// The grace period is shorter or longer than allowed.
		#[codec(index = 6)]
		GraceOutOfRange,
		/// The time to answer one-shot requests is zero or longer than allowed.
		#[codec(index = 7)]
		AnswerTimeOutOfRange,
		/// The account offers nothing.
		#[codec(index = 8)]
		NoOffer,
		/// The provider does not offer this model.
		#[codec(index = 9)]
		ModelNotOffered,
		/// The provider's time limits are not those that the user has seen.
		#[codec(index = 10)]
		TermsChanged,
		/// The deposit, or what is added to it, is below the least.
		#[codec(index = 11)]
		DepositTooSmall,
		/// The channel's term is shorter than its grace period, or longer than allowed.
		#[codec(index = 12)]
		TermOutOfRange,
		/// A counter is at its end.
		#[codec(index = 13)]
		Exhausted,
		/// There is no such channel.
		#[codec(index = 14)]
		UnknownChannel,
		/// The channel is closed.
		#[codec(index = 15)]
		ChannelClosed,
		/// The channel is about to close.
		#[codec(index = 16)]
		ChannelClosing,
		/// The channel is not closed.
		#[codec(index = 17)]
		ChannelNotClosed,
		/// The voucher is of another channel.
		#[codec(index = 18)]
		OtherChannel,
		/// The caller is not the user who pays.
		#[codec(index = 19)]
		NotUser,
		/// The caller is not the provider.
		#[codec(index = 20)]
		NotProvider,
		/// The signature is not that of the channel's voucher key over this voucher on this chain.
		#[codec(index = 21)]
		BadVoucherSignature,
		/// No more than what has been claimed already.
		#[codec(index = 22)]
		AmountTooLow,
		/// More than the channel's deposit.
		#[codec(index = 23)]
		BeyondDeposit,
		/// The claim has no voucher.
		#[codec(index = 24)]
		NothingToClaim,
		/// The closing has expired.
		#[codec(index = 25)]
		ClosingExpired,
		/// The user's signature is not that of the channel's voucher key over this closing on this chain.
		#[codec(index = 26)]
		BadUserSignature,
		/// The provider's signature is neither its receipt key's nor its account's over this closing on this chain.
		#[codec(index = 27)]
		BadProviderSignature,
		/// The grace period, or the channel's term, has not passed.
		#[codec(index = 28)]
		TooEarlyToClose,
		/// The channel's receipts may still be disputed.
		#[codec(index = 29)]
		TooEarlyToRemove,
		/// There are no inputs.
		#[codec(index = 30)]
		NoInputs,
		/// More inputs than the provider takes in one request.
		#[codec(index = 31)]
		TooManyInputs,
		/// The inputs have not the length that the model and their number say.
		#[codec(index = 32)]
		WrongInputLength,
		/// The outputs would not fit into a block's answer: use a channel.
		#[codec(index = 33)]
		OutputTooLong,
		/// The price is above what the user is ready to pay.
		#[codec(index = 34)]
		BeyondLimit,
		/// There is no such request.
		#[codec(index = 35)]
		UnknownRequest,
		/// The request has been answered.
		#[codec(index = 36)]
		AlreadyAnswered,
		/// The time to answer the request is over.
		#[codec(index = 37)]
		AnsweredTooLate,
		/// The version is neither what was the head when the request was made, nor a newer one that is the head now.
		#[codec(index = 38)]
		OldVersion,
		/// The model has no such version.
		#[codec(index = 39)]
		UnknownVersion,
		/// The receipt would expire before the answer can be disputed.
		#[codec(index = 40)]
		ExpiresTooEarly,
		/// The receipt would outlive the stake that answers for it.
		#[codec(index = 41)]
		ExpiresTooLate,
		/// The outputs have not the length that the model and their number say.
		#[codec(index = 42)]
		WrongOutputLength,
		/// The signature is not that of the provider's receipt key over this receipt on this chain.
		#[codec(index = 43)]
		BadReceiptSignature,
		/// The request cannot be settled yet.
		#[codec(index = 44)]
		TooEarlyToSettle,
		/// The receipt has expired: at the tick that it names, or because its channel was closed so long ago that anybody can
		/// remove it.
		#[codec(index = 45)]
		ReceiptExpired,
		/// The provider has been slashed for this receipt.
		#[codec(index = 46)]
		AlreadyDisputed,
		/// The stated cost is not what the court takes for this model.
		#[codec(index = 47)]
		WrongCost,
		/// The receipt has no input of this index.
		#[codec(index = 48)]
		InputOutOfRange,
		/// The receipt is of another request than its inputs and the model say.
		#[codec(index = 49)]
		OtherRequest,
		/// The weights are not those that the receipt names.
		#[codec(index = 50)]
		WeightsMismatch,
		/// The proof is for another input or its outputs.
		#[codec(index = 51)]
		ProofForOtherRange,
		/// The proof has not as many bytes as its range takes.
		#[codec(index = 52)]
		ProofChunksMismatch,
		/// The proof has not as many hashes as its range takes.
		#[codec(index = 53)]
		ProofSiblingsMismatch,
		/// The proof does not lead to the root that the receipt names.
		#[codec(index = 54)]
		ProofRootMismatch,
		/// The weights have not the length that the model needs.
		#[codec(index = 55)]
		EvaluationFailed,
		/// The model's weights, an input and its outputs do not fit into a dispute.
		#[codec(index = 56)]
		ModelTooLarge,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Publishes what the caller answers for, or changes it. What is under way keeps its price and time limits.
		///
		/// Puts [`Config::OfferDeposit`] on hold the first time.
		///
		/// - `endpoint`: a URL, at most 256 bytes.
		/// - `key`: the key that signs receipts; it need not be the account's.
		/// - `models`: what it answers for, and the price of each in planck.
		/// - `terms`: its time limits, in ticks.
		/// - `max_count`: the most inputs of one request.
		///
		/// Event: `OfferSet`. Errors: `NotBonded`, `BadEndpoint`, `NothingOffered`, `NoInputs`, `GraceOutOfRange`,
		/// `AnswerTimeOutOfRange`, `OfferedTwice`, `UnknownModel`, `ModelNotActive`, `ModelTooLarge`; the deposit cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_offer(models.len().try_into().unwrap_or(u32::MAX)))]
		pub fn set_offer(
			origin: OriginFor<T>,
			endpoint: Endpoint,
			key: T::AccountId,
			models: BoundedVec<OfferedModel, T::MaxModels>,
			terms: Terms,
			max_count: u32,
		) -> DispatchResult {
			Self::do_set_offer(ensure_signed(origin)?, endpoint, key, models, terms, max_count)
		}

		/// Withdraws the caller's offer, and returns its deposit. Channels and requests go on.
		///
		/// Event: `OfferRemoved`. Errors: `NoOffer`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_offer())]
		pub fn remove_offer(origin: OriginFor<T>) -> DispatchResult {
			Self::do_remove_offer(ensure_signed(origin)?)
		}

		/// Opens a channel: puts a deposit on hold for one provider and one model, and [`Config::ChannelDeposit`] for the entry.
		///
		/// - `provider`: a provider that offers the model.
		/// - `model`: what is going to be asked.
		/// - `deposit`: the most that it can pay, in planck; at least [`Config::MinDeposit`].
		/// - `key`: the key that signs vouchers, so that the account's own stays away from it; the account's by default.
		/// - `terms`: the provider's time limits, as the user has seen them.
		/// - `term`: ticks after which anybody may end the channel; at least the grace period, at most [`Config::MaxTerm`].
		///
		/// Event: `Opened`. Errors: `NoOffer`, `ModelNotOffered`, `UnknownModel`, `ModelNotActive`, `NotBonded`,
		/// `TermsChanged`, `DepositTooSmall`, `TermOutOfRange`, `Exhausted`; the deposits cannot be held.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::open())]
		pub fn open(
			origin: OriginFor<T>,
			provider: T::AccountId,
			model: ModelId,
			deposit: BalanceOf<T>,
			key: Option<T::AccountId>,
			terms: Terms,
			term: Tick,
		) -> DispatchResult {
			Self::do_open(ensure_signed(origin)?, provider, model, deposit, key, terms, term)
		}

		/// Puts more into a channel of the caller's that is open.
		///
		/// - `amount`: how much more, in planck.
		///
		/// Event: `ToppedUp`. Errors: `UnknownChannel`, `ChannelClosed`, `NotUser`, `ChannelClosing`, `DepositTooSmall`,
		/// `Exhausted`; the amount cannot be held.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::top_up())]
		pub fn top_up(
			origin: OriginFor<T>,
			channel: ChannelId,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			Self::do_top_up(ensure_signed(origin)?, channel, amount)
		}

		/// Redeems vouchers, of any channels: what each adds to what was claimed before is taken from the deposit and split.
		/// One that is worth nothing is passed over; if all are, the call fails with the first one's error.
		///
		/// Anybody may send them; the money goes where the channel says.
		///
		/// - `vouchers`: each with the signature of its channel's voucher key.
		///
		/// Events: `Claimed`, `ClaimRefused`. Errors: `NothingToClaim`, `UnknownChannel`, `ChannelClosed`,
		/// `BadVoucherSignature`, `BeyondDeposit`, `AmountTooLow`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::claim(vouchers.len().try_into().unwrap_or(u32::MAX)))]
		pub fn claim(
			origin: OriginFor<T>,
			vouchers: BoundedVec<(Voucher, T::Signature), T::MaxClaims>,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_claim(&vouchers)
		}

		/// Ends a channel at once, by its provider: redeems a last voucher, and returns the rest to the user.
		///
		/// - `last`: a voucher that adds something, with the signature of the channel's voucher key.
		///
		/// Events: `Claimed`, `Closed`. Errors: `UnknownChannel`, `ChannelClosed`, `NotProvider`, `OtherChannel`, and those of
		/// [`claim`](Self::claim).
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::close())]
		pub fn close(
			origin: OriginFor<T>,
			channel: ChannelId,
			last: Option<(Voucher, T::Signature)>,
		) -> DispatchResult {
			Self::do_close(ensure_signed(origin)?, channel, last)
		}

		/// Ends a channel at once, as user and provider agreed. Anybody may send it.
		///
		/// - `closing`: what is the provider's in all.
		/// - `of_user`: the signature of the channel's voucher key over it.
		/// - `of_provider`: that of the provider's receipt key, or of its account.
		///
		/// Events: `Claimed`, `Closed`. Errors: `UnknownChannel`, `ChannelClosed`, `ClosingExpired`, `BadUserSignature`,
		/// `BadProviderSignature`, `BeyondDeposit`, `AmountTooLow`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::close_agreed())]
		pub fn close_agreed(
			origin: OriginFor<T>,
			closing: Closing,
			of_user: T::Signature,
			of_provider: T::Signature,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close_agreed(&closing, &of_user, &of_provider)
		}

		/// Asks for the end of a channel of the caller's: the provider has its grace period to redeem its last voucher.
		///
		/// Event: `CloseBegun`. Errors: `UnknownChannel`, `ChannelClosed`, `NotUser`, `ChannelClosing`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::begin_close())]
		pub fn begin_close(origin: OriginFor<T>, channel: ChannelId) -> DispatchResult {
			Self::do_begin_close(ensure_signed(origin)?, channel)
		}

		/// Ends a channel whose grace period or term has passed, and returns what is left to the user. Anybody may.
		///
		/// Event: `Closed`. Errors: `UnknownChannel`, `ChannelClosed`, `TooEarlyToClose`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::finish_close())]
		pub fn finish_close(origin: OriginFor<T>, channel: ChannelId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_finish_close(channel)
		}

		/// Removes a closed channel whose receipts are too old, and returns the user's deposit for the entry. Anybody may. One
		/// with more than 16 disputed receipts takes several calls.
		///
		/// Event: `Removed`. Errors: `UnknownChannel`, `ChannelNotClosed`, `TooEarlyToRemove`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, channel: ChannelId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_remove(channel)
		}

		/// Asks a provider on chain: puts the price on hold, and [`Config::RequestDeposit`] for the entry.
		///
		/// Inputs and outputs have at most 64 KiB; for more, and for quick answers, open a channel.
		///
		/// - `provider`: a provider that offers the model.
		/// - `model`: what is asked.
		/// - `input`: the bytes of all inputs, one after the other.
		/// - `count`: the number of inputs.
		/// - `limit`: the most that it may cost, in planck.
		///
		/// Event: `Requested`. Errors: `NoOffer`, `ModelNotOffered`, `UnknownModel`, `ModelNotActive`, `NotBonded`,
		/// `NoInputs`, `TooManyInputs`, `WrongInputLength`, `OutputTooLong`, `BeyondLimit`, `Exhausted`; price or deposit
		/// cannot be held.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::request(input.len().try_into().unwrap_or(u32::MAX)))]
		pub fn request(
			origin: OriginFor<T>,
			provider: T::AccountId,
			model: ModelId,
			input: InlineBytes,
			count: u32,
			limit: BalanceOf<T>,
		) -> DispatchResult {
			Self::do_request(ensure_signed(origin)?, provider, model, input, count, limit)
		}

		/// Answers a one-shot request; paid by `settle` once nobody can dispute it any more.
		///
		/// - `request`: one that the caller was asked.
		/// - `version`: the version that answers: the head of when it was asked, or a newer one that is the head now.
		/// - `output`: the bytes of all outputs, one after the other.
		/// - `expires`: the tick at which the receipt expires: at least [`Config::AnswerDispute`] ticks from now, at most
		///   [`Config::ReceiptLife`].
		/// - `signature`: the receipt key's over the receipt that follows from the above, with nonce 0 and the price in escrow.
		///
		/// Event: `Answered`. Errors: `UnknownRequest`, `NotProvider`, `AlreadyAnswered`, `AnsweredTooLate`, `OldVersion`,
		/// `UnknownVersion`, `ExpiresTooEarly`, `ExpiresTooLate`, `WrongOutputLength`, `BadReceiptSignature`.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::answer(output.len().try_into().unwrap_or(u32::MAX)))]
		pub fn answer(
			origin: OriginFor<T>,
			request: RequestId,
			version: VersionId,
			output: InlineBytes,
			expires: Tick,
			signature: T::Signature,
		) -> DispatchResult {
			Self::do_answer(ensure_signed(origin)?, request, version, output, expires, signature)
		}

		/// Ends a one-shot request: pays an answer that nobody can dispute any more, or returns the price of one that was not
		/// answered in time. Anybody may.
		///
		/// Events: `Settled` or `RequestReturned`. Errors: `UnknownRequest`, `TooEarlyToSettle`.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::settle())]
		pub fn settle(origin: OriginFor<T>, request: RequestId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_settle(request)
		}

		/// Takes a receipt of the caller's to court, which evaluates one of its inputs.
		///
		/// If the provider signed something else, it loses [`Config::ReceiptSlash`] of its own stake, and those who delegate to
		/// it in proportion; the user gets [`Config::RefundRatio`] times the price and [`Config::DisputeFee`] back, as far as half of what
		/// the provider itself loses goes, and the escrow of a one-shot request. Without a stake of its own that is left, nothing is
		/// disputed in a channel. If the output is right, the user loses [`Config::DisputeBond`].
		///
		/// - `receipt`: what the provider signed.
		/// - `signature`: of its receipt key.
		/// - `index`: the input's index.
		/// - `input`: the input, proved against the root of all inputs.
		/// - `output`: its outputs, proved against the root of all outputs.
		/// - `weights`: the weights that the receipt names, whole; at most 2 MiB.
		/// - `cost`: exactly what the court takes for this model: [`dispute_cost`](Self::dispute_cost).
		///
		/// Events: `Misserved`, `RequestReturned`; or `DisputeFailed`. Errors: `UnknownChannel`, `UnknownRequest`, `NotUser`,
		/// `ReceiptExpired`, `AlreadyDisputed`, `WrongCost`, `InputOutOfRange`, `OtherRequest`, `BadReceiptSignature`,
		/// `WeightsMismatch`, `ProofForOtherRange`, `ProofChunksMismatch`, `ProofSiblingsMismatch`, `ProofRootMismatch`,
		/// `EvaluationFailed`, `NotBonded`; the bond cannot be held.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::dispute(
			weights.len().try_into().unwrap_or(u32::MAX),
			input.encoded_size().saturating_add(output.encoded_size()).try_into().unwrap_or(u32::MAX),
		).saturating_add(*cost))]
		#[allow(clippy::too_many_arguments, reason = "what a dispute consists of")]
		pub fn dispute(
			origin: OriginFor<T>,
			receipt: Receipt,
			signature: T::Signature,
			index: u32,
			input: RangeProof,
			output: RangeProof,
			weights: WeightBytes,
			cost: Weight,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let shown = dispute::Shown { index, input: &input, output: &output, weights: &weights };
			Self::do_dispute(who, &receipt, &signature, &shown, cost)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::Hash::default().as_ref().len() == 32, "messages name the genesis block by 32 bytes");
			assert!(T::MaxModels::get() > 0, "nothing could ever be offered");
			assert!(T::MaxClaims::get() > 0, "no voucher could ever be redeemed");
			assert!(T::MaxGrace::get() <= T::MaxTerm::get(), "no channel could ever be opened");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// What a provider offers.
		pub fn offer(provider: T::AccountId) -> Option<OfferOf<T>> {
			Offers::<T>::get(provider)
		}

		/// The offers of at most 100 providers, in the order of the storage, after a given one.
		pub fn offers(after: Option<T::AccountId>) -> Vec<(T::AccountId, OfferOf<T>)> {
			let page = MAX_PAGE as usize;
			match after {
				Some(who) => Offers::<T>::iter_from(Offers::<T>::hashed_key_for(who)).take(page).collect(),
				None => Offers::<T>::iter().take(page).collect(),
			}
		}

		/// A channel.
		pub fn channel(channel: ChannelId) -> Option<ChannelOf<T>> {
			Channels::<T>::get(channel)
		}

		/// A one-shot request that has not ended.
		pub fn one_shot(request: RequestId) -> Option<RequestOf<T>> {
			Requests::<T>::get(request)
		}

		/// What a request of so many inputs costs at a provider, in planck.
		pub fn price(provider: T::AccountId, model: ModelId, count: u32) -> Option<u128> {
			let (_, price) = Self::offered(&provider, &model).ok()?;
			Some(price.of(T::Models::standing(&model)?.work.cost.macs, count))
		}

		/// What the court takes for a receipt of a model: what `dispute` has to state.
		pub fn dispute_cost(model: ModelId) -> Option<Weight> {
			Self::court_price(&model)
		}
	}
}
