//! Votes follow stake, however many accounts it lies in.

use super::*;
use std::collections::BTreeMap;

const DRAWS: u64 = 10_000;

/// Draws so many committees of `votes` votes among these stakes, once `change` is done; whose votes they were, in ascending
/// order, and how often.
fn drawn(draws: u64, stakes: &[u64], votes: u32, change: impl Fn()) -> BTreeMap<Vec<usize>, u64> {
	let mut counts = BTreeMap::new();
	with_stakes(stakes).execute_with(|| {
		Committee::set(votes);
		Samples::set(24);
		AbleShare::set(Perbill::zero());
		change();
		next_epoch();
		assert_ok!(open_task(TASK));
		Epoch::set(3);
		let task = task(TASK);
		for id in 0..draws {
			let Ok(chosen) = Verification::select(TaskId::Submission(id), &task, 3) else { continue };
			let mut whose = Vec::new();
			for candidate in &chosen {
				whose.extend(vec![index_of(&candidate.who); candidate.seat.votes as usize]);
				candidate.release(&task);
			}
			whose.sort();
			*counts.entry(whose).or_default() += 1;
		}
		check();
	});
	counts
}

/// Pearson's χ² of what was counted against what was expected.
fn chi_squared(counts: &BTreeMap<Vec<usize>, u64>, expected: &[(Vec<usize>, f64)]) -> f64 {
	let known: u64 = expected.iter().map(|(whose, _)| counts.get(whose).copied().unwrap_or(0)).sum();
	assert_eq!(known, DRAWS, "nothing else was drawn");
	let term = |(whose, share): &(Vec<usize>, f64)| {
		let (counted, expected) = (counts.get(whose).copied().unwrap_or(0) as f64, share * DRAWS as f64);
		(counted - expected).powi(2) / expected
	};
	expected.iter().map(term).sum()
}

#[test]
fn one_vote_goes_to_each_in_proportion_to_its_stake() {
	let stakes = [700, 1_100, 1_900, 3_300, 5_000];
	let total: u64 = stakes.iter().sum();
	let expected: Vec<_> =
		stakes.iter().enumerate().map(|(index, stake)| (vec![index], *stake as f64 / total as f64)).collect();
	let chi_squared = chi_squared(&drawn(DRAWS, &stakes, 1, || ()), &expected);
	// 1 % critical value for 4 degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.4).
	assert!(chi_squared < 13.277, "{chi_squared}");
}

#[test]
fn each_of_several_votes_goes_by_stake_within_a_part_of_its_own() {
	// Parts of 4,000: the first four share the first, the last two the second, and the third is the last one's.
	let stakes = [700, 1_100, 1_900, 3_300, 5_000];
	let mut expected = Vec::new();
	for (first, share) in [0.175, 0.275, 0.475, 0.075].into_iter().enumerate() {
		expected.push((vec![first, 3, 4], share * 0.75));
		expected.push((vec![first, 4, 4], share * 0.25));
	}
	let chi_squared = chi_squared(&drawn(DRAWS, &stakes, 3, || ()), &expected);
	// 1 % critical value for 7 degrees of freedom (the same table).
	assert!(chi_squared < 18.475, "{chi_squared}");
}

/// Half of the stake is one account's, and half that of twelve.
#[test]
fn a_stake_in_one_account_has_the_votes_that_it_would_have_in_many() {
	let stakes: Vec<u64> = [700; 5].into_iter().chain([8_400]).chain([700; 7]).collect();
	let mut votes = BTreeMap::<Vec<usize>, u64>::new();
	for (whose, count) in drawn(DRAWS, &stakes, 4, || ()) {
		let of_one = whose.iter().filter(|index| **index == 5).count();
		*votes.entry(vec![of_one]).or_default() += count;
	}
	// It has a sixth of the first part, the second, five sixths of the third, and nothing of the last.
	let expected = [(vec![1], 5.0 / 36.0), (vec![2], 26.0 / 36.0), (vec![3], 5.0 / 36.0)];
	let chi_squared = chi_squared(&votes, &expected);
	// 1 % critical value for 2 degrees of freedom (the same table).
	assert!(chi_squared < 9.210, "{chi_squared}");
}

#[test]
fn the_votes_of_who_is_not_able_go_to_the_others_by_stake() {
	let unable = || {
		let least = Load { time: 10, bytes: 10 };
		assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(3)), least));
	};
	// The second vote falls on the third or the last; from the last it goes to one of the three.
	let expected = [
		(vec![0, 2], 1.0 / 3.0),
		(vec![1, 2], 1.0 / 3.0),
		(vec![0, 0], 1.0 / 12.0),
		(vec![1, 1], 1.0 / 12.0),
		(vec![0, 1], 1.0 / 6.0),
	];
	let chi_squared = chi_squared(&drawn(DRAWS, &[STAKE; 4], 2, unable), &expected);
	// 1 % critical value for 4 degrees of freedom (the same table).
	assert!(chi_squared < 13.277, "{chi_squared}");
}

/// The chance of at least `least` successes of `n` with the chance `p` each.
fn at_least(least: i32, n: i32, p: f64) -> f64 {
	let choose = |x: i32| (0..x).map(|i| f64::from(n - i) / f64::from(x - i)).product::<f64>();
	(least..=n).map(|x| choose(x) * p.powi(x) * (1.0 - p).powi(n - x)).sum()
}

/// Honest stake lies with few operators, an attacker's in accounts of the least stake: when each account had one vote, however
/// often it was met, an attacker with a tenth had a quorum in 141 of 200 draws against two operators.
#[test]
fn a_stake_that_is_spread_should_have_no_more_votes_than_its_share() {
	const SYBILS: u64 = 18;
	let draws = 2_000;
	for (operators, percent) in [(2, 10), (2, 20), (3, 20), (6, 20), (5, 33)] {
		let attacker = SYBILS * 700;
		let honest = attacker * (100 - percent) / percent / operators;
		let stakes: Vec<u64> = (0..operators).map(|_| honest).chain((0..SYBILS).map(|_| 700)).collect();
		let (mut quorums, mut stops, mut votes) = (0, 0, 0u64);
		for (whose, count) in drawn(draws, &stakes, 8, || ()) {
			let bad = whose.iter().filter(|index| **index >= operators as usize).count() as u64;
			votes += bad * count;
			quorums += if bad >= 6 { count } else { 0 };
			stops += if bad > 2 { count } else { 0 };
		}
		let p = percent as f64 / 100.0;
		let mean = votes as f64 / draws as f64;
		assert!((mean - 8.0 * p).abs() < 0.05, "{operators} {percent}: {mean}");
		// No more often than votes with the same chance each would have it, where that is one above the mean or more; and
		// beyond that what chance allows in so many draws.
		for (least, counted) in [(6, quorums), (3, stops)] {
			let expected = draws as f64 * at_least(least, 8, p);
			let holds = (counted as f64) < expected + 4.0 * expected.sqrt() + 1.0;
			assert!(holds || f64::from(least) < 8.0 * p + 1.0, "{operators} {percent} {least}: {counted}");
		}
	}
}

/// Who has room for one vote when it ought to have seven is as good as not able: or who keeps the others' stakes busy would
/// have the votes that they cannot give.
#[test]
fn who_has_too_little_stake_left_should_not_leave_its_votes_to_others() {
	let able = |free: u64| {
		let mut result = None;
		with_stakes(&[70_000, 5_000, 5_000]).execute_with(|| {
			Committee::set(8);
			// Other tasks have reserved the rest.
			Verifiers::<Test>::mutate_extant(key(0), |verifier| {
				verifier.drawn.stake += u128::from(70_000 - free);
			});
			next_epoch();
			assert_ok!(open_task(TASK));
			Epoch::set(3);
			let chosen = Verification::select(TASK, &task(TASK), 3).ok();
			result = chosen.map(|chosen| chosen.iter().map(|candidate| candidate.seat.votes).sum::<u32>());
		});
		result
	};
	assert_eq!(able(401), None);
	assert_eq!(able(2 * 401), None);
	assert_eq!(able(7 * 401), Some(8));
}

/// The share of able samples estimates the able share of all stake.
#[test]
fn the_able_share_is_measured_as_closely_as_the_readme_says() {
	with_stakes(&[3_000, 2_000, 5_000]).execute_with(|| {
		AbleShare::set(Perbill::one());
		Samples::set(64);
		let room = Load { time: 10, bytes: 10 };
		assert_ok!(Verification::set_capacity(RuntimeOrigin::signed(key(2)), room));
		next_epoch();
		assert_ok!(open_task(TASK));
		Epoch::set(3);
		let task = task(TASK);
		let mut far = 0;
		for id in 0..2_000 {
			let able = Verification::select(TaskId::Submission(id), &task, 3).err().unwrap();
			// Half of the stake is able.
			if (f64::from(able) / 64.0 - 0.5).abs() >= 0.2 {
				far += 1;
			}
		}
		// Hoeffding's bound for both sides: 2 exp(−2 · 64 · 0.2²) = 1.2 %.
		assert!(far <= 24, "{far}");
	});
}
