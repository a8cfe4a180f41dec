//! Addresses that cannot be listened on, and relays that have no place.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod common;

use common::{All, Peer, config, put, relay::Relay, until};
use oda_blobs::Store;
use oda_network::{Identity, Network, NetworkConfig, NetworkError};
use std::sync::{Arc, atomic::Ordering};

/// Addresses of documentation, which no machine has.
const NOWHERE: [&str; 3] = ["/ip4/192.0.2.1/tcp/0", "/ip6/2001:db8::1/tcp/0", "/ip4/192.0.2.1/udp/0/quic-v1"];

fn listening(addresses: &[&str]) -> NetworkConfig {
	NetworkConfig { listen: addresses.iter().map(|at| at.parse().unwrap()).collect(), ..config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listened_on_keeps_nothing_else_from_working() {
	let [first, second, third] = NOWHERE;
	let a = Peer::with(listening(&[first, second, "/ip4/127.0.0.1/tcp/0", third])).await;
	assert_eq!(a.network.listen_addrs().len(), 1);
	let blob = put(&a, 1 << 20);
	let b = Peer::start().await;
	b.meet(&a).await;
	b.network.fetch_from(&blob, &[a.id()], |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_listen_nowhere_does_not_start() {
	let base = tempfile::tempdir().unwrap();
	let (identity, store) = (Identity::open(base.path()).unwrap(), Store::open(base.path()).unwrap());
	let started = Network::start(listening(&NOWHERE), identity, store, Arc::new(All)).await;
	assert!(matches!(started.err(), Some(NetworkError::Listen { address, .. }) if address == NOWHERE[0]));
}

/// Whether a peer can be reached through a relay.
fn relayed(peer: &Peer) -> bool {
	peer.network.listen_addrs().iter().any(|at| at.to_string().contains("p2p-circuit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_had_no_place_is_asked_again() {
	let relay = Relay::start(1).await;
	let through = || NetworkConfig { relays: vec![relay.address.clone()], ..config() };
	let first = Peer::with(through()).await;
	until("the first has the place", || relayed(&first)).await;
	let second = Peer::with(through()).await;
	until("the second is refused", || relay.refused.load(Ordering::Relaxed) > 0).await;
	assert!(!relayed(&second));
	first.network.shutdown().await;
	until("the second has the place", || relayed(&second)).await;
}
