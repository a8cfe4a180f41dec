//! The blobs of models' heads, which the pot pays to have kept.

use crate::{pallet::*, *};
use oda_pallet_traits::Heads;
use polkadot_sdk::{
	frame_support::{
		storage::with_storage_layer,
		traits::{ConstU32, fungible::MutateHold},
	},
	sp_runtime::traits::{AccountIdConversion, SaturatedConversion, Saturating},
};

/// The blobs of one head.
pub type HeadBlobs = BoundedVec<BlobRef, ConstU32<2>>;

impl<T: Config> Pallet<T> {
	/// The account that pays for heads.
	pub fn pot_account() -> T::AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// The price that the pot begins with for `len` bytes, and the most that it pays.
	pub(crate) fn head_prices(len: u64) -> (BalanceOf<T>, BalanceOf<T>) {
		let price = Self::by_mib(len, T::HeadPricePerMib::get()).max(T::MinPrice::get());
		(price, price.saturating_mul(2u32.into()))
	}

	/// One more head needs `blob`.
	fn want(blob: BlobRef) {
		let mut wanted = WantedBlobs::<T>::get(blob).unwrap_or_default();
		wanted.references = wanted.references.saturating_add(1);
		let first = wanted.references == 1 && wanted.deal.is_none();
		WantedBlobs::<T>::insert(blob, wanted);
		if first && !Self::fund(blob) {
			Unfunded::<T>::insert(blob, ());
			Self::deposit_event(Event::PotEmpty { blob });
		}
	}

	/// One head less needs `blob`. A deal that runs just ends in time.
	fn unwant(blob: BlobRef) {
		let Some(mut wanted) = WantedBlobs::<T>::get(blob) else { return };
		wanted.references = wanted.references.saturating_sub(1);
		if wanted.references > 0 || wanted.deal.is_some() {
			WantedBlobs::<T>::insert(blob, wanted);
		} else {
			WantedBlobs::<T>::remove(blob);
			Unfunded::<T>::remove(blob);
		}
	}

	/// The pot offers a deal for a wanted blob that has none; whether it could.
	fn fund(blob: BlobRef) -> bool {
		let pot = Self::pot_account();
		let (price, max_price) = Self::head_prices(blob.len);
		let offered = with_storage_layer(|| {
			Self::do_offer(&pot, blob, T::HeadReplicas::get(), T::HeadRounds::get(), price, max_price)
		});
		let Ok(id) = offered else { return false };
		WantedBlobs::<T>::mutate_extant(blob, |wanted| wanted.deal = Some(id));
		true
	}

	/// Tries the next of the wanted blobs that the pot could not pay for; whether there was any.
	pub(crate) fn retry_head() {
		let next = RetriedHead::<T>::get().and_then(|last| Unfunded::<T>::iter_keys_from_key(last).next());
		let Some(blob) = next.or_else(|| Unfunded::<T>::iter_keys().next()) else { return };
		RetriedHead::<T>::put(blob);
		if Self::fund(blob) {
			Unfunded::<T>::remove(blob);
		}
	}

	/// Extends a head's deal that is about to end, while it is wanted and the pot can pay.
	///
	/// That is [`Config::QuitRounds`] before its end, so that a keeper who quits at once leaves at the end that
	/// it agreed to.
	pub(crate) fn renew_head(id: DealId, deal: &mut DealOf<T>, current: RoundNumber) {
		if deal.payer != Self::pot_account() || deal.until.saturating_sub(current) > T::QuitRounds::get() {
			return;
		}
		let blob = deal.blob;
		let wanted = WantedBlobs::<T>::get(blob);
		if !wanted.is_some_and(|wanted| wanted.references > 0 && wanted.deal == Some(id)) {
			return;
		}
		let until = deal.until.saturating_add(T::HeadRounds::get());
		// The round that runs included, which keepers may still prove.
		let rounds = until.saturating_sub(current).saturating_add(1);
		let replicas = deal.slots.len().saturated_into();
		let held = Self::total_pay(replicas, rounds, deal.max_price).is_some_and(|needed| {
			let more = needed.saturating_sub(deal.funds);
			let held = with_storage_layer(|| T::Currency::hold(&HoldReason::Deal.into(), &deal.payer, more));
			if held.is_ok() {
				deal.funds = deal.funds.saturating_add(more);
			}
			held.is_ok()
		});
		if held {
			deal.until = until;
			Self::deposit_event(Event::DealRenewed { deal: id, until });
		} else {
			Self::deposit_event(Event::PotEmpty { blob });
		}
	}

	/// A deal has ended: if it was a head's and the blob is still wanted, the pot tries to offer another.
	pub(crate) fn head_deal_ended(id: DealId, deal: &DealOf<T>) {
		let blob = deal.blob;
		let Some(mut wanted) = WantedBlobs::<T>::get(blob).filter(|wanted| wanted.deal == Some(id)) else {
			return;
		};
		if wanted.references == 0 {
			WantedBlobs::<T>::remove(blob);
			return;
		}
		wanted.deal = None;
		WantedBlobs::<T>::insert(blob, wanted);
		Unfunded::<T>::insert(blob, ());
	}
}

impl<T: Config> Heads for Pallet<T> {
	fn set_head(model: &ModelId, blobs: Option<[BlobRef; 2]>) {
		let mut new = HeadBlobs::new();
		for blob in blobs.into_iter().flatten() {
			if blob.len == 0 || blob.len > T::HeadMaxLen::get() {
				Self::deposit_event(Event::HeadSkipped { model: *model, blob });
			} else if !new.contains(&blob) {
				// There is room for as many as a head has.
				let _ = new.try_push(blob);
			}
		}
		let old = HeadOf::<T>::take(model);
		// What is new first, so that what stays is never let go.
		for blob in new.iter().filter(|blob| !old.contains(blob)) {
			Self::want(*blob);
		}
		for blob in old.iter().filter(|blob| !new.contains(blob)) {
			Self::unwant(*blob);
		}
		if !new.is_empty() {
			HeadOf::<T>::insert(model, new);
		}
	}
}
