//! Pays out of the pots. Nothing is minted here, and nothing fails: a pot that is short pays less.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::{Payments, Rewards, Role};
use polkadot_sdk::{
	frame_support::{
		defensive,
		dispatch::DispatchClass,
		migrations::MultiStepMigrator,
		traits::{
			Imbalance,
			fungible::{Balanced, Inspect},
			tokens::{Fortitude, Precision, Preservation},
		},
	},
	pallet_authorship::EventHandler,
	sp_runtime::{
		SaturatedConversion,
		traits::{CheckedDiv, Saturating, Zero},
	},
};

impl<T: Config> Pallet<T> {
	/// What a pot can pay. The last of all of them, an existential deposit, keeps their account alive.
	pub(crate) fn available(pot: Pot) -> BalanceOf<T> {
		let spare =
			T::Currency::reducible_balance(&Self::account(), Preservation::Preserve, Fortitude::Polite);
		Pots::<T>::get(pot).min(spare)
	}

	/// Hands `amount`, which is [available](Self::available), from a pot to `give`, and puts back what that returns; how
	/// much was given.
	fn pay(
		pot: Pot,
		amount: BalanceOf<T>,
		give: impl FnOnce(CreditOf<T>) -> Result<(), CreditOf<T>>,
	) -> BalanceOf<T> {
		if amount.is_zero() {
			return Zero::zero();
		}
		let account = Self::account();
		let taken = T::Currency::withdraw(
			&account,
			amount,
			Precision::Exact,
			Preservation::Preserve,
			Fortitude::Polite,
		);
		let Ok(credit) = taken else {
			defensive!("what is available can be taken");
			return Zero::zero();
		};
		Pots::<T>::mutate(pot, |held| *held = held.saturating_sub(amount));
		let Err(rest) = give(credit) else { return amount };
		let returned = rest.peek();
		if T::Currency::resolve(&account, rest).is_err() {
			defensive!("what was taken can be put back");
			return amount;
		}
		Pots::<T>::mutate(pot, |held| *held = held.saturating_add(returned));
		amount.saturating_sub(returned)
	}
}

/// Pays the author of each block at the rate that was put aside, whoever was elected and how well.
impl<T: Config> EventHandler<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	/// Nobody counts the weight of what listens to authors, so it is registered here. While a multi-block migration
	/// runs, the clock stands still and nobody is paid: what would be touched may be half migrated.
	fn note_author(author: T::AccountId) {
		frame_system::Pallet::<T>::register_extra_weight_unchecked(
			T::WeightInfo::note_author(),
			DispatchClass::Mandatory,
		);
		if <T as frame_system::Config>::MultiBlockMigrator::ongoing() {
			return;
		}
		let amount = PerBlock::<T>::get().min(Self::available(Pot::Authors));
		let amount =
			Self::pay(Pot::Authors, amount, |credit| T::Rewards::reward(Role::Validator, &author, credit));
		if !amount.is_zero() {
			Self::deposit_event(Event::AuthorPaid { author, amount });
		}
	}
}

impl<T: Config> Payments<T::AccountId, BalanceOf<T>> for Pallet<T> {
	fn task_settled(verifiers: &[(T::AccountId, u32)], burned: BalanceOf<T>) {
		let parts = verifiers.iter().fold(0u32, |sum, (_, votes)| sum.saturating_add(*votes));
		let bound = T::VerifiersRatio::get().mul_floor(burned).min(Self::available(Pot::Verifiers));
		let each = bound.checked_div(&parts.into()).unwrap_or_default();
		let mut rewarded = 0u32;
		let amount = Self::pay(Pot::Verifiers, each.saturating_mul(parts.into()), |mut credit| {
			let mut rest = CreditOf::<T>::zero();
			for (who, votes) in verifiers.iter().take(T::MaxVerifiers::get().saturated_into()) {
				let part = credit.extract(each.saturating_mul((*votes).into()));
				match T::Rewards::reward(Role::Verifier, who, part) {
					Ok(()) => rewarded = rewarded.saturating_add(1),
					Err(part) => rest.subsume(part),
				}
			}
			rest.subsume(credit);
			if rest.peek().is_zero() { Ok(()) } else { Err(rest) }
		});
		if !amount.is_zero() {
			Self::deposit_event(Event::VerifiersPaid { verifiers: rewarded, amount, burned });
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {
		Self::fill_for_benchmark();
	}

	fn used(trainer: &T::AccountId, burned: BalanceOf<T>) {
		let bound = TRAINERS_RATIO.mul_floor(burned).min(Self::available(Pot::Trainers));
		let amount = Self::pay(Pot::Trainers, bound, |credit| T::Currency::resolve(trainer, credit));
		if !amount.is_zero() {
			Self::deposit_event(Event::TrainerPaid { trainer: trainer.clone(), amount, burned });
		}
	}
}
