use super::*;
use oda_primitives::SubmissionId;
use polkadot_sdk::frame_support::dispatch::DispatchResult;

fn demand(who: u64, target: Target) -> DispatchResult {
	Training::demand(RuntimeOrigin::signed(who), target)
}

fn post(target: Target, attempt: &Attempt) -> Result<(), DispatchError> {
	send(Call::post_weights { target, weights: attempt.shown() }).map(|_| ()).map_err(|e| e.error)
}

fn revert(model: ModelId) -> DispatchResult {
	Training::revert(RuntimeOrigin::signed(PATRON), model).map(|_| ()).map_err(|e| e.error)
}

/// What is right on 20 records.
fn better() -> Attempt {
	Attempt::new(ALICE, |i| i < 20)
}

/// What the registrar's version 0 is in these tests.
fn first() -> Attempt {
	Attempt::new(REGISTRAR, |i| i < 10)
}

/// A submission that is being verified and whose weights Eve demands.
fn demanded(model: ModelId) -> SubmissionId {
	let id = submit(model, &better());
	assert_ok!(demand(EVE, Target::Submission(id)));
	id
}

#[test]
fn demand_holds_a_bond_and_the_price_of_posting() {
	with_head(|model| {
		let id = demanded(model);
		assert_eq!(held(HoldReason::Demand, EVE), DEMAND_BOND + POST_PRICE);
		let target = Target::Submission(id);
		let until = now() + DEMAND_WINDOW;
		assert!(happened(Event::WeightsDemanded { target, who: Some(EVE), weights: better().blob(), until }));
		assert_eq!(Training::demand_for(target).unwrap().until, until);
	});
}

#[test]
fn demand_fails_for_what_is_not_there() {
	with_head(|_| {
		assert_noop!(demand(EVE, Target::Submission(99)), Error::<Test>::UnknownSubmission);
		assert_noop!(demand(EVE, Target::Head([9; 32])), Error::<Test>::UnknownModel);
	});
	with_pending(|model| {
		assert_noop!(demand(EVE, Target::Head(model)), Error::<Test>::NoHead);
	});
}

#[test]
fn demand_fails_before_the_verification() {
	with_head(|model| {
		let id = commit(model, &better());
		assert_noop!(demand(EVE, Target::Submission(id)), Error::<Test>::NotVerifying);
		submit(model, &Attempt::new(BOB, |i| i < 15));
		assert_ok!(reveal(id, &better()));
		assert_noop!(demand(EVE, Target::Submission(id)), Error::<Test>::NotVerifying);
	});
}

#[test]
fn demand_fails_when_there_is_one() {
	with_head(|model| {
		let id = demanded(model);
		assert_noop!(demand(BOB, Target::Submission(id)), Error::<Test>::AlreadyDemanded);
		assert_ok!(demand(BOB, Target::Head(model)));
		assert_noop!(demand(EVE, Target::Head(model)), Error::<Test>::AlreadyDemanded);
	});
}

#[test]
fn demand_fails_when_the_bond_cannot_be_held() {
	with_head(|model| {
		assert_noop!(demand(POOR, Target::Head(model)), TokenError::FundsUnavailable);
	});
}

#[test]
fn demand_fails_after_the_window_has_closed() {
	with_head(|model| {
		let id = submit(model, &better());
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_noop!(demand(EVE, Target::Submission(id)), Error::<Test>::WindowClosed);
		assert_ok!(settle(id));
	});
}

#[test]
fn posting_is_paid_half_by_the_demander_and_half_by_the_trainer_and_burned() {
	with_head(|model| {
		let id = demanded(model);
		let (eve, alice, before) = (wealth(EVE), wealth(ALICE), issuance());
		assert_ok!(post(Target::Submission(id), &better()));
		let (by_demander, by_trainer) = (POST_PRICE - POST_PRICE / 2, POST_PRICE / 2);
		assert_eq!((wealth(EVE), wealth(ALICE)), (eve - by_demander, alice - by_trainer));
		assert_eq!(issuance(), before - POST_PRICE);
		assert_eq!(held(HoldReason::Demand, EVE), 0);
		assert_eq!(held(HoldReason::Submission, ALICE), TRAINER_BOND - by_trainer);
		let target = Target::Submission(id);
		assert!(happened(Event::WeightsPosted { target, by_demander, by_trainer }));
		assert_eq!(Training::demand_for(target), None);
	});
}

#[test]
fn posting_a_heads_weights_is_paid_by_the_demander() {
	with_head(|model| {
		assert_ok!(demand(EVE, Target::Head(model)));
		let (eve, before) = (wealth(EVE), issuance());
		assert_ok!(post(Target::Head(model), &first()));
		assert_eq!((wealth(EVE), issuance()), (eve - POST_PRICE, before - POST_PRICE));
		assert_eq!(held(HoldReason::Demand, EVE), 0);
	});
}

#[test]
fn posting_fails_without_a_demand() {
	with_head(|model| {
		let id = submit(model, &better());
		assert_noop!(post(Target::Submission(id), &better()), Error::<Test>::NoDemand);
		assert_noop!(post(Target::Head(model), &first()), Error::<Test>::NoDemand);
	});
}

#[test]
fn posting_fails_with_other_weights() {
	with_head(|model| {
		let id = demanded(model);
		assert_noop!(post(Target::Submission(id), &first()), Error::<Test>::WeightsMismatch);
	});
}

#[test]
fn posting_fails_when_the_time_is_over() {
	with_head(|model| {
		let id = demanded(model);
		pass(DEMAND_WINDOW);
		assert_noop!(post(Target::Submission(id), &better()), Error::<Test>::DemandOver);
		assert_ok!(demand(EVE, Target::Head(model)));
		pass(DEMAND_WINDOW - 1);
		assert_ok!(post(Target::Head(model), &first()));
	});
}

#[test]
fn weights_are_demanded_of_a_submission_once() {
	with_head(|model| {
		let id = demanded(model);
		assert_ok!(post(Target::Submission(id), &better()));
		assert_noop!(demand(EVE, Target::Submission(id)), Error::<Test>::AlreadyShown);
	});
}

#[test]
fn a_demand_holds_the_window_open_and_posting_opens_it_for_who_could_not_look() {
	with_head(|model| {
		let id = submit(model, &Attempt::lie(ALICE, 5));
		approve(id);
		pass(CHALLENGE_WINDOW - 1);
		assert_ok!(demand(EVE, Target::Submission(id)));
		pass(DEMAND_WINDOW - 1);
		assert_eq!(refusal(settle(id)), Error::<Test>::NothingDue.into());
		assert_ok!(post(Target::Submission(id), &Attempt::lie(ALICE, 5)));
		pass(CHALLENGE_WINDOW - 1);
		assert_eq!(refusal(settle(id)), Error::<Test>::NothingDue.into());
		// Such a commitment still holds it.
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_eq!(refusal(settle(id)), Error::<Test>::NothingDue.into());
		assert_ok!(challenge(EVE, id, 10, &Attempt::lie(ALICE, 5)));
		assert!(!Submissions::<Test>::contains_key(id));
	});
}

#[test]
fn shown_weights_become_the_head_as_others_do() {
	with_head(|model| {
		let id = demanded(model);
		approve(id);
		assert_ok!(post(Target::Submission(id), &better()));
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Registry::head(model).unwrap().1.submission, id);
	});
}

#[test]
fn a_submission_whose_weights_nobody_shows_falls_and_its_signers_pay() {
	with_head(|model| {
		let id = submit(model, &better());
		approve(id);
		assert_ok!(demand(EVE, Target::Submission(id)));
		let (alice, eve) = (wealth(ALICE), wealth(EVE));
		pass(DEMAND_WINDOW);
		let target = Target::Submission(id);
		let post = settle(id).unwrap();
		assert_eq!(post.pays_fee, Pays::No);
		assert!(happened(Event::Withheld { target, demander: Some(EVE), burned: TRAINER_BOND }));
		assert_eq!(wealth(ALICE), alice - TRAINER_BOND - FEE);
		assert_eq!(wealth(EVE), eve);
		assert_eq!(closed(id), told(Ended::Fallen, &[], &VERIFIERS));
		assert_eq!(held(HoldReason::Demand, EVE), 0);
		assert!(!Submissions::<Test>::contains_key(id));
		assert_eq!(Registry::head(model).unwrap().0, 0);
		// They may come again, if they do turn up.
		submit(model, &better());
	});
}

#[test]
fn a_demand_ends_with_its_submission() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(demand(BOB, Target::Submission(id)));
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert_eq!(held(HoldReason::Demand, BOB), 0);
		assert_eq!(Training::demand_for(Target::Submission(id)), None);
	});
}

#[test]
fn a_head_that_nobody_shows_falls_to_the_one_before() {
	with_head(|model| {
		become_head(model, &better());
		assert_ok!(demand(EVE, Target::Head(model)));
		assert_noop!(revert(model), Error::<Test>::NothingDue);
		pass(DEMAND_WINDOW);
		assert_ok!(revert(model));
		let target = Target::Head(model);
		assert!(happened(Event::Withheld { target, demander: Some(EVE), burned: 0 }));
		assert_eq!(Told::get()[&model], Some([first().blob(), BlobRef::of(&data())]));
		assert_eq!(Registry::head(model).unwrap().0, 0);
		assert_eq!(held(HoldReason::Demand, EVE), 0);
		assert_eq!(held(HoldReason::ScoreList, ALICE), 0);
		assert_eq!(held(HoldReason::KnownWeights, ALICE), 0);
		assert_noop!(revert(model), Error::<Test>::NoDemand);
	});
}

#[test]
fn a_head_that_came_back_is_beaten_by_its_sum() {
	with_head(|model| {
		become_head(model, &better());
		assert_ok!(demand(EVE, Target::Head(model)));
		pass(DEMAND_WINDOW);
		assert_ok!(revert(model));
		let worse = Attempt::new(BOB, |i| i < 11);
		let id = commit(model, &worse);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &worse), Error::<Test>::BelowMinImprovement);
		become_head(model, &Attempt::new(BOB, |i| (20..32).contains(&i)));
		assert_eq!(Registry::head(model).unwrap().1.score, 12);
		// The fallen weights are as welcome as any, once they are there.
		become_head(model, &better());
		assert_eq!(Registry::head(model).unwrap().1.replaced, Some(2));
	});
}

#[test]
fn a_head_that_came_back_is_beaten_at_the_objectives_confidence() {
	bare_ext().execute_with(|| {
		let model = register(careful_spec());
		become_head(model, &Attempt::new(REGISTRAR, |i| i < 10));
		become_head(model, &Attempt::new(ALICE, |i| i < 30));
		assert_ok!(demand(EVE, Target::Head(model)));
		pass(DEMAND_WINDOW);
		assert_ok!(revert(model));
		// 10 more could be 20 won and 10 lost: 100 · 100 < 384 · 30. But 16 are enough: 26 won and 10 lost.
		let luck = Attempt::new(BOB, |i| i < 20);
		let id = commit(model, &luck);
		pass(MIN_COMMIT_AGE);
		assert_noop!(reveal(id, &luck), Error::<Test>::NotSignificant);
		become_head(model, &Attempt::new(BOB, |i| i < 26));
		check();
	});
}

#[test]
fn a_model_whose_first_version_fell_takes_anybodys() {
	with_head(|model| {
		assert_ok!(demand(EVE, Target::Head(model)));
		pass(DEMAND_WINDOW);
		assert_ok!(revert(model));
		assert_eq!(Registry::head(model), None);
		assert_eq!(Told::get()[&model], None);
		assert_noop!(demand(EVE, Target::Head(model)), Error::<Test>::NoHead);
		become_head(model, &Attempt::new(BOB, |i| i < 2));
		assert_eq!(Registry::head(model).unwrap().1.replaced, None);
	});
}

#[test]
fn a_head_that_was_shown_stays_and_can_be_demanded_again() {
	with_head(|model| {
		assert_ok!(demand(EVE, Target::Head(model)));
		assert_ok!(post(Target::Head(model), &first()));
		pass(DEMAND_WINDOW);
		assert_noop!(revert(model), Error::<Test>::NoDemand);
		assert_eq!(Registry::head(model).unwrap().0, 0);
		assert_ok!(demand(EVE, Target::Head(model)));
	});
}

#[test]
fn a_demand_for_a_head_ends_when_the_head_moves() {
	with_head(|model| {
		let id = submit(model, &better());
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(demand(EVE, Target::Head(model)));
		assert_ok!(settle(id));
		assert_eq!(held(HoldReason::Demand, EVE), 0);
		assert_noop!(revert(model), Error::<Test>::NoDemand);
	});
}

#[test]
fn a_commitment_can_be_withdrawn_when_the_head_fell() {
	with_head(|model| {
		become_head(model, &better());
		assert_ok!(demand(EVE, Target::Head(model)));
		pass(DEMAND_WINDOW);
		let attempt = Attempt::new(BOB, |i| i < 25);
		let id = commit(model, &attempt);
		assert_ok!(revert(model));
		pass(MIN_COMMIT_AGE);
		assert_ok!(Training::withdraw(RuntimeOrigin::signed(BOB), id, attempt.blob(), attempt.salt));
	});
}
