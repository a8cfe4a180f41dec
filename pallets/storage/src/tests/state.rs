//! The audit sees what is wrong.

use super::*;
use oda_pallet_traits::Heads;

/// What the audit says after `damage` to a chain with a deal that Alice keeps.
fn damaged(damage: impl FnOnce(DealId)) -> &'static str {
	let mut said = "nothing";
	with_pot(100_000).execute_with(|| {
		KEEPERS.into_iter().for_each(|who| enlist(who, CAPACITY));
		pass(1);
		let deal = offer(&bytes(10), 2, 20);
		take(ALICE, deal).unwrap();
		Storage::set_head(&[1; 32], Some([BlobRef { root: [1; 32], len: 5 }; 2]));
		Storage::do_try_state().unwrap();
		damage(deal);
		if let DispatchError::Other(why) = Storage::do_try_state().unwrap_err() {
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
	assert_eq!(deal(|deal| deal.blob.root = [7; 32]), "a deal is not indexed");
	assert_eq!(damaged(Deals::<Test>::remove), "an index names no deal");
}

#[test]
fn wrong_peers_are_seen() {
	let key = || Storage::peer_of(ALICE).unwrap();
	assert_eq!(damaged(|_| AccountOf::<Test>::remove(key())), "a peer does not name its account");
	assert_eq!(damaged(|_| AccountOf::<Test>::insert([1; 32], ALICE)), "an account has another peer");
	let both = |_| {
		AccountOf::<Test>::remove(key());
		PeerOf::<Test>::remove(ALICE);
	};
	assert_eq!(damaged(both), "a keeper has no peer");
}

#[test]
fn wrong_heads_are_seen() {
	let blob = BlobRef { root: [1; 32], len: 5 };
	assert_eq!(damaged(|_| WantedBlobs::<Test>::remove(blob)), "a head's blob is not wanted");
	let change = |change: fn(&mut Wanted)| damaged(|_| WantedBlobs::<Test>::mutate_extant(blob, change));
	assert_eq!(change(|wanted| wanted.references = 2), "the heads that need a blob are miscounted");
	assert_eq!(
		change(|wanted| wanted.deal = None),
		"a wanted blob has no deal and does not wait for one, or both"
	);
	assert_eq!(change(|wanted| wanted.deal = Some(0)), "a wanted blob's deal is another's");
}
