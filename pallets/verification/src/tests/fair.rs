//! Seats follow stake.

use super::*;

const DRAWS: u64 = 10_000;

/// Draws committees of `seats` among these stakes; how often each sequence of members was drawn.
fn drawn(stakes: &[u64], seats: u32) -> std::collections::BTreeMap<Vec<usize>, u64> {
	let mut counts = std::collections::BTreeMap::new();
	with_stakes(stakes).execute_with(|| {
		Committee::set(seats);
		Samples::set(24);
		AbleShare::set(Perbill::zero());
		next_epoch();
		assert_ok!(open_task(TASK));
		Epoch::set(3);
		let task = task(TASK);
		for id in 0..DRAWS {
			let chosen = Verification::select(TaskId::Submission(id), &task, 3).unwrap();
			let chosen: Vec<_> = chosen.into_iter().map(|(who, _)| who).collect();
			chosen.iter().for_each(|who| Played::release(Role::Verifier, who, 401));
			*counts.entry(chosen.iter().map(index_of).collect()).or_default() += 1;
		}
	});
	counts
}

/// Pearson's χ² of what was counted against what was expected.
fn chi_squared(counts: &std::collections::BTreeMap<Vec<usize>, u64>, expected: &[(Vec<usize>, f64)]) -> f64 {
	let known: u64 = expected.iter().map(|(members, _)| counts.get(members).copied().unwrap_or(0)).sum();
	assert_eq!(known, DRAWS, "nothing else was drawn");
	let term = |(members, share): &(Vec<usize>, f64)| {
		let (counted, expected) = (counts.get(members).copied().unwrap_or(0) as f64, share * DRAWS as f64);
		(counted - expected).powi(2) / expected
	};
	expected.iter().map(term).sum()
}

#[test]
fn one_seat_goes_to_each_in_proportion_to_its_stake() {
	let stakes = [700, 1_100, 1_900, 3_300, 5_000];
	let total: u64 = stakes.iter().sum();
	let expected: Vec<_> =
		stakes.iter().enumerate().map(|(index, stake)| (vec![index], *stake as f64 / total as f64)).collect();
	let chi_squared = chi_squared(&drawn(&stakes, 1), &expected);
	// 1 % critical value for 4 degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.4).
	assert!(chi_squared < 13.277, "{chi_squared}");
}

#[test]
fn two_seats_are_drawn_by_stake_without_replacement() {
	let stakes = [900, 1_500, 2_400, 3_800];
	let total: u64 = stakes.iter().sum();
	let share = |index: usize| stakes[index] as f64 / total as f64;
	let mut expected = Vec::new();
	for first in 0..4 {
		for second in (0..4).filter(|second| *second != first) {
			expected.push((vec![first, second], share(first) * share(second) / (1.0 - share(first))));
		}
	}
	let chi_squared = chi_squared(&drawn(&stakes, 2), &expected);
	// 1 % critical value for 11 degrees of freedom (the same table).
	assert!(chi_squared < 24.725, "{chi_squared}");
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
			let able = Verification::select(TaskId::Submission(id), &task, 3).unwrap_err();
			// Half of the stake is able.
			if (f64::from(able) / 64.0 - 0.5).abs() >= 0.2 {
				far += 1;
			}
		}
		// Hoeffding's bound for both sides: 2 exp(−2 · 64 · 0.2²) = 1.2 %.
		assert!(far <= 24, "{far}");
	});
}
