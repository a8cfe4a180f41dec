//! What the invariants refuse.

use super::*;
use oda_primitives::Tick;

/// Whether a state with this entry is refused.
fn refused(entry: Entry) -> bool {
	ext().execute_with(|| {
		Entries::<Test>::insert(ALICE, entry);
		Reputation::do_try_state().is_err()
	})
}

#[test]
fn an_entry_of_a_later_period_is_refused() {
	assert!(refused(Entry { period: 1, ..Default::default() }));
}

#[test]
fn a_tier_above_the_highest_is_refused() {
	assert!(refused(Entry { tier: 6, ..Default::default() }));
}

#[test]
fn a_tier_of_who_is_suspended_is_refused() {
	let standing = Standing::Banned { appealed: false };
	assert!(refused(Entry { tier: 1, standing, suspensions: 1, ..Default::default() }));
}

#[test]
fn a_suspension_that_was_not_counted_is_refused() {
	assert!(refused(Entry { standing: Standing::Banned { appealed: false }, ..Default::default() }));
}

#[test]
fn a_deed_to_come_is_refused() {
	let deed = Recent { tick: 1, what: Counted::Earned(Source::Kept), points: 1 };
	let recent = vec![deed].try_into().unwrap();
	assert!(refused(Entry { recent, ..Default::default() }));
}

#[test]
fn a_payer_of_nothing_is_refused() {
	ext().execute_with(|| {
		Payers::<Test>::insert(ALICE, Payer { period: 0, points: 0 });
		assert!(Reputation::do_try_state().is_err());
	});
}

#[test]
fn a_deposit_that_is_not_there_is_refused() {
	ext().execute_with(|| {
		suspend(ALICE);
		let until: Tick = 9;
		Appeals::<Test>::insert(ALICE, Appeal { reason: REASON, deposit: 1, until });
		assert!(Reputation::do_try_state().is_err());
	});
}
