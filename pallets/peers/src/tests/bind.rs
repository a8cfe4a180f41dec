//! Peers bound to accounts.

use super::*;
use oda_pallet_traits::Peers as Border;

const KEY: fn() -> PeerKey = || peer(BOB).public().0;

#[test]
fn a_peer_is_bound_both_ways_with_a_deposit() {
	run(|| {
		assert_ok!(bind(BOB));
		assert_eq!(Peers::peer(BOB), Some(KEY()));
		assert_eq!(<Peers as Border<_>>::peer_of(&BOB), Some(KEY()));
		assert_eq!(Peers::account(KEY()), Some(BOB));
		assert_eq!(held(BOB), PEER_DEPOSIT);
		assert!(happened(Event::PeerBound { who: BOB, peer: KEY() }));
	});
}

#[test]
fn binding_another_peer_replaces_the_first_under_one_deposit() {
	run(|| {
		assert_ok!(bind(BOB));
		let pair = peer(99);
		assert_ok!(Peers::bind(RuntimeOrigin::signed(BOB), pair.public().0, binding(&pair, BOB)));
		assert_eq!(Peers::peer(BOB), Some(pair.public().0));
		assert_eq!(Peers::account(KEY()), None);
		assert_eq!(held(BOB), PEER_DEPOSIT);
	});
}

#[test]
fn bind_fails_when_the_peer_is_somebody_elses() {
	run(|| {
		assert_ok!(bind(ALICE));
		let pair = peer(ALICE);
		let result = Peers::bind(RuntimeOrigin::signed(BOB), pair.public().0, binding(&pair, BOB));
		assert_noop!(result, Error::<Test>::PeerTaken);
	});
}

#[test]
fn bind_fails_when_another_key_or_account_or_chain_was_signed() {
	run(|| {
		let pair = peer(BOB);
		let other_chain = pair.sign(&message::peer_binding(&[9; 32], &BOB)).0;
		for signature in [binding(&peer(99), BOB), binding(&pair, POOR), other_chain, [0; 64]] {
			let result = Peers::bind(RuntimeOrigin::signed(BOB), KEY(), signature);
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
		assert_ok!(bind(BOB));
		assert_ok!(Peers::unbind(RuntimeOrigin::signed(BOB)));
		assert_eq!(held(BOB), 0);
		assert!(happened(Event::PeerUnbound { who: BOB, peer: KEY() }));
		let pair = peer(BOB);
		assert_ok!(Peers::bind(RuntimeOrigin::signed(ALICE), KEY(), binding(&pair, ALICE)));
	});
}

#[test]
fn what_a_peer_signed_once_binds_it_to_that_account_again() {
	run(|| {
		assert_ok!(bind(BOB));
		assert_ok!(Peers::unbind(RuntimeOrigin::signed(BOB)));
		assert_ok!(bind(BOB));
		assert_eq!(Peers::account(KEY()), Some(BOB));
	});
}

#[test]
fn unbind_fails_without_a_peer() {
	run(|| {
		assert_noop!(Peers::unbind(RuntimeOrigin::signed(BOB)), Error::<Test>::NotBound);
	});
}

#[test]
fn a_pinned_peer_can_be_exchanged_and_not_released() {
	run(|| {
		assert_err!(Peers::pin(&BOB), Error::<Test>::NotBound);
		assert_ok!(bind(BOB));
		assert_ok!(Peers::pin(&BOB));
		assert_ok!(Peers::pin(&BOB));
		let pair = peer(99);
		assert_ok!(Peers::bind(RuntimeOrigin::signed(BOB), pair.public().0, binding(&pair, BOB)));
		Peers::unpin(&BOB);
		assert_noop!(Peers::unbind(RuntimeOrigin::signed(BOB)), Error::<Test>::PeerInUse);
		Peers::unpin(&BOB);
		assert_ok!(Peers::unbind(RuntimeOrigin::signed(BOB)));
	});
}

#[test]
fn every_error_keeps_its_index() {
	use codec::Encode;
	let errors: [Error<Test>; 4] =
		[Error::PeerTaken, Error::BadPeerSignature, Error::NotBound, Error::PeerInUse];
	for (index, error) in errors.iter().enumerate() {
		assert_eq!(error.encode(), [index as u8]);
	}
}
