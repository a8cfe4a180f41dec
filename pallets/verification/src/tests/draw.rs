//! Who is drawn, and what can no more change that.

use super::*;
use proptest::prelude::*;

/// Opens the task, lets the epochs pass, and does `late` after the inputs were frozen: in the epoch before the draw, or in
/// that of the draw, before it.
fn drawn_despite(stakes: &[u64], luck: u64, late: &[(bool, Act)]) -> Vec<AccountId32> {
	with_stakes(stakes).execute_with(|| {
		Luck::set(luck);
		Committee::set(2);
		AbleShare::set(Perbill::zero());
		// A task that is still open then, and takes all the room that some have.
		for index in 0..4 {
			let room = Load { time: 100, bytes: 100 };
			assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), room));
		}
		next_epoch();
		assert_ok!(open_task(OTHER));
		next_epoch();
		assert_ok!(open_task(TASK));
		next_epoch();
		let before = |after: bool| late.iter().filter(move |(other, _)| *other == after).map(|(_, act)| act);
		before(false).for_each(Act::take);
		Epoch::set(Epoch::get() + 1);
		before(true).for_each(Act::take);
		tick();
		check();
		task(TASK).members.to_vec()
	})
}

/// What somebody could do to change a draw whose inputs are frozen.
#[derive(Clone, Debug)]
enum Act {
	Bond(usize, u64),
	Unbond(usize, u64),
	Capacity(usize, u64),
	Rest(usize),
	Away(usize),
	Dismiss(usize),
	Wake(usize),
	Leave(usize),
	Join(usize, u64),
	CloseOther,
	OpenAnother(u64),
	Tick,
}

impl Act {
	fn take(&self) {
		let signed = |index: &usize| RuntimeOrigin::signed(key(*index));
		match self {
			Self::Bond(index, amount) => bond(&key(*index), *amount),
			Self::Unbond(index, amount) => unbond(&key(*index), *amount),
			Self::Capacity(index, room) => {
				let _ = Verification::set_capacity(signed(index), Load { time: *room, bytes: *room });
			}
			Self::Rest(index) => {
				let _ = Verification::rest(signed(index));
			}
			Self::Wake(index) => {
				let _ = Verification::wake(signed(index));
			}
			Self::Leave(index) => {
				let _ = Verification::leave(signed(index));
			}
			Self::Join(index, amount) => {
				bond(&key(*index), *amount);
				let _ = Verification::join(signed(index), ROOM);
			}
			Self::CloseOther => drop(close_task(OTHER, Ending::Void)),
			Self::OpenAnother(id) => {
				let _ = open_task(TaskId::Submission(100 + id));
			}
			Self::Away(index) => Verification::send_away(&key(*index)),
			Self::Dismiss(index) => {
				AwayEpochs::set(0);
				let _ = Verification::dismiss(signed(&(STRANGER)), key(*index));
			}
			Self::Tick => Time::set(Time::get() + 1),
		}
	}
}

fn act() -> impl Strategy<Value = Act> {
	let who = 0..6usize;
	prop_oneof![
		(who.clone(), 1..9_000u64).prop_map(|(who, amount)| Act::Bond(who, amount)),
		(who.clone(), 1..9_000u64).prop_map(|(who, amount)| Act::Unbond(who, amount)),
		(who.clone(), 10..2_000_000u64).prop_map(|(who, room)| Act::Capacity(who, room)),
		who.clone().prop_map(Act::Rest),
		who.clone().prop_map(Act::Away),
		who.clone().prop_map(Act::Dismiss),
		who.clone().prop_map(Act::Wake),
		who.prop_map(Act::Leave),
		(6..9usize, 700..90_000u64).prop_map(|(who, amount)| Act::Join(who, amount)),
		Just(Act::CloseOther),
		(0..3u64).prop_map(Act::OpenAnother),
		Just(Act::Tick),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(200))]

	/// By nobody: verifiers cannot by bonding late, by their capacity, by resting or by closing what they have; trainers and
	/// registrars cannot by opening more, or by what time it is.
	#[test]
	fn nothing_that_is_done_once_the_inputs_are_frozen_changes_who_is_drawn(
		stakes in prop::collection::vec(900..5_000u64, 6),
		luck: u64,
		late in prop::collection::vec((any::<bool>(), act()), 0..12),
	) {
		prop_assert_eq!(drawn_despite(&stakes, luck, &late), drawn_despite(&stakes, luck, &[]));
	}
}

#[test]
fn another_seed_draws_others() {
	let stakes = [STAKE; 6];
	let drawn: std::collections::BTreeSet<_> =
		(0..20).map(|luck| drawn_despite(&stakes, luck, &[])).collect();
	assert!(drawn.len() > 5, "{}", drawn.len());
}

#[test]
fn who_bonds_before_the_freeze_is_drawn_and_who_bonds_after_it_is_not() {
	run(1, || {
		next_epoch();
		bond(&key(1), STAKE);
		assert_ok!(Verification::join(RuntimeOrigin::signed(key(1)), ROOM));
		Committee::set(2);
		assert_ok!(open_task(TASK));
		next_epoch();
		bond(&key(2), 100 * STAKE);
		assert_ok!(Verification::join(RuntimeOrigin::signed(key(2)), ROOM));
		next_epoch();
		assert_eq!(members(TASK), [0, 1]);
	});
}

#[test]
fn a_task_is_not_drawn_before_the_second_epoch_after_its_opening() {
	run(4, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		ticks(20);
		next_epoch();
		ticks(20);
		assert!(matches!(task(TASK).phase, Phase::Drawing { ready: 3, .. }));
		next_epoch();
		assert_eq!(members(TASK).len(), 4);
	});
}

#[test]
fn who_has_no_room_for_the_load_or_the_lie_is_not_drawn() {
	// Whether it ever gets a vote, which follows its stake.
	let is_drawn = |change: &dyn Fn()| {
		(0..16).any(|luck| {
			let mut is_drawn = false;
			run(4, || {
				Luck::set(luck);
				change();
				draw(TASK);
				is_drawn = members(TASK).contains(&0);
			});
			is_drawn
		})
	};
	let set = |time, bytes| {
		assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(0)), Load { time, bytes }));
	};
	// The task takes 90 and 50.
	assert!(is_drawn(&|| set(90, 50)));
	assert!(!is_drawn(&|| set(89, 50)));
	assert!(!is_drawn(&|| set(90, 49)));
	assert!(is_drawn(&|| unbond(&key(0), STAKE - 700)));
	assert!(!is_drawn(&|| unbond(&key(0), STAKE - 699)));
	// Less is left of it by now than it takes.
	assert!(!is_drawn(&|| drop(Played::slash(Role::Verifier, &key(0), STAKE - 400))));
}

#[test]
fn room_and_stake_are_taken_at_the_draw_and_free_again_for_draws_that_freeze_after_the_end() {
	run(1, || {
		let room = Load { time: 100, bytes: 100 };
		assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(0)), room));
		draw(TASK);
		let used = Verification::verifier(key(0)).unwrap().used;
		assert_eq!(used, Usage { time: 90, bytes: 50, stake: 401 });
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 401);
		assert_ok!(open_task(OTHER));
		next_epoch();
		// The inputs of the draw are frozen: this end comes too late for it.
		close(Ending::Void);
		assert_eq!(Verification::verifier(key(0)).unwrap().used, Usage::default());
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 0);
		next_epoch();
		assert_eq!(events().last(), Some(&Event::DrawFailed { task: OTHER, able: 0, samples: 64 }));
		next_epoch();
		assert_eq!(members(OTHER), [0]);
	});
}

/// What is bonded after the freeze, or was leaving before it and may be gone any time, would be a way to choose.
#[test]
fn only_the_frozen_stake_answers_for_seats() {
	for late in [false, true] {
		run(1, || {
			// Enough for one lie, and not for two.
			unbond(&key(0), STAKE - 800);
			draw(OTHER);
			assert_ok!(open_task(TASK));
			next_epoch();
			if late {
				bond(&key(0), 5_000);
			}
			next_epoch();
			assert_eq!(events().last(), Some(&Event::DrawFailed { task: TASK, able: 0, samples: 64 }));
			next_epoch();
			assert_eq!(members(TASK).len(), usize::from(late));
		});
	}
}

#[test]
fn a_task_waits_until_enough_of_the_stake_is_able_and_lapses_when_its_patience_ends() {
	run(4, || {
		Patience::set(100);
		AbleShare::set(Perbill::from_percent(60));
		for index in 0..2 {
			let small = Load { time: 10, bytes: 10 };
			assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), small));
		}
		next_epoch();
		let opened = Time::get();
		assert_ok!(open_task(TASK));
		next_epoch();
		for epoch in 3..6 {
			next_epoch();
			assert!(matches!(events().last(), Some(Event::DrawFailed { able, .. }) if *able < 39));
			assert!(matches!(task(TASK).phase, Phase::Drawing { ready, .. } if ready == epoch + 1));
		}
		ticks(opened + 100 - Time::get());
		assert_eq!(status(), Some(TaskStatus::Lapsed));
		assert_eq!(events().last(), Some(&Event::TaskLapsed { task: TASK }));
		assert!(close(Ending::Lapsed).is_empty());
		// What is left of it in the queue is passed over.
		next_epoch();
		assert_eq!(status(), None);
	});
}

#[test]
fn a_committee_below_the_least_size_is_not_seated() {
	run(3, || {
		MinCommittee::set(3);
		next_epoch();
		assert_ok!(open_task(TASK));
		assert_ok!(Verification::rest(RuntimeOrigin::signed(key(0))));
		next_epoch();
		next_epoch();
		assert!(matches!(events().last(), Some(Event::DrawFailed { task: TASK, able: 64, samples: 64 })));
		assert!((0..3).all(|index| Bonds::get(key(index)).unwrap().reserved == 0));
	});
}

#[test]
fn what_was_closed_and_opened_again_waits_like_anything_else() {
	run(4, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		next_epoch();
		close(Ending::Void);
		assert_ok!(open_task(TASK));
		// The first one's place in the queue comes before it is ready.
		next_epoch();
		assert!(matches!(task(TASK).phase, Phase::Drawing { ready: 4, .. }));
		next_epoch();
		assert_eq!(members(TASK).len(), 4);
	});
}

/// When most verifiers are absent so long that they are not drawn any more, those who are left would judge everything.
#[test]
fn who_is_left_in_an_outage_should_not_judge_alone() {
	let drawn = |leave: &dyn Fn(usize)| {
		let mut drawn = Vec::new();
		run(5, || {
			(0..4).for_each(leave);
			next_epoch();
			assert_ok!(open_task(TASK));
			next_epoch();
			next_epoch();
			drawn = members(TASK);
		});
		drawn
	};
	assert!(drawn(&|index| Verification::send_away(&key(index))).is_empty());
	// Who rests has said so, and does not count.
	let rest = |index| Verification::rest(RuntimeOrigin::signed(key(index))).unwrap();
	assert_eq!(drawn(&rest), [4]);
}

/// Whoever fills the others' room by a mass of tasks would have its own verifiers judge its claim.
#[test]
fn tasks_opened_in_mass_during_an_outage_should_not_be_judged_by_who_is_left() {
	let attack = |able: Perbill| {
		let mut result = (Vec::new(), Vec::new());
		run(5, || {
			AbleShare::set(able);
			Committee::set(5);
			// The honest have room for one task; the attacker, the last, for any number.
			for index in 0..4 {
				let room = Load { time: 100, bytes: 100 };
				assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), room));
			}
			draw(OTHER);
			assert_eq!(members(OTHER), [0, 1, 2, 3, 4]);
			// They are busy with it; and now comes the claim that is a lie.
			assert_ok!(open_task(TASK));
			next_epoch();
			next_epoch();
			let at_once = members(TASK);
			// When the others have room again, it is judged by all.
			close_task(OTHER, Ending::Void);
			(0..3).for_each(|_| next_epoch());
			result = (at_once, members(TASK));
		});
		result
	};
	assert_eq!(attack(Perbill::zero()), (vec![4], vec![4]));
	assert_eq!(attack(Perbill::from_percent(50)), (vec![], vec![0, 1, 2, 3, 4]));
}

/// What is drawn before takes room: so who ends a task that waits in front of others, when the seed is known, chooses between two
/// committees of theirs. It does so only where a seat more or less decides whether a verifier has room.
#[test]
fn ending_what_waits_in_front_changes_a_committee_only_where_room_is_scarce() {
	let drawn = |luck: u64, room: u64, end: bool| {
		let mut drawn = Vec::new();
		run(10, || {
			Luck::set(luck);
			for index in 0..10 {
				let room = Load { time: room, bytes: room };
				assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), room));
			}
			next_epoch();
			assert_ok!(open_task(OTHER));
			assert_ok!(open_task(TASK));
			next_epoch();
			Epoch::set(Epoch::get() + 1);
			if end {
				close_task(OTHER, Ending::Void);
			}
			tick();
			drawn = members(TASK);
		});
		drawn
	};
	let differ = |room| (0..20).filter(|luck| drawn(*luck, room, true) != drawn(*luck, room, false)).count();
	// A task takes 90.
	assert_eq!(differ(200), 0);
	assert!(differ(100) > 10);
}
