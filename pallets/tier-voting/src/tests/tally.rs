//! What approval and support are parts of.

use super::*;
use polkadot_sdk::{frame_support::traits::VoteTally, sp_runtime::Perbill};

#[test]
fn approval_is_the_part_of_the_ayes_in_the_votes_cast() {
	run(|| assert_eq!(Tally::<Test>::from_parts(1, 3).approval(0), Perbill::from_percent(25)));
}

#[test]
fn support_is_the_part_of_the_ayes_in_all_votes() {
	run(|| {
		let all = TotalVotes::<Test>::get();
		assert_eq!(Tally::<Test>::from_parts(1, 3).support(0), Perbill::from_rational(1, all));
	});
}

#[test]
fn nobodys_approval_is_none() {
	run(|| assert_eq!(Tally::<Test>::new(0).approval(0), Perbill::zero()));
}

#[test]
fn support_is_none_where_nobody_has_votes() {
	run(|| {
		TIERS.into_iter().for_each(|(who, _)| set_tier(who, 0));
		assert_eq!(TotalVotes::<Test>::get(), 0);
		assert_eq!(Tally::<Test>::new(0).support(0), Perbill::zero());
	});
}

#[test]
fn everybodys_aye_is_all_the_support_and_approval_there_is() {
	run(|| {
		let tally = Tally::<Test>::from_parts(TotalVotes::<Test>::get(), 0);
		assert_eq!((tally.support(0), tally.approval(0)), (Perbill::one(), Perbill::one()));
	});
}

#[test]
fn the_ratios_of_the_largest_counts_are_exact() {
	run(|| {
		TotalVotes::<Test>::put(u32::MAX);
		let tally = Tally::<Test>::from_parts(u32::MAX / 2, u32::MAX / 2 + 1);
		let half = Perbill::from_rational(u32::MAX / 2, u32::MAX);
		assert_eq!((tally.support(0), tally.approval(0)), (half, half));
		TotalVotes::<Test>::put(11);
	});
}
