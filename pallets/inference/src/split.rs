//! Who gets what of a fee.

use crate::*;
use oda_pallet_traits::{Lineage, Payments};
use oda_primitives::VersionId;
use polkadot_sdk::{
	frame_support::traits::{
		Imbalance,
		fungible::{Balanced, Credit},
	},
	sp_runtime::{Perbill, SaturatedConversion, traits::Saturating},
};

/// A fee on its way to those who have a part in it.
struct Fee<T: Config> {
	whole: BalanceOf<T>,
	left: Credit<T::AccountId, T::Currency>,
	/// What could not be held by whom it was for.
	stranded: Credit<T::AccountId, T::Currency>,
}

impl<T: Config> Fee<T> {
	/// Gives an amount; how much of it could be held.
	fn give_amount(&mut self, who: &T::AccountId, amount: BalanceOf<T>) -> BalanceOf<T> {
		let part = self.left.extract(amount);
		let amount = part.peek();
		match T::Currency::resolve(who, part) {
			Ok(()) => amount,
			Err(part) => {
				self.stranded.subsume(part);
				Zero::zero()
			}
		}
	}

	/// Gives a part of the whole, rounded down.
	fn give(&mut self, who: Option<T::AccountId>, part: Perbill) -> BalanceOf<T> {
		let amount = part.mul_floor(self.whole);
		match who {
			Some(who) => self.give_amount(&who, amount),
			None => {
				self.stranded.subsume(self.left.extract(amount));
				Zero::zero()
			}
		}
	}

	/// Shares the royalty among the trainers of ancestors, each half of what is left, and the last all of it.
	fn give_royalty(&mut self, ancestors: Vec<T::AccountId>, part: Perbill) -> BalanceOf<T> {
		let mut left = part.mul_floor(self.whole);
		let mut given = BalanceOf::<T>::zero();
		let last = ancestors.len().saturating_sub(1);
		for (index, who) in ancestors.into_iter().enumerate() {
			let amount = if index == last { left } else { Perbill::from_percent(50).mul_floor(left) };
			left = left.saturating_sub(amount);
			given = given.saturating_add(self.give_amount(&who, amount));
		}
		given
	}
}

impl<T: Config> Pallet<T> {
	/// Takes a fee from what is on hold of the user's and shares it out; what became of it. Nothing in it fails: a part that
	/// nobody can hold is the treasury's, or burned.
	pub(crate) fn share_out(
		reason: HoldReason,
		user: &T::AccountId,
		provider: &T::AccountId,
		model: &ModelId,
		version: VersionId,
		fee: BalanceOf<T>,
	) -> Shared<BalanceOf<T>> {
		if fee.is_zero() {
			return Shared::nothing();
		}
		let left = T::Currency::take(reason, user, fee);
		let split = T::Split::get();
		let stranded = Credit::<T::AccountId, T::Currency>::zero();
		let mut fee = Fee::<T> { whole: left.peek(), left, stranded };
		let trainer = T::Lineage::trainer(model, version).map(|(trainer, _)| trainer);
		let ancestors = T::Lineage::ancestors(model, T::MaxAncestors::get());

		let to_provider = fee.give(Some(provider.clone()), split.provider);
		let mut to_trainer = fee.give(trainer.clone(), split.trainer);
		let mut royalty = Zero::zero();
		if ancestors.is_empty() {
			to_trainer = to_trainer.saturating_add(fee.give(trainer.clone(), split.royalty));
		} else {
			royalty = fee.give_royalty(ancestors, split.royalty);
		}
		let author = fee.give(T::Author::get(), split.author);
		let storage = fee.give(Some(T::ModelAccount::convert(*model)), split.storage);
		let to_treasury = fee.left.extract(split.treasury.mul_floor(fee.whole));
		let Fee { whole, left, mut stranded } = fee;
		stranded.subsume(to_treasury);
		let treasury = T::Currency::reward(&T::Treasury::get(), stranded);
		let given = [to_provider, to_trainer, royalty, author, treasury, storage]
			.into_iter()
			.fold(BalanceOf::<T>::zero(), Saturating::saturating_add);
		// The rest, with all roundings.
		let for_users = left.peek();
		drop(left);
		if let Some(trainer) = trainer {
			T::Payments::used(&trainer, for_users);
		}
		let burned = whole.saturating_sub(given);
		T::Evidence::earned(provider, user, burned.saturated_into());
		Shared { provider: to_provider, trainer: to_trainer, royalty, author, treasury, storage, burned }
	}
}
