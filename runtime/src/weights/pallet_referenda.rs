//! What `pallet_referenda` weighs: as the SDK measured it, and for submitting what this runtime does besides.

#![allow(missing_docs)]

use crate::governance::proposals::MAX_ONGOING;
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system, pallet_referenda,
};

/// Weights of `pallet_referenda`.
pub struct WeightInfo<T>(PhantomData<T>);

type Sdk<T> = pallet_referenda::weights::SubstrateWeight<T>;

macro_rules! as_measured {
	($($name:ident)*) => {
		impl<T: frame_system::Config> pallet_referenda::WeightInfo for WeightInfo<T> {
			/// A track's list is read with all that is on it, and one referendum cancelled.
			fn submit() -> Weight {
				let listed = T::DbWeight::get().reads_writes(u64::from(MAX_ONGOING).saturating_add(2), 1);
				Sdk::<T>::submit().saturating_add(listed).saturating_add(Sdk::<T>::cancel())
			}
			$(fn $name() -> Weight {
				Sdk::<T>::$name()
			})*
		}
	};
}

as_measured! {
	place_decision_deposit_preparing
	place_decision_deposit_queued
	place_decision_deposit_not_queued
	place_decision_deposit_passing
	place_decision_deposit_failing
	refund_decision_deposit
	refund_submission_deposit
	cancel
	kill
	one_fewer_deciding_queue_empty
	one_fewer_deciding_failing
	one_fewer_deciding_passing
	nudge_referendum_requeued_insertion
	nudge_referendum_requeued_slide
	nudge_referendum_queued
	nudge_referendum_not_queued
	nudge_referendum_no_deposit
	nudge_referendum_preparing
	nudge_referendum_timed_out
	nudge_referendum_begin_deciding_failing
	nudge_referendum_begin_deciding_passing
	nudge_referendum_begin_confirming
	nudge_referendum_end_confirming
	nudge_referendum_continue_not_confirming
	nudge_referendum_continue_confirming
	nudge_referendum_approved
	nudge_referendum_rejected
	set_some_metadata
	clear_metadata
}
