//! Attacks by means of disputes.

use super::*;

fn honest() -> Attempt {
	Attempt::new(ALICE, |i| i < 20)
}

fn liar() -> Attempt {
	Attempt::lie(ALICE, 5)
}

// A score that the court finds wrong on the way.

#[test]
fn a_claim_that_the_court_has_found_wrong_should_not_stand() {
	with_head(|model| {
		let lie = liar();
		let alice = wealth(ALICE);
		// Three sign the lie, with outputs that they made up; one shows the true one.
		appoint(104);
		let id = submit(model, &lie);
		approve(id);
		differ(id, 10, &[(101, [9; 32]), (102, [9; 32]), (103, [9; 32]), (104, lie.output(10))]).unwrap();
		assert_ok!(resolve(id, 10, &lie));
		let output = lie.output(10);
		let (claimed, actual) = (1, 0);
		assert!(happened(Event::DisputeResolved { submission: id, record: 10, output, claimed, actual }));
		let before = issuance();
		assert_ok!(send(Call::settle { submission: id }));
		assert!(happened(Event::Refuted { submission: id, burned: TRAINER_BOND }));
		// The bond and the fee are burned whole: nobody has earned any of it.
		assert_eq!(issuance(), before - TRAINER_BOND - FEE);
		assert_eq!(wealth(ALICE), alice - TRAINER_BOND - FEE);
		assert_eq!(closed(id), told(Ended::Fallen, &[], &[104, 101, 102, 103]));
		assert!(Training::submission(id).is_none());
		assert_eq!(Registry::head(model).unwrap().0, 0);
	});
}

#[test]
fn a_refuted_claim_should_not_become_the_head_whatever_its_verifiers_say() {
	with_head(|model| {
		let lie = liar();
		// Only one of four is found to have made its output up; the others passed the lie with true outputs.
		let id = disputed(model, &lie, 10);
		assert_ok!(resolve(id, 10, &lie));
		pass(10 * CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert!(happened(Event::Refuted { submission: id, burned: TRAINER_BOND }));
		assert_eq!(closed(id), told(Ended::Fallen, &[], &[101, 102, 103, 104]));
		assert_eq!(Registry::head(model).unwrap().0, 0);
	});
}

/// The liar's friends dispute a record that is wrong, and have it run as soon as somebody commits to evidence.
#[test]
fn having_a_record_run_should_not_rob_who_committed_to_evidence_before() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		let eve = wealth(EVE);
		assert_ok!(commit_challenge(EVE, id, 12));
		assert_ok!(resolve(id, 10, &lie));
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 12, &lie));
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
		assert_eq!(closed(id), told(Ended::Overturned(EVE), &[], &[101, 102, 103, 104]));
	});
}

#[test]
fn the_right_to_be_paid_should_not_outlast_the_commitment() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		assert_ok!(commit_challenge(EVE, id, 12));
		assert_ok!(resolve(id, 10, &lie));
		pass(CHALLENGE_LIFETIME - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		let (eve, before) = (wealth(EVE), issuance());
		assert_ok!(settle(id));
		assert!(happened(Event::Refuted { submission: id, burned: TRAINER_BOND }));
		assert_eq!(wealth(EVE), eve - CHALLENGE_BOND);
		assert_eq!(issuance(), before - TRAINER_BOND - FEE - CHALLENGE_BOND);
	});
}

#[test]
fn what_the_court_has_found_should_be_nobodys_evidence() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		assert_ok!(commit_challenge(EVE, id, 12));
		assert_ok!(resolve(id, 10, &lie));
		// The liar sees it and wants half of its bond back, with another account.
		assert_noop!(commit_challenge(BOB, id, 10), Error::<Test>::WindowClosed);
		let demanded = Training::demand(RuntimeOrigin::signed(BOB), Target::Submission(id));
		assert_noop!(demanded, Error::<Test>::WindowClosed);
		assert_eq!(refusal(challenge(BOB, id, 10, &lie)), Error::<Test>::NoChallengeCommitment.into());
	});
}

#[test]
fn a_false_accusation_of_a_refuted_claim_costs_its_bond_and_delays_no_longer() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		let eve = wealth(EVE);
		assert_ok!(commit_challenge(EVE, id, 3));
		assert_ok!(resolve(id, 10, &lie));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 3, &lie));
		assert_eq!(wealth(EVE), eve - CHALLENGE_BOND);
		assert_ok!(settle(id));
		assert!(happened(Event::Refuted { submission: id, burned: TRAINER_BOND }));
	});
}

#[test]
fn a_demand_ends_with_a_refuted_claim_and_cannot_delay_its_fall() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		let bob = wealth(BOB);
		assert_ok!(Training::demand(RuntimeOrigin::signed(BOB), Target::Submission(id)));
		assert_ok!(resolve(id, 10, &lie));
		assert_ok!(settle(id));
		assert_eq!((wealth(BOB), held(HoldReason::Demand, BOB)), (bob, 0));
	});
}

#[test]
fn a_demand_should_not_rob_who_committed_to_evidence_of_a_refuted_claim() {
	with_head(|model| {
		let lie = liar();
		let id = disputed(model, &lie, 10);
		assert_ok!(Training::demand(RuntimeOrigin::signed(BOB), Target::Submission(id)));
		pass(DEMAND_WINDOW - 1);
		let eve = wealth(EVE);
		assert_ok!(commit_challenge(EVE, id, 12));
		assert_ok!(resolve(id, 10, &lie));
		pass(MIN_CHALLENGE_AGE);
		// The demand's time is over: the claim would fall for nobody's benefit.
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(challenge(EVE, id, 12, &lie));
		assert_eq!(wealth(EVE), eve + TRAINER_BOND / 2);
	});
}

// A dispute that nobody wants resolved.

#[test]
fn a_trainer_who_waits_should_be_able_to_end_a_dispute_that_nobody_resolves() {
	with_head(|model| {
		let withheld = honest();
		let id = disputed(model, &withheld, 10);
		let waiting = submit(model, &Attempt::new(BOB, |i| i < 30));
		pass(10 * CHALLENGE_WINDOW);
		let bob = wealth(BOB);
		assert_ok!(Training::demand(RuntimeOrigin::signed(BOB), Target::Submission(id)));
		pass(DEMAND_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(closed(id), told(Ended::Fallen, &[], &[101, 102, 103, 104]));
		assert_eq!((wealth(BOB), Training::verifying(model)), (bob, Some(waiting)));
	});
}

#[test]
fn a_trainer_who_waits_should_be_able_to_resolve_a_dispute_with_weights_that_it_demanded() {
	with_head(|model| {
		let attempt = honest();
		let id = disputed(model, &attempt, 10);
		let waiting = submit(model, &Attempt::new(BOB, |i| i < 30));
		let target = Target::Submission(id);
		assert_ok!(Training::demand(RuntimeOrigin::signed(BOB), target));
		assert_ok!(send(Call::post_weights { target, weights: attempt.shown() }));
		// Whoever reads the block can send it now.
		assert_ok!(resolve(id, 10, &attempt));
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(Training::verifying(model), Some(waiting));
	});
}
