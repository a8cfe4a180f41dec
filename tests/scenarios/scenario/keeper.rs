//! Whoever keeps its blobs loses nothing, whatever dies meanwhile; whoever does not is caught, and loses.

use crate::{World, ends, events, serve, until_happened};
use oda_blobs::{Holder, Store};
use oda_client::{AccountId, Chain, Deal, Keeper, Key, Replica, Slot, View};
use oda_e2e::{Process, Worker};
use oda_primitives::{BlobRef, DealId, RoundNumber};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const ODA: u128 = 1_000_000_000_000;
/// What a keeper is paid for a round, as the command line and the chain have it.
const PRICE: (&str, u128) = ("0.01", ODA / 100);
/// Rounds of each deal: more than any test lasts.
const TERM: u32 = 10_000;
/// The shortest that there are.
const SLOT_MILLIS: u64 = 500;
const SLOT: Duration = Duration::from_millis(SLOT_MILLIS);

/// Bytes that no other blob begins with.
fn bytes(number: u8, len: usize) -> Vec<u8> {
	std::iter::once(number).chain((0..=250).cycle()).take(len).collect()
}

/// Somebody whose blobs lie by themselves.
fn apart(world: &World, base: &str, suri: &str) -> Worker {
	world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"])
}

async fn connect(world: &World) -> Chain {
	Chain::connect(&world.node.url(), Some(Duration::from_secs(60))).await.unwrap()
}

/// Offers a deal about a file of these bytes, for one replica.
async fn offer(payer: Worker, name: String, bytes: Vec<u8>) -> (DealId, BlobRef) {
	let file = payer.base().join(name);
	std::fs::write(&file, &bytes).unwrap();
	let (file, term) = (file.to_string_lossy(), TERM.to_string());
	let args = ["deal", "offer", &file, "--replicas", "1", "--rounds", &term, "--price", PRICE.0];
	let offered = payer.result(&args).await.unwrap();
	(offered["deal"].as_u64().unwrap(), BlobRef::of(&bytes))
}

async fn round_of(view: &View) -> RoundNumber {
	view.round().await.unwrap().map_or(0, |round| round.number)
}

/// The first final state in this round, or in a later one.
async fn until_round(chain: &Chain, number: RoundNumber) -> View {
	let reached = async {
		let mut view = chain.finalised().await.unwrap();
		while round_of(&view).await < number {
			view = chain.finalised_after(view.number()).await.unwrap();
		}
		view
	};
	ends("the rounds before", reached).await
}

async fn deal_of(view: &View, id: DealId) -> Deal {
	view.deal(id).await.unwrap().expect("the deal goes on")
}

fn replica_of(deal: &Deal, keeper: &AccountId) -> Replica {
	deal.replica_of(keeper).expect("the replica is kept").1.clone()
}

async fn keeper_of(view: &View, account: &AccountId) -> Keeper {
	let keepers = view.keepers().await.unwrap();
	keepers.into_iter().find(|keeper| keeper.account == *account).expect("it is a keeper")
}

fn keep(keeper: &Worker, world: &World, log: &str) -> Process {
	keeper.service(&["keeper", "run", "--capacity-mib", "16"], &world.log(log)).unwrap()
}

/// Ticks of a round in which things die, half a second each. The state that shows a round is two or three blocks old; a
/// proof that died with the node's pool is sent again six blocks later; a worker that was killed is back within three
/// seconds on a busy machine, and has found a node that was killed two seconds after that is back. All of this fits into a
/// round, with some ticks left. While the node is away there are no ticks.
const TICKS: u32 = 16;

#[tokio::test]
async fn an_honest_keeper_never_loses_a_unit() {
	let rounds = std::env::var("ODA_KEEPER_TEST_ROUNDS").map_or(6, |rounds: String| rounds.parse().unwrap());
	let mut world = World::paced(SLOT_MILLIS, TICKS.into()).await;
	let chain = connect(&world).await;
	let publisher = apart(&world, "publisher", "//Dave");
	let (serving, address) = serve(&publisher, &world.log("publisher.log")).await;
	let mut offers = JoinSet::new();
	for (number, len) in (0..).zip([1, 5_000, 16_384, 100_000, 1 << 20, (3 << 20) + 77]) {
		offers.spawn(offer(publisher.clone(), number.to_string(), bytes(number, len)));
	}
	let offered = offers.join_all().await;
	let keeper = apart(&world, "keeper", "//Charlie").with(&["--bootstrap", &address]);
	let account = Key::from_uri("//Charlie").unwrap().account();
	let mut keeping = keep(&keeper, &world, "keeper.log");
	until_happened(&mut keeping, "taken", offered.len()).await;
	serving.kill().await.unwrap();

	let before = chain.finalised().await.unwrap();
	let (bond, money) = (keeper_of(&before, &account).await, before.account(&account).await.unwrap());
	let mut paid_before = 0;
	let mut first = 0;
	for (id, blob) in &offered {
		let deal = deal_of(&before, *id).await;
		assert_eq!(deal.blob, *blob);
		paid_before += u128::from(TERM) * PRICE.1 - deal.funds;
		first = first.max(replica_of(&deal, &account).first);
	}

	// In every round something dies, at another time of it.
	let (began, mut starts, mut deaths) = (Instant::now(), 1, Vec::new());
	for number in 0..rounds {
		until_round(&chain, first + number).await;
		tokio::time::sleep(SLOT * (number * 13 % TICKS)).await;
		keeping.check_alive().unwrap();
		let died = Instant::now();
		let who = if number % 6 == 5 {
			world = world.with_restarted_node(SLOT).await;
			"node"
		} else {
			keeping.kill().await.unwrap();
			keeping = keep(&keeper, &world, "keeper.log");
			starts += 1;
			until_happened(&mut keeping, "keeping", starts).await;
			"keeper"
		};
		deaths.push((who, first + number, died.elapsed()));
	}
	let after = until_round(&chain, first + rounds).await;

	assert!(events(&keeping, "missed").is_empty(), "killed at {deaths:?}:\n{}", keeping.output());
	let now = round_of(&after).await;
	let mut paid = 0;
	for (id, _) in &offered {
		let deal = deal_of(&after, *id).await;
		let replica = replica_of(&deal, &account);
		let proved = now - replica.first + u32::from(replica.proved == Some(now));
		assert_eq!(deal.funds, u128::from(TERM - proved) * PRICE.1, "deal {id}: not all rounds were paid");
		assert_eq!(replica.left, ODA, "deal {id}");
		paid += u128::from(proved) * PRICE.1;
	}
	assert_eq!(keeper_of(&after, &account).await, bond);
	let richer = after.account(&account).await.unwrap();
	// It sent nothing that costs a fee, and got exactly what the deals paid.
	assert_eq!((richer.nonce, richer.held), (money.nonce, money.held));
	assert_eq!(richer.free - money.free, paid - paid_before);
	assert!(!events(&keeping, "proved").is_empty(), "{}", keeping.output());
	let slowest = |who| deaths.iter().filter(|death| death.0 == who).map(|death| death.2).max();
	eprintln!(
		"{rounds} rounds of {} deals in {:?}: {paid} paid; back within {:?} (keeper), {:?} (node)",
		offered.len(),
		began.elapsed(),
		slowest("keeper"),
		slowest("node"),
	);
}

#[tokio::test]
async fn a_keeper_that_deleted_its_data_is_caught_and_loses() {
	let world = World::paced(SLOT_MILLIS, 8).await;
	let chain = connect(&world).await;
	let publisher = apart(&world, "publisher", "//Dave");
	let (serving, address) = serve(&publisher, &world.log("publisher.log")).await;
	let (id, blob) = offer(publisher.clone(), "blob".into(), bytes(1, 100_000)).await;
	let keeper = apart(&world, "keeper", "//Charlie").with(&["--bootstrap", &address]);
	let account = Key::from_uri("//Charlie").unwrap().account();
	let mut keeping = keep(&keeper, &world, "keeper.log");
	until_happened(&mut keeping, "taken", 1).await;
	serving.kill().await.unwrap();
	until_happened(&mut keeping, "proved", 1).await;

	// Nobody else has it.
	assert!(keeping.stop().await.unwrap());
	let store = Store::open(keeper.base()).unwrap();
	assert_eq!(store.pinned(Holder::Keeper).unwrap(), [blob.root]);
	assert!(store.remove(&blob.root).unwrap());
	// What it gave to the pool is final by then.
	let stopped = chain.finalised().await.unwrap();
	let view = chain.finalised_after(stopped.number() + 3).await.unwrap();
	let (bond, money) = (keeper_of(&view, &account).await, view.account(&account).await.unwrap());
	let deal = deal_of(&view, id).await;
	let replica = replica_of(&deal, &account);
	let proved = replica.proved.expect("a round was proved");
	assert_eq!((replica.left, bond.bond, bond.staked), (ODA, 100 * ODA, ODA));
	let mut keeping = keep(&keeper, &world, "keeper.log");

	// The first miss is free, the second costs half of the stake, the third the rest; none is paid.
	for (misses, left) in [(1, ODA), (2, ODA / 2), (3, 0)] {
		let view = until_round(&chain, proved + misses + 1).await;
		assert_eq!(round_of(&view).await, proved + misses + 1);
		let (now, burned) = (deal_of(&view, id).await, ODA - left);
		let of = keeper_of(&view, &account).await;
		assert_eq!(now.funds, deal.funds, "a round that was missed is not paid");
		assert_eq!((of.bond, of.staked), (bond.bond - burned, left), "after {misses} misses");
		let account = view.account(&account).await.unwrap();
		assert_eq!((account.free, account.held), (money.free, money.held - burned));
		if misses < 3 {
			assert_eq!(replica_of(&now, &of.account), Replica { left, ..replica.clone() });
		} else {
			// Its slot is free from this round on.
			assert_eq!(now.slots, [Slot::Free { since: proved + misses + 1 }]);
			assert_eq!((of.used, of.replicas), (0, 0));
		}
	}
	until_happened(&mut keeping, "missed", 3).await;
	let missed: Vec<_> = events(&keeping, "missed").iter().map(|missed| missed["round"].clone()).collect();
	assert_eq!(missed, [proved + 1, proved + 2, proved + 3]);
	keeping.check_alive().unwrap();
	// It lets go of the blob when it sees that the slot is not its own any more.
	let mut held = store.pinned(Holder::Keeper).unwrap();
	for _ in 0..300 {
		if held.is_empty() {
			break;
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
		held = store.pinned(Holder::Keeper).unwrap();
	}
	assert!(held.is_empty(), "{}", keeping.output());
	keeping.kill().await.unwrap();

	// Somebody else takes the slot once there is somebody to get the blob from.
	let (_serving, address) = serve(&publisher, &world.log("publisher-2.log")).await;
	let other = apart(&world, "other", "//Ferdie").with(&["--bootstrap", &address]);
	let mut repairing = keep(&other, &world, "other.log");
	until_happened(&mut repairing, "taken", 1).await;
	until_happened(&mut repairing, "proved", 1).await;
	let deal = deal_of(&chain.finalised().await.unwrap(), id).await;
	let repaired = replica_of(&deal, &Key::from_uri("//Ferdie").unwrap().account());
	assert_eq!((repaired.price, repaired.left), (PRICE.1, ODA));
}
