//! Many who hold all they can get, and an honest peer beside them.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod common;

use common::{
	Peer, bytes, config, put,
	stranger::{Manner, Stranger},
	until,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::identity::Keypair;
use oda_blobs::{BlobRef, BlobSource};
use oda_network::{
	NetworkConfig,
	protocol::{BLOBS, Request, Status},
};
use std::{
	sync::{
		Arc,
		atomic::{AtomicUsize, Ordering},
	},
	time::Duration,
};

const MIB: usize = 1 << 20;

/// Connections of an identity, as many as the server takes.
const CONNECTIONS: usize = 4;

/// Streams of a connection: a few less than it has.
const STREAMS: usize = 60;

/// An identity that asks for long slices on all the streams that there are, and reads none of them.
struct Hoarder {
	strangers: Vec<Stranger>,
	tasks: tokio::task::JoinSet<()>,
	/// Streams that were answered once, in whatever way.
	answered: Arc<AtomicUsize>,
}

impl Hoarder {
	async fn start(server: &Peer, blob: BlobRef) -> Self {
		let key = Keypair::generate_ed25519();
		let (mut strangers, mut tasks) = (Vec::new(), tokio::task::JoinSet::new());
		let answered = Arc::new(AtomicUsize::new(0));
		for _ in 0..CONNECTIONS {
			let stranger = Stranger::with_key(key.clone(), Manner::Honest(1), &server.store, &blob).await;
			stranger.dial(server.id(), server.network.listen_addrs().remove(0));
			for _ in 0..STREAMS {
				tasks.spawn(hoard(stranger.control.clone(), server.id(), blob, answered.clone()));
			}
			strangers.push(stranger);
		}
		Self { strangers, tasks, answered }
	}
}

/// Holds a stream for as long as the server lets it, over and over.
async fn hoard(
	mut control: libp2p_stream::Control,
	server: oda_network::PeerId,
	blob: BlobRef,
	answered: Arc<AtomicUsize>,
) {
	let mut first = true;
	loop {
		let held = async {
			let mut stream = control.open_stream(server, BLOBS).await.ok()?;
			stream.write_all(&Request::Get(blob, 0..256).encode()).await.ok()?;
			stream.flush().await.ok()?;
			let mut status = [0];
			let told = stream.read_exact(&mut status).await;
			if std::mem::take(&mut first) {
				answered.fetch_add(1, Ordering::Relaxed);
			}
			told.ok()?;
			if Status::decode(status[0]) == Some(Status::Have) {
				// The slice is on its way, and stays there.
				tokio::time::sleep(Duration::from_secs(20)).await;
			} else {
				let _ = stream.read_exact(&mut status).await;
			}
			Some(())
		};
		if held.await.is_none() {
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
	}
}

async fn served_beside_hoarders(identities: usize) {
	// All of this is at one address.
	let server = Peer::with(NetworkConfig { max_connections_per_address: 256, ..config() }).await;
	let blob = put(&server, 8 * MIB);
	let mut hoarders = Vec::new();
	for _ in 0..identities {
		hoarders.push(Hoarder::start(&server, blob).await);
	}
	for hoarder in &hoarders {
		let enough = || hoarder.answered.load(Ordering::Relaxed) >= CONNECTIONS * STREAMS;
		until("the hoarders hold what they get", enough).await;
	}
	let honest = Peer::start().await;
	honest.meet(&server).await;
	honest.network.fetch_from(&blob, &[server.id()], |_| {}).await.unwrap();
	assert!(honest.store.get(&blob).unwrap() == bytes(8 * MIB));
	assert!(server.network.stats().peers > identities, "the hoarders are still there");
	for hoarder in &mut hoarders {
		assert_eq!(hoarder.strangers.len(), CONNECTIONS);
		hoarder.tasks.abort_all();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_peer_is_served_beside_four_who_hold_all_they_can() {
	served_beside_hoarders(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_peer_is_served_beside_sixteen_who_hold_all_they_can() {
	served_beside_hoarders(16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_leaves_room_for_others_whatever_ids_it_has() {
	// Over QUIC, a peer calls from the very address at which it listens.
	let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"].map(|at| at.parse().unwrap());
	let limits = NetworkConfig {
		listen: listen.to_vec(),
		max_connections: 20,
		max_connections_per_address: 12,
		..config()
	};
	let server = Peer::with(limits).await;
	let blob = put(&server, MIB);
	let addresses = server.network.listen_addrs();
	let address = addresses.iter().find(|at| at.to_string().contains("tcp")).unwrap();
	let mut crowd = Vec::new();
	for _ in 0..40 {
		let stranger = Stranger::start(Manner::Honest(1), &server.store, &blob).await;
		stranger.dial(server.id(), address.clone());
		crowd.push(stranger);
	}
	until("some of the crowd are in", || server.network.stats().peers >= 12).await;
	let elsewhere =
		NetworkConfig { listen: vec!["/ip4/127.0.0.2/udp/0/quic-v1".parse().unwrap()], ..config() };
	let honest = Peer::with(elsewhere).await;
	honest.meet(&server).await;
	honest.network.fetch_from(&blob, &[server.id()], |_| {}).await.unwrap();
	assert_eq!(server.network.stats().peers, 13);
}
