//! Bootstrap.
use core::marker::PhantomData;
use polkadot_sdk::frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_verification::WeightInfo for WeightInfo<T> {
	fn attest() -> Weight {
		<() as pallet_verification::WeightInfo>::attest()
	}
	fn authorize_attest() -> Weight {
		<() as pallet_verification::WeightInfo>::authorize_attest()
	}
	fn leave() -> Weight {
		<() as pallet_verification::WeightInfo>::leave()
	}
}
