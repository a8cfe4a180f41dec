//! Votes that follow their account's tier a little later.

use super::*;
use polkadot_sdk::{
	frame_support::{traits::Hooks, weights::WeightMeter},
	sp_runtime::traits::Dispatchable,
};

/// A block that has so much room.
fn block(room: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(room);
	Voting::on_poll(1, &mut meter);
	meter.consumed()
}

#[test]
fn a_changed_tier_touches_no_poll_until_the_account_catches_up() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(ALICE, poll, true));
		let before = touches(poll);
		change_tier(ALICE, 4);
		assert_eq!((tally(poll), touches(poll)), ((1, 0), before));
		assert_ok!(catch_up(NOBODY, ALICE));
		assert_eq!(tally(poll), (4, 0));
		assert!(happened(Event::CaughtUp { who: ALICE, tier: 4 }));
	});
}

#[test]
fn the_tier_of_who_neither_votes_nor_delegates_counts_at_once() {
	run(|| {
		let before = TotalVotes::<Test>::get();
		change_tier(ALICE, 4);
		assert_eq!(TotalVotes::<Test>::get(), before + 3);
		assert_noop!(catch_up(NOBODY, ALICE), Error::<Test>::NotBehind);
	});
}

#[test]
fn a_block_lets_as_many_catch_up_as_it_has_room_for() {
	run(|| {
		let poll = start(0);
		for who in [ALICE, BOB, CAROL] {
			assert_ok!(vote(who, poll, true));
			change_tier(who, 5);
		}
		assert_eq!(block(Weight::zero()), Weight::zero());
		assert_eq!(Behind::<Test>::iter().count(), 3);
		let most = <Test as Config>::CatchUpWeight::get();
		assert!(block(Weight::MAX).all_lte(most));
		assert!(Behind::<Test>::iter().count() < 3);
		block(Weight::MAX);
		assert_eq!((tally(poll), Behind::<Test>::iter().count()), ((15, 0), 0));
	});
}

#[test]
fn a_tier_that_is_as_before_again_leaves_nothing_to_catch_up() {
	run(|| {
		let poll = start(0);
		assert_ok!(vote(CAROL, poll, true));
		change_tier(CAROL, 1);
		change_tier(CAROL, 2);
		change_tier(CAROL, 3);
		assert_noop!(catch_up(NOBODY, CAROL), Error::<Test>::NotBehind);
		assert_eq!(tally(poll), (3, 0));
	});
}

#[test]
fn who_has_no_tier_any_more_casts_no_new_vote_meanwhile() {
	run(|| {
		let (voted, other) = (start(0), start(0));
		assert_ok!(vote(CAROL, voted, true));
		change_tier(CAROL, 0);
		assert_noop!(vote(CAROL, other, true), Error::<Test>::NoTier);
		assert_ok!(retract(CAROL, voted));
		assert_eq!(tally(voted), (0, 0));
	});
}

#[test]
fn delegated_votes_follow_too() {
	run(|| {
		let poll = start(0);
		assert_ok!(delegate(ALICE, 0, BOB));
		assert_ok!(vote(BOB, poll, true));
		change_tier(ALICE, 4);
		assert_eq!(tally(poll), (3, 0));
		assert_ok!(undelegate(ALICE, 0));
		assert_eq!(tally(poll), (2, 0), "what counted is taken out");
		assert_ok!(catch_up(NOBODY, ALICE));
		assert_ok!(delegate(ALICE, 0, BOB));
		assert_eq!(tally(poll), (6, 0));
	});
}

#[test]
fn catching_up_is_free() {
	run(|| {
		assert_ok!(vote(CAROL, start(0), true));
		change_tier(CAROL, 1);
		let call = RuntimeCall::from(crate::Call::<Test>::catch_up { who: CAROL });
		let done = call.dispatch(RuntimeOrigin::signed(NOBODY)).unwrap();
		assert_eq!(done.pays_fee, polkadot_sdk::frame_support::dispatch::Pays::No);
	});
}
