//! Bootstrap.
use core::marker::PhantomData;
use polkadot_sdk::frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_training::WeightInfo for WeightInfo<T> {
	fn commit() -> Weight {
		<() as pallet_training::WeightInfo>::commit()
	}
	fn reveal(s: u32) -> Weight {
		<() as pallet_training::WeightInfo>::reveal(s)
	}
	fn withdraw() -> Weight {
		<() as pallet_training::WeightInfo>::withdraw()
	}
	fn settle_forfeited() -> Weight {
		<() as pallet_training::WeightInfo>::settle_forfeited()
	}
	fn settle_accepted(b: u32) -> Weight {
		<() as pallet_training::WeightInfo>::settle_accepted(b)
	}
	fn settle_expired() -> Weight {
		<() as pallet_training::WeightInfo>::settle_expired()
	}
	fn advance(q: u32) -> Weight {
		<() as pallet_training::WeightInfo>::advance(q)
	}
	fn note_challenge() -> Weight {
		<() as pallet_training::WeightInfo>::note_challenge()
	}
	fn challenge(w: u32, p: u32) -> Weight {
		<() as pallet_training::WeightInfo>::challenge(w, p)
	}
	fn post_bounty() -> Weight {
		<() as pallet_training::WeightInfo>::post_bounty()
	}
	fn withdraw_bounty() -> Weight {
		<() as pallet_training::WeightInfo>::withdraw_bounty()
	}
	fn drop_scores() -> Weight {
		<() as pallet_training::WeightInfo>::drop_scores()
	}
	fn forget_weights() -> Weight {
		<() as pallet_training::WeightInfo>::forget_weights()
	}
	fn evaluate_dense_macs(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_dense_macs(n)
	}
	fn evaluate_conv_macs(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_conv_macs(n)
	}
	fn evaluate_patch_elements(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_patch_elements(n)
	}
	fn evaluate_requants(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_requants(n)
	}
	fn evaluate_element_ops(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_element_ops(n)
	}
	fn evaluate_param_bytes(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_param_bytes(n)
	}
	fn evaluate_activation_bytes(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_activation_bytes(n)
	}
	fn evaluate_nodes(n: u32) -> Weight {
		<() as pallet_training::WeightInfo>::evaluate_nodes(n)
	}
}
