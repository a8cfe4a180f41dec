//! What calls are charged beforehand, and what of it is returned.

use super::*;
use crate::{Call, WeightInfo};
use codec::Encode;
use polkadot_sdk::frame_support::dispatch::{DispatchClass, GetDispatchInfo};

#[test]
fn a_challenge_is_operational_and_charges_the_worst_case() {
	let attempt = Attempt::lie(ALICE, 5);
	let max_cost = Weight::from_parts(123_456, 0);
	let proof = proof(10);
	let expected = <() as WeightInfo>::challenge(attempt.weights.len() as u32, proof.encoded_size() as u32)
		+ <() as WeightInfo>::advance(MAX_QUEUE)
		+ max_cost;
	let call: Call<Test> = Call::challenge {
		submission: 0,
		record: 10,
		salt: [0; 32],
		proof,
		weights: attempt.shown(),
		max_cost,
	};
	let info = call.get_dispatch_info();
	assert_eq!((info.call_weight, info.class), (expected, DispatchClass::Operational));
}

/// What a challenge by Eve of `record` weighs in the end, when she allowed more than needed.
fn spent(model: ModelId, record: u32, attempt: &Attempt) -> (Weight, Pays) {
	let id = Training::judged(model).unwrap();
	note(EVE, id, record).unwrap();
	pass(MIN_NOTE_AGE);
	let origin = RuntimeOrigin::signed(EVE);
	let shown = attempt.shown();
	let most = Weight::from_parts(1_000_000, 0);
	let info = Training::challenge(origin, id, record, [EVE as u8; 32], proof(record), shown, most);
	let info = info.unwrap();
	(info.actual_weight.unwrap(), info.pays_fee)
}

fn base(attempt: &Attempt) -> Weight {
	<() as WeightInfo>::challenge(attempt.weights.len() as u32, proof(10).encoded_size() as u32)
}

#[test]
fn a_failed_challenge_returns_what_it_did_not_need() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		submit(model, &attempt);
		let (weight, pays) = spent(model, 9, &attempt);
		assert_eq!(weight, base(&attempt) + EVALUATION);
		assert_eq!(pays, Pays::Yes);
	});
}

#[test]
fn a_challenge_pays_for_the_outdated_that_it_ends() {
	with_head(|model| {
		let attempt = Attempt::lie(ALICE, 5);
		submit(model, &attempt);
		submit(model, &Attempt::new(BOB, |i| i < 12));
		let (weight, pays) = spent(model, 10, &attempt);
		assert_eq!(weight, base(&attempt) + EVALUATION + <() as WeightInfo>::advance(0));
		assert_eq!(pays, Pays::Yes);
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
	assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::reveal(5));
}
