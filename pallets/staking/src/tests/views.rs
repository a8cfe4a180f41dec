//! What people are told.

use super::*;

#[test]
fn a_pool_is_shown() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(delegate(Validator, 1, BOB, 50_000));
		assert_ok!(unbond(Validator, 1, BOB, 20_000));
		assert_ok!(reserve(Validator, 1, 70_000));
		assert_ok!(set_commission(Validator, 1, 20));
		let raise = Some(Raise { to: Perbill::from_percent(20), at: Time::get() + NOTICE });
		let expected = PoolView {
			own: 900_000,
			delegated: 130_000,
			leaving: 20_000,
			reserved: 70_000,
			counted: 1_030_000,
			min_bond: MIN_BOND,
			commission: COMMISSION,
			raise,
			chilled: false,
			offences: 0,
			members: 3,
		};
		assert_eq!(Staking::pool(Validator, 1), Some(expected));
		assert_eq!(Staking::pool(Verifier, 1), None);
	});
}

#[test]
fn candidates_and_positions_come_in_pages() {
	run(|| {
		for (role, operator) in [(Verifier, 5), (Verifier, 6), (Verifier, 7), (Provider, 5)] {
			assert_ok!(bond(role, operator, MIN_BOND));
			assert_ok!(delegate(role, operator, ALICE, 20_000));
		}
		let mut seen = vec![];
		while let Some((who, _)) = Staking::candidates(Verifier, seen.last().copied(), 1).first() {
			seen.push(*who);
		}
		seen.sort_unstable();
		assert_eq!(seen, [5, 6, 7]);
		assert_eq!(Staking::candidates(Validator, None, u32::MAX).len(), 4);
		let mut pools = vec![];
		while let Some(position) = Staking::positions(ALICE, pools.last().copied(), 1).first() {
			assert_eq!((position.worth, position.shares), (20_000, 20_000));
			pools.push((position.role, position.operator));
		}
		pools.sort_unstable();
		assert_eq!(pools, [(Verifier, 5), (Verifier, 6), (Verifier, 7), (Provider, 5)]);
	});
}

#[test]
fn a_position_is_shown_with_what_is_leaving() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(unbond(Validator, 1, ALICE, 20_000));
		let until = Time::get() + TERM;
		assert_ok!(redelegate(Validator, 1, ALICE, 2, 30_000));
		slash(Validator, 1, 100_000);
		let chunk = |amount, to| ChunkView { amount, until, to };
		let expected = PositionView {
			role: Validator,
			operator: 1,
			shares: 50_000,
			worth: 45_000,
			leaving: vec![chunk(18_000, None), chunk(27_000, Some(2))],
		};
		assert_eq!(Staking::positions(ALICE, None, 10), [expected]);
	});
}

#[test]
fn the_shortest_term_is_that_of_all_sessions_that_can_be_reported() {
	assert_eq!(Staking::least_bonding(), (u64::from(REPORT_SESSIONS) + 2) * SESSION);
}
