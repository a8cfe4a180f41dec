//! Calls that nobody signs: what the pool and blocks take of them.

use crate::{pallet::*, *};
use polkadot_sdk::{
	frame_support::storage::{TransactionOutcome, with_transaction},
	frame_system::RawOrigin,
	sp_runtime::transaction_validity::{TransactionValidityError, TransactionValidityWithRefund},
};

/// For how many blocks such a call is good in the pool, before it is checked again.
const LONGEVITY: u64 = 64;

impl<T: Config> Pallet<T> {
	/// What `call` would return if it were made now; whatever it does is undone.
	pub(crate) fn dry_run<R>(
		call: impl FnOnce() -> Result<R, DispatchError>,
	) -> Result<R, TransactionValidityError> {
		with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(call())))
			.and_then(|result| result)
			.map_err(|error| match error {
				DispatchError::Module(module) => InvalidTransaction::Custom(
					refusal::TRAINING.saturating_add(module.error.first().copied().unwrap_or_default()),
				)
				.into(),
				_ => InvalidTransaction::Call.into(),
			})
	}

	/// How the pool says why a call is refused.
	pub(crate) fn refusal(error: Error<T>) -> TransactionValidityError {
		let index = error.encode().first().copied().unwrap_or_default();
		InvalidTransaction::Custom(refusal::TRAINING.saturating_add(index)).into()
	}

	/// A call that the pool and blocks take, once for each `what`, and what was not needed to find that out.
	pub(crate) fn admit(
		kind: &'static str,
		what: impl Encode,
		priority: TransactionPriority,
		unspent: Weight,
	) -> TransactionValidityWithRefund {
		ValidTransaction::with_tag_prefix(kind)
			.priority(priority)
			.and_provides(what)
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, unspent))
	}

	/// An account, or nobody with a call that was found due.
	pub(crate) fn ensure_anybody(origin: OriginFor<T>) -> DispatchResult {
		match origin.into() {
			Ok(RawOrigin::Signed(_) | RawOrigin::Authorized) => Ok(()),
			_ => Err(DispatchError::BadOrigin),
		}
	}
}
