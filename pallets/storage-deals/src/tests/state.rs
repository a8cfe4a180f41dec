//! The audit sees what is wrong.

use super::*;
use oda_pallet_traits::Heads;

/// What the audit says after `damage` to a chain with a deal that Alice keeps.
fn damaged(damage: impl FnOnce(DealId)) -> &'static str {
	let mut said = "nothing";
	bare_ext().execute_with(|| {
		KEEPERS.into_iter().for_each(|who| enlist(who, CAPACITY));
		pass(1);
		let deal = offer(&bytes(10), 2, 20);
		take(ALICE, deal).unwrap();
		fund([1; 32], 100_000).unwrap();
		StorageDeals::set_head(&[1; 32], Some([BlobRef { root: [1; 32], len: 5 }; 2]));
		StorageDeals::do_try_state().unwrap();
		damage(deal);
		if let DispatchError::Other(why) = StorageDeals::do_try_state().unwrap_err() {
			said = why;
		}
	});
	said
}

fn keeper(change: impl FnOnce(&mut KeeperOf<Test>)) -> &'static str {
	damaged(|_| Keepers::<Test>::mutate_extant(ALICE, change))
}

fn deal(change: impl FnOnce(&mut DealOf<Test>)) -> &'static str {
	damaged(|id| Deals::<Test>::mutate_extant(id, change))
}

#[test]
fn wrong_bonds_and_sums_are_seen() {
	assert_eq!(keeper(|keeper| keeper.bond += 1), "a bond is not what is on hold");
	assert_eq!(keeper(|keeper| keeper.staked = 5_000), "more is at stake than bonded");
	assert_eq!(keeper(|keeper| keeper.staked += 1), "a keeper's stakes are not those of its replicas");
	assert_eq!(keeper(|keeper| keeper.used += 1), "a keeper's bytes are not those of its replicas");
	assert_eq!(keeper(|keeper| keeper.capacity = 9), "more is kept than there is capacity");
	assert_eq!(keeper(|keeper| keeper.replicas += 1), "a keeper's replicas are miscounted");
	assert_eq!(damaged(|_| Keepers::<Test>::remove(ALICE)), "a replica is kept by no keeper");
}

#[test]
fn wrong_deals_are_seen() {
	assert_eq!(deal(|deal| deal.funds += 1), "what is on hold for deals is not what they have");
	assert_eq!(deal(|deal| deal.funds = 5), "a deal cannot pay its keepers");
	assert_eq!(deal(|deal| deal.settled = 3), "a round that has not started is settled");
	assert_eq!(deal(|deal| deal.max_price = 1), "a deal's price is above its most");
	assert_eq!(deal(|deal| deal.slots[1] = deal.slots[0].clone()), "a keeper has two replicas of a deal");
	assert_eq!(deal(|deal| deal.deposit += 1), "the deposits of deals are not what is on hold");
	assert_eq!(deal(|deal| deal.model = Some([1; 32])), "a head's deal is not paid by its model");
	assert_eq!(deal(|deal| deal.blob.root = [7; 32]), "the keepers of a root are miscounted");
}

#[test]
fn wrong_keepers_of_a_root_are_seen() {
	let root = BlobRef::of(&bytes(10)).root;
	assert_eq!(damaged(|_| KeepersOf::<Test>::insert(root, BOB, 1)), "the keepers of a root are miscounted");
	assert_eq!(
		damaged(|_| KeepersOf::<Test>::insert(root, ALICE, 2)),
		"the keepers of a root are miscounted"
	);
	assert_eq!(damaged(|_| KeepersOf::<Test>::remove(root, ALICE)), "a keeper of a root is not indexed");
}

#[test]
fn a_keeper_without_a_peer_is_seen() {
	assert_eq!(damaged(|_| pallet_peers::PeerOf::<Test>::remove(ALICE)), "a keeper has no peer");
}

#[test]
fn wrong_heads_are_seen() {
	let (model, blob) = ([1; 32], BlobRef { root: [1; 32], len: 5 });
	assert_eq!(
		damaged(|_| HeadDeals::<Test>::remove(model, blob)),
		"a model pays for two deals about a blob"
	);
	assert_eq!(damaged(|_| HeadDeals::<Test>::insert([2; 32], blob, 1)), "a head's deal is another's");
	assert_eq!(damaged(|_| HeadOf::<Test>::insert([2; 32], HeadBlobs::new())), "an empty head is stored");
	let without = HeadBlobs::try_from(vec![blob]).unwrap();
	assert_eq!(
		damaged(|_| HeadOf::<Test>::insert([2; 32], without)),
		"a head's blob has no deal and does not wait for one"
	);
	assert_eq!(
		damaged(|_| Waiting::<Test>::insert([2; 32], blob, ())),
		"a blob that no head needs waits for money"
	);
}
