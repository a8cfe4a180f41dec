//! The verifiers' fee: who shares it, what is burned of it, and what whoever mints is told.

use super::*;
use crate::fee::Rest;
use polkadot_sdk::sp_runtime::Perbill;

#[test]
fn a_part_of_every_fee_that_is_earned_is_burned_and_told() {
	with_head(|model| {
		Settled::kill();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		let before = issuance();
		assert_ok!(settle(id));
		assert_eq!(issuance(), before - BURN);
		assert_eq!(Settled::get(), [(VERIFIERS.map(|who| (who, 1)).to_vec(), BURN)]);
	});
}

#[test]
fn nothing_is_burned_or_told_of_a_fee_that_nobody_earned() {
	with_head(|model| {
		Settled::kill();
		let before = issuance();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		pass(ATTEST_WINDOW);
		assert_ok!(settle(id));
		assert_eq!((issuance(), Settled::get()), (before, Vec::new()));
	});
}

#[test]
fn who_finds_a_lie_earns_what_who_misses_it_would_have() {
	with_head(|model| {
		Settled::kill();
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		for verifier in VERIFIERS {
			attest(id, verifier, Verdict::Wrong(10)).unwrap();
		}
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		// Two cannot be divided, and a liar gets nothing back.
		let (each, burned) = (SHARE, BURN + 2);
		assert!(happened(Event::FeePaid { submission: id, verifiers: 3, each, returned: 0, burned }));
		assert_eq!(Settled::get(), [(VERIFIERS.map(|who| (who, 1)).to_vec(), BURN)]);
	});
}

#[test]
fn a_verifier_whose_account_cannot_hold_the_share_does_not_stop_the_settlement() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let alice = wealth(ALICE);
		let terms = Terms { fee: 23, fee_burn: 8, ..Training::submission(id).unwrap().terms };
		// Somebody without an account gets less than the least balance, somebody with one gets it.
		Training::pay_fee(id, &ALICE, &terms, &[(4_242, 1), (BOB, 1)], Rest::Return);
		let (each, burned) = (7, 8);
		assert!(happened(Event::FeePaid { submission: id, verifiers: 1, each, returned: 8, burned }));
		assert_eq!((wealth(4_242), wealth(ALICE)), (0, alice - 15));
		Submissions::<Test>::mutate(id, |s| s.as_mut().unwrap().terms.fee -= 23);
	});
}

#[test]
fn a_fee_that_no_account_can_hold_is_not_earned() {
	with_head(|model| {
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let (alice, before) = (wealth(ALICE), issuance());
		let terms = Terms { fee: 16, fee_burn: 8, ..Training::submission(id).unwrap().terms };
		Training::pay_fee(id, &ALICE, &terms, &[(4_242, 1)], Rest::Return);
		assert!(happened(Event::FeePaid { submission: id, verifiers: 0, each: 8, returned: 16, burned: 0 }));
		assert_eq!((wealth(ALICE), issuance()), (alice, before));
		Submissions::<Test>::mutate(id, |s| s.as_mut().unwrap().terms.fee -= 16);
	});
}

#[test]
fn a_fee_is_shared_by_votes() {
	with_head(|model| {
		Settled::kill();
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let (alice, bob, eve) = (wealth(ALICE), wealth(BOB), wealth(EVE));
		let terms = Terms { fee: 50, fee_burn: 8, ..Training::submission(id).unwrap().terms };
		// 42 for five votes: two cannot be divided.
		Training::pay_fee(id, &ALICE, &terms, &[(EVE, 4), (BOB, 1)], Rest::Return);
		assert!(happened(Event::FeePaid { submission: id, verifiers: 2, each: 8, returned: 2, burned: 8 }));
		assert_eq!((wealth(EVE) - eve, wealth(BOB) - bob, alice - wealth(ALICE)), (32, 8, 48));
		assert_eq!(Settled::get(), [(vec![(EVE, 4), (BOB, 1)], 8)]);
		Submissions::<Test>::mutate(id, |s| s.as_mut().unwrap().terms.fee -= 50);
	});
}

/// Who delegates to a verifier pays for its faults, and has its part of what it earns.
#[test]
fn a_fee_goes_to_the_verifier_and_to_the_stake_behind_it() {
	with_head(|model| {
		Commission::set(Perbill::from_percent(10));
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		let (before, delegators) = (VERIFIERS.map(wealth), wealth(DELEGATORS));
		assert_ok!(settle(id));
		let gains: Vec<_> = VERIFIERS.iter().zip(before).map(|(who, before)| wealth(*who) - before).collect();
		// A tenth of 21 is 2.
		assert_eq!((gains, wealth(DELEGATORS) - delegators), (vec![2; 3], 3 * (SHARE - 2)));
	});
}

#[test]
fn a_verifier_without_a_stake_any_more_has_its_fee_alone() {
	with_head(|model| {
		Commission::set(Perbill::from_percent(10));
		NoPool::set(VERIFIERS.to_vec());
		let id = submit(model, &Attempt::new(ALICE, |i| i < 20));
		approve(id);
		pass(CHALLENGE_WINDOW);
		let (before, delegators) = (VERIFIERS.map(wealth), wealth(DELEGATORS));
		assert_ok!(settle(id));
		let gains: Vec<_> = VERIFIERS.iter().zip(before).map(|(who, before)| wealth(*who) - before).collect();
		assert_eq!((gains, wealth(DELEGATORS)), (vec![SHARE; 3], delegators));
	});
}
