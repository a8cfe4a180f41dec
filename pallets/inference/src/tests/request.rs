//! One-shot requests as they are made.

use super::*;

fn request(provider: u64, model: ModelId, input: Vec<u8>, count: u32, limit: u64) -> DispatchResult {
	Inference::request(origin(USER), provider, model, input.try_into().unwrap(), count, limit)
}

fn usual(limit: u64) -> DispatchResult {
	request(PROVIDER, model(), inputs(1), 1, limit)
}

/// An offer at this price, of so many inputs at a time.
fn offer_at(price: Price, max_count: u32) {
	let models = vec![OfferedModel { model: model(), price }].try_into().unwrap();
	assert_ok!(Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, models, TERMS, max_count));
}

#[test]
fn a_request_puts_its_price_in_escrow_and_shows_its_inputs() {
	run(|| {
		forget();
		let until = Time::get() + TERMS.answer;
		assert_ok!(request(PROVIDER, model(), inputs(2), 2, ONE));
		assert_eq!(held(HoldReason::Request, USER), ONE);
		assert_eq!(held(HoldReason::RequestDeposit, USER), request_ticket());
		let event = Event::Requested {
			request: 0,
			user: USER,
			provider: PROVIDER,
			model: model(),
			count: 2,
			price: ONE,
			until,
			input: inputs(2),
		};
		assert_eq!(events(), [event]);
		let request = Requests::<Test>::get(0).unwrap();
		assert_eq!((request.user, request.provider, request.model), (USER, PROVIDER, model()));
		assert_eq!((request.version, request.receipt_key), (0, RECEIPT_KEY));
		assert_eq!((request.input, request.count), (BlobRef::of(&inputs(2)).root, 2));
		assert_eq!((request.price, request.dispute), (ONE, ANSWER_DISPUTE));
		assert_eq!(request.state, RequestState::Asked { until });
	});
}

#[test]
fn who_offers_nothing_is_asked_nothing() {
	run(|| {
		assert_noop!(request(OTHER, model(), inputs(1), 1, ONE), Error::<Test>::NoOffer);
	});
}

#[test]
fn a_provider_is_not_asked_about_what_it_does_not_offer() {
	run(|| {
		let other = with_head(spec(1), None, TRAINER);
		assert_noop!(request(PROVIDER, other, inputs(1), 1, ONE), Error::<Test>::ModelNotOffered);
	});
}

#[test]
fn nobody_asks_about_a_model_that_is_gone() {
	run(|| {
		pallet_model_registry::Models::<Test>::remove(model());
		assert_noop!(usual(ONE), Error::<Test>::UnknownModel);
	});
}

#[test]
fn nobody_asks_about_a_model_that_is_retired_or_has_no_head() {
	run(|| {
		revert();
		assert_noop!(usual(ONE), Error::<Test>::ModelNotActive);
		next_head(&model(), TRAINER);
		assert_ok!(Registry::retire(origin(TRAINER), model()));
		assert_noop!(usual(ONE), Error::<Test>::ModelNotActive);
	});
}

#[test]
fn a_provider_whose_stake_is_gone_is_asked_nothing() {
	run(|| {
		bond(PROVIDER, RECEIPT_SLASH - 1, 1_000_000);
		assert_noop!(usual(ONE), Error::<Test>::NotBonded);
	});
}

#[test]
fn a_request_has_inputs() {
	run(|| {
		assert_noop!(request(PROVIDER, model(), vec![], 0, ONE), Error::<Test>::NoInputs);
	});
}

#[test]
fn a_request_has_no_more_inputs_than_the_provider_takes() {
	run(|| {
		assert_noop!(request(PROVIDER, model(), inputs(9), 9, ONE), Error::<Test>::TooManyInputs);
		assert_ok!(request(PROVIDER, model(), inputs(8), 8, ONE));
	});
}

#[test]
fn inputs_have_the_length_that_their_number_says() {
	run(|| {
		for bytes in [0, 4, 7, 9, 12] {
			let asked = request(PROVIDER, model(), vec![0; bytes], 2, ONE);
			assert_noop!(asked, Error::<Test>::WrongInputLength);
		}
	});
}

#[test]
fn outputs_have_to_fit_into_an_answer() {
	run(|| {
		offer_at(PRICE, u32::MAX);
		let most = MAX_INLINE_BYTES / 8;
		let ask = |count: u32| request(PROVIDER, model(), vec![0; 4 * count as usize], count, ONE);
		assert_noop!(ask(most + 1), Error::<Test>::OutputTooLong);
		assert_ok!(ask(most));
	});
}

#[test]
fn a_request_costs_no_more_than_the_user_is_ready_to_pay() {
	run(|| {
		assert_noop!(usual(ONE - 1), Error::<Test>::BeyondLimit);
		// Nor what no balance can be.
		offer_at(Price { per_request: u128::from(u64::MAX) + 1, per_mmac: 0 }, 8);
		assert_noop!(usual(u64::MAX), Error::<Test>::BeyondLimit);
	});
}

#[test]
fn nobody_asks_for_what_they_cannot_pay() {
	run(|| {
		offer_at(Price { per_request: WEALTH.into(), per_mmac: 0 }, 8);
		assert_noop!(usual(u64::MAX), TokenError::FundsUnavailable);
		offer_at(PRICE, 8);
		set_free(USER, ED + ONE + request_ticket() - 1);
		assert_noop!(usual(ONE), TokenError::FundsUnavailable);
		set_free(USER, ED + ONE + request_ticket());
		assert_ok!(usual(ONE));
	});
}

#[test]
fn numbers_that_are_used_up_make_no_request() {
	run(|| {
		NextRequest::<Test>::put(RequestId::MAX);
		assert_noop!(usual(ONE), Error::<Test>::Exhausted);
	});
}

#[test]
fn what_was_asked_keeps_its_price_and_its_key() {
	run(|| {
		assert_ok!(usual(ONE));
		offer_at(Price { per_request: 1_000, per_mmac: 0 }, 8);
		let models = offered();
		assert_ok!(Inference::set_offer(origin(PROVIDER), endpoint(), OTHER, models, TERMS, 8));
		// This is signed by the old key, over the old price.
		assert_ok!(answer(0, 0, &outputs(&inputs(1)), ANSWER_DISPUTE));
		pass(ANSWER_DISPUTE);
		assert_ok!(Inference::settle(origin(OTHER), 0));
		assert_eq!(wealth(USER), WEALTH - ONE);
	});
}
