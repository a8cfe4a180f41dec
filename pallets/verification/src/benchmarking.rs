//! Benchmarks: what the calls cost with as many verifiers as there can be.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::expect_used)]

use super::*;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::{Authorize, fungible::Mutate},
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io,
	sp_runtime::{AccountId32, MultiSignature},
};

/// Makes accounts that can sign.
pub trait BenchmarkHelper<AccountId, Signature> {
	/// An account whose key is at hand.
	fn signer() -> AccountId;
	/// Its signature of `message`.
	fn sign(signer: &AccountId, message: &[u8]) -> Signature;
}

/// Signs with sr25519 by the host's keystore.
pub struct Sr25519Helper;

/// Under which the host keeps the keys of [`Sr25519Helper`].
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"odab");

impl BenchmarkHelper<AccountId32, MultiSignature> for Sr25519Helper {
	fn signer() -> AccountId32 {
		sp_io::crypto::sr25519_generate(KEY_TYPE, None).into()
	}

	fn sign(signer: &AccountId32, message: &[u8]) -> MultiSignature {
		let public = sr25519::Public::from_raw(signer.clone().into());
		let signature = sp_io::crypto::sr25519_sign(KEY_TYPE, &public, message);
		signature.expect("the keystore made the key").into()
	}
}

/// Makes `who` a verifier, with funds for it.
fn add<T: Config>(who: &T::AccountId) {
	let funds = T::MinBond::get().saturating_mul(2u32.into()).saturating_add(T::Currency::minimum_balance());
	T::Currency::set_balance(who, funds);
	Pallet::<T>::bond(who, T::MinBond::get()).expect("it was just endowed, and there is room");
}

/// Adds verifiers until there is room for `left` more.
fn fill_but<T: Config>(left: u32) {
	for index in 0..T::MaxVerifiers::get() {
		if Verifiers::<T>::get().len() as u32 + left >= T::MaxVerifiers::get() {
			break;
		}
		add::<T>(&account("verifier", index, 0));
	}
}

/// Adds verifiers until there is no room.
pub(crate) fn fill<T: Config>() {
	fill_but::<T>(0);
}

/// Lets every member say `verdict`.
pub(crate) fn answer<T: Config>(task: TaskId, verdict: Verdict) {
	Tasks::<T>::mutate_extant(task, |entry| {
		let answers: Vec<_> = entry.members.iter().map(|who| (who.clone(), verdict)).collect();
		entry.answers = BoundedVec::truncate_from(answers);
		entry.passed_at = (verdict == Verdict::Valid).then(T::Clock::get);
	});
}

#[benchmarks(where T::RuntimeCall: From<Call<T>>)]
mod benchmarks {
	use super::*;

	/// A task that one more `Valid` completes and that all but one verifier has answered; that verifier; and
	/// its signature.
	fn last_answer<T: Config>() -> (TaskId, T::AccountId, T::Signature) {
		let task = TaskId::Submission(7);
		fill_but::<T>(1);
		let signer = T::BenchmarkHelper::signer();
		add::<T>(&signer);
		<Pallet<T> as Committees<_>>::open(task, [1; 32], 100).expect("there are verifiers");
		Tasks::<T>::mutate_extant(task, |entry| {
			let others = entry.members.iter().filter(|who| **who != signer).enumerate();
			let answers: Vec<_> = others
				.map(|(at, who)| {
					let valid = at + 1 < entry.quorum as usize;
					(who.clone(), if valid { Verdict::Valid } else { Verdict::Wrong(at as u32) })
				})
				.collect();
			entry.answers = BoundedVec::truncate_from(answers);
		});
		let message = message::attestation(&funds::genesis_hash::<T>(), task, &[1; 32], 1, Verdict::Valid);
		let signature = T::BenchmarkHelper::sign(&signer, &message);
		(task, signer, signature)
	}

	#[benchmark]
	fn attest() {
		let (task, signer, signature) = last_answer::<T>();

		#[extrinsic_call]
		_(RawOrigin::Authorized, task, Verdict::Valid, signer, signature);

		assert!(Tasks::<T>::get(task).is_some_and(|entry| entry.passed_at.is_some()));
	}

	#[benchmark]
	fn authorize_attest() -> Result<(), BenchmarkError> {
		let (task, verifier, signature) = last_answer::<T>();
		let call: T::RuntimeCall = Call::attest { task, verdict: Verdict::Valid, verifier, signature }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("attest has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn leave() {
		fill_but::<T>(1);
		let caller: T::AccountId = whitelisted_caller();
		add::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!Verifiers::<T>::get().contains_key(&caller));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(0), crate::mock::Test);
}
