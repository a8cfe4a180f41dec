//! What happens by itself is bounded.

use super::*;
use crate::WeightInfo;
use polkadot_sdk::frame_support::weights::Weight;

/// Opens so many tasks in one epoch, and waits for that of their draw, without a tick in it.
fn open_many(count: u64, window: Tick) {
	next_epoch();
	for id in 0..count {
		let id = TaskId::Submission(id);
		assert_ok!(<Verification as Committees<AccountId32>>::open(id, CLAIM, &work(), window));
	}
	next_epoch();
	Epoch::set(Epoch::get() + 1);
}

fn drawn(count: u64) -> usize {
	(0..count).filter(|id| !task(TaskId::Submission(*id)).members.is_empty()).count()
}

#[test]
fn no_more_tasks_are_drawn_in_a_tick_than_the_constant_says() {
	run(4, || {
		open_many(4, WINDOW);
		MaxDraws::set(1);
		for expected in 1..=4 {
			tick();
			assert_eq!(drawn(4), expected);
		}
	});
}

#[test]
fn late_draws_give_the_same_committees() {
	let committees = |each_tick: &dyn Fn()| {
		let mut committees = Vec::new();
		new_test_ext(6).execute_with(|| {
			Committee::set(2);
			MaxDraws::set(100);
			open_many(6, 100);
			(0..20).for_each(|_| each_tick());
			committees = (0..6).map(|id| task(TaskId::Submission(id)).members.to_vec()).collect();
			check();
		});
		committees
	};
	let at_once = committees(&|| tick());
	assert!(at_once.iter().all(|members| members.len() == 2));
	assert!(at_once.iter().collect::<std::collections::BTreeSet<_>>().len() > 2);
	let slowly = committees(&|| {
		MaxDraws::set(1);
		tick();
	});
	assert_eq!(at_once, slowly);
	// Just enough for one, and then for none.
	let starved = committees(&|| {
		tick_within(Weight::zero());
		tick_within(<() as WeightInfo>::poll());
		let agenda = <() as WeightInfo>::next_in_agenda().saturating_mul(40);
		tick_within(<() as WeightInfo>::poll().saturating_add(agenda).saturating_add(draw_weight()));
	});
	assert_eq!(at_once, starved);
}

#[test]
fn no_more_phases_end_in_a_tick_than_the_constant_says() {
	run(4, || {
		open_many(4, WINDOW);
		tick();
		assert_eq!(drawn(4), 4);
		MaxAdvances::set(1);
		let again = || (0..4).filter(|id| task(TaskId::Submission(*id)).redrawn).count();
		ticks(WINDOW - 1);
		assert_eq!(again(), 0);
		for expected in 1..=4 {
			tick();
			assert_eq!(again(), expected);
		}
	});
}

#[test]
fn what_there_was_no_weight_for_is_done_later() {
	run(4, || {
		draw(TASK);
		[0, 1, 2, 3].map(|index| Member::new(index, Verdict::Valid)).iter().for_each(Member::commit);
		for _ in 0..20 {
			tick_within(Weight::zero());
		}
		assert!(matches!(task(TASK).phase, Phase::Sealed { .. }));
		tick();
		assert!(matches!(task(TASK).phase, Phase::Opening { .. }));
		assert_eq!(Member::new(0, Verdict::Valid).authorize_open().unwrap().longevity, 6);
	});
}

#[test]
fn a_tick_never_weighs_more_than_its_most_or_than_it_is_given() {
	run(4, || {
		open_many(30, WINDOW);
		let most = Verification::most_poll_weight();
		for part in (0..60).chain([1_000_000]) {
			let limit = most.saturating_mul(part).div(40);
			let weight = tick_within(limit);
			assert!(weight.all_lte(most) && weight.all_lte(limit));
		}
		for _ in 0..40 {
			assert!(tick_within(Weight::MAX).all_lte(most));
		}
	});
}

/// Nothing has to be caught up with from the beginning of time.
#[test]
fn a_pallet_that_begins_late_begins_at_once() {
	run(4, || {
		Time::set(9_000_000_000);
		Epoch::set(2_000_000);
		draw(TASK);
		assert_eq!(members(TASK).len(), 4);
		ticks(WINDOW);
		assert!(task(TASK).redrawn);
	});
}

#[test]
fn epochs_without_a_tick_delay_a_draw_and_nothing_else() {
	run(4, || {
		next_epoch();
		assert_ok!(open_task(TASK));
		// The first tick after a long time.
		Epoch::set(Epoch::get() + 40);
		(0..4).for_each(|_| tick());
		assert_eq!(members(TASK).len(), 4);
	});
}
