//! Benchmarks: what calls and evidence cost in their worst case.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use super::*;
use crate::decay::{MOST_PERIODS, decayed};
use oda_pallet_traits::{Deed, Evidence, Role, StakeWatcher, Stakes, Tiers};
use oda_primitives::Payment;
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin, sp_runtime::traits::Zero};

/// Sets the clock, and makes money.
pub trait BenchmarkHelper<AccountId> {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
	/// Lets `who` pay for everything.
	fn endow(who: &AccountId);
}

/// An account with money, and a bond of each role that suffices for every tier.
fn bonded<T: Config>() -> T::AccountId {
	let who: T::AccountId = account("bonded", 0, 0);
	let bond = T::BondPerTier::get() * T::MaxTiers::get().into();
	for role in [Role::Validator, Role::Verifier, Role::Provider] {
		T::Stakes::bond_for_benchmark(role, &who, bond);
	}
	T::BenchmarkHelper::endow(&who);
	who
}

/// The highest tier, and its points.
fn highest<T: Config>() -> (Tier, u64) {
	let thresholds = T::Thresholds::get();
	let points = *thresholds.last().expect("there are tiers");
	(thresholds.len().saturated_into(), points)
}

/// An entry that decays for as long as anything does, of the highest tier unless it is suspended. What is
/// left of its points is worth the highest tier, or nothing.
fn old<T: Config>(who: &T::AccountId, standing: Standing, left: bool) {
	let (tier, points) = highest::<T>();
	let periods = if left {
		let enough = |periods: &u64| decayed(u64::MAX, T::Decay::get(), *periods) >= points;
		(0..MOST_PERIODS).take_while(enough).last().expect("the most points are enough")
	} else {
		MOST_PERIODS
	};
	let good = standing == Standing::Good;
	let deed = Recent { tick: 0, what: Counted::Earned(Source::Kept), points };
	let recent = alloc::vec![deed; MAX_RECENT as usize];
	let (tier, suspensions) = if good { (tier, 0) } else { (0, 1) };
	let entry = Entry {
		costly: u64::MAX,
		free: u64::MAX,
		faults: u64::MAX,
		recent: recent.try_into().expect("it is as long as can be"),
		tier,
		standing,
		suspensions,
		..Default::default()
	};
	Entries::<T>::insert(who, entry);
	T::BenchmarkHelper::set_tick(T::Period::get() * periods);
}

/// A suspension that is over.
const OVER: Standing = Standing::Suspended { until: 0, appealed: false };

/// A suspension that is appealed against, and over or not.
fn appealed<T: Config>(who: &T::AccountId, until: Tick) {
	old::<T>(who, Standing::Suspended { until, appealed: true }, true);
	let deposit = T::AppealDeposit::get();
	T::Currency::hold(&HoldReason::Appeal.into(), who, deposit).expect("it was endowed");
	let appeal = Appeal { reason: BlobRef { root: [0; 32], len: 0 }, deposit, until: 0 };
	Appeals::<T>::insert(who, appeal);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// A suspension ends, and the account rises.
	#[benchmark]
	fn bump() {
		let who = bonded::<T>();
		old::<T>(&who, OVER, true);

		#[extrinsic_call]
		_(RawOrigin::Signed(account("caller", 0, 0)), who.clone());

		assert_eq!(Pallet::<T>::tier(&who), highest::<T>().0);
	}

	#[benchmark]
	fn tidy(n: Linear<0, MAX_TIDIED>) {
		let payers: Vec<T::AccountId> = (0..n).map(|index| account("payer", index, 0)).collect();
		for who in &payers {
			Payers::<T>::insert(who, Payer { period: 0, points: 1 });
		}
		T::BenchmarkHelper::set_tick(T::Period::get());
		let named = payers.clone().try_into().expect("so many can be named");

		#[extrinsic_call]
		_(RawOrigin::Signed(account("caller", 0, 0)), named);

		assert!(!payers.iter().any(Payers::<T>::contains_key));
	}

	#[benchmark]
	fn appeal() {
		let who = bonded::<T>();
		old::<T>(&who, Standing::Suspended { until: Tick::MAX, appealed: false }, true);

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), BlobRef { root: [0; 32], len: 0 });

		assert!(Appeals::<T>::contains_key(&who));
	}

	/// The appeal is granted, and the account rises.
	#[benchmark]
	fn resolve_appeal() -> Result<(), BenchmarkError> {
		let origin = T::AppealOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let who = bonded::<T>();
		appealed::<T>(&who, Tick::MAX);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone(), true);

		assert_eq!(Pallet::<T>::tier(&who), highest::<T>().0);
		Ok(())
	}

	/// The suspension is over as well, and the account rises.
	#[benchmark]
	fn close_appeal() {
		let who = bonded::<T>();
		appealed::<T>(&who, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(account("caller", 0, 0)), who.clone());

		assert_eq!(Pallet::<T>::tier(&who), highest::<T>().0);
	}

	/// An account of the highest tier is suspended.
	#[benchmark]
	fn saw() {
		let who = bonded::<T>();
		old::<T>(&who, Standing::Good, false);

		#[block]
		{
			Pallet::<T>::saw_times(&who, Deed::Misserved(Payment::OneShot(1)), u32::MAX);
		}

		assert!(Pallet::<T>::is_suspended(&who));
	}

	/// A suspension was over, and the account rises.
	#[benchmark]
	fn earned() {
		let (who, payer) = (bonded::<T>(), account("payer", 0, 0));
		old::<T>(&who, OVER, true);
		Payers::<T>::insert(&payer, Payer { period: 0, points: 1 });

		#[block]
		{
			Pallet::<T>::earned(&who, &payer, u128::MAX);
		}

		assert_eq!(Pallet::<T>::tier(&who), highest::<T>().0);
	}

	#[benchmark]
	fn changed() {
		let who = bonded::<T>();
		old::<T>(&who, OVER, true);

		#[block]
		{
			Pallet::<T>::changed(Role::Verifier, &who, Zero::zero());
		}

		assert_eq!(Pallet::<T>::tier(&who), highest::<T>().0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
