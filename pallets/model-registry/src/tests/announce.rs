//! Announcing, and taking an announcement back.

use super::*;
use crate::{Announcements, HoldReason};
use polkadot_sdk::{frame_support::traits::fungible::InspectHold, sp_runtime::TokenError};

fn announce(who: u64, commitment: [u8; 32]) -> DispatchResult {
	Registry::announce(RuntimeOrigin::signed(who), commitment)
}

fn remove(who: u64, registrar: u64, commitment: [u8; 32]) -> DispatchResult {
	Registry::remove_announcement(RuntimeOrigin::signed(who), registrar, commitment)
}

fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::Announcement.into(), &who)
}

#[test]
fn announce_holds_a_deposit_and_stores_its_own_deadlines() {
	run(|| {
		assert_ok!(announce(ALICE, [1; 32]));
		let [stored] = &Announcements::<Test>::get(ALICE)[..] else { panic!("one announcement") };
		assert_eq!((stored.commitment, stored.opens_at, stored.closes_at), ([1; 32], 105, 140));
		assert_eq!(held(ALICE), announcement_deposit());
		System::assert_last_event(
			Event::Announced { registrar: ALICE, commitment: [1; 32], opens_at: 105, closes_at: 140 }.into(),
		);
	});
}

#[test]
fn announce_fails_when_it_was_announced_already() {
	run(|| {
		assert_ok!(announce(ALICE, [1; 32]));
		assert_noop!(announce(ALICE, [1; 32]), Error::<Test>::AlreadyAnnounced);
		assert_ok!(announce(BOB, [1; 32]));
	});
}

#[test]
fn announce_fails_beyond_the_most() {
	run(|| {
		for number in 0..3 {
			assert_ok!(announce(ALICE, [number; 32]));
		}
		assert_noop!(announce(ALICE, [3; 32]), Error::<Test>::TooManyAnnouncements);
		assert_ok!(remove(ALICE, ALICE, [1; 32]));
		assert_ok!(announce(ALICE, [3; 32]));
	});
}

#[test]
fn announce_fails_without_the_deposit() {
	run(|| {
		let all = Balances::free_balance(POOR);
		let can = (all - 1) / announcement_deposit();
		for number in 0..can {
			assert_ok!(announce(POOR, [number as u8; 32]));
		}
		assert_noop!(announce(POOR, [9; 32]), TokenError::FundsUnavailable);
	});
}

#[test]
fn register_ends_the_announcement_and_releases_its_deposit() {
	run(|| {
		pending();
		assert!(!Announcements::<Test>::contains_key(ALICE));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn register_fails_without_an_announcement_of_this_model_by_this_account_with_this_salt() {
	run(|| {
		let spec = fixture::spec(2, 0);
		let unannounced = |who: u64, spec: &ModelSpec, salt| {
			let spec = Box::new(spec.clone());
			let call = Registry::register(RuntimeOrigin::signed(who), spec, proof(2), None, salt);
			assert_noop!(call, Error::<Test>::NotAnnounced);
		};
		unannounced(ALICE, &spec, SALT);
		announced(ALICE, spec.id());
		unannounced(BOB, &spec, SALT);
		unannounced(ALICE, &spec, [8; 32]);
		unannounced(ALICE, &fixture::spec(2, 1), SALT);
		assert_ok!(register_spec(ALICE, spec, proof(2), None));
	});
}

#[test]
fn register_fails_outside_of_the_announcements_life() {
	run(|| {
		let spec = fixture::spec(2, 0);
		assert_ok!(announce(ALICE, commitment(ALICE, spec.id())));
		let register = || register_spec(ALICE, spec.clone(), proof(2), None);
		// What holds is what was promised.
		MinAnnouncementAge::set(0);
		AnnouncementLifetime::set(1_000);
		Time::set(104);
		assert_noop!(register(), Error::<Test>::AnnouncementTooYoung);
		Time::set(140);
		assert_noop!(register(), Error::<Test>::AnnouncementExpired);
		Time::set(139);
		assert_ok!(register());
	});
}

#[test]
fn remove_by_the_registrar_needs_no_waiting() {
	run(|| {
		assert_ok!(announce(ALICE, [1; 32]));
		assert_ok!(remove(ALICE, ALICE, [1; 32]));
		assert_eq!(held(ALICE), 0);
		assert!(!Announcements::<Test>::contains_key(ALICE));
		System::assert_last_event(
			Event::AnnouncementRemoved { registrar: ALICE, commitment: [1; 32] }.into(),
		);
	});
}

#[test]
fn remove_by_anyone_waits_until_it_has_expired_and_pays_the_registrar() {
	run(|| {
		assert_ok!(announce(ALICE, [1; 32]));
		Time::set(139);
		assert_noop!(remove(BOB, ALICE, [1; 32]), Error::<Test>::AnnouncementLive);
		Time::set(140);
		assert_ok!(remove(BOB, ALICE, [1; 32]));
		assert_eq!((Balances::free_balance(ALICE), Balances::free_balance(BOB)), (ENDOWMENT, ENDOWMENT));
	});
}

#[test]
fn remove_fails_without_such_an_announcement() {
	run(|| {
		assert_noop!(remove(ALICE, ALICE, [1; 32]), Error::<Test>::NotAnnounced);
		assert_ok!(announce(ALICE, [1; 32]));
		assert_noop!(remove(ALICE, ALICE, [2; 32]), Error::<Test>::NotAnnounced);
	});
}
