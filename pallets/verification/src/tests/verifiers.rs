//! Joining, capacity, resting, leaving.

use super::*;
use crate::{FreePlaceCount, Nodes, Places};
use oda_pallet_traits::Ending;

fn join(index: usize) -> DispatchResult {
	Verification::join(RuntimeOrigin::signed(key(index)), ROOM)
}

fn rest(index: usize) -> DispatchResult {
	Verification::rest(RuntimeOrigin::signed(key(index)))
}

fn wake(index: usize) -> DispatchResult {
	Verification::wake(RuntimeOrigin::signed(key(index)))
}

fn leave(index: usize) -> DispatchResult {
	Verification::leave(RuntimeOrigin::signed(key(index)))
}

fn held(index: usize) -> u64 {
	Balances::balance_on_hold(&HoldReason::VerifierDeposit.into(), &key(index))
}

fn weight(index: usize) -> u128 {
	Verification::verifier(key(index)).unwrap().weight
}

#[test]
fn join_makes_who_has_a_stake_a_verifier() {
	run(0, || {
		bond(&key(0), 900);
		assert!(!<Verification as Committees<AccountId32>>::able());
		assert_ok!(join(0));
		let view = Verification::verifier(key(0)).unwrap();
		assert_eq!((view.weight, view.duty, view.capacity, view.open), (900, Duty::Awake, ROOM, 0));
		assert!(held(0) > 0);
		assert!(<Verification as Committees<AccountId32>>::able());
		assert_eq!(
			events(),
			[
				Event::Joined { verifier: key(0), capacity: ROOM },
				Event::EligibilityChanged { verifier: key(0), eligible: true },
			]
		);
	});
}

#[test]
fn join_fails_without_enough_stake_or_room_or_funds_or_twice() {
	run(1, || {
		assert_noop!(join(0), Error::<Test>::AlreadyVerifier);
		assert_noop!(join(1), Error::<Test>::StakeTooLow);
		bond(&key(1), 699);
		assert_noop!(join(1), Error::<Test>::StakeTooLow);
		bond(&key(1), 1);
		for (time, bytes) in [(9, 10), (10, 9)] {
			let origin = RuntimeOrigin::signed(key(1));
			let refused = Verification::join(origin, Load { time, bytes });
			assert_noop!(refused, Error::<Test>::CapacityTooSmall);
		}
		assert_noop!(Verification::join(RuntimeOrigin::none(), ROOM), DispatchError::BadOrigin);
		assert_ok!(join(1));
		let poor = AccountId32::new([1; 32]);
		bond(&poor, 700);
		assert!(Verification::join(RuntimeOrigin::signed(poor.clone()), ROOM).is_err());
		assert_eq!(Verification::verifier(poor), None);
	});
}

#[test]
fn there_are_no_more_verifiers_than_places() {
	run(0, || {
		crate::NextPlace::<Test>::put(crate::tree::PLACES);
		bond(&key(0), STAKE);
		assert_noop!(join(0), Error::<Test>::TooManyVerifiers);
		crate::NextPlace::<Test>::kill();
	});
}

#[test]
fn the_weight_follows_the_stake_and_is_nothing_below_the_least() {
	run(1, || {
		bond(&key(0), 500);
		assert_eq!(weight(0), 2_500);
		unbond(&key(0), 1_801);
		assert_eq!((stake(0), weight(0)), (699, 0));
		let changed = |eligible| Event::EligibilityChanged { verifier: key(0), eligible };
		assert_eq!(events(), [changed(false)]);
		bond(&key(0), 1);
		assert_eq!(weight(0), 700);
		assert_eq!(events(), [changed(false), changed(true)]);
		// Stakes for other roles are other stakes.
		Verification::changed(Role::Provider, &key(0), 5_000);
		assert_eq!(weight(0), 700);
	});
}

#[test]
fn who_rests_weighs_nothing_whatever_happens_to_its_stake() {
	run(1, || {
		assert_ok!(rest(0));
		assert_noop!(rest(0), Error::<Test>::AlreadyResting);
		bond(&key(0), 500);
		assert_eq!(weight(0), 0);
		assert_noop!(open_task(TASK), Error::<Test>::NoVerifiers);
		unbond(&key(0), 1_900);
		assert_noop!(wake(0), Error::<Test>::StakeTooLow);
		bond(&key(0), 100);
		assert_ok!(wake(0));
		assert_noop!(wake(0), Error::<Test>::NotResting);
		assert_eq!(weight(0), 700);
		assert_ok!(open_task(TASK));
		assert_noop!(rest(1), Error::<Test>::NotVerifier);
		assert_noop!(wake(1), Error::<Test>::NotVerifier);
	});
}

#[test]
fn who_rests_is_still_drawn_for_what_was_frozen_and_goes_on_with_its_open_tasks() {
	run(1, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		next_epoch();
		// Too late for this task, in time for the next.
		assert_ok!(rest(0));
		next_epoch();
		assert_eq!(members(TASK), [0]);
		answer(&[Member::new(0, Verdict::Valid)]);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		assert_eq!(close(Ending::Accepted), [0]);
	});
}

#[test]
fn leave_frees_all_rows_and_the_deposit_once_no_draw_can_name_the_verifier() {
	run(1, || {
		Epoch::set(5);
		assert_noop!(leave(0), Error::<Test>::NotResting);
		assert_ok!(rest(0));
		// It weighed something when this epoch began, and the next looks at that.
		assert_noop!(leave(0), Error::<Test>::StillInDraw);
		Epoch::set(6);
		assert_noop!(leave(0), Error::<Test>::StillInDraw);
		Epoch::set(7);
		assert_ok!(leave(0));
		assert_eq!((held(0), Verification::verifier(key(0))), (0, None));
		assert_eq!(Nodes::<Test>::iter().count() + Places::<Test>::iter().count(), 0);
		assert_eq!(events().last(), Some(&Event::Left { verifier: key(0) }));
		assert_noop!(leave(0), Error::<Test>::NotVerifier);
		// Its place is given to the next one.
		bond(&key(1), STAKE);
		assert_ok!(join(1));
		assert_eq!((Places::<Test>::get(0), FreePlaceCount::<Test>::get()), (Some(key(1)), 0));
	});
}

#[test]
fn leave_fails_while_a_member_of_an_open_task() {
	run_drawn(1, || {
		assert_ok!(rest(0));
		next_epoch();
		next_epoch();
		assert_noop!(leave(0), Error::<Test>::HasOpenTasks);
		close(Ending::Void);
		assert_ok!(leave(0));
	});
}

#[test]
fn the_capacity_can_be_changed_and_is_never_below_the_least() {
	run(1, || {
		let set = |index, time, bytes| {
			Verification::set_capacity(RuntimeOrigin::signed(key(index)), Load { time, bytes })
		};
		assert_ok!(set(0, 10, 20));
		assert_eq!(Verification::verifier(key(0)).unwrap().capacity, Load { time: 10, bytes: 20 });
		let capacity = Load { time: 10, bytes: 20 };
		assert_eq!(events(), [Event::CapacitySet { verifier: key(0), capacity }]);
		assert_noop!(set(0, 9, 20), Error::<Test>::CapacityTooSmall);
		assert_noop!(set(0, 10, 9), Error::<Test>::CapacityTooSmall);
		assert_noop!(set(1, 10, 20), Error::<Test>::NotVerifier);
	});
}

#[test]
fn genesis_makes_verifiers_of_those_with_a_stake() {
	use polkadot_sdk::frame_support::traits::BuildGenesisConfig;
	run(0, || {
		bond(&key(0), STAKE);
		crate::GenesisConfig::<Test> { verifiers: vec![(key(0), 20, 30)] }.build();
		assert_eq!(Verification::verifier(key(0)).unwrap().capacity, Load { time: 20, bytes: 30 });
	});
}

#[test]
#[should_panic(expected = "a genesis verifier cannot join")]
fn genesis_fails_when_a_verifier_has_no_stake() {
	use polkadot_sdk::frame_support::traits::BuildGenesisConfig;
	new_test_ext(0)
		.execute_with(|| crate::GenesisConfig::<Test> { verifiers: vec![(key(0), 20, 30)] }.build());
}

#[test]
fn anybody_can_dismiss_who_is_away_for_long() {
	run(2, || {
		let dismiss = |index| Verification::dismiss(RuntimeOrigin::signed(key(STRANGER)), key(index));
		assert_noop!(dismiss(9), Error::<Test>::NotVerifier);
		assert_noop!(dismiss(0), Error::<Test>::NotAway);
		assert_noop!(Verification::dismiss(RuntimeOrigin::none(), key(0)), DispatchError::BadOrigin);
		Epoch::set(3);
		Verification::send_away(&key(0));
		Epoch::set(7);
		assert_noop!(dismiss(0), Error::<Test>::NotAwayForLong);
		Epoch::set(8);
		assert_ok!(dismiss(0));
		let view = Verification::verifier(key(0)).unwrap();
		assert_eq!((view.duty, view.weight), (Duty::Resting, 0));
		assert_eq!(events().last(), Some(&Event::Rested { verifier: key(0) }));
		assert_noop!(dismiss(0), Error::<Test>::NotAway);
		// It can come back, and leave, as anybody who rests.
		assert_ok!(wake(0));
		assert_eq!(weight(0), STAKE.into());
	});
}

/// As long as who is away weighs more than the others, nothing can be drawn.
#[test]
fn stake_that_never_comes_back_should_not_stop_all_draws_for_ever() {
	run(5, || {
		(0..4).for_each(|index| Verification::send_away(&key(index)));
		next_epoch();
		assert_ok!(open_task(TASK));
		for _ in 1..AwayEpochs::get() {
			next_epoch();
			assert!(members(TASK).is_empty());
		}
		for index in 0..4 {
			assert_ok!(Verification::dismiss(RuntimeOrigin::signed(key(STRANGER)), key(index)));
		}
		next_epoch();
		assert!(members(TASK).is_empty());
		next_epoch();
		assert_eq!(members(TASK), [4]);
	});
}
