//! One file a behaviour.

mod bounty;
mod challenge;
mod commit;
mod commit_challenge;
mod demand;
mod deposits;
mod dispute;
mod draw;
mod evidence;
mod fee;
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
pub(crate) fn close_model(model: ModelId) {
	pallet_model_registry::Models::<Test>::mutate(model, |entry| {
		entry.as_mut().unwrap().status = ModelStatus::Retired;
	});
}

/// Takes that back, so that the registry's invariants hold again.
pub(crate) fn reopen_model(model: ModelId) {
	pallet_model_registry::Models::<Test>::mutate(model, |entry| {
		entry.as_mut().unwrap().status = ModelStatus::Active;
	});
}

/// Lets all verifiers leave.
pub(crate) fn dismiss_verifiers() {
	committee::seat(&[]);
}

/// Makes `who` a verifier.
pub(crate) fn appoint(who: u64) {
	committee::seat(&[committee::bench(), vec![who]].concat());
}

/// What members of a task that ended so were told: who shares the fee, and who pays.
pub(crate) fn told(ended: Ended, right: &[u64], wrong: &[u64]) -> Option<Closing> {
	Some(Closing { ended, right: right.to_vec(), wrong: wrong.to_vec() })
}

/// A submission to which four verifiers said `Valid`, of whom the last made up its output of `record`.
pub(crate) fn disputed(model: ModelId, attempt: &Attempt, record: u32) -> u64 {
	appoint(104);
	let id = submit(model, attempt);
	approve(id);
	let (true_output, made_up) = (attempt.output(record), [9; 32]);
	let said = [(101, true_output), (102, true_output), (103, true_output), (104, made_up)];
	differ(id, record, &said).unwrap();
	id
}
