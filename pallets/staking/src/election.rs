//! Who validates.
//!
//! At each session's end the candidates with most stake that counts are elected for the session after the next: sorted on
//! chain, no solver, and no score that a result has to reach. If there are too few, the old validators stay. Nothing else
//! waits for an election.

use crate::{pallet::*, types::*, *};
use core::cmp::Reverse;
use polkadot_sdk::{
	frame_support::{defensive, dispatch::DispatchClass},
	frame_system,
	sp_runtime::SaturatedConversion,
};

/// What is behind a validator of the session that runs: for `pallet_session::historical`.
pub struct ExposureNow<T>(core::marker::PhantomData<T>);

impl<T: Config> Convert<T::AccountId, Option<Exposure<BalanceOf<T>>>> for ExposureNow<T> {
	fn convert(who: T::AccountId) -> Option<Exposure<BalanceOf<T>>> {
		let elected = Elected::<T>::get(CurrentSession::<T>::get()).unwrap_or_default();
		let found = elected.into_iter().find(|(validator, _)| *validator == who);
		// A validator that was not elected comes from the genesis of sessions.
		Some(found.map_or_else(|| Pallet::<T>::exposure(&who), |(_, exposure)| exposure))
	}
}

impl<T: Config> Pallet<T> {
	/// All active stake of a validator, whether it counts or not.
	pub(crate) fn exposure(who: &T::AccountId) -> Exposure<BalanceOf<T>> {
		let pool = Pools::<T>::get(Role::Validator, who);
		Exposure { stake: pool.map_or_else(Zero::zero, |pool| pool.active.stake) }
	}

	/// The candidates that could be elected, with their stakes.
	pub(crate) fn electable() -> Vec<(T::AccountId, BalanceOf<T>)> {
		let counted = |who: T::AccountId| {
			let stake = Pools::<T>::get(Role::Validator, &who)?.counted();
			(!stake.is_zero() && T::Sessions::is_registered(&who)).then_some((who, stake))
		};
		ValidatorCandidates::<T>::get().into_iter().filter_map(counted).collect()
	}

	/// Those that would be elected, those with most stake first; of such with as much the lower account.
	pub(crate) fn best_candidates() -> Vec<(T::AccountId, BalanceOf<T>)> {
		let mut candidates = Self::electable();
		candidates.sort_unstable_by_key(|(who, stake)| (Reverse(*stake), who.clone()));
		candidates.truncate(T::ValidatorCount::get() as usize);
		candidates
	}

	/// Elects the validators of a session; `None` if there are neither enough candidates nor old validators that could
	/// stay.
	pub(crate) fn elect(session: SessionIndex) -> Option<Vec<ExposedOf<T>>> {
		let best = Self::best_candidates();
		let electable: u32 = best.len().saturated_into();
		let stays = electable < T::MinValidators::get().max(1);
		let elected: Vec<_> = if stays {
			let old = Elected::<T>::get(session.checked_sub(1)?)?;
			// Named again, so that keys they have changed since are theirs in the next session too.
			old.into_iter().map(|(who, _)| (who.clone(), Self::exposure(&who))).collect()
		} else {
			best.into_iter().map(|(who, stake)| (who, Exposure { stake })).collect()
		};
		let validators: u32 = elected.len().saturated_into();
		// There are no more than candidates.
		Elected::<T>::insert(session, ElectedOf::<T>::truncate_from(elected.clone()));
		Self::deposit_event(if stays {
			Event::ValidatorsStay { session, electable }
		} else {
			Event::ValidatorsElected { session, validators }
		});
		Some(elected)
	}

	/// Forgets what no report can be about any more. What was reported last may wait still, so what has been taken for its
	/// session is known for one session more.
	fn forget_before(session: SessionIndex) {
		T::Sessions::prune_up_to(session);
		if let Some(last) = session.checked_sub(2) {
			let most = T::MaxCandidates::get();
			if Guilt::<T>::clear_prefix(last, most, None).maybe_cursor.is_some() {
				defensive!("no more validators are guilty than there are");
			}
		}
	}

	/// Whether an offence of a session can still be reported.
	pub(crate) fn is_reportable(session: SessionIndex) -> bool {
		session.saturating_add(T::ReportSessions::get()) >= CurrentSession::<T>::get()
	}
}

impl<T: Config> pallet_session::historical::SessionManager<T::AccountId, Exposure<BalanceOf<T>>>
	for Pallet<T>
{
	fn new_session(session: SessionIndex) -> Option<Vec<ExposedOf<T>>> {
		let candidates: u32 = ValidatorCandidates::<T>::decode_len().unwrap_or_default().saturated_into();
		// It is done in a hook of the sessions', which knows nothing of what it costs.
		let weight = T::WeightInfo::rotate(candidates);
		frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
		Self::elect(session)
	}

	fn new_session_genesis(session: SessionIndex) -> Option<Vec<ExposedOf<T>>> {
		Self::elect(session)
	}

	fn end_session(session: SessionIndex) {
		Elected::<T>::remove(session);
	}

	fn start_session(session: SessionIndex) {
		CurrentSession::<T>::put(session);
		Self::disable_equivocators();
		Self::forget_before(session.saturating_sub(T::ReportSessions::get()));
	}
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
	fn new_session(session: SessionIndex) -> Option<Vec<T::AccountId>> {
		let elected = <Self as pallet_session::historical::SessionManager<_, _>>::new_session(session)?;
		Some(elected.into_iter().map(|(who, _)| who).collect())
	}

	fn new_session_genesis(session: SessionIndex) -> Option<Vec<T::AccountId>> {
		Some(Self::elect(session)?.into_iter().map(|(who, _)| who).collect())
	}

	fn end_session(session: SessionIndex) {
		<Self as pallet_session::historical::SessionManager<_, _>>::end_session(session);
	}

	fn start_session(session: SessionIndex) {
		<Self as pallet_session::historical::SessionManager<_, _>>::start_session(session);
	}
}
