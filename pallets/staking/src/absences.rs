//! Validators that do not respond.

use crate::{pallet::*, pools::Open, types::*, *};
use core::cmp::Reverse;
use polkadot_sdk::{
	frame_support::dispatch::DispatchClass,
	frame_system,
	sp_runtime::SaturatedConversion,
	sp_staking::offence::{Offence as Reported, OffenceError, ReportOffence},
};

/// Hears of validators that did not respond in a session: for `pallet_im_online`, in the place of `pallet_offences`, which
/// would not say what was reported.
///
/// Each loses what the report says. One that has not responded for [`Config::MaxAbsences`] sessions in a row is chilled,
/// so that one that was interrupted once and returns stays; at most one in a session, the one that has been away longest,
/// and none if as many as [`Config::MinValidators`] could not be elected without it: a fault that makes all look absent
/// leaves a chain that goes on.
pub struct Absences<T>(core::marker::PhantomData<T>);

impl<T: Config, O: Reported<ExposedOf<T>>> ReportOffence<T::AccountId, ExposedOf<T>, O> for Absences<T> {
	fn report_offence(_reporters: Vec<T::AccountId>, report: O) -> Result<(), OffenceError> {
		let session = report.session_index();
		// Who equivocated does well to stop its nodes.
		let mut offenders = report.offenders();
		offenders.retain(|(who, _)| !Equivocators::<T>::contains_key(who));
		let count: u32 = offenders.len().saturated_into();
		let fraction = report.slash_fraction(count);
		// It is done in a hook of the sessions', which knows nothing of what it costs.
		let candidates: u32 = ValidatorCandidates::<T>::decode_len().unwrap_or_default().saturated_into();
		let weight = T::WeightInfo::absences(count.max(candidates));
		frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
		Pallet::<T>::note_absent(session, &offenders);
		for (offender, exposure) in offenders {
			Pallet::<T>::queue(Offence { offender, session, exposure, fraction, reporter: None });
		}
		Ok(())
	}

	/// A session ends once.
	fn is_known_offence(_offenders: &[ExposedOf<T>], _session: &O::Slot) -> bool {
		false
	}
}

impl<T: Config> Pallet<T> {
	/// Counts absences in a row, and chills whoever has been away longest, if that is too long.
	fn note_absent(session: SessionIndex, offenders: &[ExposedOf<T>]) {
		let last = LastAbsent::<T>::get();
		let in_a_row = last.session.checked_add(1) == Some(session);
		let before = |who: &T::AccountId| {
			let known = last.absent.iter().find(|(absent, _)| in_a_row && absent == who);
			known.map_or(0, |(_, times)| *times)
		};
		let now = offenders.iter().map(|(who, _)| (who.clone(), before(who).saturating_add(1)));
		// No more than candidates were elected.
		let absent = BoundedVec::truncate_from(now.collect());
		let long = absent.iter().filter(|(_, times)| *times >= T::MaxAbsences::get());
		let listed = ValidatorCandidates::<T>::get();
		let removable = long.filter(|(who, _)| listed.contains(who));
		if let Some((who, _)) = removable.max_by_key(|(who, times)| (*times, Reverse(who.clone()))) {
			Self::remove_validator(who, ChillReason::Absent);
		}
		LastAbsent::<T>::put(Absentees { session, absent });
	}

	/// Chills a validator, if enough others could be elected.
	pub(crate) fn remove_validator(who: &T::AccountId, reason: ChillReason) {
		let others = Self::electable().into_iter().filter(|(other, _)| other != who).count();
		let enough = others >= T::MinValidators::get() as usize;
		if let Some(mut open) = Open::<T>::get(Role::Validator, who).filter(|_| enough) {
			open.set_chilled(reason);
			open.close();
		}
	}
}
