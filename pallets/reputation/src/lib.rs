//! Reputation: points for what the chain has seen accounts do, tiers, suspension and the way back.
//!
//! Other pallets tell what they saw through [`Evidence`]. Deeds earn *points*, of which each
//! [`Config::Period`] takes its part; points and a bond make a *tier*, which others ask for through
//! [`Tiers`]:
//!
//! * points come from what cost somebody something that was burned or bonded; what is free counts only beside
//!   it;
//! * a source gives each unit of bond no more than its cap in a period;
//! * faults take points; whoever has too many in too short a time is suspended, each time for longer, then
//!   banned;
//! * an appeal, with a deposit, is the way back.
//!
//! Whoever spreads deeds and bonds over several accounts does not come further with all of them together than
//! with one: the README has the proof, and says where it ends.
//!
//! All decay is lazy. An entry is settled when evidence arrives, when the account's bond changes, and by
//! [`Pallet::bump`], which is free if it was of use.
//!
//! [`Evidence`]: oda_pallet_traits::Evidence
//! [`Tiers`]: oda_pallet_traits::Tiers

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_precision_loss,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod accounts;
mod appeals;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod decay;
pub mod ladder;
#[cfg(test)]
mod mock;
mod payers;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use ladder::Ladder;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use accounts::Open;
use alloc::vec::Vec;
use oda_pallet_funds::Funds;
use oda_pallet_traits::{OwnStakes, Tier, TierWatcher};
use oda_primitives::{BlobRef, Tick};
use polkadot_sdk::{
	frame_support::{
		self,
		dispatch::{DispatchResultWithPostInfo, Pays},
		pallet_prelude::*,
		traits::fungible::{Inspect, InspectHold, MutateHold},
	},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::{Perbill, SaturatedConversion, TryRuntimeError, traits::Saturating},
};

/// What amounts are counted in.
pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// The most suspensions before a ban: so that their terms can be doubled.
pub const MOST_SUSPENSIONS: u32 = 16;

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

	/// What reputation needs of the chain around it.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The reason of a hold, of all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Who holds the bonds. What has left them must not be able to be bonded again within a
		/// [period](Self::Period): or one bond lifts the caps of two accounts.
		type Stakes: OwnStakes<Self::AccountId, Currency = Self::Currency>;

		/// Who is told of every new tier.
		type Watcher: TierWatcher<Self::AccountId>;

		/// Protocol time.
		type Clock: Get<Tick>;

		/// The ticks after which points and faults decay. Periods are numbered from tick 0: with another
		/// length, what is stored has the wrong number.
		#[pallet::constant]
		type Period: Get<Tick>;

		/// The part of the points that a period takes.
		#[pallet::constant]
		type Decay: Get<Perbill>;

		/// The part of the faults that a period takes; no more than [`Config::Decay`].
		#[pallet::constant]
		type FaultDecay: Get<Perbill>;

		/// What deeds are worth, governed.
		type Worths: Get<Worths>;

		/// The most points of each source and period for each unit of an account's bond, governed.
		type Caps: Get<Caps>;

		/// The most points that one payer's fees give in a period, to all providers together, governed.
		type PayerCap: Get<u64>;

		/// The points from free sources that count, as a part of those from costly ones.
		type FreeShare: Get<Perbill>;

		/// The most tiers that there can be.
		#[pallet::constant]
		type MaxTiers: Get<u32>;

		/// The points that tier 1, 2 and so on need, governed. They must be [sound](Ladder::is_sound).
		type Thresholds: Get<BoundedVec<u64, Self::MaxTiers>>;

		/// The part of its threshold by which an account may fall below it and keep its tier, governed.
		type Hysteresis: Get<Perbill>;

		/// What an account itself has to have bonded for each tier, and a unit of its bond, in planck;
		/// governed.
		type BondPerTier: Get<BalanceOf<Self>>;

		/// The weight of faults beyond which an account is suspended.
		type SuspendAt: Get<u64>;

		/// The ticks of a first suspension; each later one lasts twice as long as the one before.
		type SuspensionTerm: Get<Tick>;

		/// Which suspension is a ban.
		type BanAfter: Get<u32>;

		/// What an appeal puts on hold, in planck.
		type AppealDeposit: Get<BalanceOf<Self>>;

		/// The ticks after which an appeal that nobody answered can be closed.
		type AppealTerm: Get<Tick>;

		/// Who answers appeals.
		type AppealOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;

		/// Sets the clock and makes money: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
	}

	/// What balances are on hold for.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of an appeal that waits for an answer.
		#[codec(index = 0)]
		Appeal,
	}

	/// What is known of each account.
	#[pallet::storage]
	pub type Entries<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Entry>;

	/// What each payer's fees gave, until somebody removes it in a later period.
	#[pallet::storage]
	pub type Payers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Payer>;

	/// The appeals that wait for an answer, by who made them.
	#[pallet::storage]
	pub type Appeals<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Appeal<BalanceOf<T>>>;

	/// The points that accounts start with.
	#[pallet::genesis_config]
	#[derive(frame_support::DebugNoBound, frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Accounts and their points, which decay like all others. Their tiers need bonds like all others.
		pub seeds: Vec<(T::AccountId, u64)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (who, points) in &self.seeds {
				assert!(!Entries::<T>::contains_key(who), "an account is seeded once");
				let entry = Entry { period: Pallet::<T>::period(), costly: *points, ..Default::default() };
				Entries::<T>::insert(who, entry);
				// The bond may be there already; if it comes later, the account's tier comes with it.
				if let Some(open) = Open::<T>::get(who) {
					open.close();
				}
			}
		}
	}

	/// What happened. Amounts are in planck.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account rose or fell.
		#[codec(index = 0)]
		TierChanged {
			/// The account.
			who: T::AccountId,
			/// Its tier before.
			from: Tier,
			/// Its tier now.
			to: Tier,
		},
		/// An account's faults weighed too much: it may not take part for some time.
		#[codec(index = 1)]
		Suspended {
			/// The account.
			who: T::AccountId,
			/// The first tick at which it may again.
			until: Tick,
			/// The number of its suspensions so far.
			times: u32,
		},
		/// An account has been suspended too often: it may not take part any more.
		#[codec(index = 2)]
		Banned {
			/// The account.
			who: T::AccountId,
		},
		/// An account may take part again.
		#[codec(index = 3)]
		Reinstated {
			/// The account.
			who: T::AccountId,
		},
		/// An account appealed against its suspension or ban.
		#[codec(index = 4)]
		AppealMade {
			/// The account.
			who: T::AccountId,
			/// The blob that says why.
			reason: BlobRef,
			/// What it put on hold.
			deposit: BalanceOf<T>,
			/// The first tick at which anybody may close the appeal.
			until: Tick,
		},
		/// An appeal was answered.
		#[codec(index = 5)]
		AppealResolved {
			/// The account that made it.
			who: T::AccountId,
			/// Whether it was granted.
			upheld: bool,
			/// The deposit: returned if the appeal was granted, burned if not.
			deposit: BalanceOf<T>,
		},
		/// An appeal that nobody answered was closed.
		#[codec(index = 6)]
		AppealExpired {
			/// The account that made it.
			who: T::AccountId,
			/// The deposit, which was returned.
			deposit: BalanceOf<T>,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// Nothing is known of the account.
		#[codec(index = 0)]
		UnknownAccount,
		/// The account is neither suspended nor banned.
		#[codec(index = 1)]
		NotSuspended,
		/// The account has appealed against this suspension or ban already.
		#[codec(index = 2)]
		AlreadyAppealed,
		/// An earlier appeal of the account still waits for an answer.
		#[codec(index = 3)]
		AppealPending,
		/// The account has no appeal that waits for an answer.
		#[codec(index = 4)]
		UnknownAppeal,
		/// The appeal can still be answered.
		#[codec(index = 5)]
		AppealOpen,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Settles an account: lets its points and faults decay, ends a suspension whose time is over, and
		/// sets its tier. Anybody may do it for anybody.
		///
		/// It costs no fee if the tier changed, a suspension ended, or nothing was left to be known of the
		/// account.
		///
		/// - `who`: the account.
		///
		/// Events: `TierChanged`, `Reinstated`. Errors: `UnknownAccount`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bump())]
		pub fn bump(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let open = Open::<T>::get(&who).ok_or(Error::<T>::UnknownAccount)?;
			Ok(if open.close() { Pays::No } else { Pays::Yes }.into())
		}

		/// Removes what is known of payers since a period that is over. Anybody may do it.
		///
		/// It costs no fee if all that are named could be removed.
		///
		/// - `payers`: the accounts, at most [`MAX_TIDIED`], each once.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::tidy(payers.len().saturated_into()))]
		pub fn tidy(
			origin: OriginFor<T>,
			payers: BoundedVec<T::AccountId, ConstU32<MAX_TIDIED>>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Ok(if Self::do_tidy(&payers) { Pays::No } else { Pays::Yes }.into())
		}

		/// Appeals against the caller's suspension or ban, once against each.
		///
		/// Puts [`Config::AppealDeposit`] on hold: it is returned if the appeal is granted, or if nobody
		/// answers it within [`Config::AppealTerm`], and burned if it is rejected. An appeal cannot be
		/// withdrawn.
		///
		/// - `reason`: the blob that says why.
		///
		/// Event: `AppealMade`. Errors: `UnknownAccount`, `NotSuspended`, `AlreadyAppealed`, `AppealPending`;
		/// the deposit cannot be held.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::appeal())]
		pub fn appeal(origin: OriginFor<T>, reason: BlobRef) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_appeal(who, reason)
		}

		/// Answers an appeal, for [`Config::AppealOrigin`] only.
		///
		/// If it is granted, the account has been suspended once less, and the suspension or ban that it
		/// appealed against ends if it still lasts. The points that its faults took do not come back.
		///
		/// - `who`: the account that made it.
		/// - `upheld`: whether it is granted.
		///
		/// Events: `AppealResolved`, `Reinstated`, `TierChanged`. Errors: `UnknownAppeal`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::resolve_appeal())]
		pub fn resolve_appeal(origin: OriginFor<T>, who: T::AccountId, upheld: bool) -> DispatchResult {
			T::AppealOrigin::ensure_origin(origin)?;
			Self::do_resolve(who, upheld)
		}

		/// Closes an appeal that nobody has answered in its time, and returns its deposit. Anybody may do it,
		/// without a fee. The account can appeal again.
		///
		/// - `who`: the account that made it.
		///
		/// Event: `AppealExpired`. Errors: `UnknownAppeal`, `AppealOpen`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::close_appeal())]
		pub fn close_appeal(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_close(who)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::Period::get() > 0, "a period lasts a tick at least");
			assert!((1..=u32::from(Tier::MAX)).contains(&T::MaxTiers::get()), "there are tiers");
			assert!(Self::ladder().is_sound(), "no tier needs more than two that are together as high");
			assert!(T::BondPerTier::get() > BalanceOf::<T>::default(), "tiers need bonds");
			assert!(
				T::FaultDecay::get() >= decay::LEAST_DECAY && T::FaultDecay::get() <= T::Decay::get(),
				"faults decay, and no faster than points"
			);
			assert!(Self::caps_suffice(), "each costly source alone can lead to the highest tier");
			assert!((1..=MOST_SUSPENSIONS).contains(&T::BanAfter::get()), "suspensions end in a ban");
			assert!(T::SuspensionTerm::get() > 0 && T::AppealTerm::get() > 0, "terms last");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Why an account has the tier that it has, and what the next one needs, with all that has decayed by
		/// now. Nothing if nothing is known of it.
		pub fn explain(who: T::AccountId) -> Option<Explanation<BalanceOf<T>>> {
			Self::explanation(&who)
		}

		/// The appeal of an account that waits for an answer.
		pub fn pending_appeal(who: T::AccountId) -> Option<Appeal<BalanceOf<T>>> {
			Appeals::<T>::get(who)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Whether each costly source that is worth anything lets an account climb as long as it has not the
	/// points of its bond.
	///
	/// For a unit of bond: below the first threshold a period takes less than the cap gives. For more units
	/// so it is as well, since what a period takes of a sum is no more than what it takes of the parts.
	pub fn caps_suffice() -> bool {
		let first = Self::ladder().thresholds.first().copied().unwrap_or_default();
		let taken = first.saturating_sub(decay::decayed(first, T::Decay::get(), 1));
		let (worths, caps) = (T::Worths::get(), T::Caps::get());
		let counts = |source: &Source| !source.is_free() && worths.points.of(*source) > 0;
		Source::ALL.into_iter().filter(counts).all(|source| caps.of(source) > taken)
	}

	/// What [`explain`](Self::explain) says.
	fn explanation(who: &T::AccountId) -> Option<Explanation<BalanceOf<T>>> {
		let tier = Entries::<T>::get(who)?.tier;
		let open = Open::<T>::get(who)?;
		let entry = &open.entry;
		let sources = Source::ALL.into_iter().map(|source| SourcePoints {
			source,
			now: entry.earned.of(source),
			before: entry.earned_before.of(source),
			cap: open.cap(source),
		});
		let next = entry.tier.saturating_add(1);
		let points = Self::ladder().thresholds.get(usize::from(entry.tier)).copied();
		Some(Explanation {
			tier,
			due: entry.tier,
			points: Self::points(entry),
			costly: entry.costly,
			free: entry.free,
			bond: Self::bond(who),
			sources: sources.collect(),
			recent: entry.recent.to_vec(),
			faults: entry.faults,
			suspend_at: T::SuspendAt::get(),
			standing: entry.standing,
			suspensions: entry.suspensions,
			next: points.map(|points| Next {
				tier: next,
				points,
				bond: T::BondPerTier::get().saturating_mul(next.into()),
			}),
		})
	}

	/// Checks what holds always, whatever is governed.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let (now, period) = (T::Clock::get(), Self::period());
		for entry in Entries::<T>::iter_values() {
			ensure!(entry.period <= period, "an entry was settled in a period that is still to come");
			ensure!(u32::from(entry.tier) <= T::MaxTiers::get(), "a tier is higher than there are");
			ensure!(entry.tier == 0 || entry.standing == Standing::Good, "who is suspended has a tier");
			ensure!(
				entry.suspensions > 0 || entry.standing == Standing::Good,
				"an account is suspended that never was"
			);
			ensure!(entry.recent.iter().all(|deed| deed.tick <= now), "a deed is still to come");
		}
		for payer in Payers::<T>::iter_values() {
			ensure!(payer.period <= period && payer.points > 0, "a payer is known who gave nothing yet");
		}
		for (who, appeal) in Appeals::<T>::iter() {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Appeal.into(), &who) >= appeal.deposit,
				"the deposit of an appeal is not on hold"
			);
			let suspended = Entries::<T>::get(&who).is_some_and(|entry| entry.suspensions > 0);
			ensure!(suspended, "an appeal of who was never suspended");
		}
		Ok(())
	}
}
