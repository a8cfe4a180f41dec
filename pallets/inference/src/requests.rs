//! One-shot requests: escrow, answer, window, settlement.

use crate::*;
use oda_pallet_traits::{Lineage as _, Models as _};
use oda_primitives::{BlobRef, Receipt, inference::request_hash};
use polkadot_sdk::frame_support::traits::{Footprint, fungible::MutateHold};

impl<T: Config> Pallet<T> {
	/// What a stored request takes.
	pub fn request_footprint() -> Footprint {
		Footprint::from_parts(1, RequestOf::<T>::max_encoded_len())
	}

	pub(crate) fn do_request(
		user: T::AccountId,
		provider: T::AccountId,
		model: ModelId,
		input: InlineBytes,
		count: u32,
		limit: BalanceOf<T>,
	) -> DispatchResult {
		let (offer, price) = Self::offered(&provider, &model)?;
		ensure!(count > 0, Error::<T>::NoInputs);
		ensure!(count <= offer.max_count, Error::<T>::TooManyInputs);
		let spec = T::Models::spec(&model).ok_or(Error::<T>::UnknownModel)?;
		let standing = T::Models::standing(&model).ok_or(Error::<T>::UnknownModel)?;
		let version = standing.head.ok_or(Error::<T>::ModelNotActive)?;
		let whole = |each: u64| each.saturating_mul(count.into());
		ensure!(
			u64::try_from(input.len()) == Ok(whole(spec.graph.input_bytes())),
			Error::<T>::WrongInputLength
		);
		let fits = whole(spec.graph.output_bytes()) <= u64::from(MAX_INLINE_BYTES);
		ensure!(fits, Error::<T>::OutputTooLong);
		let price = price.of(standing.work.cost.macs, count);
		let price: BalanceOf<T> = price.try_into().map_err(|_| Error::<T>::BeyondLimit)?;
		ensure!(price <= limit, Error::<T>::BeyondLimit);

		let id = NextRequest::<T>::get();
		NextRequest::<T>::put(id.checked_add(1).ok_or(Error::<T>::Exhausted)?);
		let ticket = T::RequestDeposit::new(&user, Self::request_footprint())?;
		T::Currency::hold(&HoldReason::Request.into(), &user, price)?;
		let until = T::Clock::get().saturating_add(offer.terms.answer);
		let request = Request {
			user: user.clone(),
			provider: provider.clone(),
			model,
			version,
			receipt_key: offer.key,
			input: BlobRef::of(&input).root,
			count,
			price,
			dispute: T::AnswerDispute::get(),
			state: RequestState::Asked { until },
			ticket,
		};
		Requests::<T>::insert(id, request);
		let input = input.into_inner();
		Self::deposit_event(Event::Requested {
			request: id,
			user,
			provider,
			model,
			count,
			price,
			until,
			input,
		});
		Ok(())
	}

	pub(crate) fn do_answer(
		who: T::AccountId,
		id: RequestId,
		version: VersionId,
		output: InlineBytes,
		expires: Tick,
		signature: T::Signature,
	) -> DispatchResult {
		let mut request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		ensure!(request.provider == who, Error::<T>::NotProvider);
		let RequestState::Asked { until } = request.state else {
			return Err(Error::<T>::AlreadyAnswered.into());
		};
		let now = T::Clock::get();
		ensure!(now < until, Error::<T>::AnsweredTooLate);
		let (_, weights) = T::Lineage::trainer(&request.model, version).ok_or(Error::<T>::UnknownVersion)?;
		ensure!(Self::is_to_answer(&request, version), Error::<T>::OldVersion);
		// Neither too soon for a dispute, nor in so far a future that the stake is gone.
		ensure!(expires >= now.saturating_add(request.dispute), Error::<T>::ExpiresTooEarly);
		let most = T::ReceiptLife::get().max(request.dispute);
		ensure!(expires <= now.saturating_add(most), Error::<T>::ExpiresTooLate);
		let spec = T::Models::spec(&request.model).ok_or(Error::<T>::UnknownModel)?;
		let length = spec.graph.output_bytes().saturating_mul(request.count.into());
		ensure!(u64::try_from(output.len()) == Ok(length), Error::<T>::WrongOutputLength);
		let receipt = Receipt {
			payment: Payment::OneShot(id),
			request: request_hash(&request.model, &request.input, request.count),
			weights,
			input: request.input,
			output: BlobRef::of(&output).root,
			count: request.count,
			price: Self::planck(request.price),
			nonce: 0,
			expires,
		};
		let message = receipt.message(&funds::genesis_hash::<T>());
		ensure!(signature.verify(&message[..], &request.receipt_key), Error::<T>::BadReceiptSignature);
		request.state = RequestState::Answered { version, until: expires };
		Requests::<T>::insert(id, request);
		let output = output.into_inner();
		Self::deposit_event(Event::Answered { request: id, version, receipt, signature, output });
		Ok(())
	}

	/// Whether a version answers a request: what was the head when it was made, or a newer one that is the head now. Nothing else
	/// that is newer: it may have fallen, because nobody showed its weights, and nobody could dispute what it is said to answer.
	fn is_to_answer(request: &RequestOf<T>, version: VersionId) -> bool {
		let head = || T::Models::standing(&request.model).and_then(|standing| standing.head);
		version == request.version || (version > request.version && head() == Some(version))
	}

	pub(crate) fn do_settle(id: RequestId) -> DispatchResult {
		let request = Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
		let now = T::Clock::get();
		match request.state {
			RequestState::Asked { until } => {
				ensure!(now >= until, Error::<T>::TooEarlyToSettle);
				Self::end_request(id, request);
			}
			RequestState::Answered { version, until } => {
				ensure!(now >= until, Error::<T>::TooEarlyToSettle);
				let Request { user, provider, model, price, .. } = &request;
				let shared = Self::share_out(HoldReason::Request, user, provider, model, version, *price);
				Requests::<T>::remove(id);
				funds::return_deposit(request.ticket, &request.user);
				Self::deposit_event(Event::Settled { request: id, version, shared });
			}
		}
		Ok(())
	}

	/// Ends a request that nobody earns by.
	pub(crate) fn end_request(id: RequestId, request: RequestOf<T>) {
		T::Currency::give_back(HoldReason::Request, &request.user, request.price);
		Requests::<T>::remove(id);
		funds::return_deposit(request.ticket, &request.user);
		Self::deposit_event(Event::RequestReturned { request: id, returned: request.price });
	}
}
