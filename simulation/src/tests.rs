//! Small runs: what must hold of all.

use crate::{
	Outcome, Setup, ShareOf, Strategy, UNIT,
	days::seat_factor,
	page::{days_to, parameters},
	parameters as p,
	population::{HIGHEST, KEEPER_BOND, farm_unit, population},
	runtime::Reputation,
	simulate,
};
use pallet_reputation::Ladder;
use polkadot_sdk::frame_support::traits::Hooks;
use std::{fs, ops::RangeInclusive, path::Path};

fn small(strategy: Strategy, of: ShareOf, share: f64) -> Setup {
	Setup { share, accounts: 50, days: 42, ..Setup::new(strategy, of) }
}

/// Farms of three accounts, of which the whole stake has the bonds for so many tiers; which one the seed
/// says.
fn farm_with(tiers: RangeInclusive<u64>) -> Setup {
	let setup = Setup { days: 120, ..small(Strategy::Farm, ShareOf::Accounts, 0.06) };
	let stake = |seed: &u64| -> u128 {
		let accounts = population(&Setup { seed: *seed, ..setup });
		accounts.iter().filter(|account| account.malicious).map(|account| account.stake).sum()
	};
	let seed = (1..).find(|seed| tiers.contains(&units(stake(seed)))).unwrap();
	Setup { seed, ..setup }
}

/// The farm, in so many accounts.
fn farm(setup: Setup, count: usize) -> Outcome {
	simulate(&Setup { farm_of: Some(count), ..setup })
}

#[test]
fn the_parameters_are_sound() {
	let ladder = Ladder { thresholds: p::THRESHOLDS.to_vec(), hysteresis: p::HYSTERESIS };
	assert!(ladder.is_sound());
	<Reputation as Hooks<u64>>::integrity_test();
}

#[test]
fn a_bond_cannot_be_bonded_again_within_a_period() {
	let week = 201_600;
	assert!(p::PERIOD <= week, "what leaves answers for a week of ticks");
}

#[test]
fn no_tier_is_reached_within_five_days_even_with_everything_at_its_cap() {
	let all = p::CAPS.verified + p::CAPS.accepted + p::CAPS.challenged + p::CAPS.kept + p::CAPS.served;
	assert_eq!(days_to(1, all, 1), Some(6));
}

#[test]
fn each_costly_source_alone_leads_to_the_highest_tier() {
	let units = HIGHEST as u64;
	for cap in [p::CAPS.verified, p::CAPS.accepted, p::CAPS.challenged, p::CAPS.kept, p::CAPS.served] {
		assert!(days_to(HIGHEST, cap * units, units).is_some());
	}
}

#[test]
fn the_same_seed_gives_the_same() {
	let setup = small(Strategy::Ring, ShareOf::Accounts, 0.3);
	assert_eq!(simulate(&setup), simulate(&setup));
}

#[test]
fn another_seed_gives_something_else() {
	let setup = small(Strategy::Sleepers, ShareOf::Accounts, 0.3);
	assert_ne!(simulate(&setup).samples, simulate(&Setup { seed: 2, ..setup }).samples);
}

#[test]
fn where_nobody_is_malicious_the_malicious_have_nothing() {
	for strategy in Strategy::ALL {
		for of in [ShareOf::Accounts, ShareOf::Stake] {
			let outcome = simulate(&small(strategy, of, 0.0));
			for sample in &outcome.samples {
				assert_eq!((sample.votes, sample.stake, sample.seats, sample.income), (0.0, 0.0, 0.0, 0.0));
			}
			assert_eq!((outcome.malicious, outcome.costs.net(), outcome.lies), (0, 0, 0), "{strategy:?}");
		}
	}
}

#[test]
fn shares_are_parts_of_one_whole() {
	for strategy in Strategy::ALL {
		let outcome = simulate(&small(strategy, ShareOf::Stake, 0.3));
		for (sample, tiers) in outcome.samples.iter().zip(&outcome.tiers) {
			let all: u64 = (0u64..).zip(tiers).map(|(tier, count)| tier * u64::from(*count)).sum();
			assert_eq!(sample.theirs + sample.others, all, "votes are the sum of tiers");
			if all > 0 {
				assert!((sample.votes + sample.others as f64 / all as f64 - 1.0).abs() < 1e-9);
			}
			let shares =
				[sample.stake, sample.seats, sample.seats_by_stake, sample.income, sample.income_by_stake];
			assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{strategy:?}: {sample:?}");
		}
	}
}

/// The tiers that a farm of one account has the bonds for.
fn units(stake: u128) -> u64 {
	(stake.saturating_sub(KEEPER_BOND) / farm_unit()) as u64
}

#[test]
fn a_farm_in_parts_has_no_more_votes_than_in_one_piece() {
	let setup = farm_with(3..=HIGHEST as u64);
	let whole = farm(setup, 1);
	assert_eq!(whole.most_votes(), units(whole.locked), "it comes as far as its bond allows");
	for count in 2..=3 {
		let parts = farm(setup, count);
		assert!(parts.locked <= whole.locked && parts.locked + UNIT > whole.locked, "the same stake");
		for (part, whole) in parts.samples.iter().zip(&whole.samples) {
			assert!(part.theirs <= whole.theirs, "{count} parts have {} votes", part.theirs);
		}
	}
}

#[test]
fn beyond_the_highest_tier_a_farm_gains_by_splitting_what_its_bond_has_left_over() {
	let setup = farm_with(8..=20);
	let whole = farm(setup, 1);
	assert_eq!(whole.most_votes(), HIGHEST as u64);
	let two = farm(setup, 2);
	assert!(two.most_votes() > whole.most_votes() && two.most_votes() <= units(whole.locked));
}

#[test]
fn free_deeds_alone_make_no_vote() {
	// Their stake is spread so thinly that none of them can keep anything.
	let setup = small(Strategy::Farm, ShareOf::Accounts, 0.2);
	let outcome = simulate(&Setup { farm_of: Some(usize::MAX), ..setup });
	assert_eq!(outcome.most_votes(), 0);
}

#[test]
fn sleepers_who_lied_lose_votes_and_stake_the_day_after() {
	let setup = Setup { days: 120, ..small(Strategy::Sleepers, ShareOf::Stake, 0.3) };
	let outcome = simulate(&setup);
	assert!(outcome.lies > 0 && outcome.suspended > 0 && outcome.costs.slashed > 0);
	assert!(outcome.after_turn(1).theirs < outcome.after_turn(0).theirs);
	assert!(outcome.after_turn(1).stake < outcome.after_turn(0).stake);
}

#[test]
fn self_dealing_loses_nine_parts_in_two_hundred_of_each_fee_and_more_to_authors() {
	let outcome = simulate(&small(Strategy::SelfDealing, ShareOf::Stake, 0.3));
	let costs = outcome.costs;
	// 5 % are burned, half of that is minted again, 4 % are the treasury's and the authors'.
	assert!(costs.burned > 0);
	assert_eq!(costs.minted, costs.burned / 2);
	assert_eq!(costs.to_others, costs.burned * 4 / 5);
}

#[test]
fn an_attacker_with_a_share_of_stake_has_that_share() {
	let setup = Setup { accounts: 1_000, ..small(Strategy::SelfDealing, ShareOf::Stake, 0.2) };
	let accounts = population(&setup);
	let sum = |malicious: bool| {
		let these = accounts.iter().filter(|account| account.malicious == malicious);
		these.map(|account| account.stake).sum::<u128>() as f64
	};
	let share = sum(true) / (sum(true) + sum(false));
	assert!((share - 0.2).abs() < 1e-6, "{share}");
}

#[test]
fn the_highest_tier_weighs_all_of_a_stake() {
	assert!((seat_factor(HIGHEST) - 1.0).abs() < 1e-9 && seat_factor(0) > 0.0);
}

#[test]
fn the_page_has_the_parameters_as_they_are() {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulation.md");
	let page = fs::read_to_string(path).unwrap();
	assert!(page.contains(&parameters()), "scripts/simulation.sh writes it anew");
}
