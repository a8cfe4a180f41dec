//! This network, as a process that sends and one that receives.

use oda_blobs::{BlobRef, Store, parse_root};
use oda_network::{Identity, Network, NetworkConfig, Registered, parse_peer};
use std::sync::Arc;

struct All;

impl Registered for All {
	fn registered(&self, _: &[u8; 32]) -> bool {
		true
	}
}

async fn start(store: &str, listen: &[&str]) -> Network {
	let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
	let config = NetworkConfig { listen, mdns: false, ..Default::default() };
	let store = Store::open(store).unwrap();
	Network::start(config, Identity::ephemeral().unwrap(), store, Arc::new(All)).await.unwrap()
}

/// Prints how many addresses there are, and each; serves until it is killed.
#[tokio::main]
pub(crate) async fn serve(store: &str, transport: &str) {
	let (tcp, quic) = ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1");
	let listen = match transport {
		"tcp" => vec![tcp],
		"quic" => vec![quic],
		_ => vec![tcp, quic],
	};
	let network = start(store, &listen).await;
	let addresses = network.listen_addrs();
	println!("{}", addresses.len());
	addresses.iter().for_each(|address| println!("{address}/p2p/{}", network.peer_id()));
	std::future::pending().await
}

#[tokio::main]
pub(crate) async fn fetch(store: &str, root: &str, len: &str, peers: &[&str]) {
	let network = start(store, &[]).await;
	let mut sources = Vec::new();
	for peer in peers {
		let (peer, address) = parse_peer(peer).unwrap();
		network.add_address(peer, address).await.unwrap();
		sources.push(peer);
	}
	sources.dedup();
	let blob = BlobRef { root: parse_root(root).unwrap(), len: len.parse().unwrap() };
	let report = network.fetch_from(&blob, &sources, |progress| tracing::debug!(?progress)).await.unwrap();
	tracing::info!(?report);
}
