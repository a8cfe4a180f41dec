//! Hostile peers, and a downloader that is killed.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod common;

use common::raw::{DATA, End, PING, RST, Raw, SYN, WINDOW, frame};
use common::stranger::{Manner, Stranger};
use common::{All, Peer, bytes, config, put, start, until};
use oda_blobs::{BlobRef, BlobSource, Store, group_count};
use oda_network::{
	Fault, FetchError, Multiaddr, Network, NetworkConfig, PeerId, parse_peer, protocol::Request,
};
use std::{
	fs,
	path::Path,
	process::{Child, Command, Stdio},
	sync::Arc,
	time::{Duration, Instant},
};

const MIB: usize = 1 << 20;

/// Names the directory of the downloader, in its process.
const CHILD: &str = "ODA_NETWORK_TEST_CHILD";

/// What the downloader's process fetches: length, root, and then addresses.
const TASK: &str = "ODA_NETWORK_TEST_TASK";

/// Names the directory of the server, in its process.
const SERVER: &str = "ODA_NETWORK_TEST_SERVER";

/// How often the downloader is killed; more for a longer test.
const KILLS: &str = "ODA_NETWORK_TEST_KILLS";

/// Writes where a network in a process of its own listens.
fn tell_address(base: &Path, network: &Network) {
	let me = network.listen_addrs().remove(0).with_p2p(network.peer_id()).unwrap();
	fs::write(base.join("address.new"), me.to_string()).unwrap();
	fs::rename(base.join("address.new"), base.join("address")).unwrap();
}

/// Not a test by itself: the server. Serves until it is told to stop.
#[tokio::test(flavor = "multi_thread")]
async fn server() {
	let Some(base) = std::env::var_os(SERVER) else { return };
	let base = Path::new(&base);
	let network = start(base, NetworkConfig { upload_limit: 8 << 20, ..config() }, Arc::new(All)).await;
	tell_address(base, &network);
	until("it is told to stop", || base.join("stop").exists()).await;
	network.shutdown().await;
}

/// A server in a process of its own, whose memory can be told from that of its peers.
struct Server {
	base: tempfile::TempDir,
	child: Child,
	blob: BlobRef,
	id: PeerId,
	address: Multiaddr,
}

impl Server {
	async fn start() -> Self {
		let base = tempfile::tempdir().unwrap();
		let blob = Store::open(base.path()).unwrap().put(&bytes(16 * MIB)).unwrap();
		let child = Command::new(std::env::current_exe().unwrap())
			.args(["server", "--exact", "--nocapture"])
			.env(SERVER, base.path())
			.stdout(Stdio::null())
			.spawn()
			.unwrap();
		until("the server listens", || base.path().join("address").exists()).await;
		let (id, address) = parse_peer(&fs::read_to_string(base.path().join("address")).unwrap()).unwrap();
		Self { base, child, blob, id, address }
	}

	/// A line of what the system says of its memory, in KiB: `VmRSS`, now, or `VmHWM`, the most.
	fn memory(&self, line: &str) -> u64 {
		let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
		let value = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')).unwrap();
		value.trim().trim_end_matches(" kB").parse().unwrap()
	}

	/// Lets hostile peers do their worst while an honest one downloads, and looks that the memory stays.
	async fn withstands<F: Future<Output = End>>(mut self, what: &str, attack: impl FnOnce(Raw) -> F) -> End {
		let honest = Peer::start().await;
		honest.network.add_address(self.id, self.address.clone()).await.unwrap();
		// Everything is in place that a download takes.
		honest.network.fetch_from(&self.blob, &[self.id], |_| {}).await.unwrap();
		let another = Peer::start().await;
		another.network.add_address(self.id, self.address.clone()).await.unwrap();
		let before = self.memory("VmRSS");
		let hostile = Raw::call(self.address.clone()).await;
		let sources = [self.id];
		let download = another.network.fetch_from(&self.blob, &sources, |_| {});
		let (end, report) = tokio::join!(attack(hostile), download);
		let (grown, most) = (self.memory("VmHWM").saturating_sub(before), self.memory("VmHWM"));
		println!("{what}: {end:?}, grown by {} MiB to {} MiB", grown / 1024, most / 1024);
		report.unwrap();
		assert!(another.store.get(&self.blob).unwrap() == bytes(16 * MIB));
		fs::write(self.base.path().join("stop"), "").unwrap();
		assert!(tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap().success());
		assert!(grown < 32 * 1024, "{what}: grown by {grown} KiB");
		end
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pings_and_never_reads_costs_no_memory_and_is_cut() {
	let server = Server::start().await;
	let attack = |mut raw: Raw| async move { raw.flood(&frame(PING, SYN, 0, 7), 4_000_000).await };
	assert_eq!(server.withstands("pings", attack).await, End::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_with_window_updates_is_cut() {
	let server = Server::start().await;
	let attack = |mut raw: Raw| async move {
		raw.send(&frame(WINDOW, SYN, 1, 0)).await;
		raw.flood(&frame(WINDOW, 0, 1, 0), 4_000_000).await
	};
	assert_eq!(server.withstands("window updates", attack).await, End::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_ever_more_streams_costs_no_memory_and_is_cut() {
	let server = Server::start().await;
	let attack = |mut raw: Raw| async move {
		for first in (1..4_000_000).step_by(8_000) {
			let many: Vec<u8> =
				(first..first + 8_000).step_by(2).flat_map(|id| frame(WINDOW, SYN, id, 0)).collect();
			let end = raw.send(&many).await;
			if end != End::Taken {
				return end;
			}
		}
		End::Taken
	};
	assert_eq!(server.withstands("streams", attack).await, End::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_and_resets_streams_over_and_over_is_cut() {
	let server = Server::start().await;
	let attack = |mut raw: Raw| async move {
		let once = [frame(WINDOW, SYN, 1, 0), frame(WINDOW, RST, 1, 0)].concat();
		let again = [frame(WINDOW, SYN, 3, 0), frame(WINDOW, RST, 3, 0)].concat();
		raw.send(&once).await;
		raw.flood(&again, 2_000_000).await
	};
	assert_eq!(server.withstands("streams that are reset", attack).await, End::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_byte_at_a_time_costs_no_memory_and_is_cut() {
	let server = Server::start().await;
	let attack = |mut raw: Raw| async move {
		let streams = (0..32).map(|n| 2 * n + 1);
		raw.send(&streams.clone().flat_map(|id| frame(WINDOW, SYN, id, 0)).collect::<Vec<_>>()).await;
		let bytes: Vec<u8> = streams.flat_map(|id| [frame(DATA, 0, id, 1), vec![7]].concat()).collect();
		// Less than the window of each.
		raw.flood(&bytes, 200_000).await
	};
	assert_eq!(server.withstands("single bytes", attack).await, End::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_more_credit_than_there_is_is_cut() {
	// A stream that is opened with too much, one that is given too much later, and a stream that is nobody's to open.
	let opened = frame(WINDOW, SYN, 1, u32::MAX);
	let later = [frame(WINDOW, SYN, 1, 0), frame(WINDOW, 0, 1, u32::MAX)].concat();
	let wrong = frame(WINDOW, SYN, 2, 0);
	for (what, bytes) in [("at once", opened), ("later", later), ("on a wrong stream", wrong)] {
		let a = Peer::start().await;
		let mut raw = Raw::call(a.network.listen_addrs().remove(0)).await;
		let id = raw.id;
		let connected = || a.network.peers().iter().any(|peer| peer.peer == id && peer.connected);
		until("the hostile peer is connected", connected).await;
		raw.send(&bytes).await;
		until(&format!("credit {what}: the hostile peer is cut"), || !connected()).await;
		let blob = put(&a, MIB);
		let b = Peer::start().await;
		b.meet(&a).await;
		b.network.fetch_from(&blob, &[a.id()], |_| {}).await.unwrap();
	}
}

/// Starts a downloader in a process of its own.
fn downloader(base: &Path, blob: &BlobRef, addresses: &[Multiaddr]) -> Child {
	let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
	Command::new(std::env::current_exe().unwrap())
		.args(["fetcher", "--exact", "--nocapture"])
		.env(CHILD, base)
		.env(TASK, format!("{} {} {}", blob.len, hex::encode(blob.root), addresses.join(" ")))
		.stdout(Stdio::null())
		.spawn()
		.unwrap()
}

/// Not a test by itself: the downloader. Writes where it listens, and when all is here, its peak memory and the
/// faults that it found.
#[tokio::test(flavor = "multi_thread")]
async fn fetcher() {
	let (Some(base), Ok(task)) = (std::env::var_os(CHILD), std::env::var(TASK)) else { return };
	let base = Path::new(&base);
	let mut words = task.split(' ');
	let len = words.next().unwrap().parse().unwrap();
	let blob = BlobRef { root: oda_blobs::parse_root(words.next().unwrap()).unwrap(), len };
	let config = NetworkConfig { requests_per_second: 50, flood: 100, ..config() };
	let network = start(base, config, Arc::new(All)).await;
	let mut peers = Vec::new();
	for word in words {
		let (peer, address) = parse_peer(word).unwrap();
		network.add_address(peer, address).await.unwrap();
		peers.push(peer);
	}
	tell_address(base, &network);
	network.fetch_from(&blob, &peers, |_| {}).await.unwrap();
	let status = fs::read_to_string("/proc/self/status").unwrap();
	let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
	let peak = peak.trim().trim_end_matches(" kB");
	fs::write(base.join("done.new"), peak).unwrap();
	fs::rename(base.join("done.new"), base.join("done")).unwrap();
	// Whoever floods may take a little longer to be found out.
	for _ in 0..500 {
		if network.faults().iter().any(|(_, record)| record.fault == Fault::Flooding) {
			break;
		}
		if !base.join("flooded").exists() {
			break;
		}
		tokio::time::sleep(Duration::from_millis(20)).await;
	}
	network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hostile_peers_delay_a_download_but_do_not_spoil_it() {
	let limited = || NetworkConfig { upload_limit: 8 << 20, ..config() };
	let (a, b) = (Peer::with(limited()).await, Peer::with(limited()).await);
	let blob = put(&a, 64 * MIB);
	put(&b, 64 * MIB);
	let store = a.store.clone();
	let mut strangers = Vec::new();
	for manner in [Manner::Forges, Manner::Stalls, Manner::Lies, Manner::Breaks, Manner::Honest(4)] {
		strangers.push(Stranger::start(manner, &store, &blob).await);
	}
	let base = tempfile::tempdir().unwrap();
	let mut addresses: Vec<_> = strangers.iter().map(|s| s.address.clone().with_p2p(s.id).unwrap()).collect();
	addresses.extend(a.addresses().into_iter().chain(b.addresses()));
	fs::write(base.path().join("flooded"), "").unwrap();
	let mut child = downloader(base.path(), &blob, &addresses);
	until("the downloader listens", || base.path().join("address").exists()).await;
	let (victim, at) = parse_peer(&fs::read_to_string(base.path().join("address")).unwrap()).unwrap();
	let flooder = &strangers[4];
	flooder.dial(victim, at);
	let started = Instant::now();
	let request = Request::Have(blob).encode();
	while child.try_wait().unwrap().is_none() {
		assert!(started.elapsed() < Duration::from_secs(600), "the download does not end");
		flooder.flood(victim, request).await;
	}
	let peak: u64 = fs::read_to_string(base.path().join("done")).unwrap().parse().unwrap();
	println!("peak memory: {} MiB", peak / 1024);
	assert!(peak < 150 * 1024, "{peak} KiB of memory");
	let here = Store::open(base.path()).unwrap();
	assert!(here.get(&blob).unwrap() == bytes(64 * MIB));
	// What the next start of the downloader knows.
	let network = start(base.path(), config(), Arc::new(All)).await;
	let faults = network.faults();
	let of = |peer: PeerId| -> Vec<_> {
		faults.iter().filter(|(p, _)| *p == peer).map(|(_, record)| record.fault).collect()
	};
	// Who has not what it said it had may have a damaged disk: it is left, and not blamed.
	let expected = [
		Some(Fault::WrongBytes),
		Some(Fault::Stalled),
		None,
		Some(Fault::Disconnected),
		Some(Fault::Flooding),
	];
	for (stranger, fault) in strangers.iter().zip(expected) {
		assert_eq!(of(stranger.id).first().copied(), fault, "{faults:?}");
	}
	assert_eq!((of(a.id()), of(b.id())), (vec![], vec![]));
	let banned: Vec<_> = network.peers().into_iter().filter(|p| p.ban.is_some()).map(|p| p.peer).collect();
	assert!(banned.contains(&strangers[0].id) && banned.contains(&flooder.id), "{banned:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sent_wrong_bytes_is_not_asked_again() {
	let a = Peer::start().await;
	let blob = put(&a, 4 * MIB);
	let forger = Stranger::start(Manner::Forges, &a.store, &blob).await;
	let b = Peer::start().await;
	b.network.add_address(forger.id, forger.address.clone()).await.unwrap();
	let fetched = b.network.fetch_from(&blob, &[forger.id], |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { verified, .. }) if verified > 0), "{fetched:?}");
	assert!(!b.store.has(&blob).unwrap());
	let asked = forger.asked.lock().unwrap().len();
	b.meet(&a).await;
	let report = b.network.fetch_from(&blob, &[forger.id, a.id()], |_| {}).await.unwrap();
	assert!(report.resumed > 0, "what was right before the wrong byte is kept");
	assert!(matches!(report.sources[..], [(peer, _)] if peer == a.id()), "{report:?}");
	assert_eq!(forger.asked.lock().unwrap().len(), asked);
	// One group of 16 KiB at most, for each request under way.
	assert!(b.network.stats().bytes_wasted <= 8 * (16 << 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_honest_peer_is_not_at_fault() {
	let a = Peer::start().await;
	let blob = put(&a, MIB / 2);
	// 64 KiB a second and request: a group takes a quarter of a second.
	let slow = Stranger::start(Manner::Honest(64), &a.store, &blob).await;
	let b = Peer::start().await;
	b.network.add_address(slow.id, slow.address.clone()).await.unwrap();
	b.network.fetch_from(&blob, &[slow.id], |_| {}).await.unwrap();
	assert!(b.network.faults().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_told_apart() {
	let a = Peer::start().await;
	let blob = put(&a, MIB);
	let babbler = Stranger::start(Manner::Babbles, &a.store, &blob).await;
	let b = Peer::start().await;
	b.network.add_address(babbler.id, babbler.address.clone()).await.unwrap();
	let fetched = b.network.fetch_from(&blob, &[babbler.id], |_| {}).await;
	assert!(matches!(fetched, Err(FetchError::NoSource { .. })), "{fetched:?}");
	let faults = |b: &Peer, id| -> Vec<_> {
		b.network.faults().into_iter().filter(|(p, _)| *p == id).map(|(_, record)| record.fault).collect()
	};
	assert_eq!(faults(&b, babbler.id), [Fault::Malformed]);
	// And garbage for a request, over and over.
	let noisy = Stranger::start(Manner::Lies, &a.store, &blob).await;
	noisy.dial(b.id(), b.network.listen_addrs().remove(0));
	until("the noisy one is connected", || b.network.stats().peers > 1).await;
	// Streams that come all at once may be dropped unread.
	for _ in 0..40 {
		noisy.flood(b.id(), [0xff; 53]).await;
		if faults(&b, noisy.id).contains(&Fault::Flooding) {
			break;
		}
	}
	until("flooding is noticed", || faults(&b, noisy.id).contains(&Fault::Flooding)).await;
	assert_eq!(faults(&b, noisy.id)[0], Fault::Malformed);
	until("the noisy one is thrown out", || {
		!b.network.peers().iter().any(|peer| peer.peer == noisy.id && peer.connected)
	})
	.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_downloader_fetches_nothing_twice_that_it_had() {
	let kills: u64 = std::env::var(KILLS).map_or(5, |kills| kills.parse().unwrap());
	let source = tempfile::tempdir().unwrap();
	let source = Store::open(source.path()).unwrap();
	let len = (kills as usize * 5 + 15) * MIB + 12_345;
	let blob = source.put(&bytes(len)).unwrap();
	// Slow enough that it is not done before it is killed.
	let stranger = Stranger::start(Manner::Honest(2048), &source, &blob).await;
	let address = stranger.address.clone().with_p2p(stranger.id).unwrap();
	let base = tempfile::tempdir().unwrap();
	let here = Store::open(base.path()).unwrap();
	let mut seed = std::process::id() as u64;
	let (mut before, mut resumed) = (0, 0);
	for round in 0..=kills {
		// What is on disk and verified as the downloader starts.
		let missing = here.partial(&blob).unwrap().missing();
		resumed = group_count(blob.len) - missing.count();
		assert!(resumed >= before, "nothing that was there is lost");
		before = resumed;
		stranger.asked.lock().unwrap().clear();
		let mut child = downloader(base.path(), &blob, std::slice::from_ref(&address));
		if round < kills {
			until("the downloader asks", || !stranger.asked.lock().unwrap().is_empty()).await;
			seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			tokio::time::sleep(Duration::from_millis(100 + (seed >> 33) % 400)).await;
			child.kill().unwrap();
			child.wait().unwrap();
			assert!(here.list().unwrap().is_empty(), "nothing is visible before it is whole");
		} else {
			let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
			assert!(ended.success());
		}
		let asked = stranger.asked.lock().unwrap().clone();
		for range in &asked {
			let known = missing.iter().any(|m| m.start <= range.start && range.end <= m.end);
			assert!(known, "round {round}: {range:?} was on disk already: {missing:?}");
		}
		if round == kills {
			let groups: u64 = asked.iter().map(|range| range.end - range.start).sum();
			assert_eq!(groups, missing.count(), "what was missing is fetched once");
		}
	}
	assert!(resumed > 0, "the killed downloaders left something");
	assert!(here.get(&blob).unwrap() == bytes(len));
	assert_eq!(here.list().unwrap(), [blob]);
	assert_eq!(fs::read_dir(here.dir().join("partial")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_fetch_a_blob_once() {
	let a = Peer::with(NetworkConfig { upload_limit: 8 << 20, ..config() }).await;
	let blob = put(&a, 16 * MIB);
	let base = tempfile::tempdir().unwrap();
	let child = downloader(base.path(), &blob, &a.addresses());
	until("the other process fetches", || a.network.stats().bytes_up > 0).await;
	let network = start(base.path(), config(), Arc::new(All)).await;
	let mut elsewhere = false;
	let fetch = network.fetch(&blob, |p| elsewhere |= p.doing == oda_network::FetchState::Elsewhere);
	let report = fetch.await.unwrap();
	assert!(elsewhere && report.sources.is_empty(), "{report:?}");
	assert!(network.store().get(&blob).unwrap() == bytes(16 * MIB));
	let ended = tokio::task::spawn_blocking(move || {
		let mut child = child;
		child.wait().unwrap()
	})
	.await
	.unwrap();
	assert!(ended.success());
	assert!(a.network.stats().bytes_up < 17 * MIB as u64);
}
