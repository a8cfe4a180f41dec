//! Becoming a keeper, and leaving.

use super::*;

fn signed(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

#[test]
fn the_bond_counts_mebibytes_begun_and_has_a_least() {
	run(|| {
		assert_ok!(bind(PAYER));
		assert_ok!(StorageDeals::enlist(signed(PAYER), (11 << 20) + 1));
		assert_eq!(held(HoldReason::KeeperBond, PAYER), 12 * BOND_PER_MIB);
		assert_eq!(held(HoldReason::KeeperBond, ALICE), MIN_BOND);
		let capacity = (11 << 20) + 1;
		assert!(happened(Event::Enlisted { keeper: PAYER, capacity, bond: 12 * BOND_PER_MIB }));
	});
}

#[test]
fn enlist_fails_without_peer_or_capacity_or_funds_and_twice() {
	run(|| {
		assert_noop!(StorageDeals::enlist(signed(PAYER), 1), pallet_peers::Error::<Test>::NotBound);
		assert_ok!(bind(PAYER));
		assert_noop!(StorageDeals::enlist(signed(PAYER), 0), Error::<Test>::NoCapacity);
		let result = StorageDeals::enlist(signed(PAYER), u64::MAX);
		assert_noop!(result, DispatchError::Token(TokenError::FundsUnavailable));
		assert_noop!(StorageDeals::enlist(signed(ALICE), 1), Error::<Test>::AlreadyKeeper);
	});
}

#[test]
fn set_capacity_holds_and_releases_the_difference() {
	run(|| {
		assert_ok!(StorageDeals::set_capacity(signed(ALICE), 20 << 20));
		assert_eq!(held(HoldReason::KeeperBond, ALICE), 20 * BOND_PER_MIB);
		assert_ok!(StorageDeals::set_capacity(signed(ALICE), 15 << 20));
		assert_eq!(held(HoldReason::KeeperBond, ALICE), 15 * BOND_PER_MIB);
		let bond = 15 * BOND_PER_MIB;
		assert!(happened(Event::CapacitySet { keeper: ALICE, capacity: 15 << 20, bond }));
	});
}

#[test]
fn set_capacity_fails_below_what_is_kept() {
	run(|| {
		let deal = offer(&bytes(5_000), 1, 9);
		assert_ok!(take(ALICE, deal));
		assert_noop!(StorageDeals::set_capacity(signed(ALICE), 4_999), Error::<Test>::CapacityInUse);
		assert_ok!(StorageDeals::set_capacity(signed(ALICE), 5_000));
	});
}

#[test]
fn set_capacity_leaves_what_is_at_stake_on_hold() {
	run(|| {
		assert_ok!(StorageDeals::set_capacity(signed(ALICE), 12 << 20));
		// Eleven small replicas have more at stake than the least bond.
		for _ in 0..11 {
			let deal = offer(&bytes(10), 1, 9);
			assert_ok!(take(ALICE, deal));
		}
		assert_ok!(StorageDeals::set_capacity(signed(ALICE), 110));
		assert_eq!(held(HoldReason::KeeperBond, ALICE), 11 * MIN_STAKE);
	});
}

#[test]
fn set_capacity_fails_for_others_than_keepers_that_stay() {
	run(|| {
		assert_noop!(StorageDeals::set_capacity(signed(PAYER), 1), Error::<Test>::NotKeeper);
		assert_noop!(StorageDeals::set_capacity(signed(ALICE), 0), Error::<Test>::NoCapacity);
		assert_ok!(StorageDeals::retire(signed(ALICE)));
		assert_noop!(StorageDeals::set_capacity(signed(ALICE), 1), Error::<Test>::Retiring);
	});
}

#[test]
fn a_keeper_leaves_in_two_steps() {
	run(|| {
		let now = Time::get();
		assert_noop!(StorageDeals::withdraw(signed(ALICE)), Error::<Test>::NotRetiring);
		assert_ok!(StorageDeals::retire(signed(ALICE)));
		assert!(happened(Event::Retired { keeper: ALICE, free_at: now + UNBONDING }));
		assert_noop!(StorageDeals::retire(signed(ALICE)), Error::<Test>::Retiring);
		pass(UNBONDING - 1);
		assert_noop!(StorageDeals::withdraw(signed(ALICE)), Error::<Test>::StillUnbonding);
		pass(1);
		assert_ok!(StorageDeals::withdraw(signed(ALICE)));
		assert!(happened(Event::Withdrawn { keeper: ALICE, bond: MIN_BOND }));
		assert_eq!(held(HoldReason::KeeperBond, ALICE), 0);
		assert_eq!(StorageDeals::keeper(ALICE), None);
		assert_ok!(Peers::unbind(signed(ALICE)));
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
	});
}

#[test]
fn a_retiring_keeper_with_replicas_takes_no_more_and_cannot_withdraw() {
	run(|| {
		let blob = bytes(10);
		let (first, second) = (offer(&blob, 1, 99), offer(&blob, 1, 99));
		assert_ok!(take(ALICE, first));
		assert_ok!(StorageDeals::retire(signed(ALICE)));
		assert_noop!(take(ALICE, second), Error::<Test>::Retiring);
		for number in 2..=8 {
			until_round(number);
			if number >= 3 {
				prove(ALICE, first, &blob);
			}
		}
		assert!(Time::get() > 100 + UNBONDING);
		assert_noop!(StorageDeals::withdraw(signed(ALICE)), Error::<Test>::HasReplicas);
		assert_noop!(Peers::unbind(signed(ALICE)), pallet_peers::Error::<Test>::PeerInUse);
	});
}

#[test]
fn retire_and_withdraw_fail_for_others_than_keepers() {
	run(|| {
		assert_noop!(StorageDeals::retire(signed(PAYER)), Error::<Test>::NotKeeper);
		assert_noop!(StorageDeals::withdraw(signed(PAYER)), Error::<Test>::NotKeeper);
	});
}
