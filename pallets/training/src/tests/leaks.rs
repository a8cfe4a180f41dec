//! Attacks that once paid or hurt, and what comes of them now.

mod dispute;
mod draw;
mod fee;

use super::*;
use crate::WeightInfo;
use polkadot_sdk::{
	frame_support::{
		dispatch::{DispatchClass, GetDispatchInfo},
		traits::Authorize,
	},
	sp_runtime::transaction_validity::{TransactionSource, ValidTransaction},
};

/// What the pool says of a call that nobody signed.
fn pooled(call: Call<Test>) -> Result<ValidTransaction, DispatchError> {
	let call = RuntimeCall::from(call);
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid).map_err(refused)
}

fn demand(who: u64, target: Target) -> Result<(), DispatchError> {
	Training::demand(RuntimeOrigin::signed(who), target)
}

fn post(target: Target, attempt: &Attempt) -> Result<(), DispatchError> {
	send(Call::post_weights { target, weights: attempt.shown() }).map(|_| ()).map_err(|e| e.error)
}

// Operational weight.

#[test]
fn a_challenge_of_what_is_not_there_should_not_enter_a_block_whatever_it_states() {
	with_head(|_| {
		for cost in [EVALUATION, Weight::from_parts(1_700_000_000_000, 0), Weight::from_parts(0, 1 << 63)] {
			let mut call = challenge_call(EVE, 99, 10, &Attempt::lie(ALICE, 5));
			if let Call::challenge { cost: stated, .. } = &mut call {
				*stated = cost;
			}
			assert_eq!(pooled(call), Err(Error::<Test>::UnknownSubmission.into()));
		}
	});
}

#[test]
fn a_right_challenge_should_not_reserve_more_than_the_court_takes() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		for cost in
			[EVALUATION + Weight::from_parts(1, 0), EVALUATION + Weight::from_parts(0, 1), Weight::MAX]
		{
			let mut call = challenge_call(EVE, id, 10, &lie);
			if let Call::challenge { cost: stated, .. } = &mut call {
				*stated = cost;
			}
			assert_eq!(pooled(call), Err(Error::<Test>::WrongCost.into()));
		}
		// And it comes first, once.
		let valid = pooled(challenge_call(EVE, id, 10, &lie)).unwrap();
		assert_eq!((valid.priority, valid.provides.len()), (u64::MAX, 1));
	});
}

#[test]
fn a_challenge_should_bring_its_committer_the_reward_whoever_sends_it() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let mut stolen = challenge_call(EVE, id, 10, &lie);
		if let Call::challenge { challenger, .. } = &mut stolen {
			*challenger = BOB;
		}
		assert_eq!(pooled(stolen), Err(Error::<Test>::NoChallengeCommitment.into()));
		let eve = wealth(EVE);
		// No fee, no account: whoever copied it from the pool only did Eve's work.
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
	});
}

#[test]
fn a_challenge_signed_by_an_account_should_be_refused() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		let call = RuntimeCall::from(challenge_call(EVE, id, 10, &lie));
		use polkadot_sdk::sp_runtime::traits::Dispatchable;
		let refused = call.dispatch(RuntimeOrigin::signed(EVE));
		assert_eq!(refused.unwrap_err().error, DispatchError::BadOrigin);
	});
}

#[test]
fn the_calls_that_defend_are_operational() {
	let target = Target::Submission(0);
	let lie = Attempt::lie(ALICE, 5);
	let calls: [Call<Test>; 5] = [
		challenge_call(EVE, 0, 10, &lie),
		resolution(0, 10, &lie),
		Call::commit_challenge { submission: 0, commitment: [0; 32] },
		Call::demand { target },
		Call::post_weights { target, weights: Default::default() },
	];
	for call in calls {
		assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational);
	}
	// A head can wait.
	let head: Call<Test> = Call::demand { target: Target::Head([0; 32]) };
	assert_eq!(head.get_dispatch_info().class, DispatchClass::Normal);
}

// Holds.

#[test]
fn a_full_list_of_challengers_should_not_shorten_the_hold_of_a_demand() {
	with_head(|model| {
		let withheld = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &withheld);
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_ok!(demand(EVE, Target::Submission(id)));
		let until = now() + DEMAND_WINDOW;
		for who in [BOB, PATRON].into_iter().take(MAX_CHALLENGERS as usize) {
			assert_ok!(commit_challenge(who, id, 10));
		}
		Training::do_try_state().unwrap();
		pass(CHALLENGE_LIFETIME + MIN_CHALLENGE_AGE);
		assert!(now() < until);
		// The commitments are burned, and no more.
		assert_ok!(settle(id));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_eq!(Registry::head(model).unwrap().0, 0);
		pass(until - now());
		assert_ok!(settle(id));
		assert!(happened(Event::Withheld {
			target: Target::Submission(id),
			demander: Some(EVE),
			burned: TRAINER_BOND
		}));
		assert_eq!(Registry::head(model).unwrap().0, 0);
	});
}

#[test]
fn nothing_should_pass_while_a_demand_is_open() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		assert_ok!(demand(EVE, Target::Submission(id)));
		// Even if its hold were lost.
		Submissions::<Test>::mutate(id, |s| match &mut s.as_mut().unwrap().phase {
			Phase::Verifying { held_until, .. } => *held_until = 0,
			_ => unreachable!(),
		});
		assert!(Training::do_try_state().is_err());
		pass(DEMAND_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		assert_eq!(Registry::head(model).unwrap().0, 0);
	});
}

// Demands.

#[test]
fn withholding_and_posting_should_bring_the_trainer_nothing() {
	with_head(|model| {
		let withheld = Attempt::new(ALICE, |i| i < 20);
		let alice = wealth(ALICE);
		let id = submit(model, &withheld);
		assert_ok!(demand(EVE, Target::Submission(id)));
		assert_ok!(post(Target::Submission(id), &withheld));
		assert_eq!(wealth(ALICE), alice - POST_PRICE / 2);
	});
}

#[test]
fn demanding_should_bring_the_demander_nothing() {
	with_head(|model| {
		let eve = wealth(EVE);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		assert_ok!(demand(EVE, Target::Submission(id)));
		pass(DEMAND_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(wealth(EVE), eve);
	});
}

#[test]
fn posted_weights_should_be_nobodys_to_run_ahead_with() {
	with_head(|model| {
		let withheld = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &withheld);
		assert_ok!(demand(EVE, Target::Submission(id)));
		let target = Target::Submission(id);
		let other = Attempt::new(BOB, |i| i < 20);
		let wrong = pooled(Call::post_weights { target, weights: other.shown() });
		assert_eq!(wrong, Err(Error::<Test>::WeightsMismatch.into()));
		// A copy of the call is the call: the pool takes one of them, and nobody is paid.
		let valid = pooled(Call::post_weights { target, weights: withheld.shown() }).unwrap();
		assert_eq!(valid.provides.len(), 1);
		assert_ok!(post(target, &withheld));
		let again = pooled(Call::post_weights { target, weights: withheld.shown() });
		assert_eq!(again, Err(Error::<Test>::NoDemand.into()));
	});
}

// The queue.

#[test]
fn claims_without_weights_should_not_push_an_earlier_committer_out() {
	with_head(|model| {
		let earlier = Attempt::new(ALICE, |i| i < 20);
		let id = commit(model, &earlier);
		let mut places = 1;
		for who in [BOB, EVE, PATRON, BOB, EVE, PATRON, BOB, EVE] {
			let junk = Attempt { salt: [places as u8; 32], ..Attempt::new(who, |i| i < 30) };
			let commitment = junk.commitment(&model);
			if Training::commit(RuntimeOrigin::signed(who), model, commitment).is_ok() {
				places += 1;
			}
		}
		assert_eq!(places, MAX_QUEUE);
		pass(MIN_COMMIT_AGE);
		assert_ok!(reveal(id, &earlier));
	});
}

#[test]
fn claims_without_weights_should_be_demanded_by_themselves_and_fall() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let junk = Attempt::lie(ALICE, 20);
		let id = submit(model, &junk);
		for verifier in &VERIFIERS[..2] {
			attest(id, *verifier, Verdict::Unavailable).unwrap();
		}
		let target = Target::Submission(id);
		assert_ok!(send(Call::settle { submission: id }));
		let until = now() + DEMAND_WINDOW;
		assert!(happened(Event::WeightsDemanded { target, who: None, weights: junk.blob(), until }));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(DEMAND_WINDOW);
		assert_ok!(send(Call::settle { submission: id }));
		assert!(happened(Event::Withheld { target, demander: None, burned: TRAINER_BOND }));
		assert_eq!(wealth(ALICE), alice - TRAINER_BOND - FEE);
		// Who abstained loses nothing, and earns nothing.
		assert_eq!(closed(id), told(Ended::Fallen, &[], &[]));
	});
}

#[test]
fn weights_shown_after_such_a_demand_should_be_verified_by_those_who_had_not_got_them() {
	with_head(|model| {
		let honest = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &honest);
		for verifier in &VERIFIERS[..2] {
			attest(id, *verifier, Verdict::Unavailable).unwrap();
		}
		assert_ok!(settle(id));
		pass(ATTEST_WINDOW);
		assert_ok!(post(Target::Submission(id), &honest));
		assert!(happened(Event::WeightsPosted {
			target: Target::Submission(id),
			by_demander: 0,
			by_trainer: POST_PRICE / 2
		}));
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

#[test]
fn weights_that_were_shown_should_not_be_demanded_a_second_time_by_a_majority() {
	with_head(|model| {
		let honest = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &honest);
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Unavailable).unwrap();
		}
		assert_ok!(settle(id));
		assert_ok!(post(Target::Submission(id), &honest));
		// The data are missing, then: nobody's fault.
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Unavailable).unwrap();
		}
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(CHALLENGE_WINDOW.max(ATTEST_WINDOW));
		assert_ok!(settle(id));
		assert!(happened(Event::Expired { submission: id, why: Expiry::Lapsed }));
		assert_eq!(held(HoldReason::Submission, ALICE), 0);
	});
}

/// Verifiers that lack the data cannot say so: their majority demands the weights, and then the submission expires.
#[test]
fn missing_data_should_cost_the_trainer_its_part_of_posting_and_no_more() {
	with_head(|model| {
		let alice = wealth(ALICE);
		let honest = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &honest);
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Unavailable).unwrap();
		}
		assert_ok!(settle(id));
		assert_ok!(post(Target::Submission(id), &honest));
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Unavailable).unwrap();
		}
		pass(CHALLENGE_WINDOW.max(ATTEST_WINDOW));
		assert_ok!(settle(id));
		assert_eq!(Balances::free_balance(ALICE), alice - POST_PRICE / 2);
	});
}

#[test]
fn committing_to_weights_that_are_known_should_not_hold_a_place_for_nothing() {
	with_head(|model| {
		let head = Attempt::new(REGISTRAR, |i| i < 10);
		let squat = Attempt { trainer: BOB, salt: [9; 32], ..head };
		let id = commit(model, &squat);
		pass(MIN_COMMIT_AGE);
		let withdraw = || Training::withdraw(RuntimeOrigin::signed(BOB), id, squat.blob(), squat.salt);
		// These weights were a version's before: no fault of the chain's that they cannot win.
		assert_noop!(withdraw(), Error::<Test>::HeadUnchanged);
		pass(REVEAL_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::Forfeited { submission: id, burned: TRAINER_BOND }));
	});
}

// Bounties.

#[test]
fn small_bounties_out_of_reach_should_give_way_to_a_larger_one() {
	with_head(|model| {
		let post = |who, amount| {
			let until = now() + MAX_BOUNTY_TERM;
			Training::post_bounty(RuntimeOrigin::signed(who), model, i64::MAX, amount, until)
		};
		for _ in 0..MAX_BOUNTIES {
			assert_ok!(post(EVE, MIN_BOUNTY));
		}
		assert_noop!(post(PATRON, MIN_BOUNTY), Error::<Test>::TooManyBounties);
		assert_ok!(post(PATRON, MIN_BOUNTY + 1));
		assert!(happened(Event::BountyDisplaced { bounty: 0, model, amount: MIN_BOUNTY }));
		assert_eq!(held(HoldReason::Bounty, EVE), u64::from(MAX_BOUNTIES - 1) * MIN_BOUNTY);
		assert_eq!(Training::bounties(model).len(), MAX_BOUNTIES as usize);
	});
}

#[test]
fn a_promise_should_not_be_broken_with_a_larger_one_that_lasts_a_moment_or_is_out_of_reach() {
	with_head(|model| {
		let post = |threshold, amount, until| {
			Training::post_bounty(RuntimeOrigin::signed(PATRON), model, threshold, amount, until)
		};
		let until = now() + 100;
		for _ in 0..MAX_BOUNTIES {
			assert_ok!(post(30, MIN_BOUNTY, until));
		}
		let full = Error::<Test>::TooManyBounties;
		assert_noop!(post(30, 100 * MIN_BOUNTY, now() + 1), full);
		assert_noop!(post(31, 100 * MIN_BOUNTY, until), Error::<Test>::TooManyBounties);
		assert_ok!(post(30, 100 * MIN_BOUNTY, until));
	});
}

#[test]
fn a_bounty_that_a_live_submission_can_earn_should_not_give_way() {
	with_head(|model| {
		let post = |amount| {
			let until = now() + MAX_BOUNTY_TERM;
			Training::post_bounty(RuntimeOrigin::signed(PATRON), model, 15, amount, until)
		};
		for _ in 0..MAX_BOUNTIES {
			assert_ok!(post(MIN_BOUNTY));
		}
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		assert_noop!(post(10 * MIN_BOUNTY), Error::<Test>::TooManyBounties);
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert_ok!(post(10 * MIN_BOUNTY));
	});
}

// Work.

#[test]
fn data_that_verifiers_have_to_fetch_should_be_paid_and_given_time() {
	let small = oda_pallet_traits::Work { cost: Default::default(), records: 40, bytes: 2_819 };
	let large = oda_pallet_traits::Work { bytes: 4 << 30, ..small };
	use polkadot_sdk::sp_runtime::traits::Convert;
	assert!(FeeOfWork::convert(large) > 1_000 * FeeOfWork::convert(small));
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let submission = Training::submission(id).unwrap();
		let (terms, claim) = (submission.terms, submission.phase.claim().unwrap());
		// The pallet counts weights and data.
		let bytes = claim.weights.len + data().len() as u64;
		let expected = FeeOfWork::convert(oda_pallet_traits::Work { bytes, ..small });
		assert_eq!(terms.fee, FEE_BASE + expected);
		assert_eq!(terms.answer_window, AttestWindow::convert(oda_pallet_traits::Work { bytes, ..small }));
		// Whoever draws verifiers knows it too.
		let sitting = committee::sitting(id).unwrap();
		assert_eq!((sitting.records, sitting.bytes, sitting.claim), (small.records, bytes, claim.hash));
	});
}

// Lost races.

#[test]
fn settling_what_is_settled_should_not_enter_a_block() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		assert_eq!(pooled(Call::settle { submission: id }), Err(Error::<Test>::NothingDue.into()));
		approve(id);
		pass(CHALLENGE_WINDOW);
		let before = Submissions::<Test>::get(id);
		assert_eq!(pooled(Call::settle { submission: id }).unwrap().priority, 77);
		// Asking changed nothing.
		assert_eq!(Submissions::<Test>::get(id), before);
		assert_ok!(send(Call::settle { submission: id }));
		assert_eq!(pooled(Call::settle { submission: id }), Err(Error::<Test>::UnknownSubmission.into()));
		// Who signs it all the same pays next to nothing.
		let late = Training::settle(RuntimeOrigin::signed(BOB), id).unwrap_err();
		let call: Call<Test> = Call::settle { submission: id };
		let spent = late.post_info.actual_weight.unwrap();
		assert_eq!(spent, <() as WeightInfo>::settle_nothing());
		assert!(spent.ref_time() * 100 < call.get_dispatch_info().call_weight.ref_time());
	});
}

#[test]
fn what_waits_should_not_be_settled_by_itself() {
	with_head(|model| {
		submit(model, &Attempt::new(ALICE, |i| i < 20));
		let second = submit(model, &Attempt::new(BOB, |i| i < 30));
		pass(REVEAL_WINDOW);
		assert_noop!(settle(second), Error::<Test>::NothingDue);
	});
}

#[test]
fn reverting_what_is_reverted_should_not_enter_a_block() {
	with_head(|model| {
		assert_eq!(pooled(Call::revert { model }), Err(Error::<Test>::NoDemand.into()));
		assert_ok!(demand(EVE, Target::Head(model)));
		assert_eq!(pooled(Call::revert { model }), Err(Error::<Test>::NothingDue.into()));
		pass(DEMAND_WINDOW);
		assert_ok!(send(Call::revert { model }));
		assert_eq!(pooled(Call::revert { model }), Err(Error::<Test>::NoDemand.into()));
		let late = Training::revert(RuntimeOrigin::signed(BOB), model).unwrap_err();
		assert_eq!(late.post_info.actual_weight, Some(<() as WeightInfo>::settle_nothing()));
	});
}

#[test]
fn a_challenge_of_what_is_overturned_should_not_enter_a_block() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 10));
		assert_ok!(commit_challenge(BOB, id, 11));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		let bob = wealth(BOB);
		let late = pooled(challenge_call(BOB, id, 11, &lie));
		assert_eq!(late, Err(Error::<Test>::UnknownSubmission.into()));
		assert_eq!((wealth(BOB), held(HoldReason::Challenge, BOB)), (bob, 0));
	});
}
