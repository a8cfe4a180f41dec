//! Bootstrap.
use core::marker::PhantomData;
use polkadot_sdk::frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_clock::WeightInfo for WeightInfo<T> {
	fn tick() -> Weight {
		<() as pallet_clock::WeightInfo>::tick()
	}
}
