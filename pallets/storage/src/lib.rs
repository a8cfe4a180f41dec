//! Keepers of blobs: deals, random challenges answered with range proofs, pay and losses.
//!
//! A **keeper** bonds for the capacity that it offers. Whoever wants a blob kept offers a **deal**: so many replicas,
//! for so many rounds, at a price that rises while a slot is free. A keeper **takes** a slot with a part of its
//! bond at stake. Each **round** it is asked for one chunk that nobody could foresee, and **proves** it: the chunk
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
//! The blobs of models' heads are paid for by the **pot**, an account funded at genesis: see [`Heads`].
//!
//! One file a behaviour: `peers` (peers bound to accounts), `keepers` (bonds), `deals` (offers, replicas, and
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
mod money;
mod peers;
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
use oda_primitives::{BlobRef, DealId, ModelId, RangeProof, RoundNumber, Tick, message};
use polkadot_sdk::{
	frame_support::{
		self, PalletId,
		pallet_prelude::*,
		traits::{Consideration, Footprint, Randomness, fungible},
		weights::WeightMeter,
	},
	frame_system::{self, ensure_authorized, pallet_prelude::*},
	sp_runtime::{
		traits::{IdentifyAccount, Verify, Zero},
		transaction_validity::TransactionPriority,
	},
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

/// The most deals about a root that are searched for its keepers.
pub const MAX_DEALS_OF_ROOT: u32 = 1_024;

/// An amount.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountIdOf<T>>>::Balance;
type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// A peer as this pallet stores it.
pub type StoredPeerOf<T> = Peer<<T as Config>::PeerDeposit>;
/// A stored keeper.
pub type KeeperOf<T> = Keeper<BalanceOf<T>>;
/// A stored replica.
pub type ReplicaOf<T> = Replica<AccountIdOf<T>, BalanceOf<T>>;
/// A stored deal.
pub type DealOf<T> =
	Deal<AccountIdOf<T>, BalanceOf<T>, <T as Config>::DealDeposit, <T as Config>::MaxReplicas>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; but for the making of genesis, nothing written here uses
/// either.
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
	/// through which proofs come in.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: fungible::Mutate<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Protocol time.
		type Clock: Get<Tick>;

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

		/// The deposit for a bound peer; with [`HoldReason::PeerDeposit`].
		type PeerDeposit: Consideration<Self::AccountId, Footprint>;

		/// The deposit for a stored deal; with [`HoldReason::DealDeposit`].
		type DealDeposit: Consideration<Self::AccountId, Footprint>;

		/// The name of the account that pays for heads.
		#[pallet::constant]
		type PotId: Get<PalletId>;

		/// The least bond of a keeper.
		#[pallet::constant]
		type MinBond: Get<BalanceOf<Self>>;

		/// The bond for each mebibyte of capacity, and the stake for each mebibyte of a replica.
		#[pallet::constant]
		type BondPerMib: Get<BalanceOf<Self>>;

		/// The least stake of a replica.
		#[pallet::constant]
		type MinStake: Get<BalanceOf<Self>>;

		/// Ticks that must pass between a keeper's `retire` and its `withdraw`.
		#[pallet::constant]
		type UnbondingPeriod: Get<Tick>;

		/// The least pay for a proved round.
		#[pallet::constant]
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

		/// How many replicas the pot pays of a head's blob.
		#[pallet::constant]
		type HeadReplicas: Get<u32>;

		/// For how many rounds at a time.
		#[pallet::constant]
		type HeadRounds: Get<u32>;

		/// What the pot pays for each mebibyte and proved round to begin with; at most twice as much.
		#[pallet::constant]
		type HeadPricePerMib: Get<BalanceOf<Self>>;

		/// The longest blob that the pot pays for.
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
		/// The deposit for a bound peer.
		#[codec(index = 3)]
		PeerDeposit,
	}

	/// The round that runs.
	#[pallet::storage]
	pub type CurrentRound<T: Config> = StorageValue<_, Round>;

	/// The peer of an account.
	#[pallet::storage]
	pub type PeerOf<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, StoredPeerOf<T>>;

	/// The account of a peer.
	#[pallet::storage]
	pub type AccountOf<T: Config> = StorageMap<_, Blake2_128Concat, PeerKey, T::AccountId>;

	/// The keepers.
	#[pallet::storage]
	pub type Keepers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, KeeperOf<T>>;

	/// The number of the next deal.
	#[pallet::storage]
	pub type NextDeal<T: Config> = StorageValue<_, DealId, ValueQuery>;

	/// The deals.
	#[pallet::storage]
	pub type Deals<T: Config> = StorageMap<_, Blake2_128Concat, DealId, DealOf<T>>;

	/// The deals about the blobs of a root.
	#[pallet::storage]
	pub type DealsOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, [u8; 32], Twox64Concat, DealId, (), OptionQuery>;

	/// How far the sweep over all deals has come.
	#[pallet::storage]
	pub type SweepState<T: Config> = StorageValue<_, Sweep, ValueQuery>;

	/// The blobs of a model's head that the pot pays for.
	#[pallet::storage]
	pub type HeadOf<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, HeadBlobs, ValueQuery>;

	/// The blobs of all heads, and those whose deal still runs.
	#[pallet::storage]
	pub type WantedBlobs<T: Config> = StorageMap<_, Blake2_128Concat, BlobRef, Wanted>;

	/// The blobs of heads that wait for a deal.
	#[pallet::storage]
	pub type Unfunded<T: Config> = StorageMap<_, Blake2_128Concat, BlobRef, ()>;

	/// The one of them that was tried last.
	#[pallet::storage]
	pub type RetriedHead<T: Config> = StorageValue<_, BlobRef>;

	/// What the pot has at genesis.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The amount, which is issued to the pot's account; none, or enough for an account.
		pub pot: BalanceOf<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics on a genesis that makes no sense: no chain starts from it.
		fn build(&self) {
			if !self.pot.is_zero() {
				let pot = Pallet::<T>::pot_account();
				<T::Currency as fungible::Mutate<_>>::mint_into(&pot, self.pot)
					.expect("the pot cannot be funded at genesis");
			}
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A peer's key was bound to an account.
		#[codec(index = 0)]
		PeerBound {
			/// The account.
			who: T::AccountId,
			/// The ed25519 key.
			peer: PeerKey,
		},
		/// A peer's key belongs to nobody any more.
		#[codec(index = 1)]
		PeerUnbound {
			/// Whose it was.
			who: T::AccountId,
			/// The ed25519 key.
			peer: PeerKey,
		},
		/// Somebody became a keeper.
		#[codec(index = 2)]
		Enlisted {
			/// Who.
			keeper: T::AccountId,
			/// How many bytes it offers to keep.
			capacity: u64,
			/// What is on hold of its funds.
			bond: BalanceOf<T>,
		},
		/// A keeper offers more or less.
		#[codec(index = 3)]
		CapacitySet {
			/// Who.
			keeper: T::AccountId,
			/// How many bytes it offers to keep.
			capacity: u64,
			/// What is on hold of its funds now.
			bond: BalanceOf<T>,
		},
		/// A keeper takes no more replicas.
		#[codec(index = 4)]
		Retired {
			/// Who.
			keeper: T::AccountId,
			/// The first tick at which it can have its bond back.
			until: Tick,
		},
		/// A keeper left and has its bond back.
		#[codec(index = 5)]
		Withdrawn {
			/// Who.
			keeper: T::AccountId,
			/// What it got back.
			bond: BalanceOf<T>,
		},
		/// A round started.
		#[codec(index = 6)]
		RoundStarted {
			/// Its number.
			round: RoundNumber,
			/// What its challenges are drawn from.
			seed: [u8; 32],
		},
		/// A deal was offered; all its slots are free.
		#[codec(index = 7)]
		DealOffered {
			/// Its number.
			deal: DealId,
			/// Who pays.
			payer: T::AccountId,
			/// What is to be kept.
			blob: BlobRef,
			/// How many slots there are.
			replicas: u32,
			/// The last round.
			until: RoundNumber,
			/// The pay for a proved round to begin with.
			price: BalanceOf<T>,
			/// The most that it rises to.
			max_price: BalanceOf<T>,
		},
		/// A deal will end earlier.
		#[codec(index = 8)]
		DealCancelled {
			/// Which.
			deal: DealId,
			/// The last round.
			until: RoundNumber,
		},
		/// A head's deal will end later.
		#[codec(index = 9)]
		DealRenewed {
			/// Which.
			deal: DealId,
			/// The last round.
			until: RoundNumber,
		},
		/// A deal is over.
		#[codec(index = 10)]
		DealEnded {
			/// Which.
			deal: DealId,
			/// How much of the payer's funds was not paid to keepers.
			returned: BalanceOf<T>,
		},
		/// A keeper took a slot.
		#[codec(index = 11)]
		ReplicaTaken {
			/// Of which deal.
			deal: DealId,
			/// Which slot.
			slot: u32,
			/// Who.
			keeper: T::AccountId,
			/// Its pay for a proved round.
			price: BalanceOf<T>,
			/// The first round in which it is challenged.
			first: RoundNumber,
		},
		/// A keeper proved what it was asked for.
		#[codec(index = 12)]
		RoundProved {
			/// For which deal.
			deal: DealId,
			/// In which round.
			round: RoundNumber,
			/// Who.
			keeper: T::AccountId,
			/// What it was paid.
			paid: BalanceOf<T>,
		},
		/// A keeper did not prove what it was asked for.
		#[codec(index = 13)]
		RoundMissed {
			/// For which deal.
			deal: DealId,
			/// Who.
			keeper: T::AccountId,
			/// In which round.
			round: RoundNumber,
			/// How many it missed in a row.
			misses: u32,
			/// How much of its bond was burned.
			burned: BalanceOf<T>,
		},
		/// A keeper lost its slot with its stake.
		#[codec(index = 14)]
		ReplicaLost {
			/// Of which deal.
			deal: DealId,
			/// Which slot.
			slot: u32,
			/// Who.
			keeper: T::AccountId,
		},
		/// A keeper will leave a deal.
		#[codec(index = 15)]
		QuitAnnounced {
			/// Which.
			deal: DealId,
			/// Which slot.
			slot: u32,
			/// Who.
			keeper: T::AccountId,
			/// The last round for which it answers.
			last: RoundNumber,
		},
		/// A keeper has left a deal, and its stake is free.
		#[codec(index = 16)]
		ReplicaLeft {
			/// Which.
			deal: DealId,
			/// Which slot.
			slot: u32,
			/// Who.
			keeper: T::AccountId,
		},
		/// A slot of a running deal becomes free: who will keep this replica?
		#[codec(index = 17)]
		RepairOffered {
			/// Of which deal.
			deal: DealId,
			/// Which slot.
			slot: u32,
			/// The round from which on it can be taken, and its price rises.
			from: RoundNumber,
		},
		/// A head's blob is empty or too long for the pot.
		#[codec(index = 18)]
		HeadSkipped {
			/// Of which model.
			model: ModelId,
			/// The blob.
			blob: BlobRef,
		},
		/// The pot cannot pay to have a head's blob kept, or kept longer.
		#[codec(index = 19)]
		PotEmpty {
			/// The blob.
			blob: BlobRef,
		},
	}

	/// Why storage refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// The peer's key is bound to another account.
		#[codec(index = 0)]
		PeerTaken,
		/// The signature is not that key's over this account's binding.
		#[codec(index = 1)]
		BadPeerSignature,
		/// The account has no peer bound to it.
		#[codec(index = 2)]
		NotBound,
		/// The account is a keeper, which must have a peer.
		#[codec(index = 3)]
		PeerInUse,
		/// The account is a keeper already.
		#[codec(index = 4)]
		AlreadyKeeper,
		/// The account is not a keeper.
		#[codec(index = 5)]
		NotKeeper,
		/// A keeper offers at least one byte.
		#[codec(index = 6)]
		NoCapacity,
		/// The keeper's replicas have more bytes than that.
		#[codec(index = 7)]
		CapacityInUse,
		/// The keeper has announced that it leaves.
		#[codec(index = 8)]
		Retiring,
		/// The keeper has not announced that it leaves.
		#[codec(index = 9)]
		NotRetiring,
		/// The keeper has replicas.
		#[codec(index = 10)]
		HasReplicas,
		/// The unbonding period is not over.
		#[codec(index = 11)]
		StillUnbonding,
		/// There is nothing to keep of an empty blob.
		#[codec(index = 12)]
		EmptyBlob,
		/// The blob is longer than there are proofs for.
		#[codec(index = 13)]
		BlobTooLong,
		/// A deal has at least one replica.
		#[codec(index = 14)]
		NoReplicas,
		/// A deal has fewer replicas.
		#[codec(index = 15)]
		TooManyReplicas,
		/// In so few rounds nobody could be challenged.
		#[codec(index = 16)]
		TooFewRounds,
		/// A deal has fewer rounds.
		#[codec(index = 17)]
		TooManyRounds,
		/// The price is below the least one.
		#[codec(index = 18)]
		PriceTooLow,
		/// The price would have to fall.
		#[codec(index = 19)]
		MaxPriceBelowPrice,
		/// There is no such amount of money as the deal could cost.
		#[codec(index = 20)]
		TermsTooDear,
		/// There is no such deal, or it is over.
		#[codec(index = 21)]
		UnknownDeal,
		/// Somebody else pays for the deal.
		#[codec(index = 22)]
		NotPayer,
		/// The deal ends no later without that.
		#[codec(index = 23)]
		EndsAnyway,
		/// The deal's last round is over.
		#[codec(index = 24)]
		DealOver,
		/// The deal ends before a new keeper would be challenged.
		#[codec(index = 25)]
		TooLateToTake,
		/// The keeper has a slot of this deal.
		#[codec(index = 26)]
		AlreadyKept,
		/// No slot of the deal is free.
		#[codec(index = 27)]
		NoFreeSlot,
		/// The keeper has too few bytes left.
		#[codec(index = 28)]
		CapacityExceeded,
		/// Too little of the keeper's bond is free.
		#[codec(index = 29)]
		BondTooLow,
		/// The account keeps no replica of this deal.
		#[codec(index = 30)]
		NotKept,
		/// The keeper has announced that it leaves the deal.
		#[codec(index = 31)]
		AlreadyQuitting,
		/// Nothing is due.
		#[codec(index = 32)]
		NothingDue,
		/// The round has not started, or is before the replica's first challenge.
		#[codec(index = 33)]
		TooEarly,
		/// The round is over.
		#[codec(index = 34)]
		TooLate,
		/// The keeper has proved this round.
		#[codec(index = 35)]
		AlreadyProved,
		/// The keeper has missed too many rounds, and its replica is lost.
		#[codec(index = 36)]
		ReplicaLost,
		/// The proof is for other bytes than were asked for.
		#[codec(index = 37)]
		OtherChunk,
		/// The proof does not hold exactly one chunk.
		#[codec(index = 38)]
		ProofChunks,
		/// The proof has too few or too many chaining values.
		#[codec(index = 39)]
		ProofSiblings,
		/// The proof's bytes are not the blob's.
		#[codec(index = 40)]
		OtherBlob,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Binds a libp2p peer to the caller, instead of the one bound before.
		///
		/// Puts [`Config::PeerDeposit`] on hold the first time. A keeper has to have a peer, anybody else may.
		///
		/// - `peer`: the peer's ed25519 public key, not bound to anybody else.
		/// - `signature`: this key's, over [`message::peer_binding`] of the genesis hash and the caller.
		///
		/// Event: `PeerBound`. Errors: `PeerTaken`, `BadPeerSignature`; the deposit cannot be held.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bind_peer())]
		pub fn bind_peer(origin: OriginFor<T>, peer: PeerKey, signature: [u8; 64]) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bind_peer(who, peer, signature)
		}

		/// Releases the caller's peer, and the deposit.
		///
		/// Event: `PeerUnbound`. Errors: `NotBound`, `PeerInUse`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::unbind_peer())]
		pub fn unbind_peer(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unbind_peer(who)
		}

		/// Makes the caller, who has a peer, a keeper.
		///
		/// Puts [`Config::BondPerMib`] for each mebibyte on hold, at least [`Config::MinBond`].
		///
		/// - `capacity`: how many bytes it offers to keep.
		///
		/// Event: `Enlisted`. Errors: `AlreadyKeeper`, `NotBound`, `NoCapacity`; the bond cannot be held.
		#[pallet::call_index(2)]
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
		#[pallet::call_index(3)]
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
		#[pallet::call_index(4)]
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
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who)
		}

		/// Offers to pay for a blob to be kept.
		///
		/// Puts on hold what that can cost, `replicas × rounds × max_price`, and [`Config::DealDeposit`].
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
		#[pallet::call_index(6)]
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
			Self::do_offer(&payer, blob, replicas.into(), rounds, price, max_price)?;
			Ok(())
		}

		/// Announces that a deal of the caller's ends [`Config::QuitRounds`] rounds after this one.
		///
		/// Its keepers are challenged and paid until then; what is left is returned at the end.
		///
		/// - `deal`: which.
		///
		/// Event: `DealCancelled`, and those of settling. Errors: `UnknownDeal`, `NotPayer`, `DealOver`,
		/// `EndsAnyway`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::cancel().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn cancel(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let due = Self::do_cancel(who, deal)?;
			Ok(Some(T::WeightInfo::cancel().saturating_add(due)).into())
		}

		/// Takes the slot of a deal that has been free the longest, at its present price.
		///
		/// Puts a part of the caller's bond at stake: [`Config::BondPerMib`] for each mebibyte, at least
		/// [`Config::MinStake`]. The first challenge comes in the round after the next. Who takes a replica
		/// has the blob already, or knows where to get it: nothing excuses from a challenge.
		///
		/// The pot may extend a head's deal before it ends, see `DealRenewed`; who does not want to go on
		/// quits.
		///
		/// - `deal`: which.
		///
		/// Event: `ReplicaTaken`, and those of settling. Errors: `UnknownDeal`, `NotKeeper`, `DealOver`,
		/// `Retiring`, `TooLateToTake`, `AlreadyKept`, `NoFreeSlot`, `CapacityExceeded`, `BondTooLow`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::take().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn take(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let due = Self::do_take(who, deal)?;
			Ok(Some(T::WeightInfo::take().saturating_add(due)).into())
		}

		/// Announces that the caller leaves a deal.
		///
		/// It answers, and is paid, for [`Config::QuitRounds`] rounds more. Then its stake is free, and so is
		/// its slot.
		///
		/// - `deal`: which.
		///
		/// Events: `QuitAnnounced`, `RepairOffered`, and those of settling. Errors: `UnknownDeal`, `DealOver`,
		/// `NotKept`, `AlreadyQuitting`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::quit().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn quit(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let due = Self::do_quit(who, deal)?;
			Ok(Some(T::WeightInfo::quit().saturating_add(due)).into())
		}

		/// Answers a challenge; free of charge, and not signed by an account but authorised by `signature`.
		///
		/// The keeper is paid at once.
		///
		/// - `deal`: which.
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
		#[pallet::call_index(10)]
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

		/// Accounts for the rounds of a deal that are over; anybody may, and it costs nothing if there were any.
		///
		/// - `deal`: any.
		///
		/// Events: `RoundMissed`, `ReplicaLost`, `ReplicaLeft`, `RepairOffered`, `DealRenewed`, `PotEmpty`,
		/// `DealEnded`. Errors: `UnknownDeal`, `NothingDue`.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::settle().saturating_add(Pallet::<T>::most_due_weight()))]
		pub fn settle(origin: OriginFor<T>, deal: DealId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let due = Self::do_settle(deal)?;
			Ok((Some(T::WeightInfo::settle().saturating_add(due)), Pays::No).into())
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

		/// The peer of an account.
		pub fn peer_of(who: T::AccountId) -> Option<PeerKey> {
			PeerOf::<T>::get(who).map(|peer| peer.key)
		}

		/// The account of a peer.
		pub fn account_of(peer: PeerKey) -> Option<T::AccountId> {
			AccountOf::<T>::get(peer)
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

		/// The keepers of the blob of a root, and their peers; of at most [`MAX_DEALS_OF_ROOT`] deals.
		pub fn keepers_of(root: [u8; 32]) -> Vec<(T::AccountId, PeerKey)> {
			let deals = DealsOf::<T>::iter_key_prefix(root).take(MAX_DEALS_OF_ROOT as usize);
			let mut keepers: Vec<_> = deals
				.filter_map(Deals::<T>::get)
				.flat_map(|deal| deal.slots)
				.filter_map(|slot| slot.replica().map(|replica| replica.keeper.clone()))
				.collect();
			keepers.sort_unstable();
			keepers.dedup();
			let peer = |who| PeerOf::<T>::get(&who).map(|peer| (who, peer.key));
			keepers.into_iter().filter_map(peer).collect()
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

		/// The account that pays for heads.
		pub fn pot() -> T::AccountId {
			Self::pot_account()
		}

		/// Whether a blob is a head's, and the deal that the pot pays for it.
		pub fn wanted(blob: BlobRef) -> Option<Wanted> {
			WantedBlobs::<T>::get(blob)
		}

		/// The bytes that a keeper signs to answer a challenge.
		pub fn proof_message(deal: DealId, round: RoundNumber, proof: RangeProof) -> Vec<u8> {
			message::storage_proof(&Self::genesis(), deal, round, &proof)
		}

		/// The bytes that a peer's key signs to be bound to an account.
		pub fn binding_message(who: T::AccountId) -> Vec<u8> {
			message::peer_binding(&Self::genesis(), &who)
		}
	}
}
