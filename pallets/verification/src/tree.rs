//! The stakes of the draw: a sum tree over places, of which every number is *versioned*.
//!
//! A committee is drawn by what the stakes were at the start of the epoch before. Nobody copies them for that: each
//! number remembers what it was, as far back as a draw can ask. So a change costs one node a level, freezing costs
//! nothing, and whatever happens after the freeze cannot be seen by a draw.

use crate::{pallet::*, *};
use polkadot_sdk::frame_support::traits::ConstU32;

/// The children of a node.
pub const FAN_OUT: u32 = 16;

/// The levels of nodes.
pub const DEPTH: u32 = 4;

/// The places of the tree: the most verifiers. 16 to the power of 4.
pub const PLACES: u32 = 65_536;

/// The bits of a place that choose a child of a node.
const BITS: u32 = FAN_OUT.ilog2();

/// A value, and what it was.
///
/// In epoch `c` it can be read as of the start of `c − 1`, of `c`, and as it is now: three versions are enough, the last of
/// those from before `c − 1` and one each of `c − 1` and `c`. The default, of no version, is that it has always been zero.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Versioned<V: Clone + PartialEq + Eq + core::fmt::Debug> {
	/// The epoch of a change, and the value since: oldest first.
	versions: BoundedVec<(EpochIndex, V), ConstU32<3>>,
}

impl<V: Clone + PartialEq + Eq + core::fmt::Debug + Default> Versioned<V> {
	/// What it is now.
	pub fn now(&self) -> V {
		self.versions.last().map(|(_, value)| value.clone()).unwrap_or_default()
	}

	/// What it was when `epoch` began: this epoch or the one before.
	pub fn at_start_of(&self, epoch: EpochIndex) -> V {
		let before = self.versions.iter().rev().find(|(since, _)| *since < epoch);
		before.map(|(_, value)| value.clone()).unwrap_or_default()
	}

	/// Changes it in `epoch`, and forgets what no draw will ask for any more.
	pub fn set(&mut self, epoch: EpochIndex, value: V) {
		self.forget(epoch);
		if self.now() == value {
			return;
		}
		if self.versions.last().is_some_and(|(since, _)| *since >= epoch) {
			self.versions.pop();
		}
		// What changes back within an epoch has not changed.
		if self.now() != value {
			let pushed = self.versions.try_push((epoch, value));
			debug_assert!(pushed.is_ok(), "one of an older epoch, and one each of the last two");
		}
		self.forget(epoch);
	}

	/// Forgets what no draw from `epoch` on will ask for.
	pub fn forget(&mut self, epoch: EpochIndex) {
		let oldest = epoch.saturating_sub(1);
		while self.versions.get(1).is_some_and(|(since, _)| *since < oldest) {
			self.versions.remove(0);
		}
		// That it has been zero since before says as much as nothing.
		if let [(since, value)] = self.versions.as_slice()
			&& *since < oldest
			&& *value == V::default()
		{
			self.versions.clear();
		}
	}

	/// Whether it is zero for every draw from `epoch` on, and now.
	pub fn is_gone(&self, epoch: EpochIndex) -> bool {
		let oldest = epoch.saturating_sub(1);
		let later = self.versions.iter().filter(|(since, _)| *since >= oldest);
		self.at_start_of(oldest) == V::default() && later.into_iter().all(|(_, value)| *value == V::default())
	}

	/// The epochs of the changes that are remembered.
	pub(crate) fn versions(&self) -> impl Iterator<Item = EpochIndex> {
		self.versions.iter().map(|(since, _)| *since)
	}
}

/// The sums of a node's children.
pub type Node = [Versioned<u128>; FAN_OUT as usize];

/// A node: its level, from the root at 0, and its place on that level.
pub type NodeId = (u8, u32);

/// The node of `level` on the way to `place`, and the child through which the way goes on.
fn step(level: u32, place: u32) -> (NodeId, usize) {
	let below = DEPTH.saturating_sub(level).saturating_mul(BITS);
	let index = place.checked_shr(below).unwrap_or_default();
	let child = place.checked_shr(below.saturating_sub(BITS)).unwrap_or_default() % FAN_OUT;
	((u8::try_from(level).unwrap_or(u8::MAX), index), usize::try_from(child).unwrap_or_default())
}

impl<T: Config> Pallet<T> {
	/// Changes what a place weighs.
	pub(crate) fn set_weight(place: u32, weight: u128) {
		let epoch = T::Epoch::get();
		let old = Self::leaf(place).now();
		for level in 0..DEPTH {
			Self::mutate_sum(level, place, |sum| {
				sum.set(epoch, sum.now().saturating_sub(old).saturating_add(weight));
			});
		}
	}

	/// Forgets everything about a place that weighs nothing any more for any draw.
	pub(crate) fn clear_place(place: u32) {
		let epoch = T::Epoch::get();
		for level in 0..DEPTH {
			Self::mutate_sum(level, place, |sum| sum.forget(epoch));
			if level.saturating_add(1) == DEPTH {
				Self::mutate_sum(level, place, |leaf| *leaf = Versioned::default());
			}
		}
	}

	/// Changes the sum of one level on the way to `place`. A node of which nothing is known is not stored.
	fn mutate_sum(level: u32, place: u32, change: impl FnOnce(&mut Versioned<u128>)) {
		let (id, child) = step(level, place);
		let mut node = Nodes::<T>::get(id);
		if let Some(sum) = node.get_mut(child) {
			change(sum);
		}
		if node.iter().all(|sum| *sum == Versioned::default()) {
			Nodes::<T>::remove(id);
		} else {
			Nodes::<T>::insert(id, node);
		}
	}

	/// What a place weighs, and did.
	pub(crate) fn leaf(place: u32) -> Versioned<u128> {
		let (id, child) = step(DEPTH.saturating_sub(1), place);
		Nodes::<T>::get(id).get(child).cloned().unwrap_or_default()
	}

	/// What all places weighed together when `epoch` began.
	pub(crate) fn total_at(epoch: EpochIndex) -> u128 {
		let sums = Nodes::<T>::get((0, 0));
		sums.iter().fold(0u128, |total, sum| total.saturating_add(sum.at_start_of(epoch)))
	}

	/// The place under `point`, counted from 0, when all weights of the start of `epoch` are laid end to end, and what it
	/// weighed.
	pub(crate) fn place_at(mut point: u128, epoch: EpochIndex) -> Option<(u32, u128)> {
		let mut place = 0u32;
		let mut weight = 0;
		for level in 0..DEPTH {
			let node = Nodes::<T>::get((u8::try_from(level).ok()?, place));
			let mut found = None;
			for (child, sum) in (0..FAN_OUT).zip(node.iter()) {
				weight = sum.at_start_of(epoch);
				match point.checked_sub(weight) {
					Some(beyond) => point = beyond,
					None => {
						found = Some(child);
						break;
					}
				}
			}
			place = place.checked_mul(FAN_OUT)?.checked_add(found?)?;
		}
		Some((place, weight))
	}
}
