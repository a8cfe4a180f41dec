//! One file a behaviour.

mod bounty;
mod challenge;
mod commit;
mod commit_challenge;
mod demand;
mod deposits;
mod leaks;
mod property;
mod queue;
mod reveal;
mod settle;
mod snapshots;
mod weight;
mod withdraw;

pub(crate) use crate::{Call, Error, Event, HoldReason, mock::*, pallet::*, types::*};
pub(crate) use oda_evaluator::scores;
pub(crate) use oda_pallet_traits::ModelStatus;
pub(crate) use oda_primitives::{BlobRef, ModelId, RangeProof, Verdict};
pub(crate) use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::Pays, weights::Weight},
	sp_runtime::{DispatchError, TokenError},
};

/// The refusal of a call, without what it cost.
pub(crate) fn refusal<T: core::fmt::Debug>(
	result: Result<T, impl Into<polkadot_sdk::frame_support::dispatch::DispatchErrorWithPostInfo>>,
) -> DispatchError {
	result.map_err(Into::into).unwrap_err().error
}

/// Closes a model as a referendum may one day, whatever is live.
pub(crate) fn freeze(model: ModelId) {
	pallet_model_registry::Models::<Test>::mutate(model, |entry| {
		entry.as_mut().unwrap().status = ModelStatus::Retired;
	});
}

/// Takes a freeze back, so that the registry's invariants hold again.
pub(crate) fn thaw(model: ModelId) {
	pallet_model_registry::Models::<Test>::mutate(model, |entry| {
		entry.as_mut().unwrap().status = ModelStatus::Active;
	});
}

/// Lets all verifiers leave.
pub(crate) fn dismiss_verifiers() {
	for verifier in VERIFIERS {
		Verification::leave(RuntimeOrigin::signed(verifier)).unwrap();
	}
}

/// Makes `who` a verifier.
pub(crate) fn appoint(who: u64) {
	use polkadot_sdk::frame_support::traits::fungible::MutateHold;
	let reason = RuntimeHoldReason::Verification(pallet_verification::HoldReason::VerifierBond);
	Balances::hold(&reason, &who, VERIFIER_BOND).unwrap();
	let verifier = pallet_verification::Verifier { bond: VERIFIER_BOND, open: 0 };
	pallet_verification::Verifiers::<Test>::mutate(|all| all.try_insert(who, verifier).unwrap());
}
