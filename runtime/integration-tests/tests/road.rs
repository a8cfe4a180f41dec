//! The whole road of a submission on the composed runtime, from its commitment to the head.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "tests")]

use oda_pallet_traits::Role;
use oda_primitives::TaskId;
use oda_runtime::{AccountId, Balance, Balances, ModelRegistry, Runtime, Session, Verification};
use oda_runtime_integration_tests::{
	chain::{Chain, unsigned},
	current,
	world::spec,
};
use pallet_verification::Phase;
use polkadot_sdk::{
	frame_support::traits::fungible::Inspect,
	sp_keyring::Sr25519Keyring::{Alice, Bob},
};

/// What Bob has, staked or not.
fn bobs() -> Balance {
	let bob = AccountId::from(Bob.public());
	let pool = pallet_oda_staking::Pools::<Runtime>::get(Role::Verifier, &bob).expect("it is bonded");
	Balances::total_balance(&bob) + pool.total()
}

#[test]
fn what_a_drawn_committee_finds_valid_should_become_the_head() {
	let mut chain = Chain::start(current());
	let (model, right) = (spec(1), 0b0000_0111);
	chain.announce(Alice, &model);
	chain.blocks(4);
	chain.register(Alice, &model);
	let submission = chain.commit(Alice, &model, right);
	chain.blocks(4);
	let opened_in = chain.natively(Session::current_index);
	chain.reveal(Alice, submission, right, right);
	// Nobody knows who verifies before two sessions have passed.
	assert!(matches!(chain.task(submission).phase, Phase::Drawing { .. }));
	chain.until_phase(
		submission,
		|phase| matches!(phase, Phase::Committing { .. }),
		|chain| {
			let task = chain.task(submission);
			assert!(task.members.is_empty());
		},
	);
	assert!(chain.natively(Session::current_index) >= opened_in + 2);
	assert_eq!(chain.task(submission).members.to_vec(), [Bob.public().into()]);
	let owned = chain.natively(bobs);
	chain.verify(Bob, submission, right, |_| ());
	chain.until_phase(submission, |phase| matches!(phase, Phase::Passed { .. }), |_| ());

	let settle = unsigned(pallet_training::Call::settle { submission });
	let live = || pallet_training::Submissions::<Runtime>::contains_key(submission);
	for _ in 0..100 {
		let _ = chain.send(&settle);
		if !chain.natively(live) {
			break;
		}
	}
	let head = chain.natively(|| ModelRegistry::head(model.id())).expect("there is a head");
	assert_eq!((head.0, head.1.submission, head.1.score), (0, submission, 3));
	assert!(chain.natively(|| Verification::task(TaskId::Submission(submission))).is_none());
	// The verifier was paid, and is free.
	let bob = chain.natively(|| Verification::verifier(Bob.public().into())).expect("it is there");
	assert_eq!((bob.open, bob.used), (0, Default::default()));
	assert!(chain.natively(bobs) > owned);
	chain.check();
}
