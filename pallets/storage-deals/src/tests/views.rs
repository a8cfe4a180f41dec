//! What others can ask.

use super::*;
use polkadot_sdk::sp_core::Pair;

#[test]
fn the_keepers_of_a_root_are_named_with_their_peers() {
	run(|| {
		let blob = bytes(10);
		let (first_deal, second) = (offer(&blob, 2, 20), offer(&blob, 2, 20));
		assert_ok!(take(ALICE, first_deal));
		assert_ok!(take(BOB, first_deal));
		assert_ok!(take(ALICE, second));
		let key = |who| peer(who).public().0;
		let root = BlobRef::of(&blob).root;
		let mut all = StorageDeals::keepers_of(root, None, 100);
		let first = StorageDeals::keepers_of(root, None, 1);
		let rest = StorageDeals::keepers_of(root, Some(first[0].0), 100);
		assert_eq!(all, [first, rest].concat());
		all.sort_unstable();
		assert_eq!(all, [(ALICE, key(ALICE)), (BOB, key(BOB))]);
		assert_eq!(StorageDeals::keepers_of([9; 32], None, 100), []);
		// Who has two replicas and leaves one still keeps the blob.
		assert_ok!(quit(ALICE, first_deal));
		until_round(round() + QUIT_ROUNDS + 1);
		catch_up(first_deal);
		assert_eq!(KeepersOf::<Test>::get(root, ALICE), u32::from(replica(ALICE, second).is_some()));
	});
}

#[test]
fn keepers_and_deals_come_in_pages() {
	run(|| {
		for _ in 0..3 {
			offer(&bytes(10), 1, 20);
		}
		let first = StorageDeals::deals(None, 2);
		let rest = StorageDeals::deals(Some(first[1].0), 100);
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
		ids.sort_unstable();
		assert_eq!(ids, [0, 1, 2]);
		let first = StorageDeals::keepers(None, 3);
		let rest = StorageDeals::keepers(Some(first[2].0), 100);
		assert_eq!((first.len(), rest.len()), (3, KEEPERS.len() - 3));
	});
}

#[test]
fn messages_are_those_that_are_signed() {
	run(|| {
		let proof = RangeProof::new(&bytes(10), 0..10).unwrap();
		let message = StorageDeals::proof_message(1, 2, proof.clone());
		assert_eq!(message, oda_primitives::message::storage_proof(&genesis(), 1, 2, &proof));
	});
}
