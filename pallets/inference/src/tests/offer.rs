//! Who offers what.

use super::*;

/// An offer of the provider's, of these models at this price.
fn set(models: &[ModelId], terms: Terms) -> DispatchResult {
	let models = models.iter().map(|model| OfferedModel { model: *model, price: PRICE }).collect::<Vec<_>>();
	Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, models.try_into().unwrap(), terms, 8)
}

fn set_by(who: u64) -> DispatchResult {
	Inference::set_offer(origin(who), endpoint(), RECEIPT_KEY, offered(), TERMS, 8)
}

/// What an offer holds.
fn ticket() -> u64 {
	5 + Inference::offer_footprint().size
}

#[test]
fn an_offer_is_kept_as_it_was_published() {
	run(|| {
		let offer = Inference::offer(PROVIDER).unwrap();
		assert_eq!(offer.endpoint, endpoint());
		assert_eq!(offer.key, RECEIPT_KEY);
		assert_eq!(offer.models, offered());
		assert_eq!((offer.terms, offer.max_count), (TERMS, 8));
		assert_eq!(held(HoldReason::OfferDeposit, PROVIDER), ticket());
		assert_eq!(events(), [Event::OfferSet { provider: PROVIDER }]);
	});
}

#[test]
fn a_changed_offer_replaces_the_old_one_and_holds_no_second_deposit() {
	run(|| {
		let other = with_head(spec(1), None, TRAINER);
		assert_ok!(set(&[other], TERMS));
		assert_eq!(held(HoldReason::OfferDeposit, PROVIDER), ticket());
		let offer = Inference::offer(PROVIDER).unwrap();
		assert_eq!(offer.models.into_inner(), [OfferedModel { model: other, price: PRICE }]);
	});
}

#[test]
fn who_has_not_staked_what_a_wrong_output_costs_offers_nothing() {
	run(|| {
		assert_noop!(set_by(OTHER), Error::<Test>::NotBonded);
		// Nor does it help that others delegate to them.
		bond(OTHER, RECEIPT_SLASH - 1, 1_000_000);
		assert_noop!(set_by(OTHER), Error::<Test>::NotBonded);
		bond(OTHER, RECEIPT_SLASH, 0);
		assert_ok!(set_by(OTHER));
	});
}

#[test]
fn an_endpoint_is_text() {
	run(|| {
		for bytes in [vec![], vec![0xff]] {
			let endpoint = bytes.try_into().unwrap();
			let set = Inference::set_offer(origin(PROVIDER), endpoint, RECEIPT_KEY, offered(), TERMS, 8);
			assert_noop!(set, Error::<Test>::BadEndpoint);
		}
	});
}

#[test]
fn an_offer_offers_something() {
	run(|| {
		assert_noop!(set(&[], TERMS), Error::<Test>::NothingOffered);
	});
}

#[test]
fn an_offer_takes_at_least_one_input() {
	run(|| {
		let set = Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, offered(), TERMS, 0);
		assert_noop!(set, Error::<Test>::NoInputs);
	});
}

#[test]
fn a_grace_period_is_neither_too_short_nor_too_long() {
	run(|| {
		for grace in [0, MIN_GRACE - 1, MAX_GRACE + 1, Tick::MAX] {
			assert_noop!(set(&[model()], Terms { grace, ..TERMS }), Error::<Test>::GraceOutOfRange);
		}
		for grace in [MIN_GRACE, MAX_GRACE] {
			assert_ok!(set(&[model()], Terms { grace, ..TERMS }));
		}
	});
}

#[test]
fn a_time_to_answer_is_neither_nothing_nor_too_long() {
	run(|| {
		for answer in [0, MAX_GRACE + 1, Tick::MAX] {
			assert_noop!(set(&[model()], Terms { answer, ..TERMS }), Error::<Test>::AnswerTimeOutOfRange);
		}
		for answer in [1, MAX_GRACE] {
			assert_ok!(set(&[model()], Terms { answer, ..TERMS }));
		}
	});
}

#[test]
fn a_model_is_offered_once() {
	run(|| {
		let other = with_head(spec(1), None, TRAINER);
		assert_noop!(set(&[model(), other, model()], TERMS), Error::<Test>::OfferedTwice);
	});
}

#[test]
fn a_model_that_nobody_knows_is_not_offered() {
	run(|| {
		assert_noop!(set(&[model(), [9; 32]], TERMS), Error::<Test>::UnknownModel);
	});
}

#[test]
fn a_model_that_is_pending_or_retired_is_not_offered() {
	run(|| {
		for status in [ModelStatus::Pending, ModelStatus::Retired] {
			set_status(model(), status);
			assert_noop!(set(&[model()], TERMS), Error::<Test>::ModelNotActive);
		}
	});
}

#[test]
fn a_model_that_no_dispute_has_room_for_is_not_offered() {
	run(|| {
		let graph = spec(0).graph;
		let shown = graph.param_bytes() + graph.input_bytes() + graph.output_bytes();
		let beside = 16 * 1024;
		MaxDisputeBytes::set(shown + beside - 1);
		assert_noop!(set(&[model()], TERMS), Error::<Test>::ModelTooLarge);
		MaxDisputeBytes::set(shown + beside);
		assert_ok!(set(&[model()], TERMS));
	});
}

#[test]
fn who_cannot_hold_the_deposit_offers_nothing() {
	run(|| {
		bond(NOBODY, RECEIPT_SLASH, 0);
		assert_noop!(set_by(NOBODY), TokenError::FundsUnavailable);
	});
}

#[test]
fn a_withdrawn_offer_returns_its_deposit() {
	run(|| {
		assert_ok!(Inference::remove_offer(origin(PROVIDER)));
		assert_eq!(held(HoldReason::OfferDeposit, PROVIDER), 0);
		assert!(Inference::offer(PROVIDER).is_none());
		assert_eq!(last_event(), Some(Event::OfferRemoved { provider: PROVIDER }));
		assert_noop!(Inference::remove_offer(origin(PROVIDER)), Error::<Test>::NoOffer);
	});
}

#[test]
fn what_is_under_way_goes_on_when_the_offer_is_withdrawn() {
	run(|| {
		let (id, request) = (open(500), ask(1));
		assert_ok!(Inference::remove_offer(origin(PROVIDER)));
		assert_ok!(claim(vec![voucher(id, 100, 1)]));
		assert_ok!(Inference::top_up(origin(USER), id, 1));
		assert_ok!(answer(request, 0, &outputs(&inputs(1)), RECEIPT_LIFE));
	});
}
