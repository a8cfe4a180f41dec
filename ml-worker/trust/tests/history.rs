//! What a history counts, keeps and refuses.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use oda_trust::{History, HistoryError, Interaction, Limits, Observation};
use proptest::{collection::vec, prelude::*};
use std::{
	fs,
	num::NonZeroU64,
	ops::Range,
	path::{Path, PathBuf},
};
use tempfile::{TempDir, tempdir};

const GENESIS: [u8; 32] = [7; 32];
const HALF_LIFE: u64 = 800;
/// Ticks are rounded down to this.
const STEP: u64 = 100;

fn limits(payments: usize) -> Limits {
	Limits { half_life: NonZeroU64::new(HALF_LIFE).unwrap(), payments }
}

fn open(folder: &Path) -> History {
	History::open(folder, GENESIS, limits(100)).unwrap()
}

fn new() -> (TempDir, History) {
	let folder = tempdir().unwrap();
	let history = open(folder.path());
	(folder, history)
}

fn user(channel: u64) -> [u8; 32] {
	[u8::try_from(channel % 100).unwrap(); 32]
}

/// A channel, whose user and provider follow from its number.
fn seen(channel: u64, claimed: u128) -> Observation {
	Observation { channel, user: user(channel), provider: [200; 32], claimed }
}

/// The amounts that are kept, and their ticks.
fn payments(history: &History) -> Vec<(u64, u128)> {
	history.interactions().iter().map(|i| (i.tick, i.amount)).collect()
}

fn channels(history: &History) -> Vec<u8> {
	history.interactions().iter().map(|i| i.user[0]).collect()
}

/// The only file of a history.
fn file(folder: &Path) -> PathBuf {
	folder.join(format!("{}.json", "07".repeat(16)))
}

#[test]
fn growth_counts_once() {
	let (_folder, mut history) = new();
	for (tick, claimed) in [(0, 5), (STEP, 5), (STEP, 8), (STEP, 8), (2 * STEP, 8)] {
		history.observe(tick, [seen(1, claimed)]);
	}
	assert_eq!(payments(&history), [(0, 5), (STEP, 3)]);
}

#[test]
fn a_payment_is_told_with_its_accounts() {
	let (_folder, mut history) = new();
	history.observe(STEP, [seen(1, 5)]);
	let expected = Interaction { user: user(1), provider: [200; 32], amount: 5, tick: STEP };
	assert_eq!(history.interactions(), [expected]);
}

#[test]
fn a_channel_that_nothing_was_claimed_from_is_no_payment() {
	let (_folder, mut history) = new();
	history.observe(0, [seen(1, 0)]);
	assert_eq!(payments(&history), []);
}

#[test]
fn a_tick_is_rounded_down() {
	let (_folder, mut history) = new();
	history.observe(2 * STEP - 1, [seen(1, 5)]);
	history.observe(2 * STEP - 1, [seen(1, 6)]);
	assert_eq!(payments(&history), [(STEP, 6)]);
}

#[test]
fn what_is_seen_late_makes_a_payment_older() {
	let (_folder, mut history) = new();
	history.observe(2 * STEP, [seen(1, 8)]);
	history.observe(STEP, [seen(1, 5)]);
	assert_eq!(payments(&history), [(STEP, 5), (2 * STEP, 3)]);
	history.observe(0, [seen(1, 8)]);
	assert_eq!(payments(&history), [(0, 8)]);
}

#[test]
fn what_the_chain_has_forgotten_is_still_known() {
	let (_folder, mut history) = new();
	history.observe(0, [seen(1, 1_000)]);
	history.observe(2 * HALF_LIFE, [seen(2, 10)]);
	assert_eq!(payments(&history), [(0, 1_000), (2 * HALF_LIFE, 10)]);
}

#[test]
fn what_has_decayed_to_nothing_is_forgotten() {
	let (_folder, mut history) = new();
	history.observe(0, [seen(1, 4)]);
	history.observe(2 * HALF_LIFE, []);
	assert_eq!(payments(&history), [(0, 4)]);
	history.observe(2 * HALF_LIFE + 1, []);
	assert_eq!(payments(&history), []);
}

#[test]
fn what_is_forgotten_does_not_count_anew_when_the_channel_is_still_there() {
	let (_folder, mut history) = new();
	for time in 0..20 {
		history.observe(time * HALF_LIFE / 2, [seen(1, 4)]);
	}
	assert_eq!(payments(&history), []);
	history.observe(10 * HALF_LIFE, [seen(1, 6)]);
	assert_eq!(payments(&history), [(10 * HALF_LIFE, 2)]);
}

#[test]
fn a_history_survives_a_restart() {
	let (folder, mut history) = new();
	history.observe(STEP, [seen(1, u128::MAX), seen(2, 7)]);
	history.save().unwrap();
	let mut again = open(folder.path());
	assert_eq!(again.interactions(), history.interactions());
	again.observe(2 * STEP, [seen(2, 9)]);
	assert_eq!(payments(&again), [(STEP, u128::MAX), (STEP, 7), (2 * STEP, 2)]);
}

#[test]
fn what_was_not_saved_counts_when_it_is_seen_again() {
	let (folder, mut history) = new();
	history.observe(0, [seen(1, 5)]);
	history.save().unwrap();
	history.observe(STEP, [seen(1, 8)]);
	drop(history);
	let mut again = open(folder.path());
	again.observe(2 * STEP, [seen(1, 8)]);
	assert_eq!(payments(&again), [(0, 5), (2 * STEP, 3)]);
}

#[test]
fn the_smallest_channels_beyond_the_limit_are_dropped_whole() {
	let folder = tempdir().unwrap();
	let mut history = History::open(folder.path(), GENESIS, limits(3)).unwrap();
	history.observe(0, [seen(1, 50), seen(2, 10), seen(3, 30), seen(4, 20)]);
	assert_eq!(channels(&history), [1, 3, 4]);
	history.observe(STEP, [seen(1, 60), seen(3, 30), seen(4, 20)]);
	assert_eq!(channels(&history), [1, 1, 3]);
}

#[test]
fn channels_of_equal_size_do_not_crowd_out_those_that_are_known() {
	let folder = tempdir().unwrap();
	let mut history = History::open(folder.path(), GENESIS, limits(2)).unwrap();
	history.observe(0, [seen(1, 5), seen(2, 5)]);
	history.observe(STEP, (1..90).map(|channel| seen(channel, 5)));
	assert_eq!(payments(&history), [(0, 5), (0, 5)]);
	assert_eq!(channels(&history), [1, 2]);
}

#[test]
fn a_channel_beyond_the_limit_does_not_come_back_in_place_of_another() {
	let folder = tempdir().unwrap();
	let mut history = History::open(folder.path(), GENESIS, limits(2)).unwrap();
	for time in 0..20 {
		history.observe(time * HALF_LIFE / 10, [seen(1, 1_000), seen(2, 900), seen(3, 800)]);
		assert_eq!(payments(&history), [(0, 1_000), (0, 900)]);
	}
}

#[test]
fn of_channels_that_are_gone_what_is_left_of_them_counts() {
	let folder = tempdir().unwrap();
	let mut history = History::open(folder.path(), GENESIS, limits(2)).unwrap();
	history.observe(0, [seen(1, 1_000)]);
	history.observe(5 * HALF_LIFE, [seen(2, 40), seen(3, 50)]);
	// Of 1,000 there are about 31 left.
	assert_eq!(channels(&history), [2, 3]);
}

#[test]
fn another_chain_has_a_history_of_its_own() {
	let (folder, mut history) = new();
	history.observe(0, [seen(1, 5)]);
	history.save().unwrap();
	let other = History::open(folder.path(), [8; 32], limits(100)).unwrap();
	assert_eq!(other.interactions(), []);
}

#[test]
fn a_file_of_another_chain_is_refused() {
	let (folder, history) = new();
	history.save().unwrap();
	let mut genesis = GENESIS;
	genesis[31] = 0;
	// Both chains' names begin alike.
	let error = History::open(folder.path(), genesis, limits(100)).unwrap_err();
	assert!(matches!(error, HistoryError::OtherChain { genesis: GENESIS, .. }), "{error}");
}

#[test]
fn a_file_of_another_format_is_refused_and_left_as_it_is() {
	let folder = tempdir().unwrap();
	let text = r#"{"format":2,"something":"new"}"#;
	fs::write(file(folder.path()), text).unwrap();
	let error = History::open(folder.path(), GENESIS, limits(100)).unwrap_err();
	assert!(matches!(error, HistoryError::Format { format: 2, .. }), "{error}");
	assert_eq!(fs::read_to_string(file(folder.path())).unwrap(), text);
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
	let (folder, mut history) = new();
	history.observe(STEP, [seen(1, 5)]);
	history.observe(2 * STEP, [seen(1, 9)]);
	history.save().unwrap();
	let whole = fs::read_to_string(file(folder.path())).unwrap();
	let falling = whole.replace("\"9\"", "\"4\"");
	assert_ne!(falling, whole);
	for text in ["", "[]", &whole[..whole.len() / 2], &falling, &whole.replace("seen", "viewed")] {
		fs::write(file(folder.path()), text).unwrap();
		let error = History::open(folder.path(), GENESIS, limits(100)).unwrap_err();
		assert!(matches!(error, HistoryError::Damaged { .. }), "{text}: {error}");
		assert_eq!(fs::read_to_string(file(folder.path())).unwrap(), text);
	}
}

#[test]
fn what_cannot_be_written_is_told_and_loses_nothing() {
	let (folder, mut history) = new();
	history.observe(0, [seen(1, 5)]);
	fs::create_dir(file(folder.path())).unwrap();
	assert!(matches!(history.save(), Err(HistoryError::File { .. })));
	fs::remove_dir(file(folder.path())).unwrap();
	history.save().unwrap();
	assert_eq!(open(folder.path()).interactions(), history.interactions());
}

/// An amount that has not decayed to nothing by the last snapshot.
const LARGE: u128 = 1 << 30;

/// What the chain shows over time: from time to time more was claimed, and all channels end some day.
fn snapshots(growth: Range<u128>) -> impl Strategy<Value = Vec<(u64, Vec<Observation>)>> {
	vec((0..6 * STEP, vec((1_u64..5, growth), 0..4), 0_u64..40), 1..30).prop_map(|times| {
		let (mut tick, mut claimed, mut open) = (0, [0; 5], [true; 5]);
		let mut all = Vec::new();
		for (later, growths, ends) in times {
			tick += later;
			for (channel, growth) in growths {
				claimed[usize::try_from(channel).unwrap()] += growth;
			}
			if let Some(open) = usize::try_from(ends).ok().and_then(|ends| open.get_mut(ends)) {
				*open = false;
			}
			let shown = (1..5).filter(|channel| open[*channel]);
			let shown = shown.map(|channel| seen(u64::try_from(channel).unwrap(), claimed[channel]));
			all.push((tick, shown.collect()));
		}
		all
	})
}

proptest! {
	#[test]
	fn the_order_of_observations_does_not_matter_as_long_as_nothing_is_forgotten(
		(sorted, shuffled) in snapshots(LARGE..2 * LARGE)
			.prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
	) {
		let [sorted, shuffled] = [sorted, shuffled].map(|all| {
			let (_folder, mut history) = new();
			for (tick, observations) in all {
				history.observe(tick, observations);
			}
			history.interactions()
		});
		prop_assert_eq!(sorted, shuffled);
	}

	#[test]
	fn no_more_is_kept_than_the_limit_and_nothing_counts_twice(all in snapshots(0..1_000), limit in 0_usize..10) {
		let folder = tempdir().unwrap();
		let mut history = History::open(folder.path(), GENESIS, limits(limit)).unwrap();
		let mut claimed = [0; 5];
		for (tick, observations) in all {
			for seen in &observations {
				claimed[usize::try_from(seen.channel).unwrap()] = seen.claimed;
			}
			history.observe(tick, observations);
			prop_assert!(history.interactions().len() <= limit);
			for channel in 1..5_u8 {
				let kept = history.interactions().into_iter().filter(|i| i.user[0] == channel);
				prop_assert!(kept.map(|i| i.amount).sum::<u128>() <= claimed[usize::from(channel)]);
			}
		}
	}
}
