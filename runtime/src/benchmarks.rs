//! What benchmarks need of the runtime.

use crate::*;
use oda_primitives::Tick;

/// Sets the clock.
pub struct Helper;
impl pallet_training::BenchmarkHelper for Helper {
	fn set_tick(tick: Tick) {
		pallet_clock::Now::<Runtime>::put(tick);
	}
}
impl pallet_storage_deals::SetTick for Helper {
	fn set_tick(tick: Tick) {
		pallet_clock::Now::<Runtime>::put(tick);
	}
}
