//! A task ends as it was opened, whatever the parameters are later.

use super::{
	random::{Step, step, take},
	*,
};
use polkadot_sdk::{
	sp_core::H256,
	sp_io,
	sp_runtime::{Perbill, StateVersion},
};
use proptest::prelude::*;

/// What the chain comes to, if the parameters change between the steps, or do not.
fn outcome(before: &[Step], change: Option<([u64; 3], u8)>, after: &[Step]) -> (H256, Vec<Event<Test>>) {
	let usual = (VerifierSlash::get(), AccusationSlash::get(), AbsenceSlash::get(), Quorum::get());
	let outcome = new_test_ext(4).execute_with(|| {
		Time::set(100);
		before.iter().cloned().for_each(take);
		if let Some(([valid, accusation, absence], quorum)) = change {
			VerifierSlash::set(valid);
			AccusationSlash::set(accusation);
			AbsenceSlash::set(absence);
			Quorum::set(Perbill::from_percent(quorum.into()));
		}
		after.iter().cloned().for_each(take);
		(H256::from_slice(&sp_io::storage::root(StateVersion::V1)), events())
	});
	VerifierSlash::set(usual.0);
	AccusationSlash::set(usual.1);
	AbsenceSlash::set(usual.2);
	Quorum::set(usual.3);
	outcome
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn no_parameter_affects_an_open_task(
		before in prop::collection::vec(step(), 1..60),
		after in prop::collection::vec(step(), 1..60),
		slashes in [1..600u64, 1..600, 1..600],
		quorum in 1..=100u8,
	) {
		// A task that is opened later is on the terms of then.
		let after: Vec<_> = after.into_iter().filter(|step| !matches!(step, Step::Open(..))).collect();
		let agreed = outcome(&before, None, &after);
		prop_assert_eq!(outcome(&before, Some((slashes, quorum)), &after), agreed);
	}
}
