//! What providers offer.

use crate::*;
use oda_pallet_traits::{ModelStatus, Models as _, OwnStakes as _, Role};
use polkadot_sdk::frame_support::traits::Footprint;

/// What a dispute has beside weights, input and outputs, in bytes: the ends of two ranges of chunks, the hashes that prove them,
/// receipt and signature.
const DISPUTE_OVERHEAD: u64 = 16 * 1024;

impl<T: Config> Pallet<T> {
	/// What a stored offer takes.
	pub fn offer_footprint() -> Footprint {
		Footprint::from_parts(1, OfferOf::<T>::max_encoded_len())
	}

	pub(crate) fn do_set_offer(
		who: T::AccountId,
		endpoint: Endpoint,
		key: T::AccountId,
		models: BoundedVec<OfferedModel, T::MaxModels>,
		terms: Terms,
		max_count: u32,
	) -> DispatchResult {
		Self::ensure_bonded(&who)?;
		ensure!(!endpoint.is_empty() && core::str::from_utf8(&endpoint).is_ok(), Error::<T>::BadEndpoint);
		ensure!(!models.is_empty(), Error::<T>::NothingOffered);
		ensure!(max_count > 0, Error::<T>::NoInputs);
		let most = T::MaxGrace::get();
		ensure!((T::MinGrace::get()..=most).contains(&terms.grace), Error::<T>::GraceOutOfRange);
		ensure!((1..=most).contains(&terms.answer), Error::<T>::AnswerTimeOutOfRange);
		for (index, offered) in models.iter().enumerate() {
			let twice = models.iter().skip(index.saturating_add(1)).any(|other| other.model == offered.model);
			ensure!(!twice, Error::<T>::OfferedTwice);
			let standing = T::Models::standing(&offered.model).ok_or(Error::<T>::UnknownModel)?;
			ensure!(standing.status == ModelStatus::Active, Error::<T>::ModelNotActive);
			let graph = T::Models::spec(&offered.model).ok_or(Error::<T>::UnknownModel)?.graph;
			let shown = [graph.param_bytes(), graph.input_bytes(), graph.output_bytes(), DISPUTE_OVERHEAD];
			let bytes = shown.into_iter().fold(0, u64::saturating_add);
			ensure!(bytes <= T::MaxDisputeBytes::get(), Error::<T>::ModelTooLarge);
		}
		let ticket = match Offers::<T>::get(&who) {
			Some(offer) => offer.ticket.update(&who, Self::offer_footprint())?,
			None => T::OfferDeposit::new(&who, Self::offer_footprint())?,
		};
		Offers::<T>::insert(&who, Offer { endpoint, key, models, terms, max_count, ticket });
		Self::deposit_event(Event::OfferSet { provider: who });
		Ok(())
	}

	pub(crate) fn do_remove_offer(who: T::AccountId) -> DispatchResult {
		let offer = Offers::<T>::take(&who).ok_or(Error::<T>::NoOffer)?;
		funds::return_deposit(offer.ticket, &who);
		Self::deposit_event(Event::OfferRemoved { provider: who });
		Ok(())
	}

	/// Whether a provider's own stake answers for a wrong output.
	fn ensure_bonded(provider: &T::AccountId) -> DispatchResult {
		let own = T::Stakes::own(Role::Provider, provider);
		ensure!(own >= T::ReceiptSlash::get() && !own.is_zero(), Error::<T>::NotBonded);
		Ok(())
	}

	/// What a provider that is bonded offers for a model that is not retired.
	pub(crate) fn offered(
		provider: &T::AccountId,
		model: &ModelId,
	) -> Result<(OfferOf<T>, Price), DispatchError> {
		let offer = Offers::<T>::get(provider).ok_or(Error::<T>::NoOffer)?;
		let offered = offer.models.iter().find(|offered| offered.model == *model);
		let price = offered.ok_or(Error::<T>::ModelNotOffered)?.price;
		let standing = T::Models::standing(model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(standing.status == ModelStatus::Active, Error::<T>::ModelNotActive);
		Self::ensure_bonded(provider)?;
		Ok((offer, price))
	}
}
