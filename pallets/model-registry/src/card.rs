//! Cards: what a model is about, and how people ask it, as a small blob that the chain only names.
//!
//! A card says how a question is made of a picture or a file, so it belongs to whoever answers for what the model gives:
//! the trainer of the head, and the registrar while there is none. Version 0 is the registrar's own.

use crate::{pallet::*, *};

impl<T: Config> Pallet<T> {
	/// What the deposit for a card is taken for: the entry, and the model beside it.
	pub fn card_footprint() -> Footprint {
		Footprint::from_parts(1, CardOf::<T>::max_encoded_len().saturating_add(ModelId::max_encoded_len()))
	}

	pub(crate) fn do_set_card(owner: T::AccountId, model: ModelId, card: Option<BlobRef>) -> DispatchResult {
		let entry = Models::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
		let head = entry.head.and_then(|number| Versions::<T>::get(model, number));
		ensure!(owner == head.map_or(entry.registrar, |head| head.trainer), Error::<T>::CardOfAnother);
		let Some(blob) = card else {
			ensure!(Self::remove_card(&model)?, Error::<T>::NoCard);
			return Ok(());
		};
		ensure!(blob.len <= T::MaxCardBytes::get(), Error::<T>::CardTooLarge);
		// First, so that nobody needs two deposits at a time.
		Self::return_card_deposit(&model)?;
		let ticket = T::CardDeposit::new(&owner, Self::card_footprint())?;
		Cards::<T>::insert(model, Card { blob, owner, ticket });
		Self::deposit_event(Event::CardSet { model, card });
		Ok(())
	}

	/// Removes a model's card and says so; whether it had one.
	pub(crate) fn remove_card(model: &ModelId) -> Result<bool, DispatchError> {
		let had_one = Self::return_card_deposit(model)?;
		if had_one {
			Self::deposit_event(Event::CardSet { model: *model, card: None });
		}
		Ok(had_one)
	}

	/// Takes a model's card out and returns its deposit to who set it; whether there was one.
	fn return_card_deposit(model: &ModelId) -> Result<bool, DispatchError> {
		match Cards::<T>::take(model) {
			Some(card) => card.ticket.drop(&card.owner).map(|()| true),
			None => Ok(false),
		}
	}
}
