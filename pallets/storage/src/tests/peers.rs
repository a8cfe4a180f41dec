//! Peers bound to accounts.

use super::*;
use polkadot_sdk::sp_core::Pair;

const KEY: fn() -> PeerKey = || peer(PAYER).public().0;

#[test]
fn a_peer_is_bound_both_ways_with_a_deposit() {
	run(|| {
		assert_ok!(bind(PAYER));
		assert_eq!(Storage::peer_of(PAYER), Some(KEY()));
		assert_eq!(Storage::account_of(KEY()), Some(PAYER));
		assert_eq!(held(HoldReason::PeerDeposit, PAYER), PEER_DEPOSIT);
		assert!(happened(Event::PeerBound { who: PAYER, peer: KEY() }));
	});
}

#[test]
fn binding_another_peer_replaces_the_first_under_one_deposit() {
	run(|| {
		assert_ok!(bind(PAYER));
		let pair = peer(99);
		let origin = RuntimeOrigin::signed(PAYER);
		assert_ok!(Storage::bind_peer(origin, pair.public().0, binding(&pair, PAYER)));
		assert_eq!(Storage::peer_of(PAYER), Some(pair.public().0));
		assert_eq!(Storage::account_of(KEY()), None);
		assert_eq!(held(HoldReason::PeerDeposit, PAYER), PEER_DEPOSIT);
	});
}

#[test]
fn bind_fails_when_the_peer_is_somebody_elses() {
	run(|| {
		let pair = peer(ALICE);
		let origin = RuntimeOrigin::signed(PAYER);
		let result = Storage::bind_peer(origin, pair.public().0, binding(&pair, PAYER));
		assert_noop!(result, Error::<Test>::PeerTaken);
	});
}

#[test]
fn bind_fails_when_another_key_or_account_or_chain_was_signed() {
	run(|| {
		let pair = peer(PAYER);
		let other_chain = pair.sign(&message::peer_binding(&[9; 32], &PAYER)).0;
		for signature in [binding(&peer(99), PAYER), binding(&pair, POOR), other_chain, [0; 64]] {
			let result = Storage::bind_peer(RuntimeOrigin::signed(PAYER), KEY(), signature);
			assert_noop!(result, Error::<Test>::BadPeerSignature);
		}
	});
}

#[test]
fn bind_fails_when_the_deposit_cannot_be_held() {
	run(|| {
		assert_noop!(bind(POOR), DispatchError::Token(TokenError::FundsUnavailable));
	});
}

#[test]
fn unbind_returns_the_deposit_and_frees_the_peer() {
	run(|| {
		assert_ok!(bind(PAYER));
		assert_ok!(Storage::unbind_peer(RuntimeOrigin::signed(PAYER)));
		assert_eq!(held(HoldReason::PeerDeposit, PAYER), 0);
		assert!(happened(Event::PeerUnbound { who: PAYER, peer: KEY() }));
		let pair = peer(PAYER);
		let origin = RuntimeOrigin::signed(ALICE);
		assert_ok!(Storage::bind_peer(origin, KEY(), binding(&pair, ALICE)));
	});
}

#[test]
fn unbind_fails_without_a_peer_and_for_keepers() {
	run(|| {
		let unbind = |who| Storage::unbind_peer(RuntimeOrigin::signed(who));
		assert_noop!(unbind(PAYER), Error::<Test>::NotBound);
		assert_noop!(unbind(ALICE), Error::<Test>::PeerInUse);
	});
}
