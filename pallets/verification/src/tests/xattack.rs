//! Measurements of attacks.

use super::*;

/// Honest stake delegated with few operators, an attacker's spread over accounts of the least stake.
#[test]
fn spread_stake_against_concentrated_stake() {
	for (whales, share) in [(2, 20u64), (3, 20), (4, 20), (6, 20), (2, 10), (3, 10), (5, 30), (10, 20)] {
		// Sybils of 700 each: 20 of them.
		let sybils = 18u64;
		let attacker = sybils * 700;
		let honest = attacker * (100 - share) / share / whales;
		let stakes: Vec<u64> = (0..whales).map(|_| honest).chain((0..sybils).map(|_| 700)).collect();
		let (mut quorum, mut stop, mut drawn, mut seats) = (0, 0, 0, 0);
		for luck in 0..200 {
			with_stakes(&stakes).execute_with(|| {
				Luck::set(luck);
				Committee::set(8);
				AbleShare::set(Perbill::from_parts(666_666_667));
				next_epoch();
				assert_ok!(open_task(TASK));
				next_epoch();
				next_epoch();
				let members = members(TASK);
				if members.is_empty() {
					return;
				}
				drawn += 1;
				let bad = members.iter().filter(|index| **index >= whales as usize).count() as u32;
				seats += bad;
				quorum += u32::from(bad >= task(TASK).quorum);
				stop += u32::from(bad > task(TASK).size - task(TASK).quorum);
			});
		}
		println!(
			"whales {whales} attacker {share}%: drawn {drawn} quorum {quorum} stop {stop} seats {seats}"
		);
	}
}

/// A third and more of the stake declares the least capacity: what does it cost, and what can still be verified?
#[test]
fn the_least_capacity_as_a_veto() {
	for bad in [2usize, 3, 4] {
		run(10, || {
			AbleShare::set(Perbill::from_parts(666_666_667));
			for index in 0..bad {
				let least = Load { time: 10, bytes: 10 };
				assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), least));
			}
			next_epoch();
			let mut drawn = 0;
			for id in 0..60 {
				Luck::set(id);
				let id = TaskId::Submission(100 + id);
				Patience::set(4);
				assert_ok!(open_task(id));
				next_epoch();
				next_epoch();
				drawn += u32::from(!members(id).is_empty());
				close_task(id, Ending::Void);
			}
			println!("{bad} of 10 with the least capacity: {drawn} of 60 drawn, slashes {}", slashes().len());
		});
	}
}

/// A member that has run a part of the records sees which are wanted, and has everybody asked again.
#[test]
fn lazy_and_absent_members_escape_by_a_demand() {
	run_drawn(4, || {
		// 3 stays away, 2 has run a third of the records only.
		let lazy = Member::with(2, TASK, Verdict::Valid, outputs(&[3, 4, 5, 6, 7, 8]));
		[Member::new(0, Verdict::Valid), Member::new(1, Verdict::Valid), lazy]
			.iter()
			.for_each(Member::commit);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Committing { .. } | Phase::Sealed { .. }));
		println!("wanted {:?}", task(TASK).wanted);
		assert!(reopen().is_some());
		answer(&[0, 1, 2, 3].map(|index| Member::new(index, Verdict::Valid)));
		close(Ending::Accepted);
		println!("slashes after a reopening: {:?}", slashes());
	});
}

/// Accusers and abstainers stop everything, and it costs nothing as long as nobody showed the weights.
#[test]
fn a_minority_of_unavailable_as_a_veto() {
	run(12, || {
		draw(TASK);
		let bad = members(TASK)[..2].to_vec();
		let says = |index: usize, bad: &[usize]| {
			Member::new(index, if bad.contains(&index) { Verdict::Unavailable } else { Verdict::Valid })
		};
		let all = members(TASK);
		answer(&all.iter().map(|index| says(*index, &bad)).collect::<Vec<_>>());
		println!("{:?} {:?}", task(TASK).phase, slashes());
	});
}

/// A task that waits before another is ended when the seed is known, or not: two committees to choose from.
#[test]
fn ending_a_task_that_waits_before_another() {
	let drawn = |luck: u64, end: bool, lazy: bool| {
		let mut drawn = Vec::new();
		run(10, || {
			Luck::set(luck);
			AbleShare::set(Perbill::from_percent(50));
			MaxDraws::set(1);
			for index in 0..10 {
				let room = Load { time: 100, bytes: 100 };
				assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(index)), room));
			}
			next_epoch();
			assert_ok!(open_task(OTHER));
			assert_ok!(open_task(TASK));
			next_epoch();
			if end && !lazy {
				close_task(OTHER, Ending::Withheld);
			}
			Epoch::set(Epoch::get() + 1);
			if end && lazy {
				close_task(OTHER, Ending::Withheld);
			}
			ticks(3);
			drawn = members(TASK);
		});
		drawn
	};
	let differ = (0..50).filter(|luck| drawn(*luck, true, true) != drawn(*luck, false, true)).count();
	println!("another committee by ending a waiting task: {differ} of 50");
}
