//! Benchmarks: what the calls, and a changed tier, cost in their worst case.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use super::*;
use oda_pallet_traits::{TierWatcher, Tiers};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

/// Lets time pass.
pub trait BenchmarkHelper {
	/// Lets the next block begin, by which polls go: touching one then moves the time at which it is looked
	/// at.
	fn next_block();
}

/// An account with a tier that can pay all deposits.
fn someone<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = account(name, index, 0);
	T::Tiers::set_for_benchmark(&who, 2);
	// Whoever sets tiers for benchmarks may tell nobody; what is counted has to suffice.
	TotalVotes::<T>::mutate(|total| *total = 1_000_000.max(*total));
	T::ListDeposit::ensure_successful(&who, Pallet::<T>::votes_footprint());
	T::ListDeposit::ensure_successful(&who, Pallet::<T>::delegations_footprint());
	who
}

/// The track of which the polls are.
fn class<T: Config>() -> Class {
	T::Polls::classes().into_iter().next().expect("there is a track")
}

/// Lets an account vote on so many new polls of a track.
fn vote_on<T: Config>(who: &T::AccountId, class: Class, polls: u32) -> Vec<Poll> {
	let start = |_| T::Polls::create_ongoing(class).expect("a poll can start");
	let polls = (0..polls).map(start).collect::<Vec<_>>();
	for poll in &polls {
		Pallet::<T>::do_vote(who.clone(), *poll, true).expect("it can vote");
	}
	polls
}

/// Lets an account delegate its votes to others, who have so many votes on ongoing polls together.
fn delegate_to<T: Config>(who: &T::AccountId, votes: u32) {
	let mut left = votes;
	for class in T::Polls::classes() {
		let delegate = someone::<T>("delegate", class.into());
		let polls = left.min(T::MaxVotes::get());
		vote_on::<T>(&delegate, class, polls);
		left -= polls;
		Pallet::<T>::do_delegate(who.clone(), class, delegate).expect("it can delegate");
	}
	T::BenchmarkHelper::next_block();
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// The first vote.
	#[benchmark]
	fn vote() {
		let caller = someone::<T>("voter", 0);
		let poll = T::Polls::create_ongoing(class::<T>()).expect("a poll can start");

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), poll, true);

		assert_eq!(Pallet::<T>::votes_of(caller).len(), 1);
	}

	/// The last vote.
	#[benchmark]
	fn retract() {
		let caller = someone::<T>("voter", 0);
		let poll = *vote_on::<T>(&caller, class::<T>(), 1).first().expect("there is a vote");
		T::BenchmarkHelper::next_block();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), poll);

		assert!(!VotesOf::<T>::contains_key(caller));
	}

	/// All polls are over, so that the deposit is returned.
	#[benchmark]
	fn forget(v: Linear<1, { T::MaxVotes::get() }>) {
		let who = someone::<T>("voter", 0);
		let polls = vote_on::<T>(&who, class::<T>(), v);
		polls.into_iter().for_each(|poll| T::Polls::end_ongoing(poll, true).expect("it is ongoing"));
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who.clone());

		assert!(!VotesOf::<T>::contains_key(who));
	}

	#[benchmark]
	fn poke() {
		let voter = someone::<T>("voter", 0);
		let poll = *vote_on::<T>(&voter, class::<T>(), 1).first().expect("there is a vote");
		T::BenchmarkHelper::next_block();
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), poll);

		assert!(T::Polls::as_ongoing(poll).is_some());
	}

	/// The first delegation, by an account whose votes are all on polls that are over.
	#[benchmark]
	fn delegate(v: Linear<0, { T::MaxVotes::get() }>) {
		let (caller, to) = (someone::<T>("delegator", 0), someone::<T>("delegate", 0));
		let class = class::<T>();
		let polls = vote_on::<T>(&caller, class, T::MaxVotes::get());
		polls.into_iter().for_each(|poll| T::Polls::end_ongoing(poll, true).expect("it is ongoing"));
		vote_on::<T>(&to, class, v);
		T::BenchmarkHelper::next_block();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), class, to.clone());

		assert_eq!(Delegated::<T>::get(to, class), Votes::from(T::Tiers::tier(&caller)));
	}

	/// The last delegation.
	#[benchmark]
	fn undelegate(v: Linear<0, { T::MaxVotes::get() }>) {
		let (caller, to) = (someone::<T>("delegator", 0), someone::<T>("delegate", 0));
		let class = class::<T>();
		vote_on::<T>(&to, class, v);
		Pallet::<T>::do_delegate(caller.clone(), class, to.clone()).expect("it can delegate");
		T::BenchmarkHelper::next_block();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), class);

		assert_eq!(Delegated::<T>::get(to, class), 0);
	}

	/// An account delegates its votes of each track, to who votes on some polls or as many as it can.
	#[benchmark]
	fn catch_up(v: Linear<0, { T::MaxVotes::get() * T::MaxClasses::get() }>) {
		let who = someone::<T>("delegator", 0);
		delegate_to::<T>(&who, v);
		let counted = T::Tiers::tier(&who);
		let tier = counted + 1;
		T::Tiers::set_for_benchmark(&who, tier);
		Behind::<T>::insert(&who, counted);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who.clone());

		for Delegation { class, to } in Pallet::<T>::delegations_of(who) {
			assert_eq!(Delegated::<T>::get(to, class), Votes::from(tier));
		}
	}

	#[benchmark]
	fn tier_changed() {
		let who = someone::<T>("delegator", 0);
		delegate_to::<T>(&who, 0);
		let tier = T::Tiers::tier(&who);

		#[block]
		{
			<Pallet<T> as TierWatcher<_>>::tier_changed(&who, tier, tier + 1);
		}

		assert_eq!(Behind::<T>::get(who), Some(tier));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
