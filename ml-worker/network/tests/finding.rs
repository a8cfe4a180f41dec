//! Finding who has a blob: who is asked, how often, and what comes of what they say.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod common;

use common::stranger::{Manner, Stranger};
use common::{All, Nothing, PATIENCE, PAUSE, Peer, bytes, config, put, until};
use libp2p::kad::{KBucketKey, RecordKey};
use oda_blobs::{BlobRef, Store};
use oda_network::{Answer, FetchError, FetchState, NetworkConfig, PeerId, Registered, Report, Want};
use std::sync::{
	Arc, Mutex,
	atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::Notify;

const MIB: usize = 1 << 20;

/// Lets a peer know where strangers are, and has them connected.
async fn connected(peer: &Peer, strangers: &[Stranger]) {
	for stranger in strangers {
		peer.network.add_address(stranger.id, stranger.address.clone()).await.unwrap();
		stranger.dial(peer.id(), peer.network.listen_addrs().remove(0));
	}
	until("the strangers are connected", || peer.network.stats().peers >= strangers.len()).await;
}

/// Who said what, of a blob that nobody has.
fn said(fetched: Result<Report, FetchError>) -> Vec<(PeerId, Answer)> {
	match fetched {
		Err(FetchError::NoSource { said, .. }) => said,
		other => panic!("{other:?}"),
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_are_busy_for_ever_do_not_starve_a_download() {
	let honest = Peer::start().await;
	let blob = put(&honest, 4 * MIB);
	let b = Peer::start().await;
	let mut strangers = Vec::new();
	for _ in 0..config().max_sources {
		strangers.push(Stranger::start(Manner::Busy, &honest.store, &blob).await);
	}
	connected(&b, &strangers).await;
	let began = Notify::new();
	let all_asked = || strangers.iter().all(|stranger| !stranger.asked.lock().unwrap().is_empty());
	let fetch = async {
		let fetched = b.network.fetch_waiting(&blob, |_| {
			if all_asked() {
				began.notify_one();
			}
		});
		fetched.await.unwrap()
	};
	let late = async {
		began.notified().await;
		b.meet(&honest).await;
		honest.meet(&b).await;
		let other = put(&b, 1);
		honest.network.fetch_from(&other, &[b.id()], |_| {}).await.unwrap();
	};
	let (report, ()) = tokio::join!(fetch, late);
	assert!(matches!(report.sources[..], [(peer, _)] if peer == honest.id()), "{report:?}");
	assert!(report.faults.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_sources_make_room_for_others() {
	let honest = Peer::start().await;
	let blob = put(&honest, 64 * MIB);
	let b = Peer::start().await;
	let mut strangers = Vec::new();
	for _ in 0..config().max_sources {
		strangers.push(Stranger::start(Manner::Honest(8), &honest.store, &blob).await);
	}
	connected(&b, &strangers).await;
	let began = Notify::new();
	let fetch = b.network.fetch_waiting(&blob, |progress| {
		if progress.sources == strangers.len() {
			began.notify_one();
		}
	});
	let late = async {
		began.notified().await;
		b.meet(&honest).await;
		let other = put(&b, 1);
		honest.meet(&b).await;
		honest.network.fetch_from(&other, &[b.id()], |_| {}).await.unwrap();
	};
	let (report, ()) = tokio::join!(fetch, late);
	let report = report.unwrap();
	let most = report.sources.iter().max_by_key(|(_, bytes)| *bytes).unwrap();
	assert!(most.0 == honest.id() && most.1 > blob.len / 2, "{report:?}");
	assert!(report.faults.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_does_not_wait_for_those_that_cannot_be_reached() {
	let (honest, b) = (Peer::start().await, Peer::start().await);
	let blob = put(&honest, MIB);
	// Takes calls, and never says a word.
	let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
	let port = mute.local_addr().unwrap().port();
	let calls = Arc::<AtomicUsize>::default();
	let counter = calls.clone();
	let listening = tokio::spawn(async move {
		let mut held = Vec::new();
		while let Ok((call, _)) = mute.accept().await {
			held.push(call);
			counter.fetch_add(1, Ordering::Relaxed);
		}
	});
	let absent: Vec<_> = (0..100).map(|_| PeerId::random()).collect();
	for peer in &absent {
		b.network.add_address(*peer, format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()).await.unwrap();
	}
	let fetch = async {
		let want = Want { peers: absent.clone(), waits: true, ..Want::new(blob) };
		b.network.obtain(&want, |_| {}).await.unwrap()
	};
	let later = async {
		until("some are called", || calls.load(Ordering::Relaxed) >= 10).await;
		honest.meet(&b).await;
		let other = put(&b, 1);
		honest.network.fetch_from(&other, &[b.id()], |_| {}).await.unwrap();
	};
	let (report, ()) = tokio::join!(fetch, later);
	assert!(matches!(report.sources[..], [(peer, _)] if peer == honest.id()), "{report:?}");
	let calls = calls.load(Ordering::Relaxed);
	assert!(calls < absent.len() / 2, "{calls} were called first");
	listening.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_what_it_announced_is_not_at_fault() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	a.meet(&b).await;
	let blob = BlobRef::of(&bytes(MIB));
	// Announced, and gone since.
	a.network.provide(&blob.root).await.unwrap();
	until("A is a provider", || a.network.stats().peers > 0 || b.network.stats().peers > 0).await;
	for _ in 0..4 {
		let fetched = b.network.fetch_from(&blob, &[a.id()], |_| {}).await;
		assert_eq!(said(fetched), [(a.id(), Answer::NotFound)]);
	}
	assert_eq!(b.network.faults(), vec![]);
	// Nor one that is asked for the wrong length.
	let here = put(&a, 2 * MIB);
	a.network.provide(&here.root).await.unwrap();
	let longer = BlobRef { len: here.len + 1, ..here };
	for _ in 0..4 {
		let fetched = b.network.fetch_from(&longer, &[a.id()], |_| {}).await;
		assert_eq!(said(fetched), [(a.id(), Answer::OtherLength)]);
	}
	assert_eq!(b.network.faults(), vec![]);
	b.network.fetch(&here, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_whose_disk_is_damaged_is_not_at_fault() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let blob = put(&a, MIB);
	let mut damaged = bytes(MIB);
	damaged[12_345] ^= 1;
	for _ in 0..4 {
		// Set aside once it was met.
		a.store.put(&bytes(MIB)).unwrap();
		std::fs::write(a.store.path(&blob.root), &damaged).unwrap();
		let fetched = b.network.fetch_from(&blob, &[a.id()], |_| {}).await;
		assert_eq!(said(fetched), [(a.id(), Answer::Withdrew)]);
	}
	assert_eq!(b.network.faults(), vec![]);
	assert_eq!(b.network.stats().bytes_wasted, 0);
	// Mended, it serves again.
	a.store.put(&bytes(MIB)).unwrap();
	b.network.fetch_waiting(&blob, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_peer_that_has_it_not_yet_is_soon_asked_again() {
	let a = Peer::start().await;
	let blob = put(&a, MIB);
	let lacking = Stranger::start(Manner::Lacks, &a.store, &blob).await;
	let b = Peer::start().await;
	connected(&b, std::slice::from_ref(&lacking)).await;
	let fetched = b.network.fetch(&blob, |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { .. })), "{fetched:?}");
	let asked = lacking.haves.load(Ordering::Relaxed);
	assert!(asked >= 3, "asked {asked} times while it was looked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connected_peer_gets_later_needs_no_look_up() {
	// Neither is in the other's table.
	let outside = || NetworkConfig { search_seconds: 1, ..config() };
	let (a, b) = (Peer::with(outside()).await, Peer::with(outside()).await);
	a.meet(&b).await;
	let first = put(&b, 1);
	a.network.fetch_from(&first, &[b.id()], |_| {}).await.unwrap();
	let blob = BlobRef::of(&bytes(2 * MIB));
	let missing = Notify::new();
	let waiting = a.network.fetch_waiting(&blob, |progress| {
		if progress.doing == FetchState::NoSource {
			missing.notify_one();
		}
	});
	let later = async {
		missing.notified().await;
		put(&b, 2 * MIB);
	};
	let (report, ()) = tokio::join!(waiting, later);
	assert!(matches!(report.unwrap().sources[..], [(peer, _)] if peer == b.id()));
}

/// How far a peer is from a blob in Kademlia's sense, nearest first.
fn by_distance(blob: &BlobRef, peers: &[PeerId]) -> Vec<PeerId> {
	let target = KBucketKey::new(RecordKey::new(&blob.root));
	let mut peers = peers.to_vec();
	peers.sort_by_key(|peer| target.distance(&KBucketKey::from(*peer)));
	peers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_one_in_sixty_is_found_through_one_bootstrap_address() {
	// All of them have one address, which has room for fewer.
	let crowded = || NetworkConfig { max_connections_per_address: 256, ..config() };
	let hub = Peer::with(crowded()).await;
	let through = || NetworkConfig { bootstrap: hub.addresses(), ..crowded() };
	let mut peers = Vec::new();
	for _ in 0..58 {
		peers.push(Peer::with(through()).await);
	}
	until("all have met the hub", || hub.network.stats().peers >= 58).await;
	// A peer with a blob that lies far from it: no look-up would pass by.
	let base = tempfile::tempdir().unwrap();
	let identity = oda_network::Identity::open(base.path()).unwrap();
	let everybody: Vec<_> = peers.iter().chain([&hub]).map(Peer::id).chain([identity.peer_id()]).collect();
	let far = (MIB..).find(|len| {
		let near = by_distance(&BlobRef::of(&bytes(*len)), &everybody);
		near.iter().position(|peer| *peer == identity.peer_id()).unwrap() > 50
	});
	let far = far.unwrap();
	let blob = Store::open(base.path()).unwrap().put(&bytes(far)).unwrap();
	// One that never talks to the holder: what it hears, others say.
	let aside = &peers[0].network;
	aside.ban(identity.peer_id());
	let holder = Peer::at(base, through(), Arc::new(All)).await;
	let wanting = Peer::with(through()).await;
	let report = wanting.network.fetch_waiting(&blob, |_| {}).await.unwrap();
	assert!(matches!(report.sources[..], [(peer, _)] if peer == holder.id()), "{report:?}");
	let mut told = aside.providers(&blob.root).await.unwrap();
	for _ in 0..PATIENCE {
		if told.contains(&holder.id()) && told.contains(&wanting.id()) {
			break;
		}
		tokio::time::sleep(PAUSE).await;
		told = aside.providers(&blob.root).await.unwrap();
	}
	assert!(told.contains(&holder.id()), "{told:?}");
	assert!(told.contains(&wanting.id()), "{told:?}");
	for peer in peers.iter().chain([&hub, &holder, &wanting]) {
		assert!(peer.network.faults().is_empty());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_gone_or_registered_no_longer_is_withdrawn() {
	let a = Peer::start().await;
	let ended = Arc::<Ended>::default();
	let through = NetworkConfig { bootstrap: a.addresses(), ..config() };
	let b = Peer::at(tempfile::tempdir().unwrap(), through, ended.clone()).await;
	let blobs = [MIB, MIB + 1, MIB + 2].map(|len| put(&b, len));
	let told = async |blob: &BlobRef, told: bool| {
		for _ in 0..PATIENCE {
			if b.network.providers(&blob.root).await.unwrap().contains(&b.id()) == told {
				return;
			}
			tokio::time::sleep(PAUSE).await;
		}
		panic!("never: {told}");
	};
	for blob in &blobs {
		b.network.provide(&blob.root).await.unwrap();
		told(blob, true).await;
	}
	let [removed, unregistered, stays] = blobs;
	b.store.remove(&removed.root).unwrap();
	ended.0.lock().unwrap().push(unregistered.root);
	told(&removed, false).await;
	told(&unregistered, false).await;
	told(&stays, true).await;
}

/// All blobs but those that the chain no longer knows.
#[derive(Default)]
struct Ended(Mutex<Vec<[u8; 32]>>);

impl Registered for Ended {
	fn registered(&self, root: &[u8; 32]) -> bool {
		!self.0.lock().unwrap().contains(root)
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_address_that_names_another_peer_is_told() {
	let (there, nowhere) = (Peer::start().await, PeerId::random());
	let named = PeerId::random();
	let wrong = there.network.listen_addrs().remove(0).with_p2p(named).unwrap();
	let gone = format!("/ip4/127.0.0.1/tcp/1/p2p/{nowhere}").parse().unwrap();
	let b = Peer::with(NetworkConfig { bootstrap: vec![wrong, gone], ..config() }).await;
	let blob = BlobRef::of(&bytes(MIB));
	let fetched = b.network.fetch(&blob, |_| {}).await;
	let text = fetched.as_ref().unwrap_err().to_string();
	let said = said(fetched);
	assert!(said.contains(&(named, Answer::OtherPeer(there.id()))), "{said:?}");
	let unreachable =
		|(peer, answer): &(PeerId, Answer)| *peer == nowhere && matches!(answer, Answer::Unreachable(_));
	assert!(said.iter().any(unreachable), "{said:?}");
	assert!(text.contains(&named.to_string()) && text.contains(&there.id().to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_everybody_refuses_is_not_asked_for_at_once_again() {
	let strict = Peer::at(tempfile::tempdir().unwrap(), config(), Arc::new(Nothing)).await;
	let (b, other) = (Peer::start().await, Peer::start().await);
	b.meet(&strict).await;
	let blob = put(&strict, MIB);
	let first = b.network.fetch_from(&blob, &[strict.id()], |_| {}).await;
	assert_eq!(said(first), [(strict.id(), Answer::Refused)]);
	// The same word at once: nothing is begun.
	let mut told = 0;
	let second = b.network.fetch_from(&blob, &[strict.id()], |_| told += 1).await;
	assert_eq!(said(second), [(strict.id(), Answer::Refused)]);
	assert_eq!(told, 0);
	// Somebody else is named, who has it.
	put(&other, MIB);
	b.meet(&other).await;
	b.network.fetch_from(&blob, &[strict.id(), other.id()], |_| {}).await.unwrap();
}

/// Whether blobs are registered, which changes.
struct Registry(AtomicBool);

impl Registered for Registry {
	fn registered(&self, _: &[u8; 32]) -> bool {
		self.0.load(Ordering::Relaxed)
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_asked_for_at_once_when_others_may_answer_otherwise() {
	let registry = Arc::new(Registry(AtomicBool::new(false)));
	let late = Peer::at(tempfile::tempdir().unwrap(), config(), registry.clone()).await;
	let b = Peer::start().await;
	b.meet(&late).await;
	let blob = put(&late, MIB);
	let refused = b.network.fetch_from(&blob, &[late.id()], |_| {}).await;
	assert_eq!(said(refused), [(late.id(), Answer::Refused)]);
	registry.0.store(true, Ordering::Relaxed);
	let still = b.network.fetch_from(&blob, &[late.id()], |_| {}).await;
	assert_eq!(said(still), [(late.id(), Answer::Refused)]);
	b.network.ask_again();
	b.network.fetch_from(&blob, &[late.id()], |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_too_long_is_not_asked_for() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let blob = put(&a, MIB);
	let want = Want { peers: vec![a.id()], limit: Some(blob.len - 1), ..Want::new(blob) };
	let fetched = b.network.obtain(&want, |_| {}).await;
	assert!(
		matches!(fetched, Err(FetchError::TooLong { limit, .. }) if limit == blob.len - 1),
		"{fetched:?}"
	);
	assert_eq!((b.network.stats().bytes_down, b.network.stats().peers), (0, 0));
	let enough = Want { limit: Some(blob.len), ..want };
	b.network.obtain(&enough, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_ends_with_the_last_who_wants_it() {
	let slow = Peer::with(NetworkConfig { upload_limit: 1 << 20, ..config() }).await;
	let b = Peer::start().await;
	b.meet(&slow).await;
	let blob = put(&slow, 64 * MIB);
	let (network, want) = (b.network.handle(), Want { peers: vec![slow.id()], ..Want::new(blob) });
	let spawn = |want: Want| {
		let network = network.clone();
		tokio::spawn(async move { network.obtain(&want, |_| {}).await })
	};
	let (one, two) = (spawn(want.clone()), spawn(Want { waits: true, ..want }));
	until("it has begun", || b.network.stats().bytes_down > 0).await;
	one.abort();
	assert!(one.await.unwrap_err().is_cancelled());
	let before = b.network.stats().bytes_down;
	until("it goes on for the other", || b.network.stats().bytes_down > before + MIB as u64).await;
	assert_eq!(b.network.stats().downloads, 1);
	two.abort();
	assert!(two.await.unwrap_err().is_cancelled());
	assert_eq!(b.network.stats().downloads, 0);
	// Whatever was under way has come to its end: another takes up the partial blob.
	until("nothing holds it any more", || b.store.partial(&blob).is_ok()).await;
	let after = b.network.stats().bytes_down;
	let (small, quick) = (put(&slow, MIB), slow.id());
	b.network.fetch_from(&small, &[quick], |_| {}).await.unwrap();
	let more = b.network.stats().bytes_down - after;
	assert!(more < small.len * 3 / 2, "{more} bytes more");
}
