//! Two processes with copies of one key.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod common;

use common::{All, Peer, config, start, until};
use oda_blobs::BlobRef;
use oda_network::{Identity, Multiaddr, Network, NetworkConfig, PeerId};
use std::{
	fs,
	io::Write,
	sync::{Arc, Mutex},
};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
	fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
		self.0.lock().unwrap().extend_from_slice(bytes);
		Ok(bytes.len())
	}

	fn flush(&mut self) -> std::io::Result<()> {
		Ok(())
	}
}

impl Log {
	/// How often a peer was said to have a namesake.
	fn warnings(&self, peer: PeerId) -> usize {
		let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
		let of = |line: &&str| line.contains("another process") && line.contains(&peer.to_string());
		text.lines().filter(of).count()
	}
}

/// Calls an address, again and again, as that of a peer that once was there.
async fn call(network: &Network, address: &Multiaddr) {
	let blob = BlobRef::of(b"which nobody has");
	for _ in 0..3 {
		let other = PeerId::random();
		network.add_address(other, address.clone()).await.unwrap();
		assert!(network.fetch_from(&blob, &[other], |_| {}).await.is_err());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_a_key_notice_each_other_and_who_calls_itself_is_no_copy() {
	let log = Log::default();
	let writer = log.clone();
	tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();

	let original = Peer::start().await;
	let base = tempfile::tempdir().unwrap();
	fs::create_dir(base.path().join("network")).unwrap();
	fs::copy(original.base.path().join("network/key"), base.path().join("network/key")).unwrap();
	let copy =
		start(base.path(), NetworkConfig { bootstrap: original.addresses(), ..config() }, Arc::new(All))
			.await;
	assert_eq!(copy.peer_id(), original.id());

	// One that calls itself by a name, as who is behind a router may call its public address.
	let base = tempfile::tempdir().unwrap();
	let id = Identity::open(base.path()).unwrap().peer_id();
	let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
	let disguised: Multiaddr = format!("/dns4/localhost/tcp/{port}").parse().unwrap();
	let single = NetworkConfig {
		listen: vec![format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()],
		bootstrap: vec![disguised.clone().with_p2p(id).unwrap()],
		..config()
	};
	let single = start(base.path(), single, Arc::new(All)).await;

	let there = original.network.listen_addrs().remove(0);
	tokio::join!(call(&copy, &there), call(&single, &disguised));
	until("both copies know of each other", || log.warnings(original.id()) == 2).await;
	assert_eq!(log.warnings(id), 0);
	copy.shutdown().await;
	single.shutdown().await;
}
