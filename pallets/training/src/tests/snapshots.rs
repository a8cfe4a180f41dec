//! What was agreed stays: parameters that change do not touch what is under way.

use super::*;

fn demand(who: u64, target: Target) -> Result<(), DispatchError> {
	Training::demand(RuntimeOrigin::signed(who), target)
}

#[test]
fn a_commitment_keeps_its_bond_its_age_and_its_window() {
	with_head(|model| {
		let early = Attempt::new(ALICE, |i| i < 20);
		let (opened, forgotten) = (commit(model, &early), commit(model, &Attempt::new(BOB, |i| i < 20)));
		TrainerBond::set(1);
		MinCommitAge::set(0);
		RevealWindow::set(MIN_COMMIT_AGE);
		assert_noop!(reveal(opened, &early), Error::<Test>::RevealTooEarly);
		pass(MIN_COMMIT_AGE);
		assert_noop!(settle(forgotten), Error::<Test>::NothingDue);
		assert_ok!(reveal(opened, &early));
		pass(REVEAL_WINDOW - MIN_COMMIT_AGE);
		assert_ok!(settle(forgotten));
		assert!(happened(Event::Forfeited { submission: forgotten, burned: TRAINER_BOND }));
	});
}

#[test]
fn a_reveal_keeps_its_fee_and_its_patience() {
	with_head(|model| {
		dismiss_verifiers();
		let alice = wealth(ALICE);
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		VerifierPatience::set(1);
		FeeBase::set(5 * FEE_BASE);
		pass(VERIFIER_PATIENCE - 1);
		assert_noop!(settle(id), Error::<Test>::NoVerifiers);
		appoint(101);
		assert_ok!(settle(id));
		attest(id, 101, Verdict::Valid).unwrap();
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!(wealth(ALICE), alice - FEE);
	});
}

#[test]
fn a_verification_keeps_its_challenge_window() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		ChallengeWindow::set(0);
		pass(CHALLENGE_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		ChallengeWindow::set(1_000);
		pass(1);
		assert_ok!(settle(id));
	});
}

#[test]
fn a_challenge_commitment_keeps_its_bond_its_age_and_its_life() {
	with_head(|model| {
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		assert_ok!(commit_challenge(EVE, id, 10));
		assert_ok!(commit_challenge(BOB, id, 11));
		ChallengeBond::set(1);
		MinChallengeAge::set(1);
		ChallengeLifetime::set(MIN_CHALLENGE_AGE);
		pass(MIN_CHALLENGE_AGE - 1);
		assert_noop!(challenge(EVE, id, 10, &lie), Error::<Test>::ChallengeTooEarly);
		pass(CHALLENGE_LIFETIME - MIN_CHALLENGE_AGE);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		pass(1);
		assert_ok!(settle(id));
		for who in [EVE, BOB] {
			assert!(happened(Event::ChallengeCommitmentExpired {
				submission: id,
				who,
				burned: CHALLENGE_BOND
			}));
		}
	});
}

#[test]
fn a_demand_keeps_its_bond_its_price_and_its_window() {
	with_head(|model| {
		let withheld = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &withheld);
		let (alice, eve) = (wealth(ALICE), wealth(EVE));
		assert_ok!(demand(EVE, Target::Submission(id)));
		DemandBond::set(1);
		BytePrice::set(3);
		DemandWindow::set(1);
		pass(DEMAND_WINDOW - 1);
		assert_noop!(settle(id), Error::<Test>::NothingDue);
		assert_ok!(send(Call::post_weights { target: Target::Submission(id), weights: withheld.shown() }));
		assert_eq!(wealth(ALICE), alice - POST_PRICE / 2);
		assert_eq!(wealth(EVE), eve - (POST_PRICE - POST_PRICE / 2));
		assert_eq!(held(HoldReason::Demand, EVE), 0);
	});
}
