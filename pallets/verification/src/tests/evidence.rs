//! Whoever listens is told what verifiers did.

use super::*;
use oda_pallet_traits::Deed;

/// What was seen of four verifiers of whom two said `Valid`, one `Wrong`, and one nothing.
fn seen(ending: Ending<AccountId32>) -> Vec<(AccountId32, Deed)> {
	Seen::take();
	run_open(4, || {
		attest(0, Verdict::Valid);
		attest(1, Verdict::Valid);
		attest(2, Verdict::Wrong(3));
		Time::set(110);
		close(ending);
	});
	Time::set(100);
	let mut seen = Seen::take();
	seen.sort_by_key(|(who, _)| (0..KEYS.len()).find(|index| key(*index) == *who));
	seen
}

#[test]
fn who_answered_as_it_ended_verified() {
	assert_eq!(
		seen(Ending::Accepted),
		[
			(key(0), Deed::Verified(TASK)),
			(key(1), Deed::Verified(TASK)),
			(key(2), Deed::Misverified(TASK)),
			(key(3), Deed::Absent(TASK)),
		]
	);
}

#[test]
fn who_signed_valid_of_what_fell_did_not() {
	assert_eq!(
		seen(Ending::Overturned { challenger: key(5) }),
		[
			(key(0), Deed::Misverified(TASK)),
			(key(1), Deed::Misverified(TASK)),
			(key(2), Deed::Verified(TASK)),
		]
	);
}

#[test]
fn who_accused_what_lapsed_was_as_good_as_absent() {
	assert_eq!(
		seen(Ending::Lapsed),
		[
			(key(0), Deed::Verified(TASK)),
			(key(1), Deed::Verified(TASK)),
			(key(2), Deed::Absent(TASK)),
			(key(3), Deed::Absent(TASK)),
		]
	);
}

#[test]
fn an_abstention_is_no_deed() {
	Seen::take();
	run_open(1, || {
		attest(0, Verdict::Unavailable);
		close(Ending::Void);
	});
	assert_eq!(Seen::take(), []);
}
