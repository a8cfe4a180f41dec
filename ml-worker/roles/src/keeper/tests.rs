//! What a keeper takes and holds, on a chain that is played.

use super::*;
use crate::played::{Stage, defence, end_of, until};
use oda_client::{
	Replica, Slot,
	played::{Block, failure},
};
use oda_primitives::BlobRef;
use std::time::Duration;

const CAPACITY: u64 = 100;

/// A blob of so many bytes, which nobody has.
fn blob(name: u8, len: u64) -> BlobRef {
	BlobRef::of(&vec![name; len as usize])
}

/// Puts a blob into the store, as it comes from peers.
fn arrive(stage: &Context, name: u8, len: u64) {
	let blob = stage.store().put(&vec![name; len as usize]).unwrap();
	stage.store().mark_passing(&blob.root).unwrap();
}

/// A deal with a free place.
fn offered(id: DealId, blob: BlobRef) -> Deal {
	Deal {
		id,
		payer: AccountId([9; 32]),
		model: None,
		blob,
		price: 5,
		max_price: 5,
		until: 1_000,
		funds: 1_000,
		raise_rounds: 1,
		slots: vec![Slot::Free { since: 1 }],
	}
}

/// The same deal, kept by somebody.
fn kept(deal: &Deal, keeper: AccountId) -> Deal {
	let replica =
		Replica { keeper, price: 5, left: 1, first: 3, proved: None, until: 1_000, leaves_after: None };
	Deal { slots: vec![Slot::Kept(replica)], ..deal.clone() }
}

fn enlisted(account: AccountId, used: u64) -> Enlisted {
	Enlisted { account, capacity: CAPACITY, used, bond: 100, staked: 0, replicas: 0, free_at: None }
}

/// Has a round, the keeper and these deals in a block.
fn put(block: &mut Block, me: AccountId, deals: &[Deal]) {
	block.govern(&[]);
	block.set_round(&Round { number: 1, seed: [2; 32], started_at: 0, ends_at: 1_000 });
	block.set_keeper(&enlisted(me, 0));
	deals.iter().for_each(|deal| block.set_deal(deal));
}

/// Has whoever takes a replica of one of these deals keep it.
fn takes(stage: &Stage, deals: &[Deal]) {
	let (me, deals) = (stage.me(), deals.to_vec());
	let mut used = 0;
	stage.node.state().effect = Box::new(move |block, _, called| {
		if called.name == "StorageDeals.take" {
			let deal = deals.iter().find(|deal| deal.id == called.arguments::<DealId>()).unwrap();
			used += deal.blob.len;
			block.set_deal(&kept(deal, me));
			block.set_keeper(&enlisted(me, used));
		}
	});
}

async fn keeper(stage: &Stage) -> Keeper {
	let config = KeeperConfig { capacity_mib: 1, min_price: Amount(5), take: true };
	Keeper::begin(stage.actor().await, stage.key.clone(), config).await.unwrap()
}

async fn look(keeper: &mut Keeper) {
	let view = defence(&keeper.agent.actor.chain).await;
	keeper.block(&view).await.unwrap();
}

/// The bytes of all that is kept, and of what is fetched to be kept, of these deals.
fn held(keeper: &Keeper, deals: &[Deal]) -> u64 {
	let store = keeper.agent.actor.context.store();
	let mut roots: HashSet<_> = store.pinned(Holder::Keeper).unwrap().into_iter().collect();
	roots.extend(store.pinned(Holder::Candidate).unwrap());
	let blobs: HashSet<_> = deals.iter().map(|deal| deal.blob).collect();
	blobs.iter().filter(|blob| roots.contains(&blob.root)).map(|blob| blob.len).sum()
}

#[tokio::test]
async fn never_more_is_held_than_was_declared_however_many_deals_come_at_once() {
	let stage = Stage::set().await;
	let deals: Vec<_> = (1..=5).map(|id| offered(id, blob(id as u8, 40))).collect();
	takes(&stage, &deals);
	stage.finalise(|block| put(block, stage.me(), &deals));
	let mut keeper = keeper(&stage).await;
	let context = keeper.agent.actor.context.clone();
	look(&mut keeper).await;
	assert_eq!(held(&keeper, &deals), 80);
	// The others come too, by whatever way.
	for name in 1..=5 {
		arrive(&context, name, 40);
	}
	look(&mut keeper).await;
	until("both are being taken", || stage.called("StorageDeals.take") == 2).await;
	// In a block that is not final; then it is.
	stage.seal(|_| ());
	for _ in 0..8 {
		look(&mut keeper).await;
		assert_eq!(held(&keeper, &deals), 80);
		stage.finalise(|_| ());
	}
	look(&mut keeper).await;
	assert_eq!(stage.called("StorageDeals.take"), 2);
	let store = context.store();
	assert_eq!(store.pinned(Holder::Keeper).unwrap().len(), 2);
	assert!(store.pinned(Holder::Candidate).unwrap().is_empty());
}

#[tokio::test]
async fn what_is_being_taken_has_its_room_until_it_is_known_what_came_of_it() {
	let stage = Stage::set().await;
	let deals = [offered(1, blob(1, 60)), offered(2, blob(2, 60))];
	stage.finalise(|block| put(block, stage.me(), &deals[..1]));
	let mut keeper = keeper(&stage).await;
	arrive(&keeper.agent.actor.context, 1, 60);
	// Known to be a candidate before it was here.
	keeper.agent.actor.context.store().pin(Holder::Candidate, &deals[0].blob.root).unwrap();
	keeper.candidates.insert(1, Candidate { root: deals[0].blob.root, begun: 1, _wish: None });
	look(&mut keeper).await;
	until("it is being taken", || stage.called("StorageDeals.take") == 1).await;
	// Somebody else was first, and there is another offer.
	stage.node.state().pool.clear();
	let other = kept(&deals[0], AccountId([3; 32]));
	stage.finalise(|block| {
		block.set_deal(&other);
		block.set_deal(&deals[1]);
	});
	look(&mut keeper).await;
	assert_eq!(held(&keeper, &deals), 60);
}

#[tokio::test]
async fn a_keeper_that_was_killed_between_taking_a_deal_and_writing_it_down_goes_on_with_it() {
	let stage = Stage::set().await;
	let deals = [offered(1, blob(1, 40))];
	takes(&stage, &deals);
	stage.finalise(|block| put(block, stage.me(), &deals));
	let mut first = keeper(&stage).await;
	let context = first.agent.actor.context.clone();
	look(&mut first).await;
	arrive(&context, 1, 40);
	look(&mut first).await;
	until("it is being taken", || stage.called("StorageDeals.take") == 1).await;
	drop(first);
	// One that was killed before a block had it, and one that was killed after that.
	for is_taken in [false, true] {
		if is_taken {
			stage.finalise(|_| ());
		}
		let mut again = keeper(&stage).await;
		look(&mut again).await;
		look(&mut again).await;
		let store = again.agent.actor.context.store();
		crate::service::tidy(&again.agent.actor.context, &again.agent.actor.chain).await.unwrap();
		assert!(store.has(&deals[0].blob).unwrap(), "taken: {is_taken}");
		assert_eq!(store.pinned(Holder::Keeper).unwrap().len(), usize::from(is_taken));
		assert_eq!(store.pinned(Holder::Candidate).unwrap().len(), usize::from(!is_taken));
	}
	assert_eq!(stage.called("StorageDeals.take"), 1, "it is not sent twice");
}

#[tokio::test]
async fn nothing_is_fetched_for_a_deal_that_cannot_earn() {
	let stage = Stage::set().await;
	let cheap = Deal { price: 4, max_price: 4, ..offered(1, blob(1, 10)) };
	let over = Deal { until: 2, ..offered(2, blob(2, 10)) };
	let full = kept(&offered(3, blob(3, 10)), AccountId([3; 32]));
	let (large, good) = (offered(4, blob(4, CAPACITY + 1)), offered(5, blob(5, 10)));
	let deals = [cheap, over, full, large, good];
	stage.finalise(|block| put(block, stage.me(), &deals));
	let mut keeper = keeper(&stage).await;
	look(&mut keeper).await;
	assert_eq!(keeper.candidates.keys().collect::<Vec<_>>(), [&5]);
}

#[tokio::test]
async fn a_deal_whose_blob_nobody_has_makes_room_for_others() {
	let stage = Stage::set().await;
	let deals = [offered(1, blob(1, 60)), offered(2, blob(2, 60))];
	stage.finalise(|block| put(block, stage.me(), &deals));
	let mut keeper = keeper(&stage).await;
	look(&mut keeper).await;
	assert!(keeper.candidates.contains_key(&1));
	for _ in 0..PATIENCE {
		stage.finalise(|_| ());
	}
	look(&mut keeper).await;
	assert_eq!(keeper.candidates.keys().collect::<Vec<_>>(), [&2]);
	assert_eq!(held(&keeper, &deals), 60);
}

#[tokio::test]
async fn a_deal_that_the_runtime_refuses_is_shunned() {
	let stage = Stage::set().await;
	let deals = [offered(1, blob(1, 60)), offered(2, blob(2, 60))];
	stage.node.state().effect = Box::new(|block, place, called| {
		if called.name == "StorageDeals.take" {
			block.failures.insert(place, failure("StorageDeals", "CapacityExceeded"));
		}
	});
	stage.finalise(|block| put(block, stage.me(), &deals));
	let mut keeper = keeper(&stage).await;
	look(&mut keeper).await;
	arrive(&keeper.agent.actor.context, 1, 60);
	look(&mut keeper).await;
	until("it is being taken", || stage.called("StorageDeals.take") == 1).await;
	stage.finalise(|_| ());
	let refused = Arc::clone(&keeper.agent.refused);
	until("it is refused", || !refused.lock().unwrap().is_empty()).await;
	for _ in 0..3 * SEND_AGAIN {
		stage.finalise(|_| ());
		look(&mut keeper).await;
	}
	tokio::time::sleep(Duration::from_secs(1)).await;
	assert_eq!(stage.called("StorageDeals.take"), 1, "each costs a fee");
	assert_eq!(keeper.candidates.keys().collect::<Vec<_>>(), [&2], "its room is for others");
}

#[tokio::test]
async fn an_answer_that_a_dropped_block_asked_for_is_given_up() {
	let stage = Stage::set().await;
	stage.finalise(|block| put(block, stage.me(), &[]));
	let mut keeper = keeper(&stage).await;
	stage.lag();
	let deal = kept(&offered(1, blob(1, 40)), stage.me());
	stage.seal(|block| {
		block.set_deal(&deal);
		block.set_round(&Round { number: 3, seed: [2; 32], started_at: 0, ends_at: 1_000 });
	});
	look(&mut keeper).await;
	let context = keeper.agent.actor.context.clone();
	let waits = |count: u8| context.metrics().text().unwrap().contains(&format!("blobs_awaited {count}"));
	until("the blob is waited for", || waits(1)).await;
	stage.lose_fork();
	stage.lag();
	// The same round, without the deal.
	stage.seal(|block| block.set_round(&Round { number: 3, seed: [2; 32], started_at: 0, ends_at: 1_000 }));
	let piece = Piece::Answer { deal: 1, round: 3 };
	end_of("the answer", async {
		while !keeper.work.is_due(&piece, u64::MAX - 1) {
			tokio::time::sleep(Duration::from_millis(100)).await;
			look(&mut keeper).await;
		}
	})
	.await;
}
