//! Equivocations, and what is applied of them.
//!
//! The SDK reports an offence again with a higher fraction for each that joins in it, and with all that are known. So the
//! queue holds one entry for each validator and session, with the highest fraction, and what has been applied already is
//! known. What a validator did several times in a session costs it once, as much as the worst of it.
//!
//! The validators of the next session have been announced when an offence is reported, and what was announced cannot be
//! changed: BABE's nodes know already whose turn it will be. So who equivocated stays one of them, and is disabled in that
//! session as in the one that runs.

use crate::{pallet::*, pools::Open, types::*, *};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, traits::Imbalance},
	frame_system,
	sp_runtime::traits::Saturating,
	sp_staking::offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
};

impl<T: Config> Pallet<T> {
	/// Lets an offence wait, unless so much has been taken for that session already. If there is no room, the oldest is
	/// applied at once: nothing is lost, it only costs more now.
	pub(crate) fn queue(offence: OffenceOf<T>) {
		let Offence { offender, session, fraction, .. } = &offence;
		if !Self::is_reportable(*session) || *fraction <= Guilt::<T>::get(session, offender) {
			return;
		}
		let mut queue = Offences::<T>::get();
		let same = |queued: &&mut OffenceOf<T>| queued.offender == *offender && queued.session == *session;
		if let Some(queued) = queue.iter_mut().find(same) {
			if queued.fraction >= *fraction {
				return;
			}
			queued.fraction = *fraction;
		} else {
			// Who has no pool any more has nothing to lose.
			let Some(mut open) = Open::<T>::get(Role::Validator, offender) else { return };
			open.pool.offences = open.pool.offences.saturating_add(1);
			open.close();
			if queue.is_full() {
				Self::apply(queue.remove(0));
			}
			// There is room now.
			let _ = queue.try_push(offence.clone());
		}
		Offences::<T>::put(queue);
		Self::deposit_event(Event::OffenceQueued {
			offender: offender.clone(),
			session: *session,
			fraction: *fraction,
		});
	}

	/// Applies the oldest offences: [`Config::OffencesPerBlock`], or fewer if the weight does not suffice.
	pub(crate) fn apply_offences(meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::poll()).is_err() {
			return;
		}
		let mut queue = Offences::<T>::get();
		let before = queue.len();
		for _ in 0..T::OffencesPerBlock::get() {
			if queue.is_empty() || meter.try_consume(T::WeightInfo::apply_offence()).is_err() {
				break;
			}
			Self::apply(queue.remove(0));
		}
		if queue.len() < before {
			Offences::<T>::put(queue);
		}
	}

	/// Takes what an offence costs beyond what was taken for its session already, and pays who reported it.
	pub(crate) fn apply(offence: OffenceOf<T>) {
		let Offence { offender, session, exposure, fraction, reporter } = offence;
		let known =
			Guilt::<T>::mutate(session, &offender, |known| core::mem::replace(known, fraction.max(*known)));
		let cost = |fraction: Perbill| fraction.mul_floor(exposure.stake);
		let Some(mut open) = Open::<T>::get(Role::Validator, &offender) else { return };
		open.pool.offences = open.pool.offences.saturating_sub(1);
		let (_, reward) = open.slash(cost(fraction).saturating_sub(cost(known)));
		open.close();
		if let Some(reporter) = reporter.filter(|_| !reward.peek().is_zero()) {
			let amount = T::Currency::reward(&reporter, reward);
			if !amount.is_zero() {
				Self::deposit_event(Event::ReporterPaid { offender, reporter, amount });
			}
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Disables those who equivocated in the session that begins, as many as the sessions' strategy lets, and forgets
	/// those who are out or have come back.
	pub(crate) fn disable_equivocators() {
		let validators = T::Sessions::validators();
		// No more than validated in the sessions of which reports are taken: each is forgotten once it is out.
		for (who, Equivocator { severity, .. }) in Equivocators::<T>::iter().collect::<Vec<_>>() {
			// It is done in a hook of the sessions', which knows nothing of what it costs. A report does this and more.
			let weight = T::WeightInfo::report(0);
			frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
			let is_back = Pools::<T>::get(Role::Validator, &who).is_some_and(|pool| !pool.chilled);
			if is_back || !validators.contains(&who) {
				Equivocators::<T>::remove(&who);
			} else {
				T::Sessions::report_offence(who, OffenceSeverity(severity));
			}
		}
	}

	/// Whether somebody equivocated and may not be a candidate for validator again yet.
	pub(crate) fn is_barred(who: &T::AccountId) -> bool {
		let known = Equivocators::<T>::get(who);
		known.is_some_and(|known| CurrentSession::<T>::get() < known.barred_until)
	}
}

/// For `pallet_offences`, and for equivocations only: an offence says nothing of its kind here. For those who did not
/// respond there is [`Absences`].
impl<T: Config> OnOffenceHandler<T::AccountId, ExposedOf<T>, Weight> for Pallet<T> {
	fn on_offence(
		offenders: &[OffenceDetails<T::AccountId, ExposedOf<T>>],
		fractions: &[Perbill],
		session: SessionIndex,
	) -> Weight {
		let mut weight = Weight::zero();
		for (details, fraction) in offenders.iter().zip(fractions) {
			let (offender, exposure) = details.offender.clone();
			T::Sessions::report_offence(offender.clone(), OffenceSeverity(*fraction));
			// The next election is over before it can come back.
			let barred_until = CurrentSession::<T>::get().saturating_add(1);
			Equivocators::<T>::mutate(&offender, |known| {
				let severity = known.map_or(*fraction, |known| known.severity.max(*fraction));
				*known = Some(Equivocator { severity, barred_until });
			});
			if let Some(mut open) = Open::<T>::get(Role::Validator, &offender) {
				open.set_chilled(ChillReason::Equivocated);
				open.close();
			}
			let reporter = details.reporters.first().cloned();
			Self::queue(Offence { offender, session, exposure, fraction: *fraction, reporter });
			weight.saturating_accrue(T::WeightInfo::report(T::MaxCandidates::get()));
		}
		weight
	}
}
