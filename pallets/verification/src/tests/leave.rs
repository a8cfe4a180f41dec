//! Leaving.

use super::*;

fn leave(index: usize) -> DispatchResult {
	Verification::leave(RuntimeOrigin::signed(key(index)))
}

#[test]
fn leave_releases_the_whole_bond() {
	run(2, || {
		assert_ok!(leave(0));
		assert_eq!(held(0), 0);
		assert_eq!(Balances::free_balance(key(0)), ENDOWMENT);
		assert_eq!(Verification::verifier(key(0)), None);
		assert_eq!(events(), [Event::Left { verifier: key(0), bond: BOND }]);
		assert_ok!(open());
		assert_eq!(task().members.to_vec(), [key(1)]);
	});
}

#[test]
fn leave_fails_while_a_member_of_an_open_task() {
	run_open(2, || {
		assert_noop!(leave(0), Error::<Test>::HasOpenTasks);
		attest(0, Verdict::Valid);
		assert_noop!(leave(0), Error::<Test>::HasOpenTasks);
		close(Ending::Void);
		assert_ok!(leave(0));
	});
}

#[test]
fn leave_fails_for_who_is_no_verifier() {
	run(1, || {
		assert_noop!(leave(1), Error::<Test>::NotVerifier);
		assert_ok!(leave(0));
		assert_noop!(leave(0), Error::<Test>::NotVerifier);
	});
}

#[test]
fn leave_fails_unsigned() {
	run(1, || {
		assert_noop!(Verification::leave(RuntimeOrigin::none()), DispatchError::BadOrigin);
	});
}

#[test]
fn leave_releases_what_slashes_have_left() {
	run_open(2, || {
		attest(0, Verdict::Valid);
		close(Ending::Overturned { challenger: key(5) });
		assert_ok!(leave(0));
		assert_eq!(held(0), 0);
		assert_eq!(Balances::free_balance(key(0)), ENDOWMENT - 401);
	});
}

#[test]
fn leave_works_with_nothing_left() {
	VerifierSlash::set(BOND);
	run_open(1, || {
		attest(0, Verdict::Valid);
		close(Ending::Overturned { challenger: key(5) });
		assert_eq!(bond(0), 0);
		assert_ok!(leave(0));
		assert_eq!(events().last(), Some(&Event::Left { verifier: key(0), bond: 0 }));
	});
}
