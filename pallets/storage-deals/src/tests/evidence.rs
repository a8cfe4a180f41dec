//! Whoever listens is told what keepers did.

use super::*;
use oda_pallet_traits::Deed;
use polkadot_sdk::{frame_system::RawOrigin, sp_runtime::testing::TestSignature};

#[test]
fn a_proved_round_is_the_keepers_deed() {
	run(|| {
		let deal = offer(&bytes(10), 1, 30);
		assert_ok!(take(ALICE, deal));
		until_round(round() + 2);
		let proof = RangeProof { start: 0, len: 0, chunks: vec![], siblings: vec![] };
		let signature = TestSignature(ALICE, vec![]);
		assert_ok!(StorageDeals::prove(RawOrigin::Authorized.into(), deal, round(), ALICE, proof, signature));
		assert_eq!(Seen::take(), [(ALICE, Deed::Kept(deal))]);
	});
}

#[test]
fn missed_rounds_are_the_keepers_deed_told_once() {
	run(|| {
		SweepDeals::set(0);
		let deal = offer(&bytes(10), 1, 30);
		assert_ok!(take(ALICE, deal));
		until_round(round() + 4);
		catch_up(deal);
		assert_eq!(Seen::take(), [(ALICE, Deed::Missed(deal, 2))]);
	});
}
