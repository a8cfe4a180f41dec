//! Benchmarks: what calls and hooks cost in their worst case, deals with as many replicas as they can have.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use super::*;
use alloc::vec;
use core::marker::PhantomData;
use oda_primitives::{CHUNK_LEN, MAX_BLOB_LEN, storage::MAX_CHUNK_SIBLINGS};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::{
		Authorize,
		fungible::{Inspect, Mutate},
	},
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io,
	sp_runtime::{AccountId32, MultiSignature, traits::Bounded},
};

/// Makes accounts that can sign, and lets time pass.
pub trait BenchmarkHelper<AccountId, Signature> {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
	/// An account whose key is at hand.
	fn signer() -> AccountId;
	/// Its signature of `message`.
	fn sign(signer: &AccountId, message: &[u8]) -> Signature;
}

/// Signs with sr25519 by the host's keystore, and sets the clock by `C`.
pub struct Sr25519Helper<C>(PhantomData<C>);

/// A clock that benchmarks can set.
pub trait SetTick {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
}

/// Under which the host keeps the keys of the benchmarks.
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"odab");

impl<C: SetTick> BenchmarkHelper<AccountId32, MultiSignature> for Sr25519Helper<C> {
	fn set_tick(tick: Tick) {
		C::set_tick(tick);
	}

	fn signer() -> AccountId32 {
		sp_io::crypto::sr25519_generate(KEY_TYPE, None).into()
	}

	fn sign(signer: &AccountId32, message: &[u8]) -> MultiSignature {
		let public = sr25519::Public::from_raw(signer.clone().into());
		let signature = sp_io::crypto::sr25519_sign(KEY_TYPE, &public, message);
		signature.expect("the keystore made the key").into()
	}
}

/// The round in which deals are offered and taken.
const START: RoundNumber = 10;

/// The longest blob that there is.
const BLOB: BlobRef = BlobRef { root: [9; 32], len: MAX_BLOB_LEN };

/// Lets it be `round`.
fn enter<T: Config>(number: RoundNumber) {
	let started_at = T::Clock::get();
	let ends_at = started_at.saturating_add(T::RoundLength::get());
	CurrentRound::<T>::put(Round { number, seed: [7; 32], started_at, ends_at });
}

/// Lets `who` pay for everything.
fn endow<T: Config>(who: &T::AccountId) {
	let share = BalanceOf::<T>::max_value() / 1_048_576u32.into();
	T::Currency::set_balance(who, share.max(T::Currency::minimum_balance()));
}

/// Endows `who` and binds the `index`-th peer to it.
fn bind<T: Config>(who: &T::AccountId, index: u32) {
	endow::<T>(who);
	let mut key = [1; 32];
	for (byte, of_index) in key.iter_mut().zip(index.to_le_bytes()) {
		*byte = of_index;
	}
	T::Peers::bind_for_benchmark(who, key);
}

/// Makes `who` a keeper who can keep the longest blob.
fn enlist<T: Config>(who: &T::AccountId, index: u32) {
	bind::<T>(who, index);
	Pallet::<T>::do_enlist(who.clone(), MAX_BLOB_LEN).expect("it was just endowed");
}

/// A rich account that pays for deals.
fn payer<T: Config>() -> T::AccountId {
	let payer = account("payer", 0, 0);
	endow::<T>(&payer);
	payer
}

/// A model whose account is rich, and whose head is `blobs`.
fn model<T: Config>(blobs: &[BlobRef]) -> ModelId {
	let model = T::Models::open_for_benchmark();
	endow::<T>(&Pallet::<T>::model_account(&model));
	HeadOf::<T>::insert(model, HeadBlobs::truncate_from(blobs.to_vec()));
	model
}

/// Offers a deal, in the round [`START`], of which `kept` of `replicas` slots are taken.
fn deal<T: Config>(payer: &T::AccountId, replicas: u32, kept: u32) -> DealId {
	enter::<T>(START);
	let price = T::MinPrice::get();
	let id = Pallet::<T>::do_offer(payer, None, BLOB, replicas, T::MaxRounds::get(), price, price)
		.expect("the payer is rich");
	for index in 0..kept {
		let keeper = account("keeper", index, 0);
		enlist::<T>(&keeper, index);
		Pallet::<T>::do_take(keeper, id).expect("the keeper has room, and a slot is free");
	}
	id
}

/// A deal that can be proved, all of whose slots are kept, the last by an account that can sign.
fn challenged<T: Config>() -> (DealId, T::AccountId) {
	let most = T::MaxReplicas::get();
	let id = deal::<T>(&payer::<T>(), most, most - 1);
	let signer = T::BenchmarkHelper::signer();
	enlist::<T>(&signer, most);
	Pallet::<T>::do_take(signer.clone(), id).expect("the last slot is free");
	enter::<T>(START + GRACE);
	Deals::<T>::mutate_extant(id, |deal| deal.settled = START + GRACE - 1);
	(id, signer)
}

/// Changes a deal's blob into one whose tree is `depth` levels deep, and of which the keeper's challenge is proved by
/// the proof that is returned.
fn prepare<T: Config>(id: DealId, keeper: &T::AccountId, depth: u32) -> RangeProof {
	let len = CHUNK_LEN << depth;
	Deals::<T>::mutate_extant(id, |deal| deal.blob.len = len);
	let range = Pallet::<T>::challenge_of(id, keeper).expect("it is challenged");
	let proof = RangeProof {
		start: range.start,
		len: CHUNK_LEN,
		chunks: vec![3; 1_024],
		siblings: vec![[5; 32]; depth as usize],
	};
	let root = proof.implied_root(len).expect("it has as many chaining values as it needs");
	Deals::<T>::mutate_extant(id, |deal| deal.blob.root = root);
	proof
}

#[benchmarks(where T::RuntimeCall: From<Call<T>>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn enlist() {
		let caller: T::AccountId = whitelisted_caller();
		bind::<T>(&caller, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), MAX_BLOB_LEN);

		assert!(Keepers::<T>::contains_key(caller));
	}

	#[benchmark]
	fn set_capacity() {
		let caller: T::AccountId = whitelisted_caller();
		super::enlist::<T>(&caller, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), MAX_BLOB_LEN / 2);

		assert!(Keepers::<T>::get(caller).is_some_and(|keeper| keeper.capacity == MAX_BLOB_LEN / 2));
	}

	#[benchmark]
	fn retire() {
		let caller: T::AccountId = whitelisted_caller();
		super::enlist::<T>(&caller, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(Keepers::<T>::get(caller).is_some_and(|keeper| keeper.free_at.is_some()));
	}

	#[benchmark]
	fn withdraw() {
		let caller: T::AccountId = whitelisted_caller();
		super::enlist::<T>(&caller, 0);
		T::BenchmarkHelper::set_tick(T::UnbondingPeriod::get());
		Keepers::<T>::mutate_extant(&caller, |keeper| keeper.free_at = Some(0));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!Keepers::<T>::contains_key(caller));
	}

	#[benchmark]
	fn offer() {
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let replicas = u8::try_from(T::MaxReplicas::get()).expect("the integrity test says so");
		let (rounds, price) = (T::MaxRounds::get(), T::MinPrice::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), BLOB, replicas, rounds, price, price);

		assert!(Deals::<T>::contains_key(0));
	}

	#[benchmark]
	fn cancel() {
		let payer = payer::<T>();
		let id = deal::<T>(&payer, T::MaxReplicas::get(), T::MaxReplicas::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(payer), id);

		assert!(Deals::<T>::get(id).is_some_and(|deal| deal.until == START + T::QuitRounds::get()));
	}

	#[benchmark]
	fn take() {
		let most = T::MaxReplicas::get();
		let id = deal::<T>(&payer::<T>(), most, most - 1);
		let caller: T::AccountId = whitelisted_caller();
		super::enlist::<T>(&caller, most);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), id);

		assert!(Keepers::<T>::get(caller).is_some_and(|keeper| keeper.replicas == 1));
	}

	#[benchmark]
	fn quit() {
		let (id, keeper) = challenged::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(keeper.clone()), id);

		let mut deal = Deals::<T>::get(id).expect("it goes on");
		let replica = Pallet::<T>::replica_mut(&mut deal, &keeper);
		assert!(replica.is_some_and(|(_, replica)| replica.leaves_after.is_some()));
	}

	#[benchmark]
	fn stay() {
		let (id, keeper) = challenged::<T>();
		Pallet::<T>::do_quit(keeper.clone(), id).expect("it keeps a replica");

		#[extrinsic_call]
		_(RawOrigin::Signed(keeper.clone()), id);

		let mut deal = Deals::<T>::get(id).expect("it goes on");
		let replica = Pallet::<T>::replica_mut(&mut deal, &keeper);
		assert!(replica.is_some_and(|(_, replica)| replica.leaves_after.is_none()));
	}

	#[benchmark]
	fn prove() {
		let (id, keeper) = challenged::<T>();
		let proof = prepare::<T>(id, &keeper, MAX_CHUNK_SIBLINGS);
		let round = START + GRACE;
		let bytes = message::storage_proof(&funds::genesis_hash::<T>(), id, round, &proof);
		let signature = T::BenchmarkHelper::sign(&keeper, &bytes);

		#[extrinsic_call]
		_(RawOrigin::Authorized, id, round, keeper.clone(), proof, signature);

		let mut deal = Deals::<T>::get(id).expect("it goes on");
		let replica = Pallet::<T>::replica_mut(&mut deal, &keeper);
		assert!(replica.is_some_and(|(_, replica)| replica.proved == Some(round)));
	}

	#[benchmark]
	fn authorize_prove(d: Linear<0, MAX_CHUNK_SIBLINGS>) -> Result<(), BenchmarkError> {
		let (deal, keeper) = challenged::<T>();
		let proof = prepare::<T>(deal, &keeper, d);
		let round = START + GRACE;
		let bytes = message::storage_proof(&funds::genesis_hash::<T>(), deal, round, &proof);
		let signature = T::BenchmarkHelper::sign(&keeper, &bytes);
		let call: T::RuntimeCall = Call::prove { deal, round, keeper, proof, signature }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("prove has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn settle() {
		let (id, _) = challenged::<T>();

		#[block]
		{
			assert!(Pallet::<T>::do_settle(id).is_err());
		}
	}

	#[benchmark]
	fn authorize_settle() -> Result<(), BenchmarkError> {
		let (deal, _) = challenged::<T>();
		enter::<T>(START + GRACE + 1);
		let call: T::RuntimeCall = Call::settle { deal }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("settle has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn fund() {
		enter::<T>(START);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let len = T::HeadMaxLen::get();
		let blobs = [BlobRef { root: [8; 32], len }, BlobRef { root: [9; 32], len }];
		let model = model::<T>(&blobs);
		blobs.into_iter().for_each(|blob| Waiting::<T>::insert(model, blob, ()));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), model, T::Currency::minimum_balance());

		assert!(blobs.into_iter().all(|blob| HeadDeals::<T>::contains_key(model, blob)));
	}

	#[benchmark]
	fn catch_up(r: Linear<1, { T::MaxReplicas::get() }>) {
		let model = model::<T>(&[BLOB]);
		let id = deal::<T>(&Pallet::<T>::model_account(&model), r, r);
		Deals::<T>::mutate_extant(id, |deal| deal.model = Some(model));
		HeadDeals::<T>::insert(model, BLOB, id);
		enter::<T>(START + T::MaxRounds::get() + 1);

		#[block]
		{
			Pallet::<T>::do_settle(id).expect("the deal is over");
		}

		assert!(!Deals::<T>::contains_key(id));
		assert!(Waiting::<T>::contains_key(model, BLOB));
		assert!(Keepers::<T>::get(account::<T::AccountId>("keeper", 0, 0)).is_some_and(|keeper| {
			keeper.bond < Pallet::<T>::bond_for(keeper.capacity) && keeper.replicas == 0
		}));
	}

	#[benchmark]
	fn poll() {
		enter::<T>(START);
		SweepState::<T>::put(Sweep { began: START, after: Some(0), done: true });

		#[block]
		{
			Pallet::<T>::poll(&mut WeightMeter::new());
		}
	}

	#[benchmark]
	fn start_round() {
		enter::<T>(START);

		#[block]
		{
			Pallet::<T>::start_round();
		}

		assert_eq!(Pallet::<T>::current_round(), START + 1);
	}

	#[benchmark]
	fn sweep_deal() {
		let (id, _) = challenged::<T>();
		let mut state = Sweep { began: START, after: None, done: false };

		#[block]
		{
			Pallet::<T>::sweep_deal(&mut state);
			SweepState::<T>::put(state);
		}

		assert_eq!(state.after, Some(id));
	}

	#[benchmark]
	fn retry_head() {
		enter::<T>(START);
		let blob = BlobRef { root: [9; 32], len: T::HeadMaxLen::get() };
		let model = model::<T>(&[blob]);
		Waiting::<T>::insert(model, blob, ());
		RetriedHead::<T>::put((model, blob));

		#[block]
		{
			Pallet::<T>::retry_head();
		}

		assert!(HeadDeals::<T>::contains_key(model, blob));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::bare_ext(), crate::mock::Test);
}
