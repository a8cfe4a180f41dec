//! What calls are charged beforehand, and what of it is returned.

use super::*;
use crate::WeightInfo;
use codec::Encode;
use polkadot_sdk::frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::Authorize,
};

#[test]
fn a_challenge_is_operational_and_charges_the_worst_case() {
	let attempt = Attempt::lie(ALICE, 5);
	let info = challenge_call(EVE, 0, 10, &attempt).get_dispatch_info();
	let expected = <() as WeightInfo>::challenge() + <() as WeightInfo>::advance(MAX_QUEUE) + EVALUATION;
	assert_eq!((info.call_weight, info.class), (expected, DispatchClass::Operational));
	let (weights, proof) = (attempt.weights.len() as u32, proof(10).encoded_size() as u32);
	let checked = <() as WeightInfo>::authorize_challenge(weights, proof);
	let call = RuntimeCall::from(challenge_call(EVE, 0, 10, &attempt));
	assert_eq!(call.weight_of_authorize(), checked);
}

/// What a challenge by Eve of `record` weighs in the end.
fn spent(model: ModelId, record: u32, attempt: &Attempt) -> Weight {
	let id = Training::verifying(model).unwrap();
	commit_challenge(EVE, id, record).unwrap();
	pass(MIN_CHALLENGE_AGE);
	challenge(EVE, id, record, attempt).unwrap().actual_weight.unwrap()
}

#[test]
fn a_failed_challenge_returns_what_it_did_not_need() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		submit(model, &attempt);
		assert_eq!(spent(model, 9, &attempt), <() as WeightInfo>::challenge() + EVALUATION);
	});
}

#[test]
fn a_challenge_pays_for_the_outdated_that_it_ends() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		submit(model, &attempt);
		submit(model, &Attempt::new(BOB, |i| i < 12));
		let expected = <() as WeightInfo>::challenge() + EVALUATION + <() as WeightInfo>::advance(0);
		assert_eq!(spent(model, 10, &attempt), expected);
	});
}

#[test]
fn settling_charges_the_worst_case_and_returns_the_rest() {
	with_head(|model| {
		let call: Call<Test> = Call::settle { submission: 0 };
		let worst =
			<() as WeightInfo>::settle_accepted(MAX_BOUNTIES) + <() as WeightInfo>::advance(MAX_QUEUE);
		assert_eq!(call.get_dispatch_info().call_weight, worst);

		let forfeited = commit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(REVEAL_WINDOW);
		let weight = settle(forfeited).unwrap().actual_weight;
		assert_eq!(weight, Some(<() as WeightInfo>::settle_forfeited()));

		let best = submit(model, &Attempt::new(REGISTRAR, |_| true));
		submit(model, &Attempt::new(ALICE, |i| i < 20));
		submit(model, &Attempt::new(BOB, |i| i < 20));
		approve(best);
		pass(CHALLENGE_WINDOW);
		let until = now() + 1;
		Training::post_bounty(RuntimeOrigin::signed(PATRON), model, 40, 100, until).unwrap();
		let weight = settle(best).unwrap().actual_weight;
		let expected = <() as WeightInfo>::settle_accepted(1) + <() as WeightInfo>::advance(2);
		assert_eq!(weight, Some(expected));

		dismiss_verifiers();
	});
}

#[test]
fn a_reveal_is_charged_by_its_scores() {
	let attempt = Attempt::new(ALICE, |_| true);
	let call: Call<Test> =
		Call::reveal { submission: 0, weights: attempt.blob(), salt: attempt.salt, scores: attempt.scores };
	let worst = <() as WeightInfo>::reveal(5) + <() as WeightInfo>::settle_expired();
	assert_eq!(call.get_dispatch_info().call_weight, worst);
}

#[test]
fn a_reveal_returns_what_expiring_at_once_would_have_cost() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let spent = || {
			let id = commit(model, &attempt);
			pass(MIN_COMMIT_AGE);
			let origin = RuntimeOrigin::signed(ALICE);
			let revealed = Training::reveal(origin, id, attempt.blob(), attempt.salt, attempt.scores.clone());
			revealed.unwrap().actual_weight.unwrap()
		};
		dismiss_verifiers();
		assert_eq!(spent(), <() as WeightInfo>::reveal(5) + <() as WeightInfo>::settle_expired());
		appoint(101);
		assert_eq!(spent(), <() as WeightInfo>::reveal(5));
	});
}

#[test]
fn a_disputed_record_is_operational_and_charges_the_evaluation_and_the_hash_of_its_output() {
	let attempt = Attempt::lie(ALICE, 5);
	let info = resolution(0, 10, &attempt).get_dispatch_info();
	let expected = <() as WeightInfo>::resolve_dispute() + RESOLUTION;
	assert_eq!((info.call_weight, info.class), (expected, DispatchClass::Operational));
	let (weights, proof) = (attempt.weights.len() as u32, proof(10).encoded_size() as u32);
	let checked = <() as WeightInfo>::authorize_resolve_dispute(weights, proof);
	assert_eq!(RuntimeCall::from(resolution(0, 10, &attempt)).weight_of_authorize(), checked);
}
