//! The blobs of models' heads, each kept from its model's own storage account.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::{Heads, OpenModels};
use polkadot_sdk::{
	frame_support::{
		storage::with_storage_layer,
		traits::{
			ConstU32,
			fungible::{Inspect, Mutate, MutateHold},
			tokens::{Fortitude, Precision, Preservation},
		},
	},
	sp_runtime::traits::{Convert, SaturatedConversion, Saturating, Zero},
};

/// The blobs of one head.
pub type HeadBlobs = BoundedVec<BlobRef, ConstU32<2>>;

impl<T: Config> Pallet<T> {
	/// A model's storage account.
	pub fn model_account(model: &ModelId) -> T::AccountId {
		T::ModelAccount::convert(*model)
	}

	/// The price that a model's account begins with for `len` bytes, and the most that it pays.
	pub(crate) fn head_prices(len: u64) -> (BalanceOf<T>, BalanceOf<T>) {
		let price = Self::by_mib(len, T::HeadPricePerMib::get()).max(T::MinPrice::get());
		(price, price.saturating_mul(2u32.into()))
	}

	/// What a term of a blob of `len` bytes can cost its model's account at most, with the deal's deposit, which
	/// comes back.
	pub(crate) fn head_cost(len: u64) -> Option<BalanceOf<T>> {
		let (_, most) = Self::head_prices(len);
		let pay = Self::total_pay(T::HeadReplicas::get(), T::HeadRounds::get(), most)?;
		Some(pay.saturating_add(Self::deal_deposit()))
	}

	/// Whether the head of `model` needs `blob`.
	fn needs(model: &ModelId, blob: &BlobRef) -> bool {
		HeadOf::<T>::get(model).contains(blob)
	}

	/// The head of `model` needs `blob` from now on. A deal about it that still runs is renewed in time.
	fn want(model: &ModelId, blob: BlobRef) {
		if !HeadDeals::<T>::contains_key(model, blob) && !Self::offer_head(model, blob) {
			Self::wait(model, blob);
		}
	}

	/// A model's account is short of what keeping `blob` costs. Said once.
	fn wait(model: &ModelId, blob: BlobRef) {
		if !Waiting::<T>::contains_key(model, blob) {
			Waiting::<T>::insert(model, blob, ());
			Self::deposit_event(Event::ModelShort { model: *model, blob });
		}
	}

	/// A model's account offers a deal about a blob of its head that has none; whether it could.
	fn offer_head(model: &ModelId, blob: BlobRef) -> bool {
		let account = Self::model_account(model);
		let (price, most) = Self::head_prices(blob.len);
		let (replicas, rounds) = (T::HeadReplicas::get(), T::HeadRounds::get());
		let offered = with_storage_layer(|| {
			Self::do_offer(&account, Some(*model), blob, replicas, rounds, price, most)
		});
		let Ok(id) = offered else { return false };
		HeadDeals::<T>::insert(model, blob, id);
		true
	}

	/// Puts money into a model's account, and offers what was waiting for it.
	pub(crate) fn do_fund(who: T::AccountId, model: ModelId, amount: BalanceOf<T>) -> DispatchResult {
		ensure!(T::Models::is_open(&model), Error::<T>::ModelNotOpen);
		let account = Self::model_account(&model);
		T::Currency::transfer(&who, &account, amount, Preservation::Preserve)?;
		Self::deposit_event(Event::ModelFunded { model, who, amount });
		// A head has no more blobs than these.
		for blob in HeadOf::<T>::get(model) {
			if Waiting::<T>::contains_key(model, blob) {
				Self::retry(model, blob);
			}
		}
		Ok(())
	}

	/// Tries the next of the blobs that wait for money: it may have come in without [`Pallet::fund`].
	pub(crate) fn retry_head() {
		let next = RetriedHead::<T>::get().and_then(|(model, blob)| {
			Waiting::<T>::iter_keys_from(Waiting::<T>::hashed_key_for(model, blob)).next()
		});
		let Some((model, blob)) = next.or_else(|| Waiting::<T>::iter_keys().next()) else { return };
		RetriedHead::<T>::put((model, blob));
		Self::retry(model, blob);
	}

	/// Tries to have a waiting blob kept, or kept longer.
	fn retry(model: ModelId, blob: BlobRef) {
		if !T::Models::is_open(&model) {
			return Self::close(&model);
		}
		let paid = match HeadDeals::<T>::get(model, blob) {
			None => Self::offer_head(&model, blob),
			Some(id) => {
				let Some(mut deal) = Deals::<T>::get(id) else { return };
				let renewed = Self::extend(id, &mut deal, Self::current_round());
				if renewed {
					Deals::<T>::insert(id, deal);
				}
				renewed
			}
		};
		if paid {
			Waiting::<T>::remove(model, blob);
		}
	}

	/// Prolongs a head's deal that is about to end, while the head needs the blob and the model is open. Its keepers
	/// still leave at the end that they agreed to, unless they [`stay`](Pallet::stay).
	///
	/// That is as many rounds before its end as a keeper has to announce leaving: who wants a slot that becomes
	/// free can fetch the blob meanwhile.
	pub(crate) fn renew_head(id: DealId, deal: &mut DealOf<T>, current: RoundNumber) {
		let Some(model) = deal.model else { return };
		if deal.until.saturating_sub(current) > deal.terms.quit_rounds
			|| !Self::needs(&model, &deal.blob)
			|| !T::Models::is_open(&model)
			|| !Self::on_present_terms(deal)
		{
			return;
		}
		if Self::extend(id, deal, current) {
			Waiting::<T>::remove(model, deal.blob);
		} else {
			Self::wait(&model, deal.blob);
		}
	}

	/// Whether a head's deal would be made today as it was: if not, it ends, and another one is offered.
	fn on_present_terms(deal: &DealOf<T>) -> bool {
		let replicas: u32 = deal.slots.len().saturated_into();
		(deal.price, deal.max_price) == Self::head_prices(deal.blob.len)
			&& replicas == T::HeadReplicas::get()
			&& deal.terms == Self::present_terms()
	}

	/// Prolongs a deal by a term that its payer can pay; whether it could.
	fn extend(id: DealId, deal: &mut DealOf<T>, current: RoundNumber) -> bool {
		if current > deal.until || !Self::on_present_terms(deal) {
			return false;
		}
		let agreed = deal.until;
		let until = agreed.saturating_add(T::HeadRounds::get());
		// The round that runs included, which keepers may still prove.
		let rounds = until.saturating_sub(current).saturating_add(1);
		let replicas = deal.slots.len().saturated_into();
		let Some(needed) = Self::total_pay(replicas, rounds, deal.max_price) else { return false };
		let more = needed.saturating_sub(deal.funds);
		let held = with_storage_layer(|| T::Currency::hold(&HoldReason::Deal.into(), &deal.payer, more));
		if held.is_err() {
			return false;
		}
		deal.funds = deal.funds.saturating_add(more);
		deal.until = until;
		Self::deposit_event(Event::DealRenewed { deal: id, agreed, until });
		let mut slot = 0u32;
		for place in deal.slots.iter() {
			if let Slot::Kept(replica) = place
				&& replica.last() == agreed
			{
				Self::deposit_event(Event::RepairOffered { deal: id, slot, from: agreed.saturating_add(1) });
			}
			slot = slot.saturating_add(1);
		}
		true
	}

	/// A head's deal has ended: if the blob is still needed, another one is offered as soon as it can be paid.
	pub(crate) fn head_deal_ended(deal: &DealOf<T>) {
		let Some(model) = deal.model else { return };
		HeadDeals::<T>::remove(model, deal.blob);
		if !T::Models::is_open(&model) {
			Self::close(&model);
		} else if Self::needs(&model, &deal.blob) {
			Waiting::<T>::insert(model, deal.blob, ());
		}
	}

	/// Nothing more is kept for a model that is retired, or gone. What its account has when none of its deals runs
	/// any more is burned: nobody can say whose it is, and whoever got it could be paid with others' money.
	fn close(model: &ModelId) {
		for blob in HeadOf::<T>::take(model) {
			Waiting::<T>::remove(model, blob);
		}
		if HeadDeals::<T>::iter_key_prefix(model).next().is_some() {
			return;
		}
		let account = Self::model_account(model);
		let left = T::Currency::total_balance(&account);
		if left.is_zero() {
			return;
		}
		let burned = T::Currency::burn_from(
			&account,
			left,
			Preservation::Expendable,
			Precision::BestEffort,
			Fortitude::Force,
		);
		if let Ok(amount) = burned {
			Self::deposit_event(Event::LeftoverBurned { model: *model, amount });
		}
	}
}

impl<T: Config> Heads for Pallet<T> {
	fn set_head(model: &ModelId, blobs: Option<[BlobRef; 2]>) {
		let mut new = HeadBlobs::new();
		for blob in blobs.into_iter().flatten().filter(|_| T::Models::is_open(model)) {
			if blob.len == 0 || blob.len > T::HeadMaxLen::get() {
				Self::deposit_event(Event::HeadSkipped { model: *model, blob });
			} else if !new.contains(&blob) {
				// There is room for as many as a head has.
				let _ = new.try_push(blob);
			}
		}
		let old = HeadOf::<T>::take(model);
		if !new.is_empty() {
			HeadOf::<T>::insert(model, &new);
		}
		for blob in old.iter().filter(|blob| !new.contains(blob)) {
			Waiting::<T>::remove(model, blob);
		}
		for blob in new.iter().filter(|blob| !old.contains(blob)) {
			Self::want(model, *blob);
		}
	}
}
