//! Benchmarks: what the hooks and payouts cost in their worst case.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use super::*;
use oda_pallet_traits::{Payments, Role};
use polkadot_sdk::{frame_benchmarking::v2::*, pallet_authorship::EventHandler};

/// Sets the clock, and makes candidates.
pub trait BenchmarkHelper<AccountId> {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
	/// Makes an account a candidate that is rewarded at the highest cost: with a stake of its own and a delegated one.
	fn candidate(role: Role, who: &AccountId);
}

impl<T: Config> Pallet<T> {
	/// Fills the pots, so that payouts cost what they cost at worst: for the benchmarks of other pallets, too.
	pub fn fill_for_benchmark() {
		let part = T::MaxMinted::get() / 8u32.into();
		for pot in Pot::ALL {
			let minted = Self::mint(&Self::account(), part);
			Pots::<T>::mutate(pot, |held| *held = held.saturating_add(minted));
		}
		PerBlock::<T>::put(part / 8u32.into());
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// The start of the emission is stored at the first poll.
	#[benchmark]
	fn poll() {
		Progress::<T>::kill();

		#[block]
		{
			Pallet::<T>::due();
		}

		assert!(Progress::<T>::exists());
	}

	#[benchmark]
	fn put_aside() {
		Progress::<T>::put(Position { start: 0, done: 0 });
		T::BenchmarkHelper::set_tick(T::Period::get());

		#[block]
		{
			let next = Pallet::<T>::due().expect("a period is over");
			Pallet::<T>::put_aside(next);
		}

		assert!(Pot::ALL.into_iter().all(Pots::<T>::contains_key));
	}

	#[benchmark]
	fn note_author() {
		let author: T::AccountId = account("author", 0, 0);
		T::BenchmarkHelper::candidate(Role::Validator, &author);
		Pallet::<T>::fill_for_benchmark();
		let before = Pots::<T>::get(Pot::Authors);

		#[block]
		{
			<Pallet<T> as EventHandler<_, _>>::note_author(author);
		}

		assert_eq!(Pots::<T>::get(Pot::Authors), before - PerBlock::<T>::get());
	}

	#[benchmark]
	fn task_settled(v: Linear<1, { T::MaxVerifiers::get() }>) {
		let verifiers: Vec<(T::AccountId, u32)> = (0..v).map(|i| (account("verifier", i, 0), 1)).collect();
		verifiers.iter().for_each(|(who, _)| T::BenchmarkHelper::candidate(Role::Verifier, who));
		Pallet::<T>::fill_for_benchmark();
		let before = Pots::<T>::get(Pot::Verifiers);

		#[block]
		{
			Pallet::<T>::task_settled(&verifiers, before);
		}

		let each = T::VerifiersRatio::get().mul_floor(before) / v.into();
		assert_eq!(Pots::<T>::get(Pot::Verifiers), before - each * v.into());
	}

	/// The trainer's account is new.
	#[benchmark]
	fn used() {
		let trainer: T::AccountId = account("trainer", 0, 0);
		Pallet::<T>::fill_for_benchmark();
		let before = Pots::<T>::get(Pot::Trainers);

		#[block]
		{
			Pallet::<T>::used(&trainer, before);
		}

		assert_eq!(T::Currency::total_balance(&trainer), TRAINERS_RATIO.mul_floor(before));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
