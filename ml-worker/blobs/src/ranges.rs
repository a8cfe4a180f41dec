//! Sets of numbers, as ranges.

use std::{collections::BTreeMap, ops::Range};

/// A set of numbers: disjoint ranges that do not touch, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
	/// Adds a range.
	pub fn insert(&mut self, range: Range<u64>) {
		if range.is_empty() {
			return;
		}
		let (mut start, mut end) = (range.start, range.end);
		if let Some((&s, &e)) = self.0.range(..=start).next_back()
			&& e >= start
		{
			start = s;
			end = end.max(e);
		}
		while let Some((&s, &e)) = self.0.range(start..=end).next() {
			self.0.remove(&s);
			end = end.max(e);
		}
		self.0.insert(start, end);
	}

	/// Takes a range away.
	pub fn remove(&mut self, range: Range<u64>) {
		if range.is_empty() {
			return;
		}
		if let Some((&s, &e)) = self.0.range(..range.start).next_back()
			&& e > range.start
		{
			self.0.insert(s, range.start);
			if e > range.end {
				self.0.insert(range.end, e);
			}
		}
		while let Some((&s, &e)) = self.0.range(range.clone()).next() {
			self.0.remove(&s);
			if e > range.end {
				self.0.insert(range.end, e);
			}
		}
	}

	/// The first range.
	pub fn first(&self) -> Option<Range<u64>> {
		self.0.first_key_value().map(|(&start, &end)| start..end)
	}

	/// All ranges, in order.
	pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
		self.0.iter().map(|(&start, &end)| start..end)
	}

	/// All ranges, in order, but those from `start` on before the others.
	pub fn iter_from(&self, start: u64) -> impl Iterator<Item = Range<u64>> + '_ {
		let after = self.iter().map(move |range| range.start.max(start)..range.end);
		let before = self.iter().map(move |range| range.start..range.end.min(start));
		after.chain(before).filter(|range| !range.is_empty())
	}

	/// Whether none of a range is in it.
	pub fn is_disjoint(&self, range: &Range<u64>) -> bool {
		range.is_empty() || self.0.range(..range.end).next_back().is_none_or(|(_, end)| *end <= range.start)
	}

	/// Whether there is nothing in it.
	pub fn is_empty(&self) -> bool {
		self.0.is_empty()
	}

	/// How many numbers are in it.
	pub fn count(&self) -> u64 {
		self.0.iter().map(|(start, end)| end - start).sum()
	}
}

impl FromIterator<Range<u64>> for Ranges {
	fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
		let mut set = Self::default();
		ranges.into_iter().for_each(|range| set.insert(range));
		set
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::collections::BTreeSet;

	#[test]
	fn it_is_a_set() {
		let mut seed = 1u64;
		let mut next = |below: u64| {
			seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
			(seed >> 33) % below
		};
		let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
		for _ in 0..5000 {
			let start = next(60);
			let range = start..start + next(9);
			if next(2) == 0 {
				ranges.insert(range.clone());
				set.extend(range);
			} else {
				ranges.remove(range.clone());
				set.retain(|n| !range.contains(n));
			}
			assert!(ranges.iter().flatten().eq(set.iter().copied()));
			assert_eq!(ranges.count(), set.len() as u64);
			let (from, to) = (next(60), next(60));
			assert!(ranges.iter_from(from).flatten().eq(set.range(from..).chain(set.range(..from)).copied()));
			assert_eq!(
				ranges.is_disjoint(&(from..from + to)),
				set.range(from..from + to).next().is_none() || to == 0
			);
			let parts: Vec<_> = ranges.iter().collect();
			assert!(parts.windows(2).all(|w| w[0].end < w[1].start), "{parts:?}");
		}
	}
}
