//! The way back.

use super::*;
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};

fn appeal(who: u64) -> Result<(), DispatchError> {
	Reputation::appeal(RuntimeOrigin::signed(who), REASON)
}

fn resolve(who: u64, upheld: bool) -> Result<(), DispatchError> {
	Reputation::resolve_appeal(RuntimeOrigin::root(), who, upheld)
}

fn close(who: u64) -> Result<Pays, DispatchError> {
	let closed = Reputation::close_appeal(RuntimeOrigin::signed(99), who);
	closed.map(|info| info.pays_fee).map_err(|refused| refused.error)
}

/// Bans an account.
fn ban(who: u64) {
	for round in 1..=u64::from(BAN_AFTER) {
		Now::set(round * 1_000);
		suspend(who);
	}
}

#[test]
fn an_appeal_puts_its_deposit_on_hold() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		assert_eq!(free_balance(ALICE), ENDOWMENT - DEPOSIT);
		let until = APPEAL_TERM;
		assert!(happened(Event::AppealMade { who: ALICE, reason: REASON, deposit: DEPOSIT, until }));
		assert_eq!(Appeals::<Test>::get(ALICE), Some(Appeal { reason: REASON, deposit: DEPOSIT, until }));
	});
}

#[test]
fn who_is_in_good_standing_cannot_appeal() {
	run(|| {
		assert_noop!(appeal(ALICE), Error::<Test>::UnknownAccount);
		suspend(ALICE);
		Now::set(TERM);
		assert_noop!(appeal(ALICE), Error::<Test>::NotSuspended);
	});
}

#[test]
fn who_cannot_pay_the_deposit_cannot_appeal() {
	run(|| {
		suspend(77);
		assert_noop!(appeal(77), TokenError::FundsUnavailable);
	});
}

#[test]
fn a_suspension_can_be_appealed_against_once() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		assert_noop!(appeal(ALICE), Error::<Test>::AlreadyAppealed);
		assert_ok!(resolve(ALICE, false));
		assert_noop!(appeal(ALICE), Error::<Test>::AlreadyAppealed);
	});
}

#[test]
fn only_one_appeal_waits_at_a_time() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		Now::set(TERM);
		suspend(ALICE);
		assert_noop!(appeal(ALICE), Error::<Test>::AppealPending);
	});
}

#[test]
fn only_the_origin_answers() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		assert_noop!(
			Reputation::resolve_appeal(RuntimeOrigin::signed(BOB), ALICE, true),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn a_granted_appeal_returns_the_deposit_and_lifts_the_suspension() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 9_000);
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		assert_ok!(resolve(ALICE, true));
		assert_eq!(free_balance(ALICE), ENDOWMENT);
		assert_eq!((tier(ALICE), entry(ALICE).unwrap().suspensions), (5, 0));
		assert!(happened(Event::AppealResolved { who: ALICE, upheld: true, deposit: DEPOSIT }));
		assert!(happened(Event::Reinstated { who: ALICE }));
	});
}

#[test]
fn a_granted_appeal_lifts_a_ban() {
	run(|| {
		ban(ALICE);
		assert_ok!(appeal(ALICE));
		assert_ok!(resolve(ALICE, true));
		assert!(!Reputation::is_suspended(&ALICE));
		assert_eq!(entry(ALICE).unwrap().suspensions, BAN_AFTER - 1);
	});
}

#[test]
fn a_granted_appeal_after_the_term_takes_back_the_step() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		Now::set(TERM);
		saw(ALICE, Deed::Absent(TASK));
		assert_ok!(resolve(ALICE, true));
		assert_eq!(entry(ALICE).unwrap().suspensions, 0);
	});
}

#[test]
fn a_granted_appeal_does_not_lift_a_later_suspension() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		Now::set(TERM);
		suspend(ALICE);
		assert_ok!(resolve(ALICE, true));
		assert!(Reputation::is_suspended(&ALICE));
		assert_eq!(entry(ALICE).unwrap().suspensions, 1);
		assert_ok!(appeal(ALICE));
	});
}

#[test]
fn a_rejected_appeal_burns_the_deposit_and_changes_nothing() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		let (before, issuance) = (entry(ALICE), Balances::total_issuance());
		assert_ok!(resolve(ALICE, false));
		assert_eq!(entry(ALICE), before);
		assert_eq!(Balances::total_balance(&ALICE), ENDOWMENT - DEPOSIT);
		assert_eq!(Balances::total_issuance(), issuance - DEPOSIT);
	});
}

#[test]
fn an_appeal_that_nobody_answers_is_closed_without_a_fee_and_its_deposit_returned() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		Now::set(APPEAL_TERM - 1);
		assert_noop!(close(ALICE), Error::<Test>::AppealOpen);
		Now::set(APPEAL_TERM);
		assert_eq!(close(ALICE), Ok(Pays::No));
		assert_eq!(free_balance(ALICE), ENDOWMENT);
		assert!(happened(Event::AppealExpired { who: ALICE, deposit: DEPOSIT }));
		assert!(Reputation::is_suspended(&ALICE));
	});
}

#[test]
fn an_appeal_that_nobody_answered_can_be_made_again() {
	run(|| {
		ban(ALICE);
		assert_ok!(appeal(ALICE));
		Now::set(Now::get() + APPEAL_TERM);
		assert_ok!(close(ALICE));
		assert_ok!(appeal(ALICE));
	});
}

#[test]
fn an_appeal_returns_what_it_put_on_hold_whatever_the_deposit_is_now() {
	run(|| {
		suspend(ALICE);
		assert_ok!(appeal(ALICE));
		ToHold::set(9 * DEPOSIT);
		assert_ok!(resolve(ALICE, true));
		assert_eq!(free_balance(ALICE), ENDOWMENT);
	});
}

#[test]
fn who_never_appealed_has_no_appeal() {
	run(|| {
		assert_noop!(resolve(ALICE, true), Error::<Test>::UnknownAppeal);
		assert_noop!(close(ALICE), Error::<Test>::UnknownAppeal);
	});
}
