//! Shares and what they are worth.

use super::*;
use proptest::prelude::*;

#[test]
fn who_leaves_gets_no_more_than_its_shares_are_worth() {
	let mut fund = Fund::<u64>::default();
	let first = fund.enter(10_000).unwrap();
	fund.gain(3_333);
	let second = fund.enter(20_000).unwrap();
	assert_eq!((second.count, fund.worth(second)), (15_000, 19_999));
	// What rounding took stays with who stays.
	assert_eq!(fund.leave(second), 19_999);
	assert_eq!((fund.worth(first), fund.stake), (13_334, 13_334));
	assert_eq!(fund.leave(first), 13_334);
	assert_eq!((fund.stake, fund.supply), (0, 0));
}

#[test]
fn an_amount_costs_shares_rounded_up() {
	let mut fund = Fund::<u64>::default();
	fund.enter(10_000).unwrap();
	fund.gain(20_000);
	assert_eq!([0, 1, 3, 4, 30_000, u64::MAX].map(|amount| fund.price(amount)), [0, 1, 1, 2, 10_000, 10_000]);
}

#[test]
fn shares_of_a_fund_that_lost_everything_are_worth_nothing_for_ever() {
	let mut fund = Fund::<u64>::default();
	let old = fund.enter(10_000).unwrap();
	fund.lose(10_000);
	assert_eq!((fund.live(old), fund.worth(old), fund.supply, fund.generation), (0, 0, 0, 1));
	let new = fund.enter(7_000).unwrap();
	assert_eq!((fund.worth(old), fund.worth(new), new.count), (0, 7_000, 7_000));
	assert_eq!((fund.leave(old), fund.stake, fund.supply), (0, 7_000, 7_000));
}

#[test]
fn a_fund_takes_nothing_of_which_rounding_would_take_much() {
	let mut fund = Fund::<u64>::default();
	fund.enter(1).unwrap();
	fund.gain(10_000);
	let before = fund;
	assert_eq!(fund.enter(15_000), Err(NoEntry::TooCoarse));
	assert_eq!(fund, before);
	assert_eq!(fund.enter(10_001).unwrap().count, 1);
}

#[test]
fn a_fund_whose_shares_cannot_be_counted_takes_nothing() {
	let mut fund = Fund::<u128> { stake: 1, supply: u128::MAX / 2, generation: 0 };
	let before = fund;
	assert_eq!(fund.enter(1_000), Err(NoEntry::TooFine));
	assert_eq!(fund, before);
}

/// What happens to a fund.
#[derive(Clone, Debug)]
enum Step {
	Enter(u64),
	Leave(usize, u64),
	Gain(u64),
	Lose(u64),
}

fn step() -> impl Strategy<Value = Step> {
	prop_oneof![
		4 => (1..1_000_000u64).prop_map(Step::Enter),
		4 => (any::<usize>(), 1..1_000_000u64).prop_map(|(who, amount)| Step::Leave(who, amount)),
		1 => (1..1_000_000u64).prop_map(Step::Gain),
		1 => (1..2_000_000u64).prop_map(Step::Lose),
	]
}

/// Whether a share is worth at least as much after as before.
fn no_cheaper(before: Fund<u64>, after: Fund<u64>) -> bool {
	u128::from(after.stake) * before.supply >= u128::from(before.stake) * after.supply
}

proptest! {
	#[test]
	fn nobody_makes_a_share_cheaper_by_entering_or_leaving(
		steps in prop::collection::vec(step(), 1..80),
		gains in any::<bool>(),
	) {
		let mut fund = Fund::<u64>::default();
		let mut all: Vec<Shares> = vec![];
		let mut inside = 0u64;
		for step in steps {
			let before = fund;
			match step {
				Step::Enter(amount) => {
					let entered = if gains { fund.enter(amount) } else { fund.admit(amount) };
					if let Ok(shares) = entered {
						prop_assert!(fund.worth(shares) <= amount);
						prop_assert!(no_cheaper(before, fund));
						inside += amount;
						all.push(shares);
					}
				},
				Step::Leave(who, amount) if !all.is_empty() => {
					let who = who % all.len();
					let count = fund.price(amount).min(all[who].count);
					let given = Shares { count, ..all[who] };
					let worth = fund.worth(given);
					let got = fund.leave(given);
					prop_assert_eq!(got, worth);
					prop_assert!(no_cheaper(before, fund));
					all[who].count -= count;
					inside -= got;
				},
				Step::Gain(amount) if gains && fund.supply > 0 => {
					fund.gain(amount);
					inside += amount;
				},
				Step::Lose(amount) => {
					inside -= amount.min(fund.stake);
					fund.lose(amount);
				},
				_ => {},
			}
			prop_assert_eq!(fund.stake, inside);
			prop_assert_eq!(fund.stake == 0, fund.supply == 0);
			prop_assert_eq!(all.iter().map(|shares| fund.live(*shares)).sum::<u128>(), fund.supply);
			let worth: u64 = all.iter().map(|shares| fund.worth(*shares)).sum();
			prop_assert!(worth <= fund.stake);
			// What earns nothing is never worth more than when it came in.
			prop_assert!(gains || u128::from(fund.stake) <= fund.supply);
		}
		for shares in all {
			inside -= fund.leave(shares);
		}
		prop_assert_eq!((inside, fund.stake, fund.supply), (0, 0, 0));
	}
}
