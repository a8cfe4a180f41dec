//! The invariants notice what is broken.

use super::*;

/// Binds Alice's and Bob's peers, breaks something, and expects the invariants to say so.
fn broken(breaks: impl FnOnce(), says: &'static str) {
	ext().execute_with(|| {
		assert_ok!(bind(ALICE));
		assert_ok!(bind(BOB));
		assert_ok!(Peers::do_try_state());
		breaks();
		assert_eq!(Peers::do_try_state(), Err(says.into()));
	});
}

#[test]
fn a_peer_that_does_not_name_its_account_is_noticed() {
	broken(|| AccountOf::<Test>::remove(peer(ALICE).public().0), "a peer does not name its account");
}

#[test]
fn an_account_of_another_peer_is_noticed() {
	broken(|| AccountOf::<Test>::insert([7; 32], BOB), "an account has another peer");
}
