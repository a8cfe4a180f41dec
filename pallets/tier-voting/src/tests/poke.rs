//! Waking polls.

use super::*;

fn poke(poll: u32) -> polkadot_sdk::sp_runtime::DispatchResult {
	dispatch(NOBODY, crate::Call::<Test>::poke { poll })
}

#[test]
fn anybody_has_a_poll_looked_at() {
	run(|| {
		let poll = start(0);
		assert_ok!(poke(poll));
		assert_eq!(touches(poll), 1);
	});
}

#[test]
fn a_poke_changes_no_tally() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		assert_ok!(poke(poll));
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn nobody_pokes_what_is_over_or_no_poll() {
	run(|| {
		let poll = start(0);
		end(poll, true);
		assert_noop!(poke(poll), Error::<Test>::NotOngoing);
		assert_noop!(poke(7), Error::<Test>::NotOngoing);
	});
}
