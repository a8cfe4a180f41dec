//! Who has deleted a part is found out, and loses what the rules say.

use super::*;
use oda_primitives::{hash, storage::challenged_range};

const CHUNKS: u64 = 100;

/// Whether a keeper that has deleted the first `gone` chunks still has this byte's.
fn has(start: u64, gone: u64) -> bool {
	start >= gone * 1_024
}

/// The challenge at which a keeper without the first `gone` chunks is found out, on average over `trials` deals of
/// which it has one replica each.
fn average(gone: u64, trials: u64) -> f64 {
	let blob = BlobRef { root: [0; 32], len: CHUNKS * 1_024 };
	let caught = |deal| {
		(1..)
			.find(|round| {
				let seed = hash::round_seed(*round, [0u8; 32]);
				!has(challenged_range(&seed, deal, *round, 1, 3, &blob).start, gone)
			})
			.unwrap()
	};
	(0..trials).map(|deal| f64::from(caught(deal))).sum::<f64>() / trials as f64
}

#[test]
fn a_keeper_that_has_deleted_a_fraction_is_caught_in_as_many_challenges_as_its_inverse() {
	// The number of challenges is geometrically distributed: its mean is 1/f, its deviation √(1−f)/f. The average
	// of 2,000 is within four of their deviations.
	for gone in [1, 5, 10, 25, 50] {
		let f = gone as f64 / CHUNKS as f64;
		let tolerance = 4.0 * (1.0 - f).sqrt() / f / 2_000f64.sqrt();
		let average = average(gone, 2_000);
		assert!((average - 1.0 / f).abs() <= tolerance, "{gone} %: {average} challenges");
	}
}

#[test]
fn it_loses_exactly_what_the_schedule_says() {
	for (gone, luck) in [(30, 1), (50, 2), (50, 3), (80, 4), (100, 5)] {
		run(|| {
			Luck::set(luck);
			let blob = bytes((CHUNKS * 1_024) as usize);
			let deal = offer(&blob, 1, 300);
			assert_ok!(take(ALICE, deal));
			let (mut earned, mut left, mut in_a_row, mut missed) = (0, MIN_STAKE, 0, 0);
			for number in 3..=300 {
				until_round(number);
				let (start, _) = StorageDeals::challenge(deal, ALICE).expect("it is still kept");
				if has(start, gone) {
					prove(ALICE, deal, &blob);
					earned += PRICE;
					in_a_row = 0;
					continue;
				}
				missed += 1;
				in_a_row += 1;
				left = match in_a_row {
					1 => left,
					2 => left - left.min(51),
					_ => 0,
				};
				if left == 0 {
					break;
				}
			}
			assert_eq!(left, 0, "{gone} % were never found out");
			until_round(round() + 1);
			catch_up(deal);
			assert_eq!(wealth(ALICE), ENDOWMENT + earned - MIN_STAKE);
			assert_eq!(burned(), MIN_STAKE);
			assert_eq!(replica(ALICE, deal), None);
			let misses = events().iter().filter(|event| matches!(event, Event::RoundMissed { .. })).count();
			assert_eq!(misses, missed);
		});
	}
}
