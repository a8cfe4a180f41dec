//! What is under way goes on as it was agreed, whatever the parameters are later.

use super::{
	property::{Step, World, step},
	*,
};
use oda_primitives::Tick;
use polkadot_sdk::{
	sp_core::H256,
	sp_io,
	sp_runtime::{Perbill, StateVersion},
};
use proptest::prelude::*;

/// Values of all parameters of the pallet, in an order that the chain would have them in.
#[derive(Clone, Debug)]
struct Parameters {
	amounts: [u64; 5],
	/// Each is added to those before it where one has to be longer than another.
	ticks: [Tick; 7],
	/// A percentage.
	burn: u32,
}

fn parameters() -> impl Strategy<Value = Parameters> {
	(
		[1..5_000u64, 1..5_000, 1..5_000, 1..5_000, 1..5_000],
		[1..50u64, 1..50, 1..50, 1..50, 1..50, 1..50, 1..50],
		0..100u32,
	)
		.prop_map(|(amounts, ticks, burn)| Parameters { amounts, ticks, burn })
}

impl Parameters {
	/// What the mock has from the start.
	fn usual() -> Self {
		Self {
			amounts: [FEE_BASE, TRAINER_BOND, CHALLENGE_BOND, DEMAND_BOND, MIN_BOUNTY],
			ticks: [
				MIN_COMMIT_AGE,
				REVEAL_WINDOW - MIN_COMMIT_AGE,
				MIN_CHALLENGE_AGE,
				CHALLENGE_LIFETIME - MIN_CHALLENGE_AGE,
				DEMAND_WINDOW - CHALLENGE_LIFETIME - MIN_CHALLENGE_AGE,
				ATTEST_WINDOW,
				CHALLENGE_WINDOW,
			],
			burn: 10,
		}
	}

	fn set(&self) {
		let [fee, trainer, challenge, demand, bounty] = self.amounts;
		FeeBase::set(fee);
		TrainerBond::set(trainer);
		ChallengeBond::set(challenge);
		DemandBond::set(demand);
		MinBounty::set(bounty);
		let [commit, reveal, age, lifetime, demand, attest, window] = self.ticks;
		MinCommitAge::set(commit);
		RevealWindow::set(commit + reveal);
		MinChallengeAge::set(age);
		ChallengeLifetime::set(age + lifetime);
		DemandWindow::set(age + lifetime + age + demand);
		AttestBase::set(attest);
		ChallengeWindow::set(window);
		FeeBurn::set(Perbill::from_percent(self.burn));
	}
}

/// Whether a step makes an entry, whose terms are those of the moment. A majority of `Unavailable` makes a demand.
fn makes_an_entry(step: &Step) -> bool {
	match step {
		Step::Commit { .. }
		| Step::Submit { .. }
		| Step::CommitChallenge { .. }
		| Step::Accuse { .. }
		| Step::Demand { .. }
		| Step::PostBounty { .. } => true,
		Step::Attest { verdict, .. } => *verdict == 2,
		_ => false,
	}
}

/// What the chain and its log come to, if the parameters change between the steps, or do not.
fn outcome(before: &[Step], change: Option<&Parameters>, after: &[Step]) -> (H256, usize) {
	bare_ext().execute_with(|| {
		let mut world = World::new();
		become_head(world.model(), &Attempt::new(REGISTRAR, |i| i < 3));
		for step in before {
			let _ = world.take(step.clone());
		}
		if let Some(parameters) = change {
			parameters.set();
		}
		for step in after {
			let _ = world.take(step.clone());
		}
		world.finish();
		Parameters::usual().set();
		let root = sp_io::storage::root(StateVersion::V1);
		(H256::from_slice(&root), System::event_count() as usize)
	})
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::with_cases(128) })]

	#[test]
	fn no_parameter_affects_what_is_under_way(
		before in proptest::collection::vec(step(), 1..60),
		after in proptest::collection::vec(step(), 1..60),
		parameters in parameters(),
	) {
		let unavailable = |step: &Step| matches!(step, Step::Attest { verdict: 2, .. });
		let before: Vec<_> = before.into_iter().filter(|step| !unavailable(step)).collect();
		let after: Vec<_> = after.into_iter().filter(|step| !makes_an_entry(step)).collect();
		let agreed = outcome(&before, None, &after);
		prop_assert_eq!(outcome(&before, Some(&parameters), &after), agreed);
	}
}

#[test]
fn a_commitment_is_revealed_on_the_terms_of_its_commitment() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = commit(model, &attempt);
		let terms = Training::submission(id).unwrap().terms;
		FeeBase::set(10 * FEE_BASE);
		AttestBase::set(1);
		FeeBurn::set(Perbill::from_percent(90));
		ChallengeWindow::set(1);
		pass(MIN_COMMIT_AGE);
		assert_ok!(reveal(id, &attempt));
		assert_eq!(Training::submission(id).unwrap().terms, terms);
		assert_eq!(held(HoldReason::VerificationFee, ALICE), FEE);
		let open_until = now() + ATTEST_WINDOW;
		assert!(happened(Event::VerificationStarted { submission: id, model, open_until }));
		Parameters::usual().set();
	});
}

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
fn a_reveal_keeps_its_fee_and_the_part_that_is_burned() {
	with_head(|model| {
		let (alice, before) = (wealth(ALICE), issuance());
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		FeeBase::set(5 * FEE_BASE);
		FeeBurn::set(Perbill::from_percent(90));
		approve(id);
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(id));
		assert_eq!((wealth(ALICE), issuance()), (alice - SPENT, before - BURN));
		Parameters::usual().set();
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
