//! Values that remember what they were, and the sums of them.

use super::*;
use crate::{Nodes, Places, tree, tree::Versioned};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn a_value_is_known_as_it_was_at_the_start_of_this_epoch_and_the_last() {
	let mut value = Versioned::<u128>::default();
	for (epoch, new) in [(3, 5), (4, 6), (5, 7), (5, 8)] {
		value.set(epoch, new);
	}
	assert_eq!((value.at_start_of(4), value.at_start_of(5), value.now()), (5, 6, 8));
	value.set(9, 1);
	assert_eq!((value.at_start_of(8), value.at_start_of(9), value.now()), (8, 8, 1));
}

#[test]
fn a_value_that_is_zero_again_is_gone_once_no_draw_asks_for_what_it_was() {
	let mut value = Versioned::<u128>::default();
	assert!(value.is_gone(0));
	value.set(3, 5);
	value.set(4, 0);
	for (epoch, gone) in [(4, false), (5, false), (6, true)] {
		assert_eq!(value.is_gone(epoch), gone, "epoch {epoch}");
	}
	value.forget(6);
	assert_eq!(value, Versioned::default());
}

#[test]
fn places_are_found_by_weight_from_the_first_to_the_last() {
	run(0, || {
		let last = tree::PLACES - 1;
		for (place, weight) in [(0, 3), (15, 1), (16, 2), (4_095, 1), (4_096, 1), (last, 2)] {
			Verification::set_weight(place, weight);
		}
		assert_eq!(Verification::total_at(1), 10);
		let found: Vec<_> = (0..10).map(|point| Verification::place_at(point, 1).unwrap().0).collect();
		assert_eq!(found, [0, 0, 0, 15, 16, 16, 4_095, 4_096, last, last]);
		assert_eq!(Verification::place_at(10, 1), None);
		assert_eq!(Verification::place_at(0, 0), None);
	});
}

#[test]
fn a_cleared_tree_takes_no_storage() {
	run(0, || {
		for place in [0, 1, 77, 65_535] {
			Verification::set_weight(place, 5);
		}
		Epoch::set(3);
		for place in [0, 1, 77, 65_535] {
			Verification::set_weight(place, 0);
		}
		assert!(Nodes::<Test>::iter().count() > 4);
		Epoch::set(5);
		for place in [0, 1, 77, 65_535] {
			Verification::clear_place(place);
		}
		assert_eq!(Nodes::<Test>::iter().count(), 0);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// Against copies of everything at the start of each epoch.
	#[test]
	fn the_tree_draws_as_copies_of_all_stakes_would(
		changes in prop::collection::vec((0..3u32, 0..40u32, prop_oneof![Just(0u128), 1..90u128]), 1..80),
		points in prop::collection::vec(any::<u64>(), 8),
	) {
		new_test_ext(0).execute_with(|| {
			let mut now = BTreeMap::new();
			// What everything was when the epoch of the index began.
			let mut copies = vec![BTreeMap::new()];
			for (epochs, place, weight) in changes {
				for _ in 0..epochs {
					Epoch::set(Epoch::get() + 1);
					copies.push(now.clone());
				}
				let place = place * 1_700 % tree::PLACES;
				Verification::set_weight(place, weight);
				now.insert(place, weight);
				for back in 0..2 {
					let Some(epoch) = Epoch::get().checked_sub(back) else { continue };
					let copy = &copies[epoch as usize];
					let total: u128 = copy.values().sum();
					assert_eq!(Verification::total_at(epoch), total);
					for point in points.iter().map(|point| u128::from(*point)).filter(|_| total > 0) {
						let (mut left, mut expected) = (point % total, None);
						for (place, weight) in copy {
							if left < *weight {
								expected = Some((*place, *weight));
								break;
							}
							left -= weight;
						}
						assert_eq!(Verification::place_at(point % total, epoch), expected);
					}
				}
			}
			assert!(Places::<Test>::iter().next().is_none());
		});
	}
}
