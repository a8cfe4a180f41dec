//! One-shot requests as they end.

use super::*;

fn settle(id: RequestId) -> DispatchResult {
	Inference::settle(origin(OTHER), id)
}

/// An offer for which every request costs this.
fn offer_at(per_request: u128) {
	let price = Price { per_request, per_mmac: 0 };
	let models = vec![OfferedModel { model: model(), price }].try_into().unwrap();
	assert_ok!(Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, models, TERMS, 8));
}

#[test]
fn an_answer_that_nobody_disputes_is_paid() {
	run(|| {
		offer_at(100);
		let id = ask(1);
		assert_ok!(answer(id, 0, &outputs(&inputs(1)), 30));
		pass(30);
		assert_ok!(settle(id));
		let shared =
			Shared { provider: 60, trainer: 20, royalty: 0, author: 3, treasury: 4, storage: 6, burned: 7 };
		assert_eq!(last_event(), Some(Event::Settled { request: id, version: 0, shared }));
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH - 100, WEALTH + 60));
		assert_eq!((held(HoldReason::Request, USER), held(HoldReason::RequestDeposit, USER)), (0, 0));
		assert_noop!(settle(id), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn what_is_not_answered_pays_nobody() {
	run(|| {
		offer_at(100);
		let id = ask(1);
		let before = issuance();
		pass(TERMS.answer);
		assert_ok!(settle(id));
		assert_eq!(last_event(), Some(Event::RequestReturned { request: id, returned: 100 }));
		assert_eq!((wealth(USER), wealth(PROVIDER), issuance()), (WEALTH, WEALTH, before));
		assert_eq!((held(HoldReason::Request, USER), held(HoldReason::RequestDeposit, USER)), (0, 0));
		assert_noop!(settle(id), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn nothing_ends_before_its_time() {
	run(|| {
		let id = ask(1);
		pass(TERMS.answer - 1);
		assert_noop!(settle(id), Error::<Test>::TooEarlyToSettle);
		assert_ok!(answer(id, 0, &outputs(&inputs(1)), 30));
		pass(29);
		assert_noop!(settle(id), Error::<Test>::TooEarlyToSettle);
		pass(1);
		assert_ok!(settle(id));
	});
}

#[test]
fn what_was_never_asked_does_not_end() {
	run(|| {
		assert_noop!(settle(0), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn an_answer_for_nothing_costs_nothing() {
	run(|| {
		offer_at(0);
		let (answered, late) = (ask(1), ask(1));
		assert_ok!(answer(answered, 0, &outputs(&inputs(1)), 30));
		pass(30);
		assert_ok!(settle(answered));
		let shared = Shared::nothing();
		assert_eq!(last_event(), Some(Event::Settled { request: answered, version: 0, shared }));
		assert_ok!(settle(late));
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH, WEALTH));
	});
}

#[test]
fn requests_end_one_by_one() {
	run(|| {
		offer_at(100);
		let (first, second) = (ask(1), ask(1));
		assert_ok!(answer(second, 0, &outputs(&inputs(1)), 30));
		pass(TERMS.answer);
		assert_ok!(settle(first));
		assert_eq!(held(HoldReason::Request, USER), 100);
		assert_eq!(held(HoldReason::RequestDeposit, USER), request_ticket());
		pass(30);
		assert_ok!(settle(second));
		assert_eq!(wealth(USER), WEALTH - 100);
	});
}
