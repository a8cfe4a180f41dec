//! Whoever spreads the same deeds and the same bond over more accounts comes no further: and where that ends.
//!
//! Two worlds live side by side: in one, everything is the whole's; in the other, it is one of its parts'.
//! Each world has payers of its own.

use super::*;
use proptest::prelude::*;

const WHOLE: u64 = 100;
/// The parts are the accounts after it.
const PARTS: u64 = 101;
/// What is added to a payer's number in the world of the whole.
const OF_WHOLE: u64 = 1_000;

/// Thresholds that are as high as is sound with a hysteresis of two periods' decay, so that the parts keep
/// what they can.
const STEPS: [u64; 5] = [1_000, 1_800, 2_440, 2_952, 3_362];
const SLACK: Perbill = Perbill::from_percent(20);

const COSTLY: [Source; 4] = [Source::Verified, Source::Accepted, Source::Challenged, Source::Kept];
const FREE: [Source; 3] = [Source::Heartbeat, Source::Voted, Source::Audited];

#[derive(Clone, Debug)]
enum Step {
	/// Somebody does something, so often.
	Does { part: u64, source: Source, times: u32 },
	/// Those of whom it is said do what is free, each with its own account; so does the whole, with its one
	/// account.
	Free { does: Vec<bool>, source: Source },
	/// Somebody is given points.
	Gets { part: u64, points: u64 },
	/// Somebody is paid.
	Served { part: u64, payer: u64, burned: u128 },
	/// Somebody bonds more.
	Bonds { part: u64, amount: u64 },
	/// Periods pass; then somebody takes out what it bonded, or a part of it.
	Passes { periods: u64, part: u64, kept: Perbill },
}

fn deed(source: Source) -> Deed {
	match source {
		Source::Verified => Deed::Verified(TASK),
		Source::Accepted => Deed::Accepted(1),
		Source::Challenged => Deed::Challenged(1),
		Source::Kept => Deed::Kept(1),
		Source::Heartbeat => Deed::Heartbeat,
		Source::Voted => Deed::Voted(1),
		Source::Audited => Deed::Audited(TASK),
		Source::Served => unreachable!("it is told otherwise"),
	}
}

fn step(parts: u64) -> impl Strategy<Value = Step> {
	let source = prop::sample::select(&COSTLY[..]);
	let free = prop::sample::select(&FREE[..]);
	let does = proptest::collection::vec(any::<bool>(), parts as usize);
	// So that the points of the whole go up and down among the thresholds.
	prop_oneof![
		4 => (0..parts, 50..1_100u64).prop_map(|(part, points)| Step::Gets { part, points }),
		3 => (does, free).prop_map(|(does, source)| Step::Free { does, source }),
		4 => (0..parts, source, 1..5u32).prop_map(|(part, source, times)| Step::Does { part, source, times }),
		2 => (0..parts, 0..4u64, 0..300u128)
			.prop_map(|(part, payer, burned)| Step::Served { part, payer, burned }),
		4 => (0..parts, 0..350u64).prop_map(|(part, amount)| Step::Bonds { part, amount }),
		7 => (1..4u64, 0..parts, prop_oneof![9 => Just(100u32), 1 => 0..100u32])
			.prop_map(|(periods, part, kept)| {
				Step::Passes { periods, part, kept: Perbill::from_percent(kept) }
			}),
	]
}

fn own(part: u64) -> u64 {
	Bonds::get().get(&(Role::Verifier, PARTS + part)).copied().unwrap_or_default()
}

fn set_bond(part: u64, amount: u64, parts: u64) {
	bond_as(Role::Verifier, PARTS + part, amount);
	bond_as(Role::Verifier, WHOLE, (0..parts).map(own).sum());
}

fn act(step: Step, parts: u64) {
	match step {
		Step::Does { part, source, times } => {
			for who in [WHOLE, PARTS + part] {
				Reputation::saw_times(&who, deed(source), times);
			}
		}
		Step::Gets { part, points } => {
			endow(WHOLE, points);
			endow(PARTS + part, points);
		}
		Step::Free { does, source } => {
			if does.contains(&true) {
				saw(WHOLE, deed(source));
			}
			let parts = (PARTS..).zip(does).filter(|(_, does)| *does);
			parts.for_each(|(who, _)| saw(who, deed(source)));
		}
		Step::Served { part, payer, burned } => {
			Reputation::earned(&WHOLE, &(OF_WHOLE + payer), burned);
			Reputation::earned(&(PARTS + part), &payer, burned);
		}
		Step::Bonds { part, amount } => set_bond(part, own(part) + amount, parts),
		Step::Passes { periods, part, kept } => {
			pass(periods);
			for who in (0..=parts).map(|index| WHOLE + index) {
				let _ = bump(who);
			}
			set_bond(part, kept.mul_floor(own(part)), parts);
		}
	}
}

/// The chain at genesis, with thresholds as high as is sound.
fn ext() -> polkadot_sdk::sp_io::TestExternalities {
	let ext = crate::mock::ext();
	Steps::set(STEPS.to_vec());
	Slack::set(SLACK);
	assert!(Reputation::ladder().is_sound());
	ext
}

/// Checks that the parts have come no further than the whole, whose tier ends at the highest.
fn compare(parts: u64) -> Result<(), TestCaseError> {
	let of_parts: u32 = (0..parts).map(|part| u32::from(tier(PARTS + part))).sum();
	let sum: u64 = (0..parts).map(|part| points(PARTS + part)).sum();
	prop_assert!(sum <= points(WHOLE), "{sum} points, the whole has {}", points(WHOLE));
	prop_assert!(of_parts.min(MAX_TIERS) <= tier(WHOLE).into(), "{of_parts}, the whole has {}", tier(WHOLE));
	Ok(())
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

	#[test]
	fn two_parts_never_come_further_than_the_whole(steps in proptest::collection::vec(step(2), 1..120)) {
		ext().execute_with(|| {
			for step in steps {
				act(step, 2);
				compare(2)?;
			}
			Ok::<_, TestCaseError>(())
		})?;
	}

	#[test]
	fn any_number_of_parts_never_come_further_than_the_whole(
		(parts, steps) in (1..7u64).prop_flat_map(|parts| {
			(Just(parts), proptest::collection::vec(step(parts), 1..160))
		}),
	) {
		ext().execute_with(|| {
			for step in steps {
				act(step, parts);
				compare(parts)?;
			}
			Ok::<_, TestCaseError>(())
		})?;
	}
}

#[test]
fn the_property_is_about_tiers_that_are_reached() {
	run(|| {
		set_bond(0, 2 * UNIT, 2);
		set_bond(1, UNIT, 2);
		for _ in 0..9 {
			for (part, times) in [(0, 8), (1, 4)] {
				act(Step::Does { part, source: Source::Verified, times }, 2);
			}
			act(Step::Passes { periods: 1, part: 0, kept: Perbill::one() }, 2);
			compare(2).unwrap();
		}
		assert_eq!((tier(WHOLE), tier(PARTS), tier(PARTS + 1)), (3, 2, 1));
	});
}

#[test]
fn with_thresholds_that_ignore_the_hysteresis_two_parts_come_further() {
	run(|| {
		Steps::set(vec![1_000, 2_000]);
		assert!(!Reputation::ladder().is_sound());
		set_bond(0, 3 * UNIT, 2);
		set_bond(1, 3 * UNIT, 2);
		// The first rises, and falls as far as it may.
		for times in [4, 4] {
			act(Step::Does { part: 0, source: Source::Verified, times }, 2);
		}
		act(Step::Does { part: 0, source: Source::Challenged, times: 2 }, 2);
		assert_eq!((points(PARTS), tier(PARTS)), (1_200, 1));
		act(Step::Passes { periods: 2, part: 0, kept: Perbill::one() }, 2);
		assert_eq!(tier(PARTS), 1);
		// Then the second.
		act(Step::Does { part: 1, source: Source::Verified, times: 10 }, 2);
		assert_eq!((tier(WHOLE), tier(PARTS) + tier(PARTS + 1)), (1, 2));
	});
}

#[test]
fn beyond_the_highest_tier_two_parts_come_further() {
	run(|| {
		for part in [0, 1] {
			set_bond(part, 5 * UNIT, 2);
			for _ in 0..20 {
				act(Step::Does { part, source: Source::Accepted, times: 7 }, 2);
				act(Step::Does { part, source: Source::Verified, times: 20 }, 2);
			}
		}
		assert!(tier(PARTS) > 0);
		assert_eq!(tier(WHOLE), 5, "there is none above");
		assert!(tier(PARTS) + tier(PARTS + 1) > tier(WHOLE));
	});
}

#[test]
fn a_fault_stays_with_the_part_that_committed_it() {
	run(|| {
		for part in [0, 1] {
			set_bond(part, UNIT, 2);
		}
		[PARTS, WHOLE].into_iter().for_each(|who| endow(who, 1_000));
		[PARTS + 1, WHOLE].into_iter().for_each(suspend);
		assert_eq!((tier(WHOLE), tier(PARTS)), (0, 1));
	});
}

#[test]
fn in_a_period_in_which_a_bond_leaves_two_parts_can_earn_more() {
	run(|| {
		[0, 1].into_iter().for_each(|part| set_bond(part, UNIT, 2));
		act(Step::Does { part: 0, source: Source::Verified, times: 4 }, 2);
		set_bond(0, 0, 2);
		act(Step::Does { part: 1, source: Source::Verified, times: 4 }, 2);
		let caps = [points(WHOLE), points(PARTS) + points(PARTS + 1)].map(|sum| sum / CAPS.verified);
		assert_eq!(caps, [1, 2], "more by what the bond that left allowed, and no tier without it");
	});
}
