//! Which transactions may enter blocks, and the room that blocks keep for the protocol's defence.
//!
//! A call that is paused, or that safe mode refuses, enters neither pool nor blocks: it would fail there, for
//! a fee, or, if nobody signed it, for nothing and again and again.
//!
//! Blocks keep a quarter of their weight and length for transactions of the class `Operational`. A transaction of that
//! class that is signed enters the pool and blocks only if its call, sent by itself and not within another one, is one
//! that defends ([`is_defence`]) and would succeed, in a block after its fee was paid: so each use of that room takes a
//! bond, and what a task takes of it is bounded by the number of bonds that it admits. Calls that nobody signs are
//! admitted by their own pallets.

use crate::*;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{
	dispatch::{DispatchClass, DispatchInfo, GetDispatchInfo},
	storage::{TransactionOutcome, with_transaction},
	traits::Contains,
	weights::Weight,
};
use scale_info::TypeInfo;
use sp_runtime::{
	DispatchError,
	traits::{AsSystemOriginSigner, Dispatchable, TransactionExtension, ValidateResult},
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

/// Keeps out what is paused, and operational room for calls that defend the protocol.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CheckDefence;

/// Whether a signed call may use operational room.
fn is_defence(call: &RuntimeCall) -> bool {
	use pallet_training::{Call, Target};
	matches!(
		call,
		RuntimeCall::Training(Call::commit_challenge { .. } | Call::demand { target: Target::Submission(_) })
	)
}

/// Whether a signed call of the class `Operational` may use that room now; whatever trying it does is undone.
pub(crate) fn admit(
	origin: &RuntimeOrigin,
	call: &RuntimeCall,
	info: &DispatchInfo,
) -> Result<(), TransactionValidityError> {
	if !<Runtime as frame_system::Config>::BaseCallFilter::contains(call) {
		return Err(InvalidTransaction::Call.into());
	}
	let operational = info.class == DispatchClass::Operational;
	let Some(who) = origin.as_system_origin_signer().filter(|_| operational) else { return Ok(()) };
	if !is_defence(call) {
		return Err(InvalidTransaction::Call.into());
	}
	let signed = RuntimeOrigin::signed(who.clone());
	let tried = with_transaction(|| {
		let outcome = call.clone().dispatch(signed).map(|_| ()).map_err(|refused| refused.error);
		TransactionOutcome::Rollback(Ok::<_, DispatchError>(outcome))
	});
	match tried.and_then(|outcome| outcome) {
		Ok(()) => Ok(()),
		// By the codes of calls that nobody signs, which clients know.
		Err(DispatchError::Module(error)) => {
			let index = error.error.first().copied().unwrap_or_default();
			Err(InvalidTransaction::Custom(oda_primitives::refusal::TRAINING.saturating_add(index)).into())
		}
		// The bond cannot be held.
		Err(_) => Err(InvalidTransaction::Payment.into()),
	}
}

impl TransactionExtension<RuntimeCall> for CheckDefence {
	type Implicit = ();
	type Pre = ();
	type Val = ();

	const IDENTIFIER: &'static str = "CheckDefence";

	fn weight(&self, call: &RuntimeCall) -> Weight {
		// A defence is tried before it is admitted, and again when its fee was paid.
		let tries = if is_defence(call) { 2 } else { 0 };
		// Whether safe mode is on, and the call paused.
		let brakes = <Runtime as frame_system::Config>::DbWeight::get().reads(2);
		call.get_dispatch_info().call_weight.saturating_mul(tries).saturating_add(brakes)
	}

	fn validate(
		&self,
		origin: RuntimeOrigin,
		call: &RuntimeCall,
		info: &DispatchInfo,
		_len: usize,
		_self_implicit: Self::Implicit,
		_inherited_implication: &impl Encode,
		_source: TransactionSource,
	) -> ValidateResult<Self::Val, RuntimeCall> {
		admit(&origin, call, info)?;
		Ok((Default::default(), (), origin))
	}

	fn prepare(
		self,
		_val: Self::Val,
		origin: &RuntimeOrigin,
		call: &RuntimeCall,
		info: &DispatchInfo,
		_len: usize,
	) -> Result<Self::Pre, TransactionValidityError> {
		admit(origin, call, info)
	}
}
