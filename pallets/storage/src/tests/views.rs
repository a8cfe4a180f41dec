//! What others can ask.

use super::*;
use polkadot_sdk::sp_core::Pair;

#[test]
fn the_keepers_of_a_root_are_named_with_their_peers() {
	run(|| {
		let blob = bytes(10);
		let (first, second) = (offer(&blob, 2, 20), offer(&blob, 2, 20));
		assert_ok!(take(ALICE, first));
		assert_ok!(take(BOB, first));
		assert_ok!(take(ALICE, second));
		let key = |who| peer(who).public().0;
		assert_eq!(Storage::keepers_of(BlobRef::of(&blob).root), [(ALICE, key(ALICE)), (BOB, key(BOB))]);
		assert_eq!(Storage::keepers_of([9; 32]), []);
	});
}

#[test]
fn keepers_and_deals_come_in_pages() {
	run(|| {
		for _ in 0..3 {
			offer(&bytes(10), 1, 20);
		}
		let first = Storage::deals(None, 2);
		let rest = Storage::deals(Some(first[1].0), 100);
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
		ids.sort_unstable();
		assert_eq!(ids, [0, 1, 2]);
		let first = Storage::keepers(None, 3);
		let rest = Storage::keepers(Some(first[2].0), 100);
		assert_eq!((first.len(), rest.len()), (3, KEEPERS.len() - 3));
	});
}

#[test]
fn messages_are_those_that_are_signed() {
	run(|| {
		let proof = RangeProof::new(&bytes(10), 0..10).unwrap();
		let message = Storage::proof_message(1, 2, proof.clone());
		assert_eq!(message, oda_primitives::message::storage_proof(&genesis(), 1, 2, &proof));
		assert_eq!(Storage::binding_message(5), oda_primitives::message::peer_binding(&genesis(), &5u64));
	});
}
