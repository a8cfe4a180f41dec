//! Benchmarks: what the calls cost in their worst case.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::expect_used)]

use super::*;
use oda_pallet_traits::Peers as _;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, ed25519},
	sp_io,
};

/// Under which the host keeps the keys of the benchmarks.
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"odap");

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn bind() {
		let caller: T::AccountId = whitelisted_caller();
		Pallet::<T>::bind_for_benchmark(&caller, [1; 32]);
		let public = sp_io::crypto::ed25519_generate(KEY_TYPE, None);
		let message = message::peer_binding(&funds::genesis_hash::<T>(), &caller);
		let signature: ed25519::Signature =
			sp_io::crypto::ed25519_sign(KEY_TYPE, &public, &message).expect("the keystore made the key");

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), public.0, signature.0);

		assert_eq!(AccountOf::<T>::get(public.0), Some(caller));
	}

	#[benchmark]
	fn unbind() {
		let caller: T::AccountId = whitelisted_caller();
		Pallet::<T>::bind_for_benchmark(&caller, [1; 32]);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!PeerOf::<T>::contains_key(caller));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
