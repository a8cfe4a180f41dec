//! The bound on what made-up accounts gain, beside maximum flows that another's code computes.

#![allow(clippy::float_cmp, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_precision_loss, reason = "tests")]

use oda_trust::{Account, Interaction, Score, Settings, scores};
use petgraph::{Graph, algo::dinics, graph::NodeIndex};
use proptest::{collection::vec, prelude::*};
use std::{
	collections::{BTreeMap, BTreeSet},
	num::NonZeroU64,
};

const ME: Account = [0; 32];
/// What floats may be off by, as a part of the bound.
const ROUNDING: f64 = 1e-9;

/// Whom an account belongs to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Of {
	Me,
	Honest(u8),
	Sybil(u8),
}

use Of::{Honest, Me, Sybil};

fn user(of: Of) -> Account {
	match of {
		Me => ME,
		Honest(n) => [n + 1; 32],
		Sybil(n) => [n + 51; 32],
	}
}

fn provider(of: Of) -> Account {
	match of {
		Me => unreachable!("I provide nothing"),
		Honest(n) => [n + 101; 32],
		Sybil(n) => [n + 151; 32],
	}
}

/// The payments of users to providers, all of them now.
fn interactions(payments: &[(Of, Of, u64)]) -> Vec<Interaction> {
	let of = |(from, to, amount): &(Of, Of, u64)| Interaction {
		user: user(*from),
		provider: provider(*to),
		amount: u128::from(*amount),
		tick: 0,
	};
	payments.iter().map(of).collect()
}

fn settings(pairs: u8, passed: u8) -> Settings {
	Settings { half_life: NonZeroU64::MIN, pairs, passed }
}

fn of_me(payments: &[(Of, Of, u64)], settings: &Settings) -> BTreeMap<Account, Score> {
	scores(&interactions(payments), &BTreeSet::from([ME]), &BTreeSet::new(), 0, settings)
}

fn sum(scores: &BTreeMap<Account, Score>, of: impl Fn(&Account) -> bool) -> f64 {
	scores.iter().filter(|(provider, _)| of(provider)).map(|(_, score)| score.total()).sum()
}

fn sum_of_sybils(scores: &BTreeMap<Account, Score>) -> f64 {
	sum(scores, |account| account[0] > 150)
}

/// What was paid over the border of the region of sybils.
fn cut(payments: &[(Of, Of, u64)]) -> f64 {
	let crosses = |(from, to, _): &&(Of, Of, u64)| matches!(from, Sybil(_)) != matches!(to, Sybil(_));
	payments.iter().filter(crosses).map(|(_, _, amount)| *amount as f64).sum()
}

/// The most that can flow from me to some providers together, over payments in either direction.
fn maximum_flow(payments: &[(Of, Of, u64)], to: &[Of]) -> u64 {
	let mut graph = Graph::<(), u64>::new();
	let mut nodes = BTreeMap::<Account, NodeIndex>::new();
	for (from, to, amount) in payments {
		let [a, b] =
			[user(*from), provider(*to)].map(|a| *nodes.entry(a).or_insert_with(|| graph.add_node(())));
		graph.add_edge(a, b, *amount);
		graph.add_edge(b, a, *amount);
	}
	let (Some(source), sink) = (nodes.get(&ME), graph.add_node(())) else { return 0 };
	for node in to.iter().filter_map(|of| nodes.get(&provider(*of))) {
		graph.add_edge(*node, sink, u64::from(u32::MAX));
	}
	dinics(&graph, *source, sink).0
}

fn honest(most: u8) -> impl Strategy<Value = Of> {
	(0..most).prop_map(Honest)
}

fn sybil(most: u8) -> impl Strategy<Value = Of> {
	(0..most).prop_map(Sybil)
}

fn payments(
	from: impl Strategy<Value = Of>,
	to: impl Strategy<Value = Of>,
	amounts: std::ops::Range<u64>,
	most: usize,
) -> impl Strategy<Value = Vec<(Of, Of, u64)>> {
	vec((from, to, amounts), 0..most)
}

/// Honest users and me paying honest providers, sybils paying sybils as much as they like, and both paying
/// each other.
fn world() -> impl Strategy<Value = Vec<(Of, Of, u64)>> {
	(
		payments(Just(Me), honest(4), 1..1_000, 4),
		payments(honest(6), honest(5), 1..1_000, 30),
		payments(sybil(6), sybil(5), 1..1_000_000, 30),
		payments(prop_oneof![Just(Me), honest(6)], sybil(5), 1..100, 6),
		payments(sybil(6), honest(5), 1..100, 6),
	)
		.prop_map(|(mine, honest, sybils, into, out)| [mine, honest, sybils, into, out].concat())
}

proptest! {
	#[test]
	fn a_region_of_sybils_has_no_more_than_was_paid_over_its_border(
		payments in world(), pairs in 0_u8..6, passed in 0_u8..=100,
	) {
		let scores = of_me(&payments, &settings(pairs, passed));
		prop_assert!(sum_of_sybils(&scores) <= cut(&payments) * (1.0 + ROUNDING));
	}

	#[test]
	fn no_set_of_providers_has_more_than_the_maximum_flow_to_it(
		payments in world(), pairs in 0_u8..6, passed in 0_u8..=100,
		honest in vec(honest(5), 0..5), sybils in vec(sybil(5), 0..5),
	) {
		let scores = of_me(&payments, &settings(pairs, passed));
		let set = [honest, sybils].concat();
		let accounts: BTreeSet<Account> = set.iter().map(|of| provider(*of)).collect();
		let most = maximum_flow(&payments, &set) as f64;
		prop_assert!(sum(&scores, |account| accounts.contains(account)) <= most * (1.0 + ROUNDING));
	}

	#[test]
	fn a_provider_that_i_did_not_pay_neither_gains_nor_loses_by_splitting(
		payments in world(), parts in 2_u8..5, pick in vec(0_u8..255, 100),
	) {
		let parted = Honest(4);
		let mut split = Vec::new();
		for ((from, to, amount), pick) in payments.iter().zip(pick) {
			if *to == parted {
				let part = u64::from(pick) * amount / 255;
				let other = Honest(5 + (pick + 1) % parts);
				split.extend([(*from, Honest(5 + pick % parts), part), (*from, other, amount - part)]);
			} else {
				split.push((*from, *to, *amount));
			}
		}
		let (whole, split) = (of_me(&payments, &settings(1, 50)), of_me(&split, &settings(1, 50)));
		let whole_has = sum(&whole, |account| *account == provider(parted));
		let parts_have = sum(&split, |account| (105..150).contains(&account[0]) && *account != provider(parted));
		prop_assert!((whole_has - parts_have).abs() <= ROUNDING * whole_has);
	}
}

/// What an honest world looks like to me: I paid one provider, whose other user paid another.
fn known() -> Vec<(Of, Of, u64)> {
	vec![(Me, Honest(0), 1_000), (Honest(0), Honest(0), 1_000), (Honest(0), Honest(1), 400)]
}

#[test]
fn sybils_without_a_payment_from_others_are_unknown_whatever_they_pay_each_other() {
	let mut payments = known();
	payments.extend((0..50).flat_map(|n| (0..50).map(move |m| (Sybil(n), Sybil(m), 1_000_000))));
	assert_eq!(of_me(&payments, &settings(5, 50)), of_me(&known(), &settings(5, 50)));
}

#[test]
fn the_maximum_flow_to_each_provider_alone_would_grow_with_the_number_of_sybils() {
	// One user was bought for 10, and ten sybil providers have it between them.
	let mut payments = known();
	payments.push((Honest(0), Sybil(0), 10));
	payments.extend((0..10).map(|n| (Sybil(0), Sybil(n), 1_000)));
	let alone: u64 = (0..10).map(|n| maximum_flow(&payments, &[Sybil(n)])).sum();
	assert_eq!(alone, 100);
	assert!(sum_of_sybils(&of_me(&payments, &settings(2, 50))) <= 10.0);
}

#[test]
fn what_was_paid_to_a_sybil_carries_no_more_in_several_steps_than_in_one() {
	// Trust reaches the user that was bought through one provider first, then through another.
	let mut payments = vec![(Me, Honest(0), 1_000_000), (Honest(0), Sybil(0), 10)];
	payments.extend([0, 1].iter().flat_map(|n| [0, 1].map(|m| (Honest(*n), Honest(m), 1_000))));
	for pairs in 1..5 {
		let sum = sum_of_sybils(&of_me(&payments, &settings(pairs, 20)));
		assert!(sum > 7.0 && sum <= 8.0, "{sum}");
	}
}

#[test]
fn what_a_sybil_paid_carries_no_more_in_several_steps_than_in_one() {
	// Trust reaches the provider that the sybil paid by my payment first, then through another provider.
	let mut payments = vec![(Me, Honest(0), 1_000_000), (Me, Honest(1), 1_000_000)];
	payments.extend([(Honest(0), Honest(0), 1_000), (Honest(0), Honest(1), 1_000)]);
	payments.extend([(Sybil(0), Honest(0), 10), (Sybil(0), Sybil(0), 1_000)]);
	for pairs in 1..5 {
		assert_eq!(sum_of_sybils(&of_me(&payments, &settings(pairs, 20))), 8.0);
	}
}

#[test]
fn an_honest_user_that_was_bought_lifts_a_sybil_by_what_it_paid_it_at_most() {
	let bought = |amount| {
		let mut payments = known();
		payments.push((Honest(0), Sybil(0), amount));
		of_me(&payments, &settings(1, 50))
	};
	assert_eq!(sum_of_sybils(&bought(60)), 30.0);
	// Then it is my own payment that bounds it, and the others have less.
	let scores = bought(999_999_600);
	assert!(sum_of_sybils(&scores) > 249.0 && sum_of_sybils(&scores) <= 250.0);
	assert!(scores[&provider(Honest(1))].total() < 1.0);
}

#[test]
fn made_up_users_of_a_provider_that_i_paid_take_a_part_of_what_it_passes_on() {
	let mut payments = known();
	payments.extend([(Sybil(0), Honest(0), 400), (Sybil(0), Sybil(0), 1_000_000)]);
	let scores = of_me(&payments, &settings(1, 50));
	// Of 500 that are passed on, half to either user's provider; a half of that is the score.
	assert_eq!(of_me(&known(), &settings(1, 50))[&provider(Honest(1))].total(), 200.0);
	assert_eq!(scores[&provider(Honest(1))].total(), 125.0);
	assert_eq!(sum_of_sybils(&scores), 125.0);
	assert!(sum_of_sybils(&scores) <= cut(&payments));
}

#[test]
fn a_provider_that_i_paid_can_keep_to_itself_what_it_should_pass_on() {
	// With a user of its own and a second account, but no more than I paid it.
	let payments = [(Me, Sybil(0), 1_000), (Sybil(0), Sybil(0), 1_000), (Sybil(0), Sybil(1), 1_000)];
	assert_eq!(sum_of_sybils(&of_me(&payments[..1], &settings(1, 50))), 500.0);
	assert_eq!(sum_of_sybils(&of_me(&payments, &settings(1, 50))), 750.0);
	assert!(sum_of_sybils(&of_me(&payments, &settings(255, 50))) <= 1_000.0);
}
