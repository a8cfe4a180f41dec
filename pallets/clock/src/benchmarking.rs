//! Benchmarks: what one tick costs.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::expect_used)]

use super::*;
use polkadot_sdk::frame_benchmarking::v2::*;

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn tick() {
		Now::<T>::put(1);
		#[block]
		{
			Pallet::<T>::tick();
		}
		assert_eq!(Now::<T>::get(), 2);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
