//! Honest peers.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod common;

use common::{All, Nothing, PATIENCE, PAUSE, Peer, bytes, config, put, start, until};
use oda_blobs::{BlobRef, BlobSource, GROUP_LEN};
use oda_network::{FetchError, FetchState, Identity, Network, NetworkConfig, NetworkError};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_goes_from_one_peer_to_another() {
	for transport in
		["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip6/::1/tcp/0", "/ip6/::1/udp/0/quic-v1"]
	{
		let here = || NetworkConfig { listen: vec![transport.parse().unwrap()], ..config() };
		let (a, b) = (Peer::with(here()).await, Peer::with(here()).await);
		b.meet(&a).await;
		for len in [0, 1, 16_384, 16_385, 5 * MIB + 7] {
			let blob = put(&a, len);
			let mut last = None;
			let report = b.network.fetch_from(&blob, &[a.id()], |p| last = Some(p.clone())).await.unwrap();
			assert_eq!(b.store.get(&blob).unwrap(), bytes(len));
			assert_eq!(last.unwrap().verified, blob.len);
			assert_eq!((report.resumed, report.faults), (0, vec![]));
			let again = b.network.fetch(&blob, |_| {}).await.unwrap();
			assert_eq!((again.resumed, again.sources), (blob.len, vec![]));
		}
		assert!(a.network.faults().is_empty() && b.network.faults().is_empty());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sources_share_the_work() {
	let mut sources = Vec::new();
	// Limits of the sources' own, so that none is done before the others begin.
	for _ in 0..3 {
		sources.push(Peer::with(NetworkConfig { upload_limit: 8 << 20, ..config() }).await);
	}
	let blob = BlobRef::of(&bytes(24 * MIB));
	sources.iter().for_each(|source| assert_eq!(put(source, 24 * MIB), blob));
	let b = Peer::start().await;
	let mut ids = Vec::new();
	for source in &sources {
		b.meet(source).await;
		ids.push(source.id());
	}
	let (mut together, began) = (None, || sources.iter().all(|source| source.network.stats().bytes_up > 0));
	let fetched = b.network.fetch_from(&blob, &ids, |progress| {
		if together.is_none() && began() {
			together = Some(progress.verified);
		}
	});
	let report = fetched.await.unwrap();
	assert_eq!(b.store.get(&blob).unwrap(), bytes(24 * MIB));
	assert_eq!(report.sources.len(), 3, "{report:?}");
	assert!(report.sources.iter().all(|(_, bytes)| *bytes >= 4 * MIB as u64), "{report:?}");
	// One after the other, the third would begin when two thirds are there.
	let together = together.expect("all sources have sent");
	assert!(together < blob.len / 2, "only {together} bytes after the start all sent at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fetches_a_blob_passes_on_what_it_has() {
	let seed = Peer::with(NetworkConfig { upload_limit: 4 << 20, ..config() }).await;
	let blob = put(&seed, 24 * MIB);
	let (first, second) = (Peer::start().await, Peer::start().await);
	first.meet(&seed).await;
	second.meet(&first).await;
	// Or it would find the source by itself.
	second.network.ban(seed.id());
	let (handle, id) = (first.network.handle(), seed.id());
	let fetching = tokio::spawn(async move { handle.fetch_from(&blob, &[id], |_| {}).await });
	until("the first has begun", || first.network.stats().bytes_down > 0).await;
	let (mut early, store, asked) = (0, first.store.clone(), [first.id()]);
	let fetched = second.network.fetch_from(&blob, &asked, |progress| {
		if !store.has(&blob).unwrap() {
			early = progress.verified;
		}
	});
	let report = fetched.await.unwrap();
	fetching.await.unwrap().unwrap();
	// How much depends on the machine's haste; who waits for all of it passes on nothing before.
	assert!(early > 0, "nothing before the first had all of it");
	assert!(matches!(report.sources[..], [(peer, _)] if peer == first.id()), "{report:?}");
	assert_eq!(second.store.get(&blob).unwrap(), bytes(24 * MIB));
	assert!(report.faults.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_fetch_the_same_take_it_from_each_other() {
	let seed = Peer::with(NetworkConfig { upload_limit: 8 << 20, ..config() }).await;
	let blob = put(&seed, 48 * MIB);
	let mut peers = Vec::new();
	for _ in 0..4 {
		let peer = Peer::start().await;
		peer.meet(&seed).await;
		for other in &peers {
			peer.meet(other).await;
		}
		peers.push(peer);
	}
	let everybody: Vec<_> = peers.iter().map(Peer::id).chain([seed.id()]).collect();
	let fetches = peers.iter().map(|peer| {
		let others: Vec<_> = everybody.iter().copied().filter(|id| *id != peer.id()).collect();
		async move { peer.network.fetch_from(&blob, &others, |_| {}).await.unwrap() }
	});
	for (report, peer) in futures::future::join_all(fetches).await.into_iter().zip(&peers) {
		assert!(report.sources.len() > 1, "{report:?}");
		assert!(report.faults.is_empty(), "{report:?}");
		assert_eq!(peer.store.get(&blob).unwrap(), bytes(48 * MIB));
	}
	let sent = seed.network.stats().bytes_up;
	assert!(sent < blob.len / 2 * 5, "the source sent {sent} bytes; alone, four take {}", 4 * blob.len);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bootstrap_address_is_enough() {
	let hub = Peer::start().await;
	let through = || NetworkConfig { bootstrap: hub.addresses(), ..config() };
	let base = tempfile::tempdir().unwrap();
	let blob = oda_blobs::Store::open(base.path()).unwrap().put(&bytes(3 * MIB)).unwrap();
	let a = Peer::at(base, through(), Arc::new(All)).await;
	until("A has met the hub", || a.network.stats().peers > 0).await;
	let c = Peer::with(through()).await;
	let report = c.network.fetch(&blob, |_| {}).await.unwrap();
	assert!(matches!(report.sources[..], [(peer, _)] if peer == a.id()), "{report:?}");
	assert_eq!(c.store.get(&blob).unwrap(), bytes(3 * MIB));
	// What was fetched is announced.
	let mut both = vec![a.id(), c.id()];
	both.sort_unstable();
	let mut found = Vec::new();
	for _ in 0..PATIENCE {
		found = hub.network.providers(&blob.root).await.unwrap();
		found.sort_unstable();
		if found == both {
			break;
		}
		tokio::time::sleep(PAUSE).await;
	}
	assert_eq!(found, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_does_not_know_is_neither_served_nor_fetched() {
	let base = tempfile::tempdir().unwrap();
	let strict = Peer::at(base, config(), Arc::new(Nothing)).await;
	let blob = put(&strict, MIB);
	let b = Peer::start().await;
	b.meet(&strict).await;
	let fetched = b.network.fetch_from(&blob, &[strict.id()], |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { verified: 0, .. })), "{fetched:?}");
	assert!(b.network.faults().is_empty());
	let other = BlobRef::of(b"other");
	assert!(matches!(strict.network.fetch(&other, |_| {}).await, Err(FetchError::NotRegistered(_))));
	assert!(matches!(strict.network.provide(&other.root).await, Err(NetworkError::NotRegistered(_))));
	let lax = NetworkConfig { allow_unregistered: true, ..config() };
	let lax = Peer::at(tempfile::tempdir().unwrap(), lax, Arc::new(Nothing)).await;
	let blob = put(&lax, MIB);
	b.meet(&lax).await;
	b.network.fetch_from(&blob, &[lax.id()], |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_nobody_has_is_waited_for_if_wanted() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let blob = BlobRef::of(&bytes(2 * MIB));
	let fetched = b.network.fetch_from(&blob, &[a.id()], |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { peers: 1, .. })), "{fetched:?}");
	let empty = BlobRef { len: 0, ..blob };
	assert!(matches!(b.network.fetch(&empty, |_| {}).await, Err(FetchError::NotEmpty(_))));
	let given_up = Notify::new();
	let waiting = async {
		let mut doings = Vec::new();
		let fetched = b.network.fetch_waiting(&blob, |progress| {
			if progress.doing == FetchState::NoSource {
				given_up.notify_one();
			}
			doings.push(progress.doing);
		});
		fetched.await.unwrap();
		doings.dedup();
		doings
	};
	let later = async {
		given_up.notified().await;
		put(&a, 2 * MIB);
		a.network.provide(&blob.root).await.unwrap();
	};
	let (doings, ()) = tokio::join!(waiting, later);
	assert_eq!(doings.iter().filter(|doing| **doing == FetchState::NoSource).count(), 1, "{doings:?}");
	assert!(b.store.has(&blob).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_the_same_blob_shares_one_download() {
	let a = Peer::with(NetworkConfig { upload_limit: 16 << 20, ..config() }).await;
	let b = Peer::start().await;
	b.meet(&a).await;
	let blob = put(&a, 8 * MIB);
	let ids = [a.id()];
	let one = b.network.fetch_from(&blob, &ids, |_| {});
	let two = b.network.fetch(&blob, |_| {});
	let three = b.network.fetch_waiting(&blob, |_| {});
	let (one, two, three) = tokio::join!(one, two, three);
	assert_eq!((&two.unwrap(), &three.unwrap()), (&one.as_ref().unwrap().clone(), &one.unwrap()));
	let up = a.network.stats().bytes_up;
	assert!(up < 9 * MIB as u64, "{up} bytes were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_dropped_goes_on_where_it_was() {
	// The first needs most of a minute, so that it is not done before it is dropped.
	let a = Peer::with(NetworkConfig { upload_limit: 1 << 20, ..config() }).await;
	let (b, quick) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	b.meet(&quick).await;
	let blob = put(&a, 48 * MIB);
	let (enough, ids) = (Notify::new(), [a.id()]);
	let fetch = b.network.fetch_from(&blob, &ids, |progress| {
		if progress.verified > 2 * MIB as u64 {
			enough.notify_one();
		}
	});
	tokio::select! {
		() = enough.notified() => {}
		done = fetch => panic!("done before it was dropped: {done:?}"),
	}
	assert!(!b.store.has(&blob).unwrap());
	put(&quick, 48 * MIB);
	let report = b.network.fetch_from(&blob, &[quick.id()], |_| {}).await.unwrap();
	assert!(report.resumed > MIB as u64, "{report:?}");
	let fetched: u64 = report.sources.iter().map(|(_, bytes)| bytes).sum();
	assert!(report.resumed + fetched < blob.len + 64 * GROUP_LEN, "{report:?}");
	assert_eq!(b.store.get(&blob).unwrap(), bytes(48 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_obeyed() {
	// Either way it takes a minute; what the limiter lets through is a matter of its own tests.
	let patient = || NetworkConfig { stall_seconds: 60, ..config() };
	let slow_source = Peer::with(NetworkConfig { upload_limit: 512 << 10, ..patient() }).await;
	let slow = Peer::with(NetworkConfig { download_limit: 512 << 10, ..patient() }).await;
	let (source, b, c) = (Peer::start().await, Peer::with(patient()).await, Peer::start().await);
	let blob = put(&source, 32 * MIB);
	put(&slow_source, 32 * MIB);
	b.meet(&slow_source).await;
	slow.meet(&source).await;
	c.meet(&source).await;
	let fetch = |peer: &Peer, from: &Peer| {
		let (network, from) = (peer.network.handle(), [from.id()]);
		tokio::spawn(async move { network.fetch_from(&blob, &from, |_| {}).await })
	};
	let limited = [fetch(&b, &slow_source), fetch(&slow, &source)];
	for peer in [&b, &slow] {
		until("what is limited has begun", || peer.network.stats().bytes_down > 0).await;
	}
	// What begins later and has no limit is done first.
	c.network.fetch_from(&blob, &[source.id()], |_| {}).await.unwrap();
	for (peer, fetch) in [&b, &slow].into_iter().zip(limited) {
		let got = peer.network.stats().bytes_down;
		assert!(got < blob.len / 2 && !fetch.is_finished(), "{got} of {} bytes", blob.len);
		fetch.abort();
	}
	// Two at once, and few: the others are told to come later, and do.
	let few = NetworkConfig { requests_per_peer: 1, requests_per_second: 20, ..config() };
	let few = Peer::with(few).await;
	let blob = put(&few, 20 * MIB);
	c.meet(&few).await;
	c.network.fetch_from(&blob, &[few.id()], |_| {}).await.unwrap();
	assert!(few.network.stats().turned_away > 0);
	assert!(few.network.faults().is_empty() && c.network.faults().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn key_and_addresses_survive_a_restart() {
	let a = Peer::start().await;
	let blob = put(&a, MIB);
	let base = tempfile::tempdir().unwrap();
	let network = start(base.path(), config(), Arc::new(All)).await;
	let id = network.peer_id();
	for address in a.network.listen_addrs() {
		network.add_address(a.id(), address).await.unwrap();
	}
	network.shutdown().await;
	// Nobody tells it where A is.
	let again = start(base.path(), config(), Arc::new(All)).await;
	assert_eq!(again.peer_id(), id);
	assert!(again.peers().iter().any(|peer| peer.peer == a.id() && !peer.addresses.is_empty()));
	again.fetch_from(&blob, &[a.id()], |_| {}).await.unwrap();
	// A command beside it reads what it knows, and leaves it alone.
	let before = std::fs::read(base.path().join("network/peers.json")).unwrap();
	let store = oda_blobs::Store::open(base.path()).unwrap();
	let beside =
		Network::start(config(), Identity::ephemeral().unwrap(), store, Arc::new(All)).await.unwrap();
	assert_ne!(beside.peer_id(), id);
	let other = put(&a, 2 * MIB);
	beside.fetch_from(&other, &[a.id()], |_| {}).await.unwrap();
	beside.shutdown().await;
	assert_eq!(std::fs::read(base.path().join("network/peers.json")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_ends_with_the_network() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let handle = b.network.handle();
	let blob = BlobRef::of(&bytes(MIB));
	let waiting = tokio::spawn({
		let handle = handle.clone();
		async move { handle.fetch_waiting(&blob, |_| {}).await }
	});
	tokio::time::sleep(Duration::from_millis(300)).await;
	drop(b);
	let ended =
		tokio::time::timeout(Duration::from_secs(600), waiting).await.expect("it never ends").unwrap();
	assert!(matches!(ended, Err(FetchError::ShutDown)), "{ended:?}");
	until("A sees that B is gone", || a.network.stats().peers == 0).await;
	assert!(matches!(handle.providers(&blob.root).await, Err(NetworkError::ShutDown)));
	assert!(matches!(handle.fetch(&blob, |_| {}).await, Err(FetchError::ShutDown)));
}

/// Files of a peer's folder that are open in this process although they have been deleted.
#[cfg(target_os = "linux")]
fn open_and_deleted(peer: &Peer) -> usize {
	let files = std::fs::read_dir("/proc/self/fd").unwrap();
	let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
	let deleted = |link: &std::path::PathBuf| link.to_string_lossy().ends_with(" (deleted)");
	links.filter(|link| link.starts_with(peer.base.path()) && deleted(link)).count()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_blob_s_files_are_closed_although_nobody_asks_for_others() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let blob = put(&a, MIB);
	b.network.fetch_from(&blob, &[a.id()], |_| {}).await.unwrap();
	assert!(a.store.remove(&blob.root).unwrap());
	assert_eq!(open_and_deleted(&a), 2, "the blob and its outboard, which are kept for who asks next");
	until("their room on disk is free", || open_and_deleted(&a) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_peer_is_kept_out() {
	let (a, b) = (Peer::start().await, Peer::start().await);
	b.meet(&a).await;
	let blob = put(&a, MIB);
	a.network.ban(b.id());
	let fetched = b.network.fetch_from(&blob, &[a.id()], |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { .. })), "{fetched:?}");
	a.network.unban(b.id());
	b.network.fetch_waiting(&blob, |_| {}).await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_listens_nowhere_serves_through_a_relay() {
	let relay = Peer::with(NetworkConfig { relay_server: true, ..config() }).await;
	let hidden = NetworkConfig { listen: vec![], relays: relay.addresses(), ..config() };
	let base = tempfile::tempdir().unwrap();
	let blob = oda_blobs::Store::open(base.path()).unwrap().put(&bytes(3 * MIB)).unwrap();
	let hidden = Peer::at(base, hidden, Arc::new(All)).await;
	until("a place at the relay", || !hidden.network.listen_addrs().is_empty()).await;
	let b = Peer::with(NetworkConfig { bootstrap: relay.addresses(), ..config() }).await;
	let report = b.network.fetch_waiting(&blob, |_| {}).await.unwrap();
	assert!(matches!(report.sources[..], [(peer, _)] if peer == hidden.id()), "{report:?}");
	assert_eq!(b.store.get(&blob).unwrap(), bytes(3 * MIB));
}
