//! Stakes in pools of shares: bonds, delegation, election of validators, slashes and rewards.
//!
//! A **candidate** is an account, its *operator*, that bonds for a role. Its stake is a **pool**: the operator's own bond
//! and what others delegate are shares of one amount, so that a slash or a reward costs the same with 10 delegators and
//! with 100,000. What somebody takes out is **leaving** for some time: it earns nothing, is slashed like the rest, and
//! is paid out, or delegated with another candidate, when its time is over.
//!
//! ```text
//!               bond, delegate             unbond, redelegate            withdraw
//! free balance ───────────────► active ───────────────────────► leaving ──────────► free balance
//!                               ▲    │                             │   └──────────► active, of another candidate
//!                     rewards ──┘    └────────── slashes ──────────┘
//! ```
//!
//! The stake lies on hold in an account of the pool, of which nobody has a key. All arithmetic is in [`fund`], and all
//! roundings favour the pool.
//!
//! Validators are elected at each session's end: those with most stake that [counts](Pool::counted). Offences of theirs are
//! queued and applied a few a block. Verifiers and providers are told of through
//! [`StakeWatcher`](oda_pallet_traits::StakeWatcher), and punished through [`Stakes`](oda_pallet_traits::Stakes).
//!
//! One file a behaviour: `pools` (opening and closing a pool, the one place where it is written), `bonds` (bonding,
//! delegating, leaving), `withdrawals`, `candidates` (commission, who counts), `stakes` (what the other pallets ask),
//! `election`, `offences`, `absences`, `audit` (the invariants).

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

mod absences;
mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bonds;
mod candidates;
mod election;
pub mod fund;
#[cfg(test)]
mod mock;
mod offences;
mod pools;
mod stakes;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;
mod withdrawals;

pub use absences::Absences;
#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use election::ExposureNow;
pub use fund::{Fund, NoEntry, Shares};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use oda_pallet_funds::Funds;
use oda_pallet_traits::{Role, Tiers};
use oda_primitives::Tick;
use pallet_session::SessionInterface;
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{ValidatorRegistration, fungible},
		weights::WeightMeter,
	},
	frame_system::pallet_prelude::*,
	sp_runtime::{
		Perbill,
		traits::{Convert, Zero},
	},
	sp_staking::SessionIndex,
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

/// An amount.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountIdOf<T>>>::Balance;
type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// A stored pool.
pub type PoolOf<T> = Pool<BalanceOf<T>>;
/// A stored position.
pub type PositionOf<T> = Position<AccountIdOf<T>, <T as Config>::MaxLeaving>;
/// A queued offence.
pub type OffenceOf<T> = Offence<AccountIdOf<T>, BalanceOf<T>>;
/// A validator, and what is behind it in a session.
pub type ExposedOf<T> = (AccountIdOf<T>, Exposure<BalanceOf<T>>);
/// The validators of a session, and what was behind them when they were elected.
pub type ElectedOf<T> = BoundedVec<ExposedOf<T>, <T as Config>::MaxCandidates>;

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

	/// What staking needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Protocol time.
		type Clock: Get<Tick>;

		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The account of a candidate's pool: one of its own for each, of which nobody has a key.
		type PoolAccount: Convert<Candidate<Self::AccountId>, Self::AccountId>;

		/// Who is told when a stake that counts changes.
		type Watcher: oda_pallet_traits::StakeWatcher<Self::AccountId, BalanceOf<Self>>;

		/// Who knows which accounts are suspended, and tells this pallet through [`TierWatcher`]: their
		/// candidates do not count.
		type Tiers: Tiers<Self::AccountId>;

		/// The sessions: who has registered keys, who is a validator, and what has to be known of sessions that are over.
		type Sessions: SessionInterface<ValidatorId = Self::AccountId>
			+ ValidatorRegistration<Self::AccountId>;

		/// The least own bond of a candidate for a role.
		type MinBond: Convert<Role, BalanceOf<Self>>;

		/// The least amount that is delegated, or leaves but for the last. At least what an account has to have, so that it can
		/// be paid out.
		type MinDelegation: Get<BalanceOf<Self>>;

		/// The highest commission.
		type MaxCommission: Get<Perbill>;

		/// For how many ticks a higher commission is announced before it counts.
		type CommissionNotice: Get<Tick>;

		/// For how many ticks leaving stake answers. It is never shorter than [`Pallet::least_bonding`].
		type BondingDuration: Get<Tick>;

		/// How many ticks a session has at most: the slots of an epoch.
		type SessionLength: Get<Tick>;

		/// For how many sessions after its own an offence can be reported: older ones are forgotten.
		#[pallet::constant]
		type ReportSessions: Get<SessionIndex>;

		/// How many validators are elected, if there are so many.
		type ValidatorCount: Get<u32>;

		/// With fewer that could be elected the old ones stay, and below it nobody is removed for absence.
		type MinValidators: Get<u32>;

		/// The most candidates for validator that are not chilled.
		#[pallet::constant]
		type MaxCandidates: Get<u32>;

		/// The most parts of a position that are on their way out.
		#[pallet::constant]
		type MaxLeaving: Get<u32>;

		/// The most offences that wait. When they are as many, the oldest is applied at once.
		#[pallet::constant]
		type MaxOffences: Get<u32>;

		/// How many offences are applied in a block.
		#[pallet::constant]
		type OffencesPerBlock: Get<u32>;

		/// For how many sessions in a row a validator has not responded when it is chilled.
		type MaxAbsences: Get<u32>;

		/// What calls and hooks cost.
		type WeightInfo: WeightInfo;

		/// Sets the clock and registers keys: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
	}

	/// What balances are on hold for, in the accounts of pools.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The stake of a candidate for validator.
		#[codec(index = 0)]
		ValidatorStake,
		/// The stake of a candidate for verifier.
		#[codec(index = 1)]
		VerifierStake,
		/// The stake of a candidate for provider.
		#[codec(index = 2)]
		ProviderStake,
	}

	/// The pools, by what their operators bond for.
	#[pallet::storage]
	pub type Pools<T: Config> =
		StorageDoubleMap<_, Twox64Concat, Role, Blake2_128Concat, T::AccountId, PoolOf<T>>;

	/// What an account has in pools, its own among them.
	#[pallet::storage]
	pub type Positions<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Blake2_128Concat,
		Candidate<T::AccountId>,
		PositionOf<T>,
	>;

	/// The candidates for validator that are not chilled, in no particular order.
	#[pallet::storage]
	pub type ValidatorCandidates<T: Config> =
		StorageValue<_, BoundedVec<T::AccountId, T::MaxCandidates>, ValueQuery>;

	/// The session that runs.
	#[pallet::storage]
	pub type CurrentSession<T: Config> = StorageValue<_, SessionIndex, ValueQuery>;

	/// The validators of the session that runs, and of those that are planned.
	#[pallet::storage]
	pub type Elected<T: Config> = StorageMap<_, Twox64Concat, SessionIndex, ElectedOf<T>>;

	/// The offences that wait to be applied, the oldest first.
	#[pallet::storage]
	pub type Offences<T: Config> = StorageValue<_, BoundedVec<OffenceOf<T>, T::MaxOffences>, ValueQuery>;

	/// How much of what was behind it in a session a validator has lost for that session.
	#[pallet::storage]
	pub type Guilt<T: Config> =
		StorageDoubleMap<_, Twox64Concat, SessionIndex, Blake2_128Concat, T::AccountId, Perbill, ValueQuery>;

	/// The validators that equivocated, were reported, and neither are out nor have come back.
	#[pallet::storage]
	pub type Equivocators<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Equivocator>;

	/// Which validators did not respond in the last session in which some did not.
	#[pallet::storage]
	pub type LastAbsent<T: Config> = StorageValue<_, Absentees<T::AccountId, T::MaxCandidates>, ValueQuery>;

	/// The candidates of genesis. Their bonds, and what an account has to have beside, must lie in their free balances.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Candidates for validator: operator, bond and commission.
		pub validators: Vec<(T::AccountId, BalanceOf<T>, Perbill)>,
		/// Candidates for verifier.
		pub verifiers: Vec<(T::AccountId, BalanceOf<T>, Perbill)>,
		/// Candidates for provider.
		pub providers: Vec<(T::AccountId, BalanceOf<T>, Perbill)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics on a genesis that makes no sense: no chain starts from it.
		fn build(&self) {
			for (role, candidates) in [
				(Role::Validator, &self.validators),
				(Role::Verifier, &self.verifiers),
				(Role::Provider, &self.providers),
			] {
				for (who, bond, commission) in candidates {
					Pallet::<T>::do_bond(role, who.clone(), *bond, *commission)
						.expect("a genesis candidate cannot be bonded");
				}
			}
		}
	}

	/// What happened to a stake.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became a candidate.
		#[codec(index = 0)]
		Bonded {
			/// The role that it bonds for.
			role: Role,
			/// The new candidate.
			operator: T::AccountId,
			/// Its own bond.
			amount: BalanceOf<T>,
			/// Its part of each reward.
			commission: Perbill,
		},
		/// A stake rose: the operator bonded more, or somebody delegated.
		#[codec(index = 1)]
		Delegated {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The account that it came from.
			who: T::AccountId,
			/// The amount.
			amount: BalanceOf<T>,
		},
		/// A part of a stake is on its way out.
		#[codec(index = 2)]
		Unbonded {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The account that takes it out.
			who: T::AccountId,
			/// The amount that is leaving.
			amount: BalanceOf<T>,
			/// The first tick at which it is out.
			until: Tick,
			/// The candidate with which it is to be delegated then, if any.
			to: Option<T::AccountId>,
		},
		/// What was leaving has been paid out.
		#[codec(index = 3)]
		Withdrawn {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The account that was paid.
			who: T::AccountId,
			/// The amount.
			amount: BalanceOf<T>,
		},
		/// What was leaving is delegated with another candidate.
		#[codec(index = 4)]
		Redelegated {
			/// The role of both candidates.
			role: Role,
			/// The candidate that it left.
			operator: T::AccountId,
			/// The candidate that has it now.
			to: T::AccountId,
			/// The account whose stake it is.
			who: T::AccountId,
			/// The amount.
			amount: BalanceOf<T>,
		},
		/// What was leaving was too little for the account to hold, and was burned.
		#[codec(index = 5)]
		DustBurned {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The account that could not hold it.
			who: T::AccountId,
			/// The amount.
			amount: BalanceOf<T>,
		},
		/// Shares behind which a slash left nothing were removed.
		#[codec(index = 6)]
		WorthlessRemoved {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The account whose shares they were.
			who: T::AccountId,
		},
		/// The commission of a candidate was lowered.
		#[codec(index = 7)]
		CommissionLowered {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// Its commission now.
			commission: Perbill,
		},
		/// A candidate will take a higher commission.
		#[codec(index = 8)]
		RaiseAnnounced {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// Its commission then.
			commission: Perbill,
			/// The first tick at which it counts.
			at: Tick,
		},
		/// A candidate counts no more, whatever its stake.
		#[codec(index = 9)]
		Chilled {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// Why.
			reason: ChillReason,
		},
		/// A chilled candidate is back.
		#[codec(index = 10)]
		Resumed {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
		},
		/// The least own bond of a candidate is what it is for new ones now.
		#[codec(index = 11)]
		MinBondRefreshed {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The least own bond.
			min_bond: BalanceOf<T>,
		},
		/// A pool ended, and its operator has back what its account had to have.
		#[codec(index = 12)]
		PoolEnded {
			/// The role of the account that is no candidate any more.
			role: Role,
			/// The account.
			operator: T::AccountId,
			/// The amount that it got back.
			returned: BalanceOf<T>,
		},
		/// A pool lost a part of its stake.
		#[codec(index = 13)]
		Slashed {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The amount, leaving stake included.
			amount: BalanceOf<T>,
			/// The part of it that somebody may be rewarded with. The rest is burned.
			reward: BalanceOf<T>,
		},
		/// A pool was rewarded.
		#[codec(index = 14)]
		Rewarded {
			/// The role of the candidate.
			role: Role,
			/// The candidate.
			operator: T::AccountId,
			/// The amount by which its stake rose.
			amount: BalanceOf<T>,
			/// The amount that the operator was paid.
			commission: BalanceOf<T>,
		},
		/// The validators of a session were elected.
		#[codec(index = 15)]
		ValidatorsElected {
			/// The session.
			session: SessionIndex,
			/// The number of validators.
			validators: u32,
		},
		/// Too few candidates could be elected, and the validators stay.
		#[codec(index = 16)]
		ValidatorsStay {
			/// The session that was planned.
			session: SessionIndex,
			/// The number of candidates that could have been elected.
			electable: u32,
		},
		/// An offence of a validator was reported. It is applied soon.
		#[codec(index = 17)]
		OffenceQueued {
			/// The validator.
			offender: T::AccountId,
			/// The session of the offence.
			session: SessionIndex,
			/// How much of what was behind it then it loses for that session.
			fraction: Perbill,
		},
		/// Somebody was paid for reporting an offence.
		#[codec(index = 18)]
		ReporterPaid {
			/// The validator that was reported.
			offender: T::AccountId,
			/// The account that was paid.
			reporter: T::AccountId,
			/// The amount.
			amount: BalanceOf<T>,
		},
	}

	/// Why staking refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// The account has a pool for this role already: bond more, and resume.
		#[codec(index = 0)]
		PoolExists,
		/// The account has no pool for this role.
		#[codec(index = 1)]
		UnknownPool,
		/// The bond is below the least own bond for this role.
		#[codec(index = 2)]
		BelowMinBond,
		/// The amount is below the least that is delegated.
		#[codec(index = 3)]
		BelowMinDelegation,
		/// The commission is above the highest one.
		#[codec(index = 4)]
		CommissionTooHigh,
		/// The commission is that already.
		#[codec(index = 5)]
		CommissionUnchanged,
		/// The pool is the account's own: bond more instead.
		#[codec(index = 6)]
		OwnPool,
		/// The candidate is chilled, or its own bond too small: it would earn nothing.
		#[codec(index = 7)]
		NotActive,
		/// An offence of the candidate waits to be applied: who joined would pay for it, who left would not.
		#[codec(index = 8)]
		OffencePending,
		/// A share of the pool is worth so much that rounding would take more than a thousandth of the amount.
		#[codec(index = 9)]
		SharesTooCoarse,
		/// A share of the pool is worth so little that the shares cannot be counted.
		#[codec(index = 10)]
		SharesTooFine,
		/// The account has nothing in the pool.
		#[codec(index = 11)]
		NothingBonded,
		/// As many parts of the position as may be are on their way out.
		#[codec(index = 12)]
		TooManyLeaving,
		/// The stake leaves the candidate with which it is to be delegated.
		#[codec(index = 13)]
		SameCandidate,
		/// Nothing of the position is out yet.
		#[codec(index = 14)]
		NothingDue,
		/// What would remain is less than what is reserved for what the candidate still answers for: try again later.
		#[codec(index = 15)]
		StakeReserved,
		/// The candidate is chilled already.
		#[codec(index = 16)]
		AlreadyChilled,
		/// The candidate is not chilled.
		#[codec(index = 17)]
		NotChilled,
		/// The candidate equivocated, and may come back in a later session.
		#[codec(index = 18)]
		Barred,
		/// The list of validators' candidates is full of such with as much stake or more.
		#[codec(index = 19)]
		NoRoom,
		/// There is not so much active stake beside what is reserved already.
		#[codec(index = 20)]
		NothingToReserve,
		/// The account is suspended: it counts for no role until that is over.
		#[codec(index = 21)]
		Suspended,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Makes the caller a candidate for a role.
		///
		/// Moves the bond, and what an account has to have at least, to the account of a new pool. The latter comes back when
		/// the pool ends.
		///
		/// - `role`: what it bonds for. A stake answers for one role only.
		/// - `amount`: its own bond, at least [`Config::MinBond`]. If the list of validators' candidates is full, it
		///   takes the place of the one with the least stake, which is chilled.
		/// - `commission`: its part of each reward, at most [`Config::MaxCommission`].
		///
		/// Event: `Bonded`. Errors: `PoolExists`, `BelowMinBond`, `CommissionTooHigh`, `Barred`, `NoRoom`; the amounts
		/// cannot be moved.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bond())]
		pub fn bond(
			origin: OriginFor<T>,
			role: Role,
			#[pallet::compact] amount: BalanceOf<T>,
			commission: Perbill,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bond(role, who, amount, commission)
		}

		/// Raises the caller's own bond in its pool.
		///
		/// - `amount`: at least [`Config::MinDelegation`].
		///
		/// Event: `Delegated`. Errors: `UnknownPool`, `BelowMinDelegation`, `OffencePending`, `SharesTooCoarse`,
		/// `SharesTooFine`; the amount cannot be moved.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::bond_more())]
		pub fn bond_more(
			origin: OriginFor<T>,
			role: Role,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_delegate(role, who.clone(), who, amount)
		}

		/// Delegates with a candidate: its faults cost the caller, its rewards, less the commission, are the caller's.
		///
		/// - `amount`: at least [`Config::MinDelegation`].
		///
		/// Event: `Delegated`. Errors: `UnknownPool`, `OwnPool`, `NotActive`, `BelowMinDelegation`,
		/// `OffencePending`, `SharesTooCoarse`, `SharesTooFine`; the amount cannot be moved.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::delegate())]
		pub fn delegate(
			origin: OriginFor<T>,
			role: Role,
			operator: T::AccountId,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(who != operator, Error::<T>::OwnPool);
			Self::do_delegate(role, operator, who, amount)
		}

		/// Takes out what the caller has bonded or delegated. It is leaving for [`Config::BondingDuration`] ticks,
		/// in which it earns nothing and is slashed as the rest; then anybody can have it paid out with `withdraw`.
		///
		/// An operator all of whose own bond is leaving is chilled.
		///
		/// - `amount`: at least [`Config::MinDelegation`], or all. If less than that would stay, or there is not so
		///   much, all of it leaves.
		///
		/// Event: `Unbonded`. Errors: `UnknownPool`, `NothingBonded`, `BelowMinDelegation`, `TooManyLeaving`,
		/// `SharesTooFine`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(
			origin: OriginFor<T>,
			role: Role,
			operator: T::AccountId,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unbond(role, operator, who, amount, None)
		}

		/// Takes out what the caller has bonded or delegated, to delegate it with another candidate.
		///
		/// It goes on answering for the first candidate until its time is over, as with `unbond`, and earns nothing: nothing
		/// answers for two at once. Then anybody can have it delegated with `withdraw`. If the other candidate cannot
		/// have it by then, it is paid out.
		///
		/// - `to`: the other candidate, for the same role.
		/// - `amount`: as with `unbond`.
		///
		/// Event: `Unbonded`. Errors: those of `unbond`, `SameCandidate`, and `UnknownPool` of the other candidate.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::redelegate())]
		pub fn redelegate(
			origin: OriginFor<T>,
			role: Role,
			operator: T::AccountId,
			to: T::AccountId,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(operator != to, Error::<T>::SameCandidate);
			ensure!(Pools::<T>::contains_key(role, &to), Error::<T>::UnknownPool);
			Self::do_unbond(role, operator, who, amount, Some(to))
		}

		/// Pays out, or delegates as was ordered, all that is out of somebody's position, and removes what slashes left
		/// worthless. Anybody may do it for anybody.
		///
		/// - `who`: the account whose position it is.
		///
		/// Events: `Withdrawn`, `Redelegated`, `DustBurned`, `WorthlessRemoved`, `PoolEnded`. Errors:
		/// `UnknownPool`, `NothingBonded`, `NothingDue`; `OffencePending` and `StakeReserved`, which pass.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::withdraw(T::MaxLeaving::get()))]
		pub fn withdraw(
			origin: OriginFor<T>,
			role: Role,
			operator: T::AccountId,
			who: T::AccountId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_withdraw(role, operator, who)
		}

		/// Changes the caller's commission: a lower one counts at once, a higher one after [`Config::CommissionNotice`]
		/// ticks. Either replaces a raise that is announced.
		///
		/// - `commission`: at most [`Config::MaxCommission`].
		///
		/// Events: `CommissionLowered`, `RaiseAnnounced`. Errors: `UnknownPool`, `CommissionTooHigh`,
		/// `CommissionUnchanged`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::set_commission())]
		pub fn set_commission(origin: OriginFor<T>, role: Role, commission: Perbill) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_commission(role, who, commission)
		}

		/// Makes the caller count no more for a role; its stake stays and answers.
		///
		/// Event: `Chilled`. Errors: `UnknownPool`, `AlreadyChilled`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::chill(T::MaxCandidates::get()))]
		pub fn chill(origin: OriginFor<T>, role: Role) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_chill(role, who)
		}

		/// Makes a chilled caller count again.
		///
		/// Its own bond has to be at least [`Config::MinBond`] as it is now. If the list of validators' candidates is full,
		/// it takes the place of the one with the least stake, which is chilled.
		///
		/// Event: `Resumed`. Errors: `UnknownPool`, `NotChilled`, `Barred`, `BelowMinBond`, `NoRoom`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::resume())]
		pub fn resume(origin: OriginFor<T>, role: Role) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_resume(role, who)
		}

		/// Makes the least own bond of a candidate what it is for new ones now. Anybody may do it, after the parameter
		/// has changed.
		///
		/// Event: `MinBondRefreshed`. Errors: `UnknownPool`, `NothingDue`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::refresh())]
		pub fn refresh(origin: OriginFor<T>, role: Role, operator: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_refresh(role, operator)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::apply_offences(meter);
		}

		fn integrity_test() {
			assert!(
				T::MinDelegation::get() >= <T::Currency as fungible::Inspect<_>>::minimum_balance(),
				"what is delegated must be enough to be paid out"
			);
			for role in [Role::Validator, Role::Verifier, Role::Provider] {
				assert!(
					T::MinBond::convert(role) >= T::MinDelegation::get(),
					"an operator bonds no less than a delegator"
				);
			}
			assert!(T::MaxCandidates::get() > 0, "there must be candidates");
			assert!(
				(1..=T::MaxCandidates::get()).contains(&T::ValidatorCount::get()),
				"validators are elected among the candidates"
			);
			assert!(
				(1..=T::ValidatorCount::get()).contains(&T::MinValidators::get()),
				"enough validators must be able to be elected"
			);
			assert!(T::ReportSessions::get() > 0, "offences must be reportable after their session");
			assert!(T::SessionLength::get() > 0, "sessions last");
			assert!(T::MaxLeaving::get() > 0, "stakes must be able to leave");
			assert!(T::MaxOffences::get() > 0 && T::OffencesPerBlock::get() > 0, "offences must be applied");
			assert!(T::MaxAbsences::get() > 1, "one absence must be forgiven");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A candidate.
		pub fn pool(role: Role, operator: T::AccountId) -> Option<PoolView<BalanceOf<T>>> {
			Pools::<T>::get(role, operator).map(|pool| Self::view_of(&pool))
		}

		/// A page of the candidates for a role, in no particular order: those after `after`, or from the start; at
		/// most `limit`, and never more than [`MAX_PAGE`].
		pub fn candidates(
			role: Role,
			after: Option<T::AccountId>,
			limit: u32,
		) -> Vec<(T::AccountId, PoolView<BalanceOf<T>>)> {
			let pools = match after {
				Some(who) => Pools::<T>::iter_prefix_from(role, Pools::<T>::hashed_key_for(role, who)),
				None => Pools::<T>::iter_prefix(role),
			};
			let view = |(who, pool)| (who, Self::view_of(&pool));
			pools.take(limit.min(MAX_PAGE) as usize).map(view).collect()
		}

		/// A page of what an account has in pools, its own among them, in no particular order: those after `after`, or
		/// from the start; at most `limit`, and never more than [`MAX_PAGE`].
		pub fn positions(
			who: T::AccountId,
			after: Option<(Role, T::AccountId)>,
			limit: u32,
		) -> Vec<PositionView<T::AccountId, BalanceOf<T>>> {
			let positions = match after {
				Some(pool) => {
					let key = Positions::<T>::hashed_key_for(&who, pool);
					Positions::<T>::iter_prefix_from(&who, key)
				}
				None => Positions::<T>::iter_prefix(&who),
			};
			let view = |((role, operator), position)| Self::view_of_position(role, operator, &position);
			positions.take(limit.min(MAX_PAGE) as usize).filter_map(view).collect()
		}

		/// Who would be elected now, and the stake that counts of each, in the order of the election; fewer than
		/// [`Config::MinValidators`] would leave the old validators in place.
		pub fn next_validators() -> Vec<(T::AccountId, BalanceOf<T>)> {
			Self::best_candidates()
		}

		/// The account of a candidate's pool.
		pub fn pool_account(role: Role, operator: T::AccountId) -> T::AccountId {
			T::PoolAccount::convert((role, operator))
		}

		/// For how many ticks leaving stake answers at least: until no offence of a session for which it was elected can be
		/// reported any more.
		///
		/// When a session begins, the validators of it and of the next are known; what leaves after that is behind
		/// them still. Offences of the later session can be reported for [`Config::ReportSessions`] more. So
		/// the time of these sessions, all of them, has to pass.
		pub fn least_bonding() -> Tick {
			let sessions = Tick::from(T::ReportSessions::get()).saturating_add(2);
			sessions.saturating_mul(T::SessionLength::get())
		}
	}
}
