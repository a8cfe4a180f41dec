//! Bootstrap.
use core::marker::PhantomData;
use polkadot_sdk::frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_model_registry::WeightInfo for WeightInfo<T> {
	fn register(s: u32, d: u32) -> Weight {
		<() as pallet_model_registry::WeightInfo>::register(s, d)
	}
	fn retire() -> Weight {
		<() as pallet_model_registry::WeightInfo>::retire()
	}
	fn abandon() -> Weight {
		<() as pallet_model_registry::WeightInfo>::abandon()
	}
}
