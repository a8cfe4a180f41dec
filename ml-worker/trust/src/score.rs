//! The flow of trust over payments.

use crate::{Account, Interaction, NOTHING_BELOW, decayed};
use oda_primitives::Tick;
use serde::Serialize;
use std::{
	collections::{BTreeMap, BTreeSet},
	num::NonZeroU64,
};

/// How trust flows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
	/// Ticks after which a payment counts half.
	pub half_life: NonZeroU64,
	/// Pairs of payments that a path may have beyond my own: with 1, a path has 3 payments, with 2 it has 5.
	pub pairs: u8,
	/// Percentage of what reaches a provider that it passes on; it keeps the rest as its score. More than 100
	/// counts as 100.
	pub passed: u8,
}

/// What speaks for a provider. Both parts are in planck, so that they can be compared and added.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize)]
pub struct Score {
	/// By what I paid it myself.
	pub own: f64,
	/// By what others paid it, as far as trust flows to them from me.
	pub through_others: f64,
}

impl Score {
	/// Both parts: what to rank providers by.
	pub fn total(&self) -> f64 {
		self.own + self.through_others
	}
}

/// The graph score of each provider that trust reaches from `me`, one or several accounts of mine, at the
/// tick `now`. A provider that is not in the result is unknown, unlike one whose score is zero: each of
/// `wronged_me`, which have signed wrong answers to me, is worth nothing and passes nothing on. Payments to
/// accounts of mine do not count. The result does not depend on the order of the interactions.
pub fn scores(
	interactions: &[Interaction],
	me: &BTreeSet<Account>,
	wronged_me: &BTreeSet<Account>,
	now: Tick,
	settings: &Settings,
) -> BTreeMap<Account, Score> {
	let passed = f64::from(settings.passed.min(100)) / 100.0;
	let kept = 1.0 - passed;
	let counts = |i: &&Interaction| !me.contains(&i.provider) && !wronged_me.contains(&i.provider);
	let worth = |i: &Interaction| decayed(i.amount, i.tick, now, settings.half_life);
	let mut edges = graph(interactions.iter().filter(counts).collect(), me, worth);

	let mut scores: BTreeMap<Account, Score> =
		wronged_me.iter().map(|provider| (*provider, Score::default())).collect();
	for edge in edges.iter().filter(|edge| edge.flow > 0.0) {
		scores.entry(edge.provider).or_default().own += kept * edge.flow;
	}
	for _ in 0..settings.pairs {
		edges.iter_mut().for_each(|edge| edge.flow *= passed);
		flow_on(&mut edges);
		for edge in edges.iter().filter(|edge| edge.flow > 0.0) {
			scores.entry(edge.provider).or_default().through_others += kept * edge.flow;
		}
	}
	scores
}

/// What a user paid a provider in all.
struct Edge {
	user: Account,
	provider: Account,
	/// What can still flow from the provider to the user.
	to_user: f64,
	/// What can still flow from the user to the provider.
	to_provider: f64,
	/// What flows now: to the provider, or from there to the user.
	flow: f64,
}

/// The edges, by user; over mine everything flows, and nothing comes back.
fn graph(
	mut interactions: Vec<&Interaction>,
	me: &BTreeSet<Account>,
	worth: impl Fn(&Interaction) -> f64,
) -> Vec<Edge> {
	// A sum of floats depends on the order.
	interactions.sort_unstable();
	let mut edges = Vec::new();
	for of_pair in interactions.chunk_by(|a, b| (a.user, a.provider) == (b.user, b.provider)) {
		let Some(Interaction { user, provider, .. }) = of_pair.first().copied().copied() else { continue };
		let capacity: f64 = of_pair.iter().map(|interaction| worth(interaction)).sum();
		if capacity < NOTHING_BELOW {
			continue;
		}
		let (open, flow) = if me.contains(&user) { (0.0, capacity) } else { (capacity, 0.0) };
		edges.push(Edge { user, provider, to_user: open, to_provider: open, flow });
	}
	edges
}

/// Lets what has reached providers flow on to their users, and from them to other providers. Edges are by
/// user.
fn flow_on(edges: &mut [Edge]) {
	let mut of_providers = Vec::with_capacity(edges.len());
	for of_user in edges.chunk_by_mut(|a, b| a.user == b.user) {
		// To a user flows no more than can flow on from there.
		let onward = sums_of_others(of_user.iter().map(|edge| edge.to_provider));
		of_providers.extend(of_user.iter_mut().zip(onward).map(|(edge, onward)| {
			let room = edge.to_user.min(onward);
			(edge, room)
		}));
	}
	of_providers.sort_by_key(|(edge, _)| edge.provider);
	for of_provider in of_providers.chunk_by_mut(|(a, _), (b, _)| a.provider == b.provider) {
		let flows = divided(of_provider.iter().map(|(edge, room)| (edge.flow, *room)));
		for ((edge, _), flow) in of_provider.iter_mut().zip(flows) {
			edge.to_user -= flow;
			edge.flow = flow;
		}
	}
	for of_user in edges.chunk_by_mut(|a, b| a.user == b.user) {
		let flows = divided(of_user.iter().map(|edge| (edge.flow, edge.to_provider)));
		for (edge, flow) in of_user.iter_mut().zip(flows) {
			edge.to_provider -= flow;
			edge.flow = flow;
		}
	}
}

/// What flows out over each of an account's edges, by what flows in over it and its room. What flows in over
/// an edge is divided between all others in proportion to their room, so that nothing flows straight back;
/// what no edge has room for is lost.
fn divided(edges: impl Iterator<Item = (f64, f64)> + Clone) -> Vec<f64> {
	let rooms = sums_of_others(edges.clone().map(|(_, room)| room));
	// What each edge brings, as a part of the room that all others have.
	let parts = edges.clone().zip(rooms).map(|((flow, _), room)| if flow > 0.0 { flow / room } else { 0.0 });
	sums_of_others(parts).into_iter().zip(edges).map(|(part, (_, room))| room * part.min(1.0)).collect()
}

/// For each value, the sum of all others. Nothing is subtracted, so that the sum of zeros is zero.
fn sums_of_others(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
	let mut before = 0.0;
	let mut both: Vec<(f64, f64)> = values
		.into_iter()
		.map(|value| {
			let sum = before;
			before += value;
			(value, sum)
		})
		.collect();
	let mut after = 0.0;
	for (value, sum) in both.iter_mut().rev() {
		*sum += after;
		after += *value;
	}
	both.into_iter().map(|(_, sum)| sum).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_sums_of_others_leave_each_value_out() {
		assert_eq!(sums_of_others([1.0, 2.0, 4.0]), [6.0, 5.0, 3.0]);
		assert_eq!(sums_of_others([1.0]), [0.0]);
		assert!(sums_of_others([]).is_empty());
	}

	#[test]
	fn a_small_value_beside_a_large_one_is_not_lost() {
		assert_eq!(sums_of_others([1e30, 1e-30]), [1e-30, 1e30]);
	}
}
