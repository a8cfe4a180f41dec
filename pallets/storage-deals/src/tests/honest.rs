//! Who answers loses nothing.

use super::*;
use polkadot_sdk::sp_io::hashing::blake2_256;

#[test]
fn in_200_rounds_an_honest_keeper_that_restarts_never_loses_a_unit() {
	run(|| {
		let blob = bytes(70_000);
		let deal = offer(&blob, 2, 202);
		assert_ok!(take(ALICE, deal));
		until_round(3);
		for answered in 0..200 {
			// It is away for a while after each round began, up to its last tick.
			pass(u64::from(blake2_256(&[answered as u8])[0]) % 10);
			let before = wealth(ALICE);
			prove(ALICE, deal, &blob);
			assert_eq!(wealth(ALICE), before + PRICE);
			assert_eq!(wealth(ALICE), ENDOWMENT + (answered + 1) * PRICE);
			until_round(round() + 1);
		}
		assert_eq!(burned(), 0);
		assert!(!events().iter().any(|event| matches!(event, Event::RoundMissed { .. })));
		until_round(round() + 1);
		assert_eq!(StorageDeals::deal(deal), None);
		assert_eq!(held(HoldReason::KeeperBond, ALICE), MIN_BOND);
		assert_eq!(Balances::free_balance(PAYER), ENDOWMENT - 200 * PRICE);
	});
}
