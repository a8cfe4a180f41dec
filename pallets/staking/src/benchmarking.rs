//! Benchmarks: what calls and hooks cost in their worst case. Those with a number of delegators show that it costs nothing.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use super::*;
use crate::pools::Open;
use oda_pallet_traits::{Rewards, Stakes};
use pallet_session::historical::SessionManager;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::fungible::{Balanced, Inspect, Mutate},
	frame_system::RawOrigin,
	sp_runtime::traits::{Bounded, Saturating},
	sp_staking::offence::{Kind, Offence as Reported, OffenceDetails, OnOffenceHandler, ReportOffence},
};

/// Sets the clock and registers session keys.
pub trait BenchmarkHelper<AccountId> {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
	/// Registers keys for a validator.
	fn register_keys(who: &AccountId);
}

/// The most delegators that a benchmark makes.
const DELEGATORS: u32 = 1_000;

/// Lets `who` pay for everything.
fn endow<T: Config>(who: &T::AccountId) {
	let share = BalanceOf::<T>::max_value() / 1_048_576u32.into();
	T::Currency::set_balance(who, share.max(T::Currency::minimum_balance()));
}

/// A rich account.
fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = account(name, index, 0);
	endow::<T>(&who);
	who
}

/// Makes `who` a candidate with this stake, and a validator's keys known.
pub(crate) fn bond<T: Config>(role: Role, who: &T::AccountId, amount: BalanceOf<T>) {
	endow::<T>(who);
	T::BenchmarkHelper::register_keys(who);
	let amount = amount.max(T::MinBond::convert(role));
	Pallet::<T>::do_bond(role, who.clone(), amount, Perbill::zero()).expect("it was just endowed");
}

/// A few times the least bond.
fn enough<T: Config>(role: Role) -> BalanceOf<T> {
	T::MinBond::convert(role).saturating_mul(100u32.into())
}

/// Changes a pool behind everybody's back.
pub(crate) fn change<T: Config>(role: Role, who: &T::AccountId, change: impl FnOnce(&mut PoolOf<T>)) {
	Pools::<T>::mutate(role, who, |pool| change(pool.as_mut().expect("there is such a pool")));
}

/// Lets it have equivocated, and be barred no more: that is looked at longest.
fn equivocated<T: Config>(who: &T::AccountId) {
	let severity = Perbill::one();
	let barred_until = CurrentSession::<T>::get();
	Equivocators::<T>::insert(who, types::Equivocator { severity, barred_until });
}

/// Removes the candidates of genesis, so that a list has as many as a benchmark says.
fn clear<T: Config>() {
	for who in ValidatorCandidates::<T>::take() {
		change::<T>(Role::Validator, &who, |pool| pool.chilled = true);
	}
}

/// Makes so many candidates for validator; the last on the list.
fn fill<T: Config>(number: u32) -> T::AccountId {
	clear::<T>();
	let mut last = account("candidate", 0, 0);
	for index in 0..number {
		last = account("candidate", index, 0);
		bond::<T>(Role::Validator, &last, enough::<T>(Role::Validator));
	}
	last
}

/// A candidate with so many delegators; who the first of them is.
fn delegated<T: Config>(role: Role, delegators: u32) -> (T::AccountId, T::AccountId) {
	let operator: T::AccountId = account("operator", 0, 0);
	clear::<T>();
	bond::<T>(role, &operator, enough::<T>(role));
	for index in 0..delegators {
		let who = rich::<T>("delegator", index);
		let amount = T::MinDelegation::get().saturating_mul(100u32.into());
		Pallet::<T>::do_delegate(role, operator.clone(), who, amount).expect("the candidate counts");
	}
	(operator, account("delegator", 0, 0))
}

/// Lets so many parts of a delegator's position be out, each to be delegated with another candidate.
fn let_leave<T: Config>(operator: &T::AccountId, who: &T::AccountId, parts: u32) {
	let role = Role::Verifier;
	for index in 0..parts {
		let to: T::AccountId = account("other", index, 0);
		bond::<T>(role, &to, enough::<T>(role));
		let amount = T::MinDelegation::get();
		Pallet::<T>::do_unbond(role, operator.clone(), who.clone(), amount, Some(to))
			.expect("so many parts may leave");
	}
	let lasts = T::BondingDuration::get().max(Pallet::<T>::least_bonding());
	T::BenchmarkHelper::set_tick(T::Clock::get() + lasts);
}

/// An offence of this session that takes everything.
fn offence<T: Config>(offender: T::AccountId) -> OffenceOf<T> {
	Offence {
		exposure: Pallet::<T>::exposure(&offender),
		offender,
		session: CurrentSession::<T>::get(),
		fraction: Perbill::from_percent(50),
		reporter: Some(rich::<T>("reporter", 0)),
	}
}

/// What is said of validators that do not respond.
struct Unresponsive<T: Config>(Vec<ExposedOf<T>>);

impl<T: Config> Reported<ExposedOf<T>> for Unresponsive<T> {
	const ID: Kind = *b"benchmark:absent";
	type Slot = SessionIndex;

	fn offenders(&self) -> Vec<ExposedOf<T>> {
		self.0.clone()
	}
	fn session_index(&self) -> SessionIndex {
		CurrentSession::<T>::get()
	}
	fn validator_set_count(&self) -> u32 {
		T::ValidatorCount::get()
	}
	fn slot(&self) -> SessionIndex {
		CurrentSession::<T>::get()
	}
	fn slash_fraction(&self, _: u32) -> Perbill {
		Perbill::from_percent(7)
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn bond() {
		// The list is full: of all that are on it the one that is displaced has to be found.
		fill::<T>(T::MaxCandidates::get());
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		equivocated::<T>(&caller);
		let amount = enough::<T>(Role::Validator).saturating_mul(2u32.into());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), Role::Validator, amount, Perbill::zero());

		assert!(ValidatorCandidates::<T>::get().contains(&caller));
	}

	#[benchmark]
	fn bond_more() {
		let (operator, _) = delegated::<T>(Role::Validator, 1);
		let before = Pallet::<T>::active(Role::Validator, &operator);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), Role::Validator, T::MinDelegation::get());

		assert!(Pallet::<T>::active(Role::Validator, &operator) > before);
	}

	#[benchmark]
	fn delegate() {
		let (operator, _) = delegated::<T>(Role::Validator, 0);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let before = Pallet::<T>::active(Role::Validator, &operator);
		let amount = T::MinDelegation::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), Role::Validator, operator.clone(), amount);

		assert!(Pallet::<T>::active(Role::Validator, &operator) > before);
	}

	#[benchmark]
	fn unbond() {
		// The operator, all of it: it is chilled, and leaves a full list.
		let operator = fill::<T>(T::MaxCandidates::get());

		#[extrinsic_call]
		_(
			RawOrigin::Signed(operator.clone()),
			Role::Validator,
			operator.clone(),
			BalanceOf::<T>::max_value(),
		);

		assert!(Pools::<T>::get(Role::Validator, operator).is_some_and(|pool| pool.chilled));
	}

	#[benchmark]
	fn redelegate() {
		let operator = fill::<T>(T::MaxCandidates::get());
		let to: T::AccountId = account("candidate", 0, 0);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(operator.clone()),
			Role::Validator,
			operator.clone(),
			to,
			BalanceOf::<T>::max_value(),
		);

		assert!(Pools::<T>::get(Role::Validator, operator).is_some_and(|pool| pool.chilled));
	}

	#[benchmark]
	fn withdraw(m: Linear<1, { T::MaxLeaving::get() }>) {
		let (operator, who) = delegated::<T>(Role::Verifier, 1);
		let_leave::<T>(&operator, &who, m);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), Role::Verifier, operator, who.clone());

		let to: T::AccountId = account("other", m - 1, 0);
		assert!(Positions::<T>::contains_key(who, (Role::Verifier, to)));
	}

	#[benchmark]
	fn withdraw_among(d: Linear<1, DELEGATORS>) {
		let (operator, who) = delegated::<T>(Role::Verifier, d);
		let_leave::<T>(&operator, &who, 1);

		#[block]
		{
			Pallet::<T>::do_withdraw(Role::Verifier, operator, who.clone()).expect("it is out");
		}

		let to: T::AccountId = account("other", 0, 0);
		assert!(Positions::<T>::contains_key(who, (Role::Verifier, to)));
	}

	#[benchmark]
	fn set_commission() {
		let (operator, _) = delegated::<T>(Role::Validator, 1);
		let commission = T::MaxCommission::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), Role::Validator, commission);

		assert!(Pools::<T>::get(Role::Validator, operator).is_some_and(|pool| pool.raise.is_some()));
	}

	#[benchmark]
	fn chill(c: Linear<1, { T::MaxCandidates::get() }>) {
		let operator = fill::<T>(c);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), Role::Validator);

		assert!(!ValidatorCandidates::<T>::get().contains(&operator));
	}

	#[benchmark]
	fn resume() {
		let caller: T::AccountId = whitelisted_caller();
		let amount = enough::<T>(Role::Validator).saturating_mul(2u32.into());
		super::bond::<T>(Role::Validator, &caller, amount);
		Pallet::<T>::do_chill(Role::Validator, caller.clone()).expect("it is a candidate");
		equivocated::<T>(&caller);
		fill::<T>(T::MaxCandidates::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), Role::Validator);

		assert!(ValidatorCandidates::<T>::get().contains(&caller));
	}

	#[benchmark]
	fn refresh() {
		let (operator, _) = delegated::<T>(Role::Validator, 1);
		let most = BalanceOf::<T>::max_value();
		change::<T>(Role::Validator, &operator, |pool| pool.min_bond = most);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), Role::Validator, operator.clone());

		assert!(!Pallet::<T>::active(Role::Validator, &operator).is_zero());
	}

	#[benchmark]
	fn slash(d: Linear<1, DELEGATORS>) {
		let (operator, _) = delegated::<T>(Role::Verifier, d);
		// All parts of the operator's position are looked at.
		let_leave::<T>(&operator, &operator, T::MaxLeaving::get());
		let taken;

		#[block]
		{
			taken = <Pallet<T> as Stakes<_>>::slash(Role::Verifier, &operator, T::MinDelegation::get()).0;
		}

		assert!(taken == T::MinDelegation::get());
	}

	#[benchmark]
	fn reward(d: Linear<1, DELEGATORS>) {
		let (operator, _) = delegated::<T>(Role::Verifier, d);
		let commission = T::MaxCommission::get();
		change::<T>(Role::Verifier, &operator, |pool| pool.commission = commission);
		let amount = T::MinDelegation::get().saturating_mul(2u32.into());
		let credit = T::Currency::issue(amount);
		let given;

		#[block]
		{
			given = Pallet::<T>::reward(Role::Verifier, &operator, credit).is_ok();
		}

		assert!(given);
	}

	#[benchmark]
	fn rotate(c: Linear<1, { T::MaxCandidates::get() }>) {
		fill::<T>(c);
		let session = T::ReportSessions::get() + 1;
		CurrentSession::<T>::put(session);
		// Everybody who can be was guilty in the session that is forgotten.
		for index in 0..c {
			Guilt::<T>::insert(0, account::<T::AccountId>("candidate", index, 0), Perbill::one());
		}
		let elected;

		#[block]
		{
			<Pallet<T> as SessionManager<_, _>>::end_session(session - 1);
			<Pallet<T> as SessionManager<_, _>>::start_session(session);
			elected = Pallet::<T>::elect(session + 1);
		}

		let enough = c >= T::MinValidators::get();
		assert!(elected.is_some() == enough);
	}

	#[benchmark]
	fn absences(v: Linear<1, { T::MaxCandidates::get() }>) {
		fill::<T>(v);
		let all = ValidatorCandidates::<T>::get();
		let offenders = all.iter().map(|who| (who.clone(), Pallet::<T>::exposure(who))).collect();
		CurrentSession::<T>::put(1);
		// All have been away for as long as may be.
		let absent = all.into_iter().map(|who| (who, T::MaxAbsences::get()));
		LastAbsent::<T>::put(Absentees { session: 0, absent: BoundedVec::truncate_from(absent.collect()) });

		#[block]
		{
			let unresponsive = Unresponsive::<T>(offenders);
			Absences::<T>::report_offence(Vec::new(), unresponsive).expect("it is the first");
		}

		assert!(!Offences::<T>::get().is_empty());
	}

	#[benchmark]
	fn report(c: Linear<1, { T::MaxCandidates::get() }>) {
		let other = rich::<T>("operator", 0);
		clear::<T>();
		super::bond::<T>(Role::Validator, &other, enough::<T>(Role::Validator));
		// Takes the other off the list.
		let offender = fill::<T>(c);
		let full = (0..T::MaxOffences::get()).map(|_| offence::<T>(other.clone())).collect();
		Offences::<T>::put(BoundedVec::truncate_from(full));
		let exposure = Pallet::<T>::exposure(&offender);
		let details = OffenceDetails {
			offender: (offender.clone(), exposure),
			reporters: alloc::vec![rich::<T>("reporter", 0)],
		};

		#[block]
		{
			Pallet::<T>::on_offence(&[details], &[Perbill::from_percent(50)], 0);
		}

		assert!(Pools::<T>::get(Role::Validator, offender).is_some_and(|pool| pool.offences == 1));
	}

	#[benchmark]
	fn poll() {
		#[block]
		{
			Pallet::<T>::apply_offences(&mut WeightMeter::new());
		}
	}

	#[benchmark]
	fn apply_offence() {
		let (operator, _) = delegated::<T>(Role::Validator, 1);
		let mut open = Open::<T>::get(Role::Validator, &operator).expect("it was made");
		open.pool.offences = 1;
		open.close();
		let full = (0..T::MaxOffences::get()).map(|_| offence::<T>(operator.clone())).collect();
		Offences::<T>::put(BoundedVec::<_, T::MaxOffences>::truncate_from(full));
		let before = Pools::<T>::get(Role::Validator, &operator).map(|pool| pool.total());

		#[block]
		{
			let mut queue = Offences::<T>::get();
			Pallet::<T>::apply(queue.remove(0));
			Offences::<T>::put(queue);
		}

		assert!(Pools::<T>::get(Role::Validator, operator).map(|pool| pool.total()) < before);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::genesis(alloc::vec![]), crate::mock::Test);
}
