//! A task ends as it was opened, whatever the parameters are later.

use super::{
	random::{Model, Step, step},
	*,
};
use polkadot_sdk::{sp_io, sp_runtime::StateVersion};
use proptest::prelude::*;

/// What the chain comes to, if the parameters change between the steps, or do not.
fn outcome(before: &[Step], change: Option<&dyn Fn()>, after: &[Step]) -> (H256, Vec<Event<Test>>) {
	new_test_ext(5).execute_with(|| {
		let mut model = Model::default();
		before.iter().cloned().for_each(|step| model.take(step));
		if let Some(change) = change {
			change();
		}
		after.iter().cloned().for_each(|step| model.take(step));
		(H256::from_slice(&sp_io::storage::root(StateVersion::V1)), events())
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn no_parameter_affects_an_open_task(
		before in prop::collection::vec(step(), 1..50),
		after in prop::collection::vec(step(), 1..50),
		slashes in [1..600u64, 1..600, 1..600, 1..600],
		windows in [1..30u64, 1..30, 1..300],
		sizes in [1..4u32, 4..8, 8..12],
		wanted in 1..=4u32,
		shares in [1..=100u32, 1..=100],
	) {
		let change = || {
			VerifierSlash::set(slashes[0]);
			AccusationSlash::set(slashes[1]);
			UnopenedSlash::set(slashes[2]);
			AbsenceSlash::set(slashes[3]);
			OpenWindow::set(windows[0]);
			DisputeWindow::set(windows[1]);
			Patience::set(windows[2]);
			Committee::set(sizes[1]);
			MaxCommittee::set(sizes[2]);
			Samples::set(sizes[2] * 5);
			Wanted::set(wanted);
			Quorum::set(Perbill::from_percent(shares[0]));
			AbleShare::set(Perbill::from_percent(shares[1]));
		};
		// A task that is opened later is on the terms of then.
		let after: Vec<_> = after.into_iter().filter(|step| !matches!(step, Step::Open(..))).collect();
		prop_assert_eq!(outcome(&before, Some(&change), &after), outcome(&before, None, &after));
	}
}
