//! What a graph score says, and of whom it says nothing.

#![allow(clippy::float_cmp, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, reason = "tests")]

use oda_trust::{Account, Interaction, Score, Settings, scores};
use proptest::prelude::*;
use std::{
	collections::{BTreeMap, BTreeSet},
	num::NonZeroU64,
};

const HALF_LIFE: u64 = 100;
const NOW: u64 = 1_000;
const ME: Account = [0; 32];

fn user(n: u8) -> Account {
	[n + 1; 32]
}

fn provider(n: u8) -> Account {
	[n + 101; 32]
}

fn paid(user: Account, provider: Account, amount: u128) -> Interaction {
	Interaction { user, provider, amount, tick: NOW }
}

/// Paths of so many pairs beyond my own payment, of which half is passed on.
fn pairs(pairs: u8) -> Settings {
	Settings { half_life: NonZeroU64::new(HALF_LIFE).unwrap(), pairs, passed: 50 }
}

fn of_me(interactions: &[Interaction], settings: &Settings) -> BTreeMap<Account, Score> {
	scores(interactions, &BTreeSet::from([ME]), &BTreeSet::new(), NOW, settings)
}

/// I paid provider 0, so did user 0, who also paid provider 1, as did user 1, who paid provider 2.
fn chain() -> Vec<Interaction> {
	vec![
		paid(ME, provider(0), 800),
		paid(user(0), provider(0), 1_000),
		paid(user(0), provider(1), 1_000),
		paid(user(1), provider(1), 1_000),
		paid(user(1), provider(2), 1_000),
	]
}

#[test]
fn direct_experience_and_indirect_trust_are_told_apart() {
	let scores = of_me(&chain(), &pairs(1));
	assert_eq!(scores[&provider(0)], Score { own: 400.0, through_others: 0.0 });
	assert_eq!(scores[&provider(1)], Score { own: 0.0, through_others: 200.0 });
}

#[test]
fn a_provider_that_nobody_known_paid_is_unknown() {
	let mut interactions = chain();
	interactions.push(paid(user(7), provider(7), 1_000_000));
	assert!(!of_me(&interactions, &pairs(5)).contains_key(&provider(7)));
}

#[test]
fn without_a_payment_of_mine_everybody_is_unknown() {
	assert!(of_me(&chain()[1..], &pairs(5)).is_empty());
}

#[test]
fn a_path_is_no_longer_than_it_may_be() {
	assert!(!of_me(&chain(), &pairs(0)).contains_key(&provider(1)));
	assert!(!of_me(&chain(), &pairs(1)).contains_key(&provider(2)));
	assert!(of_me(&chain(), &pairs(2)).contains_key(&provider(2)));
}

#[test]
fn each_further_pair_counts_by_the_part_that_is_passed_on() {
	let scores = of_me(&chain(), &pairs(2));
	assert_eq!([0, 1, 2].map(|n| scores[&provider(n)].total()), [400.0, 200.0, 100.0]);
}

#[test]
fn no_more_flows_than_the_narrowest_payment_lets_through() {
	let interactions =
		[paid(ME, provider(0), 800), paid(user(0), provider(0), 1_000), paid(user(0), provider(1), 60)];
	assert_eq!(of_me(&interactions, &pairs(1))[&provider(1)].through_others, 30.0);
}

#[test]
fn what_is_scarce_is_shared_in_proportion_to_what_was_paid() {
	let interactions = [
		paid(ME, provider(0), 8),
		paid(user(0), provider(0), 1_000),
		paid(user(0), provider(1), 300),
		paid(user(0), provider(2), 100),
	];
	let scores = of_me(&interactions, &pairs(1));
	assert_eq!(scores[&provider(1)].through_others, 1.5);
	assert_eq!(scores[&provider(2)].through_others, 0.5);
}

#[test]
fn nothing_flows_to_users_from_whom_it_cannot_flow_on() {
	let mut interactions = chain();
	interactions.push(paid(user(8), provider(0), 1_000_000));
	assert_eq!(of_me(&interactions, &pairs(1)), of_me(&chain(), &pairs(1)));
}

#[test]
fn a_provider_gains_nothing_from_its_own_users_alone() {
	let interactions = [paid(ME, provider(0), 8), paid(user(0), provider(0), 1_000)];
	assert_eq!(of_me(&interactions, &pairs(3))[&provider(0)], Score { own: 4.0, through_others: 0.0 });
}

#[test]
fn a_payment_counts_half_after_its_half_life() {
	let at = |tick| of_me(&[Interaction { tick, ..paid(ME, provider(0), 800) }], &pairs(1));
	assert_eq!(at(NOW)[&provider(0)].own, 400.0);
	assert_eq!(at(NOW - HALF_LIFE)[&provider(0)].own, 200.0);
	assert_eq!(at(NOW - 3 * HALF_LIFE)[&provider(0)].own, 50.0);
}

#[test]
fn what_others_paid_decays_too() {
	let mut interactions = chain();
	interactions[2].tick = NOW - 2 * HALF_LIFE;
	assert_eq!(of_me(&interactions, &pairs(1))[&provider(1)].through_others, 125.0);
}

#[test]
fn what_has_decayed_to_less_than_a_planck_is_forgotten() {
	let at = |tick| of_me(&[Interaction { tick, ..paid(ME, provider(0), 8) }], &pairs(1));
	assert!(at(NOW - 3 * HALF_LIFE).contains_key(&provider(0)));
	assert!(!at(NOW - 3 * HALF_LIFE - 1).contains_key(&provider(0)));
}

#[test]
fn a_provider_that_wronged_me_is_worth_nothing_which_is_not_unknown() {
	let wronged = BTreeSet::from([provider(0)]);
	let scores = scores(&chain(), &BTreeSet::from([ME]), &wronged, NOW, &pairs(1));
	assert_eq!(scores[&provider(0)], Score::default());
}

#[test]
fn a_provider_that_wronged_me_passes_nothing_on() {
	let wronged = BTreeSet::from([provider(0)]);
	let scores = scores(&chain(), &BTreeSet::from([ME]), &wronged, NOW, &pairs(5));
	assert_eq!(scores.len(), 1);
}

#[test]
fn a_provider_that_wronged_me_does_not_lie_on_the_way_to_others() {
	let wronged = BTreeSet::from([provider(1)]);
	let scores = scores(&chain(), &BTreeSet::from([ME]), &wronged, NOW, &pairs(5));
	assert_eq!(scores[&provider(1)], Score::default());
	assert!(!scores.contains_key(&provider(2)));
}

#[test]
fn several_accounts_of_mine_count_as_one() {
	let second = [255; 32];
	let me = BTreeSet::from([ME, second]);
	let mut split = chain();
	split[0].amount = 300;
	split.push(paid(second, provider(0), 500));
	assert_eq!(scores(&split, &me, &BTreeSet::new(), NOW, &pairs(2)), of_me(&chain(), &pairs(2)));
}

#[test]
fn payments_to_my_own_accounts_do_not_count() {
	let mut interactions = chain();
	interactions.extend([paid(user(0), ME, 1_000), paid(user(5), ME, 1_000), paid(ME, ME, 1_000)]);
	assert_eq!(of_me(&interactions, &pairs(2)), of_me(&chain(), &pairs(2)));
}

#[test]
fn amounts_of_any_size_give_finite_scores() {
	let mut interactions = chain();
	interactions.iter_mut().for_each(|interaction| interaction.amount = u128::MAX);
	assert!(of_me(&interactions, &pairs(5)).values().all(|score| score.total().is_finite()));
}

prop_compose! {
	fn any_interaction()(
		from in 0_u8..6, to in 0_u8..6, amount in 1_u128..1_000, tick in 0..NOW,
	) -> Interaction {
		Interaction {
			user: if from == 0 { ME } else { user(from) },
			provider: provider(to),
			amount,
			tick: NOW - tick / 10,
		}
	}
}

proptest! {
	#[test]
	fn the_order_of_payments_changes_no_bit(
		(sorted, shuffled) in proptest::collection::vec(any_interaction(), 0..40)
			.prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
		further in 0_u8..4,
	) {
		prop_assert_eq!(of_me(&sorted, &pairs(further)), of_me(&shuffled, &pairs(further)));
	}

	#[test]
	fn a_payment_that_comes_in_parts_counts_as_one(
		whole in proptest::collection::vec(any_interaction(), 1..30), further in 0_u8..4,
	) {
		let parts: Vec<_> = whole
			.iter()
			.flat_map(|i| [i.amount / 3, i.amount - i.amount / 3].map(|amount| Interaction { amount, ..*i }))
			.collect();
		let (whole, parts) = (of_me(&whole, &pairs(further)), of_me(&parts, &pairs(further)));
		prop_assert_eq!(whole.keys().collect::<Vec<_>>(), parts.keys().collect::<Vec<_>>());
		for (provider, score) in whole {
			prop_assert!((score.total() - parts[&provider].total()).abs() < 1e-6);
		}
	}
}
