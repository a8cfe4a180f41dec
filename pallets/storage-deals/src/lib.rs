//! Keepers of blobs: deals, random challenges answered with range proofs, pay and losses.
//!
//! A **keeper** bonds for the capacity that it offers. Whoever wants a blob kept offers a **deal**: so many replicas,
//! for so many rounds, at a price that rises while a slot is free. A keeper **takes** a slot with a part of its
//! bond at stake. Each **round** it is asked for one chunk, drawn when the round starts, and **proves** it: the chunk
//! and its path to the blob's BLAKE3 root, which the runtime checks. A proved round is paid at once, a missed one
//! never, and rounds missed in a row cost the stake. A lost replica's slot is free again, at a rising price.
//!
//! ```text
//!             take                  each round
//! Slot::Free ──────► Slot::Kept ──┬── proved: paid
//!     ▲                           └── missed: no pay, then half of the stake, then the rest: lost ──┐
//!     │                                                                                             │
//!     ├──────────────── quit, and some more rounds proved: the stake is returned                    │
//!     └─────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What a proof shows is that the keeper could get at the chunk in time; not that it has a copy of its own. Nothing
//! in consensus waits for anybody's data.
//!
//! The blobs of a model's head are kept from that model's own storage account: see [`Heads`]. Anybody may put money
//! into it, and nothing is paid from any other.
//!
//! One file a behaviour: `keepers` (bonds), `deals` (offers, replicas, and
//! `catch_up`, the one function that accounts for rounds), `challenge` (rounds' challenges and proofs), `heads`,
//! `sweep` (what happens by itself), `money` (what must not fail), `audit` (the invariants).
//!
//! [`Heads`]: oda_pallet_traits::Heads

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_precision_loss,
		clippy::cast_sign_loss,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod challenge;
mod deals;
mod heads;
mod keepers;
#[cfg(test)]
mod mock;
mod sweep;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, SetTick, Sr25519Helper};
pub use deals::{GRACE, MIN_ROUNDS};
pub use heads::HeadBlobs;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_pallet_funds::{self as funds, Funds};
use oda_pallet_traits::{Deed, Evidence, OpenModels, PeerKey, Peers as _, Tiers};
use oda_primitives::{BlobRef, DealId, ModelId, RangeProof, RoundNumber, Tick, message};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{Footprint, Randomness, fungible},
		weights::WeightMeter,
	},
	frame_system::{ensure_authorized, pallet_prelude::*},
	sp_runtime::{
		traits::{Convert, IdentifyAccount, Verify, Zero},
		transaction_validity::TransactionPriority,
	},
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

/// An amount.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountIdOf<T>>>::Balance;
type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// A stored keeper.
pub type KeeperOf<T> = Keeper<BalanceOf<T>>;
/// A stored replica.
pub type ReplicaOf<T> = Replica<AccountIdOf<T>, BalanceOf<T>>;
/// A stored deal.
pub type DealOf<T> = Deal<AccountIdOf<T>, BalanceOf<T>, <T as Config>::MaxReplicas>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; nothing written here uses either.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What storage needs. The runtime's transaction extensions have to contain `frame_system::AuthorizeCall`,
	/// through which proofs and settlements come in.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Protocol time.
		type Clock: Get<Tick>;

		/// Who knows which accounts are suspended: they take no new replicas.
		type Tiers: Tiers<Self::AccountId>;

		/// Who listens to what keepers do.
		type Evidence: Evidence<Self::AccountId>;

		/// What rounds are drawn from. A keeper that can foresee it knows which chunks it will be asked for,
		/// and needs to have no others until then: the fresher the better. Who makes blocks may turn it by
		/// withholding one, which shifts a draw and tells nobody more than one round beforehand.
		type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

		/// For how many ticks a round lasts at least: how long a keeper has to answer.
		type RoundLength: Get<Tick>;

		/// What a proof is signed with.
		type Signature: Verify<Signer = Self::Signer> + Parameter;

		/// Who signs it: the keeper's account.
		type Signer: IdentifyAccount<AccountId = Self::AccountId>;

		/// What a payer puts on hold for a stored deal of so many bytes.
		type DealDeposit: Convert<Footprint, BalanceOf<Self>>;

		/// Which peers act for which accounts: a keeper has one.
		type Peers: oda_pallet_traits::Peers<Self::AccountId>;

		/// Which models are open: their heads are kept.
		type Models: OpenModels;

		/// The storage account of a model: one of its own for each, of which nobody has a key.
		type ModelAccount: Convert<ModelId, Self::AccountId>;

		/// The least bond of a keeper.
		type MinBond: Get<BalanceOf<Self>>;

		/// The bond for each mebibyte of capacity, and the stake for each mebibyte of a replica.
		type BondPerMib: Get<BalanceOf<Self>>;

		/// The least stake of a replica.
		type MinStake: Get<BalanceOf<Self>>;

		/// Ticks that must pass between a keeper's `retire` and its `withdraw`.
		type UnbondingPeriod: Get<Tick>;

		/// The least pay for a proved round.
		type MinPrice: Get<BalanceOf<Self>>;

		/// The most replicas of a deal.
		#[pallet::constant]
		type MaxReplicas: Get<u32>;

		/// The most rounds of a deal.
		#[pallet::constant]
		type MaxRounds: Get<u32>;

		/// In how many rounds a free slot's price rises to its most.
		#[pallet::constant]
		type RaiseRounds: Get<u32>;

		/// For how many rounds more a keeper answers that leaves a deal, and a deal runs that is cancelled. At
		/// least [`GRACE`], so that whoever takes a replica is challenged at least once.
		#[pallet::constant]
		type QuitRounds: Get<u32>;

		/// How many rounds missed in a row cost no more than their pay.
		#[pallet::constant]
		type FreeMisses: Get<u32>;

		/// How many rounds missed in a row cost a replica all of its stake, and its place.
		#[pallet::constant]
		type MaxMisses: Get<u32>;

		/// How many deals are visited in a tick.
		#[pallet::constant]
		type SweepDeals: Get<u32>;

		/// How many replicas of a head's blob its model's account asks for.
		#[pallet::constant]
		type HeadReplicas: Get<u32>;

		/// For how many rounds at a time a head's blob is kept.
		#[pallet::constant]
		type HeadRounds: Get<u32>;

		/// What a model's account pays for each mebibyte and proved round to begin with; at most twice as much.
		type HeadPricePerMib: Get<BalanceOf<Self>>;

		/// The longest blob that is kept from a model's account.
		#[pallet::constant]
		type HeadMaxLen: Get<u64>;

		/// The priority of proofs in the transaction pool.
		#[pallet::constant]
		type ProvePriority: Get<TransactionPriority>;

		/// What calls and hooks cost.
		type WeightInfo: WeightInfo;

		/// Makes signatures and sets the clock: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A keeper's bond.
		#[codec(index = 0)]
		KeeperBond,
		/// What a deal's keepers can still earn.
		#[codec(index = 1)]
		Deal,
		/// The deposit for a stored deal.
		#[codec(index = 2)]
		DealDeposit,
	}

	/// The round that runs.
	#[pallet::storage]
	pub type CurrentRound<T: Config> = StorageValue<_, Round>;

	/// The keepers.
	#[pallet::storage]
	pub type Keepers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, KeeperOf<T>>;

	/// The number of the next deal.
	#[pallet::storage]
	pub type NextDeal<T: Config> = StorageValue<_, DealId, ValueQuery>;

	/// The deals.
	#[pallet::storage]
	pub type Deals<T: Config> = StorageMap<_, Blake2_128Concat, DealId, DealOf<T>>;

	/// The keepers of the blobs of a root, and how many replicas each has of them. Offers are not in it: only who
	/// has a stake in a replica.
	#[pallet::storage]
	pub type KeepersOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, [u8; 32], Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// How far the sweep over all deals has come.
	#[pallet::storage]
	pub type SweepState<T: Config> = StorageValue<_, Sweep, ValueQuery>;

	/// The blobs of a model's head that are kept from its account.
	#[pallet::storage]
	pub type HeadOf<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, HeadBlobs, ValueQuery>;

	/// The running deal that a model's account pays about a blob.
	#[pallet::storage]
	pub type HeadDeals<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, BlobRef, DealId>;

	/// The blobs of heads for which their models' accounts are short of money.
	#[pallet::storage]
	pub type Waiting<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, BlobRef, ()>;

	/// The waiting blob of a head that was tried last.
	#[pallet::storage]
	pub type RetriedHead<T: Config> = StorageValue<_, (ModelId, BlobRef)>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became a keeper.
		#[codec(index = 0)]
		Enlisted {
			/// The new keeper.
			keeper: T::AccountId,
			/// The bytes that it offers to keep.
			capacity: u64,
			/// The bond that is on hold of its funds.
			bond: BalanceOf<T>,
		},
		/// A keeper offers more or less.
		#[codec(index = 1)]
		CapacitySet {
			/// The keeper.
			keeper: T::AccountId,
			/// The bytes that it offers to keep now.
			capacity: u64,
			/// The bond that is on hold of its funds now.
			bond: BalanceOf<T>,
		},
		/// A keeper takes no more replicas.
		#[codec(index = 2)]
		Retired {
			/// The keeper that retired.
			keeper: T::AccountId,
			/// The first tick at which it can have its bond back.
			free_at: Tick,
		},
		/// A keeper left and has its bond back.
		#[codec(index = 3)]
		Withdrawn {
			/// The account that is no keeper any more.
			keeper: T::AccountId,
			/// The bond that it got back.
			bond: BalanceOf<T>,
		},
		/// A round started.
		#[codec(index = 4)]
		RoundStarted {
			/// The number of the round that started.
			round: RoundNumber,
			/// The seed that its challenges are drawn from.
			seed: [u8; 32],
		},
		/// A deal was offered; all its slots are free.
		#[codec(index = 5)]
		DealOffered {
			/// The number of the new deal.
			deal: DealId,
			/// The account that pays.
			payer: T::AccountId,
			/// The model whose storage account that is, if the blob is its head's.
			model: Option<ModelId>,
			/// The blob that is to be kept.
			blob: BlobRef,
			/// The number of slots.
			replicas: u32,
			/// The last round of the deal.
			until: RoundNumber,
			/// The pay for a proved round to begin with.
			price: BalanceOf<T>,
			/// The most that this pay rises to.
			max_price: BalanceOf<T>,
		},
		/// A deal will end earlier.
		#[codec(index = 6)]
		DealCancelled {
			/// The deal that its payer cancelled.
			deal: DealId,
			/// The last round of the deal now.
			until: RoundNumber,
		},
		/// A head's deal goes on for another term. Its keepers leave before that unless they agree to stay.
		#[codec(index = 7)]
		DealRenewed {
			/// The deal that goes on.
			deal: DealId,
			/// The last round that its present keepers have agreed to.
			agreed: RoundNumber,
			/// The last round of the deal now.
			until: RoundNumber,
		},
		/// A deal is over.
		#[codec(index = 8)]
		DealEnded {
			/// The deal that ended.
			deal: DealId,
			/// The part of the payer's funds that was not paid to keepers.
			returned: BalanceOf<T>,
		},
		/// A keeper took a slot of a deal.
		#[codec(index = 9)]
		ReplicaTaken {
			/// The deal of which it keeps a replica now.
			deal: DealId,
			/// The slot that it took.
			slot: u32,
			/// The keeper.
			keeper: T::AccountId,
			/// The keeper's pay for a proved round.
			price: BalanceOf<T>,
			/// The first round in which the keeper is challenged.
			first: RoundNumber,
		},
		/// A keeper proved what it was asked for.
		#[codec(index = 10)]
		RoundProved {
			/// The deal of the proved replica.
			deal: DealId,
			/// The round that was proved.
			round: RoundNumber,
			/// The keeper that proved it.
			keeper: T::AccountId,
			/// The pay for the round.
			paid: BalanceOf<T>,
		},
		/// A keeper did not prove what it was asked for.
		#[codec(index = 11)]
		RoundMissed {
			/// The deal of the missing proof.
			deal: DealId,
			/// The keeper that missed the round.
			keeper: T::AccountId,
			/// The round that was missed.
			round: RoundNumber,
			/// The number of rounds that the keeper has missed in a row.
			misses: u32,
			/// The part of the keeper's bond that was burned.
			burned: BalanceOf<T>,
		},
		/// A keeper lost its slot with its stake.
		#[codec(index = 12)]
		ReplicaLost {
			/// The deal of the lost replica.
			deal: DealId,
			/// The slot that the keeper had.
			slot: u32,
			/// The keeper that lost it.
			keeper: T::AccountId,
		},
		/// A keeper will leave a deal.
		#[codec(index = 13)]
		QuitAnnounced {
			/// The deal that it will leave.
			deal: DealId,
			/// The slot of the keeper.
			slot: u32,
			/// The keeper that leaves.
			keeper: T::AccountId,
			/// The last round for which the keeper answers.
			last: RoundNumber,
		},
		/// A keeper has left a deal, and its stake is free.
		#[codec(index = 14)]
		ReplicaLeft {
			/// The deal that the keeper left.
			deal: DealId,
			/// The slot that the keeper had.
			slot: u32,
			/// The keeper that left.
			keeper: T::AccountId,
		},
		/// A slot of a running deal becomes free: who will keep this replica?
		#[codec(index = 15)]
		RepairOffered {
			/// The deal of the free slot.
			deal: DealId,
			/// The free slot.
			slot: u32,
			/// The round from which on the slot can be taken, and its price rises.
			from: RoundNumber,
		},
		/// A head's blob is empty, or too long to be kept from its model's account.
		#[codec(index = 16)]
		HeadSkipped {
			/// The model of the head.
			model: ModelId,
			/// The blob that is not kept.
			blob: BlobRef,
		},
		/// A model's storage account is short of what keeping a blob of its head costs.
		#[codec(index = 17)]
		ModelShort {
			/// The model whose account is short.
			model: ModelId,
			/// The blob that is not kept, or not any longer.
			blob: BlobRef,
		},
		/// Somebody put money into a model's storage account.
		#[codec(index = 18)]
		ModelFunded {
			/// The model whose head is kept with it.
			model: ModelId,
			/// The account that gave the money.
			who: T::AccountId,
			/// The amount that it gave.
			amount: BalanceOf<T>,
		},
		/// A keeper agreed to a longer term, or took back that it leaves.
		#[codec(index = 19)]
		StayAgreed {
			/// The deal in which the keeper stays.
			deal: DealId,
			/// The slot of the keeper.
			slot: u32,
			/// The keeper that stays.
			keeper: T::AccountId,
			/// The last round for which the keeper answers now.
			until: RoundNumber,
		},
		/// What a retired model's storage account had left was burned.
		#[codec(index = 20)]
		LeftoverBurned {
			/// The model of which nothing is kept any more.
			model: ModelId,
			/// The amount that was burned.
			amount: BalanceOf<T>,
		},
	}

	/// Why storage refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is a keeper already.
		#[codec(index = 0)]
		AlreadyKeeper,
		/// The account is not a keeper.
		#[codec(index = 1)]
		NotKeeper,
		/// The capacity is zero: a keeper offers at least one byte.
		#[codec(index = 2)]
		NoCapacity,
		/// The keeper's replicas take more bytes than this capacity.
		#[codec(index = 3)]
		CapacityInUse,
		/// The keeper has announced that it leaves the keepers.
		#[codec(index = 4)]
		Retiring,
		/// The keeper has not announced that it leaves the keepers.
		#[codec(index = 5)]
		NotRetiring,
		/// The keeper still has replicas.
		#[codec(index = 6)]
		HasReplicas,
		/// The keeper's unbonding period is not over.
		#[codec(index = 7)]
		StillUnbonding,
		/// The blob is empty: there is nothing to keep.
		#[codec(index = 8)]
		EmptyBlob,
		/// The blob is longer than there are proofs for.
		#[codec(index = 9)]
		BlobTooLong,
		/// The deal asks for no replica.
		#[codec(index = 10)]
		NoReplicas,
		/// The deal asks for more replicas than a deal may have.
		#[codec(index = 11)]
		TooManyReplicas,
		/// The deal has so few rounds that no keeper could be challenged.
		#[codec(index = 12)]
		TooFewRounds,
		/// The deal asks for more rounds than a deal may have.
		#[codec(index = 13)]
		TooManyRounds,
		/// The price is below the least price of a proved round.
		#[codec(index = 14)]
		PriceTooLow,
		/// The most that the price may rise to is below the price to begin with.
		#[codec(index = 15)]
		MaxPriceBelowPrice,
		/// The deal could cost more than an amount can express.
		#[codec(index = 16)]
		TermsTooDear,
		/// There is no such deal, or it is over.
		#[codec(index = 17)]
		UnknownDeal,
		/// Somebody else pays for the deal.
		#[codec(index = 18)]
		NotPayer,
		/// The deal ends no later without being cancelled.
		#[codec(index = 19)]
		EndsAnyway,
		/// The deal's last round is over.
		#[codec(index = 20)]
		DealOver,
		/// The deal ends before a new keeper would be challenged.
		#[codec(index = 21)]
		TooLateToTake,
		/// The keeper has a slot of this deal already.
		#[codec(index = 22)]
		AlreadyKept,
		/// No slot of the deal is free.
		#[codec(index = 23)]
		NoFreeSlot,
		/// The keeper has too little capacity left for the blob.
		#[codec(index = 24)]
		CapacityExceeded,
		/// Too little of the keeper's bond is free for the replica's stake.
		#[codec(index = 25)]
		BondTooLow,
		/// The account keeps no replica of this deal.
		#[codec(index = 26)]
		NotKept,
		/// The keeper has announced already that it leaves the deal.
		#[codec(index = 27)]
		AlreadyQuitting,
		/// No round of the deal is over that is not settled.
		#[codec(index = 28)]
		NothingDue,
		/// The round has not started, or is before the replica's first challenge.
		#[codec(index = 29)]
		TooEarly,
		/// The round of the proof is over.
		#[codec(index = 30)]
		TooLate,
		/// The keeper has proved this round already.
		#[codec(index = 31)]
		AlreadyProved,
		/// The keeper has missed too many rounds, and its replica is lost.
		#[codec(index = 32)]
		ReplicaLost,
		/// The proof is for other bytes than were asked for.
		#[codec(index = 33)]
		OtherChunk,
		/// The proof does not hold exactly one chunk.
		#[codec(index = 34)]
		ProofChunks,
		/// The proof has too few or too many chaining values.
		#[codec(index = 35)]
		ProofSiblings,
		/// The proof's bytes are not the blob's.
		#[codec(index = 36)]
		OtherBlob,
		/// The keeper stays until the deal's end already, and has not announced that it leaves.
		#[codec(index = 37)]
		NotLeaving,
		/// The model is not registered, or retired: nothing is kept for it.
		#[codec(index = 38)]
		ModelNotOpen,
		/// The account is suspended: it takes no new replicas until that is over.
		#[codec(index = 39)]
		Suspended,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Makes the caller, who has a peer, a keeper. While it is one, it keeps a peer.
		///
		/// Puts [`Config::BondPerMib`] for each mebibyte on hold, at least [`Config::MinBond`].
		///
		/// - `capacity`: how many bytes it offers to keep.
		///
		/// Event: `Enlisted`. Errors: `AlreadyKeeper`, `NoCapacity`; no peer is bound; the bond cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::enlist())]
		pub fn enlist(origin: OriginFor<T>, capacity: u64) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_enlist(who, capacity)
		}

		/// Changes how much the caller offers to keep, and its bond; also restores a bond that was slashed.
		///
		/// What is at stake stays on hold.
		///
		/// - `capacity`: in bytes, at least those that it keeps.
		///
		/// Event: `CapacitySet`. Errors: `NotKeeper`, `Retiring`, `NoCapacity`, `CapacityInUse`; the bond
		/// cannot be held.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_capacity())]
		pub fn set_capacity(origin: OriginFor<T>, capacity: u64) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_capacity(who, capacity)
		}

		/// Announces that the caller leaves the keepers: it takes no replicas from now on.
		///
		/// It answers for those that it has until their deals end, or it quits them.
		///
		/// Event: `Retired`. Errors: `NotKeeper`, `Retiring`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::retire())]
		pub fn retire(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_retire(who)
		}

		/// Leaves the keepers and releases the caller's bond.
		///
		/// [`Config::UnbondingPeriod`] ticks after `retire`, and with no replica left.
		///
		/// Event: `Withdrawn`. Errors: `NotKeeper`, `NotRetiring`, `HasReplicas`, `StillUnbonding`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who)
		}

		/// Offers to pay for a blob to be kept.
		///
		/// Puts on hold what that can cost, `replicas × rounds × max_price`, and [`Config::DealDeposit`]. Prices rise, keepers leave, and
		/// misses cost what they do now, whatever the parameters are later.
		///
		/// - `blob`: what is to be kept. Its length must be right, or no keeper can prove anything: who takes
		///   a replica checks it first.
		/// - `replicas`: by how many keepers.
		/// - `rounds`: for how many rounds after this one; at least [`MIN_ROUNDS`].
		/// - `price`: the pay for a proved round that a slot begins with, and
		/// - `max_price`: what it rises to, over [`Config::RaiseRounds`] rounds in which nobody takes it.
		///
		/// Event: `DealOffered`. Errors: `EmptyBlob`, `BlobTooLong`, `NoReplicas`, `TooManyReplicas`,
		/// `TooFewRounds`, `TooManyRounds`, `PriceTooLow`, `MaxPriceBelowPrice`, `TermsTooDear`; funds or
		/// deposit cannot be held.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::offer())]
		pub fn offer(
			origin: OriginFor<T>,
			blob: BlobRef,
			replicas: u8,
			rounds: u32,
			price: BalanceOf<T>,
			max_price: BalanceOf<T>,
		) -> DispatchResult {
			let payer = ensure_signed(origin)?;
			Self::do_offer(&payer, None, blob, replicas.into(), rounds, price, max_price)?;
			Ok(())
		}

		/// Announces that a deal of the caller's ends [`Config::QuitRounds`] rounds after this one.
		///
		/// Its keepers are challenged and paid until then; what is left is returned at the end.
		///
		/// - `deal`: the deal's number.
		///
		/// Event: `DealCancelled`, and those of settling. Errors: `UnknownDeal`, `NotPayer`, `DealOver`,
		/// `EndsAnyway`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::cancel().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn cancel(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::metered(T::WeightInfo::cancel(), deal, || Self::do_cancel(who, deal))
		}

		/// Takes the slot of a deal that has been free the longest, at its present price.
		///
		/// Puts a part of the caller's bond at stake: [`Config::BondPerMib`] for each mebibyte, at least
		/// [`Config::MinStake`]. The first challenge comes in the round after the next. Who takes a replica
		/// has the blob already, or knows where to get it: nothing excuses from a challenge.
		///
		/// A head's deal may be renewed, see `DealRenewed`; the caller's term still ends as it was, unless it
		/// agrees to `stay`.
		///
		/// - `deal`: the deal's number.
		///
		/// Event: `ReplicaTaken`, and those of settling. Errors: `UnknownDeal`, `NotKeeper`, `Suspended`, `DealOver`,
		/// `Retiring`, `TooLateToTake`, `AlreadyKept`, `NoFreeSlot`, `CapacityExceeded`, `BondTooLow`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::take().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn take(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::metered(T::WeightInfo::take(), deal, || Self::do_take(who, deal))
		}

		/// Announces that the caller leaves a deal.
		///
		/// It answers, and is paid, for [`Config::QuitRounds`] rounds more. Then its stake is free, and so is
		/// its slot.
		///
		/// - `deal`: the deal's number.
		///
		/// Events: `QuitAnnounced`, `RepairOffered`, and those of settling. Errors: `UnknownDeal`, `DealOver`,
		/// `NotKept`, `AlreadyQuitting`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::quit().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn quit(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::metered(T::WeightInfo::quit(), deal, || Self::do_quit(who, deal))
		}

		/// Agrees to keep a replica until its deal's end, after the deal was renewed; or takes back that the caller
		/// leaves.
		///
		/// - `deal`: the deal's number.
		///
		/// Event: `StayAgreed`, and those of settling. Errors: `UnknownDeal`, `DealOver`, `NotKept`,
		/// `NotLeaving`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::stay().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn stay(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::metered(T::WeightInfo::stay(), deal, || Self::do_stay(who, deal))
		}

		/// Answers a challenge; free of charge, and not signed by an account but authorised by `signature`.
		///
		/// The keeper is paid at once.
		///
		/// - `deal`: the deal's number.
		/// - `round`: the one that runs.
		/// - `keeper`: who answers.
		/// - `proof`: the chunk that was asked for,
		///   [`challenged_range`](oda_primitives::storage::challenged_range), and its path to the blob's root.
		/// - `signature`: the keeper's, over [`message::storage_proof`].
		///
		/// Event: `RoundProved`, and those of settling. Refused by the pool with
		/// `InvalidTransaction::Custom(128 + index)` of `UnknownDeal`, `TooEarly`, `TooLate`, `DealOver`,
		/// `NotKept`, `ReplicaLost`, `AlreadyProved`, `OtherChunk`, `ProofChunks`, `ProofSiblings` or
		/// `OtherBlob`, or with `BadProof` for the signature; those of these errors that do not concern the
		/// proof itself if dispatched nevertheless.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::prove().saturating_add(Pallet::<T>::most_due_weight()))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_prove(
			u32::try_from(_proof.siblings.len()).unwrap_or(u32::MAX)
		))]
		#[pallet::authorize(Pallet::<T>::authorize_prove)]
		pub fn prove(
			origin: OriginFor<T>,
			deal: DealId,
			round: RoundNumber,
			keeper: T::AccountId,
			// Both verified by `authorize`.
			_proof: RangeProof,
			_signature: T::Signature,
		) -> DispatchResultWithPostInfo {
			ensure_authorized(origin)?;
			let due = Self::do_prove(deal, round, keeper)?;
			Ok(Some(T::WeightInfo::prove().saturating_add(due)).into())
		}

		/// Accounts for the rounds of a deal that are over. Anybody may, and it costs nothing if there were any.
		///
		/// Needs no signature: it is authorised if something is due, and enters no block otherwise. It may be
		/// signed; then it costs little if nothing is due any more.
		///
		/// - `deal`: the deal's number.
		///
		/// Events: `RoundMissed`, `ReplicaLost`, `ReplicaLeft`, `RepairOffered`, `DealRenewed`, `ModelShort`,
		/// `DealEnded`, `LeftoverBurned`. Errors: `UnknownDeal`, `NothingDue`; with their codes, as those of
		/// `prove`, if the pool refuses.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::settle().saturating_add(Pallet::<T>::most_due_weight()))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_settle())]
		#[pallet::authorize(Pallet::<T>::authorize_settle)]
		pub fn settle(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			if ensure_authorized(origin.clone()).is_err() {
				ensure_signed(origin)?;
			}
			let mut post_info = Self::metered(T::WeightInfo::settle(), deal, || Self::do_settle(deal))?;
			post_info.pays_fee = Pays::No;
			Ok(post_info)
		}

		/// Puts money into a model's storage account, from which the blobs of its head are kept.
		///
		/// Nobody can take it out again: it is paid to keepers, and what is left when the model is retired
		/// and its last deal over is burned. What the head has been waiting for is offered at once.
		///
		/// - `model`: the model, registered and not retired.
		/// - `amount`: how much; with what the account has, at least what an account must have.
		///
		/// Events: `ModelFunded`, `DealOffered`, `DealRenewed`. Errors: `ModelNotOpen`; the amount cannot be
		/// transferred.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::fund())]
		pub fn fund(origin: OriginFor<T>, model: ModelId, amount: BalanceOf<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_fund(who, model, amount)
		}
	}

	#[pallet::extra_constants]
	impl<T: Config> Pallet<T> {
		/// What a payer puts on hold for a stored deal, beside what its keepers can earn.
		#[pallet::constant_name(DealDeposit)]
		fn deal_deposit_constant() -> BalanceOf<T> {
			Self::deal_deposit()
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::poll(meter);
		}

		fn integrity_test() {
			assert!(!T::MinStake::get().is_zero(), "a replica without a stake has nothing to lose");
			assert!(T::MinStake::get() <= T::MinBond::get(), "a keeper must be able to take a replica");
			assert!(!T::MinPrice::get().is_zero(), "keeping must be paid");
			assert!(
				(1..=255).contains(&T::MaxReplicas::get()),
				"deals have replicas, counted by one byte in an offer"
			);
			assert!(T::MaxRounds::get() >= MIN_ROUNDS, "no deal could be long enough");
			assert!(T::RaiseRounds::get() > 0, "a price rises over at least one round");
			assert!(T::QuitRounds::get() >= GRACE, "nobody must leave without having been challenged");
			assert!(T::FreeMisses::get() < T::MaxMisses::get(), "missing must cost something");
			assert!(T::SweepDeals::get() > 0, "deals must be visited");
			assert!(
				(1..=T::MaxReplicas::get()).contains(&T::HeadReplicas::get()),
				"heads' deals have as many replicas as deals can have"
			);
			assert!(
				(MIN_ROUNDS..=T::MaxRounds::get()).contains(&T::HeadRounds::get()),
				"heads' deals have as many rounds as deals can have"
			);
			assert!(
				T::HeadRounds::get() > T::QuitRounds::get(),
				"a head's deal would be renewed at its start"
			);
			assert!(T::HeadMaxLen::get() <= oda_primitives::MAX_BLOB_LEN, "there must be proofs for heads");
			assert!(T::Hash::default().as_ref().len() == 32, "messages name the genesis block by 32 bytes");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The round that runs.
		pub fn round() -> Option<Round> {
			CurrentRound::<T>::get()
		}

		/// A keeper.
		pub fn keeper(who: T::AccountId) -> Option<KeeperOf<T>> {
			Keepers::<T>::get(who)
		}

		/// A page of the keepers, in no particular order: those after `after`, or from the start; at most
		/// `limit`, and never more than [`MAX_PAGE`].
		pub fn keepers(after: Option<T::AccountId>, limit: u32) -> Vec<(T::AccountId, KeeperOf<T>)> {
			let keepers = match after {
				Some(who) => Keepers::<T>::iter_from_key(who),
				None => Keepers::<T>::iter(),
			};
			keepers.take(limit.min(MAX_PAGE) as usize).collect()
		}

		/// A page of the keepers of the blobs of a root, and their peers, in no particular order: those after
		/// `after`, or from the start; at most `limit`, and never more than [`MAX_PAGE`].
		///
		/// Only who has a stake in a replica is among them, each once: deals that nobody takes hide none.
		pub fn keepers_of(
			root: [u8; 32],
			after: Option<T::AccountId>,
			limit: u32,
		) -> Vec<(T::AccountId, PeerKey)> {
			let keepers = match after {
				Some(who) => {
					KeepersOf::<T>::iter_key_prefix_from(root, KeepersOf::<T>::hashed_key_for(root, who))
				}
				None => KeepersOf::<T>::iter_key_prefix(root),
			};
			let peer = |who| T::Peers::peer_of(&who).map(|peer| (who, peer));
			keepers.take(limit.min(MAX_PAGE) as usize).filter_map(peer).collect()
		}

		/// A deal.
		pub fn deal(id: DealId) -> Option<DealOf<T>> {
			Deals::<T>::get(id)
		}

		/// A page of the deals, in no particular order: those after `after`, or from the start; at most `limit`,
		/// and never more than [`MAX_PAGE`].
		pub fn deals(after: Option<DealId>, limit: u32) -> Vec<(DealId, DealOf<T>)> {
			let deals = match after {
				Some(id) => Deals::<T>::iter_from_key(id),
				None => Deals::<T>::iter(),
			};
			deals.take(limit.min(MAX_PAGE) as usize).collect()
		}

		/// The bytes, from and up to, that `keeper` has to prove for a deal in the round that runs; `None` if
		/// it has none to prove, or has.
		pub fn challenge(deal: DealId, keeper: T::AccountId) -> Option<(u64, u64)> {
			Self::challenge_of(deal, &keeper).map(|range| (range.start, range.end))
		}

		/// What a free slot of a deal pays that is taken now; `None` if it has no such slot, or it is kept.
		pub fn price(deal: DealId, slot: u32) -> Option<BalanceOf<T>> {
			let deal = Deals::<T>::get(deal)?;
			match deal.slots.get(slot as usize)? {
				Slot::Free { since } => Some(Self::slot_price(&deal, *since)),
				Slot::Kept(_) => None,
			}
		}

		/// The storage account of a model, and what it has that no deal has on hold.
		pub fn storage_account(model: ModelId) -> (T::AccountId, BalanceOf<T>) {
			let account = Self::model_account(&model);
			let balance = <T::Currency as fungible::Inspect<_>>::balance(&account);
			(account, balance)
		}

		/// What keeping a head's blob of so many bytes for a term costs its model's account at most, with the
		/// deal's deposit, which comes back; `None` if there is no such amount.
		pub fn term_cost(len: u64) -> Option<BalanceOf<T>> {
			Self::head_cost(len)
		}

		/// The blobs of a model's head that are kept from its account, and the deal about each, if one runs.
		pub fn head_deals(model: ModelId) -> Vec<(BlobRef, Option<DealId>)> {
			let deal = |blob| (blob, HeadDeals::<T>::get(model, blob));
			HeadOf::<T>::get(model).into_iter().map(deal).collect()
		}

		/// The bytes that a keeper signs to answer a challenge.
		pub fn proof_message(deal: DealId, round: RoundNumber, proof: RangeProof) -> Vec<u8> {
			message::storage_proof(&funds::genesis_hash::<T>(), deal, round, &proof)
		}
	}
}
