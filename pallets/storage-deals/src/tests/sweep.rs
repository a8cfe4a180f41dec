//! What happens by itself.

use super::*;
use proptest::prelude::*;

/// How many deals are settled up to the last round that is over.
fn settled() -> usize {
	Deals::<Test>::iter_values().filter(|deal| deal.settled + 1 == round()).count()
}

#[test]
fn a_tick_visits_so_many_deals_and_a_round_all_of_them_once() {
	run(|| {
		SweepDeals::set(2);
		for _ in 0..5 {
			offer(&bytes(10), 1, 50);
		}
		until_round(4);
		assert_eq!(settled(), 2);
		pass(1);
		assert_eq!(settled(), 4);
		pass(1);
		assert_eq!(settled(), 5);
		assert!(SweepState::<Test>::get().done);
		let state = SweepState::<Test>::get();
		pass(5);
		assert_eq!(SweepState::<Test>::get(), state);
	});
}

#[test]
fn a_pass_that_outlasts_its_round_goes_on_where_it_was() {
	run(|| {
		SweepDeals::set(1);
		RoundLength::set(3);
		for _ in 0..7 {
			offer(&bytes(10), 1, 900);
		}
		until_round(20);
		let oldest = Deals::<Test>::iter_values().map(|deal| deal.settled).min().unwrap();
		assert!(oldest + 5 >= round(), "a deal was settled last in round {oldest} of {}", round());
	});
}

#[test]
fn a_deal_that_ends_under_the_sweep_does_not_stop_it() {
	run(|| {
		SweepDeals::set(1);
		for rounds in [2, 20, 2, 20, 2] {
			offer(&bytes(10), 1, rounds);
		}
		until_round(4);
		pass(9);
		assert_eq!(Deals::<Test>::iter().count(), 2);
		assert_eq!(settled(), 2);
	});
}

/// One thing that somebody does, with deals numbered in a script.
#[derive(Clone, Debug)]
enum Act {
	Offer(u8, u32),
	Take(u64, u64),
	Prove(u64, u64),
	Quit(u64, u64),
	Cancel(u64),
	Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
	let (who, deal) = (1..5u64, 0..6u64);
	prop_oneof![
		2 => (1..4u8, 2..30u32).prop_map(|(replicas, rounds)| Act::Offer(replicas, rounds)),
		4 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Act::Take(who, deal)),
		12 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Act::Prove(who, deal)),
		1 => (who, deal.clone()).prop_map(|(who, deal)| Act::Quit(who, deal)),
		1 => deal.prop_map(Act::Cancel),
		6 => (1..12u64).prop_map(Act::Pass),
	]
}

/// Whether it was refused is not the question.
fn ignore<T, E>(_: Result<T, E>) {}

/// What everybody has in the end if so many deals are visited in a tick.
fn outcome(script: &[Act], sweep: u32) -> Vec<u64> {
	let mut result = Vec::new();
	run(|| {
		SweepDeals::set(sweep);
		let blob = bytes(3_000);
		for act in script {
			match *act {
				Act::Offer(replicas, rounds) if NextDeal::<Test>::get() < 6 => {
					offer(&blob, replicas, rounds);
				}
				Act::Offer(..) => {}
				Act::Take(who, deal) => ignore(take(who, deal)),
				Act::Prove(who, deal) => {
					if StorageDeals::challenge(deal, who).is_some() {
						prove(who, deal, &blob);
					}
				}
				Act::Quit(who, deal) => ignore(quit(who, deal)),
				Act::Cancel(deal) => ignore(StorageDeals::cancel(RuntimeOrigin::signed(PAYER), deal)),
				Act::Pass(ticks) => pass(ticks),
			}
		}
		until_round(round() + 31);
		for deal in 0..6 {
			let _ = settle(deal);
		}
		assert_eq!(Deals::<Test>::iter().count(), 0);
		result = KEEPERS.into_iter().chain([PAYER]).map(wealth).collect();
	});
	result
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn what_everybody_ends_with_does_not_depend_on_the_sweep(
		script in prop::collection::vec(act(), 1..120),
	) {
		let never = outcome(&script, 0);
		prop_assert_eq!(&never, &outcome(&script, 1));
		prop_assert_eq!(&never, &outcome(&script, 100));
	}
}
